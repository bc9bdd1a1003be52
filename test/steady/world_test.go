package steady

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const settings = `listen: %[1]s
operators: %[2]s
data: data
tenants:
  - name: acme
    hosts: [127.0.0.1]
    issuer: http://%[1]s
    dialects: [oauth2]
    apis: [{name: api, dialect: oauth2, upstream: "http://127.0.0.1:9", audience: "http://%[1]s", permissions: [{name: orders}]}]
`

// world is a token desk and everything that it has acknowledged.
type world struct {
	program, dir      string
	public, operators string
	cmd               *exec.Cmd
	said              *strings.Builder // by cmd; to be read when it has ended
	ended             chan struct{}

	asker   credential   // may introspect
	clients []credential // registered, good for tokens
	valid   []string     // tokens that must be active
	revoked []string     // tokens that must not
}

type credential struct{ id, secret string }

// newWorld builds the program, and lets it issue and revoke.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{program: filepath.Join(t.TempDir(), "tokenbooth"), dir: t.TempDir()}
	if out, err := exec.Command("go", "build", "-o", w.program, "github.com/tokenbooth/tokenbooth/cmd/tokenbooth").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	w.public, w.operators = free(t), free(t)
	if err := os.WriteFile(filepath.Join(w.dir, "tokenbooth.yaml"), fmt.Appendf(nil, settings, w.public, w.operators), 0o600); err != nil {
		t.Fatal(err)
	}
	w.run(t, "init")
	w.asker = w.register(t, "asker", "-p", "none", "--resource-server", "api")
	for n := range 4 {
		form := []string{"jwt", "opaque"}[n%2]
		w.clients = append(w.clients, w.register(t, fmt.Sprint("client", n), "-p", "orders", "--token-form", form))
	}
	return w
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// run runs a command on the world's settings and returns what it says.
func (w *world) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(w.program, args...)
	cmd.Dir = w.dir
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tokenbooth %q: %v\n%s", args, err, &problems)
	}
	return string(out)
}

func (w *world) register(t *testing.T, id string, flags ...string) credential {
	t.Helper()
	var made struct {
		Secret string `json:"client_secret"`
	}
	out := w.run(t, append([]string{"client", "create", "--id", id, "--name", id, "--json"}, flags...)...)
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Secret == "" {
		t.Fatalf("%s: %v", out, err)
	}
	return credential{id, made.Secret}
}

// start starts the server on a folder, and reports whether it came to listen.
func (w *world) start(t *testing.T, dir string) bool {
	t.Helper()
	w.cmd, w.ended = exec.Command(w.program, "serve"), make(chan struct{})
	w.said = &strings.Builder{}
	w.cmd.Dir, w.cmd.Stderr = dir, w.said
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = w.cmd.Wait(); close(w.ended) }()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		select {
		case <-w.ended:
			return false
		default:
		}
		if r, err := caller.Get("http://" + w.operators + "/healthz"); err == nil {
			_ = r.Body.Close()
			return true
		}
	}
	t.Fatal("the server neither listens nor ends")
	return false
}

func (w *world) kill() {
	_ = w.cmd.Process.Kill()
	<-w.ended
	caller.CloseIdleConnections()
}

func (w *world) stop() {
	_ = w.cmd.Process.Signal(syscall.SIGTERM)
	<-w.ended
	caller.CloseIdleConnections()
}

var caller = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

// post asks an endpoint and returns the status, 0 when the connection ended.
func (w *world) post(path string, who credential, form url.Values) (status int, body []byte) {
	r, err := http.NewRequest(http.MethodPost, "http://"+w.public+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(who.id, who.secret)
	a, err := caller.Do(r)
	if err != nil {
		return 0, nil
	}
	defer a.Body.Close()
	body, err = io.ReadAll(a.Body)
	if err != nil {
		return 0, nil
	}
	return a.StatusCode, body
}

// trade has every client buy so many tokens, and revokes every other one.
func (w *world) trade(t *testing.T, each int) {
	t.Helper()
	for _, c := range w.clients {
		for n := range each {
			var token struct {
				Text string `json:"access_token"`
			}
			status, body := w.post("/oauth2/token", c, url.Values{"grant_type": {"client_credentials"}})
			if err := json.Unmarshal(body, &token); status != 200 || err != nil {
				t.Fatalf("a token: %d %s", status, body)
			}
			if n%2 == 0 {
				w.valid = append(w.valid, token.Text)
				continue
			}
			if status, body := w.post("/oauth2/revoke", c, url.Values{"token": {token.Text}}); status != 200 {
				t.Fatalf("revoke: %d %s", status, body)
			}
			w.revoked = append(w.revoked, token.Text)
		}
	}
}

// verdict is what came of asking for everything.
type verdict struct {
	right, refused int      // refused: no decision, a 503 or a connection that ended
	wrong          []string // what was answered otherwise than it was acknowledged
}

// ask asks a running server for everything that was acknowledged.
func (w *world) ask() (v verdict) {
	var mu sync.Mutex
	note := func(decided, right bool, what string) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case !decided:
			v.refused++
		case right:
			v.right++
		default:
			v.wrong = append(v.wrong, what)
		}
	}
	var work sync.WaitGroup
	limit := make(chan struct{}, 8)
	each := func(do func()) {
		limit <- struct{}{}
		work.Go(func() { defer func() { <-limit }(); do() })
	}
	for _, c := range w.clients {
		each(func() {
			status, body := w.post("/oauth2/token", c, url.Values{"grant_type": {"client_credentials"}})
			note(decided(status), status == 200, fmt.Sprintf("client %s: %d %s", c.id, status, body))
		})
	}
	for want, tokens := range map[bool][]string{true: w.valid, false: w.revoked} {
		for n, token := range tokens {
			each(func() {
				status, body := w.post("/oauth2/introspect", w.asker, url.Values{"token": {token}})
				var a struct {
					Active bool `json:"active"`
				}
				err := json.Unmarshal(body, &a)
				note(decided(status), status == 200 && err == nil && a.Active == want, fmt.Sprintf("token %d, to be active %v: %d %s", n, want, status, body))
			})
		}
	}
	work.Wait()
	return v
}

// decided reports whether an answer is one.
func decided(status int) bool { return status != 0 && status != 503 && status != 429 && status != 500 }
