package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// DayUse is how often a client's secrets worked on one day: each time bought a token, or was refused one for another reason, or asked
// about one.
type DayUse struct {
	Day    time.Time // its first moment, UTC
	Tokens int
}

// Usage is what is known of how a client was used, up to two minutes ago.
type Usage struct {
	Days        []DayUse             // the last 30, the oldest first and today last; of all its secrets, ended ones among them
	Permissions map[string]time.Time // last use of each at our gateway, to the hour; one that is not in it was not used since Since
	Since       time.Time            // uses of this client have been noted since
}

// LastUse is when a secret of a client was used last.
type LastUse struct {
	Client string // its id
	At     time.Time
}

// LastUses returns a page of when the secrets of a tenant's clients were used last, in the order of the clients, from the one after the
// given place; secrets and clients that are no more are among them. next is what to go on from, empty at the end.
func (r *Registry) LastUses(ctx context.Context, tenant, after string, limit int) (page []LastUse, next string, err error) {
	if _, err := r.tenant(tenant); err != nil {
		return nil, "", err
	}
	q := store.Query{Tenant: tenant, Kind: store.Use, After: after, Limit: limit}
	records, err := r.store.List(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("list uses: %w", err)
	}
	for _, rec := range records {
		var u use // one that cannot be read counts for less than all others
		if cut := strings.LastIndexByte(rec.ID, '/'); cut > 0 && rec.ID[cut+1:] != permissionsPart && decode(rec, &u) == nil {
			page = append(page, LastUse{rec.ID[:cut], u.At})
		}
	}
	if len(records) == q.Page() {
		next = records[len(records)-1].ID
	}
	return page, next, nil
}

// Usage returns how a client was used. It reads the store.
func (r *Registry) Usage(ctx context.Context, tenant, id string) (Usage, error) {
	c, err := r.readClient(ctx, name{tenant, id})
	if err != nil {
		return Usage{}, err
	}
	now := r.now()
	var all, since use
	switch _, err := r.get(ctx, name{tenant, useID("", sincePart)}, store.Use, &since); {
	case errors.Is(err, ErrNotFound):
		since.At = now // nobody has noted any yet
	case err != nil:
		return Usage{}, err
	}
	records, err := r.store.List(ctx, store.Query{Tenant: tenant, Kind: store.Use, Parent: id, Limit: store.MaxLimit})
	if err != nil {
		return Usage{}, fmt.Errorf("list uses: %w", err)
	}
	for _, rec := range records {
		var u use
		if err := decode(rec, &u); err != nil {
			return Usage{}, err
		}
		all.merge(&u)
	}
	out := Usage{Permissions: all.Permissions, Since: since.At}
	if c.Created.After(out.Since) {
		out.Since = c.Created
	}
	if forgotten := now.Add(-useKept); forgotten.After(out.Since) {
		out.Since = forgotten
	}
	for day := dayOf(now) - usedDays + 1; day <= dayOf(now); day++ {
		out.Days = append(out.Days, DayUse{time.Unix(day*86400, 0).UTC(), all.on(day)})
	}
	return out, nil
}
