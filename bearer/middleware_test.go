package bearer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

const metadataURL = "https://api.acme.example/.well-known/oauth-protected-resource"

// api is a handler behind a guard: it says who called.
var api = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	_, _ = fmt.Fprint(w, bearer.FromContext(r.Context()).Subject)
})

func guarded(t testing.TB, permission string, changes func(*bearer.Options)) http.Handler {
	v, _ := verifier(t, func(o *bearer.Options) {
		o.Speech = bearer.Speech{Realm: "orders", Metadata: metadataURL}
		if changes != nil {
			changes(o)
		}
	})
	return v.Require(permission)(api)
}

func call(h http.Handler, target string, authorization ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header["Authorization"] = authorization
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestReq088_RefusalsAreThoseOfRFC6750(t *testing.T) {
	good, expired := mint("ES256", nil), mint("ES256", object{"exp": epoch.Unix()})
	h := guarded(t, "nql", nil)
	lacking := guarded(t, "spark", nil)
	for name, c := range map[string]struct {
		h             http.Handler
		target        string
		authorization []string
		status        int
		challenge     string // after realm
		body          string
	}{
		"no token":           {h, "/", nil, 401, ``, ``},
		"another scheme":     {h, "/", []string{"Basic YTpi"}, 401, ``, ``},
		"a token in the URL": {h, "/?access_token=" + good, nil, 401, ``, ``},
		"a bad token":        {h, "/", []string{"Bearer a.b.c"}, 401, `error="invalid_token", error_description="The access token is invalid or has expired."`, "invalid_token"},
		"an expired one":     {h, "/", []string{"Bearer " + expired}, 401, `error="invalid_token", error_description="The access token is invalid or has expired."`, "invalid_token"},
		"a lacking one": {lacking, "/", []string{"Bearer " + good}, 403,
			`error="insufficient_scope", error_description="The token lacks a permission that this call needs.", scope="spark"`, "insufficient_scope"},
		"two headers":         {h, "/", []string{"Bearer " + good, "Bearer " + good}, 400, `error="invalid_request", error_description="The token is carried more than once."`, "invalid_request"},
		"header and URL":      {h, "/?a=1&Access%5Ftoken=x", []string{"Bearer " + good}, 400, `error="invalid_request", error_description="The token is carried more than once."`, "invalid_request"},
		"header and bad URL":  {h, "/?a;%zz=1", []string{"Bearer " + good}, 400, `error="invalid_request", error_description="The token is carried more than once."`, "invalid_request"},
		"nothing behind":      {h, "/", []string{"Bearer"}, 400, `error="invalid_request", error_description="The token is malformed."`, "invalid_request"},
		"two spaces":          {h, "/", []string{"Bearer  " + good}, 400, `error="invalid_request", error_description="The token is malformed."`, "invalid_request"},
		"a comma":             {h, "/", []string{"Bearer " + good + ",x"}, 400, `error="invalid_request", error_description="The token is malformed."`, "invalid_request"},
		"only padding":        {h, "/", []string{"Bearer =="}, 400, `error="invalid_request", error_description="The token is malformed."`, "invalid_request"},
		"a token of a book":   {h, "/", []string{"Bearer " + strings.Repeat("a", 17<<10)}, 400, `error="invalid_request", error_description="The token is malformed."`, "invalid_request"},
		"a good one":          {h, "/?b=access_token", []string{"bEARER " + good}, 200, "", "client-1"},
		"any good one":        {guarded(t, "", nil), "/", []string{"Bearer " + good}, 200, "", "client-1"},
		"a permission of two": {guarded(t, "nql workflows", nil), "/", []string{"Bearer " + good}, 403, `error="insufficient_scope", error_description="The token lacks a permission that this call needs.", scope="nql workflows"`, "insufficient_scope"},
	} {
		w := call(c.h, c.target, c.authorization...)
		got := w.Header()
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) || c.body == "" && w.Body.Len() > 0 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if c.status == 200 {
			continue
		}
		want := `Bearer realm="orders", `
		if c.challenge != "" {
			want += c.challenge + ", "
		}
		if want += `resource_metadata="` + metadataURL + `"`; got.Get("WWW-Authenticate") != want {
			t.Errorf("%s:\n%s\n%s", name, got.Get("WWW-Authenticate"), want)
		}
		if got.Get("Cache-Control") != "no-store" || len(got.Get("X-Request-Id")) < 20 {
			t.Errorf("%s: %v", name, got)
		}
		var body struct{ Error, Error_description string }
		if c.body != "" && (json.Unmarshal(w.Body.Bytes(), &body) != nil || body.Error != c.body || body.Error_description == "" || got.Get("Content-Type") != "application/json") {
			t.Errorf("%s: %s", name, w.Body)
		}
	}
}

func TestReq044_AFaultIs503AndTheHandlerIsNotCalled(t *testing.T) {
	for _, fault := range []error{errors.New("down"), oauth.ErrUnavailable, context.Canceled, oauth.Refuse(oauth.WrongPassword, "x", "y")} {
		h := guarded(t, "", func(o *bearer.Options) { o.Alive = func(context.Context, *bearer.Token) error { return fault } })
		w := call(h, "/", "Bearer "+mint("ES256", nil))
		if w.Code != 503 || w.Header().Get("Retry-After") != "1" || w.Header().Get("WWW-Authenticate") != "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%v: %d %v", fault, w.Code, w.Header())
		}
		if text := w.Body.String(); !strings.Contains(text, `"error":"temporarily_unavailable"`) || strings.Contains(text, "down") {
			t.Error(text)
		}
	}
}

func TestTheOperatorIsToldWhyUnderTheNameTheCallerReads(t *testing.T) {
	var id, reason string
	h := guarded(t, "spark", func(o *bearer.Options) {
		o.Speech.Refused = func(_ *http.Request, requestID string, err error) { id, reason = requestID, oauth.AsError(err).Reason }
	})
	w := call(h, "/", "Bearer "+mint("ES256", nil))
	if id == "" || w.Header().Get("X-Request-Id") != id || !strings.Contains(reason, `"spark"`) || !strings.Contains(reason, "nql") {
		t.Errorf("%q, %q, %v", id, reason, w.Header())
	}
	if again := call(h, "/"); again.Header().Get("X-Request-Id") == w.Header().Get("X-Request-Id") {
		t.Error("two calls have one name")
	}
	h = guarded(t, "", func(o *bearer.Options) { o.Speech.RequestID = func(r *http.Request) string { return r.URL.Path } })
	if w := call(h, "/mine"); w.Header().Get("X-Request-Id") != "/mine" {
		t.Errorf("%v", w.Header())
	}
}

func TestNothingInAChallengeEndsItsString(t *testing.T) {
	h := guarded(t, "a\"b\\c\r\nd é", func(o *bearer.Options) { o.Speech = bearer.Speech{Realm: "x\", error=\"none\r\nSet-Cookie: a=b"} })
	got := call(h, "/", "Bearer "+mint("ES256", nil)).Header().Get("WWW-Authenticate")
	quoted := regexp.MustCompile(`^Bearer realm="[ !#-[\]-~]*", error="[a-z_]+", error_description="[ !#-[\]-~]*", scope="[ !#-[\]-~]*"$`)
	if !quoted.MatchString(got) {
		t.Error(got)
	}
	if got := call(guarded(t, "", func(o *bearer.Options) { o.Speech = bearer.Speech{} }), "/").Header().Get("WWW-Authenticate"); got != `Bearer realm="`+audience+`"` {
		t.Error(got)
	}
}

func TestReq088_ADialectCanSpellTheRefusals(t *testing.T) {
	d, err := dialect.Standard().WithRefusals("own.http", "### expired\n# @when invalid_token\nHTTP/1.1 499\n")
	if err == nil {
		t.Fatal("499 has no text")
	}
	d, err = dialect.Standard().WithRefusals("own.http", `### no
# @when invalid_token
HTTP/1.1 401 Unauthorized
Content-Type: application/json

{"fault":"{{error_description}}","id":"{{request_id}}","at":"{{path}}","realm":"{{realm}}","meta":"{{resource_metadata}}","scope":"{{scope?}}"}
`)
	if err != nil {
		t.Fatal(err)
	}
	h := guarded(t, "nql", func(o *bearer.Options) {
		o.Speech.Carried = d.Carried
		o.Speech.Refuse = func(w http.ResponseWriter, err *oauth.Error, a bearer.About) {
			d.EncodeError(w, err, dialect.About{RequestID: a.RequestID, Path: a.Path, Realm: a.Realm, Scope: a.Scope, Metadata: a.Metadata})
		}
	})
	if w := call(h, "/", "Bearer "+mint("ES256", nil)); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w := call(h, "/orders/7", "Bearer x")
	want := `{"fault":"The access token is invalid or has expired.","id":"` + w.Header().Get("X-Request-Id") + `","at":"/orders/7","realm":"orders","meta":"` +
		metadataURL + `","scope":"nql"}`
	if w.Code != 401 || strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("%d %s\n%s", w.Code, w.Body, want)
	}
	if w := call(h, "/"); w.Code != 401 || w.Header().Get("WWW-Authenticate") != `Bearer realm="orders", resource_metadata="`+metadataURL+`"` {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := call(h, "/", "Token x"); w.Code != 401 || !strings.Contains(w.Body.String(), "malformed") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestWithoutAGuardThereIsNoToken(t *testing.T) {
	if got := bearer.FromContext(context.Background()); got != nil {
		t.Errorf("%+v", got)
	}
	type key struct{}
	v, _ := verifier(t, nil)
	h := v.Require("")(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Context().Value(key{}) != "kept" || bearer.FromContext(context.WithValue(r.Context(), key{}, "more")) == nil {
			t.Error("the context around the token is lost, or the token in one around it")
		}
	}))
	r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(context.WithValue(context.Background(), key{}, "kept"))
	r.Header.Set("Authorization", "Bearer "+mint("ES256", nil))
	h.ServeHTTP(httptest.NewRecorder(), r)
}

func TestResourceMetadataAreThoseOfRFC9728(t *testing.T) {
	v, _ := verifier(t, nil)
	for _, c := range []struct {
		scopes []string
		want   string
	}{
		{nil, `{"resource":"https://api.acme.example","authorization_servers":["https://acme.example"],"bearer_methods_supported":["header"]}`},
		{[]string{"nql", "a\"b"}, `{"resource":"https://api.acme.example","authorization_servers":["https://acme.example"],"scopes_supported":["nql","a\"b"],"bearer_methods_supported":["header"]}`},
	} {
		w := call(v.ResourceMetadata(c.scopes...), "/.well-known/oauth-protected-resource")
		if w.Code != 200 || strings.TrimSpace(w.Body.String()) != c.want || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	v.ResourceMetadata().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != 405 || w.Header().Get("Allow") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// sink is an answer that keeps nothing.
type sink struct{ h http.Header }

func (s sink) Header() http.Header         { return s.h }
func (s sink) Write(b []byte) (int, error) { return len(b), nil }
func (s sink) WriteHeader(int)             {}

// loaded is a set of that many revocations of other tokens.
func loaded(n int) *revocation.Set {
	all := make([]revocation.Entry, n)
	for i := range all {
		all[i] = revocation.Entry{Name: revocation.NameOf(revocation.Token, fmt.Sprint("other-", i)), Until: epoch.Add(time.Hour)}
	}
	s := &revocation.Set{}
	s.Add(epoch, all...)
	return s
}

var nothing = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

func TestAnythingAGuardAddsIsFourAllocationsAtMost(t *testing.T) {
	for _, n := range []int{0, 1000} {
		v, _ := verifier(t, func(o *bearer.Options) { o.Revocations = loaded(n) })
		h := v.Require("nql")(nothing)
		r := httptest.NewRequest(http.MethodGet, "/?a=b", nil)
		r.Header.Set("Authorization", "Bearer "+mint("ES256", nil))
		w := sink{http.Header{}}
		if got := testing.AllocsPerRun(1000, func() { h.ServeHTTP(w, r) }); got > 4 {
			t.Errorf("%v allocations with %d revocations", got, n)
		}
	}
	b := newBooth(t)
	_, v := b.guard(t, nil)
	h := v.Require("nql")(nothing)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+b.mint(nil))
	w := sink{http.Header{}}
	if got := testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }); got > 4 {
		t.Errorf("%v allocations with a followed issuer", got)
	}
}

func BenchmarkRequire(b *testing.B) {
	run := func(name string, h http.Handler, token string) {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			w := sink{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
	token := mint("ES256", nil)
	run("bare", nothing, token)
	for _, n := range []int{0, 100_000} {
		v, _ := verifier(b, func(o *bearer.Options) { o.Revocations = loaded(n) })
		run(fmt.Sprintf("%d-revocations", n), v.Require("nql")(nothing), token)
	}
	booth := newBooth(b)
	for n := range 1000 {
		booth.take(revocation.Token, fmt.Sprint("other-", n), time.Time{})
	}
	_, v := booth.guard(b, nil)
	run("followed-issuer", v.Require("nql")(nothing), booth.mint(nil))
	set := loaded(100_000)
	v, _ = verifier(b, func(o *bearer.Options) { o.Revocations = set })
	more := revocation.Entry{Name: revocation.NameOf(revocation.Token, "new"), Until: epoch.Add(time.Hour)}
	h := v.Require("nql")(nothing)
	run("100000-revocations-and-one-added-before-each-call", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set.Add(epoch, more)
		h.ServeHTTP(w, r)
	}), token)
}
