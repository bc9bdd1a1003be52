package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// maxTries is how often an update that lost a race reads again before it gives up.
const maxTries = 5

// Client returns a client, from memory where it is remembered. Deleted ones are returned as such.
func (r *Registry) Client(ctx context.Context, tenant, id string) (*Client, error) {
	return r.clients.get(ctx, name{tenant, id})
}

func (r *Registry) readClient(ctx context.Context, n name) (*Client, error) {
	t, err := r.tenant(n.tenant)
	if err != nil {
		return nil, err
	}
	c := &Client{Tenant: n.tenant, ID: n.id}
	if c.Rev, err = r.get(ctx, n, store.Client, c); err != nil {
		return nil, err
	}
	r.ready(t, c)
	return c, nil
}

// ready fills in what the hot path reads.
func (r *Registry) ready(t *Tenant, c *Client) {
	c.ready(t)
	if c.Slow() {
		r.slow.Store(c.Tenant, true)
	}
	if c.Guessable() {
		r.slow.Store(guessable{c.Tenant}, true)
	}
}

// guessable is how a tenant is remembered where secrets were made elsewhere.
type guessable struct{ tenant string }

// HasGuessable reports, as HasSlowSecrets does, whether a client of the tenant was seen that is Guessable: what a wrong guess at one is
// answered with, every other client's wrong secret and every unknown id is answered with as well.
func (r *Registry) HasGuessable(tenant string) bool {
	_, weak := r.slow.Load(guessable{tenant})
	return weak
}

// HasSlowSecrets reports whether some client of the tenant was seen, since the process began, whose secret was kept under a slow hash: it
// is about the time that answers take, and asks no store. Who reads all of them at the start (directory.Survey) sees to it that the first who
// asks for such a client learns nothing from the time it takes. Whether there is such a client now, directory.SlowSecrets says.
func (r *Registry) HasSlowSecrets(tenant string) bool {
	_, slow := r.slow.Load(tenant)
	return slow
}

// InspectClient returns a client as the store has it now, with the last use of each secret.
func (r *Registry) InspectClient(ctx context.Context, tenant, id string) (*Client, error) {
	c, err := r.readClient(ctx, name{tenant, id})
	if err != nil {
		return nil, err
	}
	return c, r.addLastUses(ctx, c)
}

// Clients returns a page of a tenant's clients in the order of their ids, from the one after the given id; deleted ones are left
// out. next is what to go on from, empty at the end.
func (r *Registry) Clients(ctx context.Context, tenant, after string, limit int) (page []*Client, next string, err error) {
	t, err := r.tenant(tenant)
	if err != nil {
		return nil, "", err
	}
	q := store.Query{Tenant: tenant, Kind: store.Client, After: after, Limit: limit}
	records, err := r.store.List(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("list clients: %w", err)
	}
	for _, rec := range records {
		c := &Client{Tenant: tenant, ID: rec.ID, Rev: rec.Rev}
		if err := decode(rec, c); err != nil {
			return nil, "", err
		}
		if r.ready(t, c); !c.Deleted {
			page = append(page, c)
		}
	}
	if len(records) == q.Page() {
		next = records[len(records)-1].ID
	}
	return page, next, nil
}

// CreateClient registers a client and returns it with its first secret, which is not kept and cannot be shown again. An empty ID
// is drawn. by is who does it.
func (r *Registry) CreateClient(ctx context.Context, by string, c Client) (*Client, oauth.Secret, error) {
	text := secret.New(SecretPrefix)
	made, err := r.register(ctx, by, "client.create", c, Credential{Hash: secret.HashSecret(text)})
	if err != nil {
		return nil, "", err
	}
	return made, oauth.Secret(text), nil
}

// ImportClient registers a client with an id and a secret that exist already: in clear, or as a hash of sha256, bcrypt, PBKDF2 or
// argon2id. A slow hash is replaced by a fast one at its first success.
func (r *Registry) ImportClient(ctx context.Context, by string, c Client, text oauth.Secret, hash string) (*Client, error) {
	cred := Credential{Imported: true}
	switch {
	case (text == "") == (hash == ""):
		return nil, problem("secret", "an import needs the secret in clear or its hash, one of the two")
	case text != "":
		if len(text) > 256 {
			return nil, problem("secret", "a secret is 256 bytes at most")
		}
		if s := text.Reveal(); !oneLine(s) || strings.TrimSpace(s) != s {
			return nil, problem("secret", "a secret is one line of UTF-8 text, without control characters and without white space around it: in another form no caller could present it")
		}
		cred.Hash = secret.HashSecret(text.Reveal())
	default:
		h, err := secret.ParseHash(hash)
		if err != nil {
			return nil, problem("hash", "%v", err)
		}
		cred.Hash = h
	}
	if c.ID == "" {
		return nil, problem("id", "an import needs the client's id")
	}
	return r.register(ctx, by, "client.import", c, cred)
}

func (r *Registry) register(ctx context.Context, by, act string, c Client, cred Credential) (*Client, error) {
	t, err := r.tenant(c.Tenant)
	if err != nil {
		return nil, err
	}
	now := r.now()
	if c.ID == "" {
		c.ID = secret.NewID(now)
	}
	if err := c.check(t, &Client{}, now); err != nil {
		return nil, err
	}
	if err := r.notAUser(ctx, c.Tenant, c.ID); err != nil {
		return nil, err
	}
	cred.ID, cred.Created = secret.NewID(now), now
	c.Credentials = []Credential{cred}
	c.Created, c.CreatedBy, c.Updated, c.UpdatedBy = now, by, now, by
	rec := c.record()
	rec.Rev = 0
	err = r.save(ctx, audit.Event{Tenant: c.Tenant, Act: act, Actor: by, Subject: "client:" + c.ID, Changes: c.changes(&Client{})}, nil, rec)
	if errors.Is(err, store.ErrConflict) {
		return nil, problem("id", "client %s of tenant %s exists, or has existed: an id is never given again", c.ID, c.Tenant)
	}
	if err != nil {
		return nil, err
	}
	c.Rev = 1
	r.ready(t, &c)
	return &c, nil
}

// notAUser refuses a client id that is a user's name: a token's sub must not be mistaken (RFC 9068, section 5).
func (r *Registry) notAUser(ctx context.Context, tenant, id string) error {
	canonical, err := canonicalName(id)
	if err != nil {
		return nil // no user can have this name
	}
	switch _, err := r.store.Get(ctx, tenant, store.Login, canonical); {
	case err == nil:
		return problem("id", "%s is the name of a user of tenant %s", id, tenant)
	case !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("look for a user of that name: %w", err)
	}
	return nil
}

// UpdateClient changes a client. edit sees the present state and may be called again when another writer was faster; what it may
// not change (whose it is, its id, who made it) is put back. act names the change in the audit record.
func (r *Registry) UpdateClient(ctx context.Context, by, act, tenant, id string, edit func(*Client) error) (*Client, error) {
	t, err := r.tenant(tenant)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		c, err := r.readClient(ctx, name{tenant, id})
		if err != nil {
			return nil, err
		}
		if c.Deleted {
			return nil, fmt.Errorf("client %q of tenant %s is deleted: %w", id, tenant, ErrNotFound)
		}
		before := *c
		before.Grants, before.Permissions = slices.Clone(c.Grants), slices.Clone(c.Permissions) // edit may change them in place
		before.ResourceServers = slices.Clone(c.ResourceServers)
		if err := edit(c); err != nil {
			return nil, err
		}
		c.Tenant, c.ID, c.Rev, c.Created, c.CreatedBy = before.Tenant, before.ID, before.Rev, before.Created, before.CreatedBy
		c.Updated, c.UpdatedBy = r.now(), by
		if err := c.check(t, &before, c.Updated); err != nil {
			return nil, err
		}
		if c.Barred(c.Updated) != "" && before.Barred(c.Updated) == "" || c.endsSooner(&before) {
			c.NotBefore = c.Updated // tokens given out so far do not come back to life when the client does, nor outlive it
		}
		taken := takenBack(tenant, revocation.Client, id, before.NotBefore, &c.NotBefore)
		err = r.save(ctx, audit.Event{Tenant: tenant, Act: act, Actor: by, Subject: "client:" + id, Changes: c.changes(&before)}, taken, c.record())
		if errors.Is(err, store.ErrConflict) && try < maxTries {
			continue
		}
		if err != nil {
			return nil, err
		}
		c.Rev++
		r.ready(t, c)
		return c, nil
	}
}

// endsSooner reports whether a client ends before it would have, and so soon that a token given out before may live on.
func (c *Client) endsSooner(before *Client) bool {
	return !c.Expires.IsZero() && (before.Expires.IsZero() || c.Expires.Before(before.Expires.Time)) && c.Expires.Before(c.Updated.Add(feed.Horizon))
}

// RevokeClient ends the tokens that a client was given so far. The client may ask for new ones.
func (r *Registry) RevokeClient(ctx context.Context, by, tenant, id string) error {
	_, err := r.UpdateClient(ctx, by, "client.revoke-tokens", tenant, id, func(c *Client) error { c.NotBefore = r.now(); return nil })
	return err
}

// Delete ends a client for good. Its id stays taken, its secrets are forgotten. It is an edit for UpdateClient.
func (c *Client) Delete() { c.Deleted, c.Credentials = true, nil }

// UpgradeSecret replaces the slow hash of an imported secret, which has just been checked, by a fast one.
func (r *Registry) UpgradeSecret(ctx context.Context, c *Client, credential string, text oauth.Secret) error {
	_, err := r.UpdateClient(ctx, "client:"+c.ID, "client.upgrade-secret", c.Tenant, c.ID, func(c *Client) error {
		for i := range c.Credentials {
			if c.Credentials[i].ID == credential {
				c.Credentials[i].Hash = secret.HashSecret(text.Reveal())
			}
		}
		return nil
	})
	return err
}

// record is the client's stored form.
func (c *Client) record() store.Record {
	return store.Record{Tenant: c.Tenant, Kind: store.Client, ID: c.ID, Rev: c.Rev, Label: c.Name, Body: encode(c)}
}
