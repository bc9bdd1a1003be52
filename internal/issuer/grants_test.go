package issuer

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/registry/registrytest"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func withTerms(terms *oauth.Terms) func(*oauth.TokenRequest) {
	return func(r *oauth.TokenRequest) { r.Terms = terms }
}

func withScope(scope string) func(*oauth.TokenRequest) {
	return func(r *oauth.TokenRequest) { r.Scope = oauth.Unproven(scope) }
}

func TestReq017_unknown_wrong_expired_and_disabled_clients_get_one_answer(t *testing.T) {
	d := open(t)
	for _, id := range []string{"good", "disabled", "deleted", "expired", "elsewhere"} {
		d.client(id)
	}
	far := netip.MustParsePrefix("203.0.113.0/24")
	d.client("bounded", func(c *registry.Client) { c.AllowFrom = []registry.Network{{Prefix: far}} })
	d.client("posts", func(c *registry.Client) { c.AuthMethods = []oauth.AuthMethod{oauth.AuthPost} })
	d.client("brief", func(c *registry.Client) { c.Expires = registry.Until{Time: d.clock.now().Add(time.Minute)} })
	if _, _, err := rotateSecret(ctx, d, by, "acme", "expired", time.Minute); err != nil {
		t.Fatal(err)
	}
	d.clock.advance(time.Minute)
	if err := registrytest.DisableClient(ctx, d.Registry, by, "acme", "disabled", true); err != nil {
		t.Fatal(err)
	}
	if err := registrytest.DeleteClient(ctx, d.Registry, by, "acme", "deleted"); err != nil {
		t.Fatal(err)
	}
	d.secrets["nobody"] = d.secrets["good"]
	wrong := func(r *oauth.TokenRequest) { r.Client.Secret += "x" }
	var answers []oauth.Error
	for _, r := range []oauth.TokenRequest{
		d.ask("nobody"), d.ask("good", wrong), d.ask("disabled"), d.ask("disabled", wrong), d.ask("deleted"), d.ask("expired"), d.ask("brief"),
		d.ask("bounded"), d.ask("bounded", wrong), d.ask("posts"), d.ask("good", func(r *oauth.TokenRequest) { r.Client.Secret = "" }),
		d.ask("elsewhere", func(r *oauth.TokenRequest) { r.Tenant = "other" }), d.ask("good", func(r *oauth.TokenRequest) { r.Tenant = "nobody" }),
	} {
		e := *d.refused(r, oauth.InvalidClient)
		if e.Reason == "" {
			t.Errorf("%s: the operator is not told why", r.Client.ID)
		}
		e.Reason, e.Case, e.Client = "", "", "" // which are for the operator
		answers = append(answers, e)
	}
	if answers = slices.Compact(answers); len(answers) != 1 {
		t.Errorf("several answers: %+v", answers)
	}
	d.must(d.ask("good"))
}

func TestReq018_only_the_registered_way_of_proving_oneself_is_accepted(t *testing.T) {
	d := open(t)
	d.client("posts", func(c *registry.Client) { c.AuthMethods = []oauth.AuthMethod{oauth.AuthPost} })
	d.client("any")
	for method, codes := range map[oauth.AuthMethod][2]oauth.Code{
		oauth.AuthBasic: {oauth.InvalidClient, ""}, oauth.AuthPost: {"", ""}, oauth.AuthNone: {oauth.InvalidClient, ""},
	} {
		for k, id := range []string{"posts", "any"} {
			r := d.ask(id, func(r *oauth.TokenRequest) { r.Auth = method })
			if codes[k] == "" {
				d.must(r)
			} else {
				d.refused(r, codes[k])
			}
		}
	}
}

func TestASecretWorksRawAndFormDecoded(t *testing.T) {
	d := open(t)
	const plain = "s:ec%ret+"
	if _, err := d.Registry.ImportClient(ctx, by, registry.Client{Tenant: "acme", ID: "odd", ClientSpec: registry.ClientSpec{Name: "Odd", Grants: []oauth.GrantType{oauth.ClientCredentials}}},
		plain, ""); err != nil {
		t.Fatal(err)
	}
	raw := d.ask("odd", func(r *oauth.TokenRequest) { r.Client.Secret = plain })
	d.must(raw)
	encoded := d.ask("odd", func(r *oauth.TokenRequest) {
		r.Client.Secret, r.Decoded = "s%3Aec%25ret%2B", &oauth.Credential{ID: "odd", Secret: plain}
	})
	d.must(encoded)
	d.must(d.ask("o%64d", func(r *oauth.TokenRequest) {
		r.Client.Secret, r.Decoded = "x", &oauth.Credential{ID: "odd", Secret: plain}
	}))
	d.refused(d.ask("odd", func(r *oauth.TokenRequest) { r.Client.Secret = "s%3Aec%25ret%2B" }), oauth.InvalidClient)
}

func TestReq022_B19_every_grant_of_every_kind_of_client_is_allowed_or_not(t *testing.T) {
	grants := []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken}
	for mask := 1; mask < 1<<len(grants); mask++ { // without any, no client is registered
		for _, fenced := range []bool{false, true} {
			d := open(t)
			var allowed []oauth.GrantType
			for k, g := range grants {
				if mask>>k&1 == 1 {
					allowed = append(allowed, g)
				}
			}
			d.client("donor")
			d.user(username)
			donor := d.must(d.signIn("donor"))
			for kind, change := range map[string]func(*registry.Client){
				"plain": func(*registry.Client) {}, "powerless": func(c *registry.Client) { c.Permissions = nil },
				"opaque": func(c *registry.Client) { c.TokenForm = oauth.Opaque }, "pinned": func(c *registry.Client) { c.Dialects = []string{"oauth2"} },
				"bodyless": func(c *registry.Client) { c.AllowBodylessToken = true }, "bounded": func(c *registry.Client) {
					c.AllowFrom = []registry.Network{{Prefix: netip.MustParsePrefix("192.0.2.0/24")}}
				},
			} {
				d.client(kind, change, func(c *registry.Client) { c.Grants = allowed })
			}
			if fenced {
				ts := tenants()
				ts[0].AllowPasswordGrant = false
				if err := d.Registry.SetTenants(ts); err != nil {
					t.Fatal(err)
				}
			}
			for id := range d.secrets {
				if id == "donor" {
					continue
				}
				for _, g := range grants {
					r := d.signIn(id, func(r *oauth.TokenRequest) { r.Grant, r.RefreshToken = g, oauth.Secret(donor.RefreshToken) })
					_, err := d.Token(ctx, r)
					code := oauth.Code("")
					if e := oauth.AsError(err); e != nil {
						code = e.Code
					}
					want := oauth.Code("")
					switch {
					case !slices.Contains(allowed, g), g == oauth.Password && fenced:
						want = oauth.UnauthorizedClient
					case g == oauth.RefreshToken:
						want = oauth.InvalidGrant // allowed, but the token is another client's
					}
					if code != want {
						t.Errorf("client %q may %v, fenced %v: %s is answered %q, want %q", id, allowed, fenced, g, code, want)
					}
				}
				d.refused(d.ask(id, func(r *oauth.TokenRequest) { r.Grant = "urn:x" }), oauth.UnsupportedGrantType) // Req 75
			}
		}
	}
}

func TestReq064_a_client_may_be_pinned_to_dialects(t *testing.T) {
	d := open(t)
	d.client("pinned", func(c *registry.Client) { c.Dialects = []string{"nexthink"} })
	d.refused(d.ask("pinned"), oauth.UnauthorizedClient)
	d.must(d.ask("pinned", func(r *oauth.TokenRequest) { r.Dialect = "nexthink" }))
}

func TestReq066_a_request_without_a_body_needs_a_flagged_client_of_a_flagged_tenant(t *testing.T) {
	d := open(t)
	bare := func(r *oauth.TokenRequest) { r.Bodyless = true }
	flag := func(c *registry.Client) { c.AllowBodylessToken = true }
	strict := func(c *registry.Client) {
		c.Tenant, c.Permissions, c.Grants = "strict", nil, []oauth.GrantType{oauth.ClientCredentials}
	}
	inStrict := func(r *oauth.TokenRequest) { r.Tenant = "strict" }
	d.client("a", flag) // acme does not allow it
	d.client("b", strict)
	d.client("c", strict, flag)
	for reason, req := range map[string]oauth.TokenRequest{
		"tenant acme does not allow": d.ask("a", bare),
		"client b is not allowed":    d.ask("b", bare, inStrict),
	} {
		e := d.refused(req, oauth.BodylessNotAllowed)
		if !strings.Contains(e.Reason, reason) || e.Code.Standard() != oauth.UnauthorizedClient {
			t.Errorf("the reason does not say whose permission is missing, or the code is no case of unauthorized_client: %+v", e)
		}
	}
	d.must(d.ask("b", inStrict))
	d.must(d.ask("c", bare, inStrict))
}

func TestReq076_077_a_token_never_holds_more_than_was_asked_and_allowed(t *testing.T) {
	d := open(t)
	d.client("app", func(c *registry.Client) { c.Permissions = []string{"workflows", "nql"} })
	for _, c := range []struct {
		terms   *oauth.Terms
		asked   string
		scope   string
		refused bool
	}{
		{standard, "", "workflows nql", false}, // all that is registered, and the answer says so
		{standard, "nql", "nql", false},
		{standard, "nql workflows", "nql workflows", false},
		{standard, "campaigns", "", true}, // exists, not held
		{standard, "nql campaigns", "", true},
		{standard, "root", "", true},
		{standard, "NQL", "", true},
		{standard, "nq", "", true},
		{nexthink, "", "service:integration", false},
		{nexthink, "service:integration", "service:integration", false},
		{nexthink, "nql", "", true},
		{nexthink, "service:integration nql", "", true},
		{opaque, "nql", "nql", false},
		{dadi, "", "workflows nql", false},
	} {
		r := d.ask("app", withTerms(c.terms), withScope(c.asked))
		if c.refused {
			d.refused(r, oauth.InvalidScope)
			continue
		}
		tok := d.must(r)
		if tok.Scope != c.scope || tok.AccessToken == "" || tok.ExpiresIn != c.terms.Lifetime {
			t.Errorf("asked %q: %+v", c.asked, tok)
		}
		if c.terms.Form == oauth.JWT {
			if claims := d.claims("acme", tok.AccessToken); claims["scope"] != c.scope {
				t.Errorf("asked %q, the token says %v", c.asked, claims["scope"])
			}
		} else if in, err := d.Introspect(ctx, "acme", tok.AccessToken); err != nil || in.Scope != c.scope || in.Form != c.terms.Form {
			t.Errorf("asked %q, the token says %+v, %v", c.asked, in, err)
		}
	}
}

func TestReq078_no_refresh_token_goes_with_client_credentials(t *testing.T) {
	d := open(t)
	d.client("app")
	for _, terms := range []*oauth.Terms{standard, opaque, nexthink, dadi} {
		if tok := d.must(d.ask("app", withTerms(terms))); tok.RefreshToken != "" {
			t.Errorf("%+v came with one", terms)
		}
	}
	if rows, err := d.store.List(ctx, store.Query{Tenant: "acme", Kind: store.Refresh}); err != nil || len(rows) != 0 {
		t.Errorf("%d chains are kept, %v", len(rows), err)
	}
}

func TestReq085_a_JWT_says_what_RFC_9068_asks(t *testing.T) {
	d := open(t)
	d.client("app")
	u := d.user(username)
	r := d.signIn("app", withTerms(standard))
	person := d.must(r)
	seen := map[any]bool{}
	for name, c := range map[string]struct {
		token oauth.Token
		sub   string
		aud   string
	}{
		"client":    {d.must(d.ask("app")), "app", "[https://api.acme.test/flows https://api.acme.test/query]"},
		"narrowed":  {d.must(d.ask("app", withScope("nql"))), "app", "https://api.acme.test/query"},
		"person":    {person, u.ID, "[https://api.acme.test/flows https://api.acme.test/query]"},
		"refreshed": {d.must(refresh(r, person.RefreshToken)), u.ID, "[https://api.acme.test/flows https://api.acme.test/query]"},
	} {
		head, _, _ := strings.Cut(c.token.AccessToken, ".")
		if h := decodeSegment(t, head); h["typ"] != "at+jwt" || h["alg"] != "ES256" || h["kid"] == "" || len(h) != 3 {
			t.Errorf("%s: header %v", name, h)
		}
		m := d.claims("acme", c.token.AccessToken)
		now := float64(d.clock.now().Unix())
		if m["iss"] != "https://login.acme.test" || m["sub"] != c.sub || m["client_id"] != "app" || fmt.Sprint(m["aud"]) != c.aud ||
			m["iat"] != now || m["exp"] != now+900 || m["jti"] == "" || seen[m["jti"]] {
			t.Errorf("%s: %v", name, m)
		}
		seen[m["jti"]] = true
		if sub := m["sub"].(string); (name == "client" || name == "narrowed") == strings.HasPrefix(sub, "usr_") {
			t.Errorf("Req 86: %s has the subject %s", name, sub)
		}
	}
}

func TestReq013_014_a_token_names_its_own_issuer_and_its_own_audience(t *testing.T) {
	d := open(t)
	d.client("app")
	d.client("there", func(c *registry.Client) { c.Tenant, c.Permissions = "other", nil })
	here, there := d.must(d.ask("app")), d.must(d.ask("there", func(r *oauth.TokenRequest) { r.Tenant = "other" }))
	if d.claims("acme", here.AccessToken)["iss"] == d.claims("other", there.AccessToken)["iss"] {
		t.Error("one issuer for two tenants")
	}
	if _, _, err := d.Keys.Verify("acme", there.AccessToken); err == nil {
		t.Error("a token of other is signed with a key of acme")
	}
	if aud := d.claims("other", there.AccessToken)["aud"]; aud != "https://login.other.test" {
		t.Errorf("a token without permissions is meant for %v", aud)
	}
}

func TestReq087_nobody_can_ask_for_a_longer_life(t *testing.T) {
	d := open(t)
	d.client("long", func(c *registry.Client) { c.Lifetime = 14 * 24 * 3600 })
	d.client("short", func(c *registry.Client) { c.Lifetime = 60 })
	for _, terms := range []*oauth.Terms{standard, opaque, nexthink, dadi} {
		if got := d.must(d.ask("long", withTerms(terms))).ExpiresIn; got != terms.Lifetime {
			t.Errorf("the contract says %v, the client got %v", terms.Lifetime, got)
		}
		if got := d.must(d.ask("short", withTerms(terms))).ExpiresIn; got != time.Minute {
			t.Errorf("a client of a minute got %v", got)
		}
	}
}

func TestAClientsOwnFormOfTokenGoesBeforeTheContracts(t *testing.T) {
	d := open(t)
	d.client("uuid", func(c *registry.Client) { c.TokenForm = oauth.UUID })
	d.client("opaque", func(c *registry.Client) { c.TokenForm = oauth.Opaque })
	d.client("jwt", func(c *registry.Client) { c.TokenForm = oauth.JWT })
	if _, ok := d.uuids.Parse(d.must(d.ask("uuid")).AccessToken); !ok {
		t.Error("not a UUID")
	}
	if _, ok := secret.ParseToken(d.must(d.ask("opaque")).AccessToken, accessPrefix); !ok {
		t.Error("not opaque")
	}
	d.claims("acme", d.must(d.ask("jwt", withTerms(dadi))).AccessToken)
}

func TestReq036_tenants_are_separate(t *testing.T) {
	d := open(t)
	r, tok := d.chain()
	d.client("twin", func(c *registry.Client) { c.Tenant, c.Permissions = "other", nil })
	elsewhere := func(r *oauth.TokenRequest) { r.Tenant = "other" }
	d.refused(d.ask("app", elsewhere), oauth.InvalidClient)
	d.refused(refresh(d.ask("twin", elsewhere), tok.RefreshToken), oauth.InvalidGrant)
	d.refused(d.signIn("twin", elsewhere), oauth.InvalidGrant) // bob is a user of acme alone
	if in, err := d.Introspect(ctx, "other", tok.AccessToken); err != nil || in.Active {
		t.Errorf("%+v %v", in, err)
	}
	if in, err := d.Introspect(ctx, "nobody", tok.AccessToken); err != nil || in.Active {
		t.Errorf("%+v %v", in, err)
	}
	ts := tenants()
	ts[1].Rate = registry.Rate{PerSecond: 0.001, Burst: 1}
	if err := d.Registry.SetTenants(ts); err != nil {
		t.Fatal(err)
	}
	d.must(d.ask("twin", elsewhere))
	d.refused(d.ask("twin", elsewhere), oauth.Throttled)
	d.must(refresh(r, tok.RefreshToken)) // other's rate is other's alone
}

func TestRequestsAreRationedPerClientAndPerTenant(t *testing.T) {
	d := open(t)
	d.client("busy")
	d.client("calm")
	ts := tenants()
	ts[0].ClientRate, ts[0].Rate = registry.Rate{PerSecond: 1, Burst: 3}, registry.Rate{PerSecond: 1, Burst: 5}
	if err := d.Registry.SetTenants(ts); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		d.must(d.ask("busy"))
	}
	if e := d.refused(d.ask("busy"), oauth.Throttled); e.RetryAfter <= 0 || e.RetryAfter > time.Second {
		t.Errorf("come back after %v", e.RetryAfter)
	}
	d.must(d.ask("calm"))
	d.must(d.ask("calm"))
	d.refused(d.ask("calm"), oauth.Throttled) // the tenant's five are spent
	d.clock.advance(time.Second)
	d.must(d.ask("calm"))
}

func TestReq052_callers_that_only_name_themselves_are_rationed_by_address_and_a_slash_64_is_one(t *testing.T) {
	d := open(t)
	d.user(username)
	ts := tenants()
	ts[0].ClientRate = registry.Rate{PerSecond: 1, Burst: 1}
	if err := d.Registry.SetTenants(ts); err != nil {
		t.Fatal(err)
	}
	from := func(label, addr string) oauth.TokenRequest {
		return d.label(label, func(r *oauth.TokenRequest) { r.Source = netip.MustParseAddr(addr) })
	}
	d.must(from("portal", "2001:db8::1"))
	d.refused(from("kiosk", "2001:db8::2"), oauth.Throttled)
	d.must(from("kiosk", "2001:db8:0:1::1"))
}

func TestACallerWhoseAddressNobodyKnowsIsInNoListAndIsCountedAgainstItsProxy(t *testing.T) {
	d := open(t)
	d.user(username)
	d.client("anywhere")
	d.client("listed", func(c *registry.Client) {
		c.AllowFrom = []registry.Network{{Prefix: netip.MustParsePrefix("0.0.0.0/0")}, {Prefix: netip.MustParsePrefix("::/0")}}
	})
	unknown := func(r *oauth.TokenRequest) { r.Caller = oauth.Caller{Peer: netip.MustParseAddr("10.0.0.1")} }
	d.must(d.ask("anywhere", unknown))
	if e := d.refused(d.ask("listed", unknown), oauth.InvalidClient); !strings.Contains(e.Reason, "may not call from unknown (behind 10.0.0.1)") {
		t.Errorf("%q", e.Reason)
	}
	ts := tenants()
	ts[0].ClientRate = registry.Rate{PerSecond: 1, Burst: 1}
	if err := d.Registry.SetTenants(ts); err != nil {
		t.Fatal(err)
	}
	d.must(d.label("portal", unknown))
	d.refused(d.label("kiosk", unknown), oauth.Throttled)
	d.must(d.label("kiosk", func(r *oauth.TokenRequest) { r.Caller = oauth.Caller{Peer: netip.MustParseAddr("10.0.0.2")} }))
}

func TestReq115_116_the_same_person_in_every_spelling_and_never_another(t *testing.T) {
	d := open(t)
	d.client("app")
	u := d.user(username)
	for _, spelling := range []string{"BOB@ACME.TEST", " bob@acme.test", "ｂｏｂ@acme.test"} {
		tok := d.must(d.signIn("app", func(r *oauth.TokenRequest) { r.Username = oauth.Unproven(spelling) }))
		if in, err := d.Introspect(ctx, "acme", tok.AccessToken); err != nil || in.Subject != u.ID || in.Username != username {
			t.Errorf("%q: %+v %v", spelling, in, err)
		}
	}
	old := d.must(d.signIn("app"))
	if err := registrytest.DeleteUser(ctx, d.Registry, by, "acme", username); err != nil {
		t.Fatal(err)
	}
	d.clock.advance(time.Second)
	again := d.user(username)
	fresh := d.must(d.signIn("app"))
	in, err := d.Introspect(ctx, "acme", fresh.AccessToken)
	if err != nil || in.Subject != again.ID || again.ID == u.ID || d.active(old.AccessToken) {
		t.Errorf("the new bob is %s, the old was %s; the old token is alive: %v", in.Subject, u.ID, d.active(old.AccessToken))
	}
	d.refused(refresh(d.signIn("app"), old.RefreshToken), oauth.InvalidGrant)
}

func TestAPersonGetsNoMoreThanTheClientTheyUseMayDo(t *testing.T) {
	d := open(t)
	d.client("narrow", func(c *registry.Client) { c.Permissions = []string{"nql", "campaigns"} })
	d.user(username) // workflows, nql
	if tok := d.must(d.signIn("narrow")); tok.Scope != "nql" {
		t.Errorf("%q", tok.Scope)
	}
	d.refused(d.signIn("narrow", withScope("workflows")), oauth.InvalidScope)
	d.refused(d.signIn("narrow", withScope("campaigns")), oauth.InvalidScope)
}
