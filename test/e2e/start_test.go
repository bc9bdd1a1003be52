package e2e

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// far carries connections to an address, and what comes back later by a delay: an issuer that is not next door.
func far(t *testing.T, to string, delay time.Duration) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			here, err := l.Accept()
			if err != nil {
				return
			}
			go carry(here, to, delay)
		}
	}()
	return l.Addr().String()
}

func carry(here net.Conn, to string, delay time.Duration) {
	defer here.Close()
	there, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer there.Close()
	go func() {
		_, _ = io.Copy(there, here)
		_ = there.Close()
	}()
	part := make([]byte, 64<<10)
	for {
		n, err := there.Read(part)
		if err != nil {
			return
		}
		time.Sleep(delay)
		if _, err := here.Write(part[:n]); err != nil {
			return
		}
	}
}

// A gateway 200 ms from its issuer starts under load. Not one call with a revoked token passes, before, while and after it reads what was
// revoked; good tokens pass, or are told to come again.
func TestReq006_AGatewayThatStartsFarFromItsIssuerLetsNoRevokedTokenPass(t *testing.T) {
	t.Parallel()
	p := newPair(t, "60s", "serve")
	at := strings.TrimPrefix(p.desk.public, "http://")
	issuer := far(t, at, 200*time.Millisecond)
	p.desk.edit(t, "issuer: http://"+at, "issuer: http://"+issuer)
	p.gate.edit(t, "issuer: http://"+at, "issuer: http://"+issuer)
	p.desk.begin(t)
	good, bad := p.token(t), p.token(t)
	p.revoke(t, bad)
	var passed, refused, later, served atomic.Int64
	deadline := time.Now().Add(4 * time.Second)
	if err := p.gate.start(); err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	for n := range 16 {
		token := []string{bad, good}[n%2]
		calls.Go(func() {
			for time.Now().Before(deadline) {
				switch status := attempt(p.gate.public+"/api/orders", token); {
				case status == 0: // the socket is not open yet
					time.Sleep(time.Millisecond)
				case status == http.StatusServiceUnavailable:
					later.Add(1)
				case token == good && status == http.StatusOK:
					served.Add(1)
				case token == bad && status == http.StatusUnauthorized:
					refused.Add(1)
				default:
					passed.Add(1)
				}
			}
		})
	}
	calls.Wait()
	t.Logf("%d good calls served, %d revoked ones refused, %d told to come again", served.Load(), refused.Load(), later.Load())
	if passed.Load() != 0 || served.Load() == 0 || refused.Load() == 0 {
		t.Errorf("%d answers are wrong", passed.Load())
	}
}

// attempt calls an API and returns the status, or 0 where there was no answer.
func attempt(url, token string) int {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	r.Header.Set("Authorization", "Bearer "+token)
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, a.Body)
	_ = a.Body.Close()
	return a.StatusCode
}

// A gateway whose client the issuer does not accept is alive and not ready: nothing passes that needs a token, and everything that an
// operator looks at says why.
func TestReq044_AGatewayWithAWrongOrDisabledClientAnswers503AndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(p *pair){
		"wrong":    func(p *pair) { writeFile(t, filepath.Join(p.gate.dir, "secret"), strings.Repeat("x", 40)+"\n") },
		"disabled": func(p *pair) { p.desk.operate(t, "client", "disable", "gateway") },
	} {
		for _, policy := range []string{"serve", "refuse"} {
			p := newPair(t, "60s", policy)
			p.desk.begin(t)
			spoil(p)
			token := p.token(t)
			if err := errors.Join(p.gate.start(), p.gate.until(func() bool { return p.gate.answers("/healthz") == 200 })); err != nil {
				t.Fatal(err)
			}
			within(t, 5*time.Second, "it is said", func() bool { return p.gate.metric(t, "tokenbooth_feed_denied") == "1" })
			a := get(t, p.gate.public+"/api/orders", token).wantStatus(t, http.StatusServiceUnavailable)
			if strings.Contains(a.body, "invalid_token") || a.header.Get("Retry-After") == "" {
				t.Errorf("%s, %s: it blames the token, or does not say when to come again: %v %s", name, policy, a.header, a.body)
			}
			if status := attempt(p.gate.public+"/api/health", ""); status != http.StatusOK { // asks for no token
				t.Errorf("%s, %s: a public route is answered %d", name, policy, status)
			}
			if says := p.gate.unready(t); !strings.Contains(says, "follow.client_secret_file") || !strings.Contains(says, `"denied":true`) {
				t.Errorf("%s, %s: /readyz says %s", name, policy, says)
			}
			p.gate.logged(t, 5*time.Second, "the issuer cannot be followed", "does not accept our client id and secret")
			if p.gate.metric(t, "tokenbooth_gateway_stale_total") != "0" || p.gate.metric(t, "tokenbooth_feed_ready") != "0" {
				t.Errorf("%s, %s: calls were let through", name, policy)
			}
		}
	}
}

// answers returns the status of a path on the operators' listener, or 0.
func (b *booth) answers(path string) int { return attempt(b.operators+path, "") }

// unready returns what /readyz says of a process that cannot do its work.
func (b *booth) unready(t *testing.T) string {
	t.Helper()
	a, err := http.Get(b.operators + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("/readyz: %d %s (%v)", a.StatusCode, text, err)
	}
	return string(text)
}

// A first start without the issuer is alive, not ready, and answers 503; once the issuer is there, it is ready by itself.
func TestReq044_AFirstStartWithoutTheIssuerAnswers503UntilItIsThere(t *testing.T) {
	t.Parallel()
	p := newPair(t, "60s", "serve")
	if err := errors.Join(p.gate.start(), p.gate.until(func() bool { return p.gate.answers("/healthz") == 200 })); err != nil {
		t.Fatal(err)
	}
	p.gate.unready(t)
	get(t, p.gate.public+"/api/orders", "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEiLCJ0eXAiOiJhdCtqd3QifQ.e30.AAAA").wantStatus(t, http.StatusServiceUnavailable)
	p.desk.begin(t)
	within(t, 5*time.Second, "it is ready", p.gate.ready)
	if status := p.passes(t, p.token(t)); status != http.StatusOK {
		t.Errorf("%d", status)
	}
}

// A gateway that restarts while its issuer is away goes on with what it knew, whether it was stopped or killed; a wrong file is no snapshot.
func TestReq006_AGatewayThatRestartsWithoutItsIssuerGoesOnWithItsSnapshot(t *testing.T) {
	t.Parallel()
	p := startPair(t, "60s", "serve")
	good, bad := p.token(t), p.token(t)
	p.revoke(t, bad)
	within(t, freshness, "a revoked token is refused", func() bool { return p.passes(t, bad) == http.StatusUnauthorized })
	time.Sleep(2 * time.Second) // by then it is written
	p.desk.kill(t)
	for _, end := range []func(*testing.T){p.gate.kill, p.gate.end} {
		end(t)
		p.gate.begin(t)
		if g, b := p.passes(t, good), p.passes(t, bad); g != http.StatusOK || b != http.StatusUnauthorized {
			t.Errorf("the good token %d, the revoked one %d", g, b)
		}
	}
	p.gate.end(t)
	file := p.gate.data("snapshots/acme")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)-40] ^= 1
	writeFile(t, file, string(text))
	if err := errors.Join(p.gate.start(), p.gate.until(func() bool { return p.gate.answers("/healthz") == 200 })); err != nil {
		t.Fatal(err)
	}
	p.gate.unready(t)
	if g, b := p.passes(t, good), p.passes(t, bad); g != http.StatusServiceUnavailable || b != http.StatusServiceUnavailable {
		t.Errorf("with a damaged snapshot: the good token %d, the revoked one %d", g, b)
	}
	p.gate.logged(t, freshness, "the snapshot is not used")
}
