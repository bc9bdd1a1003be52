package main

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// Req 59: a core dump would have every secret that is in memory, and so would /proc/PID/mem. Both are closed by one switch. It is looked at
// in a process of its own, for it also takes away what tests and debuggers read.
func TestReq059_MemoryIsClosedToDumpsAndToOtherProcesses(t *testing.T) {
	const inside = "TOKENBOOTH_TEST_CLOSED"
	dumpable := func() int {
		n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if os.Getenv(inside) != "" {
		if dumpable() != 1 {
			t.Fatal("it was closed before")
		}
		closeMemory()
		if n := dumpable(); n != 0 {
			t.Fatalf("dumpable is %d", n)
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), inside+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
