package registry

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// How exactly the last use of a secret is known, and how many uses may wait to be written down. Four hundred a second cost a hundredth of
// a core; where more secrets than that are at work all the time, a last use may be some minutes old.
const (
	useEvery = time.Minute
	useQueue = 4096
	useBatch = 100
	useTick  = 250 * time.Millisecond
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

// WriteUses writes last uses down until ctx is done, then what is queued still: at once, but no more than a batch four times a second,
// so that many clients at work cost a small and even share of the store.
func (r *Registry) WriteUses(ctx context.Context) {
	write := context.WithoutCancel(ctx) // what has been begun is finished
	for ctx.Err() == nil {
		select {
		case n := <-r.uses.queue:
			r.keepUses(write, r.batch(n))
		case <-ctx.Done():
		}
		select {
		case <-time.After(useTick):
		case <-ctx.Done():
		}
	}
	for len(r.uses.queue) > 0 {
		r.keepUses(write, r.batch(<-r.uses.queue))
	}
}

// batch collects what is queued, the latest use of each secret.
func (r *Registry) batch(first noted) map[name]use {
	latest := map[name]use{first.name: first.use}
	for range min(useBatch, len(r.uses.queue)) {
		if n := <-r.uses.queue; !latest[n.name].At.After(n.use.At) {
			latest[n.name] = n.use
		}
	}
	return latest
}

// keepUses puts uses in the place of earlier ones. A failed write is lost: the next use of the secret is noted again.
func (r *Registry) keepUses(ctx context.Context, latest map[name]use) {
	var batch []store.Record
	for n, u := range latest {
		if rec, ok := r.useRecord(ctx, noted{n, u}); ok {
			batch = append(batch, rec)
		}
	}
	if len(batch) == 0 {
		return
	}
	if err := r.store.Put(ctx, batch...); errors.Is(err, store.ErrConflict) { // another process notes uses of the same secrets
		for _, rec := range batch {
			_ = r.store.Put(ctx, rec)
		}
	}
}

// useRecord returns what to write for a use, unless a later one is written down already.
func (r *Registry) useRecord(ctx context.Context, n noted) (store.Record, bool) {
	rec, err := r.store.Get(ctx, n.name.tenant, store.Use, n.name.id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return rec, false
	}
	var before use
	if err == nil && json.Unmarshal(rec.Body, &before) == nil && before.At.After(n.use.At) {
		return rec, false
	}
	return store.Record{Tenant: n.name.tenant, Kind: store.Use, ID: n.name.id, Rev: rec.Rev, Body: encode(n.use)}, true
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
