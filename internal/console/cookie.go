package console

import (
	"net/http"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Cookies of the console. The prefix makes browsers refuse them from other hosts, from plain HTTP and with a path (RFC 6265bis, section
// 4.1.3.2). Some refuse them from http://localhost too.
const (
	cookieName  = "__Host-tokenbooth"      // a session's
	probeCookie = "__Host-tokenbooth-kept" // says that this browser keeps such cookies, and nothing about anybody
	cookieLost  = "This browser did not keep the console's cookie, so it cannot stay signed in. Nothing was used up: try again. If you read this " +
		"once more, allow cookies for this address; on http://localhost, use Chrome, Edge or Firefox, or open the console by https."
)

// ownCookie is a cookie of the console, for as long as the browser is open.
func ownCookie(name, value string) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

// probe asks the browser to keep a cookie like a session's, before anything is spent on one that it would drop: a one-time link, a recovery
// code. The pages where people sign in call it.
func (v *visit) probe() {
	if !v.keepsCookies() {
		http.SetCookie(v.w, ownCookie(probeCookie, "yes"))
	}
}

// keepsCookies reports whether the browser has sent back a cookie of ours.
func (v *visit) keepsCookies() bool {
	for _, name := range []string{probeCookie, cookieName} {
		if _, err := v.r.Cookie(name); err == nil {
			return true
		}
	}
	return false
}

// signedIn gives the browser a session; the cookie text is kept by nobody else. The one it had before, if it lasts, would be left behind
// without anybody to sign it out, so it ends.
func (v *visit) signedIn(session *operator.Session, cookie oauth.Secret) {
	if old := v.session; old != nil {
		if err := v.Operators.SignOut(v.r.Context(), old); err != nil && v.outages.admit() {
			v.Log.Error("cannot end the session before", "request_id", v.id, "error", err)
		}
	}
	http.SetCookie(v.w, ownCookie(cookieName, cookie.Reveal()))
	v.recogniseAs(session)
}

// signedOut takes the cookie from the browser.
func (v *visit) signedOut() {
	gone := ownCookie(cookieName, "")
	gone.MaxAge = -1
	http.SetCookie(v.w, gone)
}
