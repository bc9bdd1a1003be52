package console

import (
	"slices"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// guardVerdict is what the guard would say to a call with a token. It repeats the guard's rules on what is known of the token (route,
// audience, permission) and counts no call: limits of calls are not part of it.
type guardVerdict struct {
	API, Method, Path, Needs string
	Passes                   bool
	Text                     string
}

// guardVerdicts says it for each route of a tenant. No token, or a dead one, is the zero Introspection.
func guardVerdicts(t *registry.Tenant, in oauth.Introspection) []guardVerdict {
	var out []guardVerdict
	for i := range t.APIs {
		a := &t.APIs[i]
		for _, r := range a.Routes {
			g := guardVerdict{API: titleOf(a.Title, a.Name), Method: r.Method, Path: r.Path, Needs: r.Permission}
			switch {
			case r.Public:
				g.Passes, g.Text = true, "public"
			case !in.Active:
				g.Text = "401: the token is not active"
			case !slices.Contains(in.Audience, a.Audience):
				g.Text = "401: the token is meant for another API"
			case !tokenPermits(in, r.Permission):
				g.Text = "403: the token lacks " + r.Permission
			default:
				g.Passes, g.Text = true, "passes"
			}
			out = append(out, g)
		}
	}
	return out
}

// tokenPermits reads what a token holds as the guard does: its permissions, and its scope only where it has none.
func tokenPermits(in oauth.Introspection, permission string) bool {
	if in.Permissions != nil {
		return slices.Contains(in.Permissions, permission)
	}
	return oauth.ScopeHas(in.Scope, permission)
}
