package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// Whatever is done to rows, the ledger says what is there: created, replaced, created over an expired one, removed, swept, and undone with a
// change that lost.
func TestTheLedgerFollowsEveryChange(t *testing.T) {
	now := time.Now()
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"), func() time.Time { return now })
	ctx := context.Background()
	for i := range 200 {
		r := record1(fmt.Sprintf("%03d", i))
		if i%3 == 0 {
			r.Expires = now.Add(time.Duration(i) * time.Second)
		}
		mustPut(t, s, r)
	}
	for i := range 50 {
		r, err := s.Get(ctx, "acme", store.Client, fmt.Sprintf("%03d", 3*i+1))
		if err != nil {
			t.Fatal(err)
		}
		r.Body = []byte("new")
		mustPut(t, s, r)
		if err := s.Put(ctx, record1("lost"), r); !errors.Is(err, store.ErrConflict) {
			t.Fatalf("a stale revision: %v", err)
		}
	}
	now = now.Add(100 * time.Second)
	mustPut(t, s, record1("000"), record1("003"), record1("fresh")) // two have expired
	if _, err := s.Sweep(ctx, now, 7); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, "acme", store.Client, "001", "002", "nobody"); err != nil {
		t.Fatal(err)
	}
	if err := Check(ctx, s.path, nil); err != nil {
		t.Error(err)
	}
}

// forged takes rows away as damage does: without the ledger hearing of it.
func forged(t *testing.T, kind store.Kind) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, time.Now)
	for i := range 10 {
		mustPut(t, s, store.Record{Tenant: "acme", Kind: kind, ID: fmt.Sprint(i), Body: []byte("{}")})
	}
	s.Close()
	alter(t, path, `DELETE FROM "`+string(kind)+`" WHERE id = '5'`)
	return path
}

func TestAServerDoesNotStartWithoutARevocationOrAKey(t *testing.T) {
	for _, kind := range readFirst {
		path := forged(t, kind)
		if _, err := Open(Options{Path: path, Now: time.Now, Serve: true}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "9 rows, and 10 were written") {
			t.Errorf("%s: %v", kind, err)
		}
		if err := Check(context.Background(), path, nil); !errors.Is(err, errIncomplete) {
			t.Errorf("Check of %s: %v", kind, err)
		}
	}
}

func TestWhatIsMissingIsAFaultAndNeverSaidNotToBeThere(t *testing.T) {
	for _, kind := range readSoon {
		s, err := Open(Options{Path: forged(t, kind), Now: time.Now, Serve: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(context.Background(), "acme", kind, "5"); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("a %s that a damage hides: %v; want a fault", kind, err)
		}
		if s.Err() == nil {
			t.Errorf("a store without a %s is said to be well", kind)
		}
		s.Close()
	}
}

func TestWhatWasNeverThereIsNotFoundOnceTheStoreWasRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	openAt(t, path, time.Now).Close()
	s, err := Open(Options{Path: path, Now: time.Now, Serve: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Get(context.Background(), "acme", store.Token, "none"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

func TestAnIdleStoreHasAnEmptyLog(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"), time.Now)
	mustPut(t, s, record1("a"))
	mustPut(t, s, record1("b"))
	until(t, "the log is empty", func() bool { return size(t, s.path+"-wal") == 0 })
}

// The reader is one that stays: a shell, say, in another process.
func TestAReaderThatStaysEndsTheGrowthOfTheLogAndNotRevocation(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"), time.Now)
	ctx := context.Background()
	s.writer.length.Store(fullAt + 1)
	if err := s.Put(ctx, record1("a")); !errors.Is(err, errLogFull) {
		t.Errorf("Put: %v; want that the log is full", err)
	}
	mustPut(t, s, store.Record{Tenant: "acme", Kind: store.Revocation, ID: "r", Body: []byte("{}")})
	until(t, "there is room again", func() bool { return s.Put(ctx, record1("b")) == nil })
}

func TestABackupOfAStoreInUseIsWholeAndACopyOfItsFileIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, time.Now)
	for i := range 50 {
		mustPut(t, s, record1(fmt.Sprint(i)))
	}
	to := filepath.Join(t.TempDir(), "backup.db")
	if err := Backup(context.Background(), path, to, nil); err != nil {
		t.Fatal(err)
	}
	if err := Check(context.Background(), to, nil); err != nil {
		t.Error(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.db")
	copyFile(t, path, cut)
	if err := Check(context.Background(), cut, nil); err == nil || !strings.Contains(err.Error(), "incomplete") {
		t.Errorf("a copy without its log: %v", err)
	}
	s.Close()
	copyFile(t, path, cut)
	if err := Check(context.Background(), cut, nil); err != nil {
		t.Errorf("a copy of a store that was closed: %v", err)
	}
}
