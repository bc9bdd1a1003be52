package registry

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// writer is the writer of uses of a registry, turned by hand.
func writer(r *Registry) *useWriter {
	return &useWriter{r: r, waiting: map[useOf]*use{}, round: r.now()}
}

// turn lets it do what it does in this time, looking every few seconds.
func (w *useWriter) turn(t testing.TB, c *clock, d time.Duration) {
	t.Helper()
	for end := c.now().Add(d); ; c.advance(5 * time.Second) {
		w.begin(ctx)
		w.collect()
		if err := w.keep(ctx); err != nil {
			t.Fatal(err)
		}
		if !c.now().Before(end) {
			return
		}
	}
}

// total is how many uses of a client the store knows of.
func total(t testing.TB, r *Registry, id string) (n int) {
	t.Helper()
	u, err := r.Usage(ctx, "acme", id)
	if err != nil || len(u.Days) != usedDays {
		t.Fatalf("%+v %v", u, err)
	}
	for _, d := range u.Days {
		n += d.Tokens
	}
	return n
}

func useTimes(t testing.TB, r *Registry, id string, n int) {
	t.Helper()
	c, err := r.Client(ctx, "acme", id)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		r.Used(c, &c.Credentials[len(c.Credentials)-1], from)
	}
}

func TestWhatWasCountedIsInTheStoreTwoMinutesLaterThoughTheClientFellSilent(t *testing.T) {
	r, _, c := world(t)
	create(t, r, postman())
	w := writer(r)
	w.turn(t, c, 45*time.Second)
	useTimes(t, r, "postman", 1)
	w.turn(t, c, 10*time.Second)
	useTimes(t, r, "postman", 999)
	if n := total(t, r, "postman"); n != 1 {
		t.Errorf("%d are known at once", n)
	}
	w.turn(t, c, 2*time.Minute)
	if n := total(t, r, "postman"); n != 1000 {
		t.Errorf("%d of 1000 are known", n)
	}
	w.turn(t, c, 10*time.Minute)
	if n := total(t, r, "postman"); n != 1000 {
		t.Errorf("%d of 1000: counted twice", n)
	}
	if cl, err := r.InspectClient(ctx, "acme", "postman"); err != nil || cl.Credentials[0].LastUsedFrom != from.String() {
		t.Errorf("%+v %v", cl, err)
	}
}

func TestWhatWasCountedIsInTheStoreAfterTheEnd(t *testing.T) {
	path, c := filepath.Join(t.TempDir(), "tokenbooth.db"), newClock()
	s, err := sqlite.Open(sqlite.Options{Path: path, Now: c.now, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := open(t, s, c)
	const clients = 3*useBatch + 7
	for i := range clients {
		id := fmt.Sprintf("client-%d", i)
		create(t, r, Client{Tenant: "acme", ID: id, ClientSpec: ClientSpec{Name: id, Permissions: []string{"nql"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
		useTimes(t, r, id, 3)
		r.UsedPermission("acme", id, "nql")
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	r.WriteUses(stopped)
	again := open(t, s, c)
	for i := range clients {
		id := fmt.Sprintf("client-%d", i)
		if n := total(t, again, id); n != 3 {
			t.Errorf("%s: %d of 3", id, n)
		}
		if u, err := again.Usage(ctx, "acme", id); err != nil || !u.Permissions["nql"].Equal(c.now().Truncate(time.Hour)) {
			t.Errorf("%+v %v", u, err)
		}
	}
	used := map[string]time.Time{}
	for after, more := "", true; more; more = after != "" {
		page, next, err := again.LastUses(ctx, "acme", after, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page {
			used[u.Client] = u.At
		}
		after = next
	}
	if len(used) != clients || used["client-5"].IsZero() || !used["client-5"].Equal(c.now()) {
		t.Errorf("%d clients were used, client-5 at %s", len(used), used["client-5"])
	}
}

func TestNoUseIsCountedTwiceOrLostWhileWhatIsRememberedMoves(t *testing.T) {
	r, _, c := world(t)
	const clients, users, each = 40, 4, 300
	for i := range clients {
		create(t, r, Client{Tenant: "acme", ID: fmt.Sprintf("client-%d", i), ClientSpec: ClientSpec{Name: "X", Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	}
	var all sync.WaitGroup
	var over atomic.Bool
	for g := range users {
		all.Go(func() {
			for i := range each * clients {
				id := fmt.Sprintf("client-%d", (i+g)%clients)
				cl, err := r.Client(ctx, "acme", id)
				if err != nil {
					t.Error(err)
					return
				}
				if i%97 == 0 {
					r.clients.forget(name{"acme", id})
				}
				r.Used(cl, &cl.Credentials[0], from)
			}
		})
	}
	w := writer(r)
	var writing sync.WaitGroup
	writing.Go(func() {
		for !over.Load() {
			c.advance(time.Second)
			w.collect()
			if err := w.keep(ctx); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	over.Store(true)
	writing.Wait()
	w.rest(ctx)
	for i := range clients {
		if n := total(t, r, fmt.Sprintf("client-%d", i)); n != users*each {
			t.Errorf("client-%d: %d of %d", i, n, users*each)
		}
	}
}

func TestR18_while_the_store_is_away_uses_add_up_and_nothing_grows(t *testing.T) {
	r, s, c := world(t)
	create(t, r, postman())
	w := writer(r)
	useTimes(t, r, "postman", 1)
	s.Down.Store(true)
	for range 100 {
		useTimes(t, r, "postman", 10)
		c.advance(time.Minute)
		w.collect()
		if w.keep(ctx) == nil {
			t.Fatal("the store is not away")
		}
	}
	if len(w.waiting) > 1 {
		t.Errorf("%d wait", len(w.waiting))
	}
	s.Down.Store(false)
	w.turn(t, c, 2*time.Minute)
	if n := total(t, r, "postman"); n != 1001 {
		t.Errorf("%d of 1001", n)
	}
}

func TestTwoProcessesCountTogether(t *testing.T) {
	c := newClock()
	s := memory.New(c.now)
	here, there := open(t, s, c), open(t, s, c)
	create(t, here, postman())
	for i := range 10 {
		useTimes(t, here, "postman", 5)
		useTimes(t, there, "postman", 7)
		c.advance(time.Duration(i) * time.Hour)
		for _, r := range []*Registry{here, there} {
			writer(r).turn(t, c, time.Minute)
		}
	}
	for _, r := range []*Registry{here, there} {
		writer(r).rest(ctx)
	}
	if n := total(t, here, "postman"); n != 120 {
		t.Errorf("%d of 120", n)
	}
}

func TestDaysAreCountedForThirtyDaysAndSecretsThatEndedCountToo(t *testing.T) {
	r, _, c := world(t)
	create(t, r, postman())
	w := writer(r)
	c.at.Store(time.Date(2027, 1, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	var want []int
	for day := range 40 {
		n := day % 4 * 3
		want = append(want, n)
		useTimes(t, r, "postman", n)
		w.turn(t, c, 2*time.Minute)
		if day == 25 {
			if _, _, err := rotateSecret(ctx, r, by, "acme", "postman", 0); err != nil {
				t.Fatal(err)
			}
		}
		c.advance(24 * time.Hour)
	}
	c.advance(-24 * time.Hour)
	u, err := r.Usage(ctx, "acme", "postman")
	var got []int
	for _, d := range u.Days {
		got = append(got, d.Tokens)
	}
	if err != nil || !slices.Equal(got, want[10:]) || !u.Days[29].Day.Equal(c.now().Truncate(24*time.Hour)) {
		t.Errorf("%v, want %v; %v", got, want[10:], err)
	}
}

func TestCountsOfUsesAddUpInAnyOrder(t *testing.T) {
	for name, c := range map[string]struct {
		days []int64
		want use
	}{
		"one":         {[]int64{100}, use{Day: 100, Counts: []uint32{1}}},
		"forward":     {[]int64{100, 100, 102}, use{Day: 102, Counts: []uint32{1, 0, 2}}},
		"back":        {[]int64{102, 100, 101, 100}, use{Day: 102, Counts: []uint32{1, 1, 2}}},
		"far forward": {[]int64{100, 1000}, use{Day: 1000, Counts: append([]uint32{1}, make([]uint32, 29)...)}},
		"far back":    {[]int64{1000, 100, 970, 971}, use{Day: 1000, Counts: append(append([]uint32{1}, make([]uint32, 28)...), 1)}},
	} {
		var one, other use
		for _, d := range c.days {
			one.count(d, 1)
			var single use
			single.count(d, 1)
			other.merge(&single)
		}
		if !reflect.DeepEqual(one, c.want) || !reflect.DeepEqual(other, c.want) {
			t.Errorf("%s: %+v and %+v, want %+v", name, one, other, c.want)
		}
	}
}

func TestUsesHaveBeenNotedSinceTheDeskBeganOrTheClientWasMade(t *testing.T) {
	r, s, c := world(t)
	create(t, r, postman())
	made := c.now()
	since := func(id string) time.Time {
		t.Helper()
		u, err := r.Usage(ctx, "acme", id)
		if err != nil {
			t.Fatal(err)
		}
		return u.Since
	}
	c.advance(time.Hour)
	if at := since("postman"); !at.Equal(c.now()) {
		t.Errorf("before anybody notes them: since %v, made %v", at, made)
	}
	began := c.now()
	writer(r).turn(t, c, 0)
	c.advance(time.Hour)
	again := open(t, s, c)
	writer(again).turn(t, c, 0)
	create(t, r, Client{Tenant: "acme", ID: "late", ClientSpec: ClientSpec{Name: "Late", Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if at := since("postman"); !at.Equal(began) {
		t.Errorf("since %v, began %v", at, began)
	}
	if at := since("late"); !at.Equal(c.now()) {
		t.Errorf("since %v, made %v", at, c.now())
	}
}

func TestAPermissionOfAClientIsNotedOnceAnHour(t *testing.T) {
	r, _, c := world(t)
	create(t, r, postman())
	for range 3 {
		for range 1000 {
			r.UsedPermission("acme", "postman", "workflows")
			r.UsedPermission("acme", "postman", "nql")
			r.UsedPermission("other", "postman", "nql")
		}
		c.advance(time.Hour)
	}
	if n := len(r.uses.permissions); n != 9 {
		t.Errorf("%d notes in three hours", n)
	}
	if n := testing.AllocsPerRun(100, func() { r.UsedPermission("acme", "postman", "nql") }); n > 0.1 {
		t.Errorf("%v things made for a call", n)
	}
	last := c.now().Truncate(time.Hour)
	writer(r).turn(t, c, time.Minute)
	u, err := r.Usage(ctx, "acme", "postman")
	want := map[string]time.Time{"workflows": last.Add(-time.Hour), "nql": last}
	if err != nil || !reflect.DeepEqual(u.Permissions, want) {
		t.Errorf("%+v %v", u, err)
	}
}

func TestB29_permissions_that_nobody_writes_down_take_a_bounded_room_and_come_later(t *testing.T) {
	r, _, c := world(t)
	for i := range 2 * useQueue {
		r.UsedPermission("acme", fmt.Sprintf("client-%d", i), "nql")
	}
	if n := len(r.uses.permissions); n != useQueue {
		t.Fatalf("%d wait", n)
	}
	w := writer(r)
	w.turn(t, c, time.Minute*10)
	r.UsedPermission("acme", fmt.Sprintf("client-%d", 2*useQueue-1), "nql")
	if n := len(r.uses.permissions); n != 1 {
		t.Errorf("one that found no room is not noted later: %d", n)
	}
}

func TestNotingAUseTakesNoMemory(t *testing.T) {
	r, _, _ := world(t)
	made, _ := create(t, r, postman())
	r.Used(made, &made.Credentials[0], from)
	if n := testing.AllocsPerRun(100, func() { r.Used(made, &made.Credentials[0], from) }); n > 0.1 {
		t.Errorf("%v things made for a use", n)
	}
}

func TestTheBusiestOfTodayAreKnown(t *testing.T) {
	r, _, c := world(t)
	create(t, r, postman())
	create(t, r, Client{Tenant: "acme", ID: "b", ClientSpec: ClientSpec{Name: "Bee", Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	useTimes(t, r, "postman", 5)
	useTimes(t, r, "b", 9)
	w := writer(r)
	w.turn(t, c, 2*time.Minute)
	want := []Busy{{"b", "Bee", 9}, {"postman", "Postman", 5}}
	if got := r.Busiest(ctx, "acme", 10); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if got := r.Busiest(ctx, "acme", 1); !slices.Equal(got, want[:1]) || len(r.Busiest(ctx, "other", 5)) != 0 || len(r.Busiest(ctx, "acme", -1)) != 0 {
		t.Errorf("%+v", got)
	}
	c.advance(24 * time.Hour)
	if got := r.Busiest(ctx, "acme", 10); len(got) != 0 {
		t.Errorf("yesterday's: %+v", got)
	}
	useTimes(t, r, "postman", 1)
	w.turn(t, c, 2*time.Minute)
	if got := r.Busiest(ctx, "acme", 10); !slices.Equal(got, []Busy{{"postman", "Postman", 1}}) {
		t.Errorf("%+v", got)
	}
}

func TestB29_among_many_the_busy_are_not_missed_and_nobody_is_counted_too_high(t *testing.T) {
	var b busy
	for i := range 3 * maxBusy {
		b.count("acme", fmt.Sprintf("client-%d", i), 7, 1)
		b.count("acme", "busy", 7, 1)
		if i%2 == 0 {
			b.count("acme", "half", 7, 1)
		}
	}
	all := b.list("acme", 7)
	if len(all) != maxBusy || all[0] != (Busy{ID: "busy", Tokens: 3 * maxBusy}) || all[1] != (Busy{ID: "half", Tokens: 3 * maxBusy / 2}) || all[2].Tokens > 1 {
		t.Errorf("%d clients: %+v", len(all), all[:3])
	}
	b.count("acme", "late", 6, 1)
	b.keep(map[string]*Tenant{"other": nil})
	if len(b.list("acme", 7)) != 0 {
		t.Error("a tenant that is gone is kept")
	}
}
