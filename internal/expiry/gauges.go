package expiry

import (
	"context"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/directory"
)

// countWithin is how long counting a tenant's clients may take. It is a pass over what is in memory; but who was changed since the last one
// is read from the store, and a store that is stuck shall cost a figure, not the page of all figures.
const countWithin = 5 * time.Second

// Gauge is one figure that each tenant has: what a Prometheus gauge with the label tenant, and no other, is made from.
type Gauge struct {
	Name, Help string
	Read       func() map[string]float64 // by tenant; a tenant that could not be counted is not in it
}

// Gauges counts clients by when they or their newest secrets end, anew whenever a figure is asked for.
type Gauges struct {
	Tenants func() []string
	Ends    func(ctx context.Context, tenant string) (directory.Ends, error) // Directory.Ends
}

// All returns the figures.
func (g *Gauges) All() []Gauge {
	figure := func(name, help string, of func(directory.Ends) int) Gauge {
		return Gauge{"tokenbooth_credentials_" + name, help, func() map[string]float64 { return g.read(of) }}
	}
	return []Gauge{
		figure("expiring_1d", "Clients that end, or whose newest secret does, within a day.", func(n directory.Ends) int { return n.Day }),
		figure("expiring_7d", "Clients that end, or whose newest secret does, within 7 days, those of a day among them.", func(n directory.Ends) int { return n.Week }),
		figure("expiring_30d", "Clients that end, or whose newest secret does, within 30 days, those of 7 days among them.", func(n directory.Ends) int { return n.Month }),
		figure("expired", "Clients that have ended, or whose newest secret has, and that are not disabled.", func(n directory.Ends) int { return n.Expired }),
		figure("unending", "Clients that never end, nor does their newest secret.", func(n directory.Ends) int { return n.Never }),
	}
}

func (g *Gauges) read(of func(directory.Ends) int) map[string]float64 {
	out := map[string]float64{}
	for _, tenant := range g.Tenants() {
		ctx, cancel := context.WithTimeout(context.Background(), countWithin)
		if n, err := g.Ends(ctx, tenant); err == nil { // no figure is told from a wrong one
			out[tenant] = float64(of(n))
		}
		cancel()
	}
	return out
}
