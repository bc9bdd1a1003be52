package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// FindUsers returns users whose name starts with prefix, in any spelling, in the order of their canonical names, from the one behind
// after. next is what to go on from, empty at the end. Deleted users have no name any more, and are not found. limit 0 means 100.
func (r *Registry) FindUsers(ctx context.Context, tenant, prefix, after string, limit int) (page []*User, next string, err error) {
	if _, err := r.tenant(tenant); err != nil {
		return nil, "", err
	}
	if strings.TrimSpace(prefix) != "" {
		if prefix, err = canonicalName(prefix); err != nil {
			return nil, "", nil // no name starts like this
		}
	} else {
		prefix = ""
	}
	logins, next, err := r.logins(ctx, store.Query{Tenant: tenant, Kind: store.Login, After: after, Limit: limit}, prefix)
	if err != nil {
		return nil, "", fmt.Errorf("list user names: %w", err)
	}
	for _, rec := range logins {
		var l login
		if err := decode(rec, &l); err != nil {
			return nil, "", err
		}
		u, err := r.readUser(ctx, name{tenant, l.User})
		if errors.Is(err, ErrNotFound) || err == nil && u.Deleted {
			continue // since we looked
		}
		if err != nil {
			return nil, "", err
		}
		page = append(page, u)
	}
	return page, next, nil
}

// logins returns a page of the names that start with prefix. A list goes on behind an id, so the one that is the prefix is looked for
// by itself.
func (r *Registry) logins(ctx context.Context, q store.Query, prefix string) (page []store.Record, next string, err error) {
	if prefix != "" && q.After < prefix {
		switch rec, err := r.store.Get(ctx, q.Tenant, store.Login, prefix); {
		case err == nil:
			page = append(page, rec)
		case !errors.Is(err, store.ErrNotFound):
			return nil, "", err
		}
		q.After = prefix
	}
	records, err := r.store.List(ctx, q)
	if err != nil {
		return nil, "", err
	}
	for _, rec := range records {
		if !strings.HasPrefix(rec.ID, prefix) {
			return page, "", nil
		}
		if len(page) == q.Page() {
			break
		}
		page = append(page, rec)
	}
	if len(page) == q.Page() {
		next = page[len(page)-1].ID
	}
	return page, next, nil
}
