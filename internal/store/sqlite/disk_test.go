package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

func TestR8_AFullDiskIsAFaultOfItsOwnAndReadingGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, time.Now, "max_page_count = 60") // what SQLite answers to a full disk, without one
	large := func(i int) store.Record {
		r := record1(fmt.Sprintf("%04d", i))
		r.Body = []byte(strings.Repeat("x", 4000))
		return r
	}
	kept := 0
	var err error
	for ; err == nil && kept < 1000; kept++ {
		err = s.Put(context.Background(), large(kept))
	}
	kept--
	if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "full") {
		t.Fatalf("after %d puts: %v; want an error that says that the disk is full", kept, err)
	}
	for i := range kept {
		if _, err := s.Get(context.Background(), "acme", store.Client, large(i).ID); err != nil {
			t.Errorf("reading %d on a full disk: %v", i, err)
		}
	}
	if err := s.Err(); err != nil {
		t.Errorf("a full disk has ended all writing: %v", err)
	}
	for i := range 10 {
		if err := s.Delete(context.Background(), "acme", store.Client, large(i).ID); err != nil {
			t.Fatalf("making room: %v", err)
		}
	}
	mustPut(t, s, large(0))
	if err := Check(context.Background(), s.path, nil); err != nil {
		t.Error(err)
	}
}

func TestDamageMetByAWriteEndsAllWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, time.Now)
	mustPut(t, s, record1("a"))
	s.Close()
	// The definition of the table is made to name a page that is not its own.
	alter(t, path, "PRAGMA writable_schema = ON", "UPDATE sqlite_schema SET rootpage = 1 WHERE name = 'client'")
	s, err := at(path, time.Now)
	if err != nil {
		return // noticed even earlier
	}
	defer s.Close()
	first := s.Put(context.Background(), record1("b"))
	if first == nil || errors.Is(first, store.ErrConflict) || s.Err() == nil {
		t.Errorf("Put into a damaged table: %v; Err: %v", first, s.Err())
	}
	other := record1("c")
	other.Kind = store.User
	if err := s.Put(context.Background(), other); err == nil || !strings.Contains(err.Error(), "no longer writes") {
		t.Errorf("the next Put: %v; want that the store no longer writes", err)
	}
}

func TestR41_TheLogStaysSmallUnderReadersThatNeverPause(t *testing.T) {
	if testing.Short() {
		t.Skip("writes more than a hundred megabytes")
	}
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"), time.Now)
	var done atomic.Bool
	var wg sync.WaitGroup
	defer wg.Wait()
	defer done.Store(true)
	for range 3 {
		wg.Go(func() {
			for !done.Load() {
				if _, err := s.List(context.Background(), store.Query{Tenant: "acme", Kind: store.Client, Limit: 5}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	body := []byte(strings.Repeat("x", 256<<10))
	written, largest := 0, int64(0)
	for n := 0; written < 120<<20; n++ {
		var records []store.Record
		for i := range 8 {
			records = append(records, store.Record{Tenant: "acme", Kind: store.Client, ID: fmt.Sprintf("%d-%d", i, n), Body: body})
			written += len(body)
		}
		mustPut(t, s, records...)
		largest = max(largest, size(t, s.path+"-wal"))
	}
	if limit := int64(64 << 20); largest > limit {
		t.Errorf("the log grew to %d MiB, want at most %d", largest>>20, limit>>20)
	}
	t.Logf("%d MiB written, largest log %d MiB", written>>20, largest>>20)
}

// The proof is not a time, which would say more about the machine, but that others get their turn between the steps.
func TestSweepingHoldsNobodyUp(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"), time.Now)
	expired := time.Now().Add(-time.Hour)
	const batches = 6
	for b := range batches {
		var records []store.Record
		for i := range store.MaxRecords {
			records = append(records, token(int64(b*store.MaxRecords+i), 100, expired))
		}
		mustPut(t, s, records...)
	}
	swept := make(chan int)
	go func() {
		total := 0
		for n := store.MaxLimit; n == store.MaxLimit; total += n {
			var err error
			if n, err = s.Sweep(context.Background(), time.Now(), 0); err != nil {
				t.Error(err)
				break
			}
		}
		swept <- total
	}()
	for n := 0; ; n++ {
		select {
		case total := <-swept:
			if steps := total / sweepStep; total != batches*store.MaxRecords || n < steps/3 {
				t.Errorf("%d swept in %d steps, want %d swept; %d writes had a turn meanwhile", total, steps, batches*store.MaxRecords, n)
			}
			return
		default:
			mustPut(t, s, record1(fmt.Sprint(n)))
		}
	}
}
