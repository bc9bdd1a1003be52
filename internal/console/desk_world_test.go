package console

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
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

// payload is markup that runs where it is not escaped.
const payload = `<script>alert(1)</script><img src=x onerror=alert(2)>"'`

// deskWorld is a console over the real office, registry, keyring, issuer and operators, on a store in memory.
type deskWorld struct {
	t        testing.TB
	at       atomic.Int64
	store    store.Store
	console  http.Handler
	office   *office.Office
	ops      *operator.Operators
	issuer   *issuer.Issuer
	registry *registry.Registry
	fetches  []Fetch
	client   *registry.Client
	secret   oauth.Secret
}

func (w *deskWorld) now() time.Time           { return time.UnixMicro(w.at.Load()).UTC() }
func (w *deskWorld) advance(by time.Duration) { w.at.Add(by.Microseconds()) }

func deskTenants() []registry.Tenant {
	apis := []registry.API{
		{Name: "flows", Title: "Workflows API", Audience: "https://api.acme.test/flows", Upstream: "http://10.0.0.1", Dialect: "oauth2",
			Permissions: []registry.Permission{{Name: "workflows", Label: "Workflows", Description: payload}, {Name: "campaigns"}},
			Routes: []registry.Route{{Method: "GET", Path: "/flows", Permission: "workflows", MaxBody: 1 << 20, Rate: registry.Rate{PerSecond: 5, Burst: 10}},
				{Method: "GET", Path: "/free/{id}", Public: true}, {Method: "POST", Path: "/campaigns", Permission: "campaigns"}},
			CORS: &registry.CORS{Origins: []string{"https://app.acme.test"}, MaxAge: time.Hour}},
	}
	return []registry.Tenant{
		{Name: "acme", Title: "Acme", Hosts: []string{"login.acme.test"}, Issuer: "https://login.acme.test", APIs: apis, AllowPasswordGrant: true, Dialects: []string{"oauth2", "nexthink"}},
		{Name: "other", Hosts: []string{"login.other.test"}, Issuer: "https://login.other.test", APIs: apis},
	}
}

func newDeskWorld(t testing.TB) *deskWorld {
	t.Helper()
	w := &deskWorld{t: t}
	w.at.Store(time.Date(2026, 11, 22, 4, 9, 0, 0, time.UTC).UnixMicro())
	w.store = memory.New(w.now)
	sealer, err := secret.NewSealer([]byte("0123456789abcdef0123456789abcdef"))
	w.must(err)
	taken, err := feed.Open(t.Context(), feed.Options{Store: w.store, Now: w.now})
	w.must(err)
	w.must(taken.SetTenants(t.Context(), []string{"acme", "other"}))
	w.registry, err = registry.New(registry.Options{Store: w.store, Sealer: sealer, Now: w.now, Tenants: deskTenants(), Feed: taken})
	w.must(err)
	keys, err := keyring.Open(t.Context(), keyring.Options{Store: w.store, Sealer: sealer, Now: w.now, Feed: taken, Tenants: []keyring.Tenant{{Name: "acme"}, {Name: "other"}}})
	w.must(err)
	quiet, dir := slog.New(slog.DiscardHandler), t.TempDir()
	journal, err := audit.OpenJournal(dir, w.now, quiet)
	w.must(err)
	refusals := audit.NewLog(w.store, quiet)
	t.Cleanup(func() { refusals.Close(); _ = journal.Close() })
	lane := limit.NewLanes(2, 100)
	w.issuer = issuer.New(issuer.Options{Store: w.store, Registry: w.registry, Keys: keys, Feed: taken, Sealer: sealer, Hashing: lane, Refusals: refusals, Journal: journal, Now: w.now})
	w.ops, err = operator.New(operator.Options{Store: w.store, Sealer: sealer, Hashing: lane.Operators, Now: w.now, Refusals: refusals, URL: "https://desk.example.com"})
	w.must(err)
	w.office = office.New(office.Options{Store: w.store, Registry: w.registry, Directory: directory.New(w.registry, sealer, w.now), Keys: keys, Issuer: w.issuer, Operators: w.ops, JournalDir: dir, Now: w.now,
		SignInLink: func(link oauth.Secret) string { return SignInLink("https://desk.example.com", link) },
		Settings: func() []office.Setting {
			return []office.Setting{{Field: "tenants[1].name", Value: "acme", Place: "booth.yaml:9"}, {Field: "tenants[1].apis[0].name", Value: "flows", Place: "booth.yaml:12"}}
		}})
	contracts := map[string]*dialect.Dialect{}
	for _, d := range dialect.Builtin() {
		contracts[d.Name] = d
	}
	w.console = New(Options{Office: w.office, Operators: w.ops, Dialects: func() map[string]*dialect.Dialect { return contracts }, Public: http.NotFoundHandler(),
		Fetches: func(string) []Fetch { return w.fetches }, Now: w.now, URL: "https://desk.example.com", Door: &edge.Door{NewID: func() string { return secret.NewID(w.now()) }}, Version: "test"})
	w.client, w.secret, err = w.registry.CreateClient(t.Context(), "cli:root", registry.Client{Tenant: "acme", ClientSpec: registry.ClientSpec{Name: "Nightly " + payload, Permissions: []string{"workflows"}, Grants: []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken}}})
	w.must(err)
	return w
}

func (w *deskWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// visitor is somebody signed in.
type visitor struct {
	w      *deskWorld
	cookie oauth.Secret
}

const deskPassword = oauth.Secret("nine wet umbrellas")

// signIn registers an operator with a role in acme, who then signs in with password and code.
func (w *deskWorld) signIn(username string, role operator.Role) *visitor {
	w.t.Helper()
	ctx, from := w.t.Context(), operator.From{Caller: oauth.Caller{Source: netip.MustParseAddr("192.0.2.7")}, Agent: "Test"}
	op, err := w.ops.Create(ctx, "cli:root", operator.Operator{Username: username, Name: "N. " + username, Roles: map[string]operator.Role{"acme": role}})
	w.must(err)
	link, _, err := w.ops.Invite(ctx, "cli:root", op.ID, time.Hour, true)
	w.must(err)
	s, _, err := w.ops.SignInByLink(ctx, link, from)
	w.must(err)
	codes, _, err := w.ops.NewTOTP(op)
	w.must(err)
	_, err = w.ops.SetPassword(ctx, s, deskPassword, codes, w.code(codes))
	w.must(err)
	w.advance(time.Minute)
	_, cookie, err := w.ops.SignIn(ctx, username, deskPassword, w.code(codes), from)
	w.must(err)
	return &visitor{w, cookie}
}

func (w *deskWorld) code(codes oauth.Secret) oauth.Secret {
	text, err := totp.GenerateCode(codes.Reveal(), w.now())
	w.must(err)
	return oauth.Secret(text)
}

// answered is an answer of the console.
type answered struct {
	status int
	header http.Header
	body   string
}

func (o *visitor) do(method, path string, form url.Values) answered {
	o.w.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, "https://desk.example.com"+path, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Referer", "https://desk.example.com/t/acme/keys")
	r.AddCookie(&http.Cookie{Name: cookieName, Value: o.cookie.Reveal()})
	rec := httptest.NewRecorder()
	o.w.console.ServeHTTP(rec, r)
	a := answered{rec.Code, rec.Header(), rec.Body.String()}
	csv := strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") // which no browser reads as a page
	if !csv && strings.Contains(a.body, "<script>alert") || !csv && strings.Contains(a.body, "<img src=x") {
		o.w.t.Errorf("%s %s: markup of a stranger comes out as markup", method, path)
	}
	return a
}

func (o *visitor) get(path string) answered { o.w.t.Helper(); return o.do(http.MethodGet, path, nil) }

func (o *visitor) post(path string, pairs ...string) answered {
	o.w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return o.do(http.MethodPost, path, form)
}

// shows fails the test when a page has not the status, or lacks a text.
func (a answered) shows(t *testing.T, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("the status is %d (%s), want %d\n%.600s", a.status, a.header.Get("Location"), status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			at := strings.Index(a.body, "<main")
			t.Errorf("the page does not show %q\n%.3000s", text, a.body[max(at, 0):])
		}
	}
}

// leads fails the test when an answer does not lead to a page.
func (a answered) leads(t *testing.T, to string) {
	t.Helper()
	if a.status != http.StatusSeeOther || a.header.Get("Location") != to {
		t.Errorf("the answer is %d to %q, want one to %q\n%.400s", a.status, a.header.Get("Location"), to, a.body)
	}
}

// issue asks for a token as the client would, and returns it.
func (w *deskWorld) issue(requestID string, form oauth.TokenForm) oauth.Token {
	w.t.Helper()
	token, err := w.issuer.Token(w.t.Context(), oauth.TokenRequest{Dialect: "oauth2", Grant: oauth.ClientCredentials, Scope: "workflows",
		Terms: &oauth.Terms{Form: form, Lifetime: 15 * time.Minute},
		Asker: oauth.Asker{Auth: oauth.AuthBasic, Client: oauth.Credential{ID: oauth.Unproven(w.client.ID), Secret: w.secret}, Tenant: "acme", RequestID: requestID,
			Caller: oauth.Caller{Source: netip.MustParseAddr("192.0.2.9")}}})
	w.must(err)
	return token
}

// signInUser gives a user of the tenant a chain of refresh tokens.
func (w *deskWorld) signInUser(username string) oauth.Token {
	w.t.Helper()
	token, err := w.issuer.Token(w.t.Context(), oauth.TokenRequest{Dialect: "oauth2", Grant: oauth.Password, Username: oauth.Unproven(username), Password: deskPassword,
		Terms: &oauth.Terms{Form: oauth.Opaque, Lifetime: 15 * time.Minute, RefreshIdle: 24 * time.Hour, RefreshMax: 72 * time.Hour},
		Asker: oauth.Asker{Auth: oauth.AuthBasic, Client: oauth.Credential{ID: oauth.Unproven(w.client.ID), Secret: w.secret}, Tenant: "acme", Caller: oauth.Caller{Source: netip.MustParseAddr("192.0.2.9")}}})
	w.must(err)
	return token
}

// event puts an event into the log.
func (w *deskWorld) event(e audit.Event) string {
	w.t.Helper()
	w.advance(time.Second)
	e.Tenant, e.Time = "acme", w.now()
	if e.ID == "" {
		e.ID = secret.NewID(w.now())
	}
	w.must(w.store.Put(w.t.Context(), audit.Record(e)))
	return e.ID
}
