package registry

import (
	"errors"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Problems returns everything that is wrong with a client before it is registered in the place of before (of nobody: an empty one), one
// problem a field, in the order in which they are found: so a form shows all of them at once. Whether its id is taken only the store knows.
func (t *Tenant) Problems(c Client, before *Client, now time.Time) (all []*Problem) {
	for {
		p, ok := errors.AsType[*Problem](c.check(t, before, now))
		if !ok {
			return all
		}
		all = append(all, p)
		if !c.putAside(p.Field) {
			return all
		}
	}
}

// putAside takes a field out of what is checked, once its problem is known. False: it is none that can be left out.
func (c *Client) putAside(field string) bool {
	field, _, _ = strings.Cut(field, "[")
	switch field {
	case "name":
		c.Name = "-"
	case "description":
		c.Description = ""
	case "permissions":
		c.Permissions = nil
	case "grants":
		c.Grants = []oauth.GrantType{oauth.ClientCredentials}
	case "auth_methods":
		c.AuthMethods = nil
	case "dialects":
		c.Dialects = nil
	case "token_form":
		c.TokenForm = ""
	case "lifetime":
		c.Lifetime = 0
	case "allow_from":
		c.AllowFrom = nil
	case "expires":
		c.Expires = Until{}
	case "resource_servers":
		if c.ResourceServers = nil; len(c.Grants) == 0 { // it would be asked for one
			c.Grants = []oauth.GrantType{oauth.ClientCredentials}
		}
	default:
		return false
	}
	return true
}
