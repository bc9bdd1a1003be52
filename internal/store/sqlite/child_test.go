package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// childVariable makes this test binary a process of its own that writes to the store whose path it holds, and says on its standard
// output what was acknowledged: "kept <id>", "gone <id>" for what it had removed again, "late <id>" for a write that was begun after
// another had failed and succeeded none the less, or "failed <error>".
const childVariable = "TOKENBOOTH_TEST_STORE"

// child is the life of such a process: TestMain calls it. Its first argument after "--" prefixes the ids it writes.
func child() {
	path := os.Getenv(childVariable)
	if path == "" {
		return
	}
	prefix := os.Args[len(os.Args)-1]
	s, err := at(path, time.Now)
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { write(s, fmt.Sprintf("%s-%d", prefix, i)) })
	}
	wg.Wait()
	s.Close()
	os.Exit(0)
}

// write puts pairs of records of different kinds, and removes a third one again, until its parent kills it or goes away.
func write(s *Store, prefix string) {
	ctx := context.Background()
	for n := 0; n < 1_000_000; n++ {
		id := fmt.Sprintf("%s-%06d", prefix, n)
		what := "kept"
		if failed.Load() {
			what = "late"
		}
		say(what, id, s.Put(ctx, pair(id)...))
		passing := store.Record{Tenant: "acme", Kind: store.Login, ID: id}
		if err := s.Put(ctx, passing); err != nil {
			say("", id, err)
		} else {
			say("gone", id, s.Delete(ctx, passing.Tenant, passing.Kind, id))
		}
	}
}

// failed is whether a write of this process has failed. It is looked at before a write is begun: lines of several writers may be said
// in another order than their writes were acknowledged in.
var failed atomic.Bool

// say writes one line, at once. A parent that has gone away ends the child: nobody ignores the signal.
func say(what, id string, err error) {
	if err != nil {
		failed.Store(true)
		what, id = "failed", err.Error()
	}
	fmt.Println(what, id)
}

// pair is what one Put writes: if one half is there, so must be the other.
func pair(id string) []store.Record {
	body := []byte(strings.Repeat(id, 10))
	return []store.Record{
		{Tenant: "acme", Kind: store.Token, ID: id, Parent: "client", Expires: time.Now().Add(time.Hour), Body: body},
		{Tenant: "acme", Kind: store.Event, ID: id, Label: id, Body: body},
	}
}

// spawn starts a child, possibly under another command, and returns what it says, line by line. It is killed when t ends.
func spawn(t *testing.T, path, prefix string, under ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	args := append(under, os.Args[0], "-test.run=^$", "--", prefix)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), childVariable+"="+path)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end(cmd)
		io.Copy(io.Discard, out)
		cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}

// end kills the child and whatever command it runs under.
func end(cmd *exec.Cmd) { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// kill ends the child at once, as kill -9 does, when it has acknowledged so many puts, and returns the ids of all it acknowledged. A
// line cut short was not acknowledged.
func kill(t *testing.T, cmd *exec.Cmd, lines *bufio.Scanner, after int) (kept, gone []string) {
	t.Helper()
	for lines.Scan() {
		switch what, id, _ := strings.Cut(lines.Text(), " "); {
		case what == "failed":
			t.Errorf("the child said %q", lines.Text())
		case len(id) < len("x00-0-000000"):
			// cut short
		case what == "kept":
			if kept = append(kept, id); len(kept) == after {
				end(cmd)
			}
		case what == "gone":
			gone = append(gone, id)
		}
	}
	return kept, gone
}

// wantPairs checks that both halves of every pair are kept as they were written.
func wantPairs(t *testing.T, s *Store, ids []string) {
	t.Helper()
	lost := 0
	for _, id := range ids {
		for _, want := range pair(id) {
			if got, err := s.Get(context.Background(), want.Tenant, want.Kind, id); err != nil || string(got.Body) != string(want.Body) {
				lost++
				t.Logf("acknowledged %s %s: %v", want.Kind, id, err)
			}
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d acknowledged records are lost", lost, 2*len(ids))
	}
}
