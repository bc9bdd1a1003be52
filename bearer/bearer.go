// Package bearer checks access tokens at the door of an API: JWTs by the issuer's public keys (RFC 9068, section 4), opaque tokens
// by a look-up. It decides whether a token is genuine, meant for this API and still good, and says who holds it; whether the holder
// may do what it asks is one call of Token.Permits away, and what a refusal looks like on the wire is package dialect's business.
//
// A Verifier belongs to one issuer and to the audiences of one API. Where keys, look-ups and revocations come from is passed in as
// functions, so that a gateway beside the issuer and an API far away use the same checks.
//
// Verified tokens are remembered, so that a token seen before costs a hash and not a signature. Nothing is remembered beyond its
// expiry, beyond the life of the key that signed it, or, for an opaque token, beyond a second; whether its holder still may is asked
// on every call. A refusal is an *oauth.Error whose Reason is for the operator; a fault wraps oauth.ErrUnavailable and is nobody's
// refusal.
//
// Verify may be called concurrently; it takes no lock. JWTs are read strictly (RFC 8725): one algorithm per key, keys only from the
// issuer's set, no duplicate or mistyped claims, no critical extensions, and no encrypted tokens at all.
package bearer

import (
	"slices"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Token is what a verified access token says. It is shared by all calls that carry the same token: read it, do not change it.
type Token struct {
	Issuer   string
	ID       string // jti, or the look-up id of an opaque token
	Subject  string // the client itself, or the user it acts for
	ClientID string
	Username string // empty unless a user is behind the token
	Name     string // for people
	Scope    string
	Family   string // of refresh tokens, where a look-up knows it

	// Permissions is the claim of that name; nil says that the token has none and that Scope counts. An empty claim permits nothing.
	Permissions []string
	Audience    []string

	IssuedAt  time.Time
	NotBefore time.Time // zero: at once
	Expires   time.Time
}

// Permits reports whether the token holds a permission: in its claim permissions, or, when it has no such claim, in its scope.
func (t *Token) Permits(name string) bool {
	if t.Permissions != nil {
		return name != "" && slices.Contains(t.Permissions, name)
	}
	return name != "" && oauth.ScopeHas(t.Scope, name)
}

// refused says no. All refusals read alike on the wire: which check failed is a hint to whoever forges (RFC 6750, section 3.1).
func refused(reason string, args ...any) *oauth.Error {
	return oauth.Refuse(oauth.InvalidToken, "The access token is invalid or has expired.", reason, args...)
}

// foul returns what is wrong with the words of a token, or nothing. A permission with a space in it would be two permissions to
// whoever is handed the list.
func (t *Token) foul() string {
	if !oauth.ValidScope(t.Scope) {
		return "scope is not of the grammar of RFC 6749, section 3.3"
	}
	for _, p := range t.Permissions {
		if p == "" || !oauth.ValidScope(p) || slices.Contains([]byte(p), ' ') {
			return "a permission is not one word of the scope grammar"
		}
	}
	switch {
	case t.Subject == "":
		return "there is no sub"
	case t.ClientID == "":
		return "there is no client_id"
	case t.ID == "":
		return "there is no jti"
	case t.Expires.IsZero():
		return "there is no exp"
	case t.IssuedAt.IsZero():
		return "there is no iat"
	}
	return ""
}
