package sqlite

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// TestAFileOfTheVersionBeforeKeepsItsRowsAndTakesRevocations opens a file as it was before there were revocations, by several
// processes at once.
func TestAFileOfTheVersionBeforeKeepsItsRowsAndTakesRevocations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, time.Now)
	mustPut(t, s, record1("a"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	alter(t, path, `DROP TABLE "revocation"`, "UPDATE schema_version SET version = 1")
	opened := make([]*Store, 4)
	var wg sync.WaitGroup
	for i := range opened {
		wg.Go(func() {
			var err error
			if opened[i], err = Open(path, time.Now); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for _, s := range opened {
		defer s.Close()
	}
	mustPut(t, opened[0], store.Record{Tenant: "acme", Kind: store.Revocation, ID: "r", Expires: time.Now().Add(time.Hour), Body: []byte("{}")})
	for i, s := range opened {
		if got, err := s.Get(t.Context(), "acme", store.Client, "a"); err != nil || string(got.Body) != "body of a" {
			t.Errorf("process %d: the row of before: %+v, %v", i, got, err)
		}
		if got, err := s.Get(t.Context(), "acme", store.Revocation, "r"); err != nil || string(got.Body) != "{}" {
			t.Errorf("process %d: the revocation: %+v, %v", i, got, err)
		}
		if v, err := s.List(t.Context(), store.Query{Tenant: "acme", Kind: store.Revocation}); err != nil || len(v) != 1 {
			t.Errorf("process %d lists %d revocations, %v", i, len(v), err)
		}
	}
}
