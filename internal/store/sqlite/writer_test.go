package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// locked opens a store whose file another process, as it were, has locked until unlock is called.
func locked(t *testing.T) (s *Store, unlock func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	s = openAt(t, path, time.Now)
	other, err := connect(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.close() })
	if err := other.once("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return s, func() {
		if err := other.once("ROLLBACK"); err != nil {
			t.Error(err)
		}
	}
}

// put puts one record and says how that ended.
func put(ctx context.Context, s *Store, id string) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.Put(ctx, record1(id)) }()
	return done
}

func (w *writer) sizes() (changes, weight, groups int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, g := range w.queue {
		changes, weight = changes+len(g.changes), weight+g.weight
	}
	return changes, weight, len(w.queue)
}

// until waits for something that others bring about.
func until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for start := time.Now(); !reached(); time.Sleep(time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatal("waited in vain until", what)
		}
	}
}

func TestNothingIsLeftOfCallersThatGaveUp(t *testing.T) {
	s, unlock := locked(t)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	const callers, each = 3, groupWeight / 2 // more than a group
	for i := range callers {
		var records []store.Record
		for n := range each {
			records = append(records, record1(fmt.Sprint("gone-", i, "-", n)))
		}
		wg.Go(func() {
			if err := s.Put(ctx, records...); !errors.Is(err, context.Canceled) {
				t.Errorf("Put: %v, want that it was cancelled", err)
			}
		})
	}
	until(t, "all are queued", func() bool { n, _, _ := s.writer.sizes(); return n == callers })
	stays := put(context.Background(), s, "stays")
	until(t, "one more is", func() bool { n, _, _ := s.writer.sizes(); return n == callers+1 })
	if _, weight, groups := s.writer.sizes(); weight != callers*each+1 || groups != 2 {
		t.Errorf("a weight of %d in %d groups; want %d in 2", weight, groups, callers*each+1)
	}
	cancel()
	wg.Wait()
	if n, weight, groups := s.writer.sizes(); n != 1 || weight != 1 || groups != 1 {
		t.Errorf("%d changes of a weight of %d in %d groups are left; want the one that has a caller", n, weight, groups)
	}
	unlock()
	if err := <-stays; err != nil {
		t.Error(err)
	}
	page, err := s.List(context.Background(), store.Query{Tenant: "acme", Kind: store.Client})
	if err != nil || len(page) != 1 || page[0].ID != "stays" {
		t.Errorf("kept: %d records (%v); want only what nobody took back", len(page), err)
	}
}

func TestAnEmptyQueueIsNoGroupWhenTheFileIsOursAgain(t *testing.T) {
	s, unlock := locked(t)
	ctx, cancel := context.WithCancel(context.Background())
	gone := put(ctx, s, "gone")
	until(t, "it is queued", func() bool { n, _, _ := s.writer.sizes(); return n == 1 })
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v", err)
	}
	unlock()
	mustPut(t, s, record1("after"))
}

func TestCloseWritesWhatWasQueuedAndTakesNothingMore(t *testing.T) {
	s, unlock := locked(t)
	queued := put(context.Background(), s, "queued")
	until(t, "it is queued", func() bool { n, _, _ := s.writer.sizes(); return n == 1 })
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	<-s.closing
	if err := s.Put(context.Background(), record1("late")); !errors.Is(err, errClosed) {
		t.Errorf("Put after Close had begun: %v", err)
	}
	unlock()
	if err := errors.Join(<-queued, <-closed); err != nil {
		t.Error(err)
	}
	again := openAt(t, s.path, time.Now)
	if _, err := again.Get(context.Background(), "acme", store.Client, "queued"); err != nil {
		t.Errorf("what was queued when Close began: %v", err)
	}
	if _, err := again.Get(context.Background(), "acme", store.Client, "late"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what came after: %v", err)
	}
}
