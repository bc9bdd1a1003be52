package office

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// FindClients returns a page of clients.
func (d *Desk) FindClients(ctx context.Context, q directory.Search) (directory.Page, error) {
	if err := d.may(operator.ReadClients); err != nil {
		return directory.Page{}, err
	}
	page, err := d.office.Directory.Find(ctx, d.tenant, q)
	page.Clients = slices.Clone(page.Clients)
	for i, c := range page.Clients {
		page.Clients[i] = bareClient(c)
	}
	return page, err
}

// Holders returns how many clients hold each permission; one that nobody holds is not in it.
func (d *Desk) Holders(ctx context.Context) (map[string]int, error) {
	if err := d.may(operator.ReadClients); err != nil {
		return nil, err
	}
	return d.office.Directory.Holders(ctx, d.tenant)
}

// Client returns a client as the store has it now, with the last use of each secret; a deleted one as such.
func (d *Desk) Client(ctx context.Context, id string) (*registry.Client, error) {
	if err := d.may(operator.ReadClients); err != nil {
		return nil, err
	}
	c, err := d.office.Registry.InspectClient(ctx, d.tenant, id)
	return bareClient(c), err
}

// Usage returns how a client has used what it may do.
func (d *Desk) Usage(ctx context.Context, id string) (registry.Usage, error) {
	if err := d.may(operator.ReadClients); err != nil {
		return registry.Usage{}, err
	}
	return d.office.Registry.Usage(ctx, d.tenant, id)
}

// CreateClient registers a client and returns it with its first secret, which is not kept and cannot be shown again. Of what is
// given counts what an operator may write; an empty ID is drawn.
func (d *Desk) CreateClient(ctx context.Context, c registry.Client) (*registry.Client, oauth.Secret, error) {
	if err := d.mayMake(&c); err != nil {
		return nil, "", err
	}
	made, text, err := d.office.Registry.CreateClient(ctx, d.who.By, d.written(&c))
	return bareClient(made), text, err
}

// ImportClient registers a client with an id and a secret that exist already, in clear or as a hash.
func (d *Desk) ImportClient(ctx context.Context, c registry.Client, text oauth.Secret, hash string) (*registry.Client, error) {
	if err := d.mayMake(&c); err != nil {
		return nil, err
	}
	made, err := d.office.Registry.ImportClient(ctx, d.who.By, d.written(&c), text, hash)
	return bareClient(made), err
}

func (d *Desk) mayMake(c *registry.Client) error {
	if err := d.may(operator.ChangeClients); err != nil {
		return err
	}
	return d.mayGrant(c.Permissions)
}

// written keeps of a client what an operator may write, whatever a surface has let through.
func (d *Desk) written(c *registry.Client) registry.Client {
	return registry.Client{Tenant: d.tenant, ID: c.ID, ClientSpec: c.ClientSpec}
}

// UpdateClient changes what an operator may write of a client; anything else that edit changes is put back. act names the change in the
// audit record. rev is the revision its author has seen, or 0. edit may be called again when another writer was faster.
func (d *Desk) UpdateClient(ctx context.Context, id, act string, rev uint64, edit func(*registry.Client) error) (*registry.Client, error) {
	return d.changeClient(ctx, operator.ChangeClients, cmp.Or(act, "client.update"), id, rev, func(c *registry.Client) error {
		kept := *c
		c.Credentials = bareCredentials(kept.Credentials)
		if err := edit(c); err != nil {
			return err
		}
		c.Credentials, c.Deleted, c.NotBefore = kept.Credentials, kept.Deleted, kept.NotBefore
		return nil
	})
}

// DisableClient stops a client, its tokens included, or lets it start again. To stop an operators' program needs no right to grant one.
func (d *Desk) DisableClient(ctx context.Context, id string, rev uint64, disabled bool) (*registry.Client, error) {
	if !disabled {
		return d.changeClient(ctx, operator.ChangeClients, "client.enable", id, rev, func(c *registry.Client) error { c.Disabled = false; return nil })
	}
	if err := d.may(operator.ChangeClients); err != nil {
		return nil, err
	}
	return d.editClient(ctx, "client.disable", id, rev, func(c *registry.Client) error { c.Disabled = true; return nil })
}

// DeleteClient ends a client for good. Its id stays taken, its secrets are forgotten.
func (d *Desk) DeleteClient(ctx context.Context, id string, rev uint64) error {
	_, err := d.changeClient(ctx, operator.DeleteClients, "client.delete", id, rev, func(c *registry.Client) error {
		c.Delete()
		return nil
	})
	return err
}

// RotateSecret gives a client a new secret, which is not kept and cannot be shown again; the present ones work for overlap still.
func (d *Desk) RotateSecret(ctx context.Context, id string, rev uint64, overlap time.Duration) (*registry.Client, oauth.Secret, error) {
	var text oauth.Secret
	c, err := d.changeClient(ctx, operator.ChangeClients, "client.rotate", id, rev, func(c *registry.Client) (err error) {
		text, err = c.Rotate(d.office.Now(), overlap)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return c, text, nil
}

// RetireSecret ends an old secret of a client now.
func (d *Desk) RetireSecret(ctx context.Context, id string, rev uint64, credential string) (*registry.Client, error) {
	return d.changeClient(ctx, operator.ChangeClients, "client.retire-secret", id, rev, func(c *registry.Client) error {
		return c.Retire(d.office.Now(), credential)
	})
}

// UndoRotation ends the new secret of a client, and gives the old one back the expiry it had.
func (d *Desk) UndoRotation(ctx context.Context, id string, rev uint64) (*registry.Client, error) {
	return d.changeClient(ctx, operator.ChangeClients, "client.undo-rotation", id, rev, func(c *registry.Client) error {
		return c.UndoRotation(d.office.Now())
	})
}

// RevokeClientTokens ends the tokens that a client was given so far. It may ask for new ones.
func (d *Desk) RevokeClientTokens(ctx context.Context, id string) error {
	if err := d.may(operator.RevokeTokens); err != nil {
		return err
	}
	return d.lostClient(ctx, id, d.office.Registry.RevokeClient(ctx, d.who.By, d.tenant, id))
}

// changeClient changes a client by somebody who has the right to, and to the operators' API where the client has it before or after.
func (d *Desk) changeClient(ctx context.Context, right operator.Right, act, id string, rev uint64,
	edit func(*registry.Client) error) (*registry.Client, error) {
	if err := d.may(right); err != nil {
		return nil, err
	}
	return d.editClient(ctx, act, id, rev, func(c *registry.Client) error {
		if err := d.mayGrant(c.Permissions); err != nil {
			return err
		}
		if err := edit(c); err != nil {
			return err
		}
		return d.mayGrant(c.Permissions)
	})
}

// editClient changes a client whose author has seen revision rev.
func (d *Desk) editClient(ctx context.Context, act, id string, rev uint64, edit func(*registry.Client) error) (*registry.Client, error) {
	changed, err := d.office.Registry.UpdateClient(ctx, d.who.By, act, d.tenant, id, func(c *registry.Client) error {
		if err := unchanged(rev, c.Rev, c.UpdatedBy, c.Updated); err != nil {
			return err
		}
		return edit(c)
	})
	return bareClient(changed), d.lostClient(ctx, id, err)
}

// lostClient says who was faster when the store says that somebody was.
func (d *Desk) lostClient(ctx context.Context, id string, err error) error {
	if !errors.Is(err, store.ErrConflict) {
		return err
	}
	if now, failed := d.office.Registry.InspectClient(ctx, d.tenant, id); failed == nil {
		return &Changed{now.UpdatedBy, now.Updated}
	}
	return ErrChanged
}
