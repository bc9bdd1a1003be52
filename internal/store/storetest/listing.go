package storetest

import (
	"fmt"
	"slices"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

var listing = []promise{
	{"nothing there is an empty page, not an error", func(d desk) {
		d.wantIDs(store.Query{})
		d.wantIDs(store.Query{Reverse: true, Parent: "p", Label: "l", After: "x"})
	}},
	{"a list is in the byte order of ids", func(d desk) {
		want := []string{" ", "!", "0", "10", "9", "A", "Z", "_", "a", "aa", "b", "z", "~", "Ä", "é", "ÿ", "日本", "\U0001F600"}
		for _, i := range []int{5, 17, 0, 3, 11, 16, 1, 9, 2, 14, 4, 8, 6, 13, 7, 15, 10, 12} {
			d.mustPut(rec(want[i]))
		}
		d.wantIDs(store.Query{}, want...)
		slices.Reverse(want)
		d.wantIDs(store.Query{Reverse: true}, want...)
	}},
	{"pages join without gap or overlap, forwards and backwards", func(d desk) {
		var want []string
		for i := range 25 {
			d.mustPut(rec(fmt.Sprintf("%02d", i*2)))
			want = append(want, fmt.Sprintf("%02d", i*2))
		}
		for _, reverse := range []bool{false, true} {
			for _, limit := range []int{1, 7, 25, 26} {
				var got []string
				for q := (store.Query{Limit: limit, Reverse: reverse}); ; {
					page := d.ids(q)
					if len(page) == 0 {
						break
					}
					got = append(got, page...)
					q.After = page[len(page)-1]
				}
				if !slices.Equal(got, want) {
					d.Errorf("pages of %d, reverse %v: %q", limit, reverse, got)
				}
			}
			slices.Reverse(want)
		}
	}},
	{"a page may start where no record is", func(d desk) {
		d.mustPut(rec("b"), rec("d"))
		d.wantIDs(store.Query{After: "a"}, "b", "d")
		d.wantIDs(store.Query{After: "b"}, "d")
		d.wantIDs(store.Query{After: "c"}, "d")
		d.wantIDs(store.Query{After: "e"})
		d.wantIDs(store.Query{After: "e", Reverse: true}, "d", "b")
		d.wantIDs(store.Query{After: "d", Reverse: true}, "b")
		d.wantIDs(store.Query{After: "c", Reverse: true}, "b")
		d.wantIDs(store.Query{After: "a", Reverse: true})
	}},
	{"a page has its limit: 100 when none is asked for, 1000 at most", func(d desk) {
		for from := 0; from < 1100; from += 550 {
			var batch []store.Record
			for i := range 550 {
				batch = append(batch, rec(fmt.Sprintf("%04d", from+i)))
			}
			d.mustPut(batch...)
		}
		for limit, want := range map[int]int{-1: 100, 0: 100, 1: 1, 1000: 1000, 1001: 1000, 1 << 40: 1000} {
			if n := len(d.ids(store.Query{Limit: limit})); n != want {
				d.Errorf("limit %d: %d records, want %d", limit, n, want)
			}
		}
	}},
	{"a list by parent holds the children of that parent only, page by page", func(d desk) {
		for i := range 12 {
			r := rec(fmt.Sprintf("%02d", i))
			r.Parent = []string{"", "p", "P", "p1"}[i%4]
			d.mustPut(r)
		}
		d.wantIDs(store.Query{Parent: "p"}, "01", "05", "09")
		d.wantIDs(store.Query{Parent: "p", Limit: 2}, "01", "05")
		d.wantIDs(store.Query{Parent: "p", After: "05"}, "09")
		d.wantIDs(store.Query{Parent: "p", Reverse: true, After: "09", Limit: 1}, "05")
		d.wantIDs(store.Query{Parent: "p%"})
		d.wantIDs(store.Query{Tenant: "other", Kind: store.Client, Parent: "p"})
		if n := len(d.ids(store.Query{})); n != 12 {
			d.Errorf("without a parent %d are listed, want all 12", n)
		}
	}},
	{"a child that changes its parent is listed under the new one", func(d desk) {
		r := rec("a")
		r.Parent = "old"
		d.mustPut(r)
		r.Rev, r.Parent = 1, "new"
		d.mustPut(r)
		d.wantIDs(store.Query{Parent: "old"})
		d.wantIDs(store.Query{Parent: "new"}, "a")
	}},
	{"a label prefix has no wildcards and is exact in case and accents", func(d desk) {
		for i, label := range []string{"", "100%", "100 percent", "a_b", "axb", "Abc", "abc", "ab", "Ärger", "A\u0308rger", "[a]", "*", `a\_b`} {
			r := rec(fmt.Sprintf("%02d", i))
			r.Label = label
			d.mustPut(r)
		}
		for prefix, want := range map[string][]string{
			"%": nil, "_": nil, "100%": {"01"}, "100": {"01", "02"}, "a_": {"03"}, "a": {"03", "04", "06", "07", "12"}, "A": {"05", "09"},
			"ab": {"06", "07"}, "abc": {"06"}, "abcd": nil, "Ä": {"08"}, "[": {"10"}, "*": {"11"}, "?": nil, `a\`: {"12"}, "a%": nil,
		} {
			d.wantIDs(store.Query{Label: prefix}, want...)
		}
	}},
	{"an exact label is the whole label, for every kind", func(d desk) {
		for _, kind := range []store.Kind{store.Client, store.Event} {
			for i, label := range []string{"", "a", "ab", "A", "a%", "a", "\u00e1"} {
				r := rec(fmt.Sprintf("%02d", i))
				r.Kind, r.Label, r.Parent = kind, label, []string{"", "p"}[i%2]
				d.mustPut(r)
			}
			other := rec("07")
			other.Tenant, other.Kind, other.Label = "other", kind, "a"
			d.mustPut(other)
			q := store.Query{Tenant: "acme", Kind: kind, Exact: true}
			d.wantIDs(q, "00")
			q.Label = "a"
			d.wantIDs(q, "01", "05")
			q.Reverse, q.After = true, "05"
			d.wantIDs(q, "01")
			q.Reverse, q.After, q.Limit = true, "", 1
			d.wantIDs(q, "05")
			d.wantIDs(store.Query{Tenant: "acme", Kind: kind, Label: "a%", Exact: true}, "04")
			d.wantIDs(store.Query{Tenant: "acme", Kind: kind, Label: "a", Exact: true, Parent: "p"}, "01", "05")
			d.wantIDs(store.Query{Tenant: "acme", Kind: kind, Label: "abc", Exact: true})
		}
	}},
	{"parent, label, start and direction can be asked for together", func(d desk) {
		for i := range 20 {
			r := rec(fmt.Sprintf("%02d", i))
			r.Parent, r.Label = fmt.Sprint("p", i%2), fmt.Sprint("l", i%3)
			d.mustPut(r)
		}
		d.wantIDs(store.Query{Parent: "p1", Label: "l0", After: "03", Limit: 2}, "09", "15")
		d.wantIDs(store.Query{Parent: "p1", Label: "l0", After: "15", Limit: 2, Reverse: true}, "09", "03")
	}},
	{"a list holds whole records", func(d desk) {
		r := rec("a")
		r.Parent, r.Label, r.Expires = "p", "l", start.Add(1e9)
		d.mustPut(r)
		page, err := d.List(ctx, store.Query{Tenant: "acme", Kind: store.Client})
		if err != nil || len(page) != 1 {
			d.Fatalf("List = %+v, %v", page, err)
		}
		d.wantGet(page[0], 1)
	}},
}
