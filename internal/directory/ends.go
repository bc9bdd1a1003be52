package directory

import (
	"context"
	"math"
)

// Ends counts a tenant's clients by when they end: the client or the newest of its secrets, whichever is first. A secret that a newer one has
// replaced ends as planned and counts for nothing, nor does a client that is disabled or deleted: nothing of theirs can surprise. What ends
// within a day is counted among those of the week and of the month as well.
type Ends struct {
	Day, Week, Month int // will end within 1, 7 and 30 days
	Expired          int // have ended
	Never            int // have no end
}

// Ends returns when a tenant's clients end, in one pass over them.
func (d *Directory) Ends(ctx context.Context, tenant string) (n Ends, err error) {
	now := d.now().Unix()
	err = d.lookThrough(ctx, tenant, func(t *roster) { n = t.ends(now) })
	return n, err
}

func (t *roster) ends(now int64) (n Ends) {
	const day = 24 * 3600
	for i := range t.rows {
		w := &t.rows[i]
		if w.flags&(isGone|isDisabled) != 0 {
			continue
		}
		end := w.end()
		switch {
		case end == math.MaxInt64:
			n.Never++
			continue
		case end <= now:
			n.Expired++
			continue
		}
		for _, class := range [...]struct {
			count  *int
			within int64
		}{{&n.Day, day}, {&n.Week, 7 * day}, {&n.Month, 30 * day}} {
			if end-now <= class.within {
				*class.count++
			}
		}
	}
	return n
}

// SlowSecrets reports whether some client of the tenant, disabled ones among them, has a secret that is kept under a slow hash now.
func (d *Directory) SlowSecrets(ctx context.Context, tenant string) (slow bool, err error) {
	err = d.lookThrough(ctx, tenant, func(t *roster) {
		for i := range t.rows {
			if t.rows[i].flags&(isGone|isSlow) == isSlow {
				slow = true
				return
			}
		}
	})
	return slow, err
}
