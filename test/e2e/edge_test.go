package e2e

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// guide returns the file in docs/guard.md that begins with this comment.
func guide(t *testing.T, title string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guard.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(text), "\n```")[1:] {
		if _, body, _ := strings.Cut(block, "\n"); strings.HasPrefix(body, "# "+title+"\n") {
			return body + "\n"
		}
	}
	t.Fatalf("docs/guard.md has no file %s", title)
	return ""
}

// swapped replaces what a reader of docs/guard.md has to replace; each of the texts must be there.
func swapped(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the file in docs/guard.md has no %q", pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// edge is the API of docs/guard.md behind nginx and behind Caddy, which ask a process about each call: the desk itself, or a gateway that
// follows it. The settings of all three are those of the document.
type edge struct {
	*pair
	decides *booth
	check   string // where it is asked
	proof   string // what proxies show it
	proxies map[string]string
	caller  *http.Client
	api     *heard

	wide, wideSecret string // of a client with many permissions, whose tokens are opaque
}

// manyPermissions declares so many that who holds them all is told to an API in more than 4 KB.
func manyPermissions() string {
	var b strings.Builder
	for n := range 97 { // a scope has 100 words and 4 KiB at most
		fmt.Fprintf(&b, ", {name: a.permission.with.a.rather.long.name.%03d}", n)
	}
	return b.String()
}

// heard is what an API was asked.
type heard struct {
	*httptest.Server
	mu    sync.Mutex
	calls []http.Header
}

func newHeard(t *testing.T) *heard {
	h := &heard{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.calls = append(h.calls, r.Header.Clone())
		fmt.Fprint(w, "served")
	}))
	t.Cleanup(h.Close)
	return h
}

// taken returns what was asked since the last look.
func (h *heard) taken() []http.Header {
	h.mu.Lock()
	defer h.mu.Unlock()
	calls := h.calls
	h.calls = nil
	return calls
}

const edgeSettings = `listen: %[1]s
operators: %[2]s
data: data
%[3]s
tenants:
  - name: acme
    hosts: [127.0.0.1, api.example.com]
    issuer: http://%[4]s
    %[5]s
%[6]s`

// startEdge starts all of it. Whom the proxies ask is the command: serve or gateway.
func startEdge(t *testing.T, asked string) *edge {
	t.Helper()
	e := &edge{api: newHeard(t), proof: keepSecret("proof-of-a-proxy-" + strings.Repeat("7f3a", 8))}
	at := freeAddresses(t, 7)
	e.check = "http://" + at[4]
	apis := swapped(t, guide(t, "tokenbooth.yaml, of a tenant"), "http://127.0.0.1:9000", e.api.URL, "[{name: workflows}]", "[{name: workflows}, {name: reports}"+manyPermissions()+"]")
	check := swapped(t, guide(t, "tokenbooth.yaml"), "127.0.0.1:8083", at[4])
	own := "dialects: [oauth2]"
	e.pair = &pair{desk: apart(t, "serve", fmt.Sprintf(edgeSettings, at[0], at[1], "", at[0], own, apis))}
	e.desk.public, e.desk.operators, e.decides = "http://"+at[0], "http://"+at[1], e.desk
	if asked == "serve" {
		writeFile(t, filepath.Join(e.desk.dir, "tokenbooth.yaml"), fmt.Sprintf(edgeSettings, at[0], at[1], check, at[0], own, apis))
	} else {
		e.decides = apart(t, "gateway", swapped(t, guide(t, "gateway.yaml"), "127.0.0.1:8090", at[2], "127.0.0.1:8091", at[3], "gateway-data", "data",
			"name: main", "name: acme", "https://login.example.com", "http://"+at[0], "CLIENT-ID", "gateway", "    apis: []", apis+"#")+check)
		e.decides.public, e.decides.operators = "http://"+at[2], "http://"+at[3]
		_, secret := e.desk.register(t, "Workflows API", "--id", "gateway", "-p", "none", "--resource-server", "workflows")
		writeFile(t, filepath.Join(e.decides.dir, "gateway.secret"), secret+"\n")
	}
	e.id, e.secret = e.desk.register(t, "Reader", "-p", "workflows,reports")
	e.wide, e.wideSecret = e.desk.register(t, "Holds many", "-p", "workflows"+strings.ReplaceAll(strings.ReplaceAll(manyPermissions(), ", {name: ", ","), "}", ""), "--token-form", "opaque")
	writeFile(t, filepath.Join(e.decides.dir, "proxy.secret"), e.proof+"\n")
	for _, b := range slices.Compact([]*booth{e.desk, e.decides}) {
		b.begin(t)
		t.Cleanup(func() { b.end(t) })
	}
	e.startProxies(t, at[5], at[6])
	return e
}

// startProxies runs nginx and Caddy with the files of docs/guard.md.
func (e *edge) startProxies(t *testing.T, nginx, caddy string) {
	t.Helper()
	dir, a := t.TempDir(), newAuthority(t)
	cert, key := a.show(t, dir, "edge", &x509.Certificate{DNSNames: []string{"api.example.com"}})
	e.caller = a.caller()
	api, check := strings.TrimPrefix(e.api.URL, "http://"), strings.TrimPrefix(e.check, "http://")
	text := swapped(t, guide(t, "nginx.conf"), "127.0.0.1:9000", api, "127.0.0.1:8083", check, "listen 443 ssl", "listen "+nginx+" ssl",
		"/etc/ssl/api.example.com.pem", cert, "/etc/ssl/api.example.com.key", key, "CHANGE-ME", e.proof)
	paths := "http {\n    access_log off;\n" // of Debian's build they are the system's
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		paths += fmt.Sprintf("    %s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	writeFile(t, filepath.Join(dir, "nginx.conf"), swapped(t, text, "http {\n", paths))
	global := "daemon off; worker_processes 1; pid " + filepath.Join(dir, "pid") + ";"
	if os.Getuid() == 0 {
		global += " user root;" // the folder is nobody else's
	}
	beside(t, nginx, "nginx", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-e", "stderr", "-g", global)

	_, port, _ := strings.Cut(caddy, ":")
	text = swapped(t, guide(t, "Caddyfile"), "127.0.0.1:9000", api, "127.0.0.1:8083", check, "\napi.example.com {\n",
		"\nhttps://api.example.com:"+port+" {\n\tbind 127.0.0.1\n", "\n:443 {\n", "\nhttps://:"+port+" {\n\tbind 127.0.0.1\n",
		"/etc/ssl/api.example.com.pem", cert, "/etc/ssl/api.example.com.key", key, "CHANGE-ME", e.proof)
	writeFile(t, filepath.Join(dir, "Caddyfile"), "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"+text)
	beside(t, caddy, "caddy", "run", "--config", filepath.Join(dir, "Caddyfile"), "--adapter", "caddyfile")
	_, nginxPort, _ := strings.Cut(nginx, ":")
	e.proxies = map[string]string{"nginx": "https://api.example.com:" + nginxPort, "Caddy": "https://api.example.com:" + port}
}

// beside runs a program of somebody else's until the end of the test, and waits until it listens.
func beside(t *testing.T, address, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path = "/usr/sbin/" + name // not on everybody's path
	}
	var said bytes.Buffer
	cmd, home := exec.Command(path, args...), t.TempDir()
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Env = append(cleanEnvironment(), "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v; these tests need %s: make proxies installs it", err, name)
	}
	gone := make(chan struct{})
	go func() { _ = cmd.Wait(); close(gone) }() // how it ended is told by what it said
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-gone
		}
		if t.Failed() {
			t.Logf("%s said:\n%.4000s", name, said.String())
		}
	})
	within(t, startWithin, name+" listens at "+address, func() bool {
		conn, err := net.Dial("tcp", address) // only whether it is there
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// show writes a certificate and its key below a name, for whoever has to show it.
func (a *authority) show(t *testing.T, dir, name string, c *x509.Certificate) (cert, key string) {
	t.Helper()
	c.Subject, c.KeyUsage = pkix.Name{CommonName: name}, x509.KeyUsageDigitalSignature
	made, signer := a.certify(t, c)
	private, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	writeFile(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Raw})))
	writeFile(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return cert, key
}

// through sends a call by way of a proxy.
func (e *edge) through(t *testing.T, proxy, method, path, token string, headers ...string) answer {
	t.Helper()
	return e.sending(t, proxy, method, path, "", token, headers...)
}

// sending is through, with a body.
func (e *edge) sending(t *testing.T, proxy, method, path, body, token string, headers ...string) answer {
	t.Helper()
	if token != "" {
		headers = append(headers, "Authorization: Bearer "+token)
	}
	a, err := ask(t.Context(), e.caller, method, e.proxies[proxy]+path, body, headers...)
	if err != nil {
		t.Fatalf("%s: %v", proxy, err)
	}
	return a
}

// scoped buys a token that may do one thing.
func (e *edge) scoped(t *testing.T, scope string) string {
	t.Helper()
	a := post(t, e.desk.public+"/oauth2/token", values("grant_type", "client_credentials", "scope", scope), "Authorization: Basic "+basicOf(e.id, e.secret))
	return keepToken(member(a.wantStatus(t, 200).body, "access_token"))
}

// eachEdge runs a test with either process deciding, and each time through both proxies.
func eachEdge(t *testing.T, test func(t *testing.T, e *edge, proxy string)) {
	t.Parallel()
	for _, asked := range []string{"serve", "gateway"} {
		t.Run(asked, func(t *testing.T) {
			t.Parallel()
			e := startEdge(t, asked)
			for proxy := range e.proxies {
				t.Run(proxy, func(t *testing.T) { test(t, e, proxy) })
			}
		})
	}
}
