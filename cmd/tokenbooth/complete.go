package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// mostCompleted is how many names a shell is offered.
const mostCompleted = 500

// completer finds what a shell may complete a word to: words, or words with a tab and a description.
type completer = func(cmd *cobra.Command, s *settings) []string

// completers are the fields whose flags a shell can complete; the others are text that nobody can guess.
var completers = map[string]completer{"permissions": completePermissions, "grants": completeGrants, "auth_methods": completeAuthMethods,
	"dialects": completeSpoken, "token_form": completeTokenForms, "resource_servers": completeAPIs}

// completerOf says how the flag of a field is completed.
func completerOf(field string) completer {
	if known := completers[field]; known != nil {
		return known
	}
	return func(*cobra.Command, *settings) []string { return nil }
}

// completeFlag offers names for a flag. Settings with a fault offer nothing: a shell is no place for messages.
func completeFlag(cmd *cobra.Command, flag string, names completer) {
	complete := func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return offered(cmd, names), cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // a flag that the command does not have: a fault of the program
	}
}

// completeFirst offers names for the first argument.
func completeFirst(names completer) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return offered(cmd, names), cobra.ShellCompDirectiveNoFileComp
	}
}

// offered finds names in the settings and the store of this machine. For a command that works elsewhere they would be the wrong ones.
func offered(cmd *cobra.Command, names completer) []string {
	s, err := settingsOf(cmd)
	if err != nil || serverFlag(cmd) != "" {
		s = nil
	}
	return names(cmd, s)
}

func completeTenants(_ *cobra.Command, s *settings) []string {
	if s == nil {
		return nil
	}
	var names []string
	for i := range s.Tenants {
		names = append(names, described(s.Tenants[i].Name, s.Tenants[i].Title))
	}
	return names
}

func completePermissions(cmd *cobra.Command, s *settings) []string {
	t := completedTenant(cmd, s)
	if t == nil {
		return nil
	}
	names := []string{described(everyPermission, "every one of them"), described("none", "nothing at all")}
	for _, a := range t.DeclaredAPIs() {
		for _, p := range a.Permissions {
			names = append(names, described(p.Name, p.Label))
		}
	}
	return names
}

func completeAPIs(cmd *cobra.Command, s *settings) (names []string) {
	if t := completedTenant(cmd, s); t != nil {
		for _, a := range t.DeclaredAPIs() {
			names = append(names, described(a.Name, a.Title))
		}
	}
	return names
}

// completeDialects offers the dialects there are, and completeSpoken those that the tenant speaks.
func completeDialects(_ *cobra.Command, s *settings) []string {
	if s == nil {
		s = &settings{}
	}
	all, err := loadDialects(s)
	if err != nil {
		return nil
	}
	return dialectNames(all)
}

func completeSpoken(cmd *cobra.Command, s *settings) []string {
	if t := completedTenant(cmd, s); t != nil {
		return t.Spoken()
	}
	return nil
}

func completeGrants(*cobra.Command, *settings) []string {
	return []string{string(oauth.ClientCredentials), string(oauth.Password), string(oauth.RefreshToken)}
}

func completeAuthMethods(*cobra.Command, *settings) []string {
	return []string{string(oauth.AuthBasic), string(oauth.AuthPost), "any"}
}

func completeTokenForms(*cobra.Command, *settings) []string {
	return []string{string(oauth.JWT), string(oauth.Opaque), string(oauth.UUID), defaultWord}
}

func completeClients(cmd *cobra.Command, s *settings) (names []string) {
	completedDesk(cmd, s, func(ctx context.Context, d *desk, tenant string) {
		if page, _, err := d.registry.Clients(ctx, tenant, "", mostCompleted); err == nil {
			for _, c := range page {
				names = append(names, described(c.ID, c.Name))
			}
		}
	})
	return names
}

func completeUsers(cmd *cobra.Command, s *settings) (names []string) {
	completedDesk(cmd, s, func(ctx context.Context, d *desk, tenant string) {
		if page, _, err := d.registry.Users(ctx, tenant, "", mostCompleted); err == nil {
			for _, u := range page {
				names = append(names, described(u.Username, u.Name))
			}
		}
	})
	return names
}

func completedTenant(cmd *cobra.Command, s *settings) *registry.Tenant {
	if s == nil {
		return nil
	}
	t, err := pickTenant(s, tenantFlag(cmd))
	if err != nil {
		return nil
	}
	return t
}

func completeOperators(cmd *cobra.Command, s *settings) (names []string) {
	completedStore(cmd, s, func(ctx context.Context, d *desk) {
		o, err := openOffice(d, d.issuer(), nil)
		if err != nil {
			return
		}
		if all, err := o.operators.List(ctx); err == nil {
			for _, op := range all {
				names = append(names, described(op.Username, op.Name))
			}
		}
	})
	return names
}

func completeRoles(_ *cobra.Command, s *settings) (names []string) {
	for _, role := range operator.Roles() {
		names = append(names, described(string(role), "everywhere"))
		for i := 0; s != nil && i < len(s.Tenants); i++ {
			names = append(names, described(string(role)+"@"+s.Tenants[i].Name, s.Tenants[i].Title))
		}
	}
	return names
}

// completedDesk looks something up of the tenant that a command works for.
func completedDesk(cmd *cobra.Command, s *settings, look func(context.Context, *desk, string)) {
	if t := completedTenant(cmd, s); t != nil {
		completedStore(cmd, s, func(ctx context.Context, d *desk) { look(ctx, d, t.Name) })
	}
}

// completedStore looks something up in a store that is there. It never makes one.
func completedStore(cmd *cobra.Command, s *settings, look func(context.Context, *desk)) {
	if s == nil || s.Store == "memory" || !exists(s.database()) {
		return
	}
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	d, err := openDesk(ctx, s, opening{})
	if err != nil {
		return
	}
	look(ctx, d)
	_ = d.close() // nothing was written
}

// described is how cobra wants a word and its description.
func described(word, about string) string {
	if about == "" {
		return harmless(word)
	}
	return harmless(word) + "\t" + harmless(about)
}
