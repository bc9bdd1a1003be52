package issuer

import (
	"context"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// grantClientCredentials gives a client what its registration holds (RFC 6749, section 4.4). No refresh token goes with it (4.4.3).
func (i *Issuer) grantClientCredentials(_ context.Context, who *caller, req *oauth.TokenRequest) (*award, error) {
	c := who.client
	if c == nil {
		return nil, oauth.Refuse(oauth.OnlyALabel, "The client is not authorized to use this grant type.", "a caller that only names itself has no permissions")
	}
	a := &award{subject: c.ID}
	i.terms(a, who, req.Terms)
	if req.Scope == "" || req.Terms.FixedScope && string(req.Scope) == req.Terms.DefaultScope { // what nearly every request is: nothing to work out
		a.scope, a.permissions, a.audiences, a.inScope = req.Terms.DefaultScope, c.Permissions, c.Audiences, !req.Terms.FixedScope
		if !req.Terms.FixedScope {
			a.scope = c.Scope
		}
		return a, nil
	}
	return a, a.narrow(who.tenant, req.Terms, req.Scope, c.Scope)
}
