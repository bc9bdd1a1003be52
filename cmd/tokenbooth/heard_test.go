package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/change"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
)

// changed is the store of a command that has just changed something.
func changed(t *testing.T, s *settings) (*awaited, *bytes.Buffer) {
	t.Helper()
	var said bytes.Buffer
	a := &awaited{Store: memory.New(time.Now), folder: s.serving(), ask: &said}
	rec := store.Record{Tenant: "acme", Kind: store.Client, ID: "c", Body: []byte("{}")}
	if err := a.Put(t.Context(), rec, change.Note(rec, time.Now())); err != nil {
		t.Fatal(err)
	}
	return a, &said
}

func appeared(t *testing.T, s *settings) *presence {
	t.Helper()
	p, err := appear(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.leave() })
	return p
}

func wantNoFiles(t *testing.T, s *settings, but int) {
	t.Helper()
	if left := namesIn(s.serving(), "", ""); len(left) != but {
		t.Errorf("the folder has %q, want %d files", left, but)
	}
}

func TestACommandWaitsForEveryServerThatIsAtWorkAndForNoOther(t *testing.T) {
	s := &settings{Data: t.TempDir(), Store: "sqlite"}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		wantAfter := func(what string, d time.Duration) {
			t.Helper()
			if took := time.Since(began); took < d || took > d+hearLook {
				t.Errorf("%s: it took %v, want %v", what, took, d)
			}
			began = time.Now()
		}
		a, _ := changed(t, s)
		a.settle()
		wantAfter("nobody is there", 0)

		one, two := appeared(t, s), appeared(t, s)
		a.settle()
		wantAfter("nothing was changed since", 0)

		a, _ = changed(t, s)
		go func() {
			for i, p := range []*presence{one, two} {
				time.Sleep(time.Duration(i+1) * 100 * time.Millisecond)
				p.asked()()
			}
		}()
		a.settle()
		wantAfter("two who hear after 100 and 300 ms", 300*time.Millisecond)
		synctest.Wait()

		a, said := changed(t, s)
		go func() {
			time.Sleep(50 * time.Millisecond)
			one.asked()()
			_ = two.leave()
		}()
		a.settle()
		wantAfter("one hears and the other goes away", 50*time.Millisecond)
		if said.Len() > 0 {
			t.Errorf("it says %q", said)
		}
		a, said = changed(t, s)
		a.settle()
		if took := time.Since(began); took < hearWithin || took > 2*hearWithin || !bytes.Contains(said.Bytes(), []byte("has not heard of it yet")) {
			t.Errorf("of a server that does not answer it says %q after %v", said, took)
		}
	})
	wantNoFiles(t, s, 0)
}

// A look that began before the question says nothing about what was written before it.
func TestALookAnswersTheQuestionsThatWereThereWhenItBegan(t *testing.T) {
	s := &settings{Data: t.TempDir(), Store: "sqlite"}
	p := appeared(t, s)
	early := p.asked()
	question := filepath.Join(s.serving(), "1"+askMark)
	if err := os.WriteFile(question, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	early()
	wantNoFiles(t, s, 2)
	late := p.asked()
	if err := os.Remove(question); err != nil {
		t.Fatal(err)
	}
	late()
	wantNoFiles(t, s, 1) // no answer is left to a question that was withdrawn
}

func TestWhatAKilledServerLeftBehindHoldsNobodyUp(t *testing.T) {
	s := &settings{Data: t.TempDir(), Store: "sqlite"}
	p := appeared(t, s)
	if err := p.lock.Close(); err != nil { // as the system does
		t.Fatal(err)
	}
	if left := alive(s.serving()); len(left) > 0 {
		t.Errorf("%q is taken for alive", left)
	}
	wantNoFiles(t, s, 0)
}
