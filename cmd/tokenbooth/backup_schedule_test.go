package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
)

// scheduled is a schedule on a store, whose clock a test moves.
func scheduled(t *testing.T) (p *schedule, move func(time.Duration), names func() []string) {
	t.Helper()
	data, folder := t.TempDir(), t.TempDir()
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	p = &schedule{database: filepath.Join(data, storeFile), folder: folder, lock: filepath.Join(data, "backup.lock"), every: time.Hour, keep: 2,
		now: func() time.Time { return now }, log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	s, err := sqlite.Open(sqlite.Options{Path: p.database, Now: time.Now, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return p, func(d time.Duration) { now = now.Add(d) }, func() []string { return namesIn(folder, "", "") }
}

func TestABackupIsMadeWhenOneIsDueAndOldOnesAreRemoved(t *testing.T) {
	t.Parallel()
	p, move, names := scheduled(t)
	for _, name := range []string{"monday.db", "tokenbooth-20261130T120000Z.db.part", "tokenbooth-notes.db"} {
		if err := os.WriteFile(filepath.Join(p.folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for step, want := range []string{"120000", "120000", "120000 130000", "130000 140000"} {
		p.turn(t.Context())
		p.turn(t.Context()) // what is made is not due
		var made []string
		for _, name := range names() {
			if stamp, ok := strings.CutPrefix(name, "tokenbooth-20261201T"); ok {
				made = append(made, strings.TrimSuffix(stamp, "Z.db"))
			}
		}
		if got := strings.Join(made, " "); got != want {
			t.Errorf("after step %d there is %q, want %q", step, got, want)
		}
		move([]time.Duration{59 * time.Minute, time.Minute, time.Hour, time.Hour}[step])
	}
	if there := names(); !slices.Contains(there, "monday.db") || !slices.Contains(there, "tokenbooth-notes.db") || slices.Contains(there, "tokenbooth-20261130T120000Z.db.part") {
		t.Errorf("there is %v: what is somebody else's stays, and what a backup left goes", there)
	}
	if p.failed.Load() != 0 || p.last.Load() != time.Date(2026, 12, 1, 14, 0, 0, 0, time.UTC).Unix() {
		t.Errorf("%d failures, the last success at %d", p.failed.Load(), p.last.Load())
	}
	newest, err := backupsIn(p.folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Check(t.Context(), newest[0].file, nil); err != nil {
		t.Error(err)
	}
}

func TestABackupThatFailsIsCountedAndTriedAgain(t *testing.T) {
	t.Parallel()
	p, move, names := scheduled(t)
	away := p.folder
	p.folder = filepath.Join(away, "not-mounted")
	p.turn(t.Context())
	p.folder = away
	p.turn(t.Context()) // too soon
	if len(names()) != 0 || p.failed.Load() != 1 || p.last.Load() != 0 {
		t.Errorf("%v, %d failures, last success %d; want one failure, and no folder made", names(), p.failed.Load(), p.last.Load())
	}
	move(scheduleRetry)
	p.turn(t.Context())
	if len(names()) != 1 || p.last.Load() == 0 {
		t.Errorf("%v: it was not tried again", names())
	}
}

func TestOfTwoProcessesOneMakesTheBackup(t *testing.T) {
	t.Parallel()
	p, _, names := scheduled(t)
	other, err := os.OpenFile(p.lock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if !tryHold(other) {
		t.Fatal("nobody holds it")
	}
	p.turn(t.Context())
	if len(names()) != 0 || p.failed.Load() != 0 {
		t.Errorf("%v, %d failures, while another is at it", names(), p.failed.Load())
	}
	other.Close()
	p.turn(t.Context())
	if len(names()) != 1 {
		t.Errorf("%v: want one backup", names())
	}
}

func TestAScheduledBackupIsEncryptedForItsRecipientAlone(t *testing.T) {
	t.Parallel()
	p, _, names := scheduled(t)
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	p.to = []age.Recipient{key.Recipient()}
	p.turn(context.Background())
	if got := names(); len(got) != 1 || got[0] != "tokenbooth-20261201T120000Z.db.age" {
		t.Fatalf("there is %v", got)
	}
	sealed, err := os.Open(filepath.Join(p.folder, names()[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer sealed.Close()
	if _, err := age.Decrypt(sealed, key); err != nil {
		t.Error(err)
	}
}
