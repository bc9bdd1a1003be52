package issuer

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// deed is something that is asked of an issuer. It is prepared on one whose store works.
type deed struct {
	prepare   func(healthy *desk) func(*desk) error
	tolerates bool // the store may fail and the caller be served all the same
	refused   bool // the answer of a store that works is a refusal
}

func deeds(t *testing.T) map[string]deed {
	token := func(r oauth.TokenRequest) func(*desk) error {
		return func(d *desk) error { _, err := d.Token(ctx, r); return err }
	}
	introspect := func(text string) func(*desk) error {
		return func(d *desk) error {
			in, err := d.Introspect(ctx, "acme", text)
			if err == nil && !in.Active {
				return oauth.Refuse(oauth.RevokedToken, "", "inactive")
			}
			return err
		}
	}
	revoke := func(d *desk, text string) func(*desk) error {
		q := d.query("app", text)
		return func(d *desk) error { return d.Revoke(ctx, q) }
	}
	ask := func(change ...func(*oauth.TokenRequest)) func(*desk) func(*desk) error {
		return func(d *desk) func(*desk) error { return token(d.ask("app", change...)) }
	}
	return map[string]deed{
		"client_credentials, a JWT":    {prepare: ask()},
		"client_credentials, opaque":   {prepare: ask(withTerms(opaque))},
		"client_credentials, a UUID":   {prepare: ask(withTerms(dadi))},
		"client_credentials, unknown":  {prepare: func(d *desk) func(*desk) error { return token(d.ask("nobody")) }, refused: true},
		"client_credentials, wrong":    {prepare: ask(func(r *oauth.TokenRequest) { r.Client.Secret = "wrong" }), refused: true},
		"client_credentials, imported": {prepare: func(d *desk) func(*desk) error { return token(d.imported(t)) }, tolerates: true},
		"password":                     {prepare: func(d *desk) func(*desk) error { return token(d.signIn("app")) }},
		"password, a label":            {prepare: func(d *desk) func(*desk) error { return token(d.label("portal")) }},
		"password, wrong": {prepare: func(d *desk) func(*desk) error {
			return token(d.signIn("app", func(r *oauth.TokenRequest) { r.Password = "wrong" }))
		}, refused: true},
		"password, nobody": {prepare: func(d *desk) func(*desk) error {
			return token(d.signIn("app", func(r *oauth.TokenRequest) { r.Username = "nobody@acme.test" }))
		}, refused: true},
		"refresh_token": {prepare: func(d *desk) func(*desk) error {
			r := d.signIn("app")
			return token(refresh(r, d.must(r).RefreshToken))
		}},
		"refresh_token, a label": {prepare: func(d *desk) func(*desk) error {
			r := d.label("portal")
			return token(refresh(r, d.must(r).RefreshToken))
		}},
		"refresh_token, a retry": {prepare: func(d *desk) func(*desk) error {
			r := d.signIn("app")
			spent := d.must(r).RefreshToken
			d.must(refresh(r, spent))
			return token(refresh(r, spent))
		}},
		"B18: refresh_token, reused": {prepare: func(d *desk) func(*desk) error {
			r := d.signIn("app")
			spent := d.must(r).RefreshToken
			d.must(refresh(r, spent))
			d.clock.advance(time.Minute)
			return token(refresh(r, spent))
		}, refused: true},
		"Introspect, a client's": {prepare: func(d *desk) func(*desk) error {
			return introspect(d.must(d.ask("app", withTerms(opaque))).AccessToken)
		}},
		"Introspect, a person's": {prepare: func(d *desk) func(*desk) error { return introspect(d.must(d.signIn("app")).AccessToken) }},
		"Introspect, a UUID":     {prepare: func(d *desk) func(*desk) error { return introspect(d.must(d.ask("app", withTerms(dadi))).AccessToken) }},
		"B18: Revoke, a JWT":     {prepare: func(d *desk) func(*desk) error { return revoke(d, d.must(d.ask("app")).AccessToken) }},
		"B18: Revoke, opaque":    {prepare: func(d *desk) func(*desk) error { return revoke(d, d.must(d.ask("app", withTerms(opaque))).AccessToken) }},
		"B18: Revoke, a UUID":    {prepare: func(d *desk) func(*desk) error { return revoke(d, d.must(d.ask("app", withTerms(dadi))).AccessToken) }},
		"B18: Revoke, refresh":   {prepare: func(d *desk) func(*desk) error { return revoke(d, d.must(d.signIn("app")).RefreshToken) }},
		"B18: Revoke, nobody":    {prepare: func(d *desk) func(*desk) error { return revoke(d, "x") }, tolerates: true},
		"B18: RevokeText": {prepare: func(d *desk) func(*desk) error {
			text := d.must(d.ask("app")).AccessToken
			return func(d *desk) error { _, err := d.RevokeText(ctx, by, "acme", text); return err }
		}},
		"B18: RevokeTenant": {prepare: func(*desk) func(*desk) error {
			return func(d *desk) error { return d.RevokeTenant(ctx, by, "acme") }
		}},
		"Present, a JWT": {prepare: func(d *desk) func(*desk) error {
			q := d.query("app", d.must(d.ask("app")).AccessToken)
			return func(d *desk) error { _, err := d.Present(ctx, q); return err }
		}},
		"Present, a person's": {prepare: func(d *desk) func(*desk) error {
			q := d.query("app", d.must(d.signIn("app")).AccessToken)
			return func(d *desk) error { _, err := d.Present(ctx, q); return err }
		}},
		"MayFollow": {prepare: func(d *desk) func(*desk) error {
			asker := d.asker("app")
			return func(d *desk) error { return d.MayFollow(ctx, asker) }
		}, refused: true},
		"Alive, a client": {prepare: func(d *desk) func(*desk) error {
			return func(d *desk) error { return d.Alive(ctx, "acme", "app", "app", d.clock.now()) }
		}},
		"Alive, a person": {prepare: func(d *desk) func(*desk) error {
			u, err := d.Registry.UserByName(ctx, "acme", username)
			if err != nil {
				t.Fatal(err)
			}
			return func(d *desk) error { return d.Alive(ctx, "acme", "app", u.ID, d.clock.now()) }
		}},
	}
}

// imported registers a client whose secret is kept under a slow hash still.
func (d *desk) imported(t *testing.T) oauth.TokenRequest {
	t.Helper()
	id := fmt.Sprintf("imported-%d", requests.Add(1))
	if _, err := d.Registry.ImportClient(ctx, by, registry.Client{Tenant: "acme", ID: id, ClientSpec: registry.ClientSpec{Name: id, Grants: []oauth.GrantType{oauth.ClientCredentials}}},
		"", string(secret.HashPassword("imported secret"))); err != nil {
		t.Fatal(err)
	}
	return d.ask(id, func(r *oauth.TokenRequest) { r.Client.Secret = "imported secret" })
}

// TestR18_D2_B18_every_store_call_fails_in_turn lets, of each deed, each call of the store fail once. The caller is told to come back
// and nothing else, and when it does it is served.
func TestR18_D2_B18_every_store_call_fails_in_turn(t *testing.T) {
	for name, c := range deeds(t) {
		t.Run(name, func(t *testing.T) {
			healthy := open(t)
			healthy.client("app")
			healthy.user(username)
			total := int64(0)
			for at := int64(1); ; at++ {
				if at > 30 {
					t.Fatal("it never ends without a failure")
				}
				do := c.prepare(healthy)
				d := openOn(t, healthy.clock, healthy.store.Store) // remembers nothing yet
				d.store.Calls.Store(0)
				d.store.FailAt.Store(at)
				err := do(d)
				d.store.FailAt.Store(0)
				if d.store.Calls.Load() < at {
					if (oauth.AsError(err) != nil) != c.refused || err != nil && !c.refused {
						t.Errorf("with a store that works: %v", err)
					}
					break
				}
				total++
				if err == nil && c.tolerates {
					continue
				}
				if oauth.AsError(err) != nil || !errors.Is(err, oauth.ErrUnavailable) {
					t.Errorf("call %d failed, and the caller was told: %v", at, err)
				}
				if err := do(d); (oauth.AsError(err) != nil) != c.refused || err != nil && !c.refused {
					t.Errorf("after call %d had failed once: %v", at, err)
				}
			}
			if total == 0 {
				t.Error("the store was not called: this test is about nothing")
			}
		})
	}
}

func TestR25_a_JWT_for_a_client_that_is_remembered_needs_no_store(t *testing.T) {
	d := open(t)
	d.client("app")
	d.must(d.ask("app"))
	tok := d.must(d.ask("app", withTerms(opaque)))
	d.store.Down.Store(true)
	d.must(d.ask("app"))
	if err := d.Alive(ctx, "acme", "app", "app", d.clock.now()); err != nil {
		t.Errorf("%v", err)
	}
	for what, err := range map[string]error{
		"an opaque token": func() error { _, err := d.Token(ctx, d.ask("app", withTerms(opaque))); return err }(),
		"introspection":   func() error { _, err := d.Introspect(ctx, "acme", tok.AccessToken); return err }(),
	} {
		if !errors.Is(err, oauth.ErrUnavailable) || oauth.AsError(err) != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	d.store.Down.Store(false)
	d.must(d.ask("app", withTerms(opaque)))
	if !d.active(tok.AccessToken) {
		t.Error("dead after the outage")
	}
}

func TestD2_failures_of_the_store_are_not_counted_as_wrong_guesses(t *testing.T) {
	d := open(t)
	d.client("app")
	d.user(username)
	d.must(d.ask("app"))
	r := d.imported(t)
	d.store.Down.Store(true)
	for range 50 {
		for _, r := range []oauth.TokenRequest{d.signIn("app"), r} {
			if _, err := d.Token(ctx, r); !errors.Is(err, oauth.ErrUnavailable) {
				t.Fatal(err)
			}
		}
	}
	d.store.Down.Store(false)
	d.must(d.signIn("app"))
	d.must(r)
}

func TestReq100_every_refusal_is_recorded_with_its_reason_under_its_request_id(t *testing.T) {
	d := open(t)
	d.client("app")
	d.user(username)
	wrong := d.ask("app", func(r *oauth.TokenRequest) { r.Client.Secret = "wrong" })
	person := d.signIn("app", func(r *oauth.TokenRequest) { r.Password = "wrong" })
	d.refused(wrong, oauth.InvalidClient)
	d.refused(person, oauth.InvalidGrant)
	d.must(d.ask("app"))
	d.Refusals.Close()
	d.Refusals = audit.NewLog(d.store.Store, slog.New(slog.DiscardHandler)) // for the end of the test to close
	for id, want := range map[string]audit.Event{
		wrong.RequestID: {Act: "token.refuse", Actor: "client:app", Subject: "client:app", Outcome: audit.Refused, Source: "192.0.2.1",
			Reason: "invalid_client: client app: the secret is wrong"},
		person.RequestID: {Act: "token.refuse", Actor: "user:" + username, Subject: "client:app", Outcome: audit.Refused, Source: "192.0.2.1",
			Reason: "invalid_grant: the password of user " + d.idOf(username) + " is wrong"},
	} {
		e, err := audit.Get(ctx, d.store, "acme", id)
		if err != nil || e.Act != want.Act || e.Actor != want.Actor || e.Subject != want.Subject || e.Outcome != want.Outcome ||
			e.Source != want.Source || e.Reason != want.Reason || e.RequestID != id {
			t.Errorf("%+v, %v\nwant %+v", e, err, want)
		}
	}
	events, _, _, err := audit.Search(ctx, d.store, audit.Query{Tenant: "acme", Subject: "client:app"})
	if err != nil || len(events) != 3 { // its creation and the two refusals
		t.Errorf("%+v, %v", events, err)
	}
}

func (d *desk) idOf(username string) string {
	d.t.Helper()
	u, err := d.Registry.UserByName(ctx, "acme", username)
	if err != nil {
		d.t.Fatal(err)
	}
	return u.ID
}
