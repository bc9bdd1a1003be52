package registry

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// A hundred thousand clients may be remembered. The garbage collector visits each thing that lies somewhere by itself, again and
// again, and what many clients share is in the processor's cache already. So a remembered client is a few things and not twenty.

// readCompact reads a client for the memory of clients.
func (r *Registry) readCompact(ctx context.Context, n name) (*Client, error) {
	c, err := r.readClient(ctx, n)
	if err != nil {
		return nil, err
	}
	if t, ok := r.Tenant(n.tenant); ok {
		r.holdings.share(t, c)
	}
	if slices.Equal(c.Grants, usualGrants) {
		c.Grants = usualGrants
	}
	c.compact()
	return c, nil
}

// usualGrants are those of nearly every client.
var usualGrants = []oauth.GrantType{oauth.ClientCredentials}

// compact makes one text of all texts that are the client's own.
func (c *Client) compact() {
	texts := []*string{&c.Name, &c.Description, &c.CreatedBy, &c.UpdatedBy}
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
}

// maxHoldings is how many combinations of permissions are shared; most tenants hand out a handful.
const maxHoldings = 1000

// holdings are combinations of permissions that clients hold, each with what follows from it.
type holdings struct {
	mu    sync.Mutex
	known map[holding]*Client // of each, a client that has nothing else
}

type holding struct {
	tenant *Tenant // as the settings last made it: with others come other audiences
	scope  string
}

// share lets a client have its permissions, scope and audiences in common with all who hold the same.
func (h *holdings) share(t *Tenant, c *Client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := holding{t, c.Scope}
	of := h.known[key]
	if of == nil {
		of = &Client{Permissions: c.Permissions, Scope: c.Scope, Audiences: t.Audiences(c.Permissions)}
		if h.known == nil || len(h.known) >= maxHoldings {
			h.known = map[holding]*Client{}
		}
		h.known[key] = of
	}
	c.Permissions, c.Scope, c.Audiences = of.Permissions, of.Scope, of.Audiences
}
