package feed

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/change"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
	"github.com/tokenbooth/tokenbooth/revocation"
)

func file(t testing.TB, path string, now func() time.Time) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(sqlite.Options{Path: path, Now: now, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// follow lets a feed hear of what others put into its store, until the test ends.
func follow(t *testing.T, f *Feed) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { change.Follow(ctx, f.store, f.now, change.Ear{Heard: f.Heard, Missed: f.Missed}) })
	t.Cleanup(func() { cancel(); done.Wait() })
}

func TestD4_R23_what_another_process_revokes_is_refused_here_within_a_second(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokenbooth.db")
	here, there := open(t, file(t, path, time.Now), time.Now, "acme"), open(t, file(t, path, time.Now), time.Now, "acme")
	follow(t, here)
	const n = 300
	type written struct {
		Revocation
		at time.Time
	}
	durable := make(chan written, n)
	go func() { // a hundred a second
		defer close(durable)
		for i := range n {
			r := Revocation{Tenant: "acme", Kind: revocation.Token, ID: fmt.Sprint("jti-", i), Until: time.Now().Add(time.Hour)}
			keep(t, there.store, r, time.Now())
			there.Add(r)
			durable <- written{r, time.Now()}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	var took []time.Duration
	for r := range durable {
		within(t, 5*time.Second, "another process refuses it", func() bool { return here.has(r.Revocation) })
		took = append(took, time.Since(r.at)) // or less: it may have waited here for the one before
	}
	slices.Sort(took)
	p50, p99, worst := took[n/2], took[n*99/100], took[n-1]
	t.Logf("p50 %v, p99 %v, max %v of %d", p50, p99, worst, n)
	if p99 > time.Second {
		t.Errorf("one in a hundred was refused after %v only", p99)
	}
	if p := here.Page("acme", "", 0); p.Latest != n {
		t.Errorf("%d entries, want %d", p.Latest, n)
	}
}

func TestReq056_a_restart_finds_what_was_written(t *testing.T) {
	c, path := newClock(), filepath.Join(t.TempDir(), "tokenbooth.db")
	s := file(t, path, c.now)
	const n = store.MaxLimit + 200 // more than a page
	all := []Revocation{UpTo("acme", revocation.User, "usr_1", c.now()),
		{Tenant: "acme", Kind: revocation.Key, ID: "kid-1", Until: c.now().Add(time.Hour)},
		{Tenant: "acme", Kind: 'x', ID: "a kind of a later version", Until: c.now().Add(time.Hour)}}
	for i := range n {
		all = append(all, token(c, fmt.Sprint("jti-", i)))
	}
	everything := UpTo("acme", revocation.Issuer, "", c.now())
	all = append(all, everything) // the one whose record's id is not of its time
	short := Revocation{Tenant: "acme", Kind: revocation.Token, ID: "short", Until: c.now().Add(time.Second)}
	for _, r := range append(all, short) {
		keep(t, s, r, c.now())
		c.advance(time.Microsecond)
	}
	before := c.now()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Second)
	f := open(t, file(t, path, c.now), c.now, "acme", "other")
	for _, r := range all {
		if !f.has(r) {
			t.Fatalf("%s %q is forgotten", r.Kind, r.ID)
		}
	}
	page := f.Page("acme", "", 0)
	for i, e := range page.Entries {
		if e.Name != all[i].entry().Name || e.Before.UnixMicro() != all[i].entry().Before.UnixMicro() && !e.Before.IsZero() || e.Until.UnixMicro() != all[i].Until.UnixMicro() {
			t.Fatalf("entry %d is %+v, want %+v", i, e, all[i])
		}
	}
	if f.has(short) || len(page.Entries) != len(all) || f.Set("other").Len() != 0 {
		t.Errorf("%d entries, want %d", len(page.Entries), len(all))
	}
	if nb := f.NotBefore("acme"); !nb.Equal(everything.Before) || nb.After(before) {
		t.Errorf("not before %v, want %v", nb, everything.Before)
	}
}

func TestR23_after_a_long_silence_everything_is_read_again(t *testing.T) {
	f, s, c := world(t)
	s.down.Store(true)
	follow(t, f)
	time.Sleep(change.Every + change.Every/2)
	r := UpTo("acme", revocation.Client, "postman", c.now())
	keep(t, s.Store, r, c.now())         // elsewhere
	c.advance(change.Keep + time.Minute) // the note is gone
	s.down.Store(false)
	within(t, time.Second, "what was revoked during the outage is refused", func() bool { return f.has(r) })
}

func TestTheStoreForgetsARevocationWhenItIsOver(t *testing.T) {
	f, s, c := world(t)
	r := token(c, "a")
	records := r.Records(c.now())
	if len(records) != 2 || !records[0].Expires.Equal(r.Until) || records[1].Kind != store.Change {
		t.Fatalf("%+v", records)
	}
	keep(t, s, r, c.now())
	c.advance(time.Hour)
	if n, err := s.Sweep(t.Context(), c.now(), 0); err != nil || n != 2 {
		t.Errorf("%d records swept, %v", n, err)
	}
	if err := f.Missed(t.Context()); err != nil || f.has(r) {
		t.Errorf("it is back: %v", err)
	}
}

func TestARecordThatCannotBeReadIsSaidAtTheStartAndHoldsUpNothingLater(t *testing.T) {
	f, s, c := world(t)
	for i, body := range []string{``, `{}`, `[]`, `{"kind":"t"}`, `{"kind":"tt","id":"a"}`, `{"kind":"","id":"a"}`, `{"kind":"t","id":"a","before":"yesterday"}`} {
		bad := store.Record{Tenant: "acme", Kind: store.Revocation, ID: fmt.Sprint("bad-", i), Expires: c.now().Add(time.Hour), Body: []byte(body)}
		if err := s.Put(t.Context(), bad); err != nil {
			t.Fatal(err)
		}
		if err := f.Heard(t.Context(), store.Revocation, "acme", bad.ID); err != nil || f.Set("acme").Len() != 0 {
			t.Errorf("%q: %v, %d entries", body, err, f.Set("acme").Len())
		}
		again, err := Open(t.Context(), Options{Store: s, Now: c.now})
		if err != nil {
			t.Fatal(err)
		}
		if err := again.SetTenants(t.Context(), []string{"acme"}); err == nil || !strings.Contains(err.Error(), bad.ID) {
			t.Errorf("%q: %v", body, err)
		}
		if err := s.Delete(t.Context(), "acme", store.Revocation, bad.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzParse: what can be read is spelled again as it was.
func FuzzParse(f *testing.F) {
	c := newClock()
	f.Add(UpTo("acme", revocation.Client, "postman", c.now()).Records(c.now())[0].Body)
	f.Add(token(c, "a").Records(c.now())[0].Body)
	f.Add([]byte(`{"kind":"é"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		rec := store.Record{Tenant: "acme", Kind: store.Revocation, ID: "x", Expires: c.now().Add(time.Hour), Body: body}
		r, err := parse(rec)
		if err != nil {
			return
		}
		again, err := parse(r.Records(c.now())[0])
		if err != nil || again.entry() != r.entry() && !again.Before.Equal(r.Before) {
			t.Errorf("%q: %+v became %+v, %v", body, r, again, err)
		}
	})
}

// What is taken back is kept a day longer than it counts, in the store and, by the entry, in every guard; when there is little room for
// more it is not, so that room never runs out by it.
func TestReq006_ARevocationIsKeptADayBeyondItsUse(t *testing.T) {
	f, s, c := world(t)
	over := c.now().Add(time.Hour)
	r := f.Hold(Revocation{Tenant: "acme", Kind: revocation.Token, ID: "a", Until: over})
	if err := s.Put(t.Context(), r.Records(c.now())...); err != nil {
		t.Fatal(err)
	}
	f.Add(r)
	c.advance(time.Hour + Slack - time.Minute)
	f.Sweep()
	if _, err := s.Sweep(t.Context(), c.now(), 0); err != nil {
		t.Fatal(err)
	}
	again := open(t, s, c.now, "acme")
	for _, f := range []*Feed{f, again} {
		if p := f.Page("acme", "", 0); !f.Set("acme").Has(r.entry().Name) || len(p.Entries) != 1 || !p.Entries[0].Until.Equal(over.Add(Slack)) {
			t.Errorf("it is forgotten before its day is over: %+v", p)
		}
	}
	f.most = 1
	if r := f.Hold(Revocation{Tenant: "acme", Until: over}); !r.Until.Equal(over) {
		t.Errorf("with no room left it is kept until %v", r.Until)
	}
}
