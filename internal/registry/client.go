package registry

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

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

	Name        string             `json:"name"`
	Description string             `json:"description,omitempty"`
	Permissions []string           `json:"permissions"`
	Grants      []oauth.GrantType  `json:"grants"`
	AuthMethods []oauth.AuthMethod `json:"auth_methods,omitempty"` // empty: basic and post
	Dialects    []string           `json:"dialects,omitempty"`     // empty: all its tenant speaks
	TokenForm   oauth.TokenForm    `json:"token_form,omitempty"`   // empty: the dialect's
	Lifetime    int64              `json:"lifetime,omitempty"`     // seconds, of access tokens; 0: the dialect's; never longer than that
	AllowFrom   []netip.Prefix     `json:"allow_from,omitempty"`   // empty: from anywhere
	Expires     time.Time          `json:"expires,omitzero"`

	// ResourceServers are the APIs of its tenant, by name, that the client stands for: it may ask about any token that is meant for
	// one of them (RFC 7662, section 4), and may follow what the issuer takes back.
	ResourceServers []string `json:"resource_servers,omitempty"`

	AllowBodylessToken bool         `json:"allow_bodyless_token,omitempty"`
	Disabled           bool         `json:"disabled,omitempty"`
	Deleted            bool         `json:"deleted,omitempty"`   // the id stays taken: it may not become somebody else's
	NotBefore          time.Time    `json:"not_before,omitzero"` // tokens issued before are refused
	Credentials        []Credential `json:"credentials"`

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

// Barred says why the client may not act at now, or nothing.
func (c *Client) Barred(now time.Time) string {
	switch {
	case c.Deleted:
		return "the client is deleted"
	case c.Disabled:
		return "the client is disabled"
	case !c.Expires.IsZero() && !now.Before(c.Expires):
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
	return len(c.AllowFrom) == 0 || slices.ContainsFunc(c.AllowFrom, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
}

// check refuses a registration that could not work or should not. What it held before the settings took away a permission or a grant
// it may keep, or nobody could disable it any more.
func (c *Client) check(t *Tenant, before *Client) error {
	if c.Name == "" || len(c.Name) > 200 {
		return problem("name", "a client needs a name of 1 to 200 bytes; the calling application's name serves best")
	}
	if len(c.Description) > 2000 {
		return problem("description", "a description is 2,000 bytes at most")
	}
	if c.Name != before.Name && !oneLine(c.Name) {
		return problem("name", "a name is one line of text, without control characters and without those that turn the direction of writing")
	}
	if c.Description != before.Description && !plainText(c.Description) {
		return problem("description", "a description is lines of text, without control characters and without those that turn the direction of writing")
	}
	if c.ID != before.ID && (c.ID == "." || c.ID == "..") {
		return problem("id", "a client id stands in addresses, where %s is no name", c.ID)
	}
	if !validClientID(c.ID) {
		return problem("id", "a client id is 1 to 128 printable ASCII characters without colon and space, and does not start with %s", userPrefix)
	}
	if c.Lifetime < 0 || c.Lifetime > 0 && c.Lifetime < 10 || c.Lifetime > 14*24*3600 {
		return problem("lifetime", "a token lives 10 seconds to 14 days, and never longer than its dialect says")
	}
	for _, g := range c.Grants {
		switch {
		case g == oauth.Password && !t.AllowPasswordGrant && !before.MayUse(g):
			return problem("grants", "tenant %s does not allow the password grant; see allow_password_grant", t.Name)
		case g != oauth.ClientCredentials && g != oauth.Password && g != oauth.RefreshToken:
			return problem("grants", "a grant is client_credentials, password or refresh_token, not %q", g)
		}
	}
	for _, m := range c.AuthMethods {
		if m != oauth.AuthBasic && m != oauth.AuthPost {
			return problem("auth_methods", "a client proves itself by %s or %s, not %q", oauth.AuthBasic, oauth.AuthPost, m)
		}
	}
	if !slices.Contains([]oauth.TokenForm{"", oauth.JWT, oauth.Opaque, oauth.UUID}, c.TokenForm) {
		return problem("token_form", "a token is jwt, opaque or uuid, not %q", c.TokenForm)
	}
	if err := cmp.Or(once("permissions", c.Permissions, before.Permissions), once("grants", c.Grants, before.Grants),
		once("auth_methods", c.AuthMethods, before.AuthMethods), once("dialects", c.Dialects, before.Dialects),
		once("resource_servers", c.ResourceServers, before.ResourceServers), once("allow_from", c.AllowFrom, before.AllowFrom)); err != nil {
		return err
	}
	if err := checkAlone(c.Permissions); err != nil {
		return err
	}
	if err := t.checkResourceServers(c.ResourceServers, before.ResourceServers); err != nil {
		return err
	}
	return t.checkPermissions("permissions", c.Permissions, before.Permissions)
}

// longestList bounds what somebody could make us keep and show: what is named on these lists is far less.
const longestList = 1000

// once refuses a list that names something twice or has no end, unless it was kept before there was this rule.
func once[T comparable](field string, list, before []T) error {
	if slices.Equal(list, before) {
		return nil
	}
	if len(list) > longestList {
		return problem(field, "a list has %d entries at most", longestList)
	}
	seen := make(map[T]bool, len(list))
	for _, entry := range list {
		if seen[entry] {
			return problem(field, "%v is named twice", entry)
		}
		seen[entry] = true
	}
	return nil
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

// oneLine reports whether a text cannot make a line of a log, a terminal or a page look like another: no control character, and none
// that ends a line or turns the direction of writing (Unicode Technical Report 36, section 2.6).
func oneLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool {
		return unicode.IsControl(c) || c == '\u2028' || c == '\u2029' || unicode.Is(unicode.Bidi_Control, c)
	})
}

// plainText is oneLine for each line of a text, whichever way lines end where it was typed.
func plainText(s string) bool {
	return oneLine(strings.NewReplacer("\r\n", "", "\n", "").Replace(s))
}

// validClientID lets imported ids be what they are, within what a Basic header and a log line can carry.
func validClientID(id string) bool {
	if id == "" || len(id) > 128 || strings.HasPrefix(id, userPrefix) {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c <= 0x20 || c >= 0x7f || c == ':' {
			return false
		}
	}
	return true
}
