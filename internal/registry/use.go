package registry

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// How exactly the last use of a secret is known, and how many uses may wait to be written down.
const (
	useEvery = time.Minute
	useQueue = 4096
)

// use is the stored form of a last use, keyed by client and credential.
type use struct {
	At   time.Time `json:"at"`
	From string    `json:"from"`
}

type noted struct {
	name name
	use  use
}

// uses are the last uses that wait to be written down.
type uses struct{ queue chan noted }

func (u *uses) init() { u.queue = make(chan noted, useQueue) }

// Used notes that a secret of the client has worked. It neither waits nor writes: at most once a minute for each secret, the note
// is queued for WriteUses.
func (r *Registry) Used(c *Client, cred *Credential, from netip.Addr) {
	now := r.now()
	last := cred.used.Load()
	if now.Unix()-last < int64(useEvery/time.Second) || !cred.used.CompareAndSwap(last, now.Unix()) {
		return
	}
	select {
	case r.uses.queue <- noted{name{c.Tenant, c.ID + "/" + cred.ID}, use{now, from.String()}}:
	default: // more secrets at work than can be noted; the next minute tries again
	}
}

// WriteUses writes last uses down until ctx is done, then what is queued still.
func (r *Registry) WriteUses(ctx context.Context) {
	write := context.WithoutCancel(ctx) // what has been begun is finished
	for {
		select {
		case n := <-r.uses.queue:
			r.writeUse(write, n)
		case <-ctx.Done():
			for len(r.uses.queue) > 0 {
				r.writeUse(write, <-r.uses.queue)
			}
			return
		}
	}
}

// writeUse keeps the later of two uses. A failed write is lost: the next use of the secret is noted again.
func (r *Registry) writeUse(ctx context.Context, n noted) {
	rec, err := r.store.Get(ctx, n.name.tenant, store.Use, n.name.id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return
	}
	var before use
	if err == nil && json.Unmarshal(rec.Body, &before) == nil && before.At.After(n.use.At) {
		return
	}
	_ = r.store.Put(ctx, store.Record{Tenant: n.name.tenant, Kind: store.Use, ID: n.name.id, Rev: rec.Rev, Body: encode(n.use)})
}

// lastUses fills in when and from where each secret of a client was used last.
func (r *Registry) lastUses(ctx context.Context, c *Client) error {
	for i := range c.Credentials {
		var u use
		_, err := r.get(ctx, name{c.Tenant, c.ID + "/" + c.Credentials[i].ID}, store.Use, &u)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		c.Credentials[i].LastUsed, c.Credentials[i].LastUsedFrom = u.At, u.From
	}
	return nil
}
