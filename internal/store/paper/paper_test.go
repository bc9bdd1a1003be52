package paper

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
)

var start = time.Date(2026, 11, 22, 4, 9, 0, 0, time.UTC)

// each runs a test over every engine, which has one client "a" of revision 1, body "old".
func each(t *testing.T, check func(t *testing.T, p *Store, under store.Store)) {
	now := func() time.Time { return start }
	for name, open := range map[string]func(t *testing.T) store.Store{
		"memory": func(*testing.T) store.Store { return memory.New(now) },
		"sqlite": func(t *testing.T) store.Store {
			s, err := sqlite.Open(sqlite.Options{Path: filepath.Join(t.TempDir(), "s.db"), Now: now, Create: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			under := open(t)
			must(t, under.Put(t.Context(), client("a", 0, "old")))
			before := dump(t, under)
			check(t, New(under, now), under)
			if diff := cmp.Diff(before, dump(t, under)); diff != "" {
				t.Errorf("something was written underneath:\n%s", diff)
			}
		})
	}
}

func client(id string, rev uint64, body string) store.Record {
	return store.Record{Tenant: "acme", Kind: store.Client, ID: id, Rev: rev, Body: []byte(body)}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func dump(t *testing.T, s store.Store) (all []store.Record) {
	t.Helper()
	for _, kind := range store.Kinds {
		page, err := s.List(t.Context(), store.Query{Tenant: "acme", Kind: kind})
		must(t, err)
		all = append(all, page...)
	}
	return all
}

// wants fails unless a record has this body and revision; revision 0: unless there is none.
func wants(t *testing.T, s store.Store, id, body string, rev uint64) {
	t.Helper()
	r, err := s.Get(t.Context(), "acme", store.Client, id)
	if rev == 0 {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %+v, %v", id, r, err)
		}
		return
	}
	if err != nil || string(r.Body) != body || r.Rev != rev {
		t.Errorf("%s: %+v, %v; want %q of revision %d", id, r, err, body, rev)
	}
}

func TestWhatIsWrittenIsReadAgainAndNothingIsWrittenUnderneath(t *testing.T) {
	each(t, func(t *testing.T, p *Store, under store.Store) {
		wants(t, p, "a", "old", 1)
		wants(t, p, "b", "", 0)
		must(t, p.Put(t.Context(), client("a", 1, "new"), client("b", 0, "first")))
		wants(t, p, "a", "new", 2)
		wants(t, p, "b", "first", 1)
		must(t, p.Put(t.Context(), client("b", 1, "second")))
		wants(t, p, "b", "second", 2)
		must(t, p.Delete(t.Context(), "acme", store.Client, "a", "b", "nobody"))
		wants(t, p, "a", "", 0)
		wants(t, p, "b", "", 0)
		must(t, p.Put(t.Context(), client("a", 0, "again")))
		wants(t, p, "a", "again", 1)
		if n, err := p.Sweep(t.Context(), start.Add(time.Hour), 0); n != 0 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
		wants(t, under, "a", "old", 1)
		wants(t, under, "b", "", 0)
	})
}

func TestAPutIsAllOrNoneByTheRevisionsThatWereRead(t *testing.T) {
	each(t, func(t *testing.T, p *Store, _ store.Store) {
		must(t, p.Put(t.Context(), client("b", 0, "first")))
		for name, records := range map[string][]store.Record{
			"it is there underneath":    {client("c", 0, "x"), client("a", 0, "x")},
			"it is newer underneath":    {client("c", 0, "x"), client("a", 7, "x")},
			"it was written here":       {client("c", 0, "x"), client("b", 0, "x")},
			"it is nowhere":             {client("c", 0, "x"), client("d", 1, "x")},
			"it is named twice":         {client("c", 0, "x"), client("c", 0, "y")},
			"it is another's revision":  {client("c", 0, "x"), client("b", 2, "x")},
			"the first of two is wrong": {client("a", 2, "x"), client("c", 0, "x")},
		} {
			if err := p.Put(t.Context(), records...); !errors.Is(err, store.ErrConflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := p.Put(t.Context(), client("c", 0, "x"), store.Record{Kind: "nonsense", ID: "x"}); err == nil || errors.Is(err, store.ErrConflict) {
			t.Errorf("what no engine keeps: %v", err)
		}
		wants(t, p, "a", "old", 1)
		wants(t, p, "b", "first", 1)
		wants(t, p, "c", "", 0)
	})
}

func TestWhatSomebodyElseWritesUnderneathIsSeenUntilItIsWrittenHere(t *testing.T) {
	under := memory.New(func() time.Time { return start })
	p := New(under, func() time.Time { return start })
	must(t, under.Put(t.Context(), client("a", 0, "old")))
	wants(t, p, "a", "old", 1)
	must(t, under.Put(t.Context(), client("a", 1, "newer")))
	if err := p.Put(t.Context(), client("a", 1, "mine")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("over what somebody else wrote: %v", err)
	}
	must(t, p.Put(t.Context(), client("a", 2, "mine")))
	wants(t, p, "a", "mine", 3)
}

func TestWhatHasExpiredIsNotThere(t *testing.T) {
	at := start
	p := New(memory.New(func() time.Time { return at }), func() time.Time { return at })
	r := client("a", 0, "x")
	r.Expires = start.Add(time.Minute)
	must(t, p.Put(t.Context(), r))
	wants(t, p, "a", "x", 1)
	at = start.Add(time.Minute)
	wants(t, p, "a", "", 0)
	must(t, p.Put(t.Context(), client("a", 0, "y")))
	wants(t, p, "a", "y", 1)
}

func TestNoBodyIsShared(t *testing.T) {
	each(t, func(t *testing.T, p *Store, _ store.Store) {
		r := client("b", 0, "first")
		must(t, p.Put(t.Context(), r))
		r.Body[0] = 'X'
		got, err := p.Get(t.Context(), "acme", store.Client, "b")
		must(t, err)
		got.Body[0] = 'Y'
		wants(t, p, "b", "first", 1)
	})
}

func TestAContextThatIsOverDoesNothing(t *testing.T) {
	each(t, func(t *testing.T, p *Store, _ store.Store) {
		must(t, p.Put(t.Context(), client("b", 0, "first")))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, get := p.Get(ctx, "acme", store.Client, "b")
		for what, err := range map[string]error{"get": get, "put": p.Put(ctx, client("b", 1, "x")), "put what is new": p.Put(ctx, client("c", 0, "x")),
			"delete": p.Delete(ctx, "acme", store.Client, "b")} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", what, err)
			}
		}
		wants(t, p, "b", "first", 1)
		wants(t, p, "c", "", 0)
	})
}

// broken is a store that fails.
type broken struct{ store.Store }

var errDisk = errors.New("the disk is gone")

func (broken) Get(context.Context, string, store.Kind, string) (store.Record, error) {
	return store.Record{}, errDisk
}

func TestAStoreThatFailsIsNoMissingRecord(t *testing.T) {
	p := New(broken{}, func() time.Time { return start })
	if err := p.Put(t.Context(), client("a", 0, "x")); !errors.Is(err, errDisk) {
		t.Errorf("put: %v", err)
	}
	if _, err := p.Get(t.Context(), "acme", store.Client, "a"); !errors.Is(err, errDisk) {
		t.Errorf("get: %v", err)
	}
}

func TestOfManyWritersOneWins(t *testing.T) {
	each(t, func(t *testing.T, p *Store, _ store.Store) {
		var all sync.WaitGroup
		won := make(chan string, 20)
		for i := range 20 {
			all.Go(func() {
				if body := fmt.Sprint(i); p.Put(t.Context(), client("a", 1, body)) == nil {
					won <- body
				}
			})
		}
		all.Wait()
		if len(won) != 1 {
			t.Fatalf("%d have won", len(won))
		}
		wants(t, p, "a", <-won, 2)
	})
}
