package sqlite

import (
	"database/sql/driver"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// later are what each version brought, so that a file can be made what it was before.
var later = [][]string{
	2: {`DROP TABLE "revocation"`},
	3: {`DROP INDEX "event_label"`, `DROP TABLE "operator"`, `DROP TABLE "session"`, `DROP TABLE "answer"`, `DROP TABLE "tally"`, `DROP TABLE "notice"`},
	4: {`DROP TABLE "ledger"`, `DROP TABLE "identity"`},
}

// asOf makes the file at path one of an earlier version.
func asOf(t *testing.T, path string, version int) {
	t.Helper()
	var sql []string
	for v := len(later) - 1; v > version; v-- {
		sql = append(sql, later[v]...)
	}
	alter(t, path, append(sql, fmt.Sprint("UPDATE schema_version SET version = ", version))...)
	if err := os.Remove(path + markSuffix); err != nil { // no version before the fourth made one
		t.Fatal(err)
	}
}

// layout lists the tables and indexes of a file.
func layout(t *testing.T, path string) (names []string) {
	t.Helper()
	c, err := connect(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	err = c.query("SELECT type || ' ' || name || ' ' || sql FROM sqlite_schema WHERE sql IS NOT NULL", func(row []driver.Value) error {
		names = append(names, fmt.Sprint(row[0]))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// TestAFileOfAnEarlierVersionKeepsItsRowsAndTakesTheNewKinds opens a file as it was before there were revocations, and as it was before there
// were operators, by several processes at once.
func TestAFileOfAnEarlierVersionKeepsItsRowsAndTakesTheNewKinds(t *testing.T) {
	if len(later) != len(migrations)+1 {
		t.Fatalf("this test knows %d versions, and there are %d", len(later)-1, len(migrations))
	}
	fresh := filepath.Join(t.TempDir(), "fresh.db")
	if err := openAt(t, fresh, time.Now).Close(); err != nil {
		t.Fatal(err)
	}
	for version, lacks := range map[int][]store.Kind{
		1: {store.Revocation, store.Operator, store.Session, store.Answer, store.Tally, store.Notice},
		2: {store.Operator, store.Session, store.Answer, store.Tally, store.Notice},
		3: nil,
	} {
		path := filepath.Join(t.TempDir(), "store.db")
		s := openAt(t, path, time.Now)
		var rows []store.Record
		for _, kind := range store.Kinds {
			if !slices.Contains(lacks, kind) {
				rows = append(rows, store.Record{Tenant: "acme", Kind: kind, ID: "a", Label: "cli:ann", Parent: "p", Body: []byte("body of a")})
			}
		}
		mustPut(t, s, rows...)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		asOf(t, path, version)
		opened := openTogether(t, path)
		for _, kind := range lacks {
			mustPut(t, opened[0], store.Record{Tenant: "acme", Kind: kind, ID: "r", Expires: time.Now().Add(time.Hour), Body: []byte("{}")})
		}
		for i, s := range opened {
			for _, r := range rows {
				if got, err := s.Get(t.Context(), "acme", r.Kind, "a"); err != nil || string(got.Body) != "body of a" || got.Parent != "p" {
					t.Errorf("version %d, process %d: the %s of before: %+v, %v", version, i, r.Kind, got, err)
				}
			}
			for _, kind := range lacks {
				if page, err := s.List(t.Context(), store.Query{Tenant: "acme", Kind: kind}); err != nil || len(page) != 1 {
					t.Errorf("version %d, process %d lists %d of %s, %v", version, i, len(page), kind, err)
				}
			}
			page, err := s.List(t.Context(), store.Query{Tenant: "acme", Kind: store.Event, Label: "cli:ann", Exact: true})
			if err != nil || len(page) != 1 {
				t.Errorf("version %d, process %d: %d events of an actor, %v", version, i, len(page), err)
			}
			if err := Check(t.Context(), s.path, nil); err != nil {
				t.Errorf("version %d: %v", version, err)
			}
		}
		if got, want := layout(t, path), layout(t, fresh); !slices.Equal(got, want) {
			t.Errorf("a file of version %d becomes\n%s\nnot\n%s", version, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// openTogether opens a file four times at once.
func openTogether(t *testing.T, path string) []*Store {
	t.Helper()
	opened := make([]*Store, 4)
	var wg sync.WaitGroup
	for i := range opened {
		wg.Go(func() {
			var err error
			if opened[i], err = at(path, time.Now); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, s := range opened {
		if s == nil {
			t.FailNow()
		}
		t.Cleanup(func() { s.Close() })
	}
	return opened
}
