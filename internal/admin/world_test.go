package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

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
	by       = "cli:tester"
	deskURL  = "https://desk.example.com"
	linkURL  = deskURL + "/in?key="
	password = "seven purple tractors"
)

// faulty is a store that fails when it is told to.
type faulty struct {
	store.Store
	down atomic.Bool
}

func (s *faulty) Get(ctx context.Context, tenant string, kind store.Kind, id string) (store.Record, error) {
	if s.down.Load() {
		return store.Record{}, fmt.Errorf("the disk is gone")
	}
	return s.Store.Get(ctx, tenant, kind, id)
}

func (s *faulty) Put(ctx context.Context, records ...store.Record) error {
	if s.down.Load() {
		return fmt.Errorf("the disk is gone")
	}
	return s.Store.Put(ctx, records...)
}

// world is a desk with its operators' API, and one program in each role.
type world struct {
	t        testing.TB
	now      atomic.Int64
	store    *faulty
	issuer   *issuer.Issuer
	registry *registry.Registry
	people   *operator.Operators
	options  Options
	server   *httptest.Server
	log      bytes.Buffer
	tokens   map[string]string // by role; "stranger" is an owner of another tenant, and see deskPrograms
	secrets  map[string]oauth.Secret
	router   routers.Router
}

func (w *world) clock() time.Time { return time.UnixMicro(w.now.Load()).UTC() }

var contract = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	doc.Servers = nil
	return doc, doc.Validate(context.Background(), openapi3.DisableExamplesValidation())
})

func contractOf(t testing.TB) *openapi3.T {
	t.Helper()
	doc, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func tenants() []registry.Tenant {
	flows := func(host string) []registry.API {
		return []registry.API{{Name: "flows", Audience: "https://api." + host, Permissions: []registry.Permission{{Name: "workflows"}, {Name: "nql"}}}}
	}
	return []registry.Tenant{
		{Name: "acme", Hosts: []string{"acme.test"}, Issuer: "https://acme.test", Dialects: []string{"oauth2", "nexthink"}, APIs: flows("acme.test"), AllowPasswordGrant: true, OperatorsAPI: true},
		{Name: "other", Hosts: []string{"other.test"}, Issuer: "https://other.test", APIs: flows("other.test"), OperatorsAPI: true},
		{Name: "closed", Hosts: []string{"closed.test"}, Issuer: "https://closed.test"},
	}
}

func open(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, tokens: map[string]string{}, secrets: map[string]oauth.Secret{}}
	w.now.Store(time.Date(2026, 11, 22, 4, 9, 0, 0, time.UTC).UnixMicro())
	w.store = &faulty{Store: memory.New(w.clock)}
	sealer, err := secret.NewSealer([]byte("0123456789abcdef0123456789abcdef"))
	w.must(err)
	var rings []keyring.Tenant
	var names []string
	for _, tn := range tenants() {
		rings, names = append(rings, keyring.Tenant{Name: tn.Name, Retain: time.Hour}), append(names, tn.Name)
	}
	ctx := t.Context()
	taken, err := feed.Open(ctx, feed.Options{Store: w.store, Now: w.clock})
	w.must(err)
	w.must(taken.SetTenants(ctx, names))
	w.registry, err = registry.New(registry.Options{Store: w.store, Sealer: sealer, Now: w.clock, Tenants: tenants(), Feed: taken})
	w.must(err)
	keys, err := keyring.Open(ctx, keyring.Options{Store: w.store, Sealer: sealer, Now: w.clock, Tenants: rings, Feed: taken})
	w.must(err)
	quiet := slog.New(slog.DiscardHandler)
	dir := t.TempDir()
	journal, err := audit.OpenJournal(dir, w.clock, quiet)
	w.must(err)
	refusals := audit.NewLog(w.store, quiet)
	t.Cleanup(func() { refusals.Close(); w.must(journal.Close()) })
	lane := limit.NewLanes(2, 100)
	w.issuer = issuer.New(issuer.Options{Store: w.store, Registry: w.registry, Keys: keys, Feed: taken, Sealer: sealer, Hashing: lane,
		Refusals: refusals, Journal: journal, Now: w.clock, ReplayWindow: time.Second})
	w.people, err = operator.New(operator.Options{Store: w.store, Sealer: sealer, Hashing: lane.Operators, Now: w.clock, URL: deskURL})
	w.must(err)
	desk := office.New(office.Options{Store: w.store, Registry: w.registry, Directory: directory.New(w.registry, sealer, w.clock), Keys: keys, Issuer: w.issuer, Operators: w.people, JournalDir: dir, Now: w.clock,
		Settings: func() []office.Setting {
			return []office.Setting{{Field: "listen", Value: "127.0.0.1:8080", Place: "default"}, {Field: "tenants[0].name", Value: "acme", Place: "booth.yaml:3"},
				{Field: "tenants[1].name", Value: "other", Place: "booth.yaml:7"}, {Field: "tenants[1].title", Value: "Other people", Place: "booth.yaml:8"}}
		},
		SignInLink: func(link oauth.Secret) string { return linkURL + link.Reveal() }})
	var requests atomic.Int64
	w.options = Options{Office: desk, Issuer: w.issuer, Registry: w.registry, Store: w.store, Sealer: sealer, Now: w.clock, URL: deskURL,
		Door: &edge.Door{NewID: func() string { return fmt.Sprintf("request-%d", requests.Add(1)) }}, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Dialect: func(name string) (Dialect, bool) {
			return Dialect{Name: name, Source: "# a contract", Transcripts: []Transcript{{Name: "one", Request: "POST /", Answer: "HTTP/1.1 200 OK"}}}, name == "oauth2"
		},
		Fetches: func(tenant string) []KeySetFetch {
			return []KeySetFetch{{From: "192.0.2.9", Agent: tenant, At: w.clock(), Current: true}}
		}}
	w.server = httptest.NewServer(New(w.options))
	t.Cleanup(w.server.Close)
	for _, role := range operator.Roles() {
		w.tokens[string(role)] = w.program("acme", string(role), registry.OperatorsPrefix+string(role))
	}
	w.tokens["stranger"] = w.program("other", "stranger", registry.OperatorsPrefix+"owner")
	w.router, err = legacy.NewRouter(contractOf(t))
	w.must(err)
	w.pass(time.Second)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) pass(d time.Duration) { w.now.Add(d.Microseconds()) }

// client registers a client.
func (w *world) client(tenant, id string, permissions ...string) *registry.Client {
	w.t.Helper()
	c, text, err := w.registry.CreateClient(w.t.Context(), by, registry.Client{Tenant: tenant, ID: id, ClientSpec: registry.ClientSpec{Name: id, Permissions: permissions, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	w.must(err)
	w.secrets[id] = text
	return c
}

var standard = &oauth.Terms{Form: oauth.JWT, Lifetime: 15 * time.Minute, RefreshIdle: 24 * time.Hour, RefreshMax: 72 * time.Hour}

func (w *world) token(tenant, id string, terms *oauth.Terms) string {
	w.t.Helper()
	t, err := w.issuer.Token(w.t.Context(), oauth.TokenRequest{Dialect: "oauth2", Terms: terms, Grant: oauth.ClientCredentials, Asker: oauth.Asker{
		Auth: oauth.AuthBasic, Client: oauth.Credential{ID: oauth.Unproven(id), Secret: w.secrets[id]}, Tenant: tenant, Caller: oauth.Caller{Source: netip.MustParseAddr("192.0.2.1")}, RequestID: "ask-" + id}})
	w.must(err)
	return t.AccessToken
}

// program registers a program of an operator and returns its access token.
func (w *world) program(tenant, id string, permissions ...string) string {
	w.t.Helper()
	w.client(tenant, id, permissions...)
	return w.token(tenant, id, standard)
}

// deskPrograms has an owner of the desk register four programs in acme whose role counts everywhere: desk-owner and its like.
func (w *world) deskPrograms() {
	w.t.Helper()
	owner := &operator.Actor{By: "cli:root", Roles: map[string]operator.Role{operator.All: operator.Owner}, Fresh: true}
	for _, role := range operator.Roles() {
		id := "desk-" + string(role)
		c, text, err := w.options.Office.At(owner, "acme").CreateClient(w.t.Context(), registry.Client{ID: id, ClientSpec: registry.ClientSpec{Name: id, Permissions: []string{registry.DeskPrefix + string(role)}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
		w.must(err)
		w.secrets[c.ID] = text
		w.tokens[id] = w.token("acme", id, standard)
	}
	w.pass(time.Second)
}

// operator registers an operator.
func (w *world) operator(username string, roles map[string]operator.Role) *operator.Operator {
	w.t.Helper()
	o, err := w.people.Create(w.t.Context(), by, operator.Operator{Username: username, Roles: roles})
	w.must(err)
	return o
}

// session lets an operator in by a link that was made at this machine.
func (w *world) session(operatorID string) *operator.Session {
	w.t.Helper()
	link, _, err := w.people.Invite(w.t.Context(), by, operatorID, time.Hour, true)
	w.must(err)
	s, _, err := w.people.SignInByLink(w.t.Context(), link, operator.From{Caller: oauth.Caller{Source: netip.MustParseAddr("192.0.2.4")}, Agent: "browser"})
	w.must(err)
	return s
}

// user registers a user of acme whose hash is a fast one.
func (w *world) user(name string) *registry.User {
	w.t.Helper()
	_, err := w.registry.CreateUser(w.t.Context(), by, registry.User{Tenant: "acme", Username: name, UserSpec: registry.UserSpec{Permissions: []string{"workflows"}}}, password)
	w.must(err)
	u, err := w.registry.UserByName(w.t.Context(), "acme", name)
	w.must(err)
	return u
}

// answered is an answer that has been read.
type answered struct {
	*http.Response
	body string
}

// problem reads the problem of an answer.
func (a answered) problem(t testing.TB) Problem {
	t.Helper()
	var p Problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%d %s is no problem: %v", a.StatusCode, a.body, err)
	}
	return p
}

func read[T any](t testing.TB, a answered) (out T) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(a.body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out); err != nil || a.StatusCode >= 300 {
		t.Fatalf("%d %s: %v", a.StatusCode, a.body, err)
	}
	return out
}

// send sends a request as the program of a role ("": nobody) and holds the answer against the contract. header is name, value, …
func (w *world) send(as, method, path, body string, header ...string) answered {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, strings.NewReader(body))
	w.must(err)
	if token := w.tokens[as]; token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	w.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	w.must(err)
	a := answered{res, string(text)}
	w.promised(req, a)
	return a
}

// promised fails when an answer is not what the contract says of its operation.
func (w *world) promised(req *http.Request, a answered) {
	w.t.Helper()
	if strings.Contains(a.body, ":null") || strings.Contains(a.body, "[null") {
		w.t.Errorf("%s %s: there is a null in %s", req.Method, req.URL.Path, a.body)
	}
	for _, h := range []string{"X-Request-Id", "Cache-Control"} {
		if a.Header.Get(h) == "" {
			w.t.Errorf("%s %s: no %s", req.Method, req.URL.Path, h)
		}
	}
	path := *req
	u := *req.URL
	u.Scheme, u.Host, u.Path, path.URL = "", "", u.EscapedPath(), &u // the router would take %2F for another segment
	route, params, err := w.router.FindRoute(&path)
	if err != nil {
		if a.StatusCode != 404 && a.StatusCode != 405 {
			w.t.Errorf("%s %s answers %d and is in no contract: %v", req.Method, req.URL.Path, a.StatusCode, err)
		}
		return
	}
	err = openapi3filter.ValidateResponse(w.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, Route: route, PathParams: params},
		Status:                 a.StatusCode, Header: a.Header, Body: io.NopCloser(strings.NewReader(a.body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
	if err != nil {
		w.t.Errorf("%s %s answers %d %s against the contract: %v", req.Method, req.URL.Path, a.StatusCode, a.body, err)
	}
}

// wants sends and fails when the status is another.
func (w *world) wants(status int, as, method, path, body string, header ...string) answered {
	w.t.Helper()
	a := w.send(as, method, path, body, header...)
	if a.StatusCode != status {
		w.t.Errorf("%s %s as %q answers %d %s, want %d", method, path, as, a.StatusCode, a.body, status)
	}
	return a
}
