package vfs

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

func TestR7_AFailedSyncIsNeverTakenForADoneOne(t *testing.T) {
	for _, c := range []struct {
		what string
		said event
		want syscall.Errno
	}{
		{"done", event{number: 7}, 0},
		{"the disk failed", event{number: 7, result: -int64(syscall.EIO)}, syscall.EIO},
		{"the disk is full", event{number: 7, result: -int64(syscall.ENOSPC)}, syscall.ENOSPC},
		{"the answer to an earlier question", event{number: 6}, syscall.EIO},
		{"something else than an outcome", event{number: 7, result: 1}, syscall.EIO},
	} {
		if got := c.said.outcome(7); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}

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
