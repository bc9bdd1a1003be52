// Package directory knows all clients of a tenant at once: it finds some of them by name, state, permission or last use, counts who holds
// what, and says what ends soon. It keeps them in memory, a plain row and a piece of text for each, about 150 bytes.
//
// It decides nothing and writes nothing. What it knows it has from package registry, which tells it what has changed and reads to it who
// that is now; what it returns of a client is what the store has at that moment. The directory of a tenant is made when it is needed first,
// or by Survey, and kept up to date from then on: every change that this process made or heard of before a call is in its answer.
//
// No request for a token waits for it. Operators do, for the first answer after a start; who does not want to says so (WithPatience).
// Package office asks it for operators, package expiry for those who are warned. All methods may be called concurrently.
package directory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
)

// Directory is the directory of one registry. Make one with New.
type Directory struct {
	registry *registry.Registry
	sealer   *secret.Sealer // of cursors
	now      func() time.Time
	sections sync.Map // of *section, by the tenant's name
	behind   behind   // reads them while nobody waits
}

// New makes a directory of a registry, before anybody else uses that. It reads nothing until it is asked.
func New(r *registry.Registry, sealer *secret.Sealer, now func() time.Time) *Directory {
	d := &Directory{registry: r, sealer: sealer, now: now}
	r.Watch((*watcher)(d))
	return d
}

// Survey looks at every client once, for registry.HasSlowSecrets and for the first who searches, and goes on with what callers have no
// patience for until ctx is done. Where the store fails, the clients are looked at as they are asked for.
func (d *Directory) Survey(ctx context.Context) {
	d.behind.open(ctx, func() {
		for _, t := range d.registry.Tenants() {
			if s, err := d.section(t.Name); err == nil {
				_ = s.fresh(ctx)
			}
		}
	})
}

// section returns what there is on a tenant. registry.ErrNotFound says that there is no such tenant.
func (d *Directory) section(tenant string) (*section, error) {
	if _, ok := d.registry.Tenant(tenant); !ok {
		return nil, fmt.Errorf("tenant %q: %w", tenant, registry.ErrNotFound)
	}
	if s, ok := d.sections.Load(tenant); ok {
		return s.(*section), nil
	}
	s, _ := d.sections.LoadOrStore(tenant, newSection(d, tenant))
	return s.(*section), nil
}

// lookThrough is that of a tenant's section.
func (d *Directory) lookThrough(ctx context.Context, tenant string, look func(*roster)) error {
	s, err := d.section(tenant)
	if err != nil {
		return err
	}
	return s.lookThrough(ctx, look)
}

// watcher is a directory as the registry sees it. A section that is not there yet has read nothing that could be out of date.
type watcher Directory

var _ registry.Watcher = (*watcher)(nil)

func (w *watcher) Changed(tenant, id string) {
	if s, ok := w.sections.Load(tenant); ok {
		s.(*section).changed(id)
	}
}

func (w *watcher) Missed() {
	for _, s := range w.sections.Range {
		s.(*section).missed()
	}
}

func (w *watcher) Used(tenant, id string, at time.Time) {
	if s, ok := w.sections.Load(tenant); ok {
		s.(*section).used(id, at)
	}
}

// Replaced forgets tenants that are no more. A directory does not depend on what else tenants are.
func (w *watcher) Replaced() {
	for t := range w.sections.Range {
		if _, ok := w.registry.Tenant(t.(string)); !ok {
			w.sections.Delete(t)
		}
	}
}
