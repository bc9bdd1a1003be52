package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// maxStale is how many changed clients a directory reads again one by one; after more changes than that it is made anew.
const maxStale = 4096

// directory is what is known of all clients of a tenant at once, to look for some of them and to see what ends soon. It is made when it
// is needed first, or by Survey, and kept up to date from then on: who was changed is read again when somebody looks next.
//
// No request for a token waits for a search: what changes a client only notes an id here, and it is the writer of uses that waits.
type directory struct {
	turn     chan struct{} // held by whoever reads the store for it: one at a time, so that nothing older is put over something newer
	progress progress
	fault    error // of the last reading, where nobody waited for its end; whoever has the turn may look

	look   sync.RWMutex // held while the roster is looked through, some milliseconds
	roster *roster

	mu    sync.Mutex // held for a moment only
	state directoryState
	era   uint64              // counts how often everything was to be read again
	stale map[string]struct{} // ids that were changed since they were read
}

type directoryState int

const (
	absent directoryState = iota // or not to be trusted
	making
	made
)

func newDirectory() *directory {
	return &directory{turn: make(chan struct{}, 1), roster: newRoster(), stale: map[string]struct{}{}}
}

// directory returns the directory of a tenant, or nil where there is no such tenant.
func (r *Registry) directory(tenant string) *directory {
	if d, ok := r.directories.Load(tenant); ok {
		return d.(*directory)
	}
	if _, ok := r.Tenant(tenant); !ok {
		return nil
	}
	d, _ := r.directories.LoadOrStore(tenant, newDirectory())
	return d.(*directory)
}

// keepDirectories forgets those of tenants that are no more.
func (r *Registry) keepDirectories(tenants map[string]*Tenant) {
	for t := range r.directories.Range {
		if tenants[t.(string)] == nil {
			r.directories.Delete(t)
		}
	}
}

// changed notes that a client is no longer what the directory says.
func (d *directory) changed(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state == absent {
		return
	}
	if len(d.stale) >= maxStale {
		d.distrust()
		return
	}
	d.stale[strings.Clone(id)] = struct{}{}
}

// missed notes that any client may have changed.
func (d *directory) missed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.distrust()
}

func (d *directory) distrust() {
	d.state = absent
	d.era++
	clear(d.stale)
}

// used notes when a client was used.
func (d *directory) used(id string, at time.Time) {
	d.mu.Lock()
	if d.state == making && len(d.stale) < maxStale { // what is being made may have read it before
		d.stale[id] = struct{}{}
	}
	d.mu.Unlock()
	d.look.Lock()
	defer d.look.Unlock()
	d.roster.used(id, at.Unix())
}

// fresh sees to it that the directory has every change that was made before the call.
func (d *directory) fresh(ctx context.Context, r *Registry, tenant string) error {
	if patience, ok := ctx.Value(patienceKey{}).(time.Duration); ok {
		return d.freshWithin(ctx, r, tenant, patience)
	}
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.turn }()
	return d.read(ctx, r, tenant)
}

// read reads all or what has changed. The caller has the turn.
func (d *directory) read(ctx context.Context, r *Registry, tenant string) error {
	d.progress.begin()
	d.fault = nil
	d.mu.Lock()
	state, era := d.state, d.era
	if state == absent {
		d.state = making
	}
	d.mu.Unlock()
	if state == absent {
		if err := d.make(ctx, r, tenant, era); err != nil {
			d.missed()
			return err
		}
	}
	return d.refresh(ctx, r, tenant)
}

// make reads everything, page by page.
func (d *directory) make(ctx context.Context, r *Registry, tenant string, era uint64) error {
	t := newRoster()
	for after := ""; ; {
		page, next, err := r.Clients(ctx, tenant, after, store.MaxLimit)
		if err != nil {
			return err
		}
		for _, c := range page {
			t.put(c)
		}
		d.progress.clients.Add(int64(len(page)))
		if after = next; after == "" {
			break
		}
	}
	q := store.Query{Tenant: tenant, Kind: store.Use, Limit: store.MaxLimit}
	for {
		page, err := r.store.List(ctx, q)
		if err != nil {
			return fmt.Errorf("list uses: %w", err)
		}
		for _, rec := range page {
			var u use
			if cut := strings.LastIndexByte(rec.ID, '/'); cut > 0 && rec.ID[cut+1:] != permissionsPart && decode(rec, &u) == nil {
				t.used(rec.ID[:cut], u.At.Unix())
			}
		}
		d.progress.uses.Add(int64(len(page)))
		if len(page) < q.Page() {
			break
		}
		q.After = page[len(page)-1].ID
	}
	t.repack()
	d.look.Lock()
	d.roster = t
	d.look.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.era == era {
		d.state = made
	}
	return nil
}

// refresh reads again who was changed.
func (d *directory) refresh(ctx context.Context, r *Registry, tenant string) error {
	d.mu.Lock()
	if len(d.stale) == 0 {
		d.mu.Unlock()
		return nil
	}
	stale := d.stale
	d.stale = map[string]struct{}{}
	d.mu.Unlock()
	for id := range stale {
		c, err := r.InspectClient(ctx, tenant, id)
		if errors.Is(err, ErrNotFound) {
			c, err = &Client{ID: id, Deleted: true}, nil
		}
		if err != nil {
			d.again(stale)
			return err
		}
		d.look.Lock()
		d.roster.put(c)
		d.look.Unlock()
		d.progress.clients.Add(1)
		delete(stale, id)
	}
	return nil
}

// again notes once more who was changed and could not be read.
func (d *directory) again(ids map[string]struct{}) {
	for id := range ids {
		d.changed(id)
	}
}
