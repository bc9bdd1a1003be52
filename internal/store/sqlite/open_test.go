package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

func record1(id string) store.Record {
	return store.Record{Tenant: "acme", Kind: store.Client, ID: id, Body: []byte("body of " + id)}
}

func mustPut(t *testing.T, s *Store, records ...store.Record) {
	t.Helper()
	if err := s.Put(context.Background(), records...); err != nil {
		t.Fatal(err)
	}
}

// alter runs SQL on a file that no store has open.
func alter(t *testing.T, path string, sql ...string) {
	t.Helper()
	if f, err := os.OpenFile(path, os.O_CREATE, 0o600); err != nil {
		t.Fatal(err)
	} else {
		f.Close()
	}
	c, err := connect(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, s := range sql {
		if err := c.once(s); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFilesThatAreNoStoreOfOursGiveOneSentenceWithPathAndAdvice(t *testing.T) {
	fill := func(b byte, n int) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, bytes.Repeat([]byte{b}, n), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	made := func(sql ...string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			s := openAt(t, path, time.Now)
			mustPut(t, s, record1("a"))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			alter(t, path, sql...)
		}
	}
	tests := map[string]struct {
		prepare func(*testing.T, string)
		want    []string
	}{
		"garbage":            {fill('x', 10000), []string{"damaged, or not a store", "move it away"}},
		"a little garbage":   {fill('x', 10), []string{"damaged, or not a store", "move it away"}},
		"zeros":              {fill(0, 8192), []string{"damaged, or not a store", "move it away"}},
		"a newer version":    {made("UPDATE schema_version SET version = 99"), []string{"newer version of Tokenbooth", "99", "run that version"}},
		"another program's":  {func(t *testing.T, p string) { alter(t, p, "CREATE TABLE notes (text)") }, []string{"another program", "name another file"}},
		"another's mark":     {made("PRAGMA application_id = 7"), []string{"another program", "name another file"}},
		"a directory":        {func(t *testing.T, p string) { os.Mkdir(p, 0o700) }, []string{"is not a file"}},
		"cut short":          {func(t *testing.T, p string) { made()(t, p); os.Truncate(p, 20000) }, []string{"damaged, or not a store", "backup"}},
		"in a missing place": {func(t *testing.T, p string) { os.Remove(filepath.Dir(p)) }, []string{"directory must exist"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sub", "store.db")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			tc.prepare(t, path)
			s, err := at(path, time.Now)
			if err == nil {
				s.Close()
				t.Fatal("opened without an error")
			}
			for _, want := range append(tc.want, path) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
				t.Errorf("error %q; want one line, and neither ErrConflict nor ErrNotFound", err)
			}
		})
	}
}

func TestAFileOfAnotherProgramIsLeftAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	alter(t, path, "CREATE TABLE notes (text)")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := at(path, time.Now); err == nil {
		t.Fatal("opened without an error")
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file has changed (%v)", err)
	}
}

func TestOnlyTheOwnerMayReadTheStoreItsLogAndItsIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	check := func(when string) {
		t.Helper()
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if info, err := os.Stat(path + suffix); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %s has mode %v (%v), want 0600", when, path+suffix, info.Mode(), err)
			}
		}
	}
	s := openAt(t, path, time.Now)
	mustPut(t, s, record1("a"))
	check("new")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Chmod(path+suffix, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	openAt(t, path, time.Now)
	check("opened with wider modes")
}

func TestNamesOfFilesNeedNoCare(t *testing.T) {
	for _, name := range []string{"with space", "what?mode=memory", "100%25", "#1", "ümlaut", "semi;colon", "quote'\""} {
		path := filepath.Join(t.TempDir(), name)
		s := openAt(t, path, time.Now)
		mustPut(t, s, record1("a"))
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestManyThatCreateOneFileAtOnceAllSucceed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s, err := at(path, time.Now)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.Put(context.Background(), record1(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestOpeningTakesNoLongerForALargeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, time.Now)
	for batch := range 5 {
		var records []store.Record
		for i := range store.MaxRecords {
			records = append(records, token(int64(batch*store.MaxRecords+i), 100, time.Now().Add(time.Hour)))
		}
		mustPut(t, s, records...)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the log is still there after closing (%v)", err)
	}
	best := time.Hour
	for range 10 {
		begin := time.Now()
		s := openAt(t, path, time.Now)
		if _, err := s.Get(context.Background(), "acme", store.Token, token(7, 100, begin).ID); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(begin))
		s.Close()
	}
	limit := 20 * time.Millisecond
	if racing {
		limit *= 20
	}
	if best > limit {
		t.Errorf("opening and a first read took %v at best, want at most %v", best, limit)
	}
	t.Logf("opening and a first read: %v", best)
}

func TestR9_DamageIsAnErrorAndNeverAWrongRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, time.Now)
	var records []store.Record
	for i := range store.MaxRecords {
		records = append(records, record1(fmt.Sprintf("%04d", i)))
	}
	mustPut(t, s, records...)
	s.Close()
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	runs := 60
	if racing {
		runs = 5
	}
	for run := range runs {
		counts[damagedRun(t, sound, run, records)]++
	}
	t.Logf("%v", counts)
}

// damagedRun flips random bytes, then opens and reads everything. It returns what became of it.
func damagedRun(t *testing.T, sound []byte, seed int, records []store.Record) string {
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	damaged := bytes.Clone(sound)
	for range 1 + random.IntN(64) {
		damaged[random.IntN(len(damaged))] ^= byte(1 + random.IntN(255))
	}
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := at(path, time.Now)
	if err != nil {
		return "refused to start"
	}
	defer s.Close()
	outcome := "no harm"
	for _, want := range records {
		got, err := s.Get(context.Background(), want.Tenant, want.Kind, want.ID)
		switch {
		case errors.Is(err, store.ErrNotFound):
			outcome = "a row was hidden"
			if Check(context.Background(), s.path, nil) == nil {
				t.Errorf("run %d: %s is missing, and Check finds nothing wrong", seed, want.ID)
			}
			return outcome
		case err != nil:
			outcome = "an error"
		case string(got.Body) != string(want.Body) || got.Rev != 1 || got.ID != want.ID:
			t.Errorf("run %d: %s is answered with %+v", seed, want.ID, got)
		}
	}
	return outcome
}
