package directory

import (
	"context"
	"math/bits"
)

// Holders returns how many clients of a tenant hold each permission, for all permissions at once: disabled ones count, deleted ones do not,
// as Find has it. A permission that nobody holds is not in it. It costs as much as one search.
func (d *Directory) Holders(ctx context.Context, tenant string) (all map[string]int, err error) {
	err = d.lookThrough(ctx, tenant, func(t *roster) { all = t.holders() })
	return all, err
}

func (t *roster) holders() map[string]int {
	counts := make([]int, max(64, len(t.permissions)))
	for i := range t.rows {
		if w := &t.rows[i]; w.flags&isGone == 0 {
			for left := w.permissions; left != 0; left &= left - 1 {
				counts[bits.TrailingZeros64(left)]++
			}
		}
	}
	for h := range t.over {
		if t.rows[h.row].flags&isGone == 0 {
			counts[h.permission]++
		}
	}
	all := map[string]int{}
	for name, n := range t.permissions {
		if counts[n] > 0 {
			all[name] = counts[n]
		}
	}
	return all
}
