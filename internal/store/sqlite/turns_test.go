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

func TestTwoHandlesOnOneFileTakeTurns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	busy, small := openAt(t, path, time.Now), openAt(t, path, time.Now)
	var done atomic.Bool
	var wg sync.WaitGroup
	defer wg.Wait()
	defer done.Store(true)
	for i := range 32 {
		wg.Go(func() {
			for n := 0; !done.Load(); n++ {
				if err := busy.Put(context.Background(), record1(fmt.Sprintf("busy-%d-%d", i, n))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var slowest time.Duration
	for n := range 30 {
		begin := time.Now()
		r := record1(fmt.Sprint("small-", n))
		mustPut(t, small, r)
		slowest = max(slowest, time.Since(begin))
		if _, err := busy.Get(context.Background(), r.Tenant, r.Kind, r.ID); err != nil {
			t.Errorf("the other handle does not see %s: %v", r.ID, err)
		}
	}
	t.Logf("slowest write beside a busy one: %v", slowest)
}

func TestTwoHandlesAgreeWhoWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	handles := []*Store{openAt(t, path, time.Now), openAt(t, path, time.Now)}
	mustPut(t, handles[0], record1("counter"))
	var wg sync.WaitGroup
	const each = 20
	for i := range 8 {
		wg.Go(func() {
			for done := 0; done < each; {
				r, err := handles[i%2].Get(context.Background(), "acme", store.Client, "counter")
				if err == nil {
					err = handles[i%2].Put(context.Background(), r)
				}
				if err == nil {
					done++
				} else if !errors.Is(err, store.ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if r, err := handles[0].Get(context.Background(), "acme", store.Client, "counter"); err != nil || r.Rev != 1+8*each {
		t.Errorf("revision %d (%v), want %d: an increment is lost", r.Rev, err, 1+8*each)
	}
}

func TestTwoProcessesOnOneFileBothWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, time.Now)
	cmd, lines := spawn(t, path, "z00")
	var own []string
	stop := time.Now().Add(500 * time.Millisecond)
	for n := 0; time.Now().Before(stop); n++ {
		id := fmt.Sprintf("own-0-%06d", n)
		mustPut(t, s, pair(id)...)
		own = append(own, id)
	}
	kept, _ := kill(t, cmd, lines, 1)
	wantPairs(t, s, append(own, kept...))
	wantWhole(t, s)
	if len(kept) == 0 || len(own) == 0 {
		t.Errorf("%d puts here and %d there; want both to have got a turn", len(own), len(kept))
	}
	t.Logf("%d puts here, %d there", len(own), len(kept))
}

func TestALockedFileIsAFaultAfterPatienceAndTheWriterGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, time.Now)
	other, err := connect(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	if err := other.once("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	hurry, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := s.Put(hurry, record1("withdrawn")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a put withdrawn while the file was locked: %v, want the context's error", err)
	}
	begin := time.Now()
	err = s.Put(context.Background(), record1("refused"))
	if err == nil || errors.Is(err, store.ErrConflict) || !strings.Contains(err.Error(), "locked") || time.Since(begin) > 2*patience {
		t.Errorf("a put while the file was locked: %v after %v", err, time.Since(begin))
	}
	if _, err := s.Get(context.Background(), "acme", store.Client, "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("reading while another process writes: %v", err)
	}
	if err := other.once("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, record1("after"))
	page, err := s.List(context.Background(), store.Query{Tenant: "acme", Kind: store.Client})
	if err != nil || len(page) != 1 {
		t.Errorf("kept: %+v (%v); want only what was put after the lock", page, err)
	}
}
