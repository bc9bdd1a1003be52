package issuer

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/registry/registrytest"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// query makes a client's request about a token.
func (d *desk) query(id, token string, change ...func(*oauth.TokenQuery)) oauth.TokenQuery {
	q := oauth.TokenQuery{Asker: d.asker(id), Token: oauth.Secret(token)}
	for _, f := range change {
		f(&q)
	}
	return q
}

// shown returns what a client is told of a token.
func (d *desk) shown(id, token string) oauth.Introspection {
	d.t.Helper()
	in, err := d.Present(ctx, d.query(id, token))
	if err != nil {
		d.t.Fatal(err)
	}
	return in
}

// guard registers a client that stands for APIs and has nothing else.
func (d *desk) guard(id string, apis ...string) {
	d.t.Helper()
	d.client(id, func(c *registry.Client) { c.ResourceServers, c.Permissions, c.Grants = apis, nil, nil })
}

func TestReq057_017_018_only_who_proves_to_be_a_client_is_told_anything(t *testing.T) {
	d := open(t)
	for _, id := range []string{"app", "off", "gone", "late", "basic", "near"} {
		d.client(id, func(c *registry.Client) {
			switch id {
			case "late":
				c.Expires = registry.Until{Time: d.clock.now().Add(time.Hour)}
			case "basic":
				c.AuthMethods = []oauth.AuthMethod{oauth.AuthBasic}
			case "near":
				c.AllowFrom = []registry.Network{{Prefix: netip.MustParsePrefix("198.51.100.0/24")}}
			}
		})
	}
	tok := d.must(d.ask("app", withTerms(opaque))).AccessToken
	if err := registrytest.DisableClient(ctx, d.Registry, by, "acme", "off", true); err != nil {
		t.Fatal(err)
	}
	if err := registrytest.DeleteClient(ctx, d.Registry, by, "acme", "gone"); err != nil {
		t.Fatal(err)
	}
	d.clock.advance(time.Hour)
	d.secrets["nobody"] = d.secrets["app"]
	for name, c := range map[string]oauth.TokenQuery{
		"unknown": d.query("nobody", tok), "disabled": d.query("off", tok), "deleted": d.query("gone", tok), "expired": d.query("late", tok),
		"from elsewhere": d.query("near", tok),
		"by another way": d.query("basic", tok, func(q *oauth.TokenQuery) { q.Auth = oauth.AuthPost }),
		"wrong secret":   d.query("app", tok, func(q *oauth.TokenQuery) { q.Client.Secret += "x" }),
		"no secret":      d.query("app", tok, func(q *oauth.TokenQuery) { q.Client.Secret = "" }),
		"no tenant":      d.query("app", tok, func(q *oauth.TokenQuery) { q.Tenant = "" }),
		"other tenant":   d.query("app", tok, func(q *oauth.TokenQuery) { q.Tenant = "other" }),
	} {
		c.Source = netip.AddrFrom4([4]byte{203, 0, 113, byte(len(name))}) // nobody guesses often enough to be slowed
		in, err := d.Present(ctx, c)
		e := oauth.AsError(err)
		if e == nil || e.Code != oauth.InvalidClient || e.Description != "Client authentication failed." || !reflect.DeepEqual(in, oauth.Introspection{}) {
			t.Errorf("%s: %+v, %v", name, in, err)
		}
		if e := oauth.AsError(d.Revoke(ctx, c)); e == nil || e.Code != oauth.InvalidClient {
			t.Errorf("%s may revoke: %v", name, e)
		}
		if e := oauth.AsError(d.MayFollow(ctx, c.Asker)); e == nil || e.Code != oauth.InvalidClient {
			t.Errorf("%s may follow: %v", name, e)
		}
	}
}

func TestReq057_guesses_at_secrets_count_whatever_is_asked(t *testing.T) {
	d := open(t)
	d.client("app")
	tok := d.must(d.ask("app", withTerms(opaque))).AccessToken
	wrong := func(q *oauth.TokenQuery) { q.Client.Secret += "x" }
	for k := 0; ; k++ {
		_, err := d.Present(ctx, d.query("app", tok, wrong))
		if e := oauth.AsError(err); e != nil && e.Code == oauth.Throttled {
			break
		}
		if k > 100 {
			t.Fatal("a hundred wrong secrets, and nobody minds")
		}
	}
	if e := oauth.AsError(d.Revoke(ctx, d.query("app", tok, wrong))); e == nil || e.Code != oauth.Throttled || e.RetryAfter <= 0 {
		t.Errorf("revocation counts apart: %v", e)
	}
	if !d.shown("app", tok).Active {
		t.Error("the right secret is not let through")
	}
}

func TestReq058_a_caller_learns_about_its_own_tokens_and_those_meant_for_its_api(t *testing.T) {
	d := open(t)
	d.client("app")
	d.client("else")
	d.guard("flows", "flows")
	d.guard("query", "query")
	d.guard("both", "flows", "query")
	d.user(username)
	for _, terms := range []*oauth.Terms{standard, opaque, dadi} {
		for scope, may := range map[string][]string{
			"workflows": {"app", "flows", "both"}, "nql": {"app", "query", "both"}, "campaigns nql": {"app", "flows", "query", "both"},
		} {
			tok := d.must(d.ask("app", withTerms(terms), withScope(scope))).AccessToken
			for _, id := range []string{"app", "else", "flows", "query", "both"} {
				want := strings.Contains(" "+strings.Join(may, " ")+" ", " "+id+" ")
				in := d.shown(id, tok)
				if in.Active != want || !want && !reflect.DeepEqual(in, oauth.Introspection{}) {
					t.Errorf("%s: a %s for %q is shown as %+v", id, terms.Form, scope, in)
				}
			}
		}
	}
	tok := d.must(d.ask("app", withScope("workflows"))).AccessToken
	fewer := tenants()
	fewer[0].APIs = fewer[0].APIs[1:]
	if err := d.Registry.SetTenants(fewer); err != nil {
		t.Fatal(err)
	}
	if d.shown("flows", tok).Active {
		t.Error("an API that the settings name no more still asks")
	}
	if e := oauth.AsError(d.MayFollow(ctx, d.asker("flows"))); e == nil || e.Code != oauth.InsufficientScope {
		t.Errorf("and still follows: %v", e)
	}
}

func TestOfWhatAClientMayAskForNothingMattersWhenItAsksAboutATokenOfItsOwn(t *testing.T) {
	d := open(t)
	d.client("app")
	tok := d.must(d.ask("app", withTerms(opaque))).AccessToken
	if _, err := d.Registry.UpdateClient(ctx, by, "client.update", "acme", "app", func(c *registry.Client) error {
		c.Grants, c.Dialects, c.Permissions = []oauth.GrantType{oauth.RefreshToken}, []string{"dadi"}, nil
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !d.shown("app", tok).Active {
		t.Error("not shown")
	}
	if err := d.Revoke(ctx, d.query("app", tok)); err != nil || d.active(tok) {
		t.Errorf("not revoked: %v", err)
	}
}

func TestReq080_058_whatever_is_not_active_looks_alike(t *testing.T) {
	d := open(t)
	_, tok := d.chain()
	d.guard("flows", "flows", "query")
	jwt := d.must(d.signIn("app", withTerms(standard)))
	expired := d.must(d.ask("app", withTerms(opaque))).AccessToken
	expiredJWT := d.must(d.ask("app")).AccessToken
	d.clock.advance(16 * time.Minute)
	revoked, revokedJWT := d.must(d.ask("app", withTerms(opaque))).AccessToken, d.must(d.ask("app")).AccessToken
	for _, text := range []string{revoked, revokedJWT} {
		if err := d.Revoke(ctx, d.query("app", text)); err != nil {
			t.Fatal(err)
		}
	}
	d.client("twin", func(c *registry.Client) { c.Tenant, c.Permissions = "other", nil })
	elsewhere := d.must(d.ask("twin", func(r *oauth.TokenRequest) { r.Tenant = "other" })).AccessToken
	list, err := d.Keys.SignAs("acme", "revocations+jwt", []byte(`{"iss":"https://login.acme.test","client_id":"app","exp":99999999999}`))
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"garbage": "garbage", "nothing": "", "dots": "..", "a refresh token": tok.RefreshToken, "a chain's": jwt.RefreshToken, "a secret": d.secrets["app"].Reveal(),
		"an expired token": expired, "an expired JWT": expiredJWT, "a revoked token": revoked, "a revoked JWT": revokedJWT, "another tenant's": elsewhere,
		"a signed list": string(list), "an edited JWT": strings.Replace(revokedJWT, ".", ".e", 1), "a long text": strings.Repeat("a.b", 10000),
	} {
		for _, id := range []string{"app", "flows"} {
			if in := d.shown(id, text); !reflect.DeepEqual(in, oauth.Introspection{}) {
				t.Errorf("%s is shown to %s as %+v", what, id, in)
			}
		}
	}
}

func TestReq081_a_JWT_is_shown_as_what_it_says(t *testing.T) {
	d := open(t)
	d.client("app")
	u := d.user(username)
	fixed := *standard
	fixed.FixedScope, fixed.DefaultScope = true, "all"
	for _, terms := range []*oauth.Terms{standard, &fixed} {
		tok := d.must(d.signIn("app", withTerms(terms)))
		said := d.claims("acme", tok.AccessToken)
		in := d.shown("app", tok.AccessToken)
		want := oauth.Introspection{Active: true, Form: oauth.JWT, ID: said["jti"].(string), Issuer: "https://login.acme.test", Subject: u.ID, ClientID: "app",
			Username: username, Name: "Bob", Scope: "workflows nql", Audience: []string{"https://api.acme.test/flows", "https://api.acme.test/query"},
			IssuedAt: time.Unix(tok.IssuedAt.Unix(), 0), Expires: time.Unix(tok.IssuedAt.Add(15*time.Minute).Unix(), 0), Family: said["sid"].(string), KeyID: in.KeyID}
		if terms.FixedScope {
			want.Scope, want.Permissions = "all", []string{"workflows", "nql"}
		}
		if !reflect.DeepEqual(in, want) || in.KeyID == "" {
			t.Errorf("\n%+v\nwant\n%+v", in, want)
		}
	}
	if one := d.shown("app", d.must(d.ask("app", withScope("nql"))).AccessToken); len(one.Audience) != 1 || one.Family != "" {
		t.Errorf("%+v", one)
	}
}

func TestATokenThatPermitsNothingSaysSo(t *testing.T) {
	d := open(t)
	d.client("none", func(c *registry.Client) { c.Permissions = nil })
	fixed := *nexthink
	for _, form := range []oauth.TokenForm{oauth.JWT, oauth.Opaque} {
		fixed.Form = form
		if in := d.shown("none", d.must(d.ask("none", withTerms(&fixed))).AccessToken); in.Permissions == nil || len(in.Permissions) > 0 {
			t.Errorf("%s: %+v", form, in)
		}
	}
}

func TestReq100_refusals_of_requests_about_tokens_are_recorded(t *testing.T) {
	d := open(t)
	d.client("app")
	wrong := func(q *oauth.TokenQuery) { q.Client.Secret = "wrong" }
	shown, revoked, follow := d.query("app", "x", wrong), d.query("app", "x", wrong), d.asker("app")
	if _, err := d.Present(ctx, shown); oauth.AsError(err) == nil {
		t.Error(err)
	}
	if err := d.Revoke(ctx, revoked); oauth.AsError(err) == nil {
		t.Error(err)
	}
	if err := d.MayFollow(ctx, follow); oauth.AsError(err) == nil {
		t.Error(err)
	}
	for id, want := range map[string]string{shown.RequestID: IntrospectRefused, revoked.RequestID: RevokeRefused, follow.RequestID: FeedRefused} {
		var e audit.Event
		var err error
		for range 200 {
			if e, err = audit.Get(ctx, d.store.Store, "acme", id); err == nil {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if err != nil || e.Act != want || e.Actor != "client:app" || e.Outcome != audit.Refused || e.Reason == "" {
			t.Errorf("%+v %v, want %s", e, err, want)
		}
	}
}

func TestReq006_guards_go_on_reading_what_a_disabled_tenant_has_taken_back(t *testing.T) {
	d := open(t)
	d.guard("guard", "flows")
	ts := tenants()
	ts[0].Disabled = true
	if err := d.Registry.SetTenants(ts); err != nil {
		t.Fatal(err)
	}
	if err := d.MayFollow(ctx, d.query("guard", "").Asker); err != nil {
		t.Errorf("a guard does not hear that the tenant is disabled: %v", err)
	}
	if _, err := d.Present(ctx, d.query("guard", "x")); oauth.AsError(err) == nil {
		t.Errorf("a disabled tenant still tells of tokens: %v", err)
	}
}
