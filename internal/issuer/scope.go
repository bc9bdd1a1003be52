package issuer

import (
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// narrow fills in what an award says of scope, permissions and audience. held are the permissions that may be given, as one scope.
// Nothing that was not asked for or is not held is ever given (RFC 6749, section 3.3).
func (a *award) narrow(t *registry.Tenant, terms *oauth.Terms, asked, held string) error {
	if terms.FixedScope { // the contract has one scope; what may be done is in the registration
		if !oauth.ScopeWithin(asked, terms.DefaultScope) {
			return oauth.Refuse(oauth.InvalidScope, "The requested scope is unknown.", "asked for %.200q, the contract has %q", asked, terms.DefaultScope)
		}
		a.scope, a.permissions, a.inScope = terms.DefaultScope, strings.Fields(held), false
		a.audiences = t.Audiences(a.permissions)
		return nil
	}
	if !oauth.ScopeWithin(asked, held) {
		return oauth.Refuse(oauth.InvalidScope, "The requested scope is unknown or more than may be given.", "asked for %.200q, may have %q", asked, held)
	}
	if asked == "" {
		asked = held
	}
	a.scope, a.permissions, a.inScope = asked, strings.Fields(asked), true
	a.audiences = t.Audiences(a.permissions)
	return nil
}

// terms settles form and lifetime: what the contract says, and what the client's registration narrows it to.
func (a *award) terms(c *registry.Client, terms *oauth.Terms) {
	a.form, a.lifetime = terms.Form, terms.Lifetime
	if c == nil {
		return
	}
	a.after = c.NotBefore
	if c.TokenForm != "" {
		a.form = c.TokenForm
	}
	if own := time.Duration(c.Lifetime) * time.Second; own > 0 && own < a.lifetime {
		a.lifetime = own
	}
}

// heldSince notes when a person was last let in again.
func (a *award) heldSince(u *registry.User) {
	if u.NotBefore.After(a.after) {
		a.after = u.NotBefore
	}
}

// intersect returns the members of a that are in b too.
func intersect(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}
