package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

func operatorCommand() *cobra.Command {
	return addServerFlag(group("operator", "Register the people who run the desk",
		`An operator is a person who signs in to the console. What an operator may do at a tenant is a role: owner, editor, viewer
or auditor. There is no first password: a one-time link lets a new operator in, who then sets up a passkey, or a password
with one-time codes.`,
		operatorCreateCommand(), operatorInviteCommand(), operatorListCommand(), operatorUpdateCommand(),
		operatorAbleCommand(false), operatorAbleCommand(true), operatorDeleteCommand(), operatorClearProofsCommand(), operatorSessionsCommand(),
		operatorEndSessionsCommand()))
}

// staffed is one command at work on the register of operators: here, or at a server elsewhere.
type staffed struct {
	*printer
	*asker
	staffActs
	settings *settings // nil: the work is done elsewhere
}

// forStaff makes the RunE of a command about operators, or about the desk itself.
func forStaff(do func(context.Context, *staffed, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		e := &staffed{printer: printerOf(cmd), asker: askerOf(cmd)}
		if at := serverFlag(cmd); at != "" {
			staff, err := staffElsewhere(at)
			if err != nil {
				return err
			}
			e.staffActs = staff
			return explainStaff(cmd, do(cmd.Context(), e, args))
		}
		s, err := settingsOf(cmd)
		if err != nil {
			return err
		}
		d, settle, err := openKept(cmd, s)
		if err != nil {
			return err
		}
		o, err := openOffice(d, d.issuer(), nil)
		if err == nil {
			e.staffActs, e.settings = o.office.Operators(commandLine()), s
			e.out = &afterwards{e.out, settle}
			err = do(cmd.Context(), e, args)
		}
		settle()
		return errors.Join(explainStaff(cmd, err), d.close())
	}
}

// flagOfStaff says by which flag a field of an operator, or of a link, is given.
var flagOfStaff = map[string]string{"name": "name", "roles": "role", "lifetime": "for"}

// explainStaff puts an error of those who decide about operators into the words of the command line.
func explainStaff(cmd *cobra.Command, err error) error {
	p, ok := errors.AsType[*registry.Problem](err)
	switch {
	case !ok:
		return err
	case p.Field == "username":
		return fmt.Errorf("the user name: %s", p.Text)
	case cmd.Flags().Lookup(flagOfStaff[p.Field]) != nil:
		return fmt.Errorf("--%s: %s", flagOfStaff[p.Field], p.Text)
	}
	return errors.New(p.Text) // nothing that was said is wrong: it cannot be done to this operator
}

func operatorListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the operators",
		Args:  want(),
		RunE: forStaff(func(ctx context.Context, e *staffed, _ []string) error {
			all, err := e.List(ctx)
			if err != nil {
				return err
			}
			views := []operatorView{}
			var rows [][]string
			for _, o := range all {
				v := viewOperator(o)
				views = append(views, v)
				rows = append(rows, []string{v.Username, v.Name, v.roles(), v.State, strings.Join(v.Proofs, " "), e.when(o.SignedIn, "never")})
			}
			if e.json {
				return e.object(views)
			}
			return e.table("There are no operators yet. Let the first one in with: tokenbooth operator create USERNAME --role owner",
				[]string{"USERNAME", "NAME", "ROLES", "STATE", "SIGNS IN BY", "LAST SIGN-IN"}, rows)
		}),
	}
}

func operatorCreateCommand() *cobra.Command {
	var name string
	var roles []string
	var life string
	cmd := &cobra.Command{
		Use:   "create USERNAME --role ROLE[@TENANT]",
		Short: "Register an operator and show a one-time link to sign in with",
		Example: `  tokenbooth operator create ada@example.com --name "Ada Lovelace" --role owner
  tokenbooth operator create ops@example.com --role editor@acme --role viewer@globex`,
		Args: want("USERNAME"),
		RunE: forStaff(func(ctx context.Context, e *staffed, args []string) error {
			if len(roles) == 0 {
				return errors.New("--role: say what the operator may do: owner, editor, viewer or auditor, for one tenant like editor@acme")
			}
			held, err := rolesOf(e.settings, roles)
			if err != nil {
				return err
			}
			lasts, err := linkLife(life)
			if err != nil {
				return err
			}
			o, err := e.Create(ctx, operator.Operator{Username: args[0], Name: name, Roles: held})
			if err != nil {
				return err
			}
			if err := e.invite(ctx, o, lasts, fmt.Sprintf("Operator %s is registered.", o.Username)); err != nil {
				return fmt.Errorf("operator %s is registered, but has no link: %w; make one with: tokenbooth operator invite %[1]s", o.Username, err)
			}
			return nil
		}),
	}
	cmd.Flags().StringVar(&name, "name", "", "the person's name")
	cmd.Flags().StringSliceVar(&roles, "role", nil, "`ROLE[@TENANT]`: owner, editor, viewer or auditor; without a tenant for all of them and the desk itself")
	completeFlag(cmd, "role", completeRoles)
	return addLife(cmd, &life)
}

func addLife(cmd *cobra.Command, life *string) *cobra.Command {
	cmd.Flags().StringVar(life, "for", "24h", "how `LONG` the link is good, a minute to a week")
	return cmd
}

// linkLife reads how long a link shall be good, before anybody is registered who would then have none.
func linkLife(text string) (time.Duration, error) {
	life, err := span("--for", text)
	if err != nil {
		return 0, err
	}
	return life, operator.CheckLink(life)
}

// invitedView is the one answer that has the link in it.
type invitedView struct {
	operatorView
	Link    string    `json:"sign_in_link"`
	Expires time.Time `json:"link_expires"`
}

func (e *staffed) invite(ctx context.Context, o *operator.Operator, life time.Duration, what string) error {
	url, expires, err := e.Invite(ctx, o.ID, life)
	if err != nil {
		return err
	}
	v := invitedView{viewOperator(o), url.Reveal(), expires.UTC()}
	if e.json {
		return e.object(v)
	}
	return e.say("%s\n\n  %s\n\nThe link is good once, until %s, and only the latest one is. Whoever opens it is %s.", what, v.Link, e.when(expires, ""), o.Username)
}

func operatorInviteCommand() *cobra.Command {
	var life string
	return addLife(staffCommand(&cobra.Command{
		Use:   "invite USERNAME",
		Short: "Show a new one-time link to sign in with, for who has lost every other way in",
		Args:  want("USERNAME"),
	}, func(ctx context.Context, e *staffed, o *operator.Operator) error {
		lasts, err := linkLife(life)
		if err != nil {
			return err
		}
		return e.invite(ctx, o, lasts, "Operator "+o.Username+" may sign in again.")
	}), &life)
}

// staffCommand is a command about one operator.
func staffCommand(cmd *cobra.Command, do func(context.Context, *staffed, *operator.Operator) error) *cobra.Command {
	cmd.ValidArgsFunction = completeFirst(completeOperators)
	cmd.RunE = forStaff(func(ctx context.Context, e *staffed, args []string) error {
		o, err := e.find(ctx, args[0])
		if err != nil {
			return err
		}
		return do(ctx, e, o)
	})
	return cmd
}

// find returns the operator of a name. Whoever misspells one is told which there are.
func (e *staffed) find(ctx context.Context, username string) (*operator.Operator, error) {
	all, err := e.List(ctx)
	if err != nil {
		return nil, err
	}
	canonical, _ := registry.CanonicalName(username)
	var names []string
	for _, o := range all {
		if o.Username == canonical {
			return o, nil
		}
		names = append(names, o.Username)
	}
	return nil, fmt.Errorf("there is no operator %q%s", username, didYouMean(username, names))
}

func operatorUpdateCommand() *cobra.Command {
	var name string
	var roles []string
	cmd := &cobra.Command{
		Use:   "update USERNAME",
		Short: "Change an operator's name or roles; a change of roles ends the sessions",
		Args:  want("USERNAME"),
	}
	cmd.Flags().StringVar(&name, "name", "", "the person's name")
	cmd.Flags().StringSliceVar(&roles, "role", nil, "`ROLE[@TENANT]`, in the place of all there were: owner, editor, viewer or auditor")
	completeFlag(cmd, "role", completeRoles)
	return staffCommand(cmd, func(ctx context.Context, e *staffed, o *operator.Operator) error {
		held, err := rolesOf(e.settings, roles)
		if err != nil {
			return err
		}
		if !cmd.Flags().Changed("name") && len(held) == 0 {
			return errors.New("say what shall change: --name or --role")
		}
		o, err = e.Update(ctx, "operator.update", o.ID, o.Edition, func(o *operator.Operator) error {
			if cmd.Flags().Changed("name") {
				o.Name = name
			}
			if len(held) > 0 {
				o.Roles = held
			}
			return nil
		})
		if err != nil {
			return err
		}
		return e.done(o, "Operator %s is changed.")
	})
}

// done says what has become of an operator; a program gets the operator.
func (e *staffed) done(o *operator.Operator, format string) error {
	if e.json {
		return e.object(viewOperator(o))
	}
	return e.say(format, o.Username)
}

// operatorAbleCommand is enable, or disable.
func operatorAbleCommand(disable bool) *cobra.Command {
	cmd := &cobra.Command{Use: "enable USERNAME", Short: "Let a disabled operator sign in again", Args: want("USERNAME")}
	act, said := "operator.enable", "Operator %s is enabled."
	if disable {
		cmd.Use, cmd.Short = "disable USERNAME", "End an operator's sessions and let nobody in by that name"
		act, said = "operator.disable", "Operator %s is disabled, and every session is over."
	}
	return staffCommand(cmd, func(ctx context.Context, e *staffed, o *operator.Operator) error {
		o, err := e.Update(ctx, act, o.ID, 0, func(o *operator.Operator) error { o.Disabled = disable; return nil })
		if err != nil {
			return err
		}
		return e.done(o, said)
	})
}

func operatorDeleteCommand() *cobra.Command {
	return addYes(staffCommand(&cobra.Command{
		Use:   "delete USERNAME",
		Short: "End an operator for good",
		Args:  want("USERNAME"),
	}, func(ctx context.Context, e *staffed, o *operator.Operator) error {
		if err := e.confirm(ctx, fmt.Sprintf("Operator %s will be gone for good.", o.Username)); err != nil {
			return err
		}
		if err := e.Delete(ctx, o.ID, o.Edition); err != nil {
			return err
		}
		o.Deleted = true
		return e.done(o, "Operator %s is deleted.")
	}))
}
