package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// signInLinkPage lets a one-time link in by a button: a GET must not spend it, since mail programs and chats look at links before people do.
type signInLinkPage struct {
	Key     string
	Problem string
}

// SignInLink returns the address of a one-time link, for a console at that URL. It is a secret as much as the link is.
func SignInLink(at string, link oauth.Secret) string {
	return strings.TrimSuffix(at, "/") + "/sign-in/link?key=" + url.QueryEscape(link.Reveal())
}

func signInLink(v *visit) error {
	v.probe()
	return v.render(http.StatusOK, "sign_in_link", "Sign in", signInLinkPage{Key: v.r.URL.Query().Get("key")})
}

func signInByLink(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if !v.keepsCookies() {
		v.probe()
		return v.render(http.StatusUnprocessableEntity, "sign_in_link", "Sign in", signInLinkPage{Key: form.Get("key"), Problem: cookieLost})
	}
	session, cookie, err := v.Operators.SignInByLink(v.r.Context(), oauth.Secret(form.Get("key")), v.from())
	if errors.Is(err, operator.ErrSignIn) {
		return v.render(http.StatusUnprocessableEntity, "sign_in_link", "Sign in", signInLinkPage{
			Problem: "This link is not good any more: it was used, has expired, or a newer one was made. Ask for another."})
	}
	if err != nil {
		status, text, err := v.unproven(err)
		if err != nil {
			return err
		}
		return v.render(status, "sign_in_link", "Sign in", signInLinkPage{Key: form.Get("key"), Problem: text})
	}
	v.signedIn(session, cookie)
	if session.Enrolling {
		return v.redirect("/account", "")
	}
	if proofs(session.Operator) == 0 {
		return v.redirect("/account", "You are signed in. This link is used up now: set up a passkey or a password with one-time codes before you leave.")
	}
	return v.redirect("/", "")
}

// proofs counts the ways in which an operator can sign in without a link.
func proofs(o *operator.Operator) int {
	n := len(o.Passkeys)
	if len(o.Hash) > 0 && len(o.TOTP) > 0 {
		n++
	}
	return n
}
