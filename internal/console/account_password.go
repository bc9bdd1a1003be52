package console

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image/png"
	"net/http"
	"net/url"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// passwordPage sets a password together with the app that makes the codes: the one is worth nothing without the other.
type passwordPage struct {
	Has        bool         // there is a password already
	App        bool         // a new app is to be set up
	Secret     oauth.Secret // what the app is given; "" when the present one stays
	TOTPURL    string       // the same, as the app reads it
	QR         template.URL // a picture of that
	Password   string       // what is wrong with it
	Code       string       // what is wrong with it
	MinimumLen int
}

const minimumPassword = 8 // what package secret asks of a password that has a code beside it

func password(v *visit) error {
	if !v.session.MayChangeProofs(v.Now()) { // now, and not when the form is filled in
		return operator.ErrStale
	}
	o := v.session.Operator
	page := passwordPage{Has: len(o.Hash) > 0, MinimumLen: minimumPassword}
	page.App = len(o.TOTP) == 0 || v.session.Enrolling || v.r.URL.Query().Has("app")
	if page.App {
		_, text, err := v.Operators.NewTOTP(o)
		if err != nil {
			return err
		}
		if err := page.picture(text); err != nil {
			return err
		}
	}
	return v.render(http.StatusOK, "account_password", "Password and one-time codes", page)
}

func setPassword(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	page := passwordPage{Has: len(v.session.Operator.Hash) > 0, MinimumLen: minimumPassword}
	if text := form.Get("app"); text != "" {
		page.App = true
		if err := page.picture(text); err != nil {
			return err
		}
	}
	if form.Get("password") != form.Get("repeated") {
		page.Password = "The two do not match."
		return v.render(http.StatusUnprocessableEntity, "account_password", "Password and one-time codes", page)
	}
	codes, err := v.Operators.SetPassword(v.r.Context(), v.session, oauth.Secret(form.Get("password")), page.Secret, oauth.Secret(form.Get("code")))
	if err != nil {
		if !page.blame(err) {
			return err
		}
		return v.render(http.StatusUnprocessableEntity, "account_password", "Password and one-time codes", page)
	}
	if err := v.enrolled(); err != nil {
		return err
	}
	if len(codes) > 0 {
		return v.render(http.StatusOK, "recovery_codes", "Recovery codes", codesPage{codes})
	}
	return v.redirect("/account", "The password was set.")
}

// enrolled reads the session anew where setting up a proof has made a full one of it.
func (v *visit) enrolled() error {
	if !v.session.Enrolling {
		return nil
	}
	return v.recognise()
}

// blame puts a fault beside its field, and says whether it could.
func (p *passwordPage) blame(err error) bool {
	problem, ok := errors.AsType[*registry.Problem](err)
	switch {
	case ok && problem.Field == "code", errors.Is(err, operator.ErrSignIn):
		p.Code = "That is not the code the app shows now. A code is good for half a minute and only once; check the clock of the device."
	case ok:
		p.Password = problem.Text
	default:
		return false
	}
	return true
}

// picture draws what an app reads. The text comes from NewTOTP, or back from the form that had it.
func (p *passwordPage) picture(text string) error {
	at, err := url.Parse(text)
	if err != nil || at.Scheme != "otpauth" || len(text) > 500 {
		return fmt.Errorf("%w: not the address of a one-time code's key", errForm)
	}
	p.TOTPURL, p.Secret = text, oauth.Secret(at.Query().Get("secret"))
	p.QR, err = qrCode(text)
	return err
}

// qrCode draws a text as a picture inside the page: as a file it would have an address, and be kept.
func qrCode(text string) (template.URL, error) {
	code, err := qr.Encode(text, qr.L, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errForm, err)
	}
	side := code.Bounds().Dx() * 4 // whole points, so that its edges are sharp
	if code, err = barcode.Scale(code, side, side); err != nil {
		return "", fmt.Errorf("scale a QR code: %w", err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, code); err != nil {
		return "", fmt.Errorf("draw a QR code: %w", err)
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())), nil
}
