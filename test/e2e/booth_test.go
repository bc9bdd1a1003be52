package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
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

// How long a process may take. Generous: the machine may be busy with other things.
const (
	startWithin = 30 * time.Second
	stopWithin  = 30 * time.Second
)

// booth is a process of the program, in a folder of its own: data/ (what it keeps), demo.env (what it says), screen and log (what it
// prints).
type booth struct {
	program string
	dir     string
	args    []string
	env     []string
	vars    map[string]string // of demo.env

	public    string // URL
	operators string // URL
	clock     string // file that moves its clock, or empty
	ahead     time.Duration

	cmd    *exec.Cmd
	exited chan struct{}
	err    error // how it ended, once exited is closed
}

// startDemo runs a demo on free ports, its data in dir, and waits until it is ready.
func startDemo(program, dir string, env []string) (*booth, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	b := &booth{program: program, dir: dir, env: env}
	if err := b.runDemo("127.0.0.1:0", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	return b, nil
}

// ownDemo starts a demo for one test, which may kill or stop it. What is still running at the end of the test is stopped.
func ownDemo(t *testing.T, env ...string) *booth {
	t.Helper()
	b, err := startDemo(plainProgram, t.TempDir(), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.end(t) })
	return b
}

// runDemo starts the process and waits for it. Secrets it makes are canaries from then on.
func (b *booth) runDemo(listen, operators string) error {
	envFile := filepath.Join(b.dir, "demo.env")
	if err := os.Remove(envFile); err != nil && !os.IsNotExist(err) {
		return err
	}
	b.args = []string{"demo", "--empty", "--data", b.data(""), "--listen", listen, "--operators", operators, "--env", envFile}
	if err := b.start(); err != nil {
		return err
	}
	if err := b.until(func() bool { _, err := os.Stat(envFile); return err == nil }); err != nil {
		return err
	}
	vars, err := readVars(envFile)
	if err != nil {
		return err
	}
	b.vars, b.public, b.operators = vars, vars["TB_PUBLIC_URL"], vars["TB_OPERATOR_URL"]
	b.plantCanaries()
	return b.until(b.ready)
}

// again starts a demo that has ended, on the same ports and data.
func (b *booth) again(t *testing.T) {
	t.Helper()
	if err := b.runDemo(strings.TrimPrefix(b.public, "http://"), strings.TrimPrefix(b.operators, "http://")); err != nil {
		t.Fatal(err)
	}
}

// start runs the program with the booth's arguments; what it prints is added to screen and log.
func (b *booth) start() error {
	screen, err := os.OpenFile(filepath.Join(b.dir, "screen"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer screen.Close()
	log, err := os.OpenFile(filepath.Join(b.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	b.cmd = exec.Command(b.program, b.args...)
	b.cmd.Dir, b.cmd.Stdout, b.cmd.Stderr = b.dir, screen, log
	b.cmd.Env = append(cleanEnvironment(), append([]string{"TOKENBOOTH_LOG_LEVEL=debug"}, b.env...)...)
	if err := b.cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	b.exited = exited
	go func() { b.err = b.cmd.Wait(); close(exited) }()
	return nil
}

// cleanEnvironment is what the program and the callers' tools see of ours: no settings and no proxy of the machine.
func cleanEnvironment() []string {
	env := []string{"NO_PROXY=*", "LC_ALL=C"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// until waits for something that the process is about to do.
func (b *booth) until(done func() bool) error {
	for deadline := time.Now().Add(startWithin); !done(); time.Sleep(20 * time.Millisecond) {
		select {
		case <-b.exited:
			return fmt.Errorf("tokenbooth %s ended: %v\n%s", b.args[0], b.err, b.logTail())
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("tokenbooth %s is not ready after %v\n%s", b.args[0], startWithin, b.logTail())
		}
	}
	return nil
}

func (b *booth) ready() bool {
	res, err := web.Get(b.operators + "/readyz")
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// stop ends the process as an operator would, and looks at how it went and at what it left behind.
func (b *booth) stop() error {
	if b == nil || b.running() == nil {
		return nil
	}
	metrics, err := b.metrics()
	if err != nil {
		return err
	}
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-b.exited:
	case <-time.After(stopWithin):
		_ = b.cmd.Process.Kill()
		return fmt.Errorf("still there %v after SIGTERM\n%s", stopWithin, b.logTail())
	}
	if b.err != nil {
		return fmt.Errorf("ended with %v\n%s", b.err, b.logTail())
	}
	return errors.Join(b.quiet(), b.searchCanaries(map[string][]byte{"metrics": metrics}))
}

// end stops what may have ended by itself, and fails the test when it does not go well.
func (b *booth) end(t *testing.T) {
	t.Helper()
	if err := b.stop(); err != nil {
		t.Error(err)
	}
}

// running returns the process, or nil when it has ended.
func (b *booth) running() *os.Process {
	if b.cmd == nil {
		return nil
	}
	select {
	case <-b.exited:
		return nil
	default:
		return b.cmd.Process
	}
}

// kill ends the process without giving it a chance to tidy up.
func (b *booth) kill(t *testing.T) {
	t.Helper()
	if err := b.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-b.exited
}

// quiet looks for the marks of a program that broke: a panic, a stack, a race, a line that speaks of a fault of ours.
func (b *booth) quiet() error {
	log, err := os.ReadFile(filepath.Join(b.dir, "log"))
	if err != nil {
		return err
	}
	for _, mark := range []string{"panic", "goroutine ", "DATA RACE", "fatal error", "broke the server", "could not be answered"} {
		if i := bytes.Index(log, []byte(mark)); i >= 0 {
			return fmt.Errorf("the log speaks of %q:\n%s", mark, log[max(0, i-500):min(len(log), i+2000)])
		}
	}
	return nil
}

func (b *booth) metrics() ([]byte, error) {
	res, err := web.Get(b.operators + "/metrics")
	if err != nil {
		return nil, err
	}
	return readAll(res)
}

// data is a path in the folder of what the process keeps.
func (b *booth) data(name string) string { return filepath.Join(b.dir, "data", name) }

// logged waits for a line in the log that holds all the words.
func (b *booth) logged(t *testing.T, within time.Duration, words ...string) string {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(b.dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if containsAll(line, words) {
				return line
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log says nothing of %q within %v:\n%s", words, within, b.logTail())
		}
	}
}

func containsAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

func (b *booth) logTail() string {
	text, err := os.ReadFile(filepath.Join(b.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-3000):])
}

// basic is the Authorization header of a client of the demo: NEXTHINK, NEXTHINK_NQL, ACME, OAUTH2.
func (b *booth) basic(client string) string {
	return "Authorization: Basic " + b.base64(client)
}

func (b *booth) base64(client string) string {
	return base64.StdEncoding.EncodeToString([]byte(b.vars[client+"_CLIENT_ID"] + ":" + b.vars[client+"_CLIENT_SECRET"]))
}

// port is the port of the public listener.
func (b *booth) port() string {
	u, err := url.Parse(b.public)
	if err != nil {
		panic(err) // the program printed it, and we have asked there already
	}
	return u.Port()
}

// at is the public listener under another host name.
func (b *booth) at(host string) string { return "http://" + host + ":" + b.port() }

// readVars reads shell variables as the demo writes them.
func readVars(file string) (map[string]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	vars := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		text, exported := strings.CutPrefix(lines.Text(), "export ")
		name, value, ok := strings.Cut(text, "=")
		if !ok || !exported {
			return nil, fmt.Errorf("%s: %q exports no variable", file, lines.Text())
		}
		vars[name] = strings.Trim(value, "'")
	}
	return vars, lines.Err()
}
