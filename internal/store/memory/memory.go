// Package memory is the engine that keeps records in memory, for demonstrations and for tests: it is the fake every other package
// tests against, and it keeps the same promises as the engines that persist (package storetest). What it keeps is gone with the
// process.
//
// One lock guards everything, so calls may be concurrent and a Put is seen whole or not at all. Lists by parent or label look at
// every record of the tenant and kind; nothing here is meant for millions of them.
package memory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// Store keeps records in memory. Make one with New.
type Store struct {
	now func() time.Time

	mu     sync.RWMutex
	tables map[table]*shelf
	closed bool
}

var _ store.Store = (*Store)(nil)

type table struct {
	tenant string
	kind   store.Kind
}

// New returns an empty store that reads the time from now.
func New(now func() time.Time) *Store {
	return &Store{now: now, tables: make(map[table]*shelf)}
}

// Close makes every later call fail. It is here so that tests meet the same life as with other engines.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// usable must be called with the lock held: after it returned nil a write cannot be cancelled any more.
func (s *Store) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed {
		return errors.New("the store is closed")
	}
	return nil
}

// Get returns one record, or store.ErrNotFound.
func (s *Store) Get(ctx context.Context, tenant string, kind store.Kind, id string) (store.Record, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := errors.Join(kind.Check(), s.usable(ctx)); err != nil {
		return store.Record{}, fmt.Errorf("get %s: %w", kind, err)
	}
	r := s.live(tenant, kind, id)
	if r.Rev == 0 {
		return store.Record{}, fmt.Errorf("get %s: %w", kind, store.ErrNotFound)
	}
	return r.Clone(), nil
}

// live returns the kept record, or the zero record, whose revision 0 is that of a record yet to be created.
func (s *Store) live(tenant string, kind store.Kind, id string) store.Record {
	sh := s.tables[table{tenant, kind}]
	if sh == nil {
		return store.Record{}
	}
	if r, ok := sh.records[id]; ok && !r.Expired(s.now()) {
		return r
	}
	return store.Record{}
}

// List returns a page of records.
func (s *Store) List(ctx context.Context, q store.Query) ([]store.Record, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := errors.Join(q.Kind.Check(), s.usable(ctx)); err != nil {
		return nil, fmt.Errorf("list %s: %w", q.Kind, err)
	}
	sh := s.tables[table{q.Tenant, q.Kind}]
	if sh == nil {
		return nil, nil
	}
	var page []store.Record
	now := s.now()
	for id := range sh.walk(q.After, q.Reverse) {
		r := sh.records[id]
		if r.Expired(now) || q.Parent != "" && r.Parent != q.Parent || !strings.HasPrefix(r.Label, q.Label) || q.Exact && r.Label != q.Label {
			continue
		}
		if page = append(page, r.Clone()); len(page) == q.Page() {
			break
		}
	}
	return page, nil
}

// Put writes all the records or none.
func (s *Store) Put(ctx context.Context, records ...store.Record) error {
	if err := store.Check(records); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	for _, r := range records {
		if s.live(r.Tenant, r.Kind, r.ID).Rev != r.Rev {
			return fmt.Errorf("put %s: %w", r.Kind, store.ErrConflict)
		}
	}
	for _, r := range records {
		t := table{r.Tenant, r.Kind}
		if s.tables[t] == nil {
			s.tables[t] = &shelf{records: make(map[string]store.Record)}
		}
		s.tables[t].keep(r.Clone())
	}
	return nil
}

// Delete removes all the named records.
func (s *Store) Delete(ctx context.Context, tenant string, kind store.Kind, ids ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := errors.Join(kind.Check(), s.usable(ctx)); err != nil {
		return fmt.Errorf("delete %s: %w", kind, err)
	}
	if sh := s.tables[table{tenant, kind}]; sh != nil {
		sh.remove(ids)
	}
	return nil
}

// Sweep removes up to limit records that had expired at now.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return 0, fmt.Errorf("sweep: %w", err)
	}
	if limit <= 0 || limit > store.MaxLimit {
		limit = store.MaxLimit
	}
	swept := 0
	for _, sh := range s.tables {
		var gone []string
		for id, r := range sh.records {
			if swept == limit {
				break
			}
			if r.Expired(now) {
				gone = append(gone, id)
				swept++
			}
		}
		sh.remove(gone)
	}
	return swept, nil
}
