package office

import (
	"context"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// Expiring returns what ends within a time, soonest first: clients, and of each its newest secret.
func (d *Desk) Expiring(ctx context.Context, within time.Duration) ([]registry.Expiry, error) {
	if err := d.may(operator.ReadClients); err != nil {
		return nil, err
	}
	return d.office.Registry.Expiring(ctx, d.tenant, within)
}
