package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/registry/registrytest"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// guard registers a client that stands for the API of acme.
func (b *booth) guard(id string) {
	b.t.Helper()
	_, text, err := b.reg.CreateClient(ctx, by, registry.Client{Tenant: "acme", ID: id, ClientSpec: registry.ClientSpec{Name: id, ResourceServers: []string{"flows"}}})
	if err != nil {
		b.t.Fatal(err)
	}
	b.secrets[id] = text
}

// about makes a client's request about a token.
func (b *booth) about(id, path, token string, form ...string) *http.Request {
	r := post(path, append([]string{"token", token}, form...)...)
	r.SetBasicAuth(id, b.secrets[id].Reveal())
	return r
}

// tokens returns an access token of each form and a refresh token of the client app.
func (b *booth) tokens() map[string]string {
	b.t.Helper()
	text := func(r *http.Request, name string) string {
		w := b.answer(r)
		if w.Code != http.StatusOK {
			b.t.Fatalf("%d %s", w.Code, w.Body)
		}
		return member(b.t, w.Body.String(), name)
	}
	person := func() *http.Request {
		r := post("/oauth2/token", "grant_type", "password", "username", username, "password", password)
		r.SetBasicAuth("app", b.secrets["app"].Reveal())
		return r
	}
	if _, err := b.reg.UpdateClient(ctx, by, "client.update", "acme", "app", func(c *registry.Client) error { c.TokenForm = oauth.Opaque; return nil }); err != nil {
		b.t.Fatal(err)
	}
	opaque := text(b.basic("app"), "access_token")
	if _, err := b.reg.UpdateClient(ctx, by, "client.update", "acme", "app", func(c *registry.Client) error { c.TokenForm = ""; return nil }); err != nil {
		b.t.Fatal(err)
	}
	return map[string]string{"JWT": text(b.basic("app"), "access_token"), "opaque": opaque, "UUID": text(forms("app", b.secrets["app"].Reveal())["dadi"](), "accessToken"),
		"refresh": text(person(), "refresh_token")}
}

func openWithGuard(t testing.TB, change ...func(*Options)) *booth {
	b := open(t, change...)
	b.client("app")
	b.user()
	b.guard("guard")
	return b
}

func TestReq081_057_ATokenIsShownToItsClientAndToItsAPI(t *testing.T) {
	b := openWithGuard(t)
	now := b.clock.now().Unix()
	for form, text := range b.tokens() {
		life := map[string]int64{"JWT": 900, "opaque": 900, "UUID": 1800}[form]
		for _, id := range []string{"app", "guard"} {
			w := b.answer(b.about(id, IntrospectPath, text))
			var got map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
				t.Fatalf("%s: %d %s %v", form, w.Code, w.Body, err)
			}
			if form == "refresh" {
				if w.Body.String() != `{"active":false}` {
					t.Errorf("a refresh token is shown as %s", w.Body)
				}
				continue
			}
			want := map[string]any{"active": true, "scope": "workflows", "client_id": "app", "token_type": "Bearer", "exp": float64(now + life), "iat": float64(now),
				"sub": "app", "aud": "https://api.acme.test", "iss": "https://login.acme.test", "jti": got["jti"]}
			if fmt.Sprint(got) != fmt.Sprint(want) || got["jti"] == "" {
				t.Errorf("%s to %s:\n%v\nwant\n%v", form, id, got, want)
			}
			if h := w.Header(); h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" || h.Get("X-Request-Id") == "" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%v", h)
			}
		}
	}
}

func TestReq080_058_WhateverIsNotActiveIsAnsweredWithTheSameBytes(t *testing.T) {
	b := openWithGuard(t)
	expired := b.tokens()
	b.clock.advance(time.Hour)
	revoked := b.tokens()
	for _, text := range revoked {
		if w := b.answer(b.about("app", RevokePath, text)); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	b.client("twin")
	want := ""
	for what, r := range map[string]*http.Request{
		"expired JWT": b.about("app", IntrospectPath, expired["JWT"]), "expired opaque": b.about("app", IntrospectPath, expired["opaque"]),
		"revoked JWT": b.about("app", IntrospectPath, revoked["JWT"]), "revoked opaque": b.about("guard", IntrospectPath, revoked["opaque"]),
		"revoked UUID": b.about("app", IntrospectPath, revoked["UUID"]), "garbage": b.about("app", IntrospectPath, "garbage"), "dots": b.about("guard", IntrospectPath, ".."),
		"a refresh token": b.about("app", IntrospectPath, b.tokens()["refresh"]), "another's opaque": b.about("twin", IntrospectPath, b.tokens()["opaque"]),
		"another's JWT": b.about("twin", IntrospectPath, b.tokens()["JWT"]),
	} {
		w := b.answer(r)
		got := plainly(w)
		if want == "" {
			want = got
		}
		if w.Body.String() != `{"active":false}` || got != want {
			t.Errorf("%s:\n%s\nwant\n%s", what, got, want)
		}
	}
	r := b.about("app", IntrospectPath, b.tokens()["JWT"])
	r.Host = "login.other.test"
	if w := b.answer(r); w.Code != http.StatusUnauthorized {
		t.Errorf("another tenant's client: %d %s", w.Code, w.Body)
	}
}

func TestReq017_057_WhoeverIsNotKnownWrongOrStoppedGetsTheSameBytes(t *testing.T) {
	b := openWithGuard(t)
	b.client("off")
	if err := registrytest.DisableClient(ctx, b.reg, by, "acme", "off", true); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{IntrospectPath, RevokePath, FeedPath} {
		ask := func(id, secret string) string {
			r := post(path, "token", "x")
			if path == FeedPath {
				r = get(path)
			}
			r.SetBasicAuth(id, secret)
			return plainly(b.answer(r))
		}
		want := ask("nobody", "wrong")
		for what, got := range map[string]string{"wrong": ask("app", "wrong"), "disabled": ask("off", b.secrets["off"].Reveal())} {
			if got != want {
				t.Errorf("%s, %s:\n%s\nwant\n%s", path, what, got, want)
			}
		}
		if !strings.HasPrefix(want, "401") || !strings.Contains(want, `Www-Authenticate: ["Basic realm=\"https://login.acme.test\""]`) || !strings.Contains(want, "invalid_client") {
			t.Errorf("%s: %s", path, want)
		}
	}
}

func TestReq055_063_EveryAnswerAboutTokensIsNotToBeKeptAndCarriesItsRequestId(t *testing.T) {
	b := openWithGuard(t)
	tok := b.tokens()
	feed := func(change func(*http.Request)) *http.Request {
		r := get(FeedPath)
		r.SetBasicAuth("guard", b.secrets["guard"].Reveal())
		change(r)
		return r
	}
	type row struct {
		r      *http.Request
		status int
	}
	rows := map[string]row{
		"introspected": {b.about("app", IntrospectPath, tok["opaque"]), 200}, "revoked": {b.about("app", RevokePath, tok["opaque"]), 200},
		"a page": {feed(func(*http.Request) {}), 200}, "no resource server": {func() *http.Request {
			r := get(FeedPath)
			r.SetBasicAuth("app", b.secrets["app"].Reveal())
			return r
		}(), 403},
		"a place that is none": {feed(func(r *http.Request) { r.URL.RawQuery = "after=-1" }), 400},
		"a place with a sign":  {feed(func(r *http.Request) { r.URL.RawQuery = "after=%2b1" }), 400},
		"a place twice":        {feed(func(r *http.Request) { r.URL.RawQuery = "after=1&after=2" }), 400},
		"a secret in the URL":  {feed(func(r *http.Request) { r.URL.RawQuery = "client_secret=x" }), 400},
		"POST to the feed":     {feed(func(r *http.Request) { r.Method = "POST" }), 405},
	}
	for _, path := range []string{IntrospectPath, RevokePath} {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "post"} {
			r := b.about("app", path, "x")
			r.Method = method
			rows[method+" "+path] = row{r, 405}
		}
		two := b.about("app", path, "x", "client_id", "app", "client_secret", "x")
		json := b.about("app", path, "x")
		json.Header.Set("Content-Type", "application/json")
		rows["two ways "+path], rows["JSON "+path] = row{two, 400}, row{json, 415}
		rows["nobody "+path], rows["nothing "+path] = row{post(path, "token", "x"), 401}, row{b.about("app", path, ""), 400}
		rows["in the URL "+path] = row{b.about("app", path+"?token=x", "x"), 400}
		rows["large "+path] = row{b.about("app", path, strings.Repeat("x", 70000)), 413}
	}
	ids := map[string]bool{}
	for what, c := range rows {
		if _, query, ok := strings.Cut(c.r.URL.Path, "?"); ok {
			c.r.URL.Path, c.r.URL.RawQuery = c.r.URL.Path[:len(c.r.URL.Path)-len(query)-1], query
		}
		w := b.answer(c.r)
		id := w.Header().Get("X-Request-Id")
		if w.Code != c.status || !strings.Contains(w.Header().Get("Cache-Control"), "no-store") || id == "" || ids[id] {
			t.Errorf("%s: %d %v %s, want %d", what, w.Code, w.Header(), w.Body, c.status)
		}
		ids[id] = true
		if allow := w.Header().Get("Allow"); (allow != "") != (c.status == 405) || allow != "" && (allow == "POST") == strings.Contains(what, "feed") {
			t.Errorf("%s: Allow %q", what, allow)
		}
	}
}

func TestReq056_079_B18_RevocationIsAnsweredWithSuccessWhenItIsDurable(t *testing.T) {
	b := openWithGuard(t)
	b.client("twin")
	for form, text := range b.tokens() {
		b.store.down.Store(true)
		w := b.answer(b.about("app", RevokePath, text))
		b.store.down.Store(false)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get("Cache-Control") != "no-store" ||
			regexp.MustCompile(`disk|tokenbooth\.db|invalid_`).MatchString(w.Body.String()) {
			t.Errorf("%s, without a store: %d %v %s", form, w.Code, w.Header(), w.Body)
		}
		alive := func() bool {
			if form == "refresh" {
				r := post("/oauth2/token", "grant_type", "refresh_token", "refresh_token", text)
				r.SetBasicAuth("app", b.secrets["app"].Reveal())
				return b.answer(r).Code == http.StatusOK
			}
			return strings.HasPrefix(b.answer(b.about("guard", IntrospectPath, text)).Body.String(), `{"active":true`)
		}
		for _, r := range []*http.Request{b.about("twin", RevokePath, text), b.about("guard", RevokePath, text), b.about("app", RevokePath, "unknown", "token_type_hint", "pickle")} {
			if w := b.answer(r); w.Code != http.StatusOK || w.Body.Len() > 0 {
				t.Errorf("%s, no business of the caller's: %d %s", form, w.Code, w.Body)
			}
		}
		if !alive() {
			t.Errorf("%s is dead, though nobody with a right to it has revoked it", form)
		}
		for range 2 {
			if w := b.answer(b.about("app", RevokePath, text, "token_type_hint", "refresh_token")); w.Code != http.StatusOK || w.Body.Len() > 0 {
				t.Errorf("%s: %d %s", form, w.Code, w.Body)
			}
		}
		if alive() {
			t.Errorf("%s lives on", form)
		}
	}
}

func TestReq100_ARefusalOfARequestAboutATokenLeadsToItsReason(t *testing.T) {
	b := openWithGuard(t)
	unread := b.answer(post(IntrospectPath, "token", "x")).Header().Get("X-Request-Id")
	wrong := b.about("app", RevokePath, "x")
	wrong.SetBasicAuth("app", "wrong")
	refused := b.answer(wrong).Header().Get("X-Request-Id")
	r := get(FeedPath)
	r.SetBasicAuth("app", b.secrets["app"].Reveal())
	stranger := b.answer(r).Header().Get("X-Request-Id")
	for id, want := range map[string][2]string{unread: {"introspect.refuse", "no client credentials"}, refused: {"revoke.refuse", "the secret is wrong"},
		stranger: {"feed.refuse", "is no resource server"}} {
		var e audit.Event
		var err error
		for range 200 {
			if e, err = audit.Get(ctx, b.store, "acme", id); err == nil {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if err != nil || e.Act != want[0] || !strings.Contains(e.Reason, want[1]) {
			t.Errorf("%+v %v, want %v", e, err, want)
		}
		if n := strings.Count(b.log.String(), id); n != 1 || !strings.Contains(b.log.String(), want[1]) {
			t.Errorf("%d lines of the log have the request id", n)
		}
	}
}

func TestReq059_NoTokenThatIsAskedAboutReachesLogOrMetrics(t *testing.T) {
	b := openWithGuard(t)
	tok := b.tokens()
	var refusals strings.Builder
	for _, down := range []bool{false, true} {
		for _, text := range tok {
			for _, path := range []string{IntrospectPath, RevokePath} {
				b.store.down.Store(down)
				refusals.WriteString(plainly(b.answer(b.about("app", path, text))))
				bad := b.about("app", path, text, "token_type_hint", "a\x00b")
				refusals.WriteString(plainly(b.answer(bad)))
				b.store.down.Store(false)
			}
		}
	}
	_, metrics := b.metrics(nil, "/metrics")
	for form, text := range tok {
		for where, in := range map[string]string{"the log": b.log.String(), "metrics": metrics, "an answer": refusals.String()} {
			if strings.Contains(in, text) || strings.Contains(in, text[len(text)-24:]) {
				t.Errorf("%s holds the token: %s", where, form)
			}
		}
	}
	if !strings.Contains(b.log.String(), "introspect.refuse") {
		t.Error("nothing was logged: this test is about nothing")
	}
}

func TestRequestsAboutTokensAreCounted(t *testing.T) {
	b := openWithGuard(t)
	tok := b.tokens()
	b.answer(b.about("app", IntrospectPath, tok["JWT"]))
	b.answer(b.about("app", RevokePath, tok["JWT"]))
	b.answer(b.about("app", IntrospectPath, tok["JWT"]))
	for k := range 50 {
		r := b.about("app", IntrospectPath, fmt.Sprint("canary4711", k))
		r.SetBasicAuth(fmt.Sprint("canary4711", k), "x")
		r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1", k)
		b.answer(r)
	}
	_, text := b.metrics(nil, "/metrics")
	for _, want := range []string{
		`tokenbooth_token_queries_total{endpoint="introspect",outcome="active",tenant="acme"} 1`,
		`tokenbooth_token_queries_total{endpoint="introspect",outcome="inactive",tenant="acme"} 1`,
		`tokenbooth_token_queries_total{endpoint="introspect",outcome="invalid_client",tenant="acme"} 50`,
		`tokenbooth_token_queries_total{endpoint="revoke",outcome="done",tenant="acme"} 1`,
		`tokenbooth_token_query_seconds_count{endpoint="introspect",tenant="acme"} 52`,
		`tokenbooth_feed_waiting{tenant="acme"} 0`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if strings.Contains(text, "canary4711") {
		t.Error("a label was chosen by a caller")
	}
}

// readAll reads a body that must be readable.
func readAll(t testing.TB, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}
