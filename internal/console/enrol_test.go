package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// sent registers an operator and returns the link that an owner makes for them in the console.
func (w *world) sent(owner *person, name string) (*operator.Operator, string) {
	w.t.Helper()
	rec := owner.post("/operators", "username", name, "name", "N. "+name, "role:*", "owner")
	_, rest, ok := strings.Cut(rec.Body.String(), "/sign-in/link?key=")
	if !ok {
		w.t.Fatalf("%d: no link in %s", rec.Code, rec.Body)
	}
	o, err := w.people.ByName(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	key, _, _ := strings.Cut(rest, "<")
	key, _, _ = strings.Cut(key, `"`)
	return o, key
}

// follow opens a link as its operator.
func (w *world) follow(o *operator.Operator, key string) *person {
	w.t.Helper()
	rec := w.ask(http.MethodPost, "/sign-in/link", url.Values{"key": {key}}.Encode())
	if to := rec.Header().Get("Location"); to != "/account" {
		w.t.Fatalf("%d: the link leads to %q", rec.Code, to)
	}
	return &person{world: w, Operator: o, cookie: cookieOf(w.t, rec).Value}
}

func TestReq098_ByAnOwnersLinkNothingOpensButSettingUpAProof(t *testing.T) {
	w := newWorld(t)
	p := w.follow(w.sent(w.owner(), "new@example.com"))
	before := w.changes()
	each(t, func(t *testing.T, r route, method, target string) {
		if r.open || r.enrols {
			t.Skip("is for setting up a proof, or for everybody")
		}
		if rec := w.ask(method, target, "", p.signed); rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/account" {
			t.Errorf("%d to %q, want 303 to /account", rec.Code, rec.Header().Get("Location"))
		}
	})
	if rec := p.get("/account"); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "everything else opens with that") {
		t.Errorf("%d: the account page does not say what to do: %s", rec.Code, rec.Body)
	}
	if after := w.changes(); after != before {
		t.Errorf("%d things were changed or refused", after-before)
	}
}

// changes counts the events of the desk and of acme.
func (w *world) changes() (n int) {
	w.t.Helper()
	for _, tenant := range []string{"", "acme"} {
		all, _, _, err := audit.Search(w.t.Context(), w.store, audit.Query{Tenant: tenant, Limit: store.MaxLimit})
		if err != nil {
			w.t.Fatal(err)
		}
		n += len(all)
	}
	return n
}

func TestReq098_AProofSetUpByAnOwnersLinkOpensTheConsole(t *testing.T) {
	w := newWorld(t)
	p := w.follow(w.sent(w.owner(), "new@example.com"))
	app, address, err := w.people.NewTOTP(p.Operator)
	if err != nil {
		t.Fatal(err)
	}
	p.app = app.Reveal()
	rec := p.post("/account/password", "app", address, "password", testWord, "repeated", testWord, "code", p.code().Reveal())
	if body := rec.Body.String(); rec.Code != http.StatusOK || strings.Count(body, "<li>") < 8 || !strings.Contains(body, "/operators") {
		t.Fatalf("%d: recovery codes in a frame with the whole menu are not shown: %s", rec.Code, body)
	}
	for _, target := range []string{"/t/acme", "/operators/new"} { // the second asks for a fresh proof: it was shown just now
		if rec := p.get(target); rec.Code != http.StatusOK {
			t.Errorf("%s: %d to %q", target, rec.Code, rec.Header().Get("Location"))
		}
	}
}

func TestReq098_WhoHasLostADeviceSetsUpAnotherByLinkAndSeesNothingElse(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	lost := w.person("ed@example.com", map[string]operator.Role{"acme": operator.Editor})
	owner.advance(time.Minute)
	owner.signIn()
	rec := owner.post("/operators/" + lost.ID + "/invite")
	_, key, _ := strings.Cut(rec.Body.String(), "/sign-in/link?key=")
	key, _, _ = strings.Cut(key, "<")
	key, _, _ = strings.Cut(key, `"`)
	p := w.follow(lost.Operator, key)
	if rec := p.get("/account"); strings.Contains(rec.Body.String(), "/end-others") || strings.Count(rec.Body.String(), "/account/sessions/") != 1 {
		t.Error("other sessions are shown to who has shown nothing")
	}
	if rec := p.get("/account/password"); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "data:image/png;base64,") {
		t.Errorf("no new app is offered: %d", rec.Code)
	}
	sessions, err := w.people.Sessions(t.Context(), p.ID)
	if err != nil || len(sessions) < 2 {
		t.Fatal(sessions, err)
	}
	for _, s := range sessions {
		if s.Enrolling {
			continue
		}
		if rec := p.post("/account/sessions/" + s.ID + "/end"); rec.Header().Get("Location") != "/account" {
			t.Errorf("%d to %q", rec.Code, rec.Header().Get("Location"))
		}
	}
	if rec := lost.get("/t/acme"); rec.Code != http.StatusOK {
		t.Errorf("another session was ended: %d", rec.Code)
	}
}

func TestReq049_SigningInInTheSameBrowserEndsTheSessionBefore(t *testing.T) {
	w := newWorld(t)
	p := w.owner()
	other := w.invited("ed@example.com", map[string]operator.Role{"acme": operator.Editor})
	link, _, err := w.people.Invite(t.Context(), "cli:root", other.ID, time.Hour, true)
	if err != nil {
		t.Fatal(err)
	}
	w.advance(time.Minute)
	form := url.Values{"username": {p.Username}, "password": {testWord}, "code": {p.code().Reveal()}}
	for target, body := range map[string]string{"/sign-in": form.Encode(), "/sign-in/link": url.Values{"key": {link.Reveal()}}.Encode()} {
		was := *p
		fresh := cookieOf(t, w.ask(http.MethodPost, target, body, p.signed))
		if _, err := w.people.Session(t.Context(), oauth.Secret(was.cookie)); err == nil {
			t.Errorf("after %s the session before still lasts", target)
		}
		p.cookie = fresh.Value
		if rec := p.get("/account"); rec.Code != http.StatusOK {
			t.Errorf("after %s the new one does not: %d", target, rec.Code)
		}
	}
	was := p.cookie
	if rec := w.ask(http.MethodPost, "/sign-in", "username=x&password=y&code=z", p.signed); len(rec.Result().Cookies()) != 0 {
		t.Error("a refused sign-in sets a cookie")
	}
	if _, err := w.people.Session(t.Context(), oauth.Secret(was)); err != nil {
		t.Errorf("a refused sign-in has ended the session: %v", err)
	}
}
