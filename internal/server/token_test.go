package server

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/registry/registrytest"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// form makes the request of a client in each dialect that clients speak.
func forms(id, text string) map[string]func() *http.Request {
	basic := func(path string, form ...string) func() *http.Request {
		return func() *http.Request {
			r := post(path, form...)
			r.SetBasicAuth(id, text)
			return r
		}
	}
	return map[string]func() *http.Request{
		"oauth2": basic("/oauth2/token", "grant_type", "client_credentials"),
		"oauth2, body": func() *http.Request {
			return post("/oauth2/token", "grant_type", "client_credentials", "client_id", id, "client_secret", text)
		},
		"nexthink": basic("/oauth2/default/v1/token", "grant_type", "client_credentials", "scope", "service:integration"),
		"nexthink, body": func() *http.Request {
			return post("/oauth2/default/v1/token", "grant_type", "client_credentials", "client_id", id, "client_secret", text)
		},
		"nexthink, bare": func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/api/v1/token", http.NoBody)
			r.Host = "login.acme.test"
			r.SetBasicAuth(id, text)
			return r
		},
		"dadi": func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(fmt.Sprintf(`{"clientId":%q,"secret":%q}`, id, text)))
			r.Host = "login.acme.test"
			r.Header.Set("Content-Type", "application/json")
			return r
		},
	}
}

func TestEveryDialectIssuesThroughTheServer(t *testing.T) {
	b := open(t)
	b.client("app")
	for name, form := range forms("app", b.secrets["app"].Reveal()) {
		w := b.answer(form())
		if w.Code != http.StatusOK || !strings.Contains(strings.ToLower(w.Body.String()), `"bearer"`) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// plainly returns all of an answer but what differs from request to request.
func plainly(w *httptest.ResponseRecorder) string {
	id := w.Header().Get("X-Request-Id")
	var names []string
	for n := range w.Header() {
		names = append(names, n)
	}
	slices.Sort(names)
	s := fmt.Sprintln(w.Code)
	for _, n := range names {
		s += fmt.Sprintf("%s: %q\n", n, w.Header()[n])
	}
	return strings.ReplaceAll(s+w.Body.String(), id, "ID")
}

func TestReq017_054_unknown_wrong_and_disabled_get_the_same_bytes_in_every_dialect(t *testing.T) {
	b := open(t)
	for _, id := range []string{"app", "off", "gone"} {
		b.client(id)
	}
	if err := registrytest.DisableClient(ctx, b.reg, by, "acme", "off", true); err != nil {
		t.Fatal(err)
	}
	if err := registrytest.DeleteClient(ctx, b.reg, by, "acme", "gone"); err != nil {
		t.Fatal(err)
	}
	wrong := b.secrets["app"].Reveal() + "x"
	n := 0
	for name, unknown := range forms("nobody", wrong) {
		n++
		from := func(form func() *http.Request) *http.Request {
			r := form()
			r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1234", n) // nobody guesses often enough to be slowed
			return r
		}
		want := plainly(b.answer(from(unknown)))
		for what, form := range map[string]func() *http.Request{
			"wrong": forms("app", wrong)[name], "disabled": forms("off", b.secrets["off"].Reveal())[name], "deleted": forms("gone", b.secrets["gone"].Reveal())[name],
			"disabled and wrong": forms("off", wrong)[name],
		} {
			if got := plainly(b.answer(from(form))); got != want {
				t.Errorf("%s, %s:\n%s\nunknown:\n%s", name, what, got, want)
			}
		}
		if !strings.HasPrefix(want, "401") {
			t.Errorf("%s: %s", name, want)
		}
		if strings.HasPrefix(name, "oauth2") && !strings.Contains(want, "Www-Authenticate") {
			t.Errorf("%s: no challenge: %s", name, want)
		}
	}
}

func TestReq054_unknown_wrong_and_disabled_users_get_the_same_bytes(t *testing.T) {
	b := open(t)
	b.client("app")
	b.user()
	if _, err := b.reg.CreateUser(ctx, by, registry.User{Tenant: "acme", Username: "off@acme.test"}, password); err != nil {
		t.Fatal(err)
	}
	if err := registrytest.DisableUser(ctx, b.reg, by, "acme", "off@acme.test", true); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/oauth2/token", "/api/token"} {
		ask := func(name, pass string) string {
			r := post(path, "grant_type", "password", "username", name, "password", pass)
			if path == "/oauth2/token" {
				r.SetBasicAuth("app", b.secrets["app"].Reveal())
			}
			return plainly(b.answer(r))
		}
		want := ask("nobody@acme.test", "wrong")
		if !strings.HasPrefix(want, "400") || !strings.Contains(want, "invalid_grant") {
			t.Errorf("%s: %s", path, want)
		}
		for what, got := range map[string]string{"wrong": ask(username, "wrong"), "disabled": ask("off@acme.test", password), "no name at all": ask("a b", "wrong")} {
			if got != want {
				t.Errorf("%s, %s:\n%s\nunknown:\n%s", path, what, got, want)
			}
		}
	}
}

func TestReq019_020_062_072_075_of_the_envelope(t *testing.T) {
	b := open(t)
	b.client("app")
	b.client("twin")
	s := b.secrets["app"].Reveal()
	for name, c := range map[string]struct {
		change func(*http.Request) *http.Request
		status int
		code   string
	}{
		"Req 19: Basic and body": {func(r *http.Request) *http.Request {
			two := post("/oauth2/token", "grant_type", "client_credentials", "client_id", "app", "client_secret", s)
			two.SetBasicAuth("app", s)
			return two
		}, 400, "invalid_request"},
		"Req 20: two ids": {func(r *http.Request) *http.Request {
			two := post("/oauth2/token", "grant_type", "client_credentials", "client_id", "twin")
			two.SetBasicAuth("app", s)
			return two
		}, 400, "invalid_request"},
		"Req 62: a secret in the URL": {func(*http.Request) *http.Request {
			return post("/oauth2/token?client_secret="+s, "grant_type", "client_credentials", "client_id", "app")
		}, 400, "invalid_request"},
		"Req 62: a grant in the URL": {func(r *http.Request) *http.Request {
			q := post("/oauth2/token?grant_type=client_credentials")
			q.SetBasicAuth("app", s)
			return q
		}, 400, "invalid_request"},
		"Req 72: an unknown parameter": {func(*http.Request) *http.Request {
			q := post("/oauth2/token", "grant_type", "client_credentials", "foo", "1")
			q.SetBasicAuth("app", s)
			return q
		}, 200, ""},
		"Req 72: an empty scope": {func(*http.Request) *http.Request {
			q := post("/oauth2/token", "grant_type", "client_credentials", "scope", "")
			q.SetBasicAuth("app", s)
			return q
		}, 200, ""},
		"Req 72: an empty secret": {func(*http.Request) *http.Request {
			return post("/oauth2/token", "grant_type", "client_credentials", "client_id", "app", "client_secret", "")
		}, 401, "invalid_client"},
		"Req 61: twice": {func(*http.Request) *http.Request {
			q := post("/oauth2/token", "grant_type", "client_credentials", "scope", "workflows", "scope", "nql")
			q.SetBasicAuth("app", s)
			return q
		}, 400, "invalid_request"},
		"Req 75: an unknown grant": {func(*http.Request) *http.Request {
			q := post("/oauth2/token", "grant_type", "foo")
			q.SetBasicAuth("app", s)
			return q
		}, 400, "unsupported_grant_type"},
		"Req 76: an unknown scope": {func(*http.Request) *http.Request {
			q := post("/oauth2/token", "grant_type", "client_credentials", "scope", "root")
			q.SetBasicAuth("app", s)
			return q
		}, 400, "invalid_scope"},
	} {
		w := b.answer(c.change(nil))
		if w.Code != c.status || c.code != "" && member(t, w.Body.String(), "error") != c.code {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Req 55: Cache-Control %q", name, w.Header().Get("Cache-Control"))
		}
	}
}

func TestReq063_055_token_endpoints_take_POST_only_and_nothing_may_be_cached(t *testing.T) {
	b := open(t)
	for path, e := range surface()[0].Endpoints {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "post"} {
			r := httptest.NewRequest(method, path, nil)
			r.Host = "login.acme.test"
			w := b.answer(r)
			dadi := e.Dialect().Name == "dadi" && w.Code == http.StatusNotFound // as the original does
			if !dadi && (w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST") || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: %d %v", method, path, w.Code, w.Header())
			}
		}
	}
}

func TestReq066_without_a_body_a_browser_gets_nothing(t *testing.T) {
	b := open(t)
	b.client("app")
	bare := forms("app", b.secrets["app"].Reveal())["nexthink, bare"]
	for name, value := range map[string]string{"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"} {
		r := bare()
		r.Header.Set(name, value)
		if w := b.answer(r); w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "access_token") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := b.answer(bare()); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestD2_R18_a_store_that_is_away_is_503_in_every_dialect_and_says_nothing_of_itself(t *testing.T) {
	b := open(t)
	b.client("app")
	b.user()
	all := forms("app", b.secrets["app"].Reveal())
	all["oauth2, password"] = func() *http.Request {
		r := post("/oauth2/token", "grant_type", "password", "username", username, "password", password)
		r.SetBasicAuth("app", b.secrets["app"].Reveal())
		return r
	}
	all["nexudus"] = func() *http.Request {
		return post("/api/token", "grant_type", "password", "username", username, "password", password)
	}
	kiosk := func(form ...string) *http.Request {
		r := post("/api/token", form...)
		r.Header["Client_id"] = []string{"kiosk"}
		return r
	}
	refreshed := member(t, b.answer(kiosk("grant_type", "password", "username", username, "password", password)).Body.String(), "refresh_token")
	all["nexudus, refresh"] = func() *http.Request { return kiosk("grant_type", "refresh_token", "refresh_token", refreshed) }
	for name, form := range all {
		b.SetTenants(surface())
		if err := b.reg.SetTenants(settings()); err != nil { // nothing is remembered
			t.Fatal(err)
		}
		b.store.down.Store(true)
		w := b.answer(form())
		b.store.down.Store(false)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
		if regexp.MustCompile(`invalid_|disk|tokenbooth\.db`).MatchString(w.Body.String()) {
			t.Errorf("%s: %s", name, w.Body)
		}
		if w := b.answer(form()); w.Code != http.StatusOK {
			t.Errorf("%s, afterwards: %d %s", name, w.Code, w.Body)
		}
	}
	if !strings.Contains(b.log.String(), "the disk is gone") {
		t.Error("the operator is not told")
	}
}

func TestReq100_an_answer_leads_the_operator_to_its_reason(t *testing.T) {
	b := open(t)
	b.client("app")
	r := b.basic("app")
	r.SetBasicAuth("app", "wrong")
	id := b.answer(r).Header().Get("X-Request-Id")
	bad := post("/oauth2/token", "grant_type", "foo")
	unread := b.answer(bad).Header().Get("X-Request-Id")
	if id == "" || unread == "" || id == unread {
		t.Fatalf("%q %q", id, unread)
	}
	for k, want := range map[string]string{id: "the secret is wrong", unread: "unknown grant type"} {
		var e audit.Event
		var err error
		for range 200 {
			if e, err = audit.Get(ctx, b.store, "acme", k); err == nil {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		if err != nil || !strings.Contains(e.Reason, want) {
			t.Errorf("%+v %v", e, err)
		}
		if n := strings.Count(b.log.String(), k); n != 1 || !strings.Contains(b.log.String(), want) {
			t.Errorf("%d lines of the log have the request id", n)
		}
	}
}

// TestB21_the_answer_of_a_cut_connection_is_given_again cuts the connection between the write and the answer.
func TestB21_the_answer_of_a_cut_connection_is_given_again(t *testing.T) {
	b := open(t)
	b.client("app")
	b.user()
	srv := httptest.NewServer(b)
	defer srv.Close()
	auth := "Basic " + base64.StdEncoding.EncodeToString([]byte("app:"+b.secrets["app"].Reveal()))
	send := func(conn net.Conn, body string) {
		if _, err := fmt.Fprintf(conn, "POST /oauth2/token HTTP/1.1\r\nHost: login.acme.test\r\nAuthorization: %s\r\n"+
			"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", auth, len(body), body); err != nil {
			t.Fatal(err)
		}
	}
	pair := func(body string) (int, string) {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		send(conn, body)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var text strings.Builder
		if _, err := bufio.NewReader(res.Body).WriteTo(&text); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, text.String()
	}
	_, first := pair("grant_type=password&username=" + username + "&password=seven+purple+tractors")
	body := "grant_type=refresh_token&refresh_token=" + member(t, first, "refresh_token")

	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan struct{})
	b.store.wrote = func(records []store.Record) {
		if records[len(records)-1].Kind == store.Refresh {
			_ = conn.Close()
			close(written)
		}
	}
	send(conn, body)
	<-written
	b.store.wrote = nil
	b.clock.advance(20 * time.Second)
	status, again := pair(body)
	status2, once := pair(body)
	if status != http.StatusOK || status2 != http.StatusOK || once != again {
		t.Errorf("%d %s\n%d %s", status, again, status2, once)
	}
	if status, text := pair("grant_type=refresh_token&refresh_token=" + member(t, again, "refresh_token")); status != http.StatusOK {
		t.Errorf("%d %s", status, text)
	}
}
