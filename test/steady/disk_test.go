package steady

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// upset has a running server's system calls answered otherwise, until mend. What it injects is in the words of strace.
func (w *world) upset(t *testing.T, inject string) (mend func()) {
	t.Helper()
	call, _, _ := strings.Cut(inject, ":")
	cmd := exec.Command("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace="+call, "-e", "inject="+inject, "-p", fmt.Sprint(w.cmd.Process.Pid))
	problems := &strings.Builder{}
	cmd.Stderr = problems
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v; make packages installs strace", err)
	}
	status := fmt.Sprintf("/proc/%d/status", w.cmd.Process.Pid)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(status)
		if err == nil && !strings.Contains(string(text), "TracerPid:\t0\n") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("strace does not trace: %s", problems)
		}
	}
	return func() { _ = cmd.Process.Kill(); _ = cmd.Wait() } // it would see a delay through before it obeyed
}

// operatorsSay returns what the operators' listener answers.
func (w *world) operatorsSay(t *testing.T, path string) (status int, text string) {
	t.Helper()
	a, err := caller.Get("http://" + w.operators + path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(body)
}

// wantState waits until readiness and metric say that the store cannot be written for a cause; "": that it can.
func (w *world) wantState(t *testing.T, what, cause string) {
	t.Helper()
	last := ""
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		status, text := w.operatorsSay(t, "/readyz")
		_, metrics := w.operatorsSay(t, "/metrics")
		faults := 0
		for line := range strings.Lines(metrics) {
			if strings.HasPrefix(line, "tokenbooth_store_fault{") && strings.HasSuffix(line, "} 1\n") {
				faults++
			}
		}
		last = fmt.Sprintf("%d %s%d faults", status, text, faults)
		if cause == "" && status == http.StatusOK && faults == 0 {
			return
		}
		if cause != "" && status == http.StatusServiceUnavailable && strings.Contains(text, "cannot be written ("+cause+")") && faults == 1 &&
			strings.Contains(metrics, fmt.Sprintf("tokenbooth_store_fault{cause=%q} 1\n", cause)) {
			return
		}
	}
	t.Errorf("%s: %s; want %q", what, last, cause)
}

// wantNoWrites asks for what needs a write, and for what does not.
func (w *world) wantNoWrites(t *testing.T, what string) {
	t.Helper()
	began := time.Now()
	form := url.Values{"grant_type": {"client_credentials"}}
	if status, body := w.post("/oauth2/token", w.clients[1], form); status != http.StatusServiceUnavailable || time.Since(began) > 4*time.Second {
		t.Errorf("%s: an opaque token: %d %s after %v; want 503 within two seconds", what, status, body, time.Since(began))
	}
	if status, body := w.post("/oauth2/token", w.clients[0], form); status != http.StatusOK {
		t.Errorf("%s: a JWT: %d %s; want one", what, status, body)
	}
}

// hungSync is a disk whose syncs do not return.
const hungSync = "fsync:delay_enter=600000000"

func TestReadinessAndAMetricSayWhyNothingCanBeWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mustStart(t)
	w.trade(t, 2)
	w.wantState(t, "at first", "")
	for _, fault := range []struct{ what, inject, cause string }{
		{"the disk is full", "pwrite64:error=ENOSPC", "full"},
		{"a sync does not return", hungSync, "hung"},
	} {
		mend := w.upset(t, fault.inject)
		w.wantState(t, fault.what, fault.cause)
		w.wantNoWrites(t, fault.what)
		mend()
		w.wantState(t, "after "+fault.what, "")
	}
	w.locked(t)
	w.trade(t, 2)
	if v := w.ask(); len(v.wrong) > 0 || v.refused > 0 {
		t.Errorf("afterwards %d are refused, wrong: %s", v.refused, strings.Join(v.wrong, "; "))
	}

	// What a sync has reported stays so until a restart, and nothing that was acknowledged is lost by it.
	mend := w.upset(t, "fsync:error=ENOSPC")
	w.wantState(t, "a sync reports a full disk", "failed")
	mend()
	w.wantNoWrites(t, "after the sync that failed")
	w.wantState(t, "after the sync that failed", "failed")
	w.stop()
	w.mustStart(t)
	w.wantState(t, "after the restart", "")
	w.trade(t, 1)
	if v := w.ask(); len(v.wrong) > 0 || v.refused > 0 {
		t.Errorf("after the restart %d are refused, wrong: %s", v.refused, strings.Join(v.wrong, "; "))
	}

	if err := os.Rename(filepath.Join(w.dir, "data", "tokenbooth.db"), filepath.Join(w.dir, "away.db")); err != nil {
		t.Fatal(err)
	}
	w.wantState(t, "the file is gone", "gone")
	w.kill()
}

// locked has somebody else keep the database, and let go of it.
func (w *world) locked(t *testing.T) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "data", "tokenbooth.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	w.wantState(t, "another process has it locked", "locked")
	if _, err := conn.ExecContext(context.Background(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	w.wantState(t, "when it is let go", "")
}

func TestAStopEndsThoughASyncNeverReturns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mustStart(t)
	w.trade(t, 2)
	mend := w.upset(t, hungSync)
	defer mend()
	w.wantNoWrites(t, "a sync does not return")
	began := time.Now()
	_ = w.cmd.Process.Signal(syscall.SIGTERM)
	for !w.exited() && time.Since(began) < 30*time.Second {
		time.Sleep(50 * time.Millisecond)
	}
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("the stop took %v, want ten seconds at most", took)
	}
	mend()
	<-w.ended
	w.mustStart(t)
	defer w.kill()
	if v := w.ask(); len(v.wrong) > 0 || v.refused > 0 {
		t.Errorf("after the restart %d are refused, wrong: %s", v.refused, strings.Join(v.wrong, "; "))
	}
}

// exited reports whether the server has. strace keeps what it delays from being buried, so a process that is dead counts.
func (w *world) exited() bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.cmd.Process.Pid))
	return err != nil || strings.Contains(string(text), "State:\tZ")
}
