package directory

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/registry/registrytest"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/storetest"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// crowd registers clients of many kinds: odd ones hold campaigns, and each is made a second after the one before.
func crowd(t testing.TB, d *Directory, c *clock, n int) {
	t.Helper()
	for i := range n {
		cl := registry.Client{Tenant: "acme", ID: fmt.Sprintf("App-%03d", i), ClientSpec: registry.ClientSpec{Name: fmt.Sprintf("Näme %c of %03d", 'A'+i%7, (i*37)%n), Permissions: []string{"workflows"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}}
		if i%2 == 1 {
			cl.Permissions = []string{"campaigns", "nql"}
		}
		create(t, d, cl)
		c.advance(time.Second)
	}
}

func found(t testing.TB, d *Directory, q Search) (ids []string, page Page) {
	t.Helper()
	page, err := d.Find(ctx, "acme", q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	for _, c := range page.Clients {
		ids = append(ids, c.ID)
	}
	return ids, page
}

func TestASearchFindsWhatItSays(t *testing.T) {
	d, _, c := world(t)
	create(t, d, postman())
	create(t, d, registry.Client{Tenant: "acme", ID: "b", ClientSpec: registry.ClientSpec{Name: "STRASSE 100%", Permissions: []string{"campaigns"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	create(t, d, registry.Client{Tenant: "acme", ID: "ccc", ClientSpec: registry.ClientSpec{Name: "Ünder_score", Permissions: []string{"nql", "workflows"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	create(t, d, registry.Client{Tenant: "acme", ID: "gone", ClientSpec: registry.ClientSpec{Name: "Postman too", Permissions: []string{"nql"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	create(t, d, registry.Client{Tenant: "acme", ID: "off", ClientSpec: registry.ClientSpec{Name: "Off", Expires: registry.Until{Time: c.now().Add(time.Hour)}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	create(t, d, registry.Client{Tenant: "acme", ID: "soon", ClientSpec: registry.ClientSpec{Name: "Soon", Expires: registry.Until{Time: c.now().Add(29 * 24 * time.Hour)}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	create(t, d, registry.Client{Tenant: "acme", ID: "late", ClientSpec: registry.ClientSpec{Name: "Late", Expires: registry.Until{Time: c.now().Add(31 * 24 * time.Hour)}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	create(t, d, registry.Client{Tenant: "acme", ID: "over", ClientSpec: registry.ClientSpec{Name: "Over", Expires: registry.Until{Time: c.now().Add(time.Minute)}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if err := errors.Join(registrytest.DeleteClient(ctx, d.registry, by, "acme", "gone"), registrytest.DisableClient(ctx, d.registry, by, "acme", "off", true)); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Minute)
	for _, c := range []struct {
		q    Search
		want string
	}{
		{Search{}, "late off over postman soon b ccc"},
		{Search{Text: "POSTMAN"}, "postman"},
		{Search{Text: "straße"}, "b"},
		{Search{Text: "%"}, "b"},
		{Search{Text: "_"}, "ccc"},
		{Search{Text: "*"}, ""},
		{Search{Text: "u\u0308NDER"}, "ccc"},
		{Search{Text: "CC"}, "ccc"},
		{Search{Permission: "workflows"}, "postman ccc"},
		{Search{Permission: "workflows", Text: "p"}, "postman"},
		{Search{Permission: "nobody has it"}, ""},
		{Search{State: StateActive}, "late postman soon b ccc"},
		{Search{State: StateDisabled}, "off"},
		{Search{State: StateExpired}, "over"},
		{Search{State: StateExpiring}, "soon"},
		{Search{Sort: SortExpires, Limit: 4}, "over off soon late"},
		{Search{Sort: SortCreated, Descending: true, Limit: 2}, "soon postman"},
	} {
		if ids, page := found(t, d, c.q); strings.Join(ids, " ") != c.want || c.q.Limit == 0 && page.Total != len(ids) {
			t.Errorf("%+v: %v of %d, want %s", c.q, ids, page.Total, c.want)
		}
	}
}

func TestReq113_pages_of_every_order_show_each_client_once(t *testing.T) {
	d, _, c := world(t)
	const n = 60
	crowd(t, d, c, n)
	sectionOf(t, d).used("App-007", c.now())
	for _, sort := range sorts {
		for _, desc := range []bool{false, true} {
			var all []string
			q := Search{Sort: sort, Descending: desc, Limit: 7}
			for pages := 0; ; pages++ {
				ids, page := found(t, d, q)
				if page.Total != n || pages > n {
					t.Fatalf("%s: %d match", sort, page.Total)
				}
				all = append(all, ids...)
				if q.After = page.Next; q.After == "" {
					break
				}
			}
			whole, _ := found(t, d, Search{Sort: sort, Descending: desc, Limit: maxFound})
			if !slices.Equal(all, whole) || len(slices.Compact(slices.Sorted(slices.Values(all)))) != n {
				t.Errorf("%s %v: %v", sort, desc, all)
			}
		}
	}
}

func TestReq113_a_search_that_is_not_ours_is_a_problem_at_its_field(t *testing.T) {
	d, _, c := world(t)
	crowd(t, d, c, 5)
	_, page := found(t, d, Search{Limit: 2})
	if page.Next == "" || strings.Contains(page.Next, "App") {
		t.Fatalf("next %q", page.Next)
	}
	forged := base64.RawURLEncoding.EncodeToString([]byte(`{"i":"QXBwLTAwMg=="}`))
	for want, q := range map[string][]Search{
		"sort":  {{Sort: "hash"}, {Sort: "name; drop table"}, {Sort: "Name"}},
		"state": {{State: "deleted"}},
		"text":  {{Text: strings.Repeat("x", longestSearch+1)}},
		"after": {{After: "x"}, {After: forged}, {After: page.Next + "A"}, {After: page.Next[:len(page.Next)-2]}, {After: page.Next, Sort: SortUsed},
			{After: page.Next, Descending: true}, {After: strings.Repeat("A", 1<<20)}, {After: "%%"}},
	} {
		for _, q := range q {
			if _, err := d.Find(ctx, "acme", q); field(err) != want {
				t.Errorf("%.200v: %v", q, err)
			}
		}
	}
	if _, err := d.Find(ctx, "other", Search{After: page.Next}); field(err) != "after" {
		t.Errorf("a cursor of another tenant: %v", err)
	}
	if _, err := d.Find(ctx, "nobody", Search{}); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("no such tenant: %v", err)
	}
}

func TestNoTenantFindsAnotherOnesClients(t *testing.T) {
	d, _, _ := world(t)
	create(t, d, postman())
	other := postman()
	other.Tenant, other.Permissions = "other", nil
	create(t, d, other)
	for _, tenant := range []string{"acme", "other"} {
		page, err := d.Find(ctx, tenant, Search{})
		if err != nil || page.Total != 1 || page.Clients[0].Tenant != tenant {
			t.Errorf("%s: %+v %v", tenant, page, err)
		}
	}
}

func TestAChangeIsFoundByTheNextSearch(t *testing.T) {
	d, s, c := world(t)
	crowd(t, d, c, 10)
	if _, page := found(t, d, Search{}); page.Total != 10 {
		t.Fatal(page.Total)
	}
	there := open(t, s, c) // another process
	rename := func(d *Directory, id, to string) {
		t.Helper()
		if _, err := d.registry.UpdateClient(ctx, by, "client.update", "acme", id, func(c *registry.Client) error { c.Name = to; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	rename(d, "App-001", "Zebra")
	rename(there, "App-002", "Yak")
	d.registry.Heard(store.Client, "acme", "App-002")
	if ids, _ := found(t, d, Search{Descending: true, Limit: 2}); !slices.Equal(ids, []string{"App-001", "App-002"}) {
		t.Errorf("%v", ids)
	}
	rename(there, "App-003", "Zzz")
	create(t, there, postman())
	d.registry.Missed()
	if ids, page := found(t, d, Search{Descending: true, Limit: 1}); ids[0] != "App-003" || page.Total != 11 {
		t.Errorf("%v of %d after a silence", ids, page.Total)
	}
	if err := registrytest.DeleteClient(ctx, d.registry, by, "acme", "App-003"); err != nil {
		t.Fatal(err)
	}
	if ids, page := found(t, d, Search{Text: "zzz"}); len(ids) != 0 || page.Total != 0 {
		t.Errorf("a deleted client is found: %v", ids)
	}
	before := s.Calls.Load()
	if found(t, d, Search{Text: "nothing like this"}); s.Calls.Load() != before {
		t.Errorf("a search without a change and without a page asks the store %d times", s.Calls.Load()-before)
	}
}

func TestR18_after_a_store_failure_a_search_knows_the_change_all_the_same(t *testing.T) {
	d, s, c := world(t)
	crowd(t, d, c, 3)
	found(t, d, Search{})
	if err := registrytest.DisableClient(ctx, d.registry, by, "acme", "App-001", true); err != nil {
		t.Fatal(err)
	}
	s.Down.Store(true)
	if _, err := d.Find(ctx, "acme", Search{}); !errors.Is(err, storetest.ErrDisk) {
		t.Error(err)
	}
	s.Down.Store(false)
	if ids, _ := found(t, d, Search{State: StateDisabled}); !slices.Equal(ids, []string{"App-001"}) {
		t.Errorf("%v", ids)
	}
}

func TestB29_changes_that_nobody_looks_at_take_a_bounded_room(t *testing.T) {
	d, _, c := world(t)
	crowd(t, d, c, 3)
	found(t, d, Search{})
	for i := range 3 * maxStale {
		d.registry.Heard(store.Client, "acme", fmt.Sprintf("made-up-%d", i))
	}
	if s := sectionOf(t, d); len(s.stale) > maxStale || s.state != absent {
		t.Errorf("%d ids wait, state %d", len(s.stale), s.state)
	}
	if _, page := found(t, d, Search{}); page.Total != 3 {
		t.Errorf("%d are found", page.Total)
	}
	if err := d.registry.SetTenants(tenants()[1:]); err != nil {
		t.Fatal(err)
	}
	if _, there := d.sections.Load("acme"); there {
		t.Error("the section of a tenant that is gone is kept")
	}
}

func TestWhoDoesNotWaitForASearchIsNotHeldUpByOne(t *testing.T) {
	d, _, c := world(t)
	create(t, d, postman())
	found(t, d, Search{})
	s := sectionOf(t, d)
	s.turn <- struct{}{}
	s.look.Lock() // a search that never ends, and a build beside it
	cl, err := d.registry.Client(ctx, "acme", "postman")
	if err != nil {
		t.Fatal(err)
	}
	d.registry.Used(cl, &cl.Credentials[0], from)
	d.registry.UsedPermission("acme", "postman", "workflows")
	if err := d.registry.UpgradeSecret(ctx, cl, cl.Credentials[0].ID, "x"); err != nil {
		t.Fatal(err)
	}
	d.registry.Missed()
	d.registry.Busiest(ctx, "acme", 3)
	gone, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if _, err := d.Find(gone, "acme", Search{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who does not want to wait any longer: %v", err)
	}
	s.look.Unlock()
	<-s.turn
	c.advance(time.Minute)
	if _, page := found(t, d, Search{}); page.Total != 1 {
		t.Error(page.Total)
	}
}

func TestExpiringTellsTheSoonestFirstAndNoSecretThatIsReplaced(t *testing.T) {
	d, _, c := world(t)
	hour := func(n int) time.Time { return c.now().Truncate(time.Second).Add(time.Duration(n) * time.Hour) }
	all := map[string]time.Time{"a": hour(3), "b": hour(1), "never": {}, "later": hour(100), "off": hour(2), "over": hour(-1)}
	c.advance(-2 * time.Hour) // when it was made, no end was over
	for id, ends := range all {
		create(t, d, registry.Client{Tenant: "acme", ID: id, ClientSpec: registry.ClientSpec{Name: "Name of " + id, Expires: registry.Until{Time: ends}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	}
	c.advance(2 * time.Hour)
	create(t, d, postman())
	made, err := d.registry.UpdateClient(ctx, by, "client.update", "acme", "postman", func(c *registry.Client) error { c.Credentials[0].Expires = hour(2); return nil })
	if err != nil {
		t.Fatal(err)
	}
	create(t, d, registry.Client{Tenant: "acme", ID: "rotated", ClientSpec: registry.ClientSpec{Name: "R", Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if err := rotateSecret(d, "rotated", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := registrytest.DisableClient(ctx, d.registry, by, "acme", "off", true); err != nil {
		t.Fatal(err)
	}
	got, err := d.Expiring(ctx, "acme", 3*time.Hour)
	want := []Expiry{{"b", "Name of b", "", hour(1)}, {"postman", "Postman", made.Credentials[0].ID, hour(2)}, {"a", "Name of a", "", hour(3)}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := d.Expiring(ctx, "nobody", time.Hour); !errors.Is(err, registry.ErrNotFound) {
		t.Error(err)
	}
}

func FuzzCursor(f *testing.F) {
	d, _, c := world(f)
	crowd(f, d, c, 5)
	_, page := found(f, d, Search{Limit: 2})
	f.Add(page.Next)
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, after string) {
		if _, err := d.Find(ctx, "acme", Search{After: after, Limit: 2}); err != nil && field(err) != "after" {
			t.Error(err)
		}
	})
}

// TestSearchesAndChangesAtOnce is for the race detector too.
func TestSearchesAndChangesAtOnce(t *testing.T) {
	d, s, c := world(t)
	crowd(t, d, c, 20)
	there := open(t, s.Store, c)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 50 {
				id := fmt.Sprintf("App-%03d", (i+g)%20)
				_, err := d.registry.UpdateClient(ctx, by, "client.update", "acme", id, func(c *registry.Client) error { c.Description = fmt.Sprint(g, i); return nil })
				if err != nil && !errors.Is(err, store.ErrConflict) {
					t.Error(err)
				}
				if _, err := d.Find(ctx, "acme", Search{Sort: sorts[i%len(sorts)]}); err != nil {
					t.Error(err)
				}
				if _, err := there.Expiring(ctx, "acme", time.Hour); err != nil {
					t.Error(err)
				}
				sectionOf(t, d).used(id, c.now())
				if there.registry.Heard(store.Client, "acme", id); i%10 == g {
					d.registry.Missed()
				}
			}
		})
	}
	all.Wait()
	if err := registrytest.DisableClient(ctx, d.registry, by, "acme", "App-013", true); err != nil {
		t.Fatal(err)
	}
	if ids, page := found(t, d, Search{State: StateDisabled}); page.Total != 1 || ids[0] != "App-013" {
		t.Errorf("%v", ids)
	}
	if _, page := found(t, d, Search{}); page.Total != 20 {
		t.Errorf("%d of 20", page.Total)
	}
}
