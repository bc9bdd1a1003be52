// Package oauth is the vocabulary of a token desk: what a caller asks for, what it is given, and what it is told when it is
// refused. It holds words, not decisions: package dialect turns a wire format into a TokenRequest and back, package issuer
// answers it, and neither has to know the other's language.
//
// Every type is a plain value, safe to copy; nothing here blocks, allocates in secret or talks to a network. Values that hold a
// secret hide it from every logger and formatter.
//
// The words are those of RFC 6749 (grants, scope, errors), RFC 6750 (bearer tokens), RFC 7009 (revocation), RFC 7662 (introspection),
// RFC 9068 (JWT access tokens) and RFC 9728 (protected resources).
package oauth

import (
	"log/slog"
	"time"
)

// GrantType names what a caller gives in exchange for a token (RFC 6749, section 1.3).
type GrantType string

// The grants this product knows.
const (
	ClientCredentials GrantType = "client_credentials" // RFC 6749, section 4.4
	Password          GrantType = "password"           // RFC 6749, section 4.3: for legacy callers, off unless allowed
	RefreshToken      GrantType = "refresh_token"      // RFC 6749, section 6
)

// TokenForm is the shape of an access token's text.
type TokenForm string

// The forms an access token can take.
const (
	JWT    TokenForm = "jwt"    // signed, checked without asking anyone (RFC 9068)
	Opaque TokenForm = "opaque" // a look-up id and 256 random bits, checked against the store
	UUID   TokenForm = "uuid"   // a random UUID (122 bits), for callers that parse one (RFC 9562, version 4)
)

// AuthMethod says how a client proved itself (RFC 8414, section 2).
type AuthMethod string

// The ways a client can carry its credential.
const (
	AuthNone  AuthMethod = "none"
	AuthBasic AuthMethod = "client_secret_basic"
	AuthPost  AuthMethod = "client_secret_post"
)

// Secret is a text that must not be read by people: it formats, logs and marshals as asterisks.
type Secret string

// Reveal returns the text itself, for the one place that compares or answers with it.
func (s Secret) Reveal() string { return string(s) }

// String hides the text.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString hides the text from %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the text from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the text from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Credential is a client's id and secret as they were presented.
type Credential struct {
	ID     Unproven
	Secret Secret
}

// Terms are what a token contract promises about its tokens. A dialect states them; a client's registration may narrow them.
type Terms struct {
	Form         TokenForm
	Lifetime     time.Duration // of an access token
	DefaultScope string        // granted when none is asked; the only scope there is when FixedScope is set
	FixedScope   bool          // permissions come from the registration, the scope on the wire is a constant
	RefreshIdle  time.Duration // how long an unused refresh token lives; 0: the contract has none
	RefreshMax   time.Duration // how long a chain of refreshes may go on
	OnePerLabel  bool          // one refresh token per user and client_id; a new one voids the earlier
	ClientLabel  bool          // client_id is a label the caller chooses, not a registered client
}

// TokenRequest is one request at a token endpoint, freed of its wire format.
type TokenRequest struct {
	Asker
	Dialect  string // which contract it was spoken in
	Terms    *Terms
	Grant    GrantType
	Bodyless bool // the request had no body at all: nothing but the credential says what is wanted

	Username     Unproven
	Password     Secret
	TOTP         Secret
	RefreshToken Secret
	Scope        Unproven

	KnownUser string // the name of the user that Username was found to be; only such a name is written down in clear
}

// Token is the answer to a granted request (RFC 6749, section 5.1).
type Token struct {
	AccessToken  string
	RefreshToken string
	Scope        string
	ClientID     string
	Username     string
	IssuedAt     time.Time
	ExpiresIn    time.Duration // of the access token

	// SecretExpires is when the secret that the client proved itself with ends, where that is soon; zero: not soon, or never.
	SecretExpires time.Time
}

// LogValue shows what may be read of a token: never its text.
func (t Token) LogValue() slog.Value {
	return slog.GroupValue(slog.String("scope", t.Scope), slog.String("client", t.ClientID), slog.Duration("expires_in", t.ExpiresIn))
}
