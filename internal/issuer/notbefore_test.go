package issuer

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// levels are the ways to take back all that was issued so far.
var levels = map[string]func(*desk) error{
	"tenant": func(d *desk) error { return d.RevokeTenant(ctx, by, "acme") },
	"client": func(d *desk) error { return d.Registry.RevokeClient(ctx, by, "acme", "app") },
	"user":   func(d *desk) error { return d.Registry.RevokeUser(ctx, by, "acme", username) },
}

func TestB13_006_not_before_counts_at_tenant_client_and_user_in_all_combinations(t *testing.T) {
	orders := [][]string{{"tenant"}, {"client"}, {"user"}, {"tenant", "client"}, {"client", "tenant"}, {"tenant", "user"}, {"user", "tenant"}, {"client", "user"},
		{"user", "client"}, {"tenant", "client", "user"}, {"user", "client", "tenant"}, {"client", "user", "tenant"}}
	for _, order := range orders {
		for _, terms := range []*oauth.Terms{standard, opaque, nexudus} {
			for _, pause := range []time.Duration{2 * time.Millisecond, 5 * time.Second} {
				t.Run(fmt.Sprint(order, terms.Form, terms.ClientLabel, pause), func(t *testing.T) {
					d := openWithGuard(t)
					d.clock.advance(200 * time.Millisecond)
					r := d.signIn("app", withTerms(terms))
					if terms.ClientLabel {
						if order[0] == "client" {
							t.Skip("a label is no client")
						}
						r = d.label("app")
					}
					var before []oauth.Token
					for _, level := range order {
						tok := d.must(r) // what each act finds is dead after it, whatever came before
						before = append(before, tok)
						if !d.good(tok.AccessToken) {
							t.Error("a new token is dead")
						}
						d.clock.advance(pause)
						if err := levels[level](d); err != nil {
							t.Fatal(err)
						}
						if level == "client" && terms.ClientLabel {
							continue
						}
						if d.good(tok.AccessToken) {
							t.Errorf("a token lives after %s", level)
						}
					}
					for k, tok := range before[:1] {
						if d.good(tok.AccessToken) {
							t.Errorf("token %d lives", k)
						}
						d.refused(refresh(r, tok.RefreshToken), oauth.InvalidGrant)
					}
					d.clock.advance(time.Millisecond)
					after := d.must(r)
					if !d.good(after.AccessToken) {
						t.Error("a new token is dead")
					}
					d.clock.advance(time.Second)
					if !d.good(d.must(refresh(r, after.RefreshToken)).AccessToken) {
						t.Error("a refreshed token is dead")
					}
				})
			}
		}
	}
}

func TestReq006_tokens_of_a_tenant_that_were_taken_back_stay_so_as_long_as_any_refresh_token_may_live(t *testing.T) {
	d := openWithGuard(t)
	lasting := *opaque
	lasting.RefreshIdle, lasting.RefreshMax = 400*day, 400*day
	r := d.signIn("app", withTerms(&lasting))
	old := d.must(r)
	if err := d.RevokeTenant(ctx, by, "acme"); err != nil {
		t.Fatal(err)
	}
	for _, wait := range []time.Duration{time.Second, 20 * day, 370 * day} {
		d.clock.advance(wait)
		d.Feed.Sweep()
		if _, err := d.store.Sweep(ctx, d.clock.now(), 0); err != nil {
			t.Fatal(err)
		}
		again := openOn(t, d.clock, d.store.Store)
		again.secrets = d.secrets
		for _, d := range []*desk{d, again} {
			d.refused(refresh(r, old.RefreshToken), oauth.InvalidGrant)
		}
	}
	if err := d.RevokeTenant(ctx, by, "nobody"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestAJWTOfTheSecondInWhichItsHolderWasLetInAgainDiesWithItsChain(t *testing.T) {
	d := openWithGuard(t)
	d.clock.advance(100 * time.Millisecond)
	if err := d.Registry.RevokeUser(ctx, by, "acme", username); err != nil {
		t.Fatal(err)
	}
	d.clock.advance(100 * time.Millisecond)
	r := d.signIn("app", withTerms(standard))
	tok := d.must(r)
	d.clock.advance(100 * time.Millisecond)
	d.revokes("app", tok.RefreshToken)
	if d.good(tok.AccessToken) {
		t.Error("it lives")
	}
	if said := d.claims("acme", tok.AccessToken); int64(said["iat"].(float64)) != tok.IssuedAt.Unix() || !issuedAt(said).Equal(tok.IssuedAt) {
		t.Errorf("it says that it was issued at %v, not at %v", issuedAt(said), tok.IssuedAt)
	}
	if said := d.claims("acme", d.must(d.ask("twin")).AccessToken); said["iat_us"] != nil {
		t.Errorf("a token of nobody who was stopped is dated to the microsecond: %v", said)
	}
	label := *nexudus // where a new sign-in takes the place of the ended chain
	label.Form, label.ClientLabel, label.Lifetime = oauth.JWT, false, time.Hour
	r = d.signIn("app", withTerms(&label))
	tok = d.must(r)
	d.clock.advance(100 * time.Millisecond)
	d.revokes("app", tok.RefreshToken)
	if d.good(tok.AccessToken) {
		t.Error("it lives")
	}
	if again := d.must(r); !d.good(again.AccessToken) {
		t.Error("the next sign-in is dead")
	}
}

func TestNoTokenOutlivesItsClient(t *testing.T) {
	d := open(t)
	d.client("app", func(c *registry.Client) {
		c.Expires = registry.Until{Time: d.clock.now().Add(10*time.Minute + 500*time.Millisecond)}
	})
	for _, terms := range []*oauth.Terms{standard, opaque} {
		tok := d.must(d.ask("app", withTerms(terms)))
		in := d.shown("app", tok.AccessToken)
		if tok.ExpiresIn != 10*time.Minute || !in.Expires.Equal(tok.IssuedAt.Add(10*time.Minute)) {
			t.Errorf("%s: %v, %v", terms.Form, tok.ExpiresIn, in.Expires)
		}
	}
	d.clock.advance(10*time.Minute + 400*time.Millisecond)
	if tok := d.must(d.ask("app")); tok.ExpiresIn != 0 {
		t.Errorf("%v", tok.ExpiresIn)
	}
}
