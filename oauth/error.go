package oauth

import (
	"errors"
	"fmt"
	"time"
)

// Code says which check refused a request. Most are codes of RFC 6749 and RFC 6750; the finer ones let a dialect spell a case
// that the standard lumps together, and Code.Standard says which standard code they belong to.
type Code string

// Codes of the standard (RFC 6749, section 5.2; RFC 6750, section 3.1).
const (
	InvalidRequest       Code = "invalid_request"
	InvalidClient        Code = "invalid_client"
	InvalidGrant         Code = "invalid_grant"
	UnauthorizedClient   Code = "unauthorized_client"
	UnsupportedGrantType Code = "unsupported_grant_type"
	InvalidScope         Code = "invalid_scope"
	InvalidToken         Code = "invalid_token"
	InsufficientScope    Code = "insufficient_scope"
	ServerError          Code = "server_error"
	Unavailable          Code = "temporarily_unavailable"
)

// Finer codes. Each falls back to a standard one.
const (
	MissingGrant          Code = "missing_grant"           // no grant type where one is needed
	MissingCredentials    Code = "missing_credentials"     // nobody said who is asking
	BodylessNotAllowed    Code = "bodyless_not_allowed"    // the credential is right, and may not ask without a body
	TOTPRequired          Code = "totp_required"           // the password is right, a one-time code is due
	PasswordResetRequired Code = "password_reset_required" // the password is right and must be changed first
	Throttled             Code = "throttled"               // too many requests, or too many wrong guesses
	MethodNotAllowed      Code = "method_not_allowed"
	UnsupportedMediaType  Code = "unsupported_media_type"
	TooLarge              Code = "too_large"
	CrossOrigin           Code = "cross_origin"    // a browser asks on behalf of another site
	NoToken               Code = "no_token"        // an API was called without a token
	MalformedToken        Code = "malformed_token" // something was carried that cannot be a token
)

var standard = map[Code]Code{
	MissingGrant:          InvalidRequest,
	MissingCredentials:    InvalidClient,
	BodylessNotAllowed:    UnauthorizedClient,
	TOTPRequired:          InvalidGrant,
	PasswordResetRequired: InvalidGrant,
	Throttled:             Unavailable,
	MethodNotAllowed:      InvalidRequest,
	UnsupportedMediaType:  InvalidRequest,
	TooLarge:              InvalidRequest,
	CrossOrigin:           InvalidRequest,
	NoToken:               InvalidToken,
	MalformedToken:        InvalidToken,
}

// Codes returns every code there is.
func Codes() []Code {
	return []Code{
		InvalidRequest, InvalidClient, InvalidGrant, UnauthorizedClient, UnsupportedGrantType, InvalidScope, InvalidToken,
		InsufficientScope, ServerError, Unavailable, MissingGrant, MissingCredentials, BodylessNotAllowed, TOTPRequired,
		PasswordResetRequired, Throttled, MethodNotAllowed, UnsupportedMediaType, TooLarge, CrossOrigin, NoToken, MalformedToken,
	}
}

// Standard returns the code of RFC 6749 or RFC 6750 that c is a case of: c itself when it is one.
func (c Code) Standard() Code {
	if s, ok := standard[c]; ok {
		return s
	}
	return c
}

// Error is a refusal the caller may read. Everything else that goes wrong is ours, and the caller learns no more than that.
type Error struct {
	Code        Code
	Case        Case          // for the operator: what exactly it is; empty in a fault of ours
	Description string        // for the caller: plain ASCII, no quotes, reflects nothing that was sent (RFC 6749, section 5.2)
	Reason      string        // for the operator: which check failed and why; never a secret, never on the wire
	RetryAfter  time.Duration // when asking again makes sense; 0: unknown

	// Who was refused, for the operator, as it may be written down: the name of a registration, or what is shown of an Unproven.
	Client, User string
}

// Error renders the refusal for logs.
func (e *Error) Error() string {
	s := string(e.Code)
	if e.Description != "" {
		s += ": " + e.Description
	}
	if e.Reason != "" {
		s += " (" + e.Reason + ")"
	}
	return s
}

// Refuse makes a refusal: the case, what the caller reads, and for the operator a reason in the manner of fmt.Sprintf. What a caller sent
// is an Unproven among args, never a string.
func Refuse(c Case, description, reason string, args ...any) *Error {
	return &Error{Code: c.Code(), Case: c, Description: description, Reason: fmt.Sprintf(reason, args...)}
}

// AuthenticationFailed is the one answer to every failed client authentication: unknown, wrong, expired and disabled look alike
// (RFC 6749, section 5.2). The case, one of invalid_client, and the reason are for the operator.
func AuthenticationFailed(c Case, reason string, args ...any) *Error {
	return Refuse(c, "Client authentication failed.", reason, args...)
}

// AsError returns the refusal inside err, or nil when err is a fault of ours.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return nil
}

// ErrUnavailable marks a fault that passes: a store that cannot be reached, a queue that is full. Surfaces answer it with 503 and
// never with a refusal, because the caller did nothing wrong.
var ErrUnavailable = errors.New("temporarily unavailable")
