package expiry

import (
	"context"
	"sync"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// How old a count may be when it is asked for, and how long counting may take.
const (
	countEvery  = 5 * time.Minute
	countWithin = 10 * time.Second
)

// Counts are the secrets of a tenant's clients by when they end, with their client where that ends first. A secret that ends within a
// day is counted among those of the week and the month as well. Disabled and deleted clients are left out: nothing of theirs can surprise.
type Counts struct {
	Day, Week, Month int // will end within 1, 7 and 30 days
	Expired          int // have ended, and are still on file
	Never            int // have no end
}

// Count adds the secrets of a client.
func (n *Counts) Count(c *registry.Client, now time.Time) {
	if c.Disabled || c.Deleted {
		return
	}
	for i := range c.Credentials {
		end := c.Credentials[i].Expires
		if end.IsZero() || !c.Expires.IsZero() && c.Expires.Before(end) {
			end = c.Expires
		}
		left := end.Sub(now)
		switch {
		case end.IsZero():
			n.Never++
			continue
		case left <= 0:
			n.Expired++
			continue
		}
		for _, class := range []struct {
			count  *int
			within time.Duration
		}{{&n.Day, day}, {&n.Week, 7 * day}, {&n.Month, 30 * day}} {
			if left <= class.within {
				*class.count++
			}
		}
	}
}

const day = 24 * time.Hour

// Gauge is one figure that each tenant has: what a Prometheus gauge with the label tenant, and no other, is made from.
type Gauge struct {
	Name, Help string
	Read       func() map[string]float64 // by tenant; a tenant that could not be counted is not in it
}

// Gauges counts credentials by when they end. The tenants are counted when a figure is asked for and the last count is five minutes old.
type Gauges struct {
	Tenants func() []string
	Clients func(ctx context.Context, tenant, after string, limit int) (page []*registry.Client, next string, err error) // Registry.Clients
	Now     func() time.Time

	mu      sync.Mutex
	counted time.Time
	counts  map[string]Counts
}

// All returns the figures.
func (g *Gauges) All() []Gauge {
	figure := func(name, help string, of func(Counts) int) Gauge {
		return Gauge{"tokenbooth_credentials_" + name, help, func() map[string]float64 {
			out := map[string]float64{}
			for tenant, n := range g.read() {
				out[tenant] = float64(of(n))
			}
			return out
		}}
	}
	return []Gauge{
		figure("expiring_1d", "Secrets of clients that end within a day.", func(n Counts) int { return n.Day }),
		figure("expiring_7d", "Secrets of clients that end within 7 days, those of a day among them.", func(n Counts) int { return n.Week }),
		figure("expiring_30d", "Secrets of clients that end within 30 days, those of 7 days among them.", func(n Counts) int { return n.Month }),
		figure("expired", "Secrets of clients that have ended and are still on file.", func(n Counts) int { return n.Expired }),
		figure("unending", "Secrets of clients that never end.", func(n Counts) int { return n.Never }),
	}
}

// read returns the counts, which nobody may change.
func (g *Gauges) read() map[string]Counts {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.Now()
	if g.counts != nil && now.Sub(g.counted) < countEvery && !now.Before(g.counted) {
		return g.counts
	}
	ctx, cancel := context.WithTimeout(context.Background(), countWithin)
	defer cancel()
	counts := map[string]Counts{}
	for _, tenant := range g.Tenants() {
		if n, err := g.count(ctx, tenant, now); err == nil { // no figure is told from a wrong one
			counts[tenant] = n
		}
	}
	g.counts, g.counted = counts, now
	return counts
}

func (g *Gauges) count(ctx context.Context, tenant string, now time.Time) (n Counts, err error) {
	for after := ""; ; {
		page, next, err := g.Clients(ctx, tenant, after, store.MaxLimit)
		if err != nil {
			return Counts{}, err
		}
		for _, c := range page {
			n.Count(c, now)
		}
		if next == "" {
			return n, nil
		}
		after = next
	}
}
