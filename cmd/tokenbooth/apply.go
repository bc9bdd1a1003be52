package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// errDrift says that what is registered is not what is declared; the exit status is then driftStatus.
var errDrift = errors.New("what is registered is not what is declared")

// driftStatus is the exit status of a check that found a difference: not 1, which says that something was wrong.
const driftStatus = 2

// applyFlags are what apply can be told.
type applyFlags struct {
	file, secrets string
	dry, check    bool
}

func applyCommand() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Bring about the tenants, clients and users that a file declares",
		Long: `Apply compares the clients and users of a tenant, or whole tenants with their APIs and permissions, with those that a
file declares, shows what there is to do, asks, and does it. Doing it twice changes nothing.

  tenant: demo                       # or --tenant
  clients:
    - id: warehouse                  # a client is matched by its id
      name: Data warehouse
      permissions: [nql]             # all words: the help of "client create", and docs/apply.md
      lifetime: 10m
  users:
    - username: ada@acme.example
      permissions: [me]
  prune: false                       # true: who is registered and not declared is disabled; nobody is ever deleted

Tenants are declared in a list, each in the form it has in the settings, with its clients and users:

  tenants:
    - name: acme
      hosts: [login.acme.example]
      issuer: https://login.acme.example
      dialects: [oauth2]
      apis: [{name: nql, upstream: "http://127.0.0.1:9000", dialect: oauth2, permissions: [{name: nql}]}]
      clients: [{id: warehouse, name: Data warehouse, permissions: [nql]}]

A tenant is declared whole: what its entry leaves out it does not have. It is written to a file of its own in the folder
that the settings name with tenant_files, which a running server takes up; a tenant of the settings file itself is never
changed. A tenant that is not declared is left alone, and none is ever removed: to remove one, remove its file.

Of clients and users a field that is not declared is left as it is. Who declares no clients prunes no clients, and the same goes for users.
No secret belongs into the file: whoever is new gets one, which is shown once at the end, or written to a file
of its own in the folder of --secrets.

Everything is checked before anything is written, here and at a server elsewhere (--server, for clients and users). When somebody else changes a
registration between the plan and its turn, apply stops and says what has been done until then.

The exit status is 0, or 1 when something is wrong, or 2 when --check found a difference.`,
		Example: `  tokenbooth apply -f acme.yaml --dry-run
  tokenbooth apply -f acme.yaml --yes --secrets /run/secrets
  tokenbooth apply -f acme.yaml --check || echo drifted`,
		Args: want(),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.file, "file", "f", "", "what is declared: a `FILE`, or - for standard input")
	flags.BoolVar(&f.dry, "dry-run", false, "show what there is to do, and do nothing")
	flags.BoolVar(&f.check, "check", false, "the same, with exit status 2 when there is anything to do")
	flags.StringVar(&f.secrets, "secrets", "", "write each new secret to a file of its own in `DIR`, instead of showing it")
	cmd.MarkFlagsMutuallyExclusive("dry-run", "check")
	return addJSON(addDeskFlags(addYes(cmd)))
}

// run reads the file before anything is opened, so that a faulty one leaves no trace.
func (f *applyFlags) run(cmd *cobra.Command) error {
	if f.file == "" {
		return errors.New("-f: name the file of declarations, or - for standard input")
	}
	d, err := readDeclarations(cmd, f.file)
	if err != nil {
		return err
	}
	alone := func(ctx context.Context, e *errand) error {
		w, err := f.plan(ctx, e, d, nil)
		if err != nil {
			return err
		}
		return f.apply(ctx, e, works{w})
	}
	if at := serverFlag(cmd); at != "" {
		if len(d.Tenants) > 0 {
			return d.page.fault("tenants", "tenants are declared on the machine of the token desk, where their files are: apply this file there, without --server")
		}
		if err := d.sameTenant(tenantFlag(cmd)); err != nil {
			return err
		}
		return elsewhere(cmd, at, orElse(tenantFlag(cmd), d.Tenant), alone)
	}
	s, err := settingsOf(cmd)
	if err != nil {
		return err
	}
	if len(d.Tenants) > 0 {
		return f.applyTenants(cmd, s, d)
	}
	t, err := d.pickTenant(s, tenantFlag(cmd))
	if err != nil {
		return err
	}
	return atTenant(cmd, s, t, alone)
}

// applyTenants is the way of a file that declares tenants: first they are looked at all together, then each with its registrations.
func (f *applyFlags) applyTenants(cmd *cobra.Command, s *settings, d *declared) error {
	if d.onlyTenants() && tenantFlag(cmd) != "" {
		return d.page.fault("tenants", "the file names its tenants itself: leave --tenant out")
	}
	y, err := planTenants(d, s)
	if err != nil {
		return err
	}
	var beside *registry.Tenant
	if !d.onlyTenants() {
		if beside, err = d.pickTenant(y.next, tenantFlag(cmd)); err != nil {
			return err
		}
	}
	return atDesk(cmd, s, func(ctx context.Context, desk *desk, at func(*registry.Tenant) *errand) error {
		if err := y.takeUp(ctx, desk); err != nil {
			return err
		}
		var all works
		for i, s := range y.steps {
			t, _ := desk.registry.Tenant(s.id)
			w, err := f.plan(ctx, at(t), d.of(i), s)
			if err != nil {
				return err
			}
			all = append(all, w)
		}
		if beside != nil {
			w, err := f.plan(ctx, at(beside), d, nil)
			if err != nil {
				return err
			}
			all = append(all, w)
		}
		return f.apply(ctx, all[0].errand, all)
	})
}

// plan finds out what there is to do at a tenant, and about the tenant itself where the file declares it.
func (f *applyFlags) plan(ctx context.Context, e *errand, d *declared, tenant *step) (*work, error) {
	is, err := d.registered(ctx, e)
	if err != nil {
		return nil, err
	}
	steps, err := d.plan(e.tenant, is, e.now)
	if err != nil {
		return nil, err
	}
	if tenant != nil {
		steps = slices.Insert(steps, 0, tenant)
	}
	return &work{errand: e, declared: d, steps: steps, dir: f.secrets, fates: make([]fate, len(steps))}, nil
}

// apply is the way from plans to what they are about.
func (f *applyFlags) apply(ctx context.Context, e *errand, all works) error {
	// 1. Could it be done?
	looking := f.dry || f.check
	for _, w := range all {
		if looking && !w.mayChange {
			w.note("who may only look is not told whether it could be done")
		} else if err := w.rehearse(ctx, w.declared, w.steps); err != nil {
			return err
		}
		if err := w.noFilesYet(); err != nil {
			return err
		}
	}

	// 2. It is shown, and that was all where there is nothing to do or to be done.
	idle := all.idle()
	if err := all.showPlan(e.printer, looking || idle); err != nil {
		return err
	}
	switch {
	case f.check && !idle:
		return fmt.Errorf("%w: %s", errDrift, all.brief())
	case f.dry || idle:
		return nil
	case e.json && !e.yes:
		return errors.New("--json: a program cannot be asked: say --yes, or --dry-run, or --check")
	}
	if err := e.confirm(ctx, all.count()); err != nil {
		return err
	}

	// 3. It is done, and shown as far as it went.
	return errors.Join(all.doAll(ctx), all.showDone(e.printer))
}
