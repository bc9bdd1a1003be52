package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The programs under test, and the demos that tests share.
var (
	plainProgram string // as it is released
	clockProgram string // the same with a clock that can be moved
	shared       *booth // of plainProgram
	moved        *booth // of clockProgram; see later
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run is TestMain with an exit code, so that what it began is ended whatever happens.
func run(m *testing.M) int {
	scratch, err := os.MkdirTemp("", "tokenbooth-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(scratch)
	if err := prepare(scratch); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	code := m.Run()
	if err := errors.Join(shared.stop(), moved.stop()); err != nil {
		fmt.Fprintln(os.Stderr, "--- FAIL: the shared demos did not end well:", err)
		return 1
	}
	return code
}

// prepare makes sure that the callers' tools are there, builds the programs and starts the shared demos. Without a tool the tests
// fail: a contract that was not tried is not kept.
func prepare(scratch string) error {
	for _, tool := range []struct{ name, why string }{
		{"curl", "the vendors' documents call the API with curl"},
		{"node", "one vendor's document calls the API from Node.js"},
		{"sh", "the vendors' commands are lines for a shell"},
		{"go", "the program is built from source"},
	} {
		if _, err := exec.LookPath(tool.name); err != nil {
			return fmt.Errorf("these tests need %s, because %s; install it and run them again", tool.name, tool.why)
		}
	}
	plainProgram, clockProgram = filepath.Join(scratch, "tokenbooth"), filepath.Join(scratch, "tokenbooth-testclock")
	if err := errors.Join(build(plainProgram, ""), build(clockProgram, "testclock")); err != nil {
		return err
	}
	var err error
	if shared, err = startDemo(plainProgram, filepath.Join(scratch, "shared"), nil); err != nil {
		return err
	}
	if moved, err = startClockDemo(filepath.Join(scratch, "moved")); err != nil {
		return errors.Join(err, shared.stop())
	}
	return nil
}

func build(program, tags string) error {
	out, err := exec.Command("go", "build", "-tags", tags, "-o", program, "github.com/tokenbooth/tokenbooth/cmd/tokenbooth").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build %s: %w\n%s", filepath.Base(program), err, out)
	}
	return nil
}

// startClockDemo starts a demo whose clock later moves.
func startClockDemo(dir string) (*booth, error) {
	clock := filepath.Join(dir, "clock")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := setClock(clock, 0); err != nil {
		return nil, err
	}
	b, err := startDemo(clockProgram, dir, []string{"TOKENBOOTH_TEST_CLOCK=" + clock})
	if err != nil {
		return nil, err
	}
	b.clock = clock
	return b, nil
}

// later moves the clock of a demo forward.
func (b *booth) later(t *testing.T, d time.Duration) {
	t.Helper()
	b.ahead += d
	if err := setClock(b.clock, b.ahead); err != nil {
		t.Fatal(err)
	}
}

// now is the time by the demo's clock.
func (b *booth) now() time.Time { return time.Now().Add(b.ahead) }

// setClock replaces the clock's file whole: the program reads it at every look and must never see half of it.
func setClock(file string, ahead time.Duration) error {
	if err := os.WriteFile(file+".new", []byte(ahead.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
