package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

var reading = []promise{
	{"missing is ErrNotFound", func(d desk) {
		d.wantNone("nobody", "", "no\x00body", "\xff\xfe")
	}},
	{"what was put is got, every field of it", func(d desk) {
		r := store.Record{
			Tenant: "acme", Kind: store.Token, ID: "0Az", Parent: "client-1", Label: "Zoë's label", Body: []byte{0, 1, 0xff, '\''},
			Expires: start.Add(time.Hour).In(time.FixedZone("east", 3600)),
		}
		d.mustPut(r)
		d.wantGet(r, 1)
	}},
	{"text comes back byte for byte", func(d desk) {
		for i, s := range []string{" x ", "ÅÄÖ", "é", "e\u0301", "'; DROP TABLE client; --", "%_\\", "\u2028\n\t", strings.Repeat("l", 3000)} {
			r := rec(s)
			r.Tenant, r.Parent, r.Label = s, s, s
			d.mustPut(r)
			d.wantGet(r, 1)
			if n := len(d.ids(store.Query{Tenant: s, Kind: store.Client, Parent: s, Label: s})); n != 1 {
				d.Errorf("text %d: listed %d times, want once", i, n)
			}
		}
	}},
	{"an empty body comes back as nil, and a large one whole", func(d desk) {
		large := rec("large")
		large.Body = []byte(strings.Repeat("0123456789abcdef", 1<<14))
		for _, r := range []store.Record{{Tenant: "acme", Kind: store.Client, ID: "empty", Body: []byte{}}, large} {
			d.mustPut(r)
			d.wantGet(r, 1)
		}
	}},
	{"bodies are not shared with the caller", func(d desk) {
		r := rec("a")
		d.mustPut(r)
		r.Body[0] = 'X'
		d.mustGet("a").Body[1] = 'Y'
		page, err := d.List(ctx, store.Query{Tenant: "acme", Kind: store.Client})
		if err != nil {
			d.Fatal(err)
		}
		page[0].Body[2] = 'Z'
		d.wantGet(rec("a"), 1)
	}},
	{"tenants are separate, and none is a tenant too", func(d desk) {
		for _, tenant := range []string{"acme", "", "acme2", "ACME"} {
			r := rec("same")
			r.Tenant, r.Body = tenant, []byte("of "+tenant)
			d.mustPut(r)
		}
		for _, tenant := range []string{"acme", "", "acme2", "ACME"} {
			r := rec("same")
			r.Tenant, r.Body = tenant, []byte("of "+tenant)
			d.wantGet(r, 1)
			d.wantIDs(store.Query{Tenant: tenant, Kind: store.Client}, "same")
		}
		if err := d.Delete(ctx, "", store.Client, "same"); err != nil {
			d.Fatal(err)
		}
		d.mustGet("same")
	}},
	{"kinds are separate", func(d desk) {
		for _, kind := range store.Kinds {
			r := rec("same")
			r.Kind, r.Body = kind, []byte(kind)
			d.mustPut(r)
		}
		for _, kind := range store.Kinds {
			r := rec("same")
			r.Kind, r.Body = kind, []byte(kind)
			d.wantGet(r, 1)
			if err := d.Delete(ctx, "acme", kind, "same"); err != nil {
				d.Fatal(err)
			}
			d.wantIDs(store.Query{Tenant: "acme", Kind: kind})
		}
	}},
	{"an unknown kind is a fault, not a missing record", func(d desk) {
		r := rec("a")
		r.Kind = "clients"
		_, err := d.Get(ctx, "acme", r.Kind, "a")
		d.wantFault(err, "Get")
		_, err = d.List(ctx, store.Query{Tenant: "acme", Kind: r.Kind})
		d.wantFault(err, "List")
		d.wantFault(d.Put(ctx, r), "Put")
		d.wantFault(d.Delete(ctx, "acme", r.Kind, "a"), "Delete")
	}},
	{"a cancelled context reads nothing", func(d desk) {
		d.mustPut(rec("a"))
		gone, cancel := context.WithCancel(ctx)
		cancel()
		_, err := d.Get(gone, "acme", store.Client, "a")
		d.wantError(err, context.Canceled, "Get")
		_, err = d.List(gone, store.Query{Tenant: "acme", Kind: store.Client})
		d.wantError(err, context.Canceled, "List")
	}},
	{"reopen finds what was written", func(d desk) {
		if d.engine.Reopen == nil {
			d.Skip("this engine keeps nothing")
		}
		var want []string
		for i := range 300 {
			r := rec(fmt.Sprintf("%04d", i))
			d.mustPut(r)
			want = append(want, r.ID)
		}
		d.mustPut(store.Record{Tenant: "acme", Kind: store.Client, ID: "0007", Rev: 1, Label: "changed"})
		if err := d.Delete(ctx, "acme", store.Client, "0008"); err != nil {
			d.Fatal(err)
		}
		want = slices.Delete(want, 8, 9)
		d.Store = d.engine.Reopen(d.T, d.Store, d.clock.Now)
		d.wantIDs(store.Query{Limit: store.MaxLimit}, want...)
		if r := d.mustGet("0007"); r.Rev != 2 || r.Label != "changed" {
			d.Errorf("after reopening 0007 is %+v; want revision 2", r)
		}
		d.wantNone("0008")
	}},
	{"a closed store fails, and never says not found or conflict", func(d desk) {
		d.mustPut(rec("a"))
		c, ok := d.Store.(interface{ Close() error })
		if !ok {
			d.Skip("this engine is never closed")
		}
		for range 2 {
			if err := c.Close(); err != nil {
				d.Errorf("Close: %v", err)
			}
		}
		_, err := d.Get(ctx, "acme", store.Client, "b")
		d.wantFault(err, "Get")
		_, err = d.List(ctx, store.Query{Tenant: "acme", Kind: store.Client})
		d.wantFault(err, "List")
		d.wantFault(d.Put(ctx, rec("a")), "Put")
		d.wantFault(d.Delete(ctx, "acme", store.Client, "a"), "Delete")
		_, err = d.Sweep(ctx, start, 1)
		d.wantFault(err, "Sweep")
	}},
}
