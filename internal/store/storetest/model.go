package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// plain is the model: what an engine would be if nothing could go wrong and nothing had to be quick.
type plain map[[3]string]store.Record

func name(r store.Record) [3]string { return [3]string{r.Tenant, string(r.Kind), r.ID} }

func (p plain) live(key [3]string, now time.Time) store.Record {
	if r := p[key]; !r.Expired(now) {
		return r
	}
	return store.Record{}
}

func (p plain) put(now time.Time, records []store.Record) error {
	for _, r := range records {
		if p.live(name(r), now).Rev != r.Rev {
			return store.ErrConflict
		}
	}
	for _, r := range records {
		r = r.Clone()
		r.Rev++
		p[name(r)] = r
	}
	return nil
}

func (p plain) list(now time.Time, q store.Query) []store.Record {
	var page []store.Record
	for _, r := range p {
		if r.Tenant == q.Tenant && r.Kind == q.Kind && !r.Expired(now) && (q.Parent == "" || r.Parent == q.Parent) &&
			strings.HasPrefix(r.Label, q.Label) && (!q.Exact || r.Label == q.Label) && (q.After == "" || (r.ID > q.After) != q.Reverse && r.ID != q.After) {
			page = append(page, r)
		}
	}
	slices.SortFunc(page, func(a, b store.Record) int { return strings.Compare(a.ID, b.ID) })
	if q.Reverse {
		slices.Reverse(page)
	}
	return page[:min(len(page), q.Page())]
}

// Few names, so that calls meet. Events are listed by their labels in a way of their own.
var (
	listed  = []store.Kind{store.Client, store.Event}
	tenants = rapid.SampledFrom([]string{"", "acme"})
	kinds   = rapid.SampledFrom(listed)
	ids     = rapid.SampledFrom([]string{"a", "b", "c", "B", "é", "%"})
	labels  = rapid.SampledFrom([]string{"", "a", "ab", "a%", "é"})
)

// model compares an engine with the model over random sequences of calls. A failure is shrunk to the shortest sequence.
func model(d desk) {
	round := 0
	rapid.Check(d.T, func(t *rapid.T) {
		// The engine is the same in every round; a tenant of its own makes it empty.
		round++
		prefix := fmt.Sprint(round, "/")
		kept := plain{}
		t.Repeat(map[string]func(*rapid.T){
			"put":    func(t *rapid.T) { d.comparePut(t, kept, prefix) },
			"list":   func(t *rapid.T) { d.compareList(t, kept, prefix) },
			"delete": func(t *rapid.T) { d.compareDelete(t, kept, prefix) },
			"wait": func(t *rapid.T) {
				d.clock.advance(time.Duration(rapid.IntRange(0, 3).Draw(t, "seconds")) * time.Second)
			},
			"sweep": func(t *rapid.T) {
				if _, err := d.Sweep(ctx, d.clock.Now(), 3); err != nil {
					t.Fatal(err)
				}
			},
			"get": func(t *rapid.T) { d.compareGet(t, kept, prefix) },
			"":    func(t *rapid.T) { d.compareAll(t, kept, prefix) },
		})
	})
}

func (d desk) comparePut(t *rapid.T, kept plain, prefix string) {
	batch := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) store.Record {
		r := store.Record{
			Tenant: prefix + tenants.Draw(t, "tenant"), Kind: kinds.Draw(t, "kind"), ID: ids.Draw(t, "id"), Rev: rapid.Uint64Range(0, 3).Draw(t, "rev"),
			Parent: labels.Draw(t, "parent"), Label: labels.Draw(t, "label"), Body: rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "body"),
		}
		if rapid.Bool().Draw(t, "current") {
			r.Rev = kept.live(name(r), d.clock.Now()).Rev
		}
		if life := rapid.IntRange(-1, 5).Draw(t, "life"); life > 0 {
			r.Expires = d.clock.Now().Add(time.Duration(life) * time.Second)
		}
		return r
	}), 1, 3, name).Draw(t, "records")
	got, want := d.Put(ctx, batch...), kept.put(d.clock.Now(), batch)
	if (got == nil) != (want == nil) || want != nil && !errors.Is(got, want) {
		t.Fatalf("Put = %v, want %v", got, want)
	}
}

func (d desk) compareList(t *rapid.T, kept plain, prefix string) {
	q := store.Query{
		Tenant: prefix + tenants.Draw(t, "tenant"), Kind: kinds.Draw(t, "kind"), Parent: labels.Draw(t, "parent"), Label: labels.Draw(t, "label"),
		Limit: rapid.IntRange(0, 4).Draw(t, "limit"), Reverse: rapid.Bool().Draw(t, "reverse"),
		Exact: rapid.Bool().Draw(t, "exact"),
	}
	if rapid.Bool().Draw(t, "from the start") {
		q.After = ids.Draw(t, "after")
	}
	got, err := d.List(ctx, q)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept.list(d.clock.Now(), q), got); diff != "" {
		t.Fatalf("List %+v (-want +got):\n%s", q, diff)
	}
}

func (d desk) compareDelete(t *rapid.T, kept plain, prefix string) {
	tenant, kind := prefix+tenants.Draw(t, "tenant"), kinds.Draw(t, "kind")
	gone := rapid.SliceOfN(ids, 0, 3).Draw(t, "ids")
	if err := d.Delete(ctx, tenant, kind, gone...); err != nil {
		t.Fatal(err)
	}
	for _, id := range gone {
		delete(kept, [3]string{tenant, string(kind), id})
	}
}

func (d desk) compareGet(t *rapid.T, kept plain, prefix string) {
	key := [3]string{prefix + tenants.Draw(t, "tenant"), string(kinds.Draw(t, "kind")), ids.Draw(t, "id")}
	want := kept.live(key, d.clock.Now())
	got, err := d.Get(ctx, key[0], store.Kind(key[1]), key[2])
	if (want.Rev == 0) != errors.Is(err, store.ErrNotFound) || want.Rev != 0 && err != nil {
		t.Fatalf("Get %q: %v, want revision %d", key, err, want.Rev)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("Get %q (-want +got):\n%s", key, diff)
	}
}

// compareAll compares all that is kept, after every call.
func (d desk) compareAll(t *rapid.T, kept plain, prefix string) {
	for _, tenant := range []string{"", "acme"} {
		for _, kind := range listed {
			q := store.Query{Tenant: prefix + tenant, Kind: kind}
			got, err := d.List(ctx, q)
			if diff := cmp.Diff(kept.list(d.clock.Now(), q), got); err != nil || diff != "" {
				t.Fatalf("List %+v: %v (-want +got):\n%s", q, err, diff)
			}
		}
	}
}
