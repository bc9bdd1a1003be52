// Package paper is a store to try changes out on: it reads what another store has and keeps for itself, in memory, what is written to it.
// Package office rehearses on it, by the same rules that the real changes will obey, and throws it away.
//
// It keeps the promises of package store, and never writes to the store underneath, with one exception: its lists are those of the store
// underneath, without what was written here. No rule of a registration asks a list.
package paper

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// Store is paper over a store. Make one with New.
type Store struct {
	under store.Store
	now   func() time.Time

	mu      sync.Mutex // held while the store underneath is read, so that a Put is seen whole or not at all
	written map[name]*store.Record
}

// name names a record. One that was deleted here is nil under its name.
type name struct {
	tenant string
	kind   store.Kind
	id     string
}

var _ store.Store = (*Store)(nil)

// New returns empty paper over a store, which reads the time from now.
func New(under store.Store, now func() time.Time) *Store {
	return &Store{under: under, now: now, written: map[name]*store.Record{}}
}

// Get returns what was written here, or else what is underneath.
func (s *Store) Get(ctx context.Context, tenant string, kind store.Kind, id string) (store.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.get(ctx, name{tenant, kind, id})
}

func (s *Store) get(ctx context.Context, n name) (store.Record, error) {
	r, here := s.written[n]
	switch {
	case !here:
		return s.under.Get(ctx, n.tenant, n.kind, n.id)
	case ctx.Err() != nil:
		return store.Record{}, ctx.Err()
	case r == nil || r.Expired(s.now()):
		return store.Record{}, fmt.Errorf("get %s: %w", n.kind, store.ErrNotFound)
	}
	return r.Clone(), nil
}

// List returns a page of what is underneath.
func (s *Store) List(ctx context.Context, q store.Query) ([]store.Record, error) {
	return s.under.List(ctx, q)
}

// Put keeps all the records here or none, by the revisions of what Get returns.
func (s *Store) Put(ctx context.Context, records ...store.Record) error {
	if err := store.Check(records); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		is, err := s.get(ctx, name{r.Tenant, r.Kind, r.ID})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("put: %w", err)
		}
		if is.Rev != r.Rev {
			return fmt.Errorf("put %s: %w", r.Kind, store.ErrConflict)
		}
	}
	for _, r := range records {
		r = r.Clone()
		r.Rev++
		s.written[name{r.Tenant, r.Kind, r.ID}] = &r
	}
	return nil
}

// Delete hides the named records from Get.
func (s *Store) Delete(ctx context.Context, tenant string, kind store.Kind, ids ...string) error {
	if err := errors.Join(ctx.Err(), kind.Check()); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.written[name{tenant, kind, id}] = nil
	}
	return nil
}

// Sweep leaves everything as it is: paper does not last long enough.
func (s *Store) Sweep(context.Context, time.Time, int) (int, error) { return 0, nil }
