package console

import (
	"net/http"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// againPage asks for a proof once more, before something dangerous.
type againPage struct {
	Next     string
	Passkey  bool // they have one
	Password bool // they have one, with one-time codes
	Problem  string
}

func (v *visit) againPage(next string) againPage {
	o := v.session.Operator
	return againPage{Next: nextOf(next), Passkey: len(o.Passkeys) > 0, Password: len(o.Hash) > 0}
}

func again(v *visit) error {
	return v.render(http.StatusOK, "again", "Confirm that it is you", v.againPage(v.r.URL.Query().Get("next")))
}

func againNow(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	page := v.againPage(form.Get("next"))
	session, cookie, err := v.Operators.Again(v.r.Context(), v.session, oauth.Secret(form.Get("password")), oauth.Secret(form.Get("code")), v.from())
	if err != nil {
		status, text, err := v.unproven(err)
		if err != nil {
			return err
		}
		page.Problem = text
		return v.render(status, "again", "Confirm that it is you", page)
	}
	v.signedIn(session, cookie)
	return v.redirect(page.Next, "Confirmed. You can go on with what you were about to do.")
}
