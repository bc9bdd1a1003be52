package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/storetest"
)

func TestMain(m *testing.M) {
	child()
	goleak.VerifyTestMain(m)
}

func TestEveryPromiseOfAStoreIsKept(t *testing.T) {
	storetest.Test(t, storetest.Engine{
		Open: func(t *testing.T, now func() time.Time) store.Store {
			return openAt(t, filepath.Join(t.TempDir(), "store.db"), now)
		},
		Reopen: func(t *testing.T, s store.Store, now func() time.Time) store.Store {
			if err := s.(*Store).Close(); err != nil {
				t.Fatal(err)
			}
			return openAt(t, s.(*Store).path, now)
		},
	})
}

// at opens a store, and makes it if need be.
func at(path string, now func() time.Time, pragmas ...string) (*Store, error) {
	return Open(Options{Path: path, Now: now, Create: true, pragmas: pragmas})
}

func openAt(t *testing.T, path string, now func() time.Time, pragmas ...string) *Store {
	t.Helper()
	s, err := at(path, now, pragmas...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestB54_CancelledLookUpsNeverFindAnothersRecord(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "store.db"), time.Now)
	const callers = 32
	for i := range callers {
		mustPut(t, s, record1(fmt.Sprint("own-", i)))
	}
	var answered, cancelled atomic.Int64
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			want := record1(fmt.Sprint("own-", i))
			for range 1000 {
				ctx, cancel := context.WithCancel(context.Background())
				go cancel()
				switch got, err := s.Get(ctx, want.Tenant, want.Kind, want.ID); {
				case errors.Is(err, context.Canceled):
					cancelled.Add(1)
				case err != nil:
					t.Errorf("%s: %v", want.ID, err)
				case got.ID != want.ID || string(got.Body) != string(want.Body):
					t.Errorf("asked for %s and got %+v", want.ID, got)
				default:
					answered.Add(1)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d answered, %d cancelled", answered.Load(), cancelled.Load())
}
