package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// errand is one command at work for one tenant: on the same store as a running server, which has heard of every change before the command
// says a word of it, or at a server elsewhere.
type errand struct {
	*printer
	*asker
	acts
	cmd       *cobra.Command
	tenant    *registry.Tenant
	mayChange bool                 // what is registered; nobody who may not is told whether it could be done
	onPaper   func() (acts, error) // the same acts, by the same rules, of which nothing stays
	dialects  func() (map[string]*dialect.Dialect, error)
}

// forTenant makes the RunE of a command that works for the tenant of --tenant. The tenant is found before anything is opened, so a
// spelling error leaves no trace.
func forTenant(do func(context.Context, *errand, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if at := serverFlag(cmd); at != "" {
			return elsewhere(cmd, at, tenantFlag(cmd), func(ctx context.Context, e *errand) error { return do(ctx, e, args) })
		}
		s, err := settingsOf(cmd)
		if err != nil {
			return err
		}
		t, err := pickTenant(s, tenantFlag(cmd))
		if err != nil {
			return err
		}
		if t.Follow != nil {
			return fmt.Errorf("the tokens of tenant %s are issued elsewhere and %s only guards its APIs: ask with the settings of the token desk", t.Name, s.file)
		}
		return atTenant(cmd, s, t, func(ctx context.Context, e *errand) error { return do(ctx, e, args) })
	}
}

// atTenant opens what is kept and has a command do its work for one tenant.
func atTenant(cmd *cobra.Command, s *settings, t *registry.Tenant, do func(context.Context, *errand) error) error {
	return atDesk(cmd, s, func(ctx context.Context, _ *desk, at func(*registry.Tenant) *errand) error { return do(ctx, at(t)) })
}

// atDesk opens what is kept and has a command do its work for any tenants: at makes the errand to one.
func atDesk(cmd *cobra.Command, s *settings, do func(ctx context.Context, d *desk, at func(*registry.Tenant) *errand) error) error {
	d, settle, err := openKept(cmd, s)
	if err != nil {
		return err
	}
	o, err := openOffice(d, d.issuer(), nil)
	if err == nil {
		p, a := printerOf(cmd), askerOf(cmd)
		p.out = &afterwards{p.out, settle}
		err = explain(do(cmd.Context(), d, func(t *registry.Tenant) *errand {
			atTenant := o.office.At(commandLine(), t.Name)
			return &errand{printer: p, asker: a, acts: atTenant, cmd: cmd, tenant: t, mayChange: true,
				onPaper:  func() (acts, error) { return atTenant.Rehearsal() },
				dialects: func() (map[string]*dialect.Dialect, error) { return loadDialects(s) }}
		}))
	}
	settle()
	return errors.Join(err, d.close())
}

// commandLine is whom a command on this machine acts as: whoever can read the database and the key-encryption key owns the desk.
func commandLine() *operator.Actor {
	by := author()
	return &operator.Actor{By: by, Name: by, Roles: map[string]operator.Role{operator.All: operator.Owner}, Fresh: true}
}

// issuer decides about tokens, as the running server does.
func (d *desk) issuer() *issuer.Issuer {
	return issuer.New(issuer.Options{Store: d.store, Registry: d.registry, Keys: d.keys, Sealer: d.sealer, Feed: d.feed,
		Hashing: d.hashing, Now: d.now, ReplayWindow: d.settings.replayWindow()})
}

// openKept opens the desk where it can be shared with a server: not in the memory of one. settle returns when the servers on the same
// folder have heard of what was changed until then.
func openKept(cmd *cobra.Command, s *settings) (d *desk, settle func(), err error) {
	if s.Store == "memory" {
		return nil, nil, s.fault("store", "the registrations are in the memory of the running server and no other command can reach them; use store: sqlite")
	}
	w := &awaited{folder: s.serving(), ask: cmd.ErrOrStderr()}
	d, err = openDesk(cmd.Context(), s, opening{over: func(kept store.Store) store.Store { w.Store = kept; return w }})
	return d, w.settle, err
}

// pageOf is how many registrations are asked for at a time.
const pageOf = 200

// addTenantFlag gives a command and all below it --tenant.
func addTenantFlag(cmd *cobra.Command) *cobra.Command {
	cmd.PersistentFlags().StringP("tenant", "t", "", "`NAME` of the tenant (default: the only one there is; with --server it is needed)")
	completeFlag(cmd, "tenant", completeTenants)
	return cmd
}

// addDeskFlags gives a command and all below it --tenant, and --server: they work here or at a token desk elsewhere.
func addDeskFlags(cmd *cobra.Command) *cobra.Command {
	return addServerFlag(addTenantFlag(cmd))
}

// addServerFlag gives a command and all below it --server.
func addServerFlag(cmd *cobra.Command) *cobra.Command {
	cmd.PersistentFlags().String("server", "", "work at the token desk at `URL` (default $TOKENBOOTH_SERVER, or here), as the client in $TOKENBOOTH_CLIENT_ID, _CLIENT_SECRET and _CLIENT_TENANT, or with $TOKENBOOTH_TOKEN")
	return cmd
}

func tenantFlag(cmd *cobra.Command) string {
	if f := cmd.Flags().Lookup("tenant"); f != nil {
		return f.Value.String()
	}
	return ""
}

// pickTenant finds a tenant by name, or the only one where no name is given.
func pickTenant(s *settings, name string) (*registry.Tenant, error) {
	var names []string
	for i := range s.Tenants {
		if t := &s.Tenants[i]; t.Name == name || name == "" && len(s.Tenants) == 1 {
			return t, nil
		}
		names = append(names, s.Tenants[i].Name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no tenant yet: tokenbooth apply writes them to the folder %s", s.file, s.tenantFolder())
	}
	if name == "" {
		return nil, fmt.Errorf("%s has %d tenants: say which with --tenant NAME; there are %s", s.file, len(names), strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("%s has no tenant %q; there %s %s%s", s.file, name, are(len(names)), strings.Join(names, ", "), didYouMean(name, names))
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// group is a command that only holds others.
func group(use, short, long string, children ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: use, Short: short, Long: long, RunE: onlyGroup, ValidArgsFunction: cobra.NoFileCompletions}
	g.AddCommand(children...)
	return addJSON(g)
}

// addJSON gives a command and all below it --json.
func addJSON(cmd *cobra.Command) *cobra.Command {
	cmd.PersistentFlags().Bool("json", false, "answer in JSON, for programs")
	return cmd
}

// onlyGroup is the RunE of a command that only holds others: it says which.
func onlyGroup(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	return noCommand(cmd, args[0])
}

// want refuses a command line that does not have exactly the arguments that Use shows.
func want(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		if len(names) == 0 {
			return fmt.Errorf("%s takes no argument, but there is %q", cmd.CommandPath(), args[0])
		}
		usage := strings.Join(append([]string{cmd.CommandPath()}, names...), " ")
		if len(args) > len(names) {
			return fmt.Errorf("%q is one argument too many: %s", args[len(names)], usage)
		}
		return fmt.Errorf("%s is missing: %s", names[len(args)], usage)
	}
}

// valuesOf says in words what the flags of a type take. Other types say it themselves.
var valuesOf = map[string]string{"bool": "true or false", "int": "a whole number"}

// wrongFlag says what to do about a flag that does not exist or has a wrong value. One id in 64 starts with a dash.
func wrongFlag(cmd *cobra.Command, err error) error {
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		if f := wrong.GetFlag(); valuesOf[f.Value.Type()] != "" {
			err = fmt.Errorf("--%s: it takes %s, not %q", f.Name, valuesOf[f.Value.Type()], wrong.GetValue())
		}
	}
	if strings.HasPrefix(err.Error(), "unknown shorthand flag") {
		return fmt.Errorf("%w; an id that starts with a dash stands after --, as in: %s -- -ID; all flags: %[2]s --help", err, cmd.CommandPath())
	}
	return fmt.Errorf("%w; all flags: %s --help", err, cmd.CommandPath())
}

// note says something beside the answer, where it does not get into the way of programs.
func (e *errand) note(format string, args ...any) {
	fmt.Fprintln(e.cmd.ErrOrStderr(), "note: "+harmlessLines(fmt.Sprintf(format, args...)))
}

// exists reports whether there is a store already, so that looking something up for the shell does not make one.
func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
