package registry

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// maxBusy is how many clients of a tenant are counted for Busiest.
const maxBusy = 1000

// busy counts today's tokens of the clients of each tenant, the busiest of them at least: when there is no room, a newcomer takes the
// place of the one with the fewest and starts where that stood, so nobody busy can be missed however many come by ("space-saving",
// Metwally 2005). What a newcomer did not do itself is kept apart and not shown. Only the writer of uses counts.
type busy struct {
	mu      sync.Mutex
	tenants map[string]*busyDay
}

type busyDay struct {
	day     int64
	clients map[string]busyClient
}

type busyClient struct{ count, before uint64 }

func (b *busy) count(tenant, client string, day int64, n uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tenants == nil {
		b.tenants = map[string]*busyDay{}
	}
	d := b.tenants[tenant]
	if d == nil || day > d.day {
		d = &busyDay{day, map[string]busyClient{}}
		b.tenants[tenant] = d
	}
	if day < d.day {
		return
	}
	c, there := d.clients[client]
	if !there && len(d.clients) >= maxBusy {
		fewest := ""
		for id, o := range d.clients {
			if fewest == "" || o.count < d.clients[fewest].count {
				fewest = id
			}
		}
		c = busyClient{d.clients[fewest].count, d.clients[fewest].count}
		delete(d.clients, fewest)
	}
	c.count += n
	d.clients[client] = c
}

// keep forgets tenants that are no more.
func (b *busy) keep(tenants map[string]*Tenant) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for t := range b.tenants {
		if tenants[t] == nil {
			delete(b.tenants, t)
		}
	}
}

// Busy is a client and how often its secrets worked today (UTC).
type Busy struct {
	ID     string
	Name   string // the id where it could not be read
	Tokens int
}

// Busiest returns up to n clients of a tenant whose secrets worked most often today (UTC), the busiest first. It knows what this process has
// seen since it started, up to two minutes ago, and counts nobody too high.
func (r *Registry) Busiest(ctx context.Context, tenant string, n int) []Busy {
	all := r.uses.busy.list(tenant, dayOf(r.now()))
	all = all[:min(max(n, 0), len(all))]
	for i := range all {
		all[i].Name = all[i].ID
		if c, err := r.Client(ctx, tenant, all[i].ID); err == nil {
			all[i].Name = c.Name
		}
	}
	return all
}

func (b *busy) list(tenant string, day int64) []Busy {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.tenants[tenant]
	if d == nil || d.day != day {
		return nil
	}
	var all []Busy
	for id, c := range d.clients {
		all = append(all, Busy{ID: id, Tokens: int(c.count - c.before)})
	}
	slices.SortFunc(all, func(a, b Busy) int { return cmp.Or(cmp.Compare(b.Tokens, a.Tokens), cmp.Compare(a.ID, b.ID)) })
	return all
}
