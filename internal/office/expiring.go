package office

import (
	"context"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/operator"
)

// Expiring returns what ends within a time, soonest first: clients, and of each its newest secret.
func (d *Desk) Expiring(ctx context.Context, within time.Duration) ([]directory.Expiry, error) {
	if err := d.may(operator.ReadClients); err != nil {
		return nil, err
	}
	return d.office.Directory.Expiring(ctx, d.tenant, within)
}
