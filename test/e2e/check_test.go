package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestReq039_Req046_Req088_WhatNginxAndCaddyRefuseIsRefusedInFullAndExplained(t *testing.T) {
	eachEdge(t, func(t *testing.T, e *edge, proxy string) {
		good := e.scoped(t, "workflows")
		forged := good[:strings.LastIndex(good, ".")+1] + strings.Repeat("A", 86)
		for _, c := range []struct {
			name, method, path, token string
			status                    int
			challenge, reason         string
		}{
			{"no token", "GET", "/workflows/1", "", 401, `Bearer realm="workflows", resource_metadata="`, "no_token"},
			{"a forged token", "GET", "/workflows/1", forged, 401, `error="invalid_token"`, "invalid_token"},
			{"a token that may do something else", "GET", "/workflows/1", e.scoped(t, "reports"), 403, `error="insufficient_scope"`, `insufficient_scope: permission workflows is asked for; held: "reports"`},
			{"a path that is not declared", "GET", "/admin", good, 404, "", ""},
			{"a method that is not declared", "DELETE", "/workflows/1", good, 405, "", ""},
			{"two programs could read it differently", "GET", "//workflows/1", good, 400, "", ""},
		} {
			a := e.through(t, proxy, c.method, c.path, c.token)
			if got := strings.Join(a.header.Values("WWW-Authenticate"), " AND "); a.status != c.status || strings.Contains(got, " AND ") || !strings.Contains(got, c.challenge) || c.challenge == "" && got != "" {
				t.Errorf("%s: %d, WWW-Authenticate %q, want %d, %q: %s", c.name, a.status, got, c.status, c.challenge, a.body)
			}
			if calls := e.api.taken(); len(calls) > 0 {
				t.Errorf("%s: the API was called: %v", c.name, calls)
			}
			e.decides.wantExplained(t, c.name, a.header.Get("X-Request-Id"), c.reason)
		}
	})
}

// wantExplained asks an operator's question about a refusal: it is written down a moment after the answer.
func (b *booth) wantExplained(t *testing.T, what, id, reason string) {
	t.Helper()
	var v struct{ Reason, Check, Advice string }
	within(t, freshness, fmt.Sprintf("%s is explained by its request id %q", what, id), func() bool {
		out, _, code := command(t, b.dir, "", "-c", "tokenbooth.yaml", "explain", id, "--json")
		return code == 0 && json.Unmarshal([]byte(out), &v) == nil
	})
	if !strings.Contains(v.Reason, reason) || v.Check == "" || v.Advice == "" {
		t.Errorf("%s: explain says %+v, want %q", what, v, reason)
	}
}

func TestReq041_Req046_NginxAndCaddySayWhoCallsAndNothingTheCallerSays(t *testing.T) {
	eachEdge(t, func(t *testing.T, e *edge, proxy string) {
		lies := []string{"Cookie: session=1", "Forwarded: for=192.0.2.1", "X-Forwarded-User: root", "Remote-User: root", "Tokenbooth_Subject: root"}
		a := e.through(t, proxy, "GET", "/workflows/1?x=%2F", e.scoped(t, "workflows"), lies...)
		calls := e.api.taken()
		if a.status != 200 || a.body != "served" || len(calls) != 1 {
			t.Fatalf("%d %s, %d calls of the API", a.status, a.body, len(calls))
		}
		for name, want := range map[string]string{"Tokenbooth-Tenant": "acme", "Tokenbooth-Client-Id": e.id, "Tokenbooth-Subject": e.id, "Tokenbooth-Scope": "workflows",
			"Authorization": "", "Cookie": "", "Forwarded": "", "X-Forwarded-User": "", "Remote-User": "", "Tokenbooth_subject": "", "Tokenbooth-Proxy-Secret": ""} {
			if got := strings.Join(calls[0][name], "|"); got != want {
				t.Errorf("the API is told %s %q, want %q", name, got, want)
			}
		}
		if id := calls[0].Get("X-Request-Id"); len(id) != 16 {
			t.Errorf("the request id is %q", id)
		}
		e.through(t, proxy, "GET", "/workflows/1", e.scoped(t, "workflows"), "Tokenbooth-Subject: root", "Tokenbooth-Permissions: admin")
		for _, call := range e.api.taken() {
			if call.Get("Tokenbooth-Subject") != e.id || call.Get("Tokenbooth-Permissions") == "admin" {
				t.Errorf("the API believes the caller: %v", call)
			}
		}
		if a := e.through(t, proxy, "GET", "/hello", ""); a.status != 200 || e.api.taken()[0].Get("Tokenbooth-Subject") != "" {
			t.Errorf("a public route: %d %s", a.status, a.body)
		}
	})
}

// Who calls may take up much: all their permissions are told to the API. A call's body may be large as well. Neither is for a limit of a
// proxy's to end that nobody has set.
func TestNginxAndCaddyPassLargeBodiesAndLongIdentities(t *testing.T) {
	eachEdge(t, func(t *testing.T, e *edge, proxy string) {
		for _, size := range []int{1 << 10, 3 << 20} { // max_body is for calls that our own gateway forwards
			a := e.sending(t, proxy, "POST", "/workflows", strings.Repeat("x", size), e.scoped(t, "workflows"))
			if calls := e.api.taken(); a.status != 200 || len(calls) != 1 {
				t.Errorf("a body of %d bytes: %d %s, %d calls of the API", size, a.status, a.body, len(calls))
			}
		}
		a := e.through(t, proxy, "GET", "/workflows/1", e.tokenOf(t, e.wide, e.wideSecret))
		calls := e.api.taken()
		if a.status != 200 || len(calls) != 1 || len(calls[0].Get("Tokenbooth-Scope")) < 3800 {
			t.Errorf("a caller with many permissions: %d %.200s, %d calls of the API", a.status, a.body, len(calls))
		}
	})
}

func TestReq006_D4_WhatIsRevokedIsRefusedBehindNginxAndCaddyWithinFiveSeconds(t *testing.T) {
	eachEdge(t, func(t *testing.T, e *edge, proxy string) {
		token, other := e.scoped(t, "workflows"), e.scoped(t, "workflows")
		if a := e.through(t, proxy, "POST", "/workflows", token); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		e.revoke(t, token)
		began := time.Now()
		within(t, freshness, "the revoked token is refused", func() bool { return e.through(t, proxy, "POST", "/workflows", token).status == 401 })
		t.Logf("refused %v after it was taken back", time.Since(began).Round(time.Millisecond))
		if a := e.through(t, proxy, "POST", "/workflows", other); a.status != 200 {
			t.Errorf("another token of the client: %d %s", a.status, a.body)
		}
	})
}

// Req 44: what cannot be decided is a fault, and not a yes. An opaque token has to be looked up: in a store that is damaged, or at an
// issuer that is gone. And a proxy that cannot ask passes nothing.
func TestReq044_WhatCannotBeDecidedIsAFaultAndNeverAYes(t *testing.T) {
	t.Parallel()
	for _, asked := range []string{"serve", "gateway"} {
		t.Run(asked, func(t *testing.T) {
			t.Parallel()
			e := startEdge(t, asked)
			id, secret := e.desk.register(t, "Opaque", "-p", "workflows", "--token-form", "opaque")
			opaque := e.tokenOf(t, id, secret)
			if asked == "serve" {
				e.desk.destroyStore(t)
			} else {
				e.desk.kill(t)
			}
			e.wantFaults(t, "the store or the issuer is gone", "POST", "/workflows", opaque)
			e.decides.kill(t)
			e.wantFaults(t, "nobody can be asked", "POST", "/workflows", opaque)
			e.wantFaults(t, "nobody can be asked about a public route", "GET", "/hello", "")
		})
	}
}

// wantFaults makes a call through each proxy, which must not reach the API.
func (e *edge) wantFaults(t *testing.T, what, method, path, token string) {
	t.Helper()
	for proxy := range e.proxies {
		if a := e.through(t, proxy, method, path, token); a.status < 500 {
			t.Errorf("%s: %s answers %d %s", what, proxy, a.status, a.body)
		}
	}
	if calls := e.api.taken(); len(calls) > 0 {
		t.Errorf("%s: the API was called: %v", what, calls)
	}
}

// destroyStore overwrites the database under a process that runs, as a failing disk might. The index of the log (-shm) is memory that
// processes share, and no disk's to spoil.
func (b *booth) destroyStore(t *testing.T) {
	t.Helper()
	for _, name := range []string{"tokenbooth.db", "tokenbooth.db-wal"} {
		file := b.data(name)
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(bytes.Repeat([]byte{0xA5}, int(info.Size()))); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// question asks for a decision as a proxy does, about GET /workflows/1 at the host of docs/guard.md.
func question(t *testing.T, caller *http.Client, check, token string, more ...string) (answer, error) {
	t.Helper()
	headers := append([]string{"X-Forwarded-Method: GET", "X-Forwarded-Proto: https", "X-Forwarded-Host: api.example.com", "X-Forwarded-Uri: /workflows/1",
		"X-Forwarded-For: 192.0.2.7", "Authorization: Bearer " + token}, more...)
	return ask(t.Context(), caller, "GET", check+"/check", "", headers...)
}

// startAsked starts a desk whose check listener is set up like this.
func startAsked(t *testing.T, check string, files func(dir string)) (p *pair, address string) {
	t.Helper()
	at := freeAddresses(t, 3)
	apis := swapped(t, guide(t, "tokenbooth.yaml, of a tenant"), "upstream: http://127.0.0.1:9000", "")
	p = &pair{desk: apart(t, "serve", fmt.Sprintf(edgeSettings, at[0], at[1], fmt.Sprintf(check, at[2]), at[0], "dialects: [oauth2]", apis))}
	p.desk.public, p.desk.operators = "http://"+at[0], "http://"+at[1]
	files(p.desk.dir)
	p.id, p.secret = p.desk.register(t, "Reader", "-p", "workflows")
	p.desk.begin(t)
	t.Cleanup(func() { p.desk.end(t) })
	return p, at[2]
}

func TestReq043_OnlyPeersThatAreNamedMayAsk(t *testing.T) {
	t.Parallel()
	p, at := startAsked(t, "check: {listen: %s, peers: [127.0.0.2/32]}", func(string) {})
	token := p.token(t)
	if a, err := question(t, from("127.0.0.2"), "http://"+at, token); err != nil || a.status != 200 || a.header.Get("Tokenbooth-Client-Id") != p.id {
		t.Errorf("the peer: %v, %d %v", err, a.status, a.header)
	}
	for _, stranger := range []string{"127.0.0.1", "127.0.0.3"} {
		a, err := question(t, from(stranger), "http://"+at, token, "X-Real-Ip: 127.0.0.2", "Forwarded: for=127.0.0.2")
		if err != nil || a.status != 403 || strings.Contains(fmt.Sprint(a.header), "Tokenbooth") {
			t.Errorf("%s: %v, %d %v", stranger, err, a.status, a.header)
		}
		p.desk.wantStranger(t, a.header.Get("X-Request-Id"), "not one of the peers")
	}
}

// wantStranger looks for a question that was not answered in what the process wrote down.
func (b *booth) wantStranger(t *testing.T, id, reason string) {
	t.Helper()
	b.logged(t, freshness, "question refused", id, reason)
	within(t, freshness, "explain knows "+id, func() bool {
		out, _, _ := command(t, b.dir, "", "-c", "tokenbooth.yaml", "explain", id)
		return strings.Contains(out, reason)
	})
}

// Who asks must meet all that is set: address, secret and certificate. B49: nothing of that fails open.
func TestReq043_B49_OnlyProxiesWithACertificateOfTheAuthorityMayAsk(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	secret := keepSecret(strings.Repeat("c0ffee", 8))
	certs := map[string]*tls.Config{"without a certificate": {RootCAs: ours.roots}}
	p, at := startAsked(t, "check: {listen: %s, secret_file: proxy.secret, tls: {certificate: check.pem, key: check.key, client_ca: proxies.pem}}", func(dir string) {
		ours.show(t, dir, "check", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
		writeFile(t, filepath.Join(dir, "proxies.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ours.cert.Raw})))
		writeFile(t, filepath.Join(dir, "proxy.secret"), secret)
		for name, c := range map[string]struct {
			by   *authority
			cert x509.Certificate
		}{
			"of our authority":   {ours, x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}},
			"of another":         {theirs, x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}},
			"a server's, not it": {ours, x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}},
		} {
			pair, err := tls.LoadX509KeyPair(c.by.show(t, t.TempDir(), "proxy", &c.cert))
			if err != nil {
				t.Fatal(err)
			}
			certs[name] = &tls.Config{RootCAs: ours.roots, Certificates: []tls.Certificate{pair}}
		}
	})
	token := p.token(t)
	for name, config := range certs {
		caller := &http.Client{Timeout: callTime, Transport: &http.Transport{TLSClientConfig: config}}
		a, err := question(t, caller, "https://"+at, token, "Tokenbooth-Proxy-Secret: "+secret)
		if trusted := name == "of our authority"; trusted != (err == nil && a.status == 200) {
			t.Errorf("a proxy %s: %v, %d %s", name, err, a.status, a.body)
		}
		if name != "of our authority" {
			continue
		}
		for _, wrong := range []string{"Tokenbooth-Proxy-Secret: " + secret + "x", "X: y"} {
			if a, err := question(t, caller, "https://"+at, token, wrong); err != nil || a.status != 403 {
				t.Errorf("with the certificate and %q: %v, %d", wrong, err, a.status)
			}
		}
	}
	if a, err := question(t, web, "http://"+at, token, "Tokenbooth-Proxy-Secret: "+secret); err == nil && a.status < 400 {
		t.Errorf("in clear: %d", a.status)
	}
}
