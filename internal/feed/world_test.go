package feed

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// clock is a time that stands still until a test moves it.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 11, 22, 4, 9, 0, 123e6, time.UTC).UnixMicro())
	return c
}

func (c *clock) now() time.Time           { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(by time.Duration) { c.at.Add(by.Microseconds()) }

// watched is a store that counts what is read, fails when told to, and calls back while a list is read.
type watched struct {
	store.Store
	gets, lists atomic.Int64
	down        atomic.Bool
	meanwhile   func()
}

var errDisk = errors.New("the disk is gone")

func (s *watched) Get(ctx context.Context, tenant string, kind store.Kind, id string) (store.Record, error) {
	if s.gets.Add(1); s.down.Load() {
		return store.Record{}, errDisk
	}
	return s.Store.Get(ctx, tenant, kind, id)
}

func (s *watched) List(ctx context.Context, q store.Query) ([]store.Record, error) {
	if s.lists.Add(1); s.down.Load() {
		return nil, errDisk
	}
	records, err := s.Store.List(ctx, q)
	if s.meanwhile != nil {
		s.meanwhile()
	}
	return records, err
}

func open(t testing.TB, s store.Store, now func() time.Time, tenants ...string) *Feed {
	t.Helper()
	f, err := Open(t.Context(), Options{Store: s, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetTenants(t.Context(), tenants); err != nil {
		t.Fatal(err)
	}
	return f
}

func world(t testing.TB) (*Feed, *watched, *clock) {
	t.Helper()
	c := newClock()
	s := &watched{Store: memory.New(c.now)}
	return open(t, s, c.now, "acme", "other"), s, c
}

// token is the revocation of a single token of acme that lives for another hour.
func token(c *clock, id string) Revocation {
	return Revocation{Tenant: "acme", Kind: revocation.Token, ID: id, Until: c.now().Add(time.Hour)}
}

// keep writes a revocation as whoever revokes does, and returns the id of its record.
func keep(t testing.TB, s store.Store, r Revocation, now time.Time) string {
	t.Helper()
	records := r.Records(now)
	if err := s.Put(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
	return records[0].ID
}

func (f *Feed) has(r Revocation) bool { return f.Set(r.Tenant).Has(revocation.NameOf(r.Kind, r.ID)) }

// many are n entries of one hour.
func many(c *clock, n int) []revocation.Entry {
	out := make([]revocation.Entry, n)
	for i := range out {
		out[i] = token(c, fmt.Sprint("token-", i)).entry()
	}
	return out
}

// within waits until something has happened.
func within(t *testing.T, limit time.Duration, what string, happened func() bool) {
	t.Helper()
	for began := time.Now(); !happened(); time.Sleep(2 * time.Millisecond) {
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}
