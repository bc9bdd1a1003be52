package registry

import (
	"context"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// readCompact reads a client for the memory of clients.
func (r *Registry) readCompact(ctx context.Context, n name) (*Client, error) {
	c, err := r.readClient(ctx, n)
	if err == nil {
		c.compact()
	}
	return c, err
}

// grantNames are texts of the program, which lie nowhere by themselves.
var grantNames = []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken}

// compact makes one text of all the client's texts, and its permissions parts of its scope. A hundred thousand clients may be
// remembered, and the garbage collector visits each thing that lies somewhere by itself, again and again.
func (c *Client) compact() {
	texts := []*string{&c.Scope, &c.Name, &c.Description, &c.CreatedBy, &c.UpdatedBy}
	for i := range c.Credentials {
		cred := &c.Credentials[i]
		texts = append(texts, &cred.ID, (*string)(&cred.Hash))
	}
	var all strings.Builder
	for _, t := range texts {
		all.WriteString(*t)
	}
	rest := all.String()
	for _, t := range texts {
		*t, rest = rest[:len(*t)], rest[len(*t):]
	}
	c.Permissions = strings.Fields(c.Scope)
	for i, g := range c.Grants {
		if k := slices.Index(grantNames, g); k >= 0 {
			c.Grants[i] = grantNames[k]
		}
	}
}
