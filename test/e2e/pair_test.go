package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// pair is a token desk, and in a process of its own a gateway that follows it and stands in front of an API.
type pair struct {
	desk, gate *booth
	id, secret string // of a client that may read orders
}

const deskSettings = `listen: %[1]s
operators: %[2]s
data: data
tenants:
  - name: acme
    hosts: [127.0.0.1]
    issuer: http://%[1]s
    dialects: [oauth2, nexudus]
    allow_password_grant: true
    apis: %[3]s
`

const gateSettings = `listen: %[1]s
operators: %[2]s
data: data
tenants:
  - name: acme
    hosts: [127.0.0.1]
    issuer: http://%[4]s
    follow: {client_id: gateway, client_secret_file: secret, stale_after: %[5]s, when_stale: %[6]s}
    apis: %[3]s
`

const orders = `
      - name: orders
        upstream: %s
        dialect: oauth2
        permissions: [{name: orders.read}]
        routes:
          - {method: GET, path: /api/orders, permission: orders.read}
          - {method: GET, path: /api/health, public: true}
`

// startPair starts both, with clocks that can be moved. What the gateway does without its issuer is the test's to say.
func startPair(t *testing.T, staleAfter, whenStale string) *pair {
	t.Helper()
	p := newPair(t, staleAfter, whenStale)
	for _, b := range []*booth{p.desk, p.gate} {
		b.begin(t)
	}
	return p
}

// newPair makes both, which have not started yet.
func newPair(t *testing.T, staleAfter, whenStale string) *pair {
	t.Helper()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "[]") }))
	t.Cleanup(api.Close)
	at := freeAddresses(t, 4)
	apis := fmt.Sprintf(orders, api.URL)
	p := &pair{desk: apart(t, "serve", fmt.Sprintf(deskSettings, at[0], at[1], apis)),
		gate: apart(t, "gateway", fmt.Sprintf(gateSettings, at[2], at[3], apis, at[0], staleAfter, whenStale))}
	p.desk.public, p.desk.operators = "http://"+at[0], "http://"+at[1]
	p.gate.public, p.gate.operators = "http://"+at[2], "http://"+at[3]
	p.id, p.secret = p.desk.register(t, "Reader", "-p", "orders.read")
	_, secret := p.desk.register(t, "Gateway", "--id", "gateway", "-p", "none", "--resource-server", "orders")
	writeFile(t, filepath.Join(p.gate.dir, "secret"), secret+"\n")
	for _, b := range []*booth{p.desk, p.gate} {
		t.Cleanup(func() {
			if b.cmd != nil {
				b.end(t)
			}
		})
	}
	return p
}

// apart is a process in a folder of its own, which has not started yet.
func apart(t *testing.T, command, settings string) *booth {
	t.Helper()
	b := unmade(t, command, settings)
	if command == "serve" {
		b.operate(t, "init")
	}
	return b
}

// unmade is apart without a database of its own.
func unmade(t *testing.T, command, settings string) *booth {
	t.Helper()
	dir := t.TempDir()
	b := &booth{program: clockProgram, dir: dir, args: []string{command, "-c", "tokenbooth.yaml"}, clock: filepath.Join(dir, "clock")}
	b.env = []string{"TOKENBOOTH_TEST_CLOCK=" + b.clock}
	writeFile(t, filepath.Join(dir, "tokenbooth.yaml"), settings)
	if err := setClock(b.clock, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

// begin starts a process that has ended or not begun, and waits until it is ready.
func (b *booth) begin(t *testing.T) {
	t.Helper()
	if err := b.start(); err != nil {
		t.Fatal(err)
	}
	if err := b.until(b.ready); err != nil {
		t.Fatal(err)
	}
}

// operate runs an operator's command on the settings of a process, and returns what it says.
func (b *booth) operate(t *testing.T, args ...string) string {
	t.Helper()
	out, problems, code := command(t, b.dir, "", append([]string{"-c", "tokenbooth.yaml"}, args...)...)
	if code != 0 {
		t.Fatalf("tokenbooth %q ended with %d:\n%s%s", args, code, out, problems)
	}
	return out
}

// register registers a client and returns its credential.
func (b *booth) register(t *testing.T, name string, flags ...string) (id, secret string) {
	t.Helper()
	out := b.operate(t, append([]string{"client", "create", "--name", name, "--json"}, flags...)...)
	var made struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Secret == "" {
		t.Fatalf("client create says %s (%v)", out, err)
	}
	return made.ID, keepSecret(made.Secret)
}

// freeAddresses returns addresses on this machine that nobody listens on.
func freeAddresses(t *testing.T, n int) (all []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		all = append(all, l.Addr().String())
	}
	return all
}

// token buys an access token from the desk.
func (p *pair) token(t *testing.T) string {
	t.Helper()
	return p.tokenOf(t, p.id, p.secret)
}

func (p *pair) tokenOf(t *testing.T, id, secret string) string {
	t.Helper()
	a := post(t, p.desk.public+"/oauth2/token", "grant_type=client_credentials", "Authorization: Basic "+basicOf(id, secret))
	return keepToken(member(a.wantStatus(t, 200).body, "access_token"))
}

// passes says what the gateway makes of a token.
func (p *pair) passes(t *testing.T, token string) int {
	t.Helper()
	return get(t, p.gate.public+"/api/orders", token).status
}

// revoke takes a token back, as its client.
func (p *pair) revoke(t *testing.T, token string) {
	t.Helper()
	post(t, p.desk.public+"/oauth2/revoke", values("token", token), "Authorization: Basic "+basicOf(p.id, p.secret)).wantStatus(t, 200)
}

// metric reads one sample from a process's metrics.
func (b *booth) metric(t *testing.T, name string) string {
	t.Helper()
	text, err := b.metrics()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if sample, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && (sample == name || strings.HasPrefix(sample, name+"{")) {
			return value
		}
	}
	t.Fatalf("there is no metric %s", name)
	return ""
}
