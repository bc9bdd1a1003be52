package console

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/text"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// userNewPage is the form for a new user. A password that was typed is never sent back to the browser.
type userNewPage struct {
	Username, Name string
	Own            bool // the operator types the password; else one is made
	TOTP           bool
	Permitted      []boxGroup
	Problems       map[string]string
	List           string
	Off            bool
}

// userSecretsPage shows what cannot be shown again: a password that was made here, the secret of one-time codes.
type userSecretsPage struct {
	User     *registry.User
	Detail   string
	Headline string
	Password string       // empty: the operator typed it, and has it
	TOTPURL  string       // for an authenticator app; empty: no one-time codes
	TOTPText string       // its secret, for typing
	QR       template.URL // its picture; empty: none
}

func userNew(v *visit) error { return v.userNewPage(http.StatusOK, &userNewPage{}, nil) }

func (v *visit) userNewPage(status int, p *userNewPage, permissions []string) error {
	p.List, p.Off = v.path("users"), !v.tenant.AllowPasswordGrant
	p.Permitted = userPermissions(v.permissionBoxes(permissions, nil), nil)
	return v.render(status, "user_new", "New user", p)
}

func userCreate(v *visit) error {
	in, err := v.form()
	if err != nil {
		return err
	}
	permissions := once(in["permission"])
	p := &userNewPage{Username: text.Pasted(in.Get("username")), Name: strings.TrimSpace(in.Get("name")), Own: in.Get("password_from") == "own",
		TOTP: in.Get("totp") == "yes"}
	password := office.NewPassword()
	if p.Own {
		password = oauth.Secret(in.Get("password"))
	}
	u := registry.User{Username: p.Username, UserSpec: registry.UserSpec{Name: p.Name, Permissions: permissions}}
	made, otpauth, err := v.desk.CreateUser(v.r.Context(), u, password, p.TOTP)
	if problem, ok := errors.AsType[*registry.Problem](err); ok {
		p.Problems = map[string]string{fieldOf(problem): problem.Text}
		return v.userNewPage(http.StatusUnprocessableEntity, p, permissions)
	}
	if err != nil {
		return err
	}
	if p.Own && otpauth == "" {
		return v.redirect(v.path("users", made.Username), "The user is registered.")
	}
	shown := &userSecretsPage{User: made, Headline: "The user is registered", TOTPURL: otpauth, TOTPText: totpText(otpauth)}
	if !p.Own {
		shown.Password = password.Reveal()
	}
	return v.userSecrets(shown)
}

// userSecrets answers with secrets of a user that were just made.
func (v *visit) userSecrets(p *userSecretsPage) (err error) {
	if p.TOTPURL != "" {
		if p.QR, err = qrCode(p.TOTPURL); err != nil {
			return err
		}
	}
	p.Detail = v.path("users", p.User.Username)
	return v.render(http.StatusOK, "user_secrets", p.Headline, p)
}

// totpText takes the secret out of an otpauth URL, for apps that cannot read the URL.
func totpText(text string) string {
	at, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return at.Query().Get("secret")
}
