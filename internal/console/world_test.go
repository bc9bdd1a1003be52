package console

import (
	"context"
	"errors"
	"fmt"
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

	"github.com/pquerna/otp/totp"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/oauth"
)

const (
	consoleURL  = "https://desk.example.com"
	consoleHost = "desk.example.com"
	testWord    = "nine wet umbrellas"
)

// breakable is a store that fails when it is told to, or lists no clients until it is let.
type breakable struct {
	store.Store
	down atomic.Bool
	held atomic.Pointer[hold] // nil: clients are listed at once
}

// hold keeps whoever lists clients waiting until it is over.
type hold struct {
	once          sync.Once
	reached, over chan struct{}
}

var errDisk = errors.New("the disk is gone")

func (s *breakable) Get(ctx context.Context, tenant string, kind store.Kind, id string) (store.Record, error) {
	if s.down.Load() {
		return store.Record{}, errDisk
	}
	return s.Store.Get(ctx, tenant, kind, id)
}

func (s *breakable) List(ctx context.Context, q store.Query) ([]store.Record, error) {
	if s.down.Load() {
		return nil, errDisk
	}
	if held := s.held.Load(); held != nil && q.Kind == store.Client {
		held.once.Do(func() { close(held.reached) })
		select {
		case <-held.over:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.Store.List(ctx, q)
}

func (s *breakable) Put(ctx context.Context, records ...store.Record) error {
	if s.down.Load() {
		return errDisk
	}
	return s.Store.Put(ctx, records...)
}

// world is a console over a real office, with the tenants acme and other.
type world struct {
	*Console
	t         *testing.T
	at        atomic.Int64
	store     *breakable
	registry  *registry.Registry
	directory *directory.Directory
	people    *operator.Operators
	ids       atomic.Int64
}

func (w *world) now() time.Time           { return time.UnixMicro(w.at.Load()).UTC() }
func (w *world) advance(by time.Duration) { w.at.Add(by.Microseconds()) }

func testTenants() []registry.Tenant {
	api := []registry.API{{Name: "flows", Title: "Flows", Audience: "https://api.acme.test", Dialect: "oauth2",
		Permissions: []registry.Permission{{Name: "workflows"}, {Name: "nql"}}}}
	return []registry.Tenant{
		{Name: "acme", Title: "Acme", Hosts: []string{"login.acme.test"}, Issuer: "https://login.acme.test", APIs: api, AllowPasswordGrant: true, OperatorsAPI: true, Dialects: []string{"oauth2"}},
		{Name: "other", Hosts: []string{"login.other.test"}, Issuer: "https://login.other.test", APIs: api, Dialects: []string{"oauth2"}},
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t}
	w.at.Store(time.Date(2026, 11, 22, 4, 9, 0, 0, time.UTC).UnixMicro())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, quiet := t.Context(), slog.New(slog.DiscardHandler)
	w.store = &breakable{Store: memory.New(w.now)}
	sealer, err := secret.NewSealer([]byte("0123456789abcdef0123456789abcdef"))
	must(err)
	taken, err := feed.Open(ctx, feed.Options{Store: w.store, Now: w.now})
	must(err)
	must(taken.SetTenants(ctx, []string{"acme", "other"}))
	w.registry, err = registry.New(registry.Options{Store: w.store, Sealer: sealer, Now: w.now, Tenants: testTenants(), Feed: taken})
	must(err)
	w.directory = directory.New(w.registry, sealer, w.now)
	keys, err := keyring.Open(ctx, keyring.Options{Store: w.store, Sealer: sealer, Now: w.now, Feed: taken, Tenants: []keyring.Tenant{{Name: "acme"}, {Name: "other"}}})
	must(err)
	dir := t.TempDir()
	journal, err := audit.OpenJournal(dir, w.now, quiet)
	must(err)
	refusals, lane := audit.NewLog(w.store, quiet), limit.NewLanes(runtime.GOMAXPROCS(0), 100)
	t.Cleanup(func() { refusals.Close(); _ = journal.Close() })
	tokens := issuer.New(issuer.Options{Store: w.store, Registry: w.registry, Keys: keys, Feed: taken, Sealer: sealer, Hashing: lane, Refusals: refusals, Journal: journal, Now: w.now})
	w.people, err = operator.New(operator.Options{Store: w.store, Sealer: sealer, Hashing: lane.Operators, Now: w.now, Refusals: refusals, URL: consoleURL})
	must(err)
	desk := office.New(office.Options{Store: w.store, Registry: w.registry, Directory: w.directory, Keys: keys, Issuer: tokens, Operators: w.people, Refusals: refusals, JournalDir: dir, Now: w.now,
		SignInLink: func(link oauth.Secret) string { return SignInLink(consoleURL, link) },
		Settings: func() []office.Setting {
			return []office.Setting{{Field: "listen", Value: "127.0.0.1:8080", Place: "booth.yaml:1"}, {Field: "tenants[0].name", Value: "acme", Place: "booth.yaml:4"},
				{Field: "tenants[0].title", Value: "Acme", Place: "booth.yaml:5"},
				{Field: "tenants[1].name", Value: "other", Place: "booth.yaml:9"}, {Field: "tenants[1].issuer", Value: "https://login.other.test", Place: "booth.yaml:10"}}
		}})
	contracts := map[string]*dialect.Dialect{}
	for _, d := range dialect.Builtin() {
		contracts[d.Name] = d
	}
	w.Console, err = build(Options{Office: desk, Operators: w.people, Dialects: func() map[string]*dialect.Dialect { return contracts }, Now: w.now, URL: consoleURL,
		Public: http.NotFoundHandler(), Door: &edge.Door{NewID: func() string { return fmt.Sprintf("req-%d", w.ids.Add(1)) }}, Version: "v1.2.3",
		Health: func(*http.Request) []Fact {
			return []Fact{{"Store", OK, "answers"}, {"Feed", Warning, "is late"}, {"Disk", Failing, "is full"}}
		},
		Fetches: func(string) []Fetch {
			return []Fetch{{From: "192.0.2.9", Agent: "guard/1", Tag: "ab12", At: w.now(), Current: true}}
		}})
	must(err)
	return w
}

// person is an operator at a browser.
type person struct {
	*world
	*operator.Operator
	cookie string
	app    string // the secret of their one-time codes
}

// person registers an operator with those roles and signs them in with a password and a code, lately enough for anything.
func (w *world) person(name string, roles map[string]operator.Role) *person {
	w.t.Helper()
	p := w.invited(name, roles)
	s, err := w.people.Session(w.t.Context(), oauth.Secret(p.cookie))
	if err != nil {
		w.t.Fatal(err)
	}
	app, _, err := w.people.NewTOTP(p.Operator)
	if err != nil {
		w.t.Fatal(err)
	}
	p.app = app.Reveal()
	if _, err := w.people.SetPassword(w.t.Context(), s, testWord, app, p.code()); err != nil {
		w.t.Fatal(err)
	}
	w.advance(time.Minute)
	p.signIn()
	return p
}

// invited registers an operator and signs them in by a link.
func (w *world) invited(name string, roles map[string]operator.Role) *person {
	w.t.Helper()
	o, err := w.people.Create(w.t.Context(), "cli:root", operator.Operator{Username: name, Name: "N. " + name, Roles: roles})
	if err != nil {
		w.t.Fatal(err)
	}
	link, _, err := w.people.Invite(w.t.Context(), "cli:root", o.ID, time.Hour, true)
	if err != nil {
		w.t.Fatal(err)
	}
	_, cookie, err := w.people.SignInByLink(w.t.Context(), link, operator.From{})
	if err != nil {
		w.t.Fatal(err)
	}
	return &person{world: w, Operator: o, cookie: cookie.Reveal()}
}

func (p *person) code() oauth.Secret {
	p.t.Helper()
	code, err := totp.GenerateCode(p.app, p.now())
	if err != nil {
		p.t.Fatal(err)
	}
	return oauth.Secret(code)
}

func (p *person) signIn() {
	p.t.Helper()
	_, cookie, err := p.people.SignIn(p.t.Context(), p.Username, testWord, p.code(), operator.From{})
	if err != nil {
		p.t.Fatal(err)
	}
	p.cookie = cookie.Reveal()
}

// owner is an operator who may do everything everywhere.
func (w *world) owner() *person {
	w.t.Helper()
	return w.person("ada@example.com", map[string]operator.Role{operator.All: operator.Owner})
}

// ask makes a request of somebody who is not signed in. What changes it is applied last.
func (w *world) ask(method, target, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, target, strings.NewReader(body))
	r.Host = consoleHost
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method != http.MethodGet && method != http.MethodHead {
		r.Header.Set("Origin", consoleURL)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if strings.HasPrefix(target, "/sign-in") { // the page before has left its cookie
			r.AddCookie(&http.Cookie{Name: probeCookie, Value: "yes"})
		}
		if own := bodies(r.URL.Path); own[0] != "application/x-www-form-urlencoded" {
			r.Header.Set("Content-Type", own[0])
		}
	}
	for _, f := range change {
		f(r)
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}

func (p *person) get(target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	p.t.Helper()
	return p.ask(http.MethodGet, target, "", append(change, p.signed)...)
}

// post sends a form: names and values in turn.
func (p *person) post(target string, fields ...string) *httptest.ResponseRecorder {
	p.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return p.ask(http.MethodPost, target, form.Encode(), p.signed, func(r *http.Request) { r.Header.Set("Referer", consoleURL+target) })
}

func (p *person) signed(r *http.Request) {
	if p.cookie != "" {
		r.Header.Set("Cookie", cookieName+"="+p.cookie)
	}
}
