package gateway_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/gateway"
)

const (
	guardedHost = "api.example.com" // of the files in docs/guard.md
	proxySecret = "a secret of proxy and booth, forty characters"
)

// questions serves decisions as cmd/tokenbooth does, and counts them.
func questions(w *world, change func(*gateway.CheckOptions)) *httptest.Server {
	w.Helper()
	o := gateway.CheckOptions{
		Gateway: func(host string) *gateway.Gateway {
			if host == guardedHost {
				return w.Gateway
			}
			return nil
		},
		Secret: func(text string) bool { return text == proxySecret },
	}
	if change != nil {
		change(&o)
	}
	checks, err := gateway.NewChecks(o)
	if err != nil {
		w.Fatal(err)
	}
	w.asked = map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked[r.Header.Get("X-Forwarded-Method")+" "+r.Header.Get("X-Forwarded-Uri")]++
		w.mu.Unlock()
		w.door.Identified(checks).ServeHTTP(rw, r)
	}))
	w.Cleanup(s.Close)
	return s
}

// times is how often a call was asked about.
func (w *world) times(call string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[call]
}

// guide returns the file in docs/guard.md whose first line is this comment.
func guide(t testing.TB, title string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guard.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(text), "\n```")[1:] {
		_, body, _ := strings.Cut(block, "\n")
		if strings.HasPrefix(body, "# "+title+"\n") {
			return body + "\n"
		}
	}
	t.Fatalf("docs/guard.md has no file %s", title)
	return ""
}

// swap puts one text in the place of another, which must be there.
func swap(t testing.TB, text, old, new string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("the file in docs/guard.md has no %q", old)
	}
	return strings.ReplaceAll(text, old, new)
}

// certificate writes a certificate for the guarded host.
func certificate(t testing.TB, dir string) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{guardedHost}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "api.pem"), filepath.Join(dir, "api.key")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(parsed)
	return cert, key, roots
}

// freeAddress is where nobody listens now.
func freeAddress(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// output is what a program says, kept for when it fails.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// run starts a proxy until the test ends, and waits until it answers. It is never skipped: a guard that nobody tried guards nothing.
func run(t testing.TB, address string, roots *x509.CertPool, program string, args ...string) *output {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%v; the tests of docs/guard.md need it: apt-get install nginx-light caddy", err)
	}
	said := &output{}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = said, said
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-gone
		}
		if t.Failed() {
			t.Logf("%s said:\n%.8000s", program, said)
		}
	})
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-gone:
			gone <- err
			t.Fatalf("%s ended: %v\n%s", program, err, said)
		default:
		}
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: guardedHost})
		if err == nil {
			conn.Close()
			return said
		}
	}
	t.Fatalf("%s does not answer at %s:\n%s", program, address, said)
	return nil
}

// behind is a world whose API is behind a proxy that asks for decisions.
func behind(w *world, address string, roots *x509.CertPool) *guarded {
	return &guarded{world: w, host: guardedHost, source: "127.0.0.1", scheme: "https", dial: func() (net.Conn, error) {
		return tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: guardedHost, NextProtos: []string{"http/1.1"}})
	}}
}

// client is one that speaks HTTP/2 to a proxy.
func client(address string, roots *x509.CertPool) *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: guardedHost},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, address)
			},
		},
	}
}

// holdHTTP2 sends targets as HTTP/2 carries them.
func (w *guarded) holdHTTP2(c *http.Client) {
	w.Helper()
	token := mint(apiAudience, "files", "me")
	for target, want := range map[string]int{
		"/files/a%20b?x=1": 200, "/files/secret": 403, "/files/%2e%2e/x": 400, "/files/a%2fb": 400, "/files/a;b": 400, "/files//a": 400, "/files/../files/secret": 400, "//files/x": 400,
		"/files/a\\b": 400, "/files/%c0%afx": 400, "/files/SECRET": 404, "/files/a?access_token=x": 400,
	} {
		req, err := http.NewRequest("GET", "https://"+guardedHost+"/", nil)
		if err != nil {
			w.Fatal(err)
		}
		req.URL.Opaque = "//" + guardedHost + target
		if strings.HasPrefix(target, "//") {
			req.URL = &url.URL{Scheme: "https", Host: guardedHost, Path: target}
		}
		req.Header = http.Header{"Authorization": {"Bearer " + token}, "tokenbooth_subject": {mark}}
		w.echo.last()
		res, err := c.Do(req)
		if err != nil {
			w.Errorf("%s: %v", target, err)
			continue
		}
		res.Body.Close()
		calls := w.echo.last()
		if res.ProtoMajor != 2 || (res.StatusCode == 200) != (want == 200) || (want == 200) != (len(calls) == 1) {
			w.Errorf("%s: %s %d, the API got %+v", target, res.Proto, res.StatusCode, calls)
		}
		for _, s := range calls {
			if s.URI != target || !w.judge(s, token) {
				w.Errorf("%s: the API got %s", target, s.URI)
			}
			w.inspect(fmt.Sprint("HTTP/2 ", target), s, token)
		}
	}
}

// closedToAll holds that nothing passes, not even what is public.
func (w *guarded) closedToAll() {
	w.Helper()
	for _, target := range []string{"/files/a", "/hello", "/", "/check", "/tokenbooth", "/unknown"} {
		statuses := w.try(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n\r\n", target, w.host, auth(mint(apiAudience, "files"))))
		if calls := w.echo.last(); len(statuses) != 1 || statuses[0] < 400 || len(calls) != 0 {
			w.Errorf("%s: %v, the API got %+v", target, statuses, calls)
		}
	}
}

// spoken holds that a refusal gets to the caller as the API would word it, whatever of it the proxy itself understands.
func (w *guarded) spoken(c *http.Client) {
	w.Helper()
	good, poor := mint(apiAudience, "files", "workflows"), mint(apiAudience, "other")
	for _, row := range []struct {
		method, target, token string
		status                int
		challenge, body       string
	}{
		{"GET", "/api/v1/workflows", good, 200, "", ""},
		{"POST", "/files/a", good, 200, "", ""},
		{"HEAD", "/files/a", good, 200, "", ""},
		{"GET", "/hello", "", 200, "", ""},
		{"GET", "/api/v1/workflows", "", 401, `Bearer realm="https://api.acme.example"`, ""},
		{"POST", "/api/v1/workflows/execute", "bad", 401, `Bearer realm="https://api.acme.example", error="invalid_token"`, ""},
		{"GET", "/api/v1/workflows", poor, 403, `Bearer realm="https://api.acme.example", error="insufficient_scope", scope="workflows"`, "FORBIDDEN"},
		{"GET", "/api/collections", poor, 401, `Bearer realm="/api/collections"`, `{"statusCode":401}`},
		{"GET", "/unknown", good, 404, "", "not_found"},
		{"PATCH", "/api/v1/workflows/1", good, 405, "", "method_not_allowed"},
		{"GET", "/files//a", good, 400, "", "invalid_request"},
		{"GET", "/api/v1/workflows", "tba_down", 503, "", ""},
		{"GET", "/api/v1/workflows", "tba_panic", 500, "", "server_error"},
	} {
		req, err := http.NewRequest(row.method, "https://"+guardedHost+row.target, strings.NewReader(map[bool]string{true: "hello"}[row.method == "POST"]))
		if err != nil {
			w.Fatal(err)
		}
		if row.token != "" {
			req.Header.Set("Authorization", "Bearer "+row.token)
		}
		w.echo.last()
		res, err := c.Do(req)
		if err != nil {
			w.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		name := row.method + " " + row.target
		if err != nil || res.StatusCode != row.status || res.Header.Get("WWW-Authenticate") != row.challenge || !strings.Contains(string(body), row.body) {
			w.Errorf("%s: %d %q %q %v", name, res.StatusCode, res.Header.Get("WWW-Authenticate"), body, err)
		}
		calls := w.echo.last()
		if (row.status == 200) != (len(calls) == 1) {
			w.Errorf("%s: the API got %+v", name, calls)
		}
		if row.status != 200 && (res.Header.Get("X-Request-Id") != "req-1" || res.Header.Get("Cache-Control") != "no-store") {
			w.Errorf("%s: %v", name, res.Header)
		}
		if row.method == "POST" && len(calls) == 1 && calls[0].Body != "hello" {
			w.Errorf("%s: the API got the body %q", name, calls[0].Body)
		}
		for k := range res.Header {
			if strings.HasPrefix(k, "Tokenbooth-") && row.status != 200 {
				w.Errorf("%s: a refusal says %s", name, k)
			}
		}
	}
}
