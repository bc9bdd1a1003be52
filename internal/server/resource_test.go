package server

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// TestReq084_EachAdvertisedThingWorks calls all that the metadata speaks of.
func TestReq084_EachAdvertisedThingWorks(t *testing.T) {
	b := openWithGuard(t)
	b.SetTenants(func() []Tenant {
		all := surface()
		all[0].Metadata.Grants = append(all[0].Metadata.Grants, oauth.Password, oauth.RefreshToken)
		return all
	}())
	var m map[string]any
	if err := json.Unmarshal(b.answer(get("/.well-known/oauth-authorization-server")).Body.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	if m["issuer"] != "https://login.acme.test" {
		t.Errorf("issuer %v", m["issuer"])
	}
	path := func(name string) string {
		text, _ := m[name].(string)
		p, ok := strings.CutPrefix(text, "https://login.acme.test")
		if !ok {
			t.Errorf("%s is %q", name, text)
		}
		delete(m, name)
		return p
	}
	list := func(name string) (out []string) {
		all, _ := m[name].([]any)
		for _, v := range all {
			out = append(out, v.(string))
		}
		delete(m, name)
		return out
	}
	// form makes a request of the client app that proves itself in one of the ways.
	form := func(method, at string, params ...string) *http.Request {
		switch method {
		case "client_secret_post":
			return post(at, append(params, "client_id", "app", "client_secret", b.secrets["app"].Reveal())...)
		case "client_secret_basic":
			r := post(at, params...)
			r.SetBasicAuth("app", b.secrets["app"].Reveal())
			return r
		}
		t.Fatalf("nobody can prove itself by %s", method)
		return nil
	}
	works := func(what string, r *http.Request) string {
		t.Helper()
		w := b.answer(r)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		}
		return w.Body.String()
	}
	tokenAt, grants, scopes, methods := path("token_endpoint"), list("grant_types_supported"), list("scopes_supported"), list("token_endpoint_auth_methods_supported")
	text, fresh := "", ""
	for _, method := range methods {
		for _, scope := range append(scopes, "") {
			if scope == "nql" { // held by nobody in this test
				continue
			}
			for _, grant := range grants {
				params := map[string][]string{"client_credentials": nil, "password": {"username", username, "password", password}, "refresh_token": {"refresh_token", fresh}}[grant]
				body := works(grant+" "+scope, form(method, tokenAt, append(params, "grant_type", grant, "scope", scope)...))
				text, fresh = member(t, body, "access_token"), member(t, body, "refresh_token")
			}
		}
	}
	works("the key set", get(path("jwks_uri")))
	at := path("introspection_endpoint")
	for _, method := range list("introspection_endpoint_auth_methods_supported") {
		if body := works("introspection", form(method, at, "token", text)); !strings.Contains(body, `"active":true`) {
			t.Error(body)
		}
	}
	at = path("revocation_endpoint")
	for _, method := range list("revocation_endpoint_auth_methods_supported") {
		works("revocation", form(method, at, "token", text))
	}
	feed := get(path("revocation_feed"))
	feed.SetBasicAuth("guard", b.secrets["guard"].Reveal())
	works("the feed", feed)
	if rest, ok := m["response_types_supported"].([]any); !ok || len(rest) > 0 {
		t.Errorf("response types %v", m["response_types_supported"])
	}
	delete(m, "response_types_supported")
	delete(m, "issuer")
	if len(m) > 0 {
		t.Errorf("advertised and not called: %v", m)
	}
}

func TestPathsAreAllThatIsAnsweredHere(t *testing.T) {
	passed := ""
	b := open(t, func(o *Options) {
		o.Next = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { passed = r.URL.Path })
	})
	all := surface()
	for i := range all {
		paths := all[i].Paths()
		if !slices.IsSorted(paths) || !slices.Contains(paths, IntrospectPath) || !slices.Contains(paths, "/oauth2/token") || len(paths) < 8 {
			t.Errorf("%v", paths)
		}
		for _, path := range paths {
			passed = ""
			r := get(path)
			r.Host = all[i].Hosts[0]
			if b.answer(r); passed != "" {
				t.Errorf("%s goes on to the gateway", passed)
			}
		}
	}
	for _, path := range []string{"/", "/oauth2", "/oauth2/introspect/", "/oauth2/Introspect", "/oauth2%2Fintrospect", "/.well-known/jwks%2Ejson%2F"} {
		passed = ""
		if b.answer(get(path)); passed == "" {
			t.Errorf("%s is answered here", path)
		}
	}
}

func TestAServerWithoutAnIssuerDescribesItsAPIsAndNothingElse(t *testing.T) {
	h := New(Options{Metrics: NewMetrics(), Log: slog.New(slog.DiscardHandler), Door: &edge.Door{NewID: func() string { return "1" }}, Next: http.NotFoundHandler()})
	h.SetTenants([]Tenant{{Name: "acme", Hosts: []string{"api.acme.test"}, Issuer: "https://login.acme.test", Resources: []Resource{{URL: "https://api.acme.test/flows"}}}})
	for path, status := range map[string]int{"/.well-known/oauth-protected-resource/flows": 200, "/.well-known/oauth-authorization-server": 404, JWKSPath: 404,
		IntrospectPath: 404, RevokePath: 404, FeedPath: 404} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "api.acme.test"
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != status {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestReq124_038_EachAPIIsDescribedWhereItIsAndNowhereElse(t *testing.T) {
	b := open(t)
	all := surface()
	all[0].Hosts = append(all[0].Hosts, "api.acme.test", "127.0.0.1")
	all[0].Resources = []Resource{
		{URL: "https://api.acme.test/flows", Name: "Flows", Scopes: []string{"workflows"}, Docs: "https://docs.acme.test"},
		{URL: "https://api.acme.test", Scopes: []string{"nql"}}, {URL: "https://login.acme.test/"}, {URL: "http://127.0.0.1:8080/local"}, {URL: "https://API.acme.test/Upper"},
		{URL: "https://elsewhere.test/flows"}, {URL: "urn:acme:flows"}, {URL: ""}, {URL: "https://api.acme.test/flows", Name: "again"},
	}
	b.SetTenants(all)
	const base = "/.well-known/oauth-protected-resource"
	ask := func(host, path string) *httptest.ResponseRecorder {
		r := get(path)
		r.Host = host
		for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-URL", "X-Forwarded-Prefix"} {
			r.Header.Set(name, "evil.test")
		}
		return b.answer(r)
	}
	for _, c := range []struct{ host, path, body string }{
		{"api.acme.test", base + "/flows", `{"resource":"https://api.acme.test/flows","authorization_servers":["https://login.acme.test"],"scopes_supported":["workflows"],` +
			`"bearer_methods_supported":["header"],"resource_name":"Flows","resource_documentation":"https://docs.acme.test"}`},
		{"api.acme.test:443", base, `{"resource":"https://api.acme.test","authorization_servers":["https://login.acme.test"],"scopes_supported":["nql"],"bearer_methods_supported":["header"]}`},
		{"login.acme.test", base, `{"resource":"https://login.acme.test/","authorization_servers":["https://login.acme.test"],"bearer_methods_supported":["header"]}`},
		{"127.0.0.1:8080", base + "/local", `{"resource":"http://127.0.0.1:8080/local","authorization_servers":["https://login.acme.test"],"bearer_methods_supported":["header"]}`},
		{"api.acme.test", base + "/Upper", `{"resource":"https://API.acme.test/Upper","authorization_servers":["https://login.acme.test"],"bearer_methods_supported":["header"]}`},
	} {
		w := ask(c.host, c.path)
		if w.Code != http.StatusOK || w.Body.String() != c.body || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s%s: %d %s", c.host, c.path, w.Code, w.Body)
		}
	}
	for _, c := range []struct {
		host, path string
		status     int
	}{
		{"login.acme.test", base + "/flows", 404}, {"api.acme.test", base + "/", 404}, {"api.acme.test", base + "/flows/", 404}, {"api.acme.test", base + "/FLOWS", 404},
		{"api.acme.test", base + "/local", 404}, {"api.acme.test", base + "/other", 404}, {"elsewhere.test", base + "/flows", 421}, {"login.other.test", base + "/flows", 404},
		{"login.other.test", base, 404},
	} {
		if w := ask(c.host, c.path); w.Code != c.status || strings.Contains(w.Body.String(), "resource\"") {
			t.Errorf("%s%s: %d %s, want %d", c.host, c.path, w.Code, w.Body, c.status)
		}
	}
	r := get(base)
	r.Method = http.MethodPost
	if w := b.answer(r); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestReq038_NoHeaderChangesWhatTheMetadataSays(t *testing.T) {
	b := open(t)
	want := b.answer(get("/.well-known/oauth-authorization-server")).Body.String()
	for _, name := range []string{"X-Forwarded-Host", "Forwarded", "X-Forwarded-Proto", "X-Host", "X-Original-Host", "Origin"} {
		r := get("/.well-known/oauth-authorization-server")
		r.Header.Set(name, "host=evil.test;proto=http")
		r.Host = "LOGIN.acme.test:1234"
		if got := b.answer(r).Body.String(); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestTheKeySetIsSentAgainOnlyWhenItHasChanged(t *testing.T) {
	b := open(t)
	w := b.answer(get(JWKSPath))
	tag := w.Header().Get("ETag")
	if !regexp.MustCompile(`^"[^"]+"$`).MatchString(tag) || w.Header().Get("Cache-Control") != "public, max-age=900" {
		t.Fatalf("%v", w.Header())
	}
	ask := func(have ...string) *httptest.ResponseRecorder {
		r := get(JWKSPath)
		r.Header["If-None-Match"] = have
		return b.answer(r)
	}
	for _, have := range [][]string{{tag}, {"W/" + tag}, {`"x", ` + tag}, {`"x"`, tag}, {"*"}} {
		if w := ask(have...); w.Code != http.StatusNotModified || w.Body.Len() > 0 || w.Header().Get("ETag") != tag || w.Header().Get("Cache-Control") != "public, max-age=900" {
			t.Errorf("%v: %d %v", have, w.Code, w.Header())
		}
	}
	for _, have := range []string{"", `"x"`, strings.Trim(tag, `"`), tag[:len(tag)-1]} {
		if w := ask(have); w.Code != http.StatusOK {
			t.Errorf("%q: %d", have, w.Code)
		}
	}
	if err := b.keys.Rotate(ctx, "acme", by); err == nil {
		t.Fatal("a key that was not announced for long signs")
	}
	b.clock.advance(time.Hour)
	if err := b.keys.Rotate(ctx, "acme", by); err != nil {
		t.Fatal(err)
	}
	if w := ask(tag); w.Code != http.StatusOK || w.Header().Get("ETag") == tag {
		t.Errorf("after a rotation: %d %v", w.Code, w.Header())
	}
}
