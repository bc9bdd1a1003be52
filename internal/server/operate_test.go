package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
)

func get(path string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "login.acme.test"
	return r
}

func TestReq126_a_panic_stays_in_its_request_and_tells_the_caller_nothing(t *testing.T) {
	b := open(t, func(o *Options) {
		o.Keys = func(string) ([]byte, string, error) { panic("secret of the inside") }
		o.Next = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _ = r.Header["None"][7] })
	})
	b.client("app")
	for _, path := range []string{"/api/x", JWKSPath} {
		w := b.answer(get(path))
		id := w.Header().Get("X-Request-Id")
		if w.Code != http.StatusInternalServerError || regexp.MustCompile(`goroutine|\.go:|out of range|inside`).MatchString(w.Body.String()) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: may be cached", path)
		}
		if l := b.log.String(); id == "" || !strings.Contains(l, id) || !strings.Contains(l, "operate_test.go") {
			t.Errorf("%s: the operator is not told where", path)
		}
	}
	if w := b.answer(b.basic("app")); w.Code != http.StatusOK {
		t.Errorf("the next request: %d", w.Code)
	}
}

func TestReq126_a_connection_that_is_to_be_cut_is_cut(t *testing.T) {
	b := open(t, func(o *Options) {
		o.Next = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	})
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("the abort was swallowed")
		}
	}()
	b.answer(get("/api/x"))
}

func TestMetricsCountByOutcomeAndNoLabelIsTheCallersToChoose(t *testing.T) {
	b := open(t)
	b.client("app")
	const canary = "canary4711"
	for k := range 200 {
		name := fmt.Sprint(canary, k)
		r := post("/oauth2/token", "grant_type", name, "scope", name, "client_id", name, "client_secret", name)
		b.answer(r)
		r = post("/oauth2/token", "grant_type", "client_credentials", "scope", name)
		r.SetBasicAuth(name, name)
		r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1", k)
		b.answer(r)
		r = get("/" + name)
		r.Host = name
		b.answer(r)
		b.answer(get("/" + name))
	}
	for range 3 {
		b.answer(b.basic("app"))
	}
	status, text := b.metrics(nil, "/metrics")
	if status != http.StatusOK || strings.Contains(text, canary) {
		t.Errorf("%d: a label was chosen by a caller", status)
	}
	for _, want := range []string{
		`tokenbooth_token_requests_total{dialect="oauth2",grant="client_credentials",outcome="issued",tenant="acme"} 3`,
		`tokenbooth_token_requests_total{dialect="oauth2",grant="",outcome="unsupported_grant_type",tenant="acme"} 200`,
		`tokenbooth_token_requests_total{dialect="oauth2",grant="client_credentials",outcome="invalid_client",tenant="acme"} 200`,
		`tokenbooth_token_request_seconds_count{dialect="oauth2",tenant="acme"} 403`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if n := strings.Count(text, "\ntokenbooth_token_requests_total{"); n > 30+3*len(surface())*len(surface()[0].Endpoints) {
		t.Errorf("%d series", n)
	}
}

func TestGatewayCallsAreCountedByClassWhateverAnUpstreamAnswers(t *testing.T) {
	m := NewMetrics()
	for _, status := range []int{0, 100, 200, 204, 404, 503, 599, 600, 999, -1} {
		m.Called("acme", "flows", "GET /x", status)
	}
	m.Count("tokenbooth_things_total", "Things.", func() uint64 { return 7 })
	b := &booth{Handler: New(Options{Metrics: m}), t: t}
	_, text := b.metrics(nil, "/metrics")
	for class, want := range map[string]int{"1xx": 1, "2xx": 2, "4xx": 1, "5xx": 2, "other": 4} {
		if line := fmt.Sprintf(`tokenbooth_gateway_requests_total{api="flows",route="GET /x",status=%q,tenant="acme"} %d`, class, want); !strings.Contains(text, line) {
			t.Errorf("missing: %s", line)
		}
	}
	if !strings.Contains(text, "tokenbooth_things_total 7") {
		t.Error("a counter of another package is missing")
	}
}

func TestHealthAndReadinessTellTheTruth(t *testing.T) {
	b := open(t)
	down := func(*http.Request) Health { return Health{Reason: `the store "x" is away`} }
	up := func(*http.Request) Health { return Health{} }
	for _, c := range []struct {
		health func(*http.Request) Health
		path   string
		status int
		body   string
	}{
		{up, "/healthz", 200, `{"status":"ok"}`}, {down, "/healthz", 200, `{"status":"ok"}`}, {up, "/readyz", 200, `{"status":"ready"}`},
		{down, "/readyz", 503, `{"status":"not ready","reason":"the store \"x\" is away"}`},
	} {
		if status, body := b.metrics(c.health, c.path); status != c.status || strings.TrimSpace(body) != c.body {
			t.Errorf("%s: %d %s", c.path, status, body)
		}
	}
	w := b.answer(get("/metrics"))
	if w.Code != http.StatusNotFound {
		t.Errorf("Req 107: metrics on the public listener: %d", w.Code)
	}
}

func TestReq084_metadata_is_made_of_the_configured_issuer(t *testing.T) {
	b := open(t)
	for host, c := range map[string]struct{ path, issuer, token, keys string }{
		"login.acme.test": {"/.well-known/oauth-authorization-server", "https://login.acme.test", "https://login.acme.test/oauth2/token",
			"https://login.acme.test/.well-known/jwks.json"},
		"login.other.test": {"/.well-known/oauth-authorization-server", "https://login.other.test",
			"https://login.other.test/oauth2/token", "https://login.other.test/.well-known/jwks.json"},
	} {
		r := get(c.path)
		r.Host = host
		w := b.answer(r)
		var m map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		if m["issuer"] != c.issuer || m["token_endpoint"] != c.token || m["jwks_uri"] != c.keys || m["response_types_supported"] == nil {
			t.Errorf("%s: %v", host, m)
		}
		if h := w.Header(); h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "public, max-age=900" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%v", h)
		}
		r = httptest.NewRequest(http.MethodPost, c.path, nil)
		r.Host = host
		if w := b.answer(r); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("POST: %d %v", w.Code, w.Header())
		}
	}
}

func TestMetadataOfATenantWithoutTheStandardDialect(t *testing.T) {
	all := surface()
	only := all[0]
	only.Endpoints = nil
	if doc := string(rendered(only.describe())); strings.Contains(doc, "token_endpoint\"") {
		t.Errorf("an endpoint that is not there: %s", doc)
	}
	only.Endpoints = map[string]*dialect.Endpoint{"/oauth2/default/v1/token": all[0].Endpoints["/oauth2/default/v1/token"], "/api/v1/token": all[0].Endpoints["/api/v1/token"]}
	for range 20 { // a map has no order
		if doc := string(rendered(only.describe())); !strings.Contains(doc, `"token_endpoint":"https://login.acme.test/oauth2/default/v1/token"`) {
			t.Fatalf("%s", doc)
		}
	}
}

func TestReq082_the_key_set_has_public_halves_only(t *testing.T) {
	b := open(t)
	w := b.answer(get(JWKSPath))
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil || len(set.Keys) != 2 {
		t.Fatalf("%s %v", w.Body, err)
	}
	for _, k := range set.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if k[private] != nil {
				t.Errorf("a key with %s", private)
			}
		}
		if k["kid"] == "" || k["alg"] != "ES256" || k["use"] != "sig" {
			t.Errorf("%v", k)
		}
	}
	if h := w.Header(); h.Get("Content-Type") != "application/jwk-set+json" || h.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%v", h)
	}
	broken := open(t, func(o *Options) {
		o.Keys = func(string) ([]byte, string, error) { return nil, "", errors.New("no such tenant: /var/lib") }
	})
	if w := broken.answer(get(JWKSPath)); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "/var") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

// TestReq059_no_secret_reaches_log_metrics_or_an_answer_it_does_not_belong_in does what callers do, at the highest log level.
func TestReq059_no_secret_reaches_log_metrics_or_an_answer_it_does_not_belong_in(t *testing.T) {
	b := open(t)
	b.client("app")
	b.user()
	canaries := []string{b.secrets["app"].Reveal(), password, "seven+purple+tractors"}
	var refusals strings.Builder
	do := func(r *http.Request) string {
		w := b.answer(r)
		if w.Code != http.StatusOK {
			refusals.WriteString(plainly(w))
			return ""
		}
		for _, name := range []string{"access_token", "refresh_token", "accessToken"} {
			if s := member(t, w.Body.String(), name); s != "" {
				canaries = append(canaries, s, s[len(s)-24:])
			}
		}
		return member(t, w.Body.String(), "refresh_token")
	}
	for _, form := range forms("app", b.secrets["app"].Reveal()) {
		do(form())
	}
	canaries = append(canaries, "wr0ng-secret", "wr0ng-password", "wr0ng-token", "123654", "wr0ng-url-secret")
	for _, form := range forms("app", "wr0ng-secret") {
		do(form())
	}
	basic := func(form ...string) *http.Request {
		r := post("/oauth2/token", form...)
		r.SetBasicAuth("app", b.secrets["app"].Reveal())
		return r
	}
	first := do(basic("grant_type", "password", "username", username, "password", password))
	second := do(basic("grant_type", "refresh_token", "refresh_token", first))
	b.clock.advance(time.Minute)
	do(basic("grant_type", "refresh_token", "refresh_token", first))
	do(basic("grant_type", "refresh_token", "refresh_token", second))
	do(basic("grant_type", "refresh_token", "refresh_token", "wr0ng-token"))
	do(basic("grant_type", "password", "username", username, "password", "wr0ng-password", "totp", "123654"))
	do(post("/oauth2/token?client_secret=wr0ng-url-secret", "grant_type", "client_credentials"))
	do(post("/oauth2/token", "grant_type", "client_credentials", "client_secret", "wr0ng-secret", "client_secret", "wr0ng-secret"))
	b.store.down.Store(true)
	do(basic("grant_type", "password", "username", username, "password", password))
	b.store.down.Store(false)
	_, metrics := b.metrics(nil, "/metrics")
	for where, text := range map[string]string{"the log": b.log.String(), "metrics": metrics, "a refusal": refusals.String()} {
		for _, c := range slices.Compact(canaries) {
			if strings.Contains(text, c) {
				t.Errorf("%s holds %.12s…", where, c)
			}
		}
	}
	if !strings.Contains(b.log.String(), "token refused") || !strings.Contains(b.log.String(), "could not be answered") {
		t.Error("nothing was logged: this test is about nothing")
	}
}

func TestReq101_what_a_caller_sends_cannot_forge_a_line_of_the_log(t *testing.T) {
	b := open(t)
	for _, id := range []string{"a\r\n{\"level\":\"ERROR\"}", "\x1b[31mred", "a\nb", "\u2028"} {
		r := post("/oauth2/token", "grant_type", "client_credentials", "client_id", id, "client_secret", "x", "scope", id)
		r.Header.Set("User-Agent", id)
		b.answer(r)
		b.answer(post("/api/token", "grant_type", "password", "username", id, "password", "x"))
	}
	for line := range strings.Lines(b.log.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil || m["level"] == "ERROR" || strings.ContainsRune(line, 0x1b) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestAServerThatIsLeavingEndsItsConnections(t *testing.T) {
	b := open(t)
	if w := b.answer(get(JWKSPath)); w.Header().Get("Connection") != "" {
		t.Error("a connection is ended too soon")
	}
	b.Leave()
	if w := b.answer(get(JWKSPath)); w.Code != http.StatusOK || w.Header().Get("Connection") != "close" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
