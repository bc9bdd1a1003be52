package registry

import (
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// SecretPrefix starts every client secret that is made here, so that scanners and people know one when they see it.
const SecretPrefix = "tbs"

// MaxLiveSecrets is how many secrets of a client work at one time: the one in use and the one that replaces it.
const MaxLiveSecrets = 2

// userPrefix starts the ids of users. No client may have such an id: a token's sub would look like a user's (RFC 9068, section 5).
const userPrefix = "usr_"

// Client is a program that asks for tokens (RFC 6749, section 2). What Client methods return it is never changed: an update makes
// a new one. Its stored form is this JSON, keyed by tenant and ID:
//
//	{"name":"Postman","permissions":["workflows"],"grants":["client_credentials"],"credentials":[{"id":"…","hash":"sha256$…"}],…}
type Client struct {
	Tenant string `json:"-"`
	ID     string `json:"-"`
	Rev    uint64 `json:"-"`

	ClientSpec

	Deleted     bool         `json:"deleted,omitempty"`   // the id stays taken: it may not become somebody else's
	NotBefore   time.Time    `json:"not_before,omitzero"` // tokens issued before are refused
	Credentials []Credential `json:"credentials"`

	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by"`
	Updated   time.Time `json:"updated"`
	UpdatedBy string    `json:"updated_by"`

	// Made ready for the hot path when the client is read.
	Scope     string   `json:"-"` // all its permissions as one scope
	Audiences []string `json:"-"` // who a token with all of them is meant for
	Guards    []string `json:"-"` // the audiences of its ResourceServers
}

// Credential is one secret of a client.
type Credential struct {
	ID       string      `json:"id"`
	Hash     secret.Hash `json:"hash"`
	Imported bool        `json:"imported,omitempty"` // made elsewhere: it may be weak, so guessing it is counted
	Created  time.Time   `json:"created"`
	Expires  time.Time   `json:"expires,omitzero"`

	Replaced bool      `json:"replaced,omitempty"` // a newer one has taken its place, and it ends for that
	Before   time.Time `json:"before,omitzero"`    // what its expiry was until it was replaced: an undone rotation gives it back

	LastUsed     time.Time `json:"-"` // to the minute; kept apart, so that using a secret does not change the client
	LastUsedFrom string    `json:"-"`

	used *atomic.Int64 // see mark
}

// Live reports whether the credential works at now.
func (c *Credential) Live(now time.Time) bool { return c.Expires.IsZero() || now.Before(c.Expires) }

// Guessable reports whether one of the client's secrets was made elsewhere: only such a secret can be guessed.
func (c *Client) Guessable() bool {
	return slices.ContainsFunc(c.Credentials, func(c Credential) bool { return c.Imported })
}

// Slow reports whether one of the client's secrets is kept under a hash that is expensive to check.
func (c *Client) Slow() bool {
	return slices.ContainsFunc(c.Credentials, func(c Credential) bool { return c.Hash.Slow() })
}

// State is what a client is at now, in the one word that lists, searches and programs have for it.
func (c *Client) State(now time.Time) string {
	switch {
	case c.Deleted:
		return "deleted"
	case c.Disabled:
		return "disabled"
	case c.Barred(now) != "":
		return "expired"
	}
	return "active"
}

// Barred says why the client may not act at now, or nothing.
func (c *Client) Barred(now time.Time) string {
	switch {
	case c.Deleted:
		return "the client is deleted"
	case c.Disabled:
		return "the client is disabled"
	case !c.Expires.IsZero() && !now.Before(c.Expires.Time):
		return "the client expired at " + c.Expires.UTC().Format(time.RFC3339)
	}
	return ""
}

// MayUse reports whether the client may ask by this grant.
func (c *Client) MayUse(g oauth.GrantType) bool { return slices.Contains(c.Grants, g) }

// MayProve reports whether the client may prove itself in this way.
func (c *Client) MayProve(m oauth.AuthMethod) bool {
	return len(c.AuthMethods) == 0 || slices.Contains(c.AuthMethods, m)
}

// MaySpeak reports whether the client may use this dialect.
func (c *Client) MaySpeak(dialect string) bool {
	return len(c.Dialects) == 0 || slices.Contains(c.Dialects, dialect)
}

// MayCallFrom reports whether the client may ask from this address.
func (c *Client) MayCallFrom(addr netip.Addr) bool {
	return len(c.AllowFrom) == 0 || slices.ContainsFunc(c.AllowFrom, func(n Network) bool { return n.Contains(addr.Unmap()) })
}

// ready fills in what the hot path reads.
func (c *Client) ready(t *Tenant) {
	c.Scope = strings.Join(c.Permissions, " ")
	c.Audiences = t.Audiences(c.Permissions)
	c.Guards = t.guards(c.ResourceServers)
	for i := range c.Credentials {
		c.Credentials[i].used = new(atomic.Int64)
	}
}
