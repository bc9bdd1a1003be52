package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// Bounds of what is remembered, in entries.
const (
	maxClients = 200_000
	maxUsers   = 50_000
)

// name is what a registration is found by. A struct, not a text: no separator can be forged.
type name struct{ tenant, id string }

// remembered is a bounded memory of registrations in front of the store. What is not registered is remembered too, as nil.
type remembered[V comparable] struct {
	cache *otter.Cache[name, V]
	read  func(context.Context, name) (V, error)
	era   atomic.Uint64 // counts the forgetting, so that a read which began before it leaves nothing stale behind
}

func remember[V comparable](most int, read func(context.Context, name) (V, error)) *remembered[V] {
	return &remembered[V]{cache: otter.Must(&otter.Options[name, V]{MaximumSize: most}), read: read}
}

func (m *remembered[V]) get(ctx context.Context, n name) (V, error) {
	if v, ok := m.cache.GetIfPresent(n); ok {
		return m.found(v, n)
	}
	n.id = strings.Clone(n.id) // it may be a part of a request, and that has a secret which must not stay in memory for as long
	return m.fresh(ctx, n)
}

// fresh reads past the memory, and remembers what it read.
func (m *remembered[V]) fresh(ctx context.Context, n name) (V, error) {
	era := m.era.Load()
	v, err := m.read(ctx, n)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return v, err
	}
	m.cache.Set(n, v)
	if m.era.Load() != era {
		m.cache.Invalidate(n)
	}
	return m.found(v, n)
}

func (m *remembered[V]) found(v V, n name) (V, error) {
	var none V
	if v == none {
		return none, fmt.Errorf("%q of tenant %s: %w", n.id, n.tenant, ErrNotFound)
	}
	return v, nil
}

func (m *remembered[V]) forget(n name) {
	m.era.Add(1)
	m.cache.Invalidate(n)
}

func (m *remembered[V]) forgetAll() {
	m.era.Add(1)
	m.cache.InvalidateAll()
}

// How other processes on the same store hear of a change: each change leaves a note, each process looks for new ones. A note's id is
// made before it is written, so it may turn up behind a younger one; looking back a little further than the last look finds it.
const (
	changeEvery    = 500 * time.Millisecond
	changeLookBack = 5 * time.Second
	changeKeep     = 10 * time.Minute
)

// change is the stored form of a note.
type change struct {
	Kind   store.Kind `json:"kind"`
	Tenant string     `json:"tenant"`
	ID     string     `json:"id"`
}

func changeNote(rec store.Record, now time.Time) store.Record {
	return store.Record{Kind: store.Change, ID: secret.NewID(now), Expires: now.Add(changeKeep),
		Body: encode(change{rec.Kind, rec.Tenant, rec.ID})}
}

// Announce returns the note that tells other processes of a change another package makes, to be put together with it.
func Announce(rec store.Record, now time.Time) store.Record { return changeNote(rec, now) }

// Follow forgets what other processes have changed, until ctx is done. heard is told of each change too; one may be told twice, and
// one without an id means that anything of the kind may have changed.
func (r *Registry) Follow(ctx context.Context, heard func(kind store.Kind, tenant, id string)) {
	since := r.now()
	r.survey(ctx)
	for tick := time.NewTicker(changeEvery); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		started := r.now()
		if r.hear(ctx, since.Add(-changeLookBack), heard) != nil {
			continue // the store is away: what we missed is read when it is back
		}
		if started.Sub(since) > changeKeep/2 { // so long that notes may have expired unread
			r.forgetAll(heard)
		}
		since = started
	}
}

// forgetAll takes everything for changed.
func (r *Registry) forgetAll(heard func(kind store.Kind, tenant, id string)) {
	r.clients.forgetAll()
	r.users.forgetAll()
	for _, t := range r.Tenants() {
		heard(store.Key, t.Name, "")
	}
}

// survey looks at every client once, for HasSlowSecrets. Where the store fails, the clients are looked at as they are asked for.
func (r *Registry) survey(ctx context.Context) {
	for _, t := range r.Tenants() {
		for after, err := "", error(nil); ; {
			if _, after, err = r.Clients(ctx, t.Name, after, store.MaxLimit); err != nil || after == "" {
				break
			}
		}
	}
}

func (r *Registry) hear(ctx context.Context, since time.Time, heard func(kind store.Kind, tenant, id string)) error {
	q := store.Query{Kind: store.Change, After: secret.FirstID(since), Limit: store.MaxLimit}
	for {
		notes, err := r.store.List(ctx, q)
		if err != nil {
			return fmt.Errorf("look for changes: %w", err)
		}
		for _, n := range notes {
			var c change
			if json.Unmarshal(n.Body, &c) != nil {
				continue // a newer version's note; what it changed we do not know
			}
			r.forget(c.Kind, c.Tenant, c.ID)
			heard(c.Kind, c.Tenant, c.ID)
		}
		if len(notes) < q.Page() {
			return nil
		}
		q.After = notes[len(notes)-1].ID
	}
}
