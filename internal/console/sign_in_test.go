package console

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// cookieOf returns the session cookie that an answer sets, or fails.
func cookieOf(t *testing.T, rec *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	all := rec.Result().Cookies()
	if len(all) != 1 {
		t.Fatalf("%d: the answer sets %d cookies, want 1: %s", rec.Code, len(all), rec.Body)
	}
	return all[0]
}

func TestReq049_TheCookieIsKeptFromOthers(t *testing.T) {
	w := newWorld(t)
	p := w.owner()
	w.advance(time.Minute)
	rec := w.ask(http.MethodPost, "/sign-in", url.Values{"username": {p.Username}, "password": {testWord}, "code": {p.code().Reveal()}, "next": {"/operators"}}.Encode())
	c := cookieOf(t, rec)
	if c.Name != "__Host-tokenbooth" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 0 {
		t.Errorf("the cookie is %+v", c)
	}
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/operators" {
		t.Errorf("%d to %q", rec.Code, rec.Header().Get("Location"))
	}
	if c.Value == p.cookie {
		t.Error("signing in twice gives the same session")
	}
	// somebody who had put a cookie into the browser before has no session by it
	fixed := w.ask(http.MethodPost, "/sign-in", "username=x&password=y&code=z", (&person{cookie: "tbo_chosen"}).signed)
	if len(fixed.Result().Cookies()) != 0 {
		t.Error("a refused sign-in sets a cookie")
	}
}

func TestReq049_SigningInAgainEndsTheOldSession(t *testing.T) {
	w := newWorld(t)
	p := w.owner()
	old := p.cookie
	w.advance(20 * time.Minute)
	if rec := p.get("/operators/new"); rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/sign-in/again?next=%2Foperators%2Fnew" {
		t.Fatalf("20 minutes later: %d to %q, want to sign in again", rec.Code, rec.Header().Get("Location"))
	}
	rec := p.post("/sign-in/again", "password", testWord, "code", p.code().Reveal(), "next", "/operators/new")
	p.cookie = cookieOf(t, rec).Value
	if p.cookie == old || rec.Header().Get("Location") != "/operators/new" {
		t.Errorf("the session id is the same, or the way back is lost: %q", rec.Header().Get("Location"))
	}
	if rec := p.get("/operators/new"); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "Confirmed") {
		t.Errorf("after it: %d", rec.Code)
	}
	p.cookie = old
	if rec := p.get("/account"); rec.Code != http.StatusSeeOther {
		t.Errorf("the old session: %d, want 303 to sign in", rec.Code)
	}
}

func TestReq098_ADangerousFormThatComesLateIsHeldUntilItsAuthorIsProven(t *testing.T) {
	w := newWorld(t)
	p := w.owner()
	w.advance(20 * time.Minute)
	rec := p.post("/operators", "username", "eve@example.com", "name", hostile, "role:acme", "viewer", "role:other", "")
	wants(t, rec, http.StatusForbidden, `<form method="post" action="/operators">`, `name="username" value="eve@example.com"`, `name="role:acme" value="viewer"`, `name="role:other" value=""`,
		"role at acme", `href="/sign-in/again?next=%2Fconfirmed"`)
	wellFormed(t, rec.Body.String())
	if _, err := w.people.ByName(t.Context(), "eve@example.com"); err == nil {
		t.Error("the operator was made all the same")
	}
	again := p.post("/sign-in/again", "password", testWord, "code", p.code().Reveal(), "next", "/confirmed")
	p.cookie = cookieOf(t, again).Value
	wants(t, p.get(again.Header().Get("Location")), http.StatusOK, "Go back to your form")
	fields := regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(rec.Body.String(), -1)
	var sent []string
	for _, f := range fields {
		sent = append(sent, html.UnescapeString(f[1]), html.UnescapeString(f[2]))
	}
	wants(t, p.post("/operators", sent...), http.StatusOK, "/sign-in/link?key=tbl_")
	if o, err := w.people.ByName(t.Context(), "eve@example.com"); err != nil || o.Name != hostile || o.Roles["acme"] != operator.Viewer {
		t.Errorf("what was typed came out as %+v, %v", o, err)
	}
}

func TestReq105_ALateFormWithASecretOrWithNothingTypedIsNotHeld(t *testing.T) {
	w := newWorld(t)
	p := w.owner()
	w.advance(20 * time.Minute)
	for name, rec := range map[string]*httptest.ResponseRecorder{
		"a button":       p.post("/operators/"+p.ID+"/disable", "rev", p.operatorRev(p.ID)),
		"a confirmation": p.post("/operators/"+p.ID+"/delete", "rev", p.operatorRev(p.ID), "typed", p.Username),
		"a new password": p.post("/account/password", "password", "a secret of mine", "repeated", "a secret of mine", "code", "123456", "app", ""),
	} {
		if to := rec.Header().Get("Location"); rec.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/sign-in/again") || strings.Contains(rec.Body.String(), "of mine") {
			t.Errorf("%s: %d to %q", name, rec.Code, to)
		}
	}
}

func TestSigningOutEndsTheSessionHereAndThere(t *testing.T) {
	w := newWorld(t)
	p := w.owner()
	rec := p.post("/sign-out")
	if c := cookieOf(t, rec); c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("the cookie stays: %+v", c)
	}
	if rec := p.get("/account"); rec.Code != http.StatusSeeOther {
		t.Errorf("the session lives: %d", rec.Code)
	}
}

func TestReq099_DisabledOperatorsAreOutAtOnce(t *testing.T) {
	w := newWorld(t)
	owner, p := w.owner(), w.person("ed@example.com", map[string]operator.Role{"acme": operator.Editor})
	w.advance(time.Minute)
	owner.signIn()
	o, err := w.people.Get(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if rec := owner.post("/operators/"+p.ID+"/disable", "rev", num(o.Edition)); rec.Code != http.StatusSeeOther {
		t.Fatalf("disable: %d %s", rec.Code, rec.Body)
	}
	if rec := p.get("/t/acme"); rec.Code != http.StatusSeeOther {
		t.Errorf("the disabled operator: %d", rec.Code)
	}
}

// Who does not exist, a wrong password, a wrong code and an operator without a second factor are answered alike, to the byte.
func TestTheSignInPageTellsNothing(t *testing.T) {
	w := newWorld(t)
	w.owner()
	w.invited("new@example.com", nil)
	said := ""
	for _, username := range []string{"ada@example.com", "new@example.com", "nobody@example.com"} {
		rec := w.ask(http.MethodPost, "/sign-in", url.Values{"username": {username}, "password": {"wrong wrong wrong"}, "code": {"000000"}}.Encode())
		body := strings.ReplaceAll(rec.Body.String(), username, "NAME")
		if said == "" {
			said = body
		}
		if body != said || rec.Code != http.StatusUnprocessableEntity || strings.Contains(body, "wrong wrong wrong") {
			t.Errorf("%s: %d, another page than for others", username, rec.Code)
		}
	}
}

func TestALinkIsNotSpentByLooking(t *testing.T) {
	w := newWorld(t)
	o, err := w.people.Create(t.Context(), "cli:root", operator.Operator{Username: "new@example.com", Roles: map[string]operator.Role{operator.All: operator.Owner}})
	if err != nil {
		t.Fatal(err)
	}
	link, _, err := w.people.Invite(t.Context(), "cli:root", o.ID, time.Hour, true)
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(SignInLink(consoleURL+"/", link))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if rec := w.ask(http.MethodGet, at.RequestURI(), ""); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), link.Reveal()) {
			t.Fatalf("the page of the link: %d", rec.Code)
		}
	}
	form := url.Values{"key": {link.Reveal()}}.Encode()
	rec := w.ask(http.MethodPost, "/sign-in/link", form)
	p := &person{world: w, Operator: o, cookie: cookieOf(t, rec).Value}
	if rec.Header().Get("Location") != "/account" {
		t.Errorf("leads to %q", rec.Header().Get("Location"))
	}
	if rec := p.get("/account"); !strings.Contains(rec.Body.String(), "no way back") {
		t.Error("the account page does not ask for a proof")
	}
	if rec := w.ask(http.MethodPost, "/sign-in/link", form); rec.Code != http.StatusUnprocessableEntity || len(rec.Result().Cookies()) != 0 {
		t.Errorf("the second time: %d", rec.Code)
	}
}

// A browser that drops the cookie would lose the session at once: then nothing is spent on one. Safari does so on http://localhost.
func TestNothingIsSpentOnABrowserThatKeepsNoCookie(t *testing.T) {
	w := newWorld(t)
	p := w.owner()
	w.advance(time.Minute)
	link, _, err := w.people.Invite(t.Context(), "cli:root", p.ID, time.Hour, true)
	if err != nil {
		t.Fatal(err)
	}
	without := func(r *http.Request) { r.Header.Del("Cookie") }
	forms := map[string]url.Values{"/sign-in/link": {"key": {link.Reveal()}},
		"/sign-in": {"username": {p.Username}, "password": {testWord}, "code": {p.code().Reveal()}}}
	for target, form := range forms {
		page := target + "?" + url.Values{"key": form["key"]}.Encode()
		if c := cookieOf(t, w.ask(http.MethodGet, page, "")); c.Name != probeCookie || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" ||
			c.SameSite != http.SameSiteStrictMode {
			t.Errorf("%s tries with another cookie than a session's: %+v", target, c)
		}
		for range 2 {
			rec := w.ask(http.MethodPost, target, form.Encode(), without)
			wants(t, rec, http.StatusUnprocessableEntity, "Nothing was used up")
			if c := cookieOf(t, rec); c.Name != probeCookie {
				t.Errorf("%s without a cookie gives %s", target, c.Name)
			}
		}
		if rec := w.ask(http.MethodGet, page, "", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: probeCookie, Value: "yes"}) }); len(rec.Result().Cookies()) != 0 {
			t.Errorf("%s sets the cookie anew each time", target)
		}
		rec := w.ask(http.MethodPost, target, form.Encode())
		if c := cookieOf(t, rec); rec.Code != http.StatusSeeOther || c.Name != cookieName {
			t.Errorf("%s with the cookie: %d, %s", target, rec.Code, c.Name)
		}
	}
}

func TestAPasswordIsSetUpFromTheFirstLink(t *testing.T) {
	w := newWorld(t)
	p := w.invited("new@example.com", nil)
	rec := p.get("/account/password")
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "data:image/png;base64,") {
		t.Fatalf("the page: %d", rec.Code)
	}
	app, address, err := w.people.NewTOTP(p.Operator)
	if err != nil {
		t.Fatal(err)
	}
	p.app = app.Reveal()
	send := func(password, repeated string, code oauth.Secret) *httptest.ResponseRecorder {
		return p.post("/account/password", "app", address, "password", password, "repeated", repeated, "code", code.Reveal())
	}
	for name, rec := range map[string]*httptest.ResponseRecorder{"not repeated": send(testWord, "other", p.code()), "too short": send("abc", "abc", p.code()), "wrong code": send(testWord, testWord, "000000")} {
		if body := rec.Body.String(); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(body, `aria-invalid="true"`) || !strings.Contains(body, p.app) || strings.Contains(body, testWord) {
			t.Errorf("%s: %d; the form must come back with its fault, the same key, and no password", name, rec.Code)
		}
	}
	rec = send(testWord, testWord, p.code())
	if rec.Code != http.StatusOK || strings.Count(rec.Body.String(), "<li>") < 8 {
		t.Fatalf("%d: recovery codes are not shown: %s", rec.Code, rec.Body)
	}
	w.advance(time.Minute)
	p.signIn()
	if rec := p.get("/"); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "no role") {
		t.Errorf("an operator without a role: %d", rec.Code)
	}
}

func TestNextLeadsToPagesOfOursOnly(t *testing.T) {
	for text, want := range map[string]string{
		"/t/acme/clients?state=active": "/t/acme/clients?state=active", "/account": "/account", "/t/a%2Fb": "/t/a%2Fb", "": "/",
		"https://evil.example": "/", "//evil.example": "/", "///evil.example": "/", `/\evil.example`: "/", `\\evil.example`: "/", "/\t/evil.example": "/", "/\n/evil.example": "/",
		"http:evil.example": "/", "javascript:alert(1)": "/", "evil.example": "/", "/sign-in": "/", "/sign-in/again?next=/": "/", "/sign-out": "/", "/%5cevil.example": "/",
		"/%09/evil.example": "/", "/..//evil.example": "/", "/./": "/", "/%2f/evil.example": "/", "/%2fevil.example": "/", "/a\x00b": "/", "/" + strings.Repeat("a", 2000): "/", "/@evil.example": "/@evil.example",
		"//": "/", "/static/x": "/",
	} {
		if got := nextOf(text); got != want {
			t.Errorf("%q leads to %q, want %q", text, got, want)
		}
	}
}

func FuzzNext(f *testing.F) {
	for _, seed := range []string{"/", "//evil", `/\evil`, "/a?b=//c", "/%2f%2fevil", "/a#b", "https:/evil"} {
		f.Add(seed)
	}
	home, _ := url.Parse(consoleURL)
	f.Fuzz(func(t *testing.T, text string) {
		next := nextOf(text)
		to, err := home.Parse(next)
		if err != nil || to.Host != consoleHost || to.Scheme != "https" || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
			t.Errorf("%q leads to %q", text, next)
		}
	})
}

func TestNoticesAreSaidOnceAndToOneSession(t *testing.T) {
	w := newWorld(t)
	p := w.owner()
	if rec := p.post("/account/sessions/end-others"); rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/account" {
		t.Fatalf("%d to %q", rec.Code, rec.Header().Get("Location"))
	}
	if !strings.Contains(p.get("/account").Body.String(), "have ended") || strings.Contains(p.get("/account").Body.String(), "have ended") {
		t.Error("the notice is not said once")
	}
}
