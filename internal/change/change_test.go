package change

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
)

// clock goes with the real time, and ahead of it by as much as a test says.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// listener writes down what it hears, and can be made deaf.
type listener struct {
	mu     sync.Mutex
	heard  []string
	missed int
	deaf   func(id string) error
}

func (l *listener) ear() Ear {
	return Ear{
		Heard: func(_ context.Context, kind store.Kind, tenant, id string) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.deaf != nil {
				if err := l.deaf(id); err != nil {
					return err
				}
			}
			l.heard = append(l.heard, fmt.Sprintf("%s/%s/%s", tenant, kind, id))
			return nil
		},
		Missed: func(context.Context) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.missed++
			return nil
		},
	}
}

func (l *listener) all() ([]string, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.heard), l.missed
}

func follow(t *testing.T, s store.Store, now func() time.Time, ear Ear) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { Follow(ctx, s, now, ear) })
	t.Cleanup(func() { cancel(); done.Wait() })
}

func within(t *testing.T, limit time.Duration, what string, happened func() bool) {
	t.Helper()
	for began := time.Now(); !happened(); time.Sleep(2 * time.Millisecond) {
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

func change(t *testing.T, s store.Store, now time.Time, id string) {
	t.Helper()
	rec := store.Record{Tenant: "acme", Kind: store.Client, ID: id, Body: []byte("{}")}
	if err := s.Put(t.Context(), rec, Note(rec, now)); err != nil {
		t.Fatal(err)
	}
}

func TestD4_a_change_is_told_to_every_process_within_a_second_and_once(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokenbooth.db")
	open := func() store.Store {
		s, err := sqlite.Open(sqlite.Options{Path: path, Now: time.Now, Create: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	var ears [3]listener
	for i := range ears {
		follow(t, open(), time.Now, ears[i].ear())
	}
	writer := open()
	for i := range 5 {
		id := fmt.Sprint("client-", i)
		change(t, writer, time.Now(), id)
		for e := range ears {
			within(t, time.Second, "all processes are told", func() bool { heard, _ := ears[e].all(); return slices.Contains(heard, "acme/client/"+id) })
		}
	}
	time.Sleep(3 * Every) // in which the looks go back over the same notes
	for i := range ears {
		if heard, missed := ears[i].all(); len(heard) != 5 || missed != 0 {
			t.Errorf("process %d was told %v, and that it missed something %d times", i, heard, missed)
		}
	}
}

func TestWhatCannotBeHeardIsToldAgainAndHoldsUpNothing(t *testing.T) {
	t.Parallel()
	c := &clock{}
	s := memory.New(c.now)
	var broken atomic.Bool
	broken.Store(true)
	l := &listener{deaf: func(id string) error {
		if id == "first" && broken.Load() {
			return errors.New("the disk is gone")
		}
		return nil
	}}
	follow(t, s, c.now, l.ear())
	change(t, s, c.now(), "first")
	change(t, s, c.now().Add(time.Millisecond), "second")
	within(t, time.Second, "what lies behind is told", func() bool { heard, _ := l.all(); return slices.Equal(heard, []string{"acme/client/second"}) })
	broken.Store(false)
	within(t, time.Second, "what failed is told again", func() bool {
		heard, _ := l.all()
		return slices.Equal(heard, []string{"acme/client/second", "acme/client/first"})
	})
}

// torn is a store that can be away.
type torn struct {
	store.Store
	away atomic.Bool
}

func (s *torn) List(ctx context.Context, q store.Query) ([]store.Record, error) {
	if s.away.Load() {
		return nil, errors.New("the disk is gone")
	}
	return s.Store.List(ctx, q)
}

func TestAfterAShortOutageEveryChangeIsToldAndAfterALongOneThatSomeWereMissed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		away   time.Duration
		missed bool
	}{{Keep/2 - 10*time.Second, false}, {Keep/2 + 10*time.Second, true}, {Keep + time.Minute, true}} {
		t.Run(c.away.String(), func(t *testing.T) {
			t.Parallel()
			at := &clock{}
			s := &torn{Store: memory.New(at.now)}
			l := &listener{}
			s.away.Store(true)
			follow(t, s, at.now, l.ear())
			time.Sleep(Every / 2) // it has begun
			change(t, s.Store, at.now(), "meanwhile")
			at.ahead.Store(int64(c.away))
			s.away.Store(false)
			if c.away < Keep {
				within(t, time.Second, "what changed meanwhile is told", func() bool { heard, _ := l.all(); return len(heard) == 1 })
			}
			if c.missed {
				within(t, time.Second, "it is said that changes may have been missed", func() bool { _, missed := l.all(); return missed == 1 })
			}
			time.Sleep(2 * Every)
			if _, missed := l.all(); missed > 1 || (missed == 1) != c.missed {
				t.Errorf("it was said %d times that changes were missed", missed)
			}
		})
	}
}

func TestANoteWrittenLateBehindAYoungerOneIsFound(t *testing.T) {
	t.Parallel()
	c := &clock{}
	s := memory.New(c.now)
	l := &listener{}
	follow(t, s, c.now, l.ear())
	early := c.now()
	change(t, s, early.Add(time.Second), "younger")
	within(t, time.Second, "the younger is told", func() bool { heard, _ := l.all(); return len(heard) == 1 })
	change(t, s, early, "older") // its id was made before, and it was written after
	within(t, time.Second, "the older is told", func() bool { heard, _ := l.all(); return len(heard) == 2 })
}

func TestMoreNotesThanAPageAreAllToldAndForgottenWhenTheyAreOld(t *testing.T) {
	c := &clock{}
	s := memory.New(c.now)
	const n = store.MaxLimit + 500
	for i := range n {
		change(t, s, c.now(), fmt.Sprint(i))
	}
	if err := s.Put(t.Context(), store.Record{Kind: store.Change, ID: "zzzz", Body: []byte("of a later version")}); err != nil {
		t.Fatal(err)
	}
	l := &listener{}
	f := follower{s, l.ear(), map[string]bool{}}
	for range 2 {
		if err := f.look(t.Context(), c.now().Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if heard, _ := l.all(); len(heard) != n || len(f.told) != n {
		t.Errorf("told of %d, want %d; remembers %d", len(heard), n, len(f.told))
	}
	if f.forget(c.now().Add(time.Second)); len(f.told) != 0 {
		t.Errorf("%d notes are remembered that no look shows again", len(f.told))
	}
}

// FuzzNote: whatever lies among the notes, nobody is told what is not there and nothing falls over.
func FuzzNote(f *testing.F) {
	f.Add(Note(store.Record{Tenant: "acme", Kind: store.Client, ID: "postman"}, time.Now()).Body)
	f.Add([]byte(`{"kind":7}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		l := &listener{}
		w := follower{nil, l.ear(), map[string]bool{}}
		if err := w.tell(t.Context(), store.Record{Kind: store.Change, ID: "a", Body: body}); err != nil {
			t.Fatal(err)
		}
		if heard, _ := l.all(); len(heard) > 1 || len(heard) != len(w.told) {
			t.Errorf("%q is told as %q", body, heard)
		}
	})
}

func TestWhatChangedWhileWhoListensWasStillReadingIsTold(t *testing.T) {
	t.Parallel()
	s, began := memory.New(time.Now), time.Now()
	for i := range 3 { // over what looking back would find by itself
		change(t, s, began.Add(time.Duration(i)*time.Second), fmt.Sprint("early-", i))
	}
	var heard atomic.Int64
	later := func() time.Time { return time.Now().Add(time.Minute) }
	follow(t, s, later, Ear{Since: began, Missed: func(context.Context) error { return nil },
		Heard: func(context.Context, store.Kind, string, string) error { heard.Add(1); return nil }})
	within(t, 5*time.Second, "all are told", func() bool { return heard.Load() == 3 })
}

// A clock that was set ahead and back: what others change then has notes that lie before the last look, and is heard all the same.
func TestWhatChangesAfterTheClockWentBackIsHeard(t *testing.T) {
	var c clock
	s := memory.New(c.now)
	var l listener
	follow(t, s, c.now, l.ear())
	change(t, s, c.now(), "before")
	within(t, 5*time.Second, "heard", func() bool { heard, _ := l.all(); return len(heard) == 1 })
	c.ahead.Store(int64(time.Hour))
	within(t, 5*time.Second, "looked in the future", func() bool { _, missed := l.all(); return missed > 0 })
	c.ahead.Store(0)
	change(t, s, c.now(), "after")
	within(t, 5*time.Second, "heard after the clock went back", func() bool {
		heard, _ := l.all()
		return slices.Contains(heard, "acme/client/after")
	})
}
