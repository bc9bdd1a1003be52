package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// userFlags are what user create can say.
type userFlags struct {
	fields      *fieldFlags[registry.UserSpec]
	piped, totp bool
}

func userCreateCommand() *cobra.Command {
	var f userFlags
	cmd := &cobra.Command{
		Use:   "create USERNAME --permission PERMISSION",
		Short: "Register a user",
		Long: `Create registers a user. The password is asked for twice at the terminal, or read from standard input. With --totp a
one-time code is due at each sign-in; the secret for the authenticator app is shown this once.`,
		Example: `  tokenbooth user create jane.roe@example.com --name "Jane Roe" -p me --totp
  pass show jane | tokenbooth user create jane.roe@example.com -p me --password-stdin`,
		Args: want("USERNAME"),
		RunE: forTenant(func(ctx context.Context, e *errand, args []string) error { return f.create(ctx, e, args[0]) }),
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.piped, "password-stdin", false, "read the password from the first line of standard input")
	flags.BoolVar(&f.totp, "totp", false, "ask for a one-time code too, and show the secret it is made of, once")
	f.fields = flagsOf(cmd, userFields)
	return cmd
}

// userFields are the fields of a user as of a moment, which is all one to them.
func userFields(time.Time) []registry.Field[registry.UserSpec] { return registry.UserFields() }

// enrolled is a user with the secret of one-time codes, which is in no other answer.
type enrolled struct {
	user        facts
	secret, url string
}

func (f *userFlags) create(ctx context.Context, e *errand, username string) error {
	canonical, ok := registry.CanonicalName(username)
	if !ok {
		return fmt.Errorf("the user name: %q has spaces or control characters, or is not 1 to 254 bytes; an e-mail address serves best", username)
	}
	if _, err := e.User(ctx, canonical); err == nil {
		return fmt.Errorf("the user name: tenant %s has a user %s already", e.tenant.Name, canonical) // before a password is asked for
	}
	if err := needPermissions(e); err != nil {
		return err
	}
	u := registry.User{Tenant: e.tenant.Name, Username: canonical}
	if err := f.fields.put(e, &u.UserSpec); err != nil {
		return err
	}
	password, err := e.newPassword(ctx, canonical, f.piped)
	if err != nil {
		return err
	}
	made, url, err := e.CreateUser(ctx, u, password, f.totp)
	if err != nil {
		return err
	}
	if !e.tenant.AllowPasswordGrant {
		e.note("tenant %s does not allow the password grant: nobody can sign in before its settings say allow_password_grant: true", e.tenant.Name)
	}
	said := fmt.Sprintf("User %s of tenant %s is registered.", made.Username, made.Tenant)
	switch {
	case f.totp:
		return e.showTOTP(enrolled{viewUser(made), totpSecret(url), url}, said)
	case e.json:
		return e.object(viewUser(made))
	}
	return e.say("%s", said)
}

// newPassword asks for a password twice, or reads it from standard input where a flag says so.
func (e *errand) newPassword(ctx context.Context, username string, piped bool) (oauth.Secret, error) {
	switch {
	case piped:
		return e.piped("password")
	case e.terminal >= 0:
		return e.password(ctx, "user "+username)
	}
	return "", errors.New("there is no terminal to ask for the password: give it on standard input with --password-stdin")
}
