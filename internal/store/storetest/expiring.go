package storetest

import (
	"fmt"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// lasting is a record that expires after life.
func lasting(id string, life time.Duration) store.Record {
	r := rec(id)
	r.Expires = start.Add(life)
	return r
}

var expiring = []promise{
	{"a record is there until it expires, and not from that instant on", func(d desk) {
		d.mustPut(lasting("a", time.Second))
		d.clock.advance(time.Second - time.Microsecond)
		d.mustGet("a")
		d.wantIDs(store.Query{}, "a")
		d.clock.advance(time.Microsecond)
		d.wantNone("a")
		d.wantIDs(store.Query{})
	}},
	{"a record without expiry stays", func(d desk) {
		d.mustPut(rec("a"))
		d.clock.advance(200 * 365 * 24 * time.Hour)
		d.mustGet("a")
		if n, err := d.Sweep(ctx, d.clock.Now(), 0); n != 0 || err != nil {
			d.Errorf("Sweep = %d, %v; want 0", n, err)
		}
		d.mustGet("a")
	}},
	{"what is put already expired is never seen", func(d desk) {
		d.mustPut(lasting("a", 0), lasting("b", -time.Hour))
		d.wantNone("a", "b")
		d.wantIDs(store.Query{})
	}},
	{"expired records do not take the place of live ones on a page", func(d desk) {
		for i := range 20 {
			r := lasting(fmt.Sprintf("%02d", i), time.Minute)
			if i%5 == 4 {
				r.Expires, r.Parent = time.Time{}, "p"
			}
			d.mustPut(r)
		}
		d.clock.advance(time.Hour)
		d.wantIDs(store.Query{Limit: 3}, "04", "09", "14")
		d.wantIDs(store.Query{Limit: 1, Reverse: true, Parent: "p"}, "19")
	}},
	{"an expired record can be created over, and starts at revision 1", func(d desk) {
		d.mustPut(lasting("a", time.Minute))
		old := d.mustGet("a")
		old.Expires = start.Add(2 * time.Minute)
		d.mustPut(old)
		d.clock.advance(2 * time.Minute)
		anew := lasting("a", time.Hour)
		anew.Body, anew.Parent, anew.Label = []byte("new"), "p", "l"
		d.mustPut(anew)
		d.wantGet(anew, 1)
		d.wantIDs(store.Query{Parent: "p"}, "a")
		d.wantError(d.Put(ctx, anew), store.ErrConflict, "create once more")
	}},
	{"an expired record cannot be replaced", func(d desk) {
		d.mustPut(lasting("a", time.Minute))
		late := d.mustGet("a")
		d.clock.advance(time.Minute)
		late.Expires = start.Add(time.Hour)
		d.wantError(d.Put(ctx, late), store.ErrConflict, "replacing what has expired")
		d.wantNone("a")
	}},
	{"sweep removes what has expired, of every tenant and kind, and nothing else", func(d desk) {
		for i, kind := range store.Kinds {
			for _, r := range []store.Record{lasting("gone", time.Minute), lasting("later", time.Hour), rec("stays")} {
				r.Kind, r.Tenant, r.Parent = kind, fmt.Sprint("tenant", i%2), "p"
				d.mustPut(r)
			}
		}
		n, err := d.Sweep(ctx, start.Add(time.Minute), 0)
		if n != len(store.Kinds) || err != nil {
			d.Errorf("Sweep = %d, %v; want %d", n, err, len(store.Kinds))
		}
		for i, kind := range store.Kinds {
			tenant := fmt.Sprint("tenant", i%2)
			d.wantIDs(store.Query{Tenant: tenant, Kind: kind}, "later", "stays")
			d.wantIDs(store.Query{Tenant: tenant, Kind: kind, Parent: "p"}, "later", "stays")
		}
	}},
	{"sweep goes in small steps", func(d desk) {
		var batch []store.Record
		for i := range 700 {
			batch = append(batch, lasting(fmt.Sprintf("%04d", i), time.Minute))
		}
		d.mustPut(batch...)
		d.mustPut(rec("stays"))
		d.clock.advance(time.Hour)
		for _, step := range []struct{ limit, want int }{{1, 1}, {99, 99}, {300, 300}, {-1, 300}, {10, 0}} {
			n, err := d.Sweep(ctx, d.clock.Now(), step.limit)
			if n != step.want || err != nil {
				d.Errorf("Sweep up to %d = %d, %v; want %d", step.limit, n, err, step.want)
			}
		}
		d.wantIDs(store.Query{}, "stays")
	}},
	{"what is swept can be created anew", func(d desk) {
		d.mustPut(lasting("a", time.Minute))
		d.clock.advance(time.Hour)
		if _, err := d.Sweep(ctx, d.clock.Now(), 0); err != nil {
			d.Fatal(err)
		}
		d.mustPut(rec("a"))
		d.wantGet(rec("a"), 1)
	}},
}
