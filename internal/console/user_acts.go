package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// userForm is what somebody typed about a user. Only what stands here can be written by the form.
type userForm struct {
	Rev         uint64
	Name        string
	MustReset   bool
	Permissions []string
}

func formOfUser(u *registry.User) userForm {
	return userForm{Rev: u.Rev, Name: u.Name, MustReset: u.MustReset, Permissions: u.Permissions}
}

func userSave(v *visit) error {
	in, name, rev, err := v.userAct()
	if err != nil {
		return err
	}
	f := userForm{Rev: rev, Name: strings.TrimSpace(in.Get("name")), MustReset: in.Get("must_reset") == "yes", Permissions: once(in["permission"])}
	_, err = v.desk.UpdateUser(v.r.Context(), name, "user.update", rev, func(u *registry.User) error {
		u.Name, u.MustReset, u.Permissions = f.Name, f.MustReset, f.Permissions
		return nil
	})
	if err == nil {
		return v.redirect(v.path("users", name), "Saved.")
	}
	problem, hasProblem := errors.AsType[*registry.Problem](err)
	changed, lost := errors.AsType[*office.Changed](err)
	if !hasProblem && !lost {
		return err
	}
	u, failed := v.desk.User(v.r.Context(), name)
	if failed != nil {
		return failed
	}
	p := &userPage{User: u, Form: f}
	if hasProblem {
		p.Problems = map[string]string{fieldOf(problem): problem.Text}
		return v.userPage(http.StatusUnprocessableEntity, p)
	}
	p.Changed, p.By, p.ByYou, p.Beside = changed, v.nameOf(changed.By), changed.By == v.actor.By, f.compare(u)
	p.Form.Rev = u.Rev // who has seen what the other wrote may save over it
	return v.userPage(http.StatusConflict, p)
}

// compare lays what was typed beside what is kept, where the two differ.
func (f *userForm) compare(u *registry.User) (out []beside) {
	list := func(words []string) string { return strings.Join(slices.Sorted(slices.Values(words)), ", ") }
	word := map[bool]string{true: "due", false: "not due"}
	for _, b := range []beside{{"Name", f.Name, u.Name}, {"Permissions", list(f.Permissions), list(u.Permissions)}, {"New password", word[f.MustReset], word[u.MustReset]}} {
		if b.Yours != b.Theirs {
			out = append(out, b)
		}
	}
	return out
}

// userAct reads the form of a button on a user's page: the user's name, and the revision its author has seen.
func (v *visit) userAct() (in url.Values, username string, rev uint64, err error) {
	if in, err = v.form(); err != nil {
		return nil, "", 0, err
	}
	rev, _ = strconv.ParseUint(in.Get("rev"), 10, 64)
	if rev == 0 { // each of our forms has one
		return nil, "", 0, errForm
	}
	return in, v.r.PathValue("username"), rev, nil
}

func userPassword(v *visit) error {
	in, name, _, err := v.userAct()
	if err != nil {
		return err
	}
	password, own := office.NewPassword(), in.Get("password_from") == "own"
	if own {
		password = oauth.Secret(in.Get("password"))
	}
	if err := v.desk.SetPassword(v.r.Context(), name, password); err != nil {
		return v.userAgain(err, "")
	}
	if own {
		return v.redirect(v.path("users", name), "The password is set. What the old one bought has ended.")
	}
	u, err := v.desk.User(v.r.Context(), name)
	if err != nil {
		return err
	}
	return v.userSecrets(&userSecretsPage{User: u, Headline: "A new password", Password: password.Reveal()})
}

func userTOTP(v *visit) error {
	in, name, _, err := v.userAct()
	if err != nil {
		return err
	}
	on := in.Get("on") == "yes"
	text, otpauth, err := v.desk.SetTOTP(v.r.Context(), name, on)
	if err != nil {
		return v.userAgain(err, "")
	}
	if !on {
		return v.redirect(v.path("users", name), "One-time codes are off: the password alone signs in.")
	}
	u, err := v.desk.User(v.r.Context(), name)
	if err != nil {
		return err
	}
	return v.userSecrets(&userSecretsPage{User: u, Headline: "One-time codes are on", TOTPURL: otpauth, TOTPText: text.Reveal()})
}

func userDisable(v *visit) error {
	return v.userAble(true, "Disabled. The tokens of this user's sign-ins are refused from now on.")
}

func userEnable(v *visit) error {
	return v.userAble(false, "Enabled. Tokens from before stay refused; the user signs in again.")
}

func (v *visit) userAble(disabled bool, done string) error {
	_, name, rev, err := v.userAct()
	if err != nil {
		return err
	}
	if _, err := v.desk.DisableUser(v.r.Context(), name, rev, disabled); err != nil {
		return v.userAgain(err, "")
	}
	return v.redirect(v.path("users", name), done)
}

func userEndTokens(v *visit) error {
	_, name, _, err := v.userAct()
	if err != nil {
		return err
	}
	if err := v.desk.RevokeUserTokens(v.r.Context(), name); err != nil {
		return v.userAgain(err, "")
	}
	return v.redirect(v.path("users", name), "All tokens and refresh tokens of this user's sign-ins have ended. The user may sign in again.")
}

func userDelete(v *visit) error {
	in, name, rev, err := v.userAct()
	if err != nil {
		return err
	}
	if typed := strings.TrimSpace(in.Get("typed")); canonical(typed) != canonical(name) {
		if err := v.actor.May(operator.DeleteUsers, v.tenant.Name); err != nil {
			return err
		}
		return v.userAgain(&registry.Problem{Field: "typed", Text: "That is not the user name. Nobody was deleted."}, typed)
	}
	if err := v.desk.DeleteUser(v.r.Context(), name, rev); err != nil {
		return v.userAgain(err, "")
	}
	return v.redirect(v.path("users"), name+" is deleted, and all tokens of the user's sign-ins are refused.")
}
