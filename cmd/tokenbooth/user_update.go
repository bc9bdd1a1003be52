package main

import (
	"context"
	"errors"
	"fmt"
	neturl "net/url"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

func userUpdateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "update USERNAME",
		Short: "Change a user; what no flag names stays as it is",
		Long: `Update changes what its flags name and nothing else. Permissions are replaced, not added to. What a user may do changes with the next
token; to end the present ones: tokenbooth token revoke --user USERNAME.`,
		Example:           "  tokenbooth user update jane.roe@example.com --permission me,bookings",
		Args:              want("USERNAME"),
		ValidArgsFunction: completeFirst(completeUsers),
	}
	fields := flagsOf(cmd, userFields)
	cmd.RunE = forUser(func(ctx context.Context, e *errand, u *registry.User) error {
		if !anyOwn(cmd) {
			return fmt.Errorf("nothing to change: say what, for example --name; all flags: %s --help", cmd.CommandPath())
		}
		u, err := e.UpdateUser(ctx, u.Username, "user.update", 0, func(u *registry.User) error { return fields.put(e, &u.UserSpec) })
		if err != nil {
			return err
		}
		return e.showUser(u)
	})
	return cmd
}

func userTOTPCommand() *cobra.Command {
	var off bool
	cmd := &cobra.Command{
		Use:   "totp USERNAME",
		Short: "Ask a user for one-time codes, or no longer",
		Long: `Totp gives a user a secret for an authenticator app, shown this once, and asks for a code of it at each sign-in from now on. An earlier
secret is worth nothing any more. With --off no code is asked for.`,
		Args:              want("USERNAME"),
		ValidArgsFunction: completeFirst(completeUsers),
		RunE: forUser(func(ctx context.Context, e *errand, u *registry.User) error {
			text, url, err := e.SetTOTP(ctx, u.Username, !off)
			if err != nil {
				return err
			}
			if off {
				return e.userDone(ctx, u, fmt.Sprintf("User %s signs in without one-time codes.", u.Username))
			}
			u.TOTP = []byte(url) // that there is one is all that is shown; nothing may come between the secret and whoever must have it
			v := enrolled{viewUser(u), text.Reveal(), url}
			return e.showTOTP(v, fmt.Sprintf("User %s is asked for one-time codes.", u.Username))
		}),
	}
	cmd.Flags().BoolVar(&off, "off", false, "ask for no code any more")
	return cmd
}

// showTOTP shows the secret of one-time codes, the one time it can be seen.
func (e *errand) showTOTP(v enrolled, said string) error {
	if e.json {
		return e.object(append(v.user, fact{"totp_secret", v.secret}, fact{"otpauth_url", v.url}))
	}
	return errors.Join(e.say("%s\n", said), e.sheet([]line{{"  One-time code secret", v.secret}, {"  For the app", v.url}}),
		e.say("\nThe secret is shown this once: what is kept of it is sealed."))
}

// totpSecret takes the secret out of the URL that authenticator apps read.
func totpSecret(url string) string {
	at, err := neturl.Parse(url)
	if err != nil {
		return ""
	}
	return at.Query().Get("secret")
}
