//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cores are where the generator runs and where the servers do. With one core for both the figures are lower; the ratios still stand.
type cores struct{ generator, server int }

// takeCores finds two cores and moves this program to the first of them.
func takeCores() (c cores, err error) {
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return c, fmt.Errorf("ask which cores there are: %w", err)
	}
	var all []int
	for i := 0; len(all) < may.Count(); i++ {
		if may.IsSet(i) {
			all = append(all, i)
		}
	}
	c.generator, c.server = all[0], all[len(all)-1]
	return c, occupy(c.generator)
}

// occupy moves all of this program to these cores.
func occupy(on ...int) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads { // those to come inherit it
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := pin(id, on...); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}

func pin(thread int, on ...int) error {
	var set unix.CPUSet
	for _, core := range on {
		set.Set(core)
	}
	if err := unix.SchedSetaffinity(thread, &set); err != nil {
		return fmt.Errorf("move to core %v: %w", on, err)
	}
	return nil
}

// process is a server that runs.
type process struct {
	cmd   *exec.Cmd
	log   string // file its words go to
	began time.Time
	ended chan struct{}
}

// spawn starts a program on these cores, one but for a figure that says otherwise. Its words go to a file in dir.
func (c cores) spawn(on []int, dir, program string, args ...string) (*process, error) {
	log, err := os.CreateTemp(dir, "log-")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{cmd: exec.Command(program, args...), log: log.Name(), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	// A child inherits the core of the thread that starts it, from its first instruction on.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := pin(0, on...); err != nil {
		return nil, err
	}
	p.began = time.Now()
	err = p.cmd.Start()
	if err = errors.Join(err, pin(0, c.generator)); err != nil {
		return nil, err
	}
	go func() { _ = p.cmd.Wait(); close(p.ended) }()
	return p, nil
}

// stop ends the process and waits for its end.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // one that has ended already is what we want
	select {
	case <-p.ended:
		return nil
	case <-time.After(20 * time.Second):
		return errors.Join(fmt.Errorf("%s does not stop", filepath.Base(p.cmd.Path)), p.cmd.Process.Kill())
	}
}

// words returns the end of what the process has written.
func (p *process) words() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// cpu returns the processor time that the process has used, to the nanosecond.
func (p *process) cpu() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^p.cmd.Process.Pid)<<3|2, &t); err != nil { // clock_getcpuclockid(3)
		return 0, fmt.Errorf("ask for the processor time of %d: %w", p.cmd.Process.Pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// memory returns what the process occupies now and what it occupied at most, in bytes.
func (p *process) memory() (now, most int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) == 3 && (f[0] == "VmRSS:" || f[0] == "VmHWM:") {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				return 0, 0, err
			}
			if most = max(most, kib<<10); f[0] == "VmRSS:" {
				now = kib << 10
			}
		}
	}
	return now, most, nil
}
