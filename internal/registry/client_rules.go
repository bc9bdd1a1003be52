package registry

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Bounds of what a client may be given.
const (
	shortestLifetime = Span(10)
	longestLifetime  = Span(14 * 24 * 3600)
	longestOverlap   = 365 * day // of two secrets of a client
)

// check refuses a registration that could not work or should not. What it held before there was a rule, or before the settings took it
// away, it may keep: or nobody could disable it any more. Texts and lists are put into their one form first.
func (c *Client) check(t *Tenant, before *Client, now time.Time) error {
	c.tidy()
	return cmp.Or(c.checkTexts(before), c.checkWays(t, before), c.checkBounds(before, now), c.checkLists(t, before))
}

// tidy gives texts and lists the form in which they are kept, whichever surface they come from.
func (c *Client) tidy() {
	c.Name = strings.TrimSpace(c.Name)
	c.Description = strings.TrimSpace(strings.ReplaceAll(c.Description, "\r\n", "\n"))
	c.Permissions, c.Grants, c.AuthMethods = each(c.Permissions), each(c.Grants), each(c.AuthMethods)
	c.Dialects, c.ResourceServers, c.AllowFrom = each(c.Dialects), each(c.ResourceServers), each(c.AllowFrom)
}

// each returns a list without what stands in it again.
func each[T comparable](list []T) []T {
	seen := make(map[T]bool, len(list))
	for _, v := range list {
		seen[v] = true
	}
	if len(seen) == len(list) {
		return list
	}
	var out []T
	for _, v := range list {
		if seen[v] {
			out, seen[v] = append(out, v), false
		}
	}
	return out
}

func (c *Client) checkTexts(before *Client) error {
	switch {
	case c.Name == "" || len(c.Name) > 200:
		return problem("name", "a client needs a name of 1 to 200 bytes; the calling application's name serves best")
	case len(c.Description) > 2000:
		return problem("description", "a description is 2,000 bytes at most")
	case c.Name != before.Name && !oneLine(c.Name):
		return problem("name", "a name is one line of text, without control characters and without those that turn the direction of writing")
	case c.Description != before.Description && !plainText(c.Description):
		return problem("description", "a description is lines of text, without control characters and without those that turn the direction of writing")
	case c.ID != before.ID && (c.ID == "." || c.ID == ".."):
		return problem("id", "a client id stands in addresses, where %s is no name", c.ID)
	case !validClientID(c.ID):
		return problem("id", "a client id is 1 to 128 printable ASCII characters without colon and space, and does not start with %s", userPrefix)
	}
	return nil
}

// checkWays is about how a client asks.
func (c *Client) checkWays(t *Tenant, before *Client) error {
	for _, g := range c.Grants {
		switch {
		case g == oauth.Password && !t.AllowPasswordGrant && !before.MayUse(g):
			return problem("grants", "tenant %s does not allow the password grant; see allow_password_grant", t.Name)
		case g != oauth.ClientCredentials && g != oauth.Password && g != oauth.RefreshToken:
			return problem("grants", "a grant is client_credentials, password or refresh_token, not %q", g)
		}
	}
	if len(c.Grants) == 0 && len(c.ResourceServers) == 0 && before.Name == "" { // it could never ask for anything
		return problem("grants", "choose at least one; only a client that is the resource server for an API needs none")
	}
	for _, m := range c.AuthMethods {
		if m != oauth.AuthBasic && m != oauth.AuthPost {
			return problem("auth_methods", "a client authenticates by %s or %s, not %q", oauth.AuthBasic, oauth.AuthPost, m)
		}
	}
	for _, d := range c.Dialects {
		if all := t.Spoken(); !slices.Contains(all, d) && !slices.Contains(before.Dialects, d) {
			return problem("dialects", "tenant %s does not speak %q; it speaks %s", t.Name, d, strings.Join(all, ", "))
		}
	}
	return nil
}

// checkBounds is about what its tokens are and how long it all lasts.
func (c *Client) checkBounds(before *Client, now time.Time) error {
	if !slices.Contains([]oauth.TokenForm{"", oauth.JWT, oauth.Opaque, oauth.UUID}, c.TokenForm) {
		return problem("token_form", "a token is jwt, opaque or uuid, not %q", c.TokenForm)
	}
	if c.Lifetime != 0 && (c.Lifetime < shortestLifetime || c.Lifetime > longestLifetime) {
		return problem("lifetime", "a token lives 10 seconds to 14 days, and never longer than its dialect says")
	}
	if !c.Expires.IsZero() && !c.Expires.Equal(before.Expires.Time) && !c.Expires.After(now) {
		return problem("expires", "%s is over already; it is %s", c.Expires, now.UTC().Format(time.RFC3339))
	}
	return nil
}

func (c *Client) checkLists(t *Tenant, before *Client) error {
	for _, n := range c.AllowFrom {
		if err := n.check(); err != nil && !slices.Contains(before.AllowFrom, n) {
			return problem("allow_from", "%v", err)
		}
	}
	if all := strings.Join(c.Permissions, " "); !slices.Equal(c.Permissions, before.Permissions) && !oauth.ValidScope(all) {
		return problem("permissions", "no token can carry these: a scope has %d words and %d bytes at most", oauth.MaxScopeWords, oauth.MaxScopeBytes)
	}
	return cmp.Or(
		short("permissions", c.Permissions, before.Permissions), short("grants", c.Grants, before.Grants),
		short("auth_methods", c.AuthMethods, before.AuthMethods), short("dialects", c.Dialects, before.Dialects),
		short("resource_servers", c.ResourceServers, before.ResourceServers), short("allow_from", c.AllowFrom, before.AllowFrom),
		checkAlone(c.Permissions), t.checkResourceServers(c.ResourceServers, before.ResourceServers),
		t.checkPermissions("permissions", c.Permissions, before.Permissions))
}

// longestList bounds what somebody could make us keep and show: what is named on these lists is far less.
const longestList = 1000

// short refuses a list without end, unless it was kept before there was this rule.
func short[T comparable](field string, list, before []T) error {
	if len(list) > longestList && !slices.Equal(list, before) {
		return problem(field, "a list has %d entries at most", longestList)
	}
	return nil
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
