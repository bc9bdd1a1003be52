package issuer

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// guarded reports whether a guard that follows the feed, and knows nothing else, lets a JWT through.
func (d *desk) guarded(token string) bool {
	d.t.Helper()
	said := d.claims("acme", token)
	_, key, _ := d.Keys.Verify("acme", token)
	text := func(name string) string { s, _ := said[name].(string); return s }
	names := revocation.NamesOf(text("jti"), text("sid"), text("client_id"), text("sub"), key.ID)
	_, refused := d.Feed.Set("acme").Refuses(&names, issuedAt(said))
	return !refused
}

// issuedAt reads when a JWT was issued, as guards do.
func issuedAt(said map[string]any) time.Time {
	if us, ok := said["iat_us"].(float64); ok {
		return time.UnixMicro(int64(us))
	}
	return time.Unix(int64(said["iat"].(float64)), 0)
}

// good reports whether an access token is, wherever it is looked at.
func (d *desk) good(token string) bool {
	d.t.Helper()
	in := d.shown("all", token)
	if strings.Count(token, ".") == 2 && d.guarded(token) != in.Active {
		d.t.Errorf("the guard and introspection do not agree: introspection says %v", in.Active)
	}
	return in.Active
}

// revoke takes a token back that must be taken back.
func (d *desk) revokes(id, token string, change ...func(*oauth.TokenQuery)) {
	d.t.Helper()
	if err := d.Revoke(ctx, d.query(id, token, change...)); err != nil {
		d.t.Errorf("%v", err)
	}
}

// openWithGuard makes a desk with a client "app", its twin, a user, and a resource server "all" that may ask about everything.
func openWithGuard(t testing.TB) *desk {
	d := open(t)
	d.client("app")
	d.client("twin")
	d.guard("all", "flows", "query")
	d.user(username)
	return d
}

func hint(text string) func(*oauth.TokenQuery) {
	return func(q *oauth.TokenQuery) { q.Hint = oauth.Unproven(text) }
}

func TestReq079_revocation_touches_the_callers_own_tokens_and_a_hint_is_only_a_hint(t *testing.T) {
	d := openWithGuard(t)
	for _, terms := range []*oauth.Terms{standard, opaque} {
		r := d.signIn("app", withTerms(terms))
		tok := d.must(r)
		uuid := d.must(d.ask("app", withTerms(dadi))).AccessToken
		for _, text := range []string{"", "garbage", "a.b.c", strings.Repeat("x", 60000), tok.AccessToken[:20], d.secrets["app"].Reveal()} {
			d.revokes("app", text)
		}
		for _, text := range []string{tok.AccessToken, tok.RefreshToken, uuid} {
			d.revokes("twin", text) // another client's
			d.revokes("all", text)  // a resource server may look, and no more
		}
		if !d.good(tok.AccessToken) || !d.good(uuid) {
			t.Error("another client has revoked it")
		}
		next := d.must(refresh(r, tok.RefreshToken))
		d.revokes("app", next.AccessToken, hint("refresh_token"))
		if d.good(next.AccessToken) || !d.good(tok.AccessToken) {
			t.Error("a wrong hint hinders, or one token more was taken")
		}
		d.revokes("app", uuid, hint("pickle"))
		if d.good(uuid) {
			t.Error("an unknown hint hinders")
		}
		d.must(refresh(r, next.RefreshToken)) // the chain goes on
		d.revokes("app", next.AccessToken)    // and once more is no error
	}
}

func TestReq056_009_a_revoked_refresh_token_ends_its_chain_and_all_that_came_from_it(t *testing.T) {
	for _, terms := range []*oauth.Terms{standard, opaque} {
		for _, which := range []int{0, 1, 2} { // who has lost the last answer revokes an older one
			d := openWithGuard(t)
			r := d.signIn("app", withTerms(terms))
			other := d.must(r)
			toks := []oauth.Token{d.must(r)}
			for range 2 {
				d.clock.advance(time.Minute)
				toks = append(toks, d.must(refresh(r, toks[len(toks)-1].RefreshToken)))
			}
			d.revokes("app", toks[which].RefreshToken, hint("access_token"))
			for k, tok := range toks {
				if d.good(tok.AccessToken) {
					t.Errorf("%s: access token %d lives", terms.Form, k)
				}
				d.refused(refresh(r, tok.RefreshToken), oauth.InvalidGrant)
			}
			if !d.good(other.AccessToken) {
				t.Error("another sign-in of the user has ended too")
			}
			d.must(refresh(r, other.RefreshToken))
			again := openOn(t, d.clock, d.store.Store) // a process that is started afterwards
			again.secrets = d.secrets
			for k, tok := range toks {
				if again.good(tok.AccessToken) {
					t.Errorf("R4: %s: access token %d lives again", terms.Form, k)
				}
			}
			d.revokes("app", toks[0].RefreshToken)
		}
	}
}

func TestReq056_a_forged_or_future_refresh_token_ends_nothing(t *testing.T) {
	d := openWithGuard(t)
	r := d.signIn("app")
	tok := d.must(r)
	for k := range tok.RefreshToken {
		d.revokes("app", tok.RefreshToken[:k]+string(tok.RefreshToken[k]^1)+tok.RefreshToken[k+1:])
	}
	d.revokes("app", "tbr_"+tok.RefreshToken)
	if !d.good(tok.AccessToken) {
		t.Error("dead")
	}
	d.must(refresh(r, tok.RefreshToken))
}

func TestReq002_a_stolen_refresh_token_ends_the_JWTs_of_its_chain(t *testing.T) {
	d := openWithGuard(t)
	r := d.signIn("app", withTerms(standard))
	first := d.must(r)
	second := d.must(refresh(r, first.RefreshToken))
	d.clock.advance(time.Minute)
	d.refused(refresh(r, first.RefreshToken), oauth.InvalidGrant)
	d.refused(refresh(r, second.RefreshToken), oauth.InvalidGrant)
	if d.good(first.AccessToken) || d.good(second.AccessToken) {
		t.Error("a JWT of the chain lives")
	}
}

func TestR4_what_was_acknowledged_as_revoked_is_revoked_in_every_process(t *testing.T) {
	d := openWithGuard(t)
	beside := openOn(t, d.clock, d.store.Store)
	beside.secrets = d.secrets
	noted := d.notes()
	for _, terms := range []*oauth.Terms{standard, opaque, dadi} {
		tok := d.must(d.ask("app", withTerms(terms))).AccessToken
		if !beside.good(tok) {
			t.Fatal("dead before")
		}
		d.revokes("app", tok)
		if err := beside.Feed.Missed(ctx); err != nil { // as package change tells it
			t.Fatal(err)
		}
		again := openOn(t, d.clock, d.store.Store)
		again.secrets = d.secrets
		for where, d := range map[string]*desk{"here": d, "in a process beside": beside, "after a restart": again} {
			if d.good(tok) {
				t.Errorf("%s lives %s", terms.Form, where)
			}
		}
		if _, err := d.store.Sweep(ctx, d.clock.now(), 0); err != nil {
			t.Fatal(err)
		}
		if d.good(tok) {
			t.Error("it came back to life")
		}
	}
	if n := d.notes() - noted; n != 3 {
		t.Errorf("%d notes tell other processes of three revocations", n)
	}
}

// notes counts the notes that tell other processes of revocations.
func (d *desk) notes() (n int) {
	d.t.Helper()
	notes, err := d.store.List(ctx, store.Query{Kind: store.Change, Limit: store.MaxLimit})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, rec := range notes {
		n += strings.Count(string(rec.Body), `"revocation"`)
	}
	return n
}

func TestB18_a_revocation_that_could_not_be_written_is_not_answered_with_success(t *testing.T) {
	d := openWithGuard(t)
	for _, terms := range []*oauth.Terms{standard, opaque} {
		tok := d.must(d.signIn("app", withTerms(terms)))
		d.store.Down.Store(true)
		for _, text := range []string{tok.AccessToken, tok.RefreshToken} {
			if err := d.Revoke(ctx, d.query("app", text)); !errors.Is(err, oauth.ErrUnavailable) || oauth.AsError(err) != nil {
				t.Errorf("%v", err)
			}
		}
		if err := d.RevokeTenant(ctx, by, "acme"); !errors.Is(err, oauth.ErrUnavailable) {
			t.Errorf("%v", err)
		}
		d.store.Down.Store(false)
		if !d.good(tok.AccessToken) {
			t.Error("refused, though nothing was written: after a restart it would live")
		}
	}
}

func TestReq056_a_refresh_that_races_a_revocation_leaves_nothing_alive(t *testing.T) {
	for round := range 20 {
		d := openWithGuard(t)
		terms := []*oauth.Terms{standard, opaque}[round%2]
		r := d.signIn("app", withTerms(terms))
		tok := d.must(r)
		var given []oauth.Token
		var mu sync.Mutex
		var all sync.WaitGroup
		for k := range 4 {
			all.Go(func() {
				if k == round%4 {
					d.revokes("app", tok.RefreshToken)
					return
				}
				if got, err := d.Token(ctx, refresh(r, tok.RefreshToken)); err == nil {
					mu.Lock()
					given = append(given, got)
					mu.Unlock()
				} else if oauth.AsError(err) == nil {
					t.Errorf("%v", err)
				}
			})
		}
		all.Wait()
		for _, g := range append(given, tok) {
			if d.good(g.AccessToken) {
				t.Errorf("an access token of %s lives", terms.Form)
			}
			d.refused(refresh(r, g.RefreshToken), oauth.InvalidGrant)
		}
	}
}

func TestARevocationIsRecordedWithItsAuthor(t *testing.T) {
	d := openWithGuard(t)
	jwt, chain := d.must(d.ask("app")), d.must(d.signIn("app"))
	q, q2 := d.query("app", jwt.AccessToken), d.query("app", chain.RefreshToken)
	if err := errors.Join(d.Revoke(ctx, q), d.Revoke(ctx, q2)); err != nil {
		t.Fatal(err)
	}
	own := d.must(d.ask("app")).AccessToken
	what, err := d.RevokeText(ctx, by, "acme", own)
	if err != nil || what.Kind != revocation.Token || what.ClientID != "app" || what.ID != d.claims("acme", own)["jti"] || d.good(own) {
		t.Errorf("%+v %v", what, err)
	}
	label := d.must(d.label("kiosk"))
	if what, err := d.RevokeText(ctx, by, "acme", label.RefreshToken); err != nil || what.Kind != revocation.Family || what.ClientID != "label:kiosk" || d.good(label.AccessToken) {
		t.Errorf("%+v %v", what, err)
	}
	if what, err := d.RevokeText(ctx, by, "acme", own); err != nil || what != (Revoked{}) {
		t.Errorf("twice: %+v %v", what, err)
	}
	if _, err := d.RevokeText(ctx, by, "nobody", own); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("%v", err)
	}
	d.clock.advance(time.Second)
	if err := d.RevokeTenant(ctx, by, "acme"); err != nil {
		t.Fatal(err)
	}
	for id, subject := range map[string]string{q.RequestID: "token:" + d.claims("acme", jwt.AccessToken)["jti"].(string), q2.RequestID: "chain:"} {
		e, err := audit.Get(ctx, d.store, "acme", id)
		rec, err2 := d.store.Get(ctx, "acme", store.Event, id)
		if err != nil || err2 != nil || e.Act != "token.revoke" || e.Actor != "client:app" || !strings.HasPrefix(e.Subject, subject) || e.Outcome != audit.Allowed ||
			e.Source != "192.0.2.1" || e.RequestID != id || e.Detail["client"] != "app" || e.Detail["subject"] == "" || rec.Expires.IsZero() {
			t.Errorf("%+v %v %v", e, err, rec.Expires)
		}
	}
	events, _, _, err := audit.Search(ctx, d.store, audit.Query{Tenant: "acme", Actor: by, Limit: 3})
	if err != nil || len(events) != 3 || events[0].Act != "tenant.revoke-tokens" || events[0].Subject != "tenant:acme" || events[1].Act != "token.revoke" || events[1].RequestID != "" {
		t.Errorf("%+v %v", events, err)
	}
}

func TestAnOperatorSeesWhatATokenIs(t *testing.T) {
	d := openWithGuard(t)
	for _, terms := range []*oauth.Terms{standard, opaque, dadi} {
		tok := d.must(d.ask("app", withTerms(terms))).AccessToken
		if in, err := d.IntrospectText(ctx, "acme", tok); err != nil || !in.Active || in.ClientID != "app" || in.Form != terms.Form {
			t.Errorf("%+v %v", in, err)
		}
		if in, err := d.IntrospectText(ctx, "other", tok); err != nil || in.Active {
			t.Errorf("%+v %v", in, err)
		}
	}
	if _, err := d.IntrospectText(ctx, "nobody", "x"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestReq056_a_chain_that_is_revoked_after_the_clock_went_back_is_dead(t *testing.T) {
	d := openWithGuard(t)
	tok := d.must(d.signIn("app"))
	d.clock.advance(-2 * time.Second)
	d.revokes("app", tok.RefreshToken)
	if d.good(tok.AccessToken) {
		t.Error("revoked, and good")
	}
	d.clock.advance(6 * time.Minute)
	if d.good(tok.AccessToken) {
		t.Error("good again, minutes later")
	}
}

func TestReq006_what_a_tenant_took_back_is_not_given_back_when_the_clock_goes_back(t *testing.T) {
	d := openWithGuard(t)
	if err := d.RevokeTenant(ctx, by, "acme"); err != nil {
		t.Fatal(err)
	}
	last := d.Feed.NotBefore("acme")
	d.clock.advance(-time.Minute)
	if err := d.RevokeTenant(ctx, by, "acme"); err != nil {
		t.Fatal(err)
	}
	again, err := feed.Open(ctx, feed.Options{Store: d.Store, Now: d.clock.now}) // as after a restart
	if err == nil {
		err = again.SetTenants(ctx, []string{"acme"})
	}
	if kept := again.NotBefore("acme"); err != nil || kept.Before(last.Truncate(time.Microsecond)) {
		t.Errorf("%v was kept, and %v before: %v", kept, last, err)
	}
}
