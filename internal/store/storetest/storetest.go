// Package storetest says what every engine of package store promises, one promise a line, and checks an engine against it. An
// engine's test calls Test; a broken promise is printed in words.
//
// For tests of what is built on a store there is one that fails when it is told to (Faulty).
//
// It decides nothing and keeps nothing but a clock that its checks move. Each promise is checked with an empty store of its own,
// and several with many goroutines at once: run the tests with -race.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// Engine is what there is to test.
type Engine struct {
	// Open returns a new empty store that reads the time from now, and sees to it that the store is closed when t ends.
	Open func(t *testing.T, now func() time.Time) store.Store

	// Reopen closes s, which Open has returned, and opens what it has kept. It is nil for an engine that keeps nothing.
	Reopen func(t *testing.T, s store.Store, now func() time.Time) store.Store
}

// Test checks every promise.
func Test(t *testing.T, e Engine) {
	for _, p := range slices.Concat(reading, writing, listing, expiring, sharing) {
		t.Run(p.words, func(t *testing.T) {
			clock := &clock{now: start}
			d := desk{T: t, Store: e.Open(t, clock.Now), clock: clock, engine: e}
			p.check(d)
			if t.Failed() {
				t.Logf("the engine breaks this promise: %s", p.words)
			}
		})
	}
}

// promise is one line of the contract and how it is checked.
type promise struct {
	words string
	check func(d desk)
}

// desk is what a check works with.
type desk struct {
	*testing.T
	store.Store
	clock  *clock
	engine Engine
}

// start is no whole number of microseconds, to see that engines round.
var start = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var ctx = context.Background()

// rec makes a record to create, of one tenant and kind, as most checks need it.
func rec(id string) store.Record {
	return store.Record{Tenant: "acme", Kind: store.Client, ID: id, Body: []byte(`{"id":"` + id + `"}`)}
}

func (d desk) mustPut(records ...store.Record) {
	d.Helper()
	if err := d.Put(ctx, records...); err != nil {
		d.Fatalf("Put: %v", err)
	}
}

func (d desk) mustGet(id string) store.Record {
	d.Helper()
	r, err := d.Get(ctx, "acme", store.Client, id)
	if err != nil {
		d.Fatalf("Get %q: %v", id, err)
	}
	return r
}

// wantGet checks that want is kept as it was given, under revision rev.
func (d desk) wantGet(want store.Record, rev uint64) {
	d.Helper()
	want = want.Clone()
	want.Rev = rev
	got, err := d.Get(ctx, want.Tenant, want.Kind, want.ID)
	if err != nil {
		d.Errorf("Get %q: %v", want.ID, err)
	} else if diff := cmp.Diff(want, got); diff != "" {
		d.Errorf("Get %q (-want +got):\n%s", want.ID, diff)
	}
}

func (d desk) wantNone(ids ...string) {
	d.Helper()
	for _, id := range ids {
		if r, err := d.Get(ctx, "acme", store.Client, id); !errors.Is(err, store.ErrNotFound) {
			d.Errorf("Get %q = %+v, %v; want ErrNotFound", id, r, err)
		}
	}
}

func (d desk) wantError(err, want error, what string, args ...any) {
	d.Helper()
	if !errors.Is(err, want) {
		d.Errorf("%s: error %v, want %v", fmt.Sprintf(what, args...), err, want)
	}
}

// wantFault checks that err is an error but none of the two that a caller may act on.
func (d desk) wantFault(err error, what string) {
	d.Helper()
	if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
		d.Errorf("%s: error %v; want one that is neither ErrNotFound nor ErrConflict", what, err)
	}
}

// ids lists a page and returns the ids on it.
func (d desk) ids(q store.Query) []string {
	d.Helper()
	if q.Kind == "" {
		q.Tenant, q.Kind = "acme", store.Client
	}
	page, err := d.List(ctx, q)
	if err != nil {
		d.Fatalf("List %+v: %v", q, err)
	}
	var ids []string
	for _, r := range page {
		ids = append(ids, r.ID)
	}
	return ids
}

func (d desk) wantIDs(q store.Query, want ...string) {
	d.Helper()
	if got := d.ids(q); !slices.Equal(got, want) {
		d.Errorf("List %+v = %q, want %q", q, got, want)
	}
}
