package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/oauth"
)

var ctx = context.Background()

const (
	by       = "cli:tester"
	username = "bob@acme.test"
	password = "seven purple tractors"
)

// clock is a time that tests move.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time           { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(by time.Duration) { c.at.Add(by.Microseconds()) }

// away is a store that cannot be reached when it is told so. wrote is told of each write that was done.
type away struct {
	store.Store
	down  atomic.Bool
	wrote func([]store.Record)
}

var errDisk = errors.New("the disk is gone: /var/lib/tokenbooth/tokenbooth.db")

func (s *away) Get(ctx context.Context, tenant string, kind store.Kind, id string) (store.Record, error) {
	if s.down.Load() {
		return store.Record{}, errDisk
	}
	return s.Store.Get(ctx, tenant, kind, id)
}

func (s *away) Put(ctx context.Context, records ...store.Record) error {
	if s.down.Load() {
		return errDisk
	}
	err := s.Store.Put(ctx, records...)
	if err == nil && s.wrote != nil {
		s.wrote(records)
	}
	return err
}

// safeBuffer is a log that may be written and read at once.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// booth is a Handler and all it works with.
type booth struct {
	*Handler
	t       testing.TB
	clock   *clock
	store   *away
	reg     *registry.Registry
	feed    *feed.Feed
	keys    *keyring.Keyring
	log     *safeBuffer
	secrets map[string]oauth.Secret
}

func settings() []registry.Tenant {
	api := []registry.API{{Name: "flows", Audience: "https://api.acme.test", Permissions: []registry.Permission{{Name: "workflows"}, {Name: "nql"}}}}
	return []registry.Tenant{
		{Name: "acme", Hosts: []string{"login.acme.test", "::1"}, Issuer: "https://login.acme.test", APIs: api, AllowPasswordGrant: true, AllowBodylessToken: true},
		{Name: "other", Hosts: []string{"login.other.test"}, Issuer: "https://login.other.test"},
	}
}

// surface makes what the server has to know of tenants: each speaks every built-in dialect.
func surface() []Tenant {
	var out []Tenant
	for _, s := range settings() {
		t := Tenant{Name: s.Name, Hosts: s.Hosts, Issuer: s.Issuer, Endpoints: map[string]*dialect.Endpoint{},
			Metadata: Metadata{Grants: []oauth.GrantType{oauth.ClientCredentials}, Scopes: s.PermissionNames()}}
		for _, a := range s.APIs {
			t.Resources = append(t.Resources, Resource{URL: a.Audience, Name: a.Title, Scopes: s.PermissionNames()})
		}
		for _, d := range dialect.Builtin() {
			for _, e := range d.Endpoints() {
				t.Endpoints[e.Path] = e
			}
		}
		out = append(out, t)
	}
	return out
}

func open(t testing.TB, change ...func(*Options)) *booth {
	t.Helper()
	c := newClock()
	return openOn(t, c, memory.New(c.now), change...)
}

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 11, 22, 4, 9, 0, 0, time.UTC).UnixMicro())
	return c
}

// openOn makes a booth on a store.
func openOn(t testing.TB, c *clock, inner store.Store, change ...func(*Options)) *booth {
	t.Helper()
	b := &booth{t: t, clock: c, store: &away{Store: inner}, log: &safeBuffer{}, secrets: map[string]oauth.Secret{}}
	log := slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	sealer, err := secret.NewSealer([]byte("0123456789abcdef0123456789abcdef"))
	if err == nil {
		b.feed, err = feed.Open(ctx, feed.Options{Store: b.store, Now: c.now})
	}
	if err == nil {
		err = b.feed.SetTenants(ctx, []string{"acme", "other"})
	}
	if err == nil {
		b.reg, err = registry.New(registry.Options{Store: b.store, Sealer: sealer, Now: c.now, Tenants: settings(), Feed: b.feed})
	}
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.Open(ctx, keyring.Options{Store: b.store, Sealer: sealer, Now: c.now, Tenants: []keyring.Tenant{{Name: "acme"}, {Name: "other"}}, Feed: b.feed})
	b.keys = keys
	if err != nil {
		t.Fatal(err)
	}
	journal, err := audit.OpenJournal(t.TempDir(), c.now, log)
	if err != nil {
		t.Fatal(err)
	}
	refusals := audit.NewLog(b.store, log)
	t.Cleanup(func() {
		refusals.Close()
		if err := journal.Close(); err != nil {
			t.Error(err)
		}
	})
	o := Options{Keys: keys.JWKS, Feed: b.feed, Sign: keys.SignAs, Door: &edge.Door{NewID: func() string { return secret.NewID(time.Now()) }}, Metrics: NewMetrics(), Log: log, Next: http.NotFoundHandler(),
		Issuer: issuer.New(issuer.Options{Store: b.store, Registry: b.reg, Keys: keys, Feed: b.feed, Sealer: sealer, Hashing: limit.NewLanes(runtime.GOMAXPROCS(0), 100),
			Refusals: refusals, Journal: journal, Now: c.now, ReplayWindow: 30 * time.Second})}
	for _, f := range change {
		f(&o)
	}
	b.Handler = New(o)
	b.SetTenants(surface())
	return b
}

// client registers a client of acme.
func (b *booth) client(id string) {
	b.t.Helper()
	_, text, err := b.reg.CreateClient(ctx, by, registry.Client{Tenant: "acme", ID: id, ClientSpec: registry.ClientSpec{Name: id, Permissions: []string{"workflows"}, Grants: []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken}, AllowBodylessToken: true}})
	if err != nil {
		b.t.Fatal(err)
	}
	b.secrets[id] = text
}

// user registers bob, with a hash that costs nothing.
func (b *booth) user() {
	b.t.Helper()
	_, err := b.reg.CreateUser(ctx, by, registry.User{Tenant: "acme", Username: username, UserSpec: registry.UserSpec{Permissions: []string{"workflows"}}}, password)
	if err == nil {
		_, err = b.reg.UpdateUser(ctx, by, "user.import", "acme", username, func(u *registry.User) error { u.Hash = secret.HashSecret(password); return nil })
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.clock.advance(time.Second)
}

// post makes a form request to a path of acme. The list is name, value, name, value …
func post(path string, form ...string) *http.Request {
	v := url.Values{}
	for k := 0; k+1 < len(form); k += 2 {
		v.Add(form[k], form[k+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Host, r.RequestURI = "login.acme.test", path
	return r
}

// basic makes a request for a client's own token in the standard dialect.
func (b *booth) basic(id string) *http.Request {
	r := post("/oauth2/token", "grant_type", "client_credentials")
	r.SetBasicAuth(id, b.secrets[id].Reveal())
	return r
}

func (b *booth) answer(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

// member reads a member of a JSON answer.
func member(t testing.TB, body, name string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	s, _ := m[name].(string)
	return s
}

// metrics returns what an operator would read.
func (b *booth) metrics(health func(*http.Request) Health, path string) (int, string) {
	b.t.Helper()
	w := httptest.NewRecorder()
	b.Metrics.Operators(health, Scrape{&edge.Door{NewID: func() string { return "1" }}, func() Scrapers { return Scrapers{} }}, nil).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return w.Code, string(text)
}
