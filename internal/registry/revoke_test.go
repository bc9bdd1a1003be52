package registry

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/change"
	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
	"github.com/tokenbooth/tokenbooth/internal/store/storetest"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// fed opens a registry that tells a feed what it takes back.
func fed(t testing.TB, s store.Store, now func() time.Time) (*Registry, *feed.Feed) {
	t.Helper()
	f, err := feed.Open(ctx, feed.Options{Store: s, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetTenants(ctx, []string{"acme", "other"}); err != nil {
		t.Fatal(err)
	}
	r, err := New(Options{Store: s, Sealer: sealer(t), Feed: f, Now: now, Tenants: tenants()})
	if err != nil {
		t.Fatal(err)
	}
	return r, f
}

// refuses reports whether a token of that client and user, issued then, is taken back.
func refuses(f *feed.Feed, tenant, client, user string, issued time.Time) bool {
	names := revocation.NamesOf("jti", "sid", client, user, "kid")
	_, refused := f.Set(tenant).Refuses(&names, issued)
	return refused
}

// endings are all changes that end the tokens of a client (postman) or a user (bob), and how each is recorded.
var endings = map[string]struct {
	act string
	end func(*Registry) error
}{
	"a client is disabled": {"client.disable", func(r *Registry) error { return disableClient(ctx, r, by, "acme", "postman", true) }},
	"a client is deleted":  {"client.delete", func(r *Registry) error { return deleteClient(ctx, r, by, "acme", "postman") }},
	"a client's tokens are revoked": {"client.revoke-tokens", func(r *Registry) error {
		return r.RevokeClient(ctx, by, "acme", "postman")
	}},
	"a client's end is brought so near that tokens could outlive it": {"client.update", func(r *Registry) error {
		_, err := r.UpdateClient(ctx, by, "client.update", "acme", "postman", func(c *Client) error {
			c.Expires = Until{r.now().Add(time.Hour)}
			return nil
		})
		return err
	}},
	"a user is disabled": {"user.disable", func(r *Registry) error { return disableUser(ctx, r, by, "acme", "bob", true) }},
	"a user is deleted":  {"user.delete", func(r *Registry) error { return deleteUser(ctx, r, by, "acme", "bob") }},
	"a user has a new password": {"user.password", func(r *Registry) error {
		return r.SetPassword(ctx, by, "acme", "bob", "another good password")
	}},
	"a user's tokens are revoked": {"user.revoke-tokens", func(r *Registry) error { return r.RevokeUser(ctx, by, "acme", "Bob") }},
}

func TestReq6_whatever_ends_a_client_or_a_user_takes_its_tokens_back_in_the_same_write(t *testing.T) {
	for name, e := range endings {
		t.Run(name, func(t *testing.T) {
			_, s, c := world(t)
			r, f := fed(t, s, c.now)
			create(t, r, postman())
			u := createUser(t, r, "bob")
			issued := c.now()
			c.advance(time.Minute)
			if refuses(f, "acme", "postman", u.ID, issued) {
				t.Fatal("a live token is refused")
			}
			for at := int64(1); ; at++ { // whichever call of the store fails, nothing is taken back
				s.Calls.Store(0)
				s.FailAt.Store(at)
				err := e.end(r)
				s.FailAt.Store(0)
				if s.Calls.Load() < at {
					if err != nil {
						t.Fatal(err)
					}
					break
				}
				if !errors.Is(err, storetest.ErrDisk) || refuses(f, "acme", "postman", u.ID, issued) {
					t.Fatalf("call %d failed: %v", at, err)
				}
			}
			if !refuses(f, "acme", "postman", u.ID, issued) || !refuses(f, "acme", "postman", u.ID, c.now()) {
				t.Error("its tokens are good still")
			}
			if refuses(f, "acme", "postman", u.ID, c.now().Add(time.Millisecond)) || refuses(f, "other", "postman", u.ID, issued) {
				t.Error("tokens of later, or of another tenant, are refused")
			}
			if refuses(f, "acme", "another", "usr_another", issued) {
				t.Error("tokens of others are refused")
			}
			_, again := fed(t, s, c.now) // as after a restart
			if !refuses(again, "acme", "postman", u.ID, issued) {
				t.Error("after a restart its tokens are good again")
			}
			events, _, _, err := audit.Search(ctx, s, audit.Query{Tenant: "acme", Limit: 1})
			if err != nil || len(events) != 1 || events[0].Act != e.act || events[0].Actor != by {
				t.Errorf("recorded as %+v, %v", events, err)
			}
			c.advance(feed.Horizon)
			if records, err := s.List(ctx, store.Query{Tenant: "acme", Kind: store.Revocation}); err != nil || len(records) != 0 {
				t.Errorf("%d revocations are kept when no token of then can be alive, %v", len(records), err)
			}
		})
	}
}

func TestWhatEndsNobodyTakesNothingBack(t *testing.T) {
	_, s, c := world(t)
	r, f := fed(t, s, c.now)
	create(t, r, postman())
	createUser(t, r, "bob")
	for what, do := range map[string]func() error{
		"a new name": func() error {
			_, err := r.UpdateClient(ctx, by, "client.update", "acme", "postman", func(c *Client) error { c.Name = "Insomnia"; return nil })
			return err
		},
		"a new secret":   func() error { _, _, err := rotateSecret(ctx, r, by, "acme", "postman", time.Hour); return err },
		"to enable":      func() error { return disableClient(ctx, r, by, "acme", "postman", false) },
		"to enable bob":  func() error { return disableUser(ctx, r, by, "acme", "bob", false) },
		"nobody revoked": func() error { return unlessNotFound(r.RevokeClient(ctx, by, "acme", "nobody")) },
		"no such user":   func() error { return unlessNotFound(r.RevokeUser(ctx, by, "acme", "nobody")) },
		"no such tenant": func() error { return unlessNotFound(r.RevokeClient(ctx, by, "nowhere", "postman")) },
	} {
		if err := do(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := r.RevokeClient(ctx, "", "acme", "postman"); err == nil {
		t.Error("nobody has revoked the tokens of a client")
	}
	if n := f.Set("acme").Len(); n != 0 {
		t.Errorf("%d revocations", n)
	}
}

func unlessNotFound(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return fmt.Errorf("want ErrNotFound: %w", err)
}

func TestTokensOfAClientOrAUserMayBeRevokedAndTheyGoOn(t *testing.T) {
	_, s, c := world(t)
	r, f := fed(t, s, c.now)
	create(t, r, postman())
	u := createUser(t, r, "bob")
	if err := errors.Join(r.RevokeClient(ctx, by, "acme", "postman"), r.RevokeUser(ctx, by, "acme", "bob")); err != nil {
		t.Fatal(err)
	}
	cl, err := r.Client(ctx, "acme", "postman")
	if err != nil || cl.Barred(c.now()) != "" || !cl.NotBefore.Equal(c.now()) {
		t.Errorf("%+v %v", cl, err)
	}
	if u, err = r.User(ctx, "acme", u.ID); err != nil || u.Barred() != "" || !u.NotBefore.Equal(c.now()) {
		t.Errorf("%+v %v", u, err)
	}
	first := c.now()
	c.advance(-time.Hour) // a clock that was put right
	if err := r.RevokeClient(ctx, by, "acme", "postman"); err != nil {
		t.Fatal(err)
	}
	_, err = r.UpdateClient(ctx, by, "client.update", "acme", "postman", func(c *Client) error { c.NotBefore = time.Time{}; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if cl, err = r.Client(ctx, "acme", "postman"); err != nil || !cl.NotBefore.Equal(first) || !refuses(f, "acme", "postman", "", first) {
		t.Errorf("not-before moved back to %v, %v", cl.NotBefore, err)
	}
}

// TestB13 takes back at the levels of tenant, client and user, in every combination and every order.
func TestB13_a_not_before_at_any_level_counts_whatever_the_others_say(t *testing.T) {
	levels := []string{"tenant", "client", "user"}
	for _, order := range orders(levels) {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			_, s, c := world(t)
			r, f := fed(t, s, c.now)
			create(t, r, postman())
			u := createUser(t, r, "bob")
			last := map[string]time.Time{}
			var moments []time.Time
			for _, level := range order {
				moments = append(moments, c.now())
				c.advance(time.Second)
				last[level] = c.now()
				revokeAt(t, r, f, s, level)
				c.advance(time.Second)
			}
			moments = append(moments, c.now())
			again, againFeed := fed(t, s, c.now)
			for _, w := range []struct {
				r *Registry
				f *feed.Feed
			}{{r, f}, {again, againFeed}} {
				for _, issued := range moments {
					for who, want := range map[[2]string]bool{
						{"postman", u.ID}:       !issued.After(last["tenant"]) || !issued.After(last["client"]) || !issued.After(last["user"]),
						{"postman", "usr_2"}:    !issued.After(last["tenant"]) || !issued.After(last["client"]),
						{"postman", "postman"}:  !issued.After(last["tenant"]) || !issued.After(last["client"]),
						{"insomnia", u.ID}:      !issued.After(last["tenant"]) || !issued.After(last["user"]),
						{"insomnia", "usr_2"}:   !issued.After(last["tenant"]),
						{"insomnia", "postman"}: !issued.After(last["tenant"]), // a sub that is a client's id is no user's
					} {
						if got := refuses(w.f, "acme", who[0], who[1], issued); got != want {
							t.Errorf("a token of %v, issued at %v: refused %v, want %v", who, issued, got, want)
						}
					}
				}
				checkLevels(t, w.r, w.f, u.ID, last)
			}
		})
	}
}

// orders returns every choice of words, in every order, the empty one included.
func orders(words []string) [][]string {
	all := [][]string{nil}
	for i, w := range words {
		rest := slices.Delete(slices.Clone(words), i, i+1)
		for _, o := range orders(rest) {
			all = append(all, append([]string{w}, o...))
		}
	}
	return all
}

// revokeAt takes back all that was issued up to now. A tenant is taken back by package issuer, which writes what is written here.
func revokeAt(t *testing.T, r *Registry, f *feed.Feed, s store.Store, level string) {
	t.Helper()
	var err error
	switch level {
	case "tenant":
		taken := feed.UpTo("acme", revocation.Issuer, "", r.now())
		err = s.Put(ctx, taken.Records(r.now())...)
		f.Add(taken)
	case "client":
		err = r.RevokeClient(ctx, by, "acme", "postman")
	case "user":
		err = r.RevokeUser(ctx, by, "acme", "bob")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// checkLevels compares what the issuer looks at with what was taken back.
func checkLevels(t *testing.T, r *Registry, f *feed.Feed, user string, last map[string]time.Time) {
	t.Helper()
	c, err := r.Client(ctx, "acme", "postman")
	if err != nil {
		t.Fatal(err)
	}
	u, err := r.User(ctx, "acme", user)
	if err != nil {
		t.Fatal(err)
	}
	if !c.NotBefore.Equal(last["client"]) || !u.NotBefore.Equal(last["user"]) || !f.NotBefore("acme").Equal(last["tenant"]) {
		t.Errorf("not before: client %v, user %v, tenant %v; want %v", c.NotBefore, u.NotBefore, f.NotBefore("acme"), last)
	}
}

func TestD4_R23_tokens_of_a_client_disabled_by_another_process_are_refused_here_within_a_second(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokenbooth.db")
	desk := func() (*Registry, *feed.Feed) {
		s, err := sqlite.Open(sqlite.Options{Path: path, Now: time.Now, Create: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return fed(t, s, time.Now)
	}
	here, heard := desk()
	there, _ := desk()
	following, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		change.Follow(following, here.store, here.now, change.Ear{Heard: heard.Heard, Missed: heard.Missed})
	})
	t.Cleanup(func() { stop(); done.Wait() })
	create(t, there, postman())
	u := createUser(t, there, "bob")
	issued := time.Now()
	if err := disableClient(ctx, there, by, "acme", "postman", true); err != nil {
		t.Fatal(err)
	}
	within1s(t, "a token of a disabled client is refused", func() bool { return refuses(heard, "acme", "postman", "", issued) })
	if err := there.SetPassword(ctx, by, "acme", "bob", "another good password"); err != nil {
		t.Fatal(err)
	}
	within1s(t, "a token bought with the old password is refused", func() bool { return refuses(heard, "acme", "", u.ID, issued) })
}

func TestAResourceServerIsAnAPIOfItsTenantAndGuardsItsAudience(t *testing.T) {
	r, s, c := world(t)
	guard := Client{Tenant: "acme", ID: "gateway", ClientSpec: ClientSpec{Name: "Gateway", Grants: []oauth.GrantType{oauth.ClientCredentials}}}
	for _, bad := range [][]string{{"nobody"}, {""}, {"flows", "nobody"}, {"https://api.acme.test/flows"}} {
		guard.ResourceServers = bad
		if _, _, err := r.CreateClient(ctx, by, guard); field(err) != "resource_servers" {
			t.Errorf("%q: %v", bad, err)
		}
	}
	guard.Tenant, guard.ResourceServers = "other", []string{"flows"}
	if _, _, err := r.CreateClient(ctx, by, guard); field(err) != "resource_servers" {
		t.Errorf("an API of another tenant: %v", err)
	}
	guard.Tenant, guard.ResourceServers = "acme", []string{"query", "flows"}
	made, _ := create(t, r, guard)
	read, err := r.Client(ctx, "acme", "gateway")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"https://api.acme.test/flows", "https://login.acme.test"}
	if diff := cmp.Diff([][]string{want, want}, [][]string{made.Guards, read.Guards}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if plain, _ := create(t, r, postman()); plain.Guards != nil {
		t.Errorf("a client that stands for no API guards %v", plain.Guards)
	}

	fewer := tenants()
	fewer[0].APIs = fewer[0].APIs[:1] // query is gone
	if r, err = New(Options{Store: s, Sealer: sealer(t), Now: c.now, Tenants: fewer}); err != nil {
		t.Fatal(err)
	}
	if read, err = r.Client(ctx, "acme", "gateway"); err != nil || !slices.Equal(read.Guards, want[:1]) {
		t.Errorf("guards %v when an API is gone, %v", read.Guards, err)
	}
	if err := disableClient(ctx, r, by, "acme", "gateway", true); err != nil {
		t.Errorf("it cannot be disabled any more: %v", err)
	}
	_, err = r.UpdateClient(ctx, by, "client.update", "acme", "gateway", func(c *Client) error { c.ResourceServers[0] = "nobody"; return nil })
	if field(err) != "resource_servers" {
		t.Errorf("an unknown API in an update: %v", err)
	}
}
