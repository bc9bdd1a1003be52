package oauth

import (
	"strings"
	"time"
)

// Introspection is what is known about an access token (RFC 7662, section 2.2). When Active is false nothing else is.
type Introspection struct {
	Active      bool
	Form        TokenForm
	ID          string // jti
	Issuer      string
	Subject     string
	ClientID    string
	Username    string
	Name        string
	Scope       string
	Permissions []string // what it may do, where that is more than its scope says
	Audience    []string
	IssuedAt    time.Time
	Expires     time.Time
	Family      string // sid: the chain of refresh tokens it came from
	KeyID       string // kid: the key that signed it
}

// labelMark starts the client id of a token whose caller named itself: no registered client's id can have a colon.
const labelMark = "label:"

// LabelClientID returns the client id of tokens for callers that a dialect lets name themselves.
func LabelClientID(label string) string { return labelMark + label }

// IsLabel reports whether a client id is only what a caller called itself.
func IsLabel(clientID string) bool { return strings.HasPrefix(clientID, labelMark) }
