package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// Bounds of what is remembered, in entries.
const (
	maxClients = 200_000
	maxUsers   = 50_000
)

// absentShare is the part of a memory that what is not registered has for itself. A flood of made-up names pushes no registration out,
// and costs a small and fixed amount of memory: no name is remembered that is longer than a registered one can be.
const absentShare = 16

// name is what a registration is found by. A struct, not a text: no separator can be forged.
type name struct{ tenant, id string }

// registered is what can be remembered.
type registered[V any] interface {
	comparable
	pack(*likes) (like V, own string)              // in two parts: what it has in common with others, and what is its own
	unpack(id, own string, marks []atomic.Int64) V // called for the one, puts it together with the other
}

// remembered is a bounded memory of registrations in front of the store. What is not registered is remembered too.
type remembered[V registered[V]] struct {
	read   func(context.Context, name) (V, error)
	known  *table[V]
	absent *table[V]

	mu    sync.Mutex // of writers; readers take none
	era   uint64     // counts the forgetting, so that a read which began before it leaves nothing stale behind
	likes likes
}

func remember[V registered[V]](most int, read func(context.Context, name) (V, error)) *remembered[V] {
	return &remembered[V]{read: read, known: newTable[V](most - most/absentShare), absent: newTable[V](most / absentShare)}
}

func (m *remembered[V]) get(ctx context.Context, n name) (v V, err error) {
	if it, ok := m.known.find(n); ok {
		return it.like.unpack(it.name.id, it.own, it.marks), nil
	}
	if _, ok := m.absent.find(n); ok {
		return v, notRegistered(n)
	}
	n.id = strings.Clone(n.id) // it may be a part of a request, and that has a secret which must not stay in memory for as long
	return m.fresh(ctx, n)
}

// fresh reads past the memory, and remembers what it read.
func (m *remembered[V]) fresh(ctx context.Context, n name) (V, error) {
	var none V
	m.mu.Lock()
	era := m.era
	m.mu.Unlock()
	v, err := m.read(ctx, n)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return none, err
	}
	m.keep(n, v, era)
	if v == none {
		return none, notRegistered(n)
	}
	if it, ok := m.known.find(n); ok {
		return it.like.unpack(it.name.id, it.own, it.marks), nil // the uses of its secrets are noted there from now on
	}
	return v, nil
}

func notRegistered(n name) error {
	return fmt.Errorf("%q of tenant %s: %w", n.id, n.tenant, ErrNotFound)
}

// keep remembers what a name stood for when the era was this. If something was forgotten meanwhile, it may have been that.
func (m *remembered[V]) keep(n name, v V, era uint64) {
	var none V
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.era != era:
		m.drop(n)
	case v == none:
		m.known.drop(n)
		m.absent.put(item[V]{name: n})
	default:
		m.absent.drop(n)
		like, own := v.pack(&m.likes)
		m.known.put(item[V]{name: n, like: like, own: own})
	}
}

func (m *remembered[V]) drop(n name) {
	m.known.drop(n)
	m.absent.drop(n)
}

func (m *remembered[V]) forget(n name) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.era++
	m.drop(n)
}

func (m *remembered[V]) forgetAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.era++
	m.known.clear()
	m.absent.clear()
	m.likes = nil
}

// Heard forgets what another process has changed.
func (r *Registry) Heard(kind store.Kind, tenant, id string) { r.forget(kind, tenant, id) }

// Missed forgets everything, after changes of other processes may have gone unheard.
func (r *Registry) Missed() {
	r.forgetAll()
	for _, w := range r.watchers {
		w.Missed()
	}
}

func (r *Registry) forgetAll() {
	r.clients.forgetAll()
	r.users.forgetAll()
}
