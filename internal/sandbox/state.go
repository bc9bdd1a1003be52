package sandbox

import (
	"sync"
	"time"
)

// What is kept at most. Whatever is over goes in the order it came, so a caller that never stops only loses its own oldest.
const (
	keptTenants    = 64
	keptActions    = 256    // requests of remote actions, a tenant
	keptExecutions = 20_000 // executions of workflows, a tenant: one request of the largest kind
	keptExports    = 128    // exports, a tenant
	keptLinks      = 4_096  // links to results, all tenants together
	keptDeletions  = 1_000  // devices waiting to be deleted, a tenant
	keptFields     = 64     // enriched fields, an object
)

// shelf keeps at most max values by name and gives up the oldest for a new one.
type shelf[V any] struct {
	max    int
	names  []string // a ring once it is full; next is the oldest
	next   int
	values map[string]V
}

func newShelf[V any](most int) *shelf[V] { return &shelf[V]{max: most, values: map[string]V{}} }

func (s *shelf[V]) get(name string) (V, bool) {
	v, ok := s.values[name]
	return v, ok
}

func (s *shelf[V]) put(name string, v V) {
	if _, there := s.values[name]; !there {
		if len(s.names) < s.max {
			s.names = append(s.names, name)
		} else {
			delete(s.values, s.names[s.next])
			s.names[s.next] = name
			s.next = (s.next + 1) % s.max
		}
	}
	s.values[name] = v
}

// all calls visit with every value, oldest first.
func (s *shelf[V]) all(visit func(name string, v V)) {
	for i := range s.names {
		name := s.names[(s.next+i)%len(s.names)]
		visit(name, s.values[name])
	}
}

// tenant is what one tenant's callers have done. Its lock is held for a step, never while a body is read or written.
type tenant struct {
	mu         sync.Mutex
	devices    []*device
	users      []*user
	actions    *shelf[actionRequest]
	executions *shelf[*execution]
	exports    *shelf[*export]
	deletions  map[string]time.Time // UID of a device → when it goes
	day        string               // the day that calls about exports are counted for
	calls      int
}

func newTenant(now time.Time) *tenant {
	return &tenant{
		devices:    newDevices(now),
		users:      newUsers(),
		actions:    newShelf[actionRequest](keptActions),
		executions: newShelf[*execution](keptExecutions),
		exports:    newShelf[*export](keptExports),
		deletions:  map[string]time.Time{},
	}
}

// tenants finds a tenant's state by its name and makes it at first use.
type tenants struct {
	mu     sync.Mutex
	byName *shelf[*tenant]
}

func newTenants() *tenants { return &tenants{byName: newShelf[*tenant](keptTenants)} }

func (ts *tenants) get(name string, now time.Time) *tenant {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	t, ok := ts.byName.get(name)
	if !ok {
		t = newTenant(now)
		ts.byName.put(name, t)
	}
	return t
}
