package console

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// signInPage asks who is there. Whatever was wrong, it says the same (CWE-204).
type signInPage struct {
	Next    string
	Out     bool   // just signed out
	Problem string // what was wrong
}

const (
	wrongProof = "That is not right. Check the user name, the password and the code; a code is good for half a minute and only once."
	tooOften   = "Too many attempts. Wait a moment and try again."
)

func signIn(v *visit) error {
	q := v.r.URL.Query()
	next := nextOf(q.Get("next"))
	if v.session != nil {
		return v.redirect(next, "")
	}
	v.probe()
	return v.render(http.StatusOK, "sign_in", "Sign in", signInPage{Next: next, Out: q.Has("out")})
}

func signInNow(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	page := signInPage{Next: nextOf(form.Get("next"))}
	if !v.keepsCookies() {
		v.probe()
		page.Problem = cookieLost
		return v.render(http.StatusUnprocessableEntity, "sign_in", "Sign in", page)
	}
	session, cookie, err := v.Operators.SignIn(v.r.Context(), form.Get("username"), oauth.Secret(form.Get("password")), oauth.Secret(form.Get("code")), v.from())
	if err != nil {
		status, text, err := v.unproven(err)
		if err != nil {
			return err
		}
		page.Problem = text
		return v.render(status, "sign_in", "Sign in", page)
	}
	v.signedIn(session, cookie)
	return v.redirect(page.Next, "")
}

// unproven says what a person reads whose proof was refused; any other error is returned.
func (v *visit) unproven(err error) (status int, text string, fault error) {
	if busy, ok := errors.AsType[*limit.TooMany](err); ok {
		v.w.Header().Set("Retry-After", strconv.Itoa(int(busy.RetryAfter.Seconds())+1))
		return http.StatusTooManyRequests, tooOften, nil
	}
	if errors.Is(err, operator.ErrSignIn) {
		return http.StatusUnprocessableEntity, wrongProof, nil
	}
	return 0, "", err
}

func signOut(v *visit) error {
	if err := v.Operators.SignOut(v.r.Context(), v.session); err != nil {
		return err
	}
	v.signedOut()
	return v.redirect("/sign-in?out", "")
}
