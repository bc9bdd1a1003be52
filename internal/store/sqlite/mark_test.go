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

// written makes a store with so many revocations in it and closes it.
func written(t *testing.T, path string, from, to int) {
	t.Helper()
	s, err := at(path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for i := from; i < to; i++ {
		mustPut(t, s, store.Record{Tenant: "acme", Kind: store.Revocation, ID: fmt.Sprintf("%04d", i), Body: []byte("{}")})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAStoreThatIsNotWhatItsMarkSaysDoesNotStart(t *testing.T) {
	for name, tc := range map[string]struct {
		harm func(t *testing.T, path, old string)
		want string
	}{
		"an older file":    {func(t *testing.T, path, old string) { copyFile(t, old, path) }, "groups of changes"},
		"no file":          {func(t *testing.T, path, _ string) { os.Remove(path) }, "is gone"},
		"no mark":          {func(t *testing.T, path, _ string) { os.Remove(path + markSuffix) }, "no mark beside it"},
		"an empty mark":    {func(t *testing.T, path, _ string) { os.Truncate(path+markSuffix, 0) }, "no mark beside it"},
		"a mark cut short": {func(t *testing.T, path, _ string) { os.Truncate(path+markSuffix, 40) }, "cannot be read"},
		"another store's file": {func(t *testing.T, path, _ string) {
			other := path + "2"
			written(t, other, 0, 30)
			copyFile(t, other, path)
		}, "another one than its mark"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			written(t, path, 0, 3)
			copyFile(t, path, path+".old")
			written(t, path, 3, 6)
			tc.harm(t, path, path+".old")
			for _, create := range []bool{false, true} {
				s, err := Open(Options{Path: path, Now: time.Now, Create: create})
				if err == nil {
					s.Close()
				}
				if !errors.Is(err, ErrBehind) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "tokenbooth restore") {
					t.Errorf("create %v: %v; want that it is refused, with %q and the way out", create, err, tc.want)
				}
			}
			if name == "no file" {
				return
			}
			if _, _, err := Accept(path, "", time.Now()); err != nil {
				t.Fatal(err)
			}
			mustPut(t, openAt(t, path, time.Now), record1("goes on"))
		})
	}
}

func TestASecondMarkKnowsWhatARestoredFolderForgot(t *testing.T) {
	dir, second := t.TempDir(), filepath.Join(t.TempDir(), "mark")
	path := filepath.Join(dir, "store.db")
	put := func(id string) {
		t.Helper()
		s, err := Open(Options{Path: path, Now: time.Now, Create: true, Mark: second})
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, s, record1(id))
		s.Close()
	}
	put("a")
	copyFile(t, path, path+".old")
	copyFile(t, path+markSuffix, path+markSuffix+".old")
	put("b")
	copyFile(t, path+".old", path)
	copyFile(t, path+markSuffix+".old", path+markSuffix)
	openAt(t, path, time.Now).Close() // the mark beside it sees nothing
	if _, err := Open(Options{Path: path, Now: time.Now, Mark: second}); !errors.Is(err, ErrBehind) {
		t.Errorf("%v; want that the second mark refuses it", err)
	}
}

func TestAMarkIsOnlyEverRaised(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mark")
	f := &markFile{path: path}
	defer func() { f.close() }()
	name := strings.Repeat("ab", 16)
	noon := time.UnixMicro(1_800_000_000_000_000)
	if err := f.create(mark{name, 7, noon}); err != nil {
		t.Fatal(err)
	}
	for _, m := range []mark{{name, 5, noon.Add(time.Hour)}, {name, 9, noon.Add(-time.Hour)}, {name, 8, noon}} {
		if err := f.raise(m); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := f.read(); err != nil || got != (mark{name, 9, noon.Add(time.Hour)}) {
		t.Errorf("%+v, %v; want the highest of each", got, err)
	}
}

func TestTheLatestTimeSeenIsKnownAtTheNextStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	ahead := time.Now().Add(time.Hour).Truncate(time.Microsecond)
	s := openAt(t, path, func() time.Time { return ahead })
	if !s.Seen().IsZero() {
		t.Errorf("a new store has seen %v", s.Seen())
	}
	mustPut(t, s, record1("a"))
	s.Close()
	if got := openAt(t, path, time.Now).Seen(); !got.Equal(ahead) {
		t.Errorf("seen %v, want %v", got, ahead)
	}
}

func TestNoCommandMakesAStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if _, err := Open(Options{Path: path, Now: time.Now}); !errors.Is(err, ErrMissing) {
		t.Errorf("%v; want that there is none", err)
	}
	if left, _ := filepath.Glob(path + "*"); len(left) > 0 {
		t.Errorf("%q was made", left)
	}
}

func TestAFileThatIsDeletedOrReplacedEndsAllWriting(t *testing.T) {
	for name, harm := range map[string]func(path string){
		"deleted":  func(path string) { os.Remove(path) },
		"replaced": func(path string) { os.Rename(path, path+".old"); os.WriteFile(path, nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := at(filepath.Join(t.TempDir(), "store.db"), time.Now)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			mustPut(t, s, record1("a"))
			harm(s.path)
			if err := s.Err(); err == nil {
				t.Error("it is still said to be well")
			}
			if err := s.Put(context.Background(), record1("b")); err == nil || errors.Is(err, store.ErrConflict) {
				t.Errorf("Put: %v; want a fault", err)
			}
			for range 20 { // through connections that were open, and through new ones
				if _, err := s.Get(context.Background(), "acme", store.Client, "a"); errors.Is(err, store.ErrNotFound) {
					t.Errorf("what was kept is said not to be there: %v", err)
				}
			}
		})
	}
}

func FuzzMark(f *testing.F) {
	f.Add(mark{strings.Repeat("ab", 16), 7, time.UnixMicro(1)}.line())
	f.Add([]byte("tokenbooth\n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if m, err := parseMark(line); err == nil && string(m.line()) != string(line) {
			t.Errorf("%q is read as %+v", line, m)
		}
	})
}
