package e2e

import (
	"strings"
	"testing"
	"time"
)

// in reports whether the session still opens a page.
func (v *visitor) in(t *testing.T) bool {
	t.Helper()
	a := v.ask(t, "GET", "/account", "")
	if a.status != 200 && (a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), "/sign-in")) {
		t.Fatalf("the account's page is answered %d %v", a.status, a.header)
	}
	return a.status == 200
}

// wantOver checks that a cookie is worth nothing, for good: also after a restart.
func (v *visitor) wantOver(t *testing.T, why string) {
	t.Helper()
	if v.in(t) {
		t.Errorf("%s, and the session goes on", why)
	}
}

func TestReq099_SessionsEndByTheClock(t *testing.T) {
	t.Parallel()
	b := startTable(t, "", nil)
	v := b.hire(t, "ada@example.com", "owner").proveOneself(t)
	b.later(t, 29*time.Minute)
	if !v.in(t) {
		t.Error("a session has ended within half an hour of its last use")
	}
	b.later(t, 30*time.Minute+time.Second)
	v.wantOver(t, "it was not used for half an hour")

	v.signIn(t)
	used := time.Duration(0)
	for ; used+25*time.Minute < 12*time.Hour; used += 25 * time.Minute {
		b.later(t, 25*time.Minute)
		if !v.in(t) {
			t.Fatalf("a session in use has ended after %v", used)
		}
	}
	b.later(t, 12*time.Hour-used)
	v.wantOver(t, "it is twelve hours old")
	b.kill(t)
	b.begin(t)
	v.wantOver(t, "it was over before the restart")
}

func TestReq099_SessionsEndWithTheirOperatorAndWhenSomebodyEndsThem(t *testing.T) {
	t.Parallel()
	b := startTable(t, "", nil)
	owner := b.hire(t, "ada@example.com", "owner").proveOneself(t)
	page := func(v *visitor) string { return "/operators/" + v.id }

	one := b.hire(t, "grace@example.com", "editor@acme").proveOneself(t)
	two := *one
	two.cookie = "" // another browser
	two.signIn(t)
	if !one.in(t) || !two.in(t) {
		t.Fatal("two sessions of one operator do not go together")
	}
	listed := two.ask(t, "GET", "/account", "").body
	if n := strings.Count(listed, `action="/account/sessions/`); n < 3 { // the first by link, the two by password, and "all others"
		t.Errorf("the account lists %d sessions", n)
	}
	two.post(t, "/account/sessions/end-others").wantStatus(t, 303)
	one.wantOver(t, "its operator has ended it elsewhere")
	two.post(t, "/sign-out").wantStatus(t, 303)
	two.wantOver(t, "its operator has signed out") // and the cookie was kept

	one.signIn(t)
	owner.submit(t, page(one), page(one)+"/sessions/end").wantStatus(t, 303)
	one.wantOver(t, "an owner has ended it")
	one.signIn(t)
	owner.submit(t, page(one), page(one), "name", "Grace", "role:acme", "viewer").wantStatus(t, 303)
	one.wantOver(t, "its operator has another role")
	one.signIn(t)
	owner.submit(t, page(one), page(one)+"/disable").wantStatus(t, 303)
	one.wantOver(t, "its operator is disabled")
	one.post(t, "/sign-in", "username", one.username, "password", one.password, "code", one.code(t)).wantStatus(t, 422)

	other := b.hire(t, "joan@example.com", "auditor")
	b.operate(t, "operator", "disable", other.username) // another process: the session reads its operator anew
	other.wantOver(t, "its operator is disabled at the command line")
	b.kill(t)
	b.begin(t)
	for _, v := range []*visitor{one, &two, other} {
		v.wantOver(t, "it was over before the kill")
	}
	if !owner.in(t) {
		t.Error("the owner's session did not outlive the restart")
	}
}

func TestReq098_APasswordAloneOpensNothing(t *testing.T) {
	t.Parallel()
	b := startTable(t, "", nil)
	v := b.hire(t, "ada@example.com", "owner").proveOneself(t)
	outside := *v
	outside.cookie = ""
	b.later(t, 31*time.Second)
	right := v.code(t)
	text := ""
	for name, typed := range map[string][2]string{"no code": {v.password, ""}, "a wrong code": {v.password, "000000"}, "a wrong password": {"seven other turnips", right},
		"a recovery code that is none": {v.password, "aaaa-bbbb-cccc-dddd-eeee-ffff"}} {
		a := outside.post(t, "/sign-in", "username", v.username, "password", typed[0], "code", typed[1])
		if a.status != 422 || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d, Set-Cookie %q", name, a.status, a.header.Get("Set-Cookie"))
		}
		said := between(a.body, `class="notice`, `</`)
		if text == "" {
			text = said
		}
		if said == "" || said != text {
			t.Errorf("%s is told apart: %q, not %q", name, said, text)
		}
	}
	outside.enter(t, outside.post(t, "/sign-in", "username", strings.ToUpper(v.username), "password", v.password, "code", right)) // Req 115
	outside.post(t, "/sign-in", "username", v.username, "password", v.password, "code", right).wantStatus(t, 422)                 // a code is good once

	bare := b.hire(t, "grace@example.com", "owner")
	bare.post(t, "/account/password", "password", v.password, "repeated", v.password, "code", "").wantStatus(t, 422) // a password without codes cannot be had
	outside.post(t, "/sign-in", "username", bare.username, "password", v.password, "code", "").wantStatus(t, 422)
}

func TestReq098_DangerousActsAskForASignInOfTheLastMinutes(t *testing.T) {
	t.Parallel()
	b := startTable(t, "", nil)
	key := keysOf(t, b).Keys[0].KeyID
	withdraw := "/t/acme/keys/" + key + "/withdraw"
	acts := map[string][]string{withdraw: {"typed", key}, "/t/acme/tokens/end-all": {"typed", "acme"}, "/t/acme/keys/rotate-unannounced": {"sure", "yes"},
		"/operators": {"username", "mallory@example.com", "role:*", "owner"}}
	refused := func(v *visitor, when string) {
		t.Helper()
		for path, typed := range acts {
			if a := v.post(t, path, typed...); !a.asksForAProof() {
				t.Errorf("%s, %s: %d to %q", when, path, a.status, a.header.Get("Location"))
			}
		}
	}
	v := b.hire(t, "ada@example.com", "owner")
	refused(v, "by a link")
	v.proveOneself(t)
	b.later(t, 15*time.Minute+time.Second)
	refused(v, "a quarter of an hour after signing in")
	if keys := keysOf(t, b).Keys; len(keys) < 2 || keys[0].KeyID != key || strings.Contains(b.operate(t, "operator", "list"), "mallory") {
		t.Fatal("something was done all the same")
	}
	old := *v
	v.enter(t, v.post(t, "/sign-in/again", "next", withdraw, "password", v.password, "code", v.code(t)))
	old.wantOver(t, "another took its place") // Req 49: the step up has a cookie of its own
	v.post(t, withdraw, "typed", key).wantStatus(t, 303).wantHeader(t, "Location", "/t/acme/keys")
	if left := keysOf(t, b); len(left.Key(key)) > 0 {
		t.Error("the key is still published")
	}
}

// asksForAProof reports whether an answer leads to signing in again: at once, or by a page that holds what was typed.
func (a answer) asksForAProof() bool {
	return a.status == 303 && strings.HasPrefix(a.header.Get("Location"), "/sign-in/again") ||
		a.status == 403 && strings.Contains(a.body, `href="/sign-in/again`)
}
