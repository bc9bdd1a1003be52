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
func (a *award) narrow(t *registry.Tenant, terms *oauth.Terms, wanted oauth.Unproven, held string) error {
	asked := wanted.Reveal()
	if terms.FixedScope { // the contract has one scope; what may be done is in the registration
		if !oauth.ScopeWithin(asked, terms.DefaultScope) {
			return oauth.Refuse(oauth.ScopeNotOfContract, "The requested scope is unknown.", "asked for %q, the contract has %q", scopeShown(t, wanted, oauth.Unproven.String, terms.DefaultScope), terms.DefaultScope)
		}
		a.scope, a.permissions, a.inScope = terms.DefaultScope, strings.Fields(held), false
		a.audiences = t.Audiences(a.permissions)
		return nil
	}
	if !oauth.ScopeWithin(asked, held) {
		return oauth.Refuse(oauth.ScopeNotHeld, "The requested scope is unknown or more than may be given.", "asked for %q, may have %q", scopeShown(t, wanted, oauth.Unproven.String, held), held)
	}
	if asked == "" {
		asked = held
	}
	a.scope, a.permissions, a.inScope = asked, strings.Fields(asked), true
	a.audiences = t.Audiences(a.permissions)
	return nil
}

// maxWordsShown bounds what is shown of a scope, in words.
const maxWordsShown = 10

// scopeShown is what an operator reads of a scope that was asked for: the tenant's permissions and what else is known by their names, any
// other word as one that nobody has.
func scopeShown(t *registry.Tenant, asked oauth.Unproven, veiled func(oauth.Unproven) string, known ...string) string {
	var words []string
	for w := range oauth.ScopeWords(asked.Reveal()) {
		if len(words) == maxWordsShown {
			words = append(words, "…")
			break
		}
		if !slices.Contains(t.PermissionNames(), w) && !slices.ContainsFunc(known, func(k string) bool { return oauth.ScopeHas(k, w) }) {
			w = veiled(oauth.Unproven(w))
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

// terms settles form, lifetime and since when: what the contract says, and what the client's registration narrows it to.
func (i *Issuer) terms(a *award, who *caller, terms *oauth.Terms) {
	a.form, a.lifetime, a.after = terms.Form, terms.Lifetime, i.Feed.NotBefore(who.tenant.Name)
	c := who.client
	if c == nil {
		return
	}
	if c.NotBefore.After(a.after) {
		a.after = c.NotBefore
	}
	if c.TokenForm != "" {
		a.form = c.TokenForm
	}
	if own := time.Duration(c.Lifetime) * time.Second; own > 0 && own < a.lifetime {
		a.lifetime = own
	}
	if !c.Expires.IsZero() { // no token outlives its client
		a.lifetime = max(0, min(a.lifetime, c.Expires.Sub(i.Now()).Truncate(time.Second)))
	}
}

// heldSince notes up to when everything was taken back that the token's holder had.
func (a *award) heldSince(t time.Time) {
	if t.After(a.after) {
		a.after = t
	}
}

// issued returns when a token says it was issued: now, or the first microsecond, which is what revocations count, after everything was
// taken back that its holder had.
func (a *award) issued(now time.Time) time.Time {
	if first := a.after.Truncate(time.Microsecond).Add(time.Microsecond); now.Before(first) {
		return first
	}
	return now
}

// intersect returns the members of a that are in b too.
func intersect(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}
