package storetest

import (
	"bytes"
	"context"
	"fmt"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

var writing = []promise{
	{"create twice is ErrConflict", func(d desk) {
		d.mustPut(rec("a"))
		other := rec("a")
		other.Body = []byte("other")
		d.wantError(d.Put(ctx, other), store.ErrConflict, "second create")
		d.wantGet(rec("a"), 1)
	}},
	{"the revision grows by one with each replacement", func(d desk) {
		r := rec("a")
		for rev := uint64(1); rev <= 5; rev++ {
			r.Body = fmt.Appendf(nil, "body %d", rev)
			d.mustPut(r)
			d.wantGet(r, rev)
			r = d.mustGet("a")
		}
	}},
	{"only the present revision can be replaced", func(d desk) {
		d.mustPut(rec("a"))
		d.mustPut(d.mustGet("a"))
		for _, rev := range []uint64{0, 1, 3, 1 << 40} {
			stale := rec("a")
			stale.Rev, stale.Body = rev, []byte("stale")
			d.wantError(d.Put(ctx, stale), store.ErrConflict, "replacing revision %d of revision 2", rev)
		}
		d.wantGet(rec("a"), 2)
	}},
	{"a missing record cannot be replaced", func(d desk) {
		r := rec("a")
		r.Rev = 1
		d.wantError(d.Put(ctx, r), store.ErrConflict, "replacing nothing")
		d.wantNone("a")
	}},
	{"a replacement replaces every field", func(d desk) {
		r := rec("a")
		r.Parent, r.Label, r.Expires = "p", "l", start.Add(1e12)
		d.mustPut(r)
		bare := store.Record{Tenant: "acme", Kind: store.Client, ID: "a", Rev: 1}
		d.mustPut(bare)
		d.wantGet(bare, 2)
		d.wantIDs(store.Query{Parent: "p"})
	}},
	{"a put is all or none, wherever in it the conflict is", func(d desk) {
		d.mustPut(rec("there"))
		for at := range 3 {
			batch := []store.Record{rec("x"), rec("y")}
			batch = append(batch[:at:at], append([]store.Record{rec("there")}, batch[at:]...)...)
			other := rec("z")
			other.Kind, other.Tenant = store.Event, "other"
			batch = append(batch, other)
			d.wantError(d.Put(ctx, batch...), store.ErrConflict, "conflict at %d", at)
			d.wantNone("x", "y")
			d.wantIDs(store.Query{Tenant: "other", Kind: store.Event})
		}
	}},
	{"a put that mixes creating and replacing is all or none too", func(d desk) {
		d.mustPut(rec("a"), rec("b"))
		a, b := d.mustGet("a"), d.mustGet("b")
		a.Label, b.Label = "new", "new"
		b.Rev = 7
		d.wantError(d.Put(ctx, a, rec("c"), b), store.ErrConflict, "stale b")
		d.wantGet(rec("a"), 1)
		d.wantNone("c")
		b.Rev = 1
		d.mustPut(a, rec("c"), b)
		d.wantGet(a, 2)
		d.wantGet(b, 2)
		d.wantGet(rec("c"), 1)
	}},
	{"a put of nothing does nothing", func(d desk) {
		d.mustPut()
		if err := d.Delete(ctx, "acme", store.Client); err != nil {
			d.Errorf("Delete of nothing: %v", err)
		}
	}},
	{"a put of as many records as fit is whole", func(d desk) {
		var batch []store.Record
		for i := range store.MaxRecords {
			batch = append(batch, rec(fmt.Sprintf("%04d", i)))
		}
		d.mustPut(batch...)
		if n := len(d.ids(store.Query{Limit: store.MaxLimit})); n != store.MaxRecords {
			d.Errorf("%d records, want %d", n, store.MaxRecords)
		}
		d.wantFault(d.Put(ctx, append(batch, rec("more"))...), "one too many")
		large := rec("large")
		large.Body = bytes.Repeat([]byte("x"), store.MaxBytes+1)
		d.wantFault(d.Put(ctx, large), "too large")
		d.wantNone("more", "large")
	}},
	{"a put that names a record twice is ErrConflict", func(d desk) {
		again := rec("a")
		again.Rev = 1
		d.wantError(d.Put(ctx, rec("a"), again), store.ErrConflict, "create and replace")
		d.wantError(d.Put(ctx, rec("a"), rec("a")), store.ErrConflict, "create and create")
		d.wantNone("a")
	}},
	{"names that not every engine can keep are refused, and nothing is written", func(d desk) {
		for _, bad := range []string{"nul\x00", "\xff"} {
			for _, r := range []store.Record{
				{Tenant: bad, Kind: store.Client, ID: "a"}, {Kind: store.Client, ID: bad},
				{Kind: store.Client, ID: "a", Parent: bad}, {Kind: store.Client, ID: "a", Label: bad},
			} {
				d.wantFault(d.Put(ctx, rec("a"), r), fmt.Sprintf("Put %q of %q, child of %q, called %q", r.ID, r.Tenant, r.Parent, r.Label))
			}
		}
		d.wantFault(d.Put(ctx, rec("a"), rec("")), "no id")
		d.wantNone("a")
	}},
	{"delete removes all that is named and does not miss what is not there", func(d desk) {
		d.mustPut(rec("a"), rec("b"), rec("c"))
		if err := d.Delete(ctx, "acme", store.Client, "a", "nobody", "c"); err != nil {
			d.Errorf("Delete: %v", err)
		}
		d.wantIDs(store.Query{}, "b")
		d.mustPut(rec("a"))
		d.wantGet(rec("a"), 1)
	}},
	{"a cancelled context writes nothing", func(d desk) {
		d.mustPut(rec("there"))
		gone, cancel := context.WithCancel(ctx)
		cancel()
		for range 50 {
			d.wantError(d.Put(gone, rec("a")), context.Canceled, "Put")
		}
		d.wantError(d.Delete(gone, "acme", store.Client, "there"), context.Canceled, "Delete")
		_, err := d.Sweep(gone, start, 1)
		d.wantError(err, context.Canceled, "Sweep")
		d.mustPut(rec("b"))
		d.wantIDs(store.Query{}, "b", "there")
	}},
}
