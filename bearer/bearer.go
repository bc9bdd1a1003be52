// Package bearer guards an API with access tokens: JWTs by the issuer's public keys (RFC 9068, section 4), opaque tokens by a look-up
// (RFC 7662), both against what the issuer has taken back (package revocation). It decides whether a token is genuine, meant for this
// API and still good, and says who holds it and what it permits.
//
// Follow keeps what one issuer publishes, over HTTP; Issuer.Verifier checks its tokens for one API; Verifier.Require puts that in front
// of a handler and refuses in the words of RFC 6750 or of a dialect; FromContext says to the handler who calls. Whoever has keys,
// look-ups and revocations at hand, as a gateway beside the issuer has, passes them to New as functions: the checks are the same.
//
// Verified tokens are remembered, so that a token seen before costs a hash and not a signature. Nothing is remembered beyond its
// expiry, beyond the life of the key that signed it, beyond its revocation, or, for an opaque token, beyond a second. A refusal is an
// *oauth.Error whose Reason is for the operator; a fault (the issuer is away, its answer makes no sense) wraps oauth.ErrUnavailable
// and is nobody's refusal.
//
// Everything may be used concurrently; Verify takes no lock for a token it remembers. JWTs are read strictly (RFC 8725): one algorithm
// per key, keys only from the issuer's set, no duplicate or mistyped claims, no critical extensions, and no encrypted tokens at all.
// The package imports the standard library and two packages of this module that do no more.
package bearer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
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
	Family   string // sid: the chain of refresh tokens it came from, if there is one
	KeyID    string // kid: the key that signed it; empty for an opaque token

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

// Held returns what the token permits, for people: its permissions, or, when it has no such claim, its scope.
func (t *Token) Held() string {
	if t.Permissions != nil {
		return strings.Join(t.Permissions, " ")
	}
	return t.Scope
}

// lost says, for the operator, what of the token was taken back.
func (t *Token) lost(k revocation.Kind) string {
	switch k {
	case revocation.Token:
		return fmt.Sprintf("the token %.64q itself", t.ID)
	case revocation.Family:
		return fmt.Sprintf("the chain of refresh tokens %.64q that it came from", t.Family)
	case revocation.Client:
		return fmt.Sprintf("the client %.64q: all its tokens until then", t.ClientID)
	case revocation.User:
		return fmt.Sprintf("the user %.64q: all tokens until then", t.Subject)
	case revocation.Key:
		return fmt.Sprintf("the key %.64q that signed it was withdrawn", t.KeyID)
	}
	return "all tokens of the issuer until then"
}

// refused says no. All refusals read alike on the wire: which check failed is a hint to whoever forges (RFC 6750, section 3.1).
func refused(c oauth.Case, reason string, args ...any) *oauth.Error {
	return oauth.Refuse(c, "The access token is invalid or has expired.", reason, args...)
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
