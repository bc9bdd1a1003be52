package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

func TestWhatLiesBehindADamagedPageIsReadFromTheOtherEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, time.Now)
	const n = 400
	for i := range n {
		mustPut(t, s, store.Record{Tenant: "acme", Kind: store.Event, ID: fmt.Sprintf("%04d", i), Body: []byte(strings.Repeat(fmt.Sprintf("%04d", i), 50))})
	}
	s.Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(text), strings.Repeat("0200", 50))
	if at < 0 {
		t.Fatal("the row is not in the file")
	}
	text[at] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	err = Rows(path, store.Event, func(r store.Record) error { got = append(got, r.ID); return nil })
	if !errors.Is(err, errDamaged) {
		t.Errorf("Rows: %v; want that a row is damaged", err)
	}
	if len(got) != n-1 || got[199] != "0199" || got[200] != "0399" || got[n-2] != "0201" {
		t.Errorf("%d rows: %v; want all but the damaged one, those behind it backwards", len(got), got)
	}
	if err := Check(context.Background(), path, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("Check: %v; want ErrDamaged", err)
	}
	enough := errors.New("enough")
	if err := Rows(path, store.Event, func(store.Record) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("Rows: %v; want what each said", err)
	}
}

func TestACutOffFileThatWasMarkedIsDamageAndNoForeignFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, time.Now)
	mustPut(t, s, record1("a"))
	s.Close()
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if err := Check(context.Background(), path, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("Check: %v; want ErrDamaged", err)
	}
}
