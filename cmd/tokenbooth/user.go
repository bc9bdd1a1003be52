package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

func userCommand() *cobra.Command {
	return addDeskFlags(group("user", "Register the people whose password buys a token",
		`A user is a person whose password buys a token, for callers that know no other way (RFC 9700, section 2.4 advises
against it): a tenant has to allow the password grant, and so has each client.`,
		userCreateCommand(), userImportCommand(), userListCommand(), userShowCommand(), userUpdateCommand(), userAbleCommand(false), userAbleCommand(true),
		userPasswordCommand(), userTOTPCommand(), userDeleteCommand()))
}

// viewUser is what may be seen of a user. These names are a promise to programs.
func viewUser(u *registry.User) facts {
	seen := facts{{"tenant", u.Tenant}, {"username", u.Username}, {"user_id", u.ID}, {"state", u.State()}}
	return append(append(seen, factsOf(registry.UserFields(), &u.UserSpec)...), fact{"totp", len(u.TOTP) > 0},
		fact{"created", u.Created.UTC()}, fact{"created_by", u.CreatedBy}, fact{"updated", u.Updated.UTC()}, fact{"updated_by", u.UpdatedBy})
}

func userListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the users of a tenant",
		Args:  want(),
		RunE: forTenant(func(ctx context.Context, e *errand, _ []string) error {
			views := []facts{}
			var rows [][]string
			for after, more := "", true; more; more = after != "" {
				page, next, err := e.FindUsers(ctx, "", after, 0)
				if err != nil {
					return err
				}
				after = next
				for _, u := range page {
					views = append(views, viewUser(u))
					rows = append(rows, []string{u.Username, u.Name, u.ID, strings.Join(u.Permissions, " "), yesNo(len(u.TOTP) > 0), u.State(),
						e.when(u.Created, "")})
				}
			}
			if e.json {
				return e.object(views)
			}
			return e.table("There are no users yet. Register one with: tokenbooth user create NAME --permission all",
				[]string{"USERNAME", "NAME", "USER ID", "PERMISSIONS", "TOTP", "STATE", "CREATED"}, rows)
		}),
	}
}

func userShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show USERNAME",
		Short:             "Show one user",
		Args:              want("USERNAME"),
		ValidArgsFunction: completeFirst(completeUsers),
		RunE: forUser(func(ctx context.Context, e *errand, u *registry.User) error {
			return e.showUser(u)
		}),
	}
}

func (e *errand) showUser(u *registry.User) error {
	if e.json {
		return e.object(viewUser(u))
	}
	lines := []line{{"Username", u.Username}, {"User ID", u.ID}, {"Tenant", u.Tenant}, {"State", u.State()}}
	for _, f := range registry.UserFields() {
		if f.Flag != "" {
			lines = append(lines, line{f.Label, textOf(&f, &u.UserSpec)})
		}
	}
	return e.sheet(append(lines, line{"One-time codes", yesNo(len(u.TOTP) > 0)},
		line{"Created", e.when(u.Created, "") + " by " + u.CreatedBy}, line{"Updated", e.when(u.Updated, "") + " by " + u.UpdatedBy}))
}

// userAbleCommand is enable, or disable.
func userAbleCommand(disable bool) *cobra.Command {
	cmd := &cobra.Command{Use: "enable USERNAME", Short: "Let a disabled user sign in again; old tokens stay dead"}
	if disable {
		cmd.Use, cmd.Short = "disable USERNAME", "Stop a user and its tokens until it is enabled again"
	}
	cmd.Args, cmd.ValidArgsFunction = want("USERNAME"), completeFirst(completeUsers)
	cmd.RunE = forUser(func(ctx context.Context, e *errand, u *registry.User) error {
		if _, err := e.DisableUser(ctx, u.Username, 0, disable); err != nil {
			return err
		}
		said := "User %s is enabled."
		if disable {
			said = "User %s is disabled: no password buys a token, and the tokens there are are worth nothing."
		}
		return e.userDone(ctx, u, fmt.Sprintf(said, u.Username))
	})
	return cmd
}

func userPasswordCommand() *cobra.Command {
	var piped bool
	cmd := &cobra.Command{
		Use:   "password USERNAME",
		Short: "Give a user a new password",
		Long: `Password gives a user a new password, asked for twice at the terminal or read from standard input. It ends the tokens
and refresh tokens that the old one bought.`,
		Args:              want("USERNAME"),
		ValidArgsFunction: completeFirst(completeUsers),
		RunE: forUser(func(ctx context.Context, e *errand, u *registry.User) error {
			password, err := e.newPassword(ctx, u.Username, piped)
			if err != nil {
				return err
			}
			if err := e.SetPassword(ctx, u.Username, password); err != nil {
				return err
			}
			return e.userDone(ctx, u, fmt.Sprintf("User %s has a new password; what the old one bought is worth nothing.", u.Username))
		}),
	}
	cmd.Flags().BoolVar(&piped, "password-stdin", false, "read the password from the first line of standard input")
	return cmd
}

func userDeleteCommand() *cobra.Command {
	return addYes(&cobra.Command{
		Use:               "delete USERNAME",
		Short:             "End a user for good",
		Long:              "Delete ends a user and its tokens for good. The name may be registered again and is then somebody else: it gets another id.",
		Args:              want("USERNAME"),
		ValidArgsFunction: completeFirst(completeUsers),
		RunE: forUser(func(ctx context.Context, e *errand, u *registry.User) error {
			if err := e.confirm(ctx, fmt.Sprintf("User %s of tenant %s will be gone for good.", u.Username, e.tenant.Name)); err != nil {
				return err
			}
			if err := e.DeleteUser(ctx, u.Username, 0); err != nil {
				return err
			}
			if e.json {
				gone := *u
				gone.Deleted = true
				return e.object(viewUser(&gone))
			}
			return e.say("User %s is deleted.", u.Username)
		}),
	})
}

// userDone says what has been done to a user; a program gets the user.
func (e *errand) userDone(ctx context.Context, u *registry.User, said string) error {
	if !e.json {
		return e.say("%s", said)
	}
	u, err := e.User(ctx, u.Username)
	if err != nil {
		return err
	}
	return e.object(viewUser(u))
}

// forUser makes the RunE of a command about one user, whom its argument names.
func forUser(do func(context.Context, *errand, *registry.User) error) func(*cobra.Command, []string) error {
	return forTenant(func(ctx context.Context, e *errand, args []string) error {
		u, err := e.findUser(ctx, args[0])
		if err != nil {
			return err
		}
		return do(ctx, e, u)
	})
}

// findUser returns a user by name. Whoever misspells it is told which was meant.
func (e *errand) findUser(ctx context.Context, username string) (*registry.User, error) {
	u, err := e.User(ctx, username)
	if !errors.Is(err, registry.ErrNotFound) {
		return u, err
	}
	page, _, err := e.FindUsers(ctx, "", "", mostCompleted)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, u := range page {
		names = append(names, u.Username)
	}
	hint := didYouMean(username, names)
	if hint == "" {
		hint = "; list them with: tokenbooth user list -t " + e.tenant.Name
	}
	return nil, fmt.Errorf("tenant %s has no user %q%s", e.tenant.Name, username, hint)
}
