package gateway_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/internal/gateway"
	"github.com/tokenbooth/tokenbooth/oauth"
)

const issuer = "https://acme.example"

var signingKey = sync.OnceValue(func() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
})

// mint makes a JWT for an audience.
func mint(audience string, permissions ...string) string {
	return mintWith(nil, audience, permissions...)
}

// mintWith makes one with more claims.
func mintWith(more map[string]any, audience string, permissions ...string) string {
	now := time.Now()
	b64 := base64.RawURLEncoding.EncodeToString
	claims := map[string]any{
		"iss": issuer, "aud": audience, "sub": "robot", "client_id": "robot", "jti": "id-1", "scope": "service:integration",
		"permissions": permissions, "iat": now.Unix(), "exp": now.Add(15 * time.Minute).Unix(), "username": " ada%\u00e9 ",
	}
	maps.Copy(claims, more)
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	text := b64([]byte(`{"alg":"ES256","typ":"at+jwt","kid":"k1"}`)) + "." + b64(payload)
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, signingKey(), digest[:])
	if err != nil {
		panic(err)
	}
	return text + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

// seen is what the API behind saw of a call.
type seen struct {
	Method, URI, Path, Host, Body string
	Header                        http.Header
}

// echo is an API that answers with what it saw, and counts.
type echo struct {
	*httptest.Server
	mu    sync.Mutex
	calls []seen
}

func newEcho(t testing.TB) *echo {
	e := &echo{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s := seen{r.Method, r.RequestURI, r.URL.Path, r.Host, string(body), r.Header.Clone()}
		for k, v := range r.Trailer {
			s.Header["Trailer:"+k] = v
		}
		e.mu.Lock()
		e.calls = append(e.calls, s)
		e.mu.Unlock()
		h := w.Header()
		h.Set("Server", "inner/1.0")
		h.Set("X-Powered-By", "inner")
		h.Set("Tokenbooth_Subject", "inner")
		h.Set("Set-Cookie", "a=b")
		h.Set("Content-Type", "application/json")
		h.Set("X-Front", "inner")
		_ = json.NewEncoder(w).Encode(s)
	}))
	t.Cleanup(e.Close)
	return e
}

// last returns the calls since it was last asked.
func (e *echo) last() []seen {
	e.mu.Lock()
	defer e.mu.Unlock()
	calls := e.calls
	e.calls = nil
	return calls
}

// world is a gateway in front of an echo.
type world struct {
	*testing.T
	*gateway.Gateway
	echo     *echo
	door     edge.Door // in front of it
	front    *httptest.Server
	mu       sync.Mutex
	refusals []gateway.Refusal
	served   []string
	asked    map[string]int // calls that proxies asked about
	alive    func() error
}

const (
	apiAudience   = "https://api.acme.example"
	adminAudience = "https://admin.acme.example"
)

func named(t testing.TB, name string) *dialect.Dialect {
	t.Helper()
	for _, d := range dialect.Builtin() {
		if d.Name == name {
			return d
		}
	}
	t.Fatalf("no dialect %s", name)
	return nil
}

func tokens() bearer.Options {
	return bearer.Options{
		Issuer: issuer,
		Keys: func(kid string) (bearer.Key, bool) {
			return bearer.Key{ID: "k1", Algorithm: "ES256", Public: signingKey().Public()}, kid == "k1"
		},
		Opaque: func(_ context.Context, text string) (*bearer.Token, error) {
			switch text {
			case "tba_down":
				return nil, fmt.Errorf("no store: %w", oauth.ErrUnavailable)
			case "tba_panic":
				panic("secret of the panic")
			case "tba_user":
				return &bearer.Token{
					Issuer: issuer, ID: "t1", Subject: "ada", ClientID: "portal", Name: "Ada", Scope: "me", Audience: []string{apiAudience},
					IssuedAt: time.Now(), Expires: time.Now().Add(time.Hour),
				}, nil
			}
			return nil, oauth.Refuse(oauth.InactiveToken, "The access token is invalid or has expired.", "unknown token")
		},
	}
}

func apis(t testing.TB, upstream string) []gateway.API {
	u, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	return []gateway.API{
		{
			Name: "workflows", Audience: apiAudience, Upstream: u, Dialect: named(t, "nexthink"),
			Routes: []gateway.Route{
				{Methods: []string{"GET"}, Pattern: "/api/v1/workflows", Permission: "workflows"},
				{Methods: []string{"GET", "DELETE"}, Pattern: "/api/v1/workflows/{id}", Permission: "workflows"},
				{Methods: []string{"POST"}, Pattern: "/api/v1/workflows/execute", Permission: "workflows"},
				{Methods: []string{"*"}, Pattern: "/files/{rest...}", Permission: "files"},
				{Methods: []string{"GET"}, Pattern: "/files/secret", Permission: "secret"},
				{Methods: []string{"GET"}, Pattern: "/me"},
				{Methods: []string{"GET"}, Pattern: "/hello", Public: true},
			},
		},
		{
			Name: "admin", Audience: adminAudience, Upstream: u, Dialect: named(t, "oauth2"),
			Routes: []gateway.Route{{Methods: []string{"GET"}, Pattern: "/admin/{rest...}", Permission: "admin"}},
		},
		{
			Name: "collections", Audience: apiAudience, Upstream: u, Dialect: named(t, "dadi"),
			Routes: []gateway.Route{{Methods: []string{"GET"}, Pattern: "/api/collections", Permission: "collections"}},
		},
		{
			Name: "me", Audience: apiAudience, Realm: "spaces", Upstream: u, Dialect: named(t, "nexudus"),
			Routes: []gateway.Route{{Methods: []string{"GET"}, Pattern: "/api/auth/me", Permission: "me"}},
		},
	}
}

func newWorld(t *testing.T, change func(*gateway.Options)) *world {
	w := &world{T: t, echo: newEcho(t), door: edge.Door{NewID: func() string { return "req-1" }}}
	w.alive = func() error { return nil }
	o := gateway.Options{
		Tenant: "acme", Tokens: tokens(), APIs: apis(t, w.echo.URL),
		Refused: func(_ context.Context, _ *http.Request, r gateway.Refusal) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.refusals = append(w.refusals, r)
		},
		Served: func(api, route string, status int) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.served = append(w.served, fmt.Sprintf("%s %s %d", api, route, status))
		},
	}
	o.Tokens.Alive = func(context.Context, *bearer.Token) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.alive()
	}
	if change != nil {
		change(&o)
	}
	g, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.Gateway = g
	t.Cleanup(g.Close)
	w.front = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("X-Front", "ours")
		w.door.Identified(g).ServeHTTP(rw, r)
	}))
	t.Cleanup(w.front.Close)
	return w
}

// setAlive says what becomes of all tokens from now on.
func (w *world) setAlive(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.alive = func() error { return err }
}

func (w *world) told() []gateway.Refusal {
	w.mu.Lock()
	defer w.mu.Unlock()
	told := w.refusals
	w.refusals = nil
	return told
}

// got is an answer, read whole.
type got struct {
	*http.Response
	body string
}

// raw sends bytes as they are and reads one answer.
func (w *world) raw(request string) got {
	w.Helper()
	conn, err := net.Dial("tcp", w.front.Listener.Addr().String())
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		w.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		w.Fatalf("%q: %v", request, err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return got{res, string(body)}
}

// ask calls a target with header lines.
func (w *world) ask(method, target string, lines ...string) got {
	w.Helper()
	head := method + " " + target + " HTTP/1.1\r\nHost: acme.example\r\nConnection: close\r\n"
	return w.raw(head + strings.Join(append(lines, "", ""), "\r\n"))
}

func auth(token string) string { return "Authorization: Bearer " + token }

// forwarded checks that the API was called once and returns what it saw.
func (w *world) forwarded(g got) seen {
	w.Helper()
	calls := w.echo.last()
	if g.StatusCode != 200 || len(calls) != 1 {
		w.Fatalf("status %d, %d calls of the API: %s", g.StatusCode, len(calls), g.body)
	}
	return calls[0]
}

// stopped checks that the API was not called and the owner was told.
func (w *world) stopped(g got, status int) gateway.Refusal {
	w.Helper()
	if calls := w.echo.last(); g.StatusCode != status || len(calls) != 0 {
		w.Fatalf("status %d, want %d; the API saw %+v; %s", g.StatusCode, status, calls, g.body)
	}
	told := w.told()
	if len(told) != 1 || told[0].Status != status || told[0].RequestID != "req-1" || told[0].Reason == "" {
		w.Fatalf("the owner was told %+v", told)
	}
	return told[0]
}
