package feed

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/revocation"
)

func TestWhatIsAddedIsRefusedAndToldInOrder(t *testing.T) {
	f, _, c := world(t)
	now, later := c.now(), c.now().Add(time.Minute)
	all := []Revocation{
		{"acme", revocation.Token, "jti-1", time.Time{}, later, 0},
		{"acme", revocation.Family, "sid-1", now, later, 0},
		{"acme", revocation.Client, "postman", now, later, 0},
		{"acme", revocation.User, "usr_1", now, later, 0},
		{"acme", revocation.Issuer, "", now, later, 0},
		{"acme", revocation.Key, "kid-1", time.Time{}, later, 0},
	}
	var want []revocation.Entry
	for i, r := range all {
		f.Add(r)
		var names revocation.Names
		names[i] = revocation.NameOf(r.Kind, r.ID)
		if kind, refused := f.Set("acme").Refuses(&names, now); !refused || kind != r.Kind {
			t.Errorf("a %s taken back is not refused: %v", r.Kind, kind)
		}
		if _, refused := f.Set("acme").Refuses(&names, now.Add(time.Millisecond)); refused != r.Before.IsZero() {
			t.Errorf("%s: what was issued afterwards is refused: %v", r.Kind, refused)
		}
		want = append(want, r.entry())
	}
	got := f.Page("acme", "", 0)
	if diff := cmp.Diff(want, got.Entries, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
		t.Errorf("not in order (-want +got):\n%s", diff)
	}
	if got.After != 0 || got.Sequence != 6 || got.Latest != 6 || got.Epoch == "" {
		t.Errorf("%+v", got)
	}
	if !f.NotBefore("acme").Equal(now) || !f.NotBefore("other").IsZero() {
		t.Errorf("not before %v, of other %v", f.NotBefore("acme"), f.NotBefore("other"))
	}
	if n := f.Set("other").Len() + len(f.Page("other", "", 0).Entries) + f.Set("unknown").Len() + len(f.Page("unknown", "", 0).Entries); n != 0 {
		t.Errorf("%d entries went to somebody else", n)
	}
}

func TestAGuardThatReadsPageByPageKnowsAllOfIt(t *testing.T) {
	f, _, c := world(t)
	const n = 2*revocation.MaxEntries + 17
	l, _ := f.line("acme")
	l.add(c.now(), many(c, n)...)
	var guard revocation.Set
	epoch, after, pages := "", uint64(0), 0
	for more := true; more; pages++ {
		p := f.Page("acme", epoch, after)
		p.Issuer, p.IssuedAt = "https://login.acme.test", c.now()
		read, err := revocation.ParseClaims(p.Claims())
		if err != nil {
			t.Fatal(err)
		}
		guard.Add(c.now(), read.Entries...)
		epoch, after, more = read.Epoch, read.Sequence, read.Sequence < read.Latest
	}
	if guard.Len() != n || pages != 3 {
		t.Errorf("%d entries in %d pages, want %d in 3", guard.Len(), pages, n)
	}
	if p := f.Page("acme", epoch, after); len(p.Entries) != 0 || p.Sequence != n || p.Latest != n || p.After != n {
		t.Errorf("after the end: %d entries, %d to %d of %d", len(p.Entries), p.After, p.Sequence, p.Latest)
	}
	one := token(c, "one more")
	f.Add(one)
	if p := f.Page("acme", epoch, after); len(p.Entries) != 1 || p.Entries[0].Name != one.entry().Name {
		t.Errorf("what is new is %d entries", len(p.Entries))
	}
}

func TestAnUnknownEpochOrANumberBeyondTheEndBeginsAnew(t *testing.T) {
	f, _, c := world(t)
	f.Add(token(c, "a"))
	f.Add(token(c, "b"))
	epoch := f.Page("acme", "", 0).Epoch
	for _, ask := range []struct {
		epoch string
		after uint64
		want  int
	}{{epoch, 0, 2}, {epoch, 1, 1}, {epoch, 2, 0}, {epoch, 3, 2}, {epoch, 1<<64 - 1, 2}, {"", 1, 2}, {"of-before-the-restart", 2, 2}} {
		p := f.Page("acme", ask.epoch, ask.after)
		if len(p.Entries) != ask.want || p.Sequence != 2 || p.After != uint64(2-ask.want) || p.Epoch != epoch {
			t.Errorf("%q after %d: %d entries, want %d; %+v", ask.epoch, ask.after, len(p.Entries), ask.want, p)
		}
	}
}

func TestTheSameEntryIsKeptOnce(t *testing.T) {
	f, s, c := world(t)
	r := UpTo("acme", revocation.Client, "postman", c.now())
	id := keep(t, s, r, c.now())
	f.Add(r) // its own, of which it then hears too
	for range 3 {
		if err := f.Heard(t.Context(), store.Revocation, "acme", id); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Missed(t.Context()); err != nil {
		t.Fatal(err)
	}
	count := func() int { return len(f.Page("acme", "", 0).Entries) }
	if count() != 1 {
		t.Errorf("kept %d times", count())
	}
	f.Add(UpTo("acme", revocation.Client, "postman", c.now().Add(-time.Minute))) // says less
	if count() != 1 {
		t.Error("an earlier not-before is told after a later one")
	}
	f.Add(UpTo("acme", revocation.Client, "postman", c.now().Add(time.Minute)))
	always := Revocation{Tenant: "acme", Kind: revocation.Client, ID: "postman", Until: c.now().Add(time.Hour)}
	if f.Add(always); count() != 3 {
		t.Errorf("what says more is not told: %d entries", count())
	}
	l, _ := f.line("acme")
	before, after := token(c, "twice").entry(), token(c, "once").entry()
	if l.add(c.now(), before, after, before); count() != 5 {
		t.Errorf("one batch has an entry twice: %d entries", count())
	}
	if f.Add(Revocation{Tenant: "acme", Kind: revocation.Token, ID: "over", Until: c.now()}); count() != 5 {
		t.Error("what is over is taken in")
	}
}

func TestWhoWaitsIsToldAtOnceAndNobodyElseIs(t *testing.T) {
	f, _, c := world(t)
	f.Add(token(c, "a"))
	at, elsewhere := f.Page("acme", "", 0), f.Page("other", "", 0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var told, others sync.WaitGroup
	began := make(chan struct{}, 1000)
	for range 1000 {
		told.Go(func() {
			began <- struct{}{}
			f.Wait(t.Context(), "acme", at.Epoch, at.Sequence)
			if len(f.Page("acme", at.Epoch, at.Sequence).Entries) == 0 {
				t.Error("told too early")
			}
		})
	}
	for range 1000 {
		<-began
	}
	for _, w := range []revocation.List{elsewhere, f.Page("unknown", "", 0)} {
		others.Go(func() {
			f.Wait(ctx, map[bool]string{true: "other", false: "unknown"}[w.Epoch == elsewhere.Epoch], w.Epoch, w.Sequence)
			if ctx.Err() == nil {
				t.Error("somebody who waits for another tenant is told")
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	added := time.Now()
	f.Add(token(c, "b"))
	told.Wait()
	if took := time.Since(added); took > 500*time.Millisecond {
		t.Errorf("a thousand who waited were told after %v", took)
	}
	cancel()
	others.Wait()
	f.Wait(t.Context(), "acme", at.Epoch, at.Sequence) // there is news: returns at once
	f.Wait(t.Context(), "acme", "another epoch", 2)
	f.Wait(t.Context(), "acme", at.Epoch, 99)
}

func TestB29_100000_live_revocations_cost_at_most_16_MiB(t *testing.T) {
	const n = 100_000
	f, _, c := world(t)
	before := heap()
	for i := range n {
		f.Add(token(c, fmt.Sprint("token-", i)))
	}
	cost := heap() - before
	t.Logf("%d revocations cost %.1f MiB", n, float64(cost)/(1<<20))
	if f.Set("acme").Len() != n || cost > 16<<20 {
		t.Errorf("%d revocations cost %d bytes", f.Set("acme").Len(), cost)
	}
	runtime.KeepAlive(f)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestB29_a_tenant_without_room_revokes_no_more_single_tokens_until_some_are_over(t *testing.T) {
	f, _, c := world(t)
	f.most = 3
	for i := range 3 {
		if !f.Room("acme") {
			t.Fatalf("no room after %d", i)
		}
		f.Add(token(c, fmt.Sprint(i)))
	}
	if f.Room("acme") || !f.Room("other") {
		t.Error("the cap does not hold, or holds for another tenant")
	}
	client := UpTo("acme", revocation.Client, "postman", c.now())
	if f.Add(client); !f.has(client) {
		t.Error("a client cannot be taken back any more")
	}
	c.advance(time.Hour)
	if f.Sweep(); !f.Room("acme") {
		t.Error("there is no room although all tokens are over")
	}
}

func TestWhatIsOverIsDroppedAndWhenItIsMostOfItANewEpochBegins(t *testing.T) {
	f, _, c := world(t)
	l, _ := f.line("acme")
	l.add(c.now(), many(c, compactFrom/2+1)...) // of an hour
	c.advance(30 * time.Minute)
	for i := range compactFrom / 2 {
		f.Add(token(c, fmt.Sprint("young-", i)))
	}
	first := f.Page("acme", "", 0)
	f.Sweep()
	c.advance(29 * time.Minute)
	f.Sweep()
	if p := f.Page("acme", first.Epoch, 0); p.Epoch != first.Epoch || p.Latest != compactFrom+1 {
		t.Errorf("an epoch ended while all was live: %d of %d", p.Sequence, p.Latest)
	}
	woken := make(chan struct{})
	go func() {
		f.Wait(t.Context(), "acme", first.Epoch, first.Sequence)
		close(woken)
	}()
	c.advance(time.Minute)
	f.Sweep()
	<-woken
	p := f.Page("acme", first.Epoch, first.Sequence)
	if p.Epoch == first.Epoch || p.After != 0 || len(p.Entries) != compactFrom/2 || f.Set("acme").Len() != compactFrom/2 {
		t.Errorf("%d entries after %d of epoch %q, %d in the set", len(p.Entries), p.After, p.Epoch, f.Set("acme").Len())
	}
	c.advance(time.Hour)
	f.Sweep()
	if q := f.Page("acme", p.Epoch, 0); q.Epoch != p.Epoch || f.Set("acme").Len() != 0 {
		t.Errorf("a short list was begun anew, or kept: %d in the set", f.Set("acme").Len())
	}
}

func TestAStoreThatFailsIsNeverAnEmptyList(t *testing.T) {
	f, s, c := world(t)
	r := token(c, "a")
	id := keep(t, s, r, c.now())
	s.down.Store(true)
	if err := f.Heard(t.Context(), store.Revocation, "acme", id); !errors.Is(err, errDisk) {
		t.Errorf("Heard: %v", err)
	}
	if err := f.Missed(t.Context()); !errors.Is(err, errDisk) {
		t.Errorf("Missed: %v", err)
	}
	if err := f.SetTenants(t.Context(), []string{"new"}); !errors.Is(err, errDisk) {
		t.Errorf("SetTenants: %v", err)
	}
	f.Add(r)
	if !f.has(r) {
		t.Error("the tenants of before are gone after a change that failed")
	}
	if _, err := Open(t.Context(), Options{}); err == nil {
		t.Error("a feed without a store")
	}
}

func TestWhatIsAddedWhileATenantIsReadIsNotLost(t *testing.T) {
	c := newClock()
	s := &watched{Store: memory.New(c.now)}
	f := open(t, s, c.now)
	r := token(c, "meanwhile")
	s.meanwhile = func() { f.Add(r) } // the page has been read already
	if err := f.SetTenants(t.Context(), []string{"acme"}); err != nil {
		t.Fatal(err)
	}
	if !f.has(r) {
		t.Error("it is lost")
	}
	s.meanwhile = nil
	set := f.Set("acme")
	if err := f.SetTenants(t.Context(), []string{"acme", "other"}); err != nil || f.Set("acme") != set {
		t.Errorf("a tenant that stays has another set: %v", err)
	}
	if err := f.SetTenants(t.Context(), nil); err != nil || f.has(r) {
		t.Errorf("a tenant that is gone has a list still: %v", err)
	}
}

func TestOnlyRevocationsOfOurTenantsAreLookedAt(t *testing.T) {
	f, s, c := world(t)
	s.gets.Store(0)
	for _, h := range []struct {
		kind   store.Kind
		tenant string
	}{{store.Client, "acme"}, {store.Key, "acme"}, {store.Revocation, "unknown"}, {"", ""}} {
		if err := f.Heard(t.Context(), h.kind, h.tenant, "x"); err != nil {
			t.Error(err)
		}
	}
	if n := s.gets.Load(); n != 0 {
		t.Errorf("the store was asked %d times", n)
	}
	if err := f.Heard(t.Context(), store.Revocation, "acme", "gone"); err != nil || s.gets.Load() != 1 {
		t.Errorf("a record that is over already: %v", err)
	}
	f.Add(Revocation{Tenant: "unknown", Kind: revocation.Token, ID: "a", Until: c.now().Add(time.Hour)})
	if f.Set("unknown").Len() != 0 {
		t.Error("an unknown tenant takes something back")
	}
}

func TestR23_a_guard_that_follows_misses_nothing_while_entries_come_and_go(t *testing.T) {
	f, s, c := world(t)
	const writers, each = 4, 1500
	var guard revocation.Set
	ctx, cancel := context.WithCancel(t.Context())
	var following, writing sync.WaitGroup
	following.Go(func() {
		for epoch, after := "", uint64(0); ; {
			last := ctx.Err() != nil // nothing is added any more
			p := f.Page("acme", epoch, after)
			guard.Add(c.now(), p.Entries...)
			epoch, after = p.Epoch, p.Sequence
			if p.Sequence < p.Latest {
				continue
			}
			if last {
				return
			}
			f.Wait(ctx, "acme", epoch, after)
		}
	})
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				r := token(c, fmt.Sprint(w, "-", i))
				if i%2 == 0 {
					r.Until = c.now().Add(time.Millisecond) // over soon, so that epochs end
				}
				if i%10 == 0 {
					id := keep(t, s, r, c.now())
					if err := f.Heard(t.Context(), store.Revocation, "acme", id); err != nil {
						t.Error(err)
					}
				}
				f.Add(r)
				if i%100 == 99 {
					c.advance(time.Millisecond)
					f.Sweep()
				}
			}
		})
	}
	writing.Wait()
	cancel()
	following.Wait()
	for w := range writers {
		for i := 1; i < each; i += 2 {
			if !guard.Has(revocation.NameOf(revocation.Token, fmt.Sprint(w, "-", i))) {
				t.Fatalf("%d-%d was missed", w, i)
			}
		}
	}
}
