package directory

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// ExpiringSoon is how near its end a client is said to be expiring.
const ExpiringSoon = 30 * 24 * time.Hour

// Expiry is the end of a client or of its newest secret. A secret that ends because a newer one has replaced it is no news.
type Expiry struct {
	ID         string // of the client
	Name       string // of the client
	Credential string // the secret's id; empty: the client itself ends
	At         time.Time
}

// Expiring returns what ends within that time from now, the soonest first; a client and its secret are two. What has ended already, and
// what belongs to a client that is disabled or deleted, surprises nobody and is left out.
func (d *Directory) Expiring(ctx context.Context, tenant string, within time.Duration) (all []Expiry, err error) {
	now := d.now()
	if err := d.lookThrough(ctx, tenant, func(t *roster) { all = t.expiring(now.Unix(), now.Add(within).Unix()) }); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b Expiry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Credential, b.Credential))
	})
	return all, nil
}

func (t *roster) expiring(now, until int64) (all []Expiry) {
	for i := range t.rows {
		w := &t.rows[i]
		if w.flags&(isGone|isDisabled) != 0 || w.end() <= now || w.end() > until {
			continue
		}
		add := func(credential string, at int64) {
			if at > now && at <= until {
				all = append(all, Expiry{string(t.idOf(w)), string(t.nameOf(w)), credential, unixTime(at)})
			}
		}
		add("", w.expires)
		add(string(t.secretOf(w)), w.ends)
	}
	return all
}
