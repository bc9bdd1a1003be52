package audit

import (
	"fmt"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
)

// small is a log in which a tenant has room for few refusals. The test is its writer.
func small(s store.Store) *Log {
	return &Log{store: s, log: slog.New(slog.DiscardHandler), budget: 64 << 10, allowances: map[string]*allowance{}}
}

func flood(t *testing.T, l *Log, tenant string, n int, at time.Time, sources int) {
	t.Helper()
	for i := range n {
		e := refusal(secret.NewID(at.Add(time.Duration(i) * time.Millisecond)))
		e.Tenant, e.Time, e.Outcome = tenant, at, Refused
		e.Source, e.Detail = fmt.Sprint("192.0.2.", i%sources), map[string]string{CaseDetail: "invalid_client/wrong_secret"}
		if r := Record(e); l.keeps(t.Context(), e, r) {
			l.put(t.Context(), []store.Record{r})
		}
	}
}

// found returns the refusals of a tenant that are kept: how many bytes one by one, and the counts.
func found(t *testing.T, s store.Store, tenant string) (single, sums int, counted uint64) {
	t.Helper()
	for q := (store.Query{Tenant: tenant, Kind: store.Event, Limit: store.MaxLimit}); ; {
		page, err := s.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			e, err := Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := strconv.ParseUint(e.Detail[CountDetail], 10, 64); err == nil {
				sums, counted = sums+1, counted+n
			} else {
				single += sizeOf(r)
			}
		}
		if len(page) < q.Page() {
			return single, sums, counted
		}
		q.After = page[len(page)-1].ID
	}
}

func TestRow8_BeyondItsRoomATenantsRefusalsAreCountedBySourceAndReason(t *testing.T) {
	s := memory.New(atStart)
	l := small(s)
	flood(t, l, "acme", 10_000, start, 40)
	flood(t, l, "quiet", 10, start, 1)
	l.sumUp(t.Context())
	single, sums, counted := found(t, s, "acme")
	if single > l.budget || single < l.budget*9/10 {
		t.Errorf("%d bytes are kept one by one, of %d", single, l.budget)
	}
	if sums != maxSums+1 {
		t.Errorf("%d counts, want %d", sums, maxSums+1)
	}
	if kept := uint64(single / sizeOf(Record(refusal(secret.NewID(start))))); counted+kept < 9_900 || counted > 10_000 {
		t.Errorf("%d were counted, %d kept, of 10,000", counted, kept)
	}
	if _, sums, _ := found(t, s, "quiet"); sums != 0 {
		t.Error("another tenant has less room for it")
	}
	l.sumUp(t.Context())
	if _, again, _ := found(t, s, "acme"); again != sums {
		t.Error("what was counted is written twice")
	}
}

func TestRow8_WhatIsKeptCountsAfterARestartAndRoomComesBack(t *testing.T) {
	c := newClock(start)
	s := memory.New(c.now)
	flood(t, small(s), "acme", 1_000, start, 1)
	before, _, _ := found(t, s, "acme")

	l := small(s)
	flood(t, l, "acme", 1_000, start.Add(time.Minute), 1)
	if after, _, _ := found(t, s, "acme"); after > before+before/10 {
		t.Errorf("%d bytes became %d by a restart", before, after)
	}
	c.advance(KeepRefusals + 2*time.Hour)
	flood(t, l, "acme", 10, c.now(), 1)
	if single, _, _ := found(t, s, "acme"); single == 0 {
		t.Error("there is no room although all that was kept is over")
	}
}

func TestRow8_CountsAreBoundedHoweverManySources(t *testing.T) {
	a := &allowance{sums: map[sumKey]*sum{}}
	for i := range 20_000 {
		e := refusal("x")
		e.Source = fmt.Sprint(i)
		a.add(e)
	}
	if len(a.sums) > maxCounted+1 {
		t.Errorf("%d counts", len(a.sums))
	}
	if n := len(a.records()); n != maxSums+1 {
		t.Errorf("%d are written", n)
	}
}

func TestRow8_ATenantHas64MiBOfRefusals(t *testing.T) {
	r := Record((&sum{first: refusal("x"), last: start, count: 1 << 40}).event())
	hours := int(KeepRefusals / sumUpEvery)
	if most := keepBytes + hours*(maxSums+1)*(sizeOf(r)+64); most > 64<<20 { // and what a reason takes
		t.Errorf("%d MiB", most>>20)
	}
}
