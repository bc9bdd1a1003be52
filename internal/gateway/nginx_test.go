package gateway_test

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/gateway"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// nginx runs the file of docs/guard.md, with addresses of its own.
func nginx(t *testing.T, change func(*gateway.CheckOptions), more func(string) string) (*guarded, *http.Client, *output) {
	t.Helper()
	w := newWorld(t, nil)
	dir := t.TempDir()
	cert, key, roots := certificate(t, dir)
	address := freeAddress(t)
	return nginxAt(w, dir, address, cert, key, roots, questions(w, change).Listener.Addr().String(), more)
}

func nginxAt(w *world, dir, address, cert, key string, roots *x509.CertPool, booth string, more func(string) string) (*guarded, *http.Client, *output) {
	t := w.T
	t.Helper()
	text := guide(t, "nginx.conf")
	if more != nil {
		text = more(text)
	}
	text = swap(t, text, "127.0.0.1:9000", w.echo.Listener.Addr().String())
	text = swap(t, text, "127.0.0.1:8083", booth)
	text = swap(t, text, "listen 443 ssl", "listen "+address+" ssl")
	text = swap(t, text, "/etc/ssl/api.example.com.pem", cert)
	text = swap(t, text, "/etc/ssl/api.example.com.key", key)
	text = swap(t, text, `"CHANGE-ME"`, `"`+proxySecret+`"`)
	var own strings.Builder // what Debian's build would put below /var
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&own, "    %s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	text = swap(t, text, "http {\n", "http {\n    access_log off;\n"+own.String())
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	global := "daemon off; pid " + filepath.Join(dir, "pid") + "; worker_processes 1;"
	if os.Getuid() == 0 {
		global += " user root;" // the test's folder is nobody else's
	}
	said := run(t, address, roots, "nginx", "-p", dir, "-c", file, "-e", "stderr", "-g", global)
	return behind(w, address, roots), client(address, roots), said
}

func TestReq039_Req040_Req041_Req042_Req043_Req046_B50_NginxHoldsAgainstTheCorpus(t *testing.T) {
	w, h2, _ := nginx(t, nil, nil)
	w.hold(attacks())
	w.holdHTTP2(h2)
}

// remembering puts the lines of docs/guard.md about a cache into the file.
func remembering(t *testing.T) func(string) string {
	return func(text string) string {
		text = swap(t, text, "http {\n", "http {\n"+swap(t, guide(t, "in http, to remember decisions"), "/run/nginx-tokenbooth", filepath.Join(t.TempDir(), "cache")))
		return swap(t, text, "location = /tokenbooth {\n", "location = /tokenbooth {\n"+guide(t, "in location = /tokenbooth, to remember decisions"))
	}
}

// The Oathkeeper bug: a decision that was remembered for one rule let another one pass (CVE-2021-32701).
func TestReq045_B45_NginxRemembersADecisionForItsOwnRouteOnly(t *testing.T) {
	w, _, _ := nginx(t, func(o *gateway.CheckOptions) { o.CacheFor = 5 * time.Second }, remembering(t))
	weak, other := mint(apiAudience, "files", "me"), mint(adminAudience, "admin")
	call := func(method, target, token string, want int) seen {
		t.Helper()
		head := "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n\r\n"
		line := "X: y"
		if token != "" {
			line = auth(token)
		}
		statuses := w.try(fmt.Sprintf(head, method, target, guardedHost, line))
		calls := w.echo.last()
		if len(statuses) != 1 || statuses[0] != want || (want == 200) != (len(calls) == 1) {
			t.Fatalf("%s %s: %v, want %d; %d calls of the API", method, target, statuses, want, len(calls))
		}
		if want == 200 {
			return calls[0]
		}
		return seen{}
	}
	for range 3 { // primed on /files/a; the second time from the cache
		s := call("GET", "/files/a", weak, 200)
		w.inspect("remembered", s, weak)
		if s.Header.Get("Tokenbooth-Subject") != "robot" {
			t.Errorf("%v", s.Header)
		}
	}
	if n := w.times("GET /files/a"); n != 1 {
		t.Errorf("asked %d times; it was to be remembered", n)
	}
	for range 2 {
		call("GET", "/files/secret", weak, 403) // another rule, the same token
		call("GET", "/admin/x", weak, 401)      // another audience
		call("GET", "/files/a", other, 401)     // another token
		call("GET", "/files/a", "", 401)
		call("GET", "/files/a?access_token="+weak, weak, 400)
		call("POST", "/api/v1/workflows", weak, 405) // another method
		call("GET", "/api/v1/workflows", weak, 403)
		call("GET", "/hello", "", 200)
		call("GET", "/files//a", weak, 400)
	}
	if n := w.times("GET /files/secret"); n < 2 {
		t.Errorf("a no was asked for %d times; it is not to be remembered", n)
	}
	if n := w.times("GET /hello"); n != 1 {
		t.Errorf("a public route was asked for %d times", n)
	}
}

func TestReq045_B45_NginxForgetsADecisionInTime(t *testing.T) {
	w, _, _ := nginx(t, func(o *gateway.CheckOptions) { o.CacheFor = time.Second }, remembering(t))
	weak := mint(apiAudience, "files")
	call := fmt.Sprintf("GET /files/a HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n\r\n", guardedHost, auth(weak))
	if s := w.try(call); len(s) != 1 || s[0] != 200 {
		t.Fatalf("%v", s)
	}
	w.setAlive(oauth.Refuse(oauth.InactiveToken, "x", "client disabled"))
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if s := w.try(call); len(s) == 1 && s[0] == 401 {
			t.Logf("refused %v after it was taken back", time.Since(began).Round(time.Millisecond))
			return
		}
		if time.Since(began) > 5*time.Second {
			t.Fatal("a decision outlived its time")
		}
	}
}

func TestReq045_B55_NginxRemembersNothingUnlessItMay(t *testing.T) {
	w, _, _ := nginx(t, nil, remembering(t)) // the proxy has a cache, the booth's settings none
	call := fmt.Sprintf("GET /files/a HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n\r\n", guardedHost, auth(mint(apiAudience, "files")))
	for range 3 {
		w.try(call)
	}
	if n := w.times("GET /files/a"); n != 3 {
		t.Errorf("asked %d times of 3", n)
	}
}

func TestReq044_NginxPassesNothingWhenItCannotAsk(t *testing.T) {
	w := newWorld(t, nil)
	dir := t.TempDir()
	cert, key, roots := certificate(t, dir)
	g, _, _ := nginxAt(w, dir, freeAddress(t), cert, key, roots, freeAddress(t), nil)
	g.closedToAll()
}

func TestReq044_Req088_NginxAnswersInTheWordsOfTheAPI(t *testing.T) {
	w, h2, _ := nginx(t, nil, nil)
	w.spoken(h2)
}
