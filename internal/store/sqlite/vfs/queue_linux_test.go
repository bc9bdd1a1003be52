package vfs

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestSyncsOfManyAreEachAnswered(t *testing.T) {
	q := background()
	if q == nil {
		t.Skip("this kernel syncs nothing in its background")
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if _, err := f.WriteString("a line\n"); err != nil {
					t.Error(err)
				}
				if errno, taken := q.sync(int32(f.Fd())); errno != 0 || !taken {
					t.Errorf("sync: %v, taken %v", errno, taken)
				}
			}
		})
	}
	wg.Wait()
}

func TestWhatCannotBeSyncedInTheBackgroundIsNotTakenOn(t *testing.T) {
	q := background()
	if q == nil {
		t.Skip("this kernel syncs nothing in its background")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for what, file := range map[string]int32{"a pipe": int32(w.Fd()), "no file": -1} {
		if errno, taken := q.sync(file); errno != 0 || taken {
			t.Errorf("%s: %v, taken %v; want that nothing has happened", what, errno, taken)
		}
	}
}
