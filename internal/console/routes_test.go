package console

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/operator"
)

var hole = regexp.MustCompile(`\{[^}]*\}`)

// each calls f with each route and an address that it matches.
func each(t *testing.T, f func(t *testing.T, r route, method, target string)) {
	for _, r := range routes() {
		method, path, _ := strings.Cut(r.pattern, " ")
		target := strings.TrimSuffix(strings.Replace(path, "{tenant}", "acme", 1), "{$}")
		target = hole.ReplaceAllString(target, "x")
		t.Run(r.pattern, func(t *testing.T) { f(t, r, method, target) })
	}
}

func guarded(t *testing.T, rec *httptest.ResponseRecorder) {
	t.Helper()
	h := rec.Header()
	for name, want := range map[string]string{"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		"Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY"} {
		if got := h.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%d: %s is %q, want %q", rec.Code, name, got, want)
		}
	}
	for _, loose := range []string{"unsafe-inline", "unsafe-eval", "*", "http:"} {
		if strings.Contains(h.Get("Content-Security-Policy"), loose) {
			t.Errorf("the content policy allows %s", loose)
		}
	}
	if h.Get("X-Request-Id") == "" {
		t.Error("the answer has no request id")
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") { // Req 93
			t.Errorf("the answer has %s", name)
		}
	}
	if keep := h.Get("Cache-Control"); keep != "no-store" && !strings.Contains(keep, "immutable") && keep != "public, max-age=86400" {
		t.Errorf("Cache-Control is %q", keep)
	}
}

func TestReq094_EveryAnswerCarriesTheHeaders(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	each(t, func(t *testing.T, r route, method, target string) {
		guarded(t, w.ask(method, target, ""))                                                                                     // not signed in
		guarded(t, w.ask(method, target, "", owner.signed))                                                                       // signed in
		guarded(t, w.ask(method, target, "", func(r *http.Request) { r.Host = "evil.example" }))                                  // 421
		guarded(t, w.ask("BREW", target, "", owner.signed))                                                                       // 405
		guarded(t, w.ask(http.MethodPost, target, "", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }))    // 403
		guarded(t, w.ask(http.MethodPost, target, "a=%zz", owner.signed, func(r *http.Request) { r.Header.Del("Content-Type") })) // 403
		if strings.Contains(r.pattern, "/sign-out") || strings.Contains(r.pattern, "end") {
			owner.advance(60e9)
			owner.signIn() // that ended the session
		}
	})
	for _, target := range []string{"/static/" + strings.TrimPrefix(w.files.address["app.css"], "/static/"), "/nowhere", "/t/nobody/clients", "/%2e%2e/etc"} {
		guarded(t, w.ask(http.MethodGet, target, "", owner.signed))
	}
	w.store.down.Store(true)
	rec := owner.get("/t/acme/clients")
	guarded(t, rec)
	if rec.Code != http.StatusServiceUnavailable {
		t.Errorf("with the store gone: %d, want 503", rec.Code)
	}
}

func TestEveryPageAsksForASession(t *testing.T) {
	w := newWorld(t)
	each(t, func(t *testing.T, r route, method, target string) {
		if r.open {
			t.Skip("is for everybody")
		}
		for name, cookie := range map[string]string{"none": "", "damaged": "tbo_x", "made up": "tbo_" + strings.Repeat("a", 40)} {
			rec := w.ask(method, target, "", (&person{cookie: cookie}).signed)
			if to := rec.Header().Get("Location"); rec.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/sign-in") {
				t.Errorf("cookie %s: %d to %q, want 303 to /sign-in", name, rec.Code, to)
			}
		}
	})
}

// The routes that are open are these and no others: whoever adds one has to say so here.
func TestOnlyTheseRoutesAreOpen(t *testing.T) {
	want := map[string]bool{"GET /static/{file}": true, "GET /favicon.ico": true, "POST /csp-report": true, "GET /sign-in": true, "POST /sign-in": true,
		"GET /sign-in/link": true, "POST /sign-in/link": true, "POST /passkey/sign-in/begin": true, "POST /passkey/sign-in/finish": true}
	for _, r := range routes() {
		if r.open != want[r.pattern] {
			t.Errorf("%s: open is %v", r.pattern, r.open)
		}
	}
}

func TestNoTenantIsShownToWhoHasNoRoleThere(t *testing.T) {
	w := newWorld(t)
	p := w.person("vic@example.com", map[string]operator.Role{"other": operator.Owner})
	each(t, func(t *testing.T, r route, method, target string) {
		if !strings.Contains(r.pattern, "{tenant}") {
			t.Skip("is of no tenant")
		}
		if rec := w.ask(method, target, "", p.signed); rec.Code != http.StatusForbidden && rec.Code != http.StatusNotFound {
			t.Errorf("%d, want 403 or 404", rec.Code)
		}
	})
}

func TestReq050_NothingIsChangedFromAnotherSite(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	del := func(name string) func(*http.Request) { return func(r *http.Request) { r.Header.Del(name) } }
	refused := map[string][]func(*http.Request){
		"cross-site":                   {set("Sec-Fetch-Site", "cross-site"), set("Origin", "https://evil.example")},
		"same-site":                    {set("Sec-Fetch-Site", "same-site"), set("Origin", "https://other.example.com")},
		"origin null":                  {set("Origin", "null")},
		"origin null, old browser":     {set("Origin", "null"), del("Sec-Fetch-Site")},
		"other origin, old browser":    {set("Origin", "https://evil.example"), del("Sec-Fetch-Site")},
		"other port":                   {set("Origin", consoleURL+":444"), del("Sec-Fetch-Site")},
		"suffix":                       {set("Origin", consoleURL+".evil.example"), del("Sec-Fetch-Site")},
		"text/plain":                   {set("Content-Type", "text/plain")},
		"text/plain with a lie":        {set("Content-Type", "text/plain; x=application/json")},
		"multipart":                    {set("Content-Type", "multipart/form-data; boundary=x")},
		"no type":                      {del("Content-Type")},
		"a type that cannot be parsed": {set("Content-Type", "application/x-www-form-urlencoded;;;=")},
	}
	each(t, func(t *testing.T, r route, method, target string) {
		if method != http.MethodPost {
			t.Skip("changes nothing")
		}
		for name, change := range refused {
			if rec := w.ask(method, target, "", append(change, owner.signed)...); rec.Code != http.StatusForbidden {
				t.Errorf("%s: %d, want 403", name, rec.Code)
			}
		}
		other := "application/json"
		if bodies(target)[0] == other {
			other = "application/x-www-form-urlencoded"
		}
		if rec := w.ask(method, target, "", set("Content-Type", other), owner.signed); rec.Code != http.StatusForbidden {
			t.Errorf("a body of another kind of page: %d, want 403", rec.Code)
		}
	})
	if rec := owner.get("/account"); rec.Code != http.StatusOK {
		t.Errorf("the session did not survive: %d", rec.Code)
	}
}

func TestNothingChangesByGET(t *testing.T) {
	for _, r := range routes() {
		method, path, _ := strings.Cut(r.pattern, " ")
		if method != http.MethodGet && method != http.MethodPost {
			t.Errorf("%s is neither GET nor POST", r.pattern)
		}
		last := path[strings.LastIndexByte(path, '/')+1:]
		for _, word := range []string{"delete", "disable", "enable", "revoke", "rotate", "remove", "invite"} {
			if method == http.MethodGet && last == word {
				t.Errorf("%s looks like a change by GET", r.pattern)
			}
		}
	}
}

func TestOnlyItsOwnHostIsAnswered(t *testing.T) {
	w := newWorld(t)
	for host, want := range map[string]int{consoleHost: 200, consoleHost + ":8443": 200, "DESK.example.com": 200, "localhost:8081": 200, "127.0.0.1:8081": 200, "127.9.9.9": 200,
		"[::1]:8081": 200, "[::1]": 200, "evil.example": 421, "desk.example.com.evil.example": 421, "192.0.2.1": 421, "0.0.0.0": 421, "": 421, "localhost.evil.example": 421,
		"[::1%25eth0]": 421, "desk.example.com.": 200, "desk.example.com..": 421, "127.0.0.1.nip.io": 421} {
		if rec := w.ask(http.MethodGet, "/sign-in", "", func(r *http.Request) { r.Host = host }); rec.Code != want {
			t.Errorf("host %q: %d, want %d", host, rec.Code, want)
		}
	}
}

func TestUnknownPagesAndMethodsAreToldApart(t *testing.T) {
	w := newWorld(t)
	if rec := w.ask(http.MethodGet, "/nowhere", ""); rec.Code != http.StatusNotFound || !strings.Contains(rec.Body.String(), "no such page") {
		t.Errorf("/nowhere: %d", rec.Code)
	}
	rec := w.ask(http.MethodGet, "/sign-out", "")
	if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != "POST" {
		t.Errorf("GET /sign-out: %d, Allow %q", rec.Code, rec.Header().Get("Allow"))
	}
}

func TestStaticFilesMayBeKeptForGood(t *testing.T) {
	w := newWorld(t)
	for name, address := range w.files.address {
		rec := w.ask(http.MethodGet, address, "")
		if rec.Code != http.StatusOK || !strings.Contains(rec.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %q", name, rec.Code, rec.Header().Get("Cache-Control"))
		}
	}
	for _, bad := range []string{"/static/app.css", "/static/..%2fconsole.go", "/static/"} {
		if rec := w.ask(http.MethodGet, bad, ""); rec.Code == http.StatusOK {
			t.Errorf("%s is served", bad)
		}
	}
}
