//go:build unix

package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// hang makes the writer wait as for a disk that does not answer: somebody holds the mark.
func hang(t *testing.T, path string) (answer func()) {
	t.Helper()
	f, err := os.OpenFile(path+markSuffix, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { f.Close() }
}

func TestADiskThatDoesNotAnswerIsAFaultAfterTwoSecondsAndOverWhenItDoes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, time.Now)
	mustPut(t, s, record1("before"))
	answer := hang(t, path)
	began := time.Now()
	err := s.Put(t.Context(), record1("first"))
	if took := time.Since(began); !errors.Is(err, errHung) || took < hungAfter || took > hungAfter+2*time.Second {
		t.Errorf("the first Put: %v after %v; want errHung after %v", err, took, hungAfter)
	}
	began = time.Now()
	if err := s.Put(t.Context(), record1("second")); !errors.Is(err, errHung) || time.Since(began) > time.Second {
		t.Errorf("the next Put: %v after %v; want errHung at once", err, time.Since(began))
	}
	if err := s.Probe(t.Context(), 0); Cause(err) != "hung" {
		t.Errorf("Probe: %v", err)
	}
	if _, err := s.Get(t.Context(), "acme", record1("").Kind, "before"); err != nil {
		t.Errorf("reading meanwhile: %v", err)
	}
	answer()
	for deadline := time.Now().Add(5 * time.Second); s.Probe(t.Context(), 0) != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not go on")
		}
	}
	mustPut(t, s, record1("after"))
	if _, err := s.Get(t.Context(), "acme", record1("").Kind, "second"); err == nil {
		t.Error("what was refused at once is there")
	}
}

func TestAStoreIsClosedThoughItsDiskDoesNotAnswer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(Options{Path: path, Now: time.Now, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	answer := hang(t, path)
	defer answer()
	began := time.Now()
	go func() { _ = s.Put(context.Background(), record1("a")) }()
	time.Sleep(10 * time.Millisecond)
	err = s.Close()
	if took := time.Since(began); !errors.Is(err, errHung) || took > closeWithin+2*time.Second {
		t.Errorf("Close: %v after %v", err, took)
	}
}

func TestAProbeWritesOnlyWhereNothingElseDid(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, time.Now)
	mustPut(t, s, record1("a"))
	groups := func() int64 {
		_, b, err := look(path)
		if err != nil {
			t.Fatal(err)
		}
		return b.groups
	}
	before := groups()
	if err := s.Probe(t.Context(), time.Hour); err != nil || groups() != before {
		t.Errorf("%v; %d groups, want %d: something was written a moment ago", err, groups(), before)
	}
	if err := s.Probe(t.Context(), 0); err != nil || groups() != before+1 {
		t.Errorf("%v; %d groups, want %d", err, groups(), before+1)
	}
	if err := Check(t.Context(), path, nil); err != nil {
		t.Error(err)
	}
}

func TestWhyNothingCanBeWrittenIsToldInAWord(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	s := openAt(t, path, time.Now)
	other, err := connect(path, writing...)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.once("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	if err := s.Probe(t.Context(), 0); Cause(err) != "locked" {
		t.Errorf("locked by another: %v, %s", err, Cause(err))
	}
	if err := errors.Join(other.once("ROLLBACK"), other.close()); err != nil {
		t.Fatal(err)
	}
	if err := s.Probe(t.Context(), 0); err != nil {
		t.Errorf("no longer locked: %v", err)
	}
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := s.Probe(t.Context(), time.Hour); Cause(err) != "gone" {
		t.Errorf("gone: %v, %s", err, Cause(err))
	}
	for err, want := range map[error]string{errLogFull: "log_full", errDamaged: "damaged", errReplaced: "gone", syscall.ENOSPC: "full", syscall.EROFS: "read_only",
		errors.New("x"): "failed"} {
		if got := Cause(err); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}
