package console

import (
	"errors"
	"net/http"
	"slices"
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
	return userForm{Rev: u.Edition, Name: u.Name, MustReset: u.MustReset, Permissions: u.Permissions}
}

func userSave(v *visit) error {
	in, name, rev, err := v.act("username")
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
	p.Form.Rev = u.Edition // who has seen what the other wrote may save over it
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

// userAct does what a button on the user's page asks for, and says on that page what was done.
func (v *visit) userAct(done string, do func(username string, rev uint64) error) error {
	_, name, rev, err := v.act("username")
	if err != nil {
		return err
	}
	if err := do(name, rev); err != nil {
		return v.userAgain(err, "")
	}
	return v.redirect(v.path("users", name), done)
}

func userPassword(v *visit) error {
	in, name, _, err := v.act("username")
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
	in, name, _, err := v.act("username")
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
	return v.userAct("Disabled. The tokens of this user's sign-ins are refused from now on.", func(name string, rev uint64) error {
		_, err := v.desk.DisableUser(v.r.Context(), name, rev, true)
		return err
	})
}

func userEnable(v *visit) error {
	return v.userAct("Enabled. Tokens from before stay refused; the user signs in again.", func(name string, rev uint64) error {
		_, err := v.desk.DisableUser(v.r.Context(), name, rev, false)
		return err
	})
}

func userEndTokens(v *visit) error {
	return v.userAct("All tokens and refresh tokens of this user's sign-ins have ended. The user may sign in again.", func(name string, _ uint64) error {
		return v.desk.RevokeUserTokens(v.r.Context(), name)
	})
}

func userDelete(v *visit) error {
	in, name, rev, err := v.act("username")
	if err != nil {
		return err
	}
	if typed := strings.TrimSpace(in.Get("typed")); canonical(typed) != canonical(name) {
		if err := v.desk.May(operator.DeleteUsers); err != nil {
			return err
		}
		return v.userAgain(&registry.Problem{Field: "typed", Text: "That is not the user name. Nobody was deleted."}, typed)
	}
	if err := v.desk.DeleteUser(v.r.Context(), name, rev); err != nil {
		return v.userAgain(err, "")
	}
	return v.redirect(v.path("users"), name+" is deleted, and all tokens of the user's sign-ins are refused.")
}
