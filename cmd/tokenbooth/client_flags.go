package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Words that stand for a whole list, or for none.
const (
	everyPermission = "all"
	noPermission    = "none"
	anyWord         = "any"
	defaultForm     = "default"
)

// clientFlags are what create, import and update can say about a client.
type clientFlags struct {
	name, description, tokenForm, lifetime, expires       string
	permissions, grants, authMethods, dialects, allowFrom []string
	resourceServers                                       []string
	bodyless, noBodyless                                  bool
}

// addTo gives a command the flags.
func (f *clientFlags) addTo(cmd *cobra.Command) *cobra.Command {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "what people call it; the calling application's name serves best")
	flags.StringVar(&f.description, "description", "", "what it is for, and who looks after it")
	flags.StringSliceVarP(&f.permissions, "permission", "p", nil, "`NAME` of what it may do; repeat it, list with commas, or say all or none")
	flags.StringSliceVar(&f.grants, "grant", nil, "`GRANT` it may ask by: client_credentials, password, refresh_token (default client_credentials)")
	flags.StringSliceVar(&f.authMethods, "auth-method", nil, "`METHOD` it proves itself by: client_secret_basic, client_secret_post (default any)")
	flags.StringSliceVar(&f.dialects, "dialect", nil, "`DIALECT` it is pinned to (default any that the tenant speaks)")
	flags.StringVar(&f.tokenForm, "token-form", "", "`FORM` of its tokens: jwt, opaque, uuid (default the dialect's)")
	flags.StringVar(&f.lifetime, "lifetime", "", "`TIME` its tokens live, like 10m; never longer than the dialect says (default the dialect's)")
	flags.StringVar(&f.expires, "expires", "", "`WHEN` it ends: 90d, 2027-01-31, a time, or never (default never)")
	flags.StringSliceVar(&f.allowFrom, "allow-from", nil, "`NETWORK` or address it may ask from, like 192.0.2.0/24 (default any)")
	flags.StringSliceVar(&f.resourceServers, "resource-server", nil, "`NAME` of an API that it stands for: it may ask about tokens meant for that API and follow revocations; or none")
	flags.BoolVar(&f.bodyless, "bodyless", false, "a request without a body buys a token, where its dialect has that (default the tenant's)")
	flags.BoolVar(&f.noBodyless, "no-bodyless", false, "a request without a body buys nothing")
	cmd.MarkFlagsMutuallyExclusive("bodyless", "no-bodyless")
	completeFlag(cmd, "permission", completePermissions)
	completeFlag(cmd, "grant", completeGrants)
	completeFlag(cmd, "auth-method", completeAuthMethods)
	completeFlag(cmd, "dialect", completeSpoken)
	completeFlag(cmd, "token-form", completeTokenForms)
	completeFlag(cmd, "resource-server", completeAPIs)
	for _, free := range []string{"name", "description", "lifetime", "expires", "allow-from"} {
		completeFlag(cmd, free, func(*cobra.Command, *settings) []string { return nil })
	}
	return cmd
}

// apply changes what was said on the command line, and nothing else.
func (f *clientFlags) apply(e *errand, c *registry.Client) (err error) {
	said := e.cmd.Flags().Changed
	if said("name") {
		c.Name = f.name
	}
	if said("description") {
		c.Description = f.description
	}
	if said("token-form") {
		if c.TokenForm = oauth.TokenForm(f.tokenForm); f.tokenForm == defaultForm {
			c.TokenForm = ""
		}
	}
	if said("bodyless") {
		c.AllowBodylessToken = f.bodyless
	}
	if said("no-bodyless") {
		c.AllowBodylessToken = !f.noBodyless
	}
	if said("lifetime") {
		if c.Lifetime, err = wholeSeconds(f.lifetime); err != nil {
			return err
		}
	}
	if said("expires") {
		if c.Expires, err = instant("--expires", f.expires, e.now); err != nil {
			return err
		}
	}
	return f.applyLists(e.tenant, c, said)
}

func wholeSeconds(text string) (int64, error) {
	d, err := span("--lifetime", text)
	if err == nil && d%time.Second != 0 {
		err = fmt.Errorf("--lifetime: a token lives whole seconds, not %s", d)
	}
	return int64(d / time.Second), err
}

// applyLists is the part of apply that replaces lists.
func (f *clientFlags) applyLists(t *registry.Tenant, c *registry.Client, said func(string) bool) (err error) {
	if said("permission") {
		if c.Permissions, err = permissionsOf(t, f.permissions); err != nil {
			return err
		}
	}
	if said("grant") {
		if c.Grants, err = listOf[oauth.GrantType]("--grant", f.grants); err != nil {
			return err
		}
	}
	if said("auth-method") {
		if c.AuthMethods, err = listOrAny[oauth.AuthMethod]("--auth-method", f.authMethods); err != nil {
			return err
		}
	}
	if said("dialect") {
		if c.Dialects, err = spokenOf(t, f.dialects); err != nil {
			return err
		}
	}
	if said("resource-server") {
		if c.ResourceServers, err = listOf[string]("--resource-server", f.resourceServers); err != nil {
			return err
		}
		if slices.Contains(c.ResourceServers, noPermission) {
			if len(c.ResourceServers) > 1 {
				return fmt.Errorf("--resource-server: %s stands alone", noPermission)
			}
			c.ResourceServers = nil
		}
	}
	if said("allow-from") {
		c.AllowFrom, err = prefixesOf(f.allowFrom)
	}
	return err
}

// permissionsOf reads a list of permissions. Whether they exist the registry says. All of them are those of the declared APIs: a program
// that acts as an operator is given tokenbooth:… by name.
func permissionsOf(t *registry.Tenant, words []string) ([]string, error) {
	known := t.PermissionNames()
	switch {
	case slices.Equal(words, []string{everyPermission}) && !slices.Contains(known, everyPermission):
		return known, nil
	case slices.Equal(words, []string{noPermission}) && !slices.Contains(known, noPermission):
		return nil, nil
	}
	return listOf[string]("--permission", words)
}

// needPermissions refuses a registration that does not say what it is for: nobody should hold everything, or wonder why they hold
// nothing, because of a flag that was forgotten.
func needPermissions(e *errand) error {
	known := e.tenant.PermissionNames()
	if e.cmd.Flags().Changed("permission") || len(known) == 0 {
		return nil
	}
	return fmt.Errorf("--permission: say what it may do: one or more of %s; or %s, or %s", strings.Join(known, ", "), everyPermission, noPermission)
}

// listOf reads a list of words, each once and without the spaces around them. An empty one, as an unset variable of a shell makes it,
// is an error: it could mean nothing or everything.
func listOf[T ~string](flag string, words []string) ([]T, error) {
	var out []T
	for _, w := range words {
		if w = strings.TrimSpace(w); w != "" && !slices.Contains(out, T(w)) {
			out = append(out, T(w))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: it is empty; leave the flag out, or give it a value", flag)
	}
	return out, nil
}

// listOrAny is listOf where the word any stands for no list, which sets no bounds.
func listOrAny[T ~string](flag string, words []string) ([]T, error) {
	if slices.Equal(words, []string{anyWord}) {
		return nil, nil
	}
	return listOf[T](flag, words)
}

// spokenOf reads a list of dialects of the tenant.
func spokenOf(t *registry.Tenant, words []string) ([]string, error) {
	names, err := listOrAny[string]("--dialect", words)
	all := spoken(t)
	for _, n := range names {
		if !slices.Contains(all, n) {
			return nil, fmt.Errorf("--dialect: tenant %s does not speak %q; it speaks %s", t.Name, n, strings.Join(all, ", "))
		}
	}
	return names, err
}

// prefixesOf reads networks and single addresses.
func prefixesOf(words []string) ([]netip.Prefix, error) {
	words, err := listOrAny[string]("--allow-from", words)
	var out []netip.Prefix
	for _, w := range words {
		p, err := netip.ParsePrefix(w)
		if addr, single := netip.ParseAddr(w); single == nil && addr.Zone() == "" {
			p, err = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("--allow-from: %q is neither an address nor a network like 192.0.2.0/24 or 2001:db8::/32", w)
		case p != p.Masked():
			return nil, fmt.Errorf("--allow-from: %s has bits beyond its length; say %s for the network, or %s for the one address", w, p.Masked(), p.Addr())
		}
		out = append(out, p)
	}
	return out, err
}
