package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// full opens a store that is served, on a disk that is full: the next Put of a client fails. Giving up the reserve makes room.
func full(t *testing.T) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(Options{Path: path, Now: time.Now, Create: true, Serve: true, pragmas: []string{"max_page_count = 80"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.writer.reserve.freed = func() { s.writer.pragmas = writing } // which the next connection is made with
	for n := 0; err == nil && n < 1000; n++ {
		err = s.Put(t.Context(), bulky(n))
	}
	if err == nil {
		t.Fatal("the disk is not full")
	}
	if s.Tight() {
		t.Fatal("the reserve was given up for a client")
	}
	return s
}

func bulky(n int) store.Record {
	return store.Record{Tenant: "acme", Kind: store.Client, ID: fmt.Sprintf("%04d", n), Body: []byte(strings.Repeat("x", 4000))}
}

func revocation(n int) store.Record {
	r := bulky(n)
	r.Kind = store.Revocation
	return r
}

func TestRow8_OnAFullDiskWhatTakesBackIsWrittenAndNothingElse(t *testing.T) {
	s := full(t)
	for n := range 50 {
		if err := s.Put(t.Context(), revocation(n)); err != nil {
			t.Fatalf("revocation %d: %v", n, err)
		}
	}
	if !s.Tight() {
		t.Error("nobody is told that the disk is full")
	}
	if err := s.Put(t.Context(), bulky(5000)); err == nil || !strings.Contains(err.Error(), "make room") {
		t.Errorf("a client is let use the room for revocations: %v", err)
	}
	if err := s.Probe(t.Context(), 0); Cause(err) != "full" {
		t.Errorf("whoever asks whether it can be written hears %v", err)
	}
	if _, err := s.Get(t.Context(), "acme", store.Revocation, revocation(49).ID); err != nil {
		t.Error(err)
	}
	if err := s.Err(); err != nil {
		t.Errorf("a full disk has ended all writing: %v", err)
	}
}

func TestRow8_TheReserveIsMadeAgainWhenThereIsRoom(t *testing.T) {
	s := full(t)
	if err := s.Put(t.Context(), revocation(1)); err != nil {
		t.Fatal(err)
	}
	r := &reserve{path: s.writer.reserve.path, keep: true}
	now := time.Now()
	r.refill(now)
	info, err := os.Stat(r.path)
	if err != nil || info.Size() != reserveBytes || info.Mode().Perm() != 0o600 || r.gone.Load() {
		t.Fatalf("%v, %v", info, err)
	}
	if !r.give() || !r.gone.Load() || r.give() {
		t.Error("it can be given up once, and is then gone")
	}
	r.refill(r.tried.Add(refillEvery - 1))
	if !r.gone.Load() {
		t.Error("it was made again at once: on a disk that is full that is tried without a pause")
	}
	r.path = filepath.Join(t.TempDir(), "no folder", "reserve")
	r.refill(r.tried.Add(refillEvery))
	if !r.gone.Load() {
		t.Error("there is no reserve, and nobody is told")
	}
}

func TestRow8_ACommandKeepsNoReserveAndMayGiveTheServersUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(Options{Path: path, Now: time.Now, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := os.Stat(path + reserveSuffix); err == nil || s.Tight() {
		t.Error("a command made a reserve, or misses one")
	}
	if err := s.Put(context.Background(), bulky(1)); err != nil {
		t.Error(err)
	}
}
