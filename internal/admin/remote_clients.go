package admin

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// asked are parameters without those that are empty.
func asked(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

// page spells how many are asked for: as many as the API gives at most, and its own choice for 0.
func page(limit int) string {
	if limit <= 0 {
		return ""
	}
	return strconv.Itoa(min(limit, maxPage))
}

// FindClients returns a page of clients.
func (r *Remote) FindClients(ctx context.Context, q directory.Search) (directory.Page, error) {
	order := ""
	if q.Descending {
		order = string(Desc)
	}
	var out ClientPage
	err := r.do(ctx, request{method: http.MethodGet, path: []string{"clients"}, query: asked("q", q.Text, "state", q.State, "permission", q.Permission,
		"sort", q.Sort, "order", order, "cursor", q.After, "limit", page(q.Limit))}, &out)
	found := directory.Page{Next: out.Next, Total: out.Total}
	for i := range out.Clients {
		if err != nil {
			break
		}
		var c *registry.Client
		c, err = clientIn(r.tenant, &out.Clients[i])
		found.Clients = append(found.Clients, c)
	}
	return found, err
}

// onClient sends a request that is answered with a client.
func (r *Remote) onClient(ctx context.Context, q request) (*registry.Client, error) {
	var out Client
	if err := r.do(ctx, q, &out); err != nil {
		return nil, err
	}
	return clientIn(r.tenant, &out)
}

// issued sends a request that is answered with a client and its secret.
func (r *Remote) issued(ctx context.Context, q request) (*registry.Client, oauth.Secret, error) {
	var out IssuedClient
	if err := r.do(ctx, q, &out); err != nil {
		return nil, "", err
	}
	c, err := clientIn(r.tenant, &out.Client)
	return c, oauth.Secret(out.Secret), err
}

// Client returns a client as the server has it now.
func (r *Remote) Client(ctx context.Context, id string) (*registry.Client, error) {
	return r.onClient(ctx, request{method: http.MethodGet, path: []string{"clients", id}})
}

// CreateClient registers a client and returns it with its first secret.
func (r *Remote) CreateClient(ctx context.Context, c registry.Client) (*registry.Client, oauth.Secret, error) {
	in := as[NewClient](writable(&c))
	in.Id = c.ID
	q := request{method: http.MethodPost, path: []string{"clients"}, once: true, in: in}
	if r.rehearsing {
		would, err := rehearse(ctx, r, q, &c)
		return would, "", err
	}
	return r.issued(ctx, q)
}

// ImportClient registers a client with an id and a secret that exist already.
func (r *Remote) ImportClient(ctx context.Context, c registry.Client, text oauth.Secret, hash string) (*registry.Client, error) {
	in := as[ImportedClient](writable(&c))
	in.Id, in.Secret, in.Hash = c.ID, text.Reveal(), hash
	q := request{method: http.MethodPost, path: []string{"clients", "import"}, once: true, in: in}
	if r.rehearsing {
		return rehearse(ctx, r, q, &c)
	}
	return r.onClient(ctx, q)
}

// UpdateClient reads a client, lets edit change it and writes it back, in what may be written. edit may be called again when another
// writer was faster and rev is 0. act is the name of the change in the audit record: one that the contract lists.
func (r *Remote) UpdateClient(ctx context.Context, id, act string, rev uint64, edit func(*registry.Client) error) (*registry.Client, error) {
	return change[*registry.Client]{
		read:  func(ctx context.Context) (*registry.Client, error) { return r.Client(ctx, id) },
		state: func(c *registry.Client) (uint64, string, time.Time) { return c.Rev, c.UpdatedBy, c.Updated },
		edit:  edit,
		write: func(ctx context.Context, c *registry.Client, seen uint64) (*registry.Client, error) {
			q := request{method: http.MethodPut, path: []string{"clients", id}, query: asked("act", act), match: match(seen), in: writable(c)}
			if r.rehearsing {
				return rehearse(ctx, r, q, c)
			}
			return r.onClient(ctx, q)
		},
	}.run(ctx, rev)
}

// DisableClient stops a client, its tokens included, or lets it start again.
func (r *Remote) DisableClient(ctx context.Context, id string, rev uint64, disabled bool) (*registry.Client, error) {
	return r.onClient(ctx, request{method: http.MethodPost, path: []string{"clients", id, turn(disabled)}, match: match(rev)})
}

func turn(disabled bool) string {
	if disabled {
		return "disable"
	}
	return "enable"
}

// DeleteClient ends a client for good.
func (r *Remote) DeleteClient(ctx context.Context, id string, rev uint64) error {
	return r.do(ctx, request{method: http.MethodDelete, path: []string{"clients", id}, match: match(rev)}, nil)
}

// RotateSecret gives a client a new secret; the present ones work for overlap still, rounded up to seconds.
func (r *Remote) RotateSecret(ctx context.Context, id string, rev uint64, overlap time.Duration) (*registry.Client, oauth.Secret, error) {
	seconds := int64((overlap + time.Second - 1) / time.Second)
	return r.issued(ctx, request{method: http.MethodPost, path: []string{"clients", id, "rotate"}, match: match(rev), once: true, in: Rotation{Overlap: seconds}})
}

// RetireSecret ends an old secret of a client now.
func (r *Remote) RetireSecret(ctx context.Context, id string, rev uint64, credential string) (*registry.Client, error) {
	return r.onClient(ctx, request{method: http.MethodPost, path: []string{"clients", id, "retire"}, match: match(rev), in: Retirement{Credential: credential}})
}

// UndoRotation ends the new secret of a client, and gives the old one back the expiry it had.
func (r *Remote) UndoRotation(ctx context.Context, id string, rev uint64) (*registry.Client, error) {
	return r.onClient(ctx, request{method: http.MethodPost, path: []string{"clients", id, "undo-rotation"}, match: match(rev)})
}

// RevokeClientTokens ends the tokens that a client was given so far.
func (r *Remote) RevokeClientTokens(ctx context.Context, id string) error {
	return r.do(ctx, request{method: http.MethodPost, path: []string{"clients", id, "revoke-tokens"}}, nil)
}
