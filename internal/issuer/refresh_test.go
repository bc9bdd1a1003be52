package issuer

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/registry/registrytest"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// chain begins a chain of refresh tokens for bob at a client.
func (d *desk) chain(change ...func(*oauth.TokenRequest)) (oauth.TokenRequest, oauth.Token) {
	d.t.Helper()
	if d.secrets["app"] == "" {
		d.client("app")
		d.user(username)
	}
	r := d.signIn("app", change...)
	return r, d.must(r)
}

// atOnce spends one refresh token many times at once, at several issuers, and returns the pairs that came of it.
func atOnce(t *testing.T, r oauth.TokenRequest, n int, at ...*desk) (pairs map[string]int, refused int) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	pairs = map[string]int{}
	for k := range n {
		all.Go(func() {
			tok, err := at[k%len(at)].Token(ctx, r)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				pairs[tok.AccessToken+" "+tok.RefreshToken]++
			case oauth.AsError(err) != nil && oauth.AsError(err).Code == oauth.InvalidGrant:
				refused++
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	return pairs, refused
}

func TestReq001_B15_of_100_parallel_refreshes_one_successor_comes(t *testing.T) {
	engines := map[string]func(*testing.T, *clock) store.Store{
		"memory": func(_ *testing.T, c *clock) store.Store { return memory.New(c.now) },
		"sqlite": func(t *testing.T, c *clock) store.Store {
			s, err := sqlite.Open(sqlite.Options{Path: filepath.Join(t.TempDir(), "tokenbooth.db"), Now: c.now, Create: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			return s
		},
	}
	for name, engine := range engines {
		for _, nodes := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, %d issuers", name, nodes), func(t *testing.T) {
				c := newClock()
				s := engine(t, c)
				at := []*desk{openOn(t, c, s)}
				for len(at) < nodes {
					at = append(at, openOn(t, c, s))
				}
				for _, d := range at {
					d.store.Slow = func() { time.Sleep(rand.N(2 * time.Millisecond)) } // between read and write
				}
				r, tok := at[0].chain()
				pairs, refused := atOnce(t, refresh(r, tok.RefreshToken), 100, at...)
				if len(pairs) != 1 || refused != 0 {
					t.Fatalf("%d distinct pairs, %d refused", len(pairs), refused)
				}
				for pair := range pairs {
					next := strings.Fields(pair)[1]
					if next == tok.RefreshToken {
						t.Error("the successor is the token itself")
					}
					at[nodes-1].must(refresh(r, next))
				}
			})
		}
	}
}

func TestReq001_with_no_window_one_refresh_wins_and_the_chain_ends(t *testing.T) {
	d := open(t)
	d.ReplayWindow = 0
	r, tok := d.chain()
	pairs, refused := atOnce(t, refresh(r, tok.RefreshToken), 100, d)
	if len(pairs) != 1 || refused != 99 {
		t.Errorf("%d distinct pairs, %d refused", len(pairs), refused)
	}
	for pair, n := range pairs {
		if n != 1 {
			t.Errorf("one pair was given %d times", n)
		}
		d.refused(refresh(r, strings.Fields(pair)[1]), oauth.InvalidGrant)
	}
}

func TestReq002_reuse_outside_the_window_ends_the_family_and_its_access_tokens(t *testing.T) {
	d := open(t)
	r, first := d.chain()
	d.clock.advance(time.Minute)
	second := d.must(refresh(r, first.RefreshToken))
	if !d.active(first.AccessToken) || !d.active(second.AccessToken) {
		t.Error("refreshing ended an access token")
	}
	d.clock.advance(31 * time.Second)
	d.refused(refresh(r, first.RefreshToken), oauth.InvalidGrant)
	d.refused(refresh(r, second.RefreshToken), oauth.InvalidGrant)
	if d.active(first.AccessToken) || d.active(second.AccessToken) {
		t.Error("an access token of the family is alive still")
	}
	_, other := d.chain()
	if !d.active(other.AccessToken) {
		t.Error("a chain begun later is dead")
	}
}

func TestReq002_a_grandparent_ends_the_family_inside_the_window_too(t *testing.T) {
	d := open(t)
	r, first := d.chain()
	second := d.must(refresh(r, first.RefreshToken))
	third := d.must(refresh(r, second.RefreshToken))
	d.refused(refresh(r, first.RefreshToken), oauth.InvalidGrant)
	d.refused(refresh(r, third.RefreshToken), oauth.InvalidGrant)
}

func TestReq002_access_tokens_of_an_ended_chain_stay_dead_when_the_chain_has_run_out(t *testing.T) {
	d := open(t)
	d.user(username)
	brief := *nexudus
	brief.RefreshMax, brief.RefreshIdle = 8*day, 8*day
	r := d.label("portal", func(r *oauth.TokenRequest) { r.Terms = &brief })
	first := d.must(r)
	d.clock.advance(7 * day)
	second := d.must(refresh(r, first.RefreshToken)) // its access token outlives the chain by six days
	d.clock.advance(time.Hour)
	d.refused(refresh(r, first.RefreshToken), oauth.InvalidGrant)
	for range 7 {
		d.clock.advance(day - time.Hour)
		if _, err := d.store.Sweep(ctx, d.clock.now(), 0); err != nil {
			t.Fatal(err)
		}
		if d.active(second.AccessToken) {
			t.Fatalf("a dead access token came back to life at %v", d.clock.now())
		}
	}
}

func TestReq003_B16_a_refresh_token_works_only_for_its_client(t *testing.T) {
	d := open(t)
	r, tok := d.chain()
	d.client("thief")
	d.refused(refresh(d.ask("thief", func(r *oauth.TokenRequest) { r.Terms = opaque }), tok.RefreshToken), oauth.InvalidGrant)
	d.refused(refresh(d.label("app"), tok.RefreshToken), oauth.InvalidGrant) // a label of the same spelling
	elsewhere := refresh(r, tok.RefreshToken)
	elsewhere.Tenant = "other"
	d.refused(elsewhere, oauth.InvalidClient)
	d.must(refresh(r, tok.RefreshToken))
}

func TestReq004_refreshing_never_widens_and_narrowing_does_not_stick(t *testing.T) {
	d := open(t)
	r, tok := d.chain(func(r *oauth.TokenRequest) { r.Scope = "workflows nql" })
	d.refused(refresh(r, tok.RefreshToken, func(r *oauth.TokenRequest) { r.Scope = "workflows nql campaigns" }), oauth.InvalidScope)
	narrow := d.must(refresh(r, tok.RefreshToken, func(r *oauth.TokenRequest) { r.Scope = "nql" }))
	if narrow.Scope != "nql" {
		t.Errorf("asked for nql, got %q", narrow.Scope)
	}
	wide := d.must(refresh(r, narrow.RefreshToken))
	if wide.Scope != "workflows nql" {
		t.Errorf("the original grant became %q", wide.Scope)
	}
	// bob lost a permission meanwhile
	if _, err := d.Registry.UpdateUser(ctx, by, "user.update", "acme", username, func(u *registry.User) error {
		u.Permissions = []string{"nql", "campaigns"}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	less := d.must(refresh(r, wide.RefreshToken))
	if less.Scope != "nql" {
		t.Errorf("after the loss: %q", less.Scope)
	}
	d.refused(refresh(r, less.RefreshToken, func(r *oauth.TokenRequest) { r.Scope = "campaigns" }), oauth.InvalidScope)
}

func TestReq004_a_retry_is_not_given_more_than_it_asks(t *testing.T) {
	d := open(t)
	r, tok := d.chain()
	if got := d.must(refresh(r, tok.RefreshToken)); got.Scope != "workflows nql" {
		t.Fatal(got.Scope)
	}
	d.refused(refresh(r, tok.RefreshToken, func(r *oauth.TokenRequest) { r.Scope = "nql" }), oauth.InvalidScope)
	d.must(refresh(r, tok.RefreshToken, func(r *oauth.TokenRequest) { r.Scope = "nql workflows" }))
}

func TestReq005_an_unused_token_ends_and_rotation_does_not_extend_the_chain(t *testing.T) {
	d := open(t)
	r, tok := d.chain()
	d.clock.advance(30*day - time.Second)
	d.must(refresh(r, tok.RefreshToken))
	r, tok = d.chain()
	d.clock.advance(30 * day)
	d.refused(refresh(r, tok.RefreshToken), oauth.InvalidGrant)

	r, tok = d.chain()
	began, last := d.clock.now(), tok
	for {
		d.clock.advance(7 * day)
		next, err := d.Token(ctx, refresh(r, last.RefreshToken))
		if err != nil {
			break
		}
		last = next
	}
	if age := d.clock.now().Sub(began); age < 90*day || age >= 97*day {
		t.Errorf("the chain ended after %v", age)
	}
	d.refused(refresh(r, last.RefreshToken), oauth.InvalidGrant)
}

func TestReq006_B17_whoever_is_stopped_refreshes_no_more(t *testing.T) {
	stops := map[string]func(*desk) error{
		"user disabled": func(d *desk) error { return registrytest.DisableUser(ctx, d.Registry, by, "acme", username, true) },
		"user deleted":  func(d *desk) error { return registrytest.DeleteUser(ctx, d.Registry, by, "acme", username) },
		"user disabled and enabled": func(d *desk) error {
			if err := registrytest.DisableUser(ctx, d.Registry, by, "acme", username, true); err != nil {
				return err
			}
			return registrytest.DisableUser(ctx, d.Registry, by, "acme", username, false)
		},
		"password changed": func(d *desk) error {
			return d.Registry.SetPassword(ctx, by, "acme", username, "another good password")
		},
		"client disabled": func(d *desk) error { return registrytest.DisableClient(ctx, d.Registry, by, "acme", "app", true) },
		"client deleted":  func(d *desk) error { return registrytest.DeleteClient(ctx, d.Registry, by, "acme", "app") },
		"client disabled and enabled": func(d *desk) error {
			if err := registrytest.DisableClient(ctx, d.Registry, by, "acme", "app", true); err != nil {
				return err
			}
			return registrytest.DisableClient(ctx, d.Registry, by, "acme", "app", false)
		},
		"client lost the grant": func(d *desk) error {
			_, err := d.Registry.UpdateClient(ctx, by, "client.update", "acme", "app", func(c *registry.Client) error {
				c.Grants = []oauth.GrantType{oauth.ClientCredentials}
				return nil
			})
			return err
		},
		"tenant disabled": func(d *desk) error {
			ts := tenants()
			ts[0].Disabled = true
			return d.Registry.SetTenants(ts)
		},
	}
	for name, stop := range stops {
		for _, when := range []string{"before its first refresh", "after a refresh", "before a retry"} {
			t.Run(name+", "+when, func(t *testing.T) {
				d := open(t)
				r, tok := d.chain()
				again := tok
				if when != "before its first refresh" {
					d.clock.advance(time.Second)
					again = d.must(refresh(r, tok.RefreshToken))
				}
				d.clock.advance(time.Second)
				if err := stop(d); err != nil {
					t.Fatal(err)
				}
				d.clock.advance(time.Second)
				if when == "before a retry" {
					again.RefreshToken = tok.RefreshToken
				}
				got, err := d.Token(ctx, refresh(r, again.RefreshToken))
				if oauth.AsError(err) == nil || got != (oauth.Token{}) {
					t.Errorf("refreshed: %+v, %v", got, err)
				}
				if name != "client lost the grant" && (d.active(tok.AccessToken) || d.active(again.AccessToken)) {
					t.Error("an access token is alive still")
				}
			})
		}
	}
}

func TestD1_inside_the_window_a_retry_gets_the_same_pair(t *testing.T) {
	d := open(t)
	r, tok := d.chain()
	next := d.must(refresh(r, tok.RefreshToken))
	d.clock.advance(30 * time.Second)
	again := d.must(refresh(r, tok.RefreshToken))
	if again.AccessToken != next.AccessToken || again.RefreshToken != next.RefreshToken || again.Scope != next.Scope {
		t.Errorf("another pair: %+v, %+v", next, again)
	}
	if again.ExpiresIn != next.ExpiresIn-30*time.Second {
		t.Errorf("the same token lives %v, then %v", next.ExpiresIn, again.ExpiresIn)
	}
	if !d.active(again.AccessToken) {
		t.Error("the access token is dead")
	}
	d.clock.advance(time.Second)
	d.refused(refresh(r, tok.RefreshToken), oauth.InvalidGrant)
	d.refused(refresh(r, next.RefreshToken), oauth.InvalidGrant)
}

func TestD1_a_retry_of_a_JWT_gets_the_same_text_and_never_a_life_below_zero(t *testing.T) {
	d := open(t)
	d.client("app", func(c *registry.Client) { c.Lifetime = 10 })
	d.user(username)
	r := d.signIn("app", func(r *oauth.TokenRequest) { r.Terms = standard })
	tok := d.must(r)
	next := d.must(refresh(r, tok.RefreshToken))
	d.clock.advance(20 * time.Second)
	again := d.must(refresh(r, tok.RefreshToken))
	if again.AccessToken != next.AccessToken || again.ExpiresIn != 0 {
		t.Errorf("lives %v", again.ExpiresIn)
	}
}

func TestD1_forged_and_foreign_tokens_never_end_a_chain(t *testing.T) {
	d := open(t)
	r, tok := d.chain()
	elsewhere := open(t) // another key
	elsewhere.Sealer = nil
	elsewhere.refreshKey = []byte("another key of thirty-two bytes!")
	_, foreign := elsewhere.chain()
	for k := range len(tok.RefreshToken) {
		forged := []byte(tok.RefreshToken)
		forged[k] ^= 1
		d.refused(refresh(r, string(forged)), oauth.InvalidGrant)
	}
	for _, text := range []string{"", "x", tok.RefreshToken + "0", tok.RefreshToken[1:], foreign.RefreshToken, tok.AccessToken, strings.ToUpper(tok.RefreshToken)} {
		d.refused(refresh(r, text), oauth.InvalidGrant)
	}
	d.must(refresh(r, tok.RefreshToken))
}

func TestB21_a_lost_answer_is_given_again_by_another_issuer(t *testing.T) {
	c := newClock()
	s := memory.New(c.now)
	a, b := openOn(t, c, s), openOn(t, c, s)
	r, tok := a.chain()
	next := a.must(refresh(r, tok.RefreshToken)) // and the connection breaks
	c.advance(20 * time.Second)
	again := b.must(refresh(r, tok.RefreshToken))
	if again.RefreshToken != next.RefreshToken || again.AccessToken != next.AccessToken {
		t.Error("the retry got another pair")
	}
	b.must(refresh(r, again.RefreshToken))
}

func TestB22_honest_double_fire_ends_no_chain(t *testing.T) {
	d := open(t)
	r, _ := d.chain()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			tok, err := d.Token(ctx, r)
			for range 10 {
				if err != nil {
					t.Error(err)
					return
				}
				var twice sync.WaitGroup
				var got [2]oauth.Token
				var errs [2]error
				for k := range 2 {
					twice.Go(func() { got[k], errs[k] = d.Token(ctx, refresh(r, tok.RefreshToken)) })
				}
				twice.Wait()
				if errs[0] != nil || errs[1] != nil || got[0].RefreshToken != got[1].RefreshToken {
					t.Errorf("%v %v", errs[0], errs[1])
					return
				}
				tok = got[0]
			}
		})
	}
	all.Wait()
}

// A store that was put back to an earlier day knows less than callers hold. Their tokens are of no chain it knows, which is no reuse:
// what it does know goes on.
func TestATokenAheadOfItsChainIsRefusedAndEndsNothing(t *testing.T) {
	d := open(t)
	r, first := d.chain()
	rows, err := d.store.List(ctx, store.Query{Tenant: "acme", Kind: store.Refresh})
	if err != nil || len(rows) != 1 {
		t.Fatal(len(rows), err)
	}
	second := d.must(refresh(r, first.RefreshToken))
	now, err := d.store.Get(ctx, "acme", store.Refresh, rows[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	now.Body = rows[0].Body
	if err := d.store.Put(ctx, now); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if e := d.refused(refresh(r, second.RefreshToken), oauth.InvalidGrant); !strings.Contains(e.Reason, "sign-in before the last") {
			t.Error(e.Reason)
		}
	}
	if err := d.Revoke(ctx, oauth.TokenQuery{Asker: d.asker("app"), Token: oauth.Secret(second.RefreshToken)}); err != nil {
		t.Error(err)
	}
	if !d.active(first.AccessToken) {
		t.Error("the chain was ended")
	}
	d.must(refresh(r, first.RefreshToken))
}
