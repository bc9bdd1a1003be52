package registry

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// usedDays is for how many days uses are counted, today among them.
const usedDays = 30

// useKept is how long a use is remembered when no other follows: nobody deletes what was noted of secrets and clients that are no more.
const useKept = 400 * 24 * time.Hour

// What a record of uses is of, behind its client's id: a secret's id, which has none of these forms, or its permissions. The record of
// nobody says since when uses of the tenant's clients have been noted.
const (
	permissionsPart = "permissions"
	sincePart       = "since"
)

// use is the stored form of uses, keyed by client and part. Its parent is the client.
type use struct {
	At          time.Time            `json:"at"`             // the last
	From        string               `json:"from,omitempty"` // the last that is known
	Day         int64                `json:"day,omitempty"`  // of the first count, in days since 1970 (UTC)
	Counts      []uint32             `json:"counts,omitempty"`
	Permissions map[string]time.Time `json:"permissions,omitempty"` // last use of each, to the hour
}

func useID(client, part string) string { return client + "/" + part }

func dayOf(t time.Time) int64 { return t.Unix() / (24 * 3600) }

// add counts one note.
func (u *use) add(n *noted) {
	if n.at.After(u.At) {
		u.At = n.at
		if n.from != "" {
			u.From = n.from
		}
	}
	if n.count > 0 {
		u.count(dayOf(n.at), n.count)
	}
	if n.permission != "" {
		if u.Permissions == nil {
			u.Permissions = map[string]time.Time{}
		}
		if n.at.After(u.Permissions[n.permission]) {
			u.Permissions[n.permission] = n.at
		}
	}
}

// count adds uses of a day. Counts are those of Day and of the days before it, one behind the other.
func (u *use) count(day int64, n uint32) {
	if len(u.Counts) == 0 {
		u.Day = day
	}
	if ahead := day - u.Day; ahead > 0 {
		u.Counts = append(make([]uint32, min(ahead, usedDays)), u.Counts...)
		u.Counts, u.Day = u.Counts[:min(len(u.Counts), usedDays)], day
	}
	back := u.Day - day
	if back >= usedDays {
		return
	}
	for int64(len(u.Counts)) <= back {
		u.Counts = append(u.Counts, 0)
	}
	u.Counts[back] += min(n, math.MaxUint32-u.Counts[back])
}

// on returns the uses of a day.
func (u *use) on(day int64) int {
	if back := u.Day - day; back >= 0 && back < int64(len(u.Counts)) {
		return int(u.Counts[back])
	}
	return 0
}

// merge adds what another record has counted.
func (u *use) merge(v *use) {
	if v.At.After(u.At) {
		u.At = v.At
		if v.From != "" {
			u.From = v.From
		}
	}
	for i := len(v.Counts) - 1; i >= 0; i-- {
		if v.Counts[i] > 0 {
			u.count(v.Day-int64(i), v.Counts[i])
		}
	}
	for p, at := range v.Permissions {
		if u.Permissions == nil {
			u.Permissions = map[string]time.Time{}
		}
		if at.After(u.Permissions[p]) {
			u.Permissions[p] = at
		}
	}
}

// addLastUses fills in when and from where each secret of a client was used last.
func (r *Registry) addLastUses(ctx context.Context, c *Client) error {
	for i := range c.Credentials {
		var u use
		_, err := r.get(ctx, name{c.Tenant, useID(c.ID, c.Credentials[i].ID)}, store.Use, &u)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		c.Credentials[i].LastUsed, c.Credentials[i].LastUsedFrom = u.At, u.From
	}
	return nil
}
