package directory

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// maxStale is how many changed clients of a tenant are read again one by one; after more changes than that all are.
const maxStale = 4096

// section is what is known of all clients of a tenant. It is made when it is needed first, or by Survey, and kept up to date from then on:
// who was changed is read again when somebody looks next.
//
// No request for a token waits for a search: what changes a client only notes an id here, and it is the writer of uses that waits.
type section struct {
	of     *Directory
	tenant string

	turn     chan struct{} // held by whoever reads the store for it: one at a time, so that nothing older is put over something newer
	progress progress
	fault    error // of the last reading, where nobody waited for its end; whoever has the turn may look
	faultAt  time.Time

	look   sync.RWMutex // held while the roster is looked through, some milliseconds
	roster *roster

	mu    sync.Mutex // held for a moment only
	state sectionState
	era   uint64              // counts how often everything was to be read again
	stale map[string]struct{} // ids that were changed since they were read
}

type sectionState int

const (
	absent sectionState = iota // or not to be trusted
	making
	made
)

func newSection(of *Directory, tenant string) *section {
	return &section{of: of, tenant: tenant, turn: make(chan struct{}, 1), roster: newRoster(), stale: map[string]struct{}{}}
}

// changed notes that a client is no longer what is known of it.
func (s *section) changed(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == absent {
		return
	}
	if len(s.stale) >= maxStale {
		s.distrust()
		return
	}
	s.stale[strings.Clone(id)] = struct{}{}
}

// missed notes that any client may have changed.
func (s *section) missed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.distrust()
}

func (s *section) distrust() {
	s.state = absent
	s.era++
	clear(s.stale)
}

// used notes when a client was used.
func (s *section) used(id string, at time.Time) {
	s.mu.Lock()
	if s.state == making && len(s.stale) < maxStale { // what is being made may have read it before
		s.stale[id] = struct{}{}
	}
	s.mu.Unlock()
	s.look.Lock()
	defer s.look.Unlock()
	s.roster.used(id, at.Unix())
}

func (s *section) isMade() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == made
}

// lookThrough hands on the list of clients, with every change that was made before the call. look must keep nothing of it.
func (s *section) lookThrough(ctx context.Context, look func(*roster)) error {
	if err := s.fresh(ctx); err != nil {
		return err
	}
	s.look.RLock()
	defer s.look.RUnlock()
	look(s.roster)
	return nil
}

// fresh sees to it that every change that was made before the call is known.
func (s *section) fresh(ctx context.Context) error {
	if patience, ok := ctx.Value(patienceKey{}).(time.Duration); ok && !s.isMade() {
		return s.freshWithin(ctx, patience)
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	return s.read(ctx)
}

// read reads all or what has changed. The caller has the turn.
func (s *section) read(ctx context.Context) error {
	s.progress.begin()
	s.fault = nil
	s.mu.Lock()
	state, era := s.state, s.era
	if state == absent {
		s.state = making
	}
	s.mu.Unlock()
	if state == absent {
		if err := s.make(ctx, era); err != nil {
			s.missed()
			return err
		}
	}
	return s.refresh(ctx)
}

// make reads everything, page by page.
func (s *section) make(ctx context.Context, era uint64) error {
	t := newRoster()
	for after, more := "", true; more; more = after != "" {
		page, next, err := s.of.registry.Clients(ctx, s.tenant, after, store.MaxLimit)
		if err != nil {
			return err
		}
		for _, c := range page {
			t.put(c)
		}
		s.progress.clients.Add(int64(len(page)))
		after = next
	}
	for after, more := "", true; more; more = after != "" {
		page, next, err := s.of.registry.LastUses(ctx, s.tenant, after, store.MaxLimit)
		if err != nil {
			return err
		}
		for _, u := range page {
			t.used(u.Client, u.At.Unix())
		}
		s.progress.uses.Add(int64(len(page)))
		after = next
	}
	t.repack()
	s.look.Lock()
	s.roster = t
	s.look.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.era == era {
		s.state = made
	}
	return nil
}

// refresh reads again who was changed.
func (s *section) refresh(ctx context.Context) error {
	s.mu.Lock()
	if len(s.stale) == 0 {
		s.mu.Unlock()
		return nil
	}
	stale := s.stale
	s.stale = map[string]struct{}{}
	s.mu.Unlock()
	for id := range stale {
		c, err := s.of.registry.InspectClient(ctx, s.tenant, id)
		if errors.Is(err, registry.ErrNotFound) {
			c, err = &registry.Client{ID: id, Deleted: true}, nil
		}
		if err != nil {
			s.again(stale)
			return err
		}
		s.look.Lock()
		s.roster.put(c)
		s.look.Unlock()
		s.progress.clients.Add(1)
		delete(stale, id)
	}
	return nil
}

// again notes once more who was changed and could not be read.
func (s *section) again(ids map[string]struct{}) {
	for id := range ids {
		s.changed(id)
	}
}
