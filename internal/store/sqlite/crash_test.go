package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

func TestR1_KilledProcessLosesNothingItAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	var kept, gone []string
	for round := range rounds {
		cmd, lines := spawn(t, path, fmt.Sprintf("x%02d", round))
		k, g := kill(t, cmd, lines, 100+rand.IntN(300))
		kept, gone = append(kept, k...), append(gone, g...)
	}
	s := openAt(t, path, time.Now)
	wantPairs(t, s, kept)
	wantWhole(t, s)
	for _, id := range gone { // R4: what was acknowledged as removed stays away
		if _, err := s.Get(context.Background(), "acme", store.Login, id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s is back: %v", id, err)
		}
	}
	if len(kept) < 100*rounds {
		t.Errorf("only %d puts were acknowledged in %d rounds: the test tests little", len(kept), rounds)
	}
	t.Logf("%d puts and %d deletes were acknowledged before %d kills", len(kept), len(gone), rounds)
}

// wantWhole checks that no put is there by half, acknowledged or not.
func wantWhole(t *testing.T, s *Store) {
	t.Helper()
	if err := Check(context.Background(), s.path, nil); err != nil {
		t.Error(err)
	}
	var halves [2][]string
	for i, kind := range []store.Kind{store.Token, store.Event} {
		for q := (store.Query{Tenant: "acme", Kind: kind, Limit: store.MaxLimit}); ; {
			page, err := s.List(context.Background(), q)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, r := range page {
				halves[i] = append(halves[i], r.ID)
			}
			q.After = page[len(page)-1].ID
		}
	}
	if !slices.Equal(halves[0], halves[1]) {
		t.Errorf("%d tokens but %d events are kept: a put was written by half", len(halves[0]), len(halves[1]))
	}
}

// tracer is the program that watches the calls of a process, or makes them fail.
func tracer(t *testing.T) string {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	if err := exec.Command(strace, "-o", "/dev/null", "true").Run(); err != nil {
		t.Skip("strace may not trace a process here:", err)
	}
	return strace
}

func TestR1_TheFirstSyncOfANewLogCoversItsFolder(t *testing.T) {
	path, said := filepath.Join(t.TempDir(), "store.db"), filepath.Join(t.TempDir(), "said")
	openAt(t, path, time.Now).Close() // the log goes with the last who closes
	cmd, lines := spawn(t, path, "w00", tracer(t), "-f", "-qq", "-y", "-o", said, "-e", "trace=fsync")
	kill(t, cmd, lines, 20)
	cmd.Wait()
	text, err := os.ReadFile(said)
	if err != nil {
		t.Fatal(err)
	}
	var synced []string
	for line := range strings.Lines(string(text)) {
		_, file, made := strings.Cut(line, "fsync(")
		if !made {
			continue
		}
		_, file, _ = strings.Cut(file, "<")
		file, _, _ = strings.Cut(file, ">")
		if synced = append(synced, file); len(synced) == 3 {
			break
		}
	}
	if !slices.Contains(synced, path+"-wal") || !slices.Contains(synced, filepath.Dir(path)) {
		t.Errorf("synced at first: %q; want the log and its folder", synced)
	}
}

func TestR7_FailedSyncEndsAllWritingButNotReading(t *testing.T) {
	strace := tracer(t)
	for _, nth := range []int{2, 7, 40} {
		under := []string{strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", fmt.Sprintf("inject=fsync:error=EIO:when=%d", nth)}
		if !failedSync(t, nth, under) {
			t.Errorf("sync %d was to fail and did not", nth)
		}
	}
}

// failedSync watches a process whose nth sync fails: what it acknowledged before is kept, and it acknowledges nothing after. It reports
// whether one failed.
func failedSync(t *testing.T, nth int, under []string) bool {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	openAt(t, path, time.Now).Close()
	cmd, lines := spawn(t, path, fmt.Sprintf("y%02d", nth), under...)
	var kept []string
	failed := 0
	for failed < 100 && len(kept) < 5000 && lines.Scan() {
		switch what, said, _ := strings.Cut(lines.Text(), " "); {
		case what == "late":
			t.Errorf("sync %d: %s was begun after the failure and acknowledged", nth, said)
		case what == "kept":
			kept = append(kept, said)
		case strings.Contains(said, "no longer writes"):
			failed++
		}
	}
	end(cmd)
	wantPairs(t, openAt(t, path, time.Now), kept)
	return failed > 0
}
