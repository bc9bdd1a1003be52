package issuer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/internal/store/storetest"
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

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 11, 22, 4, 9, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) now() time.Time           { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(by time.Duration) { c.at.Add(by.Microseconds()) }

// The contracts of these tests, as their dialects state them.
var (
	standard = &oauth.Terms{Form: oauth.JWT, Lifetime: 15 * time.Minute, RefreshIdle: 30 * day, RefreshMax: 90 * day}
	opaque   = &oauth.Terms{Form: oauth.Opaque, Lifetime: 15 * time.Minute, RefreshIdle: 30 * day, RefreshMax: 90 * day}
	nexthink = &oauth.Terms{Form: oauth.JWT, Lifetime: 15 * time.Minute, DefaultScope: "service:integration", FixedScope: true}
	dadi     = &oauth.Terms{Form: oauth.UUID, Lifetime: 30 * time.Minute}
	nexudus  = &oauth.Terms{Form: oauth.Opaque, Lifetime: 7*day - time.Second, RefreshIdle: 15 * day, RefreshMax: 90 * day, OnePerLabel: true, ClientLabel: true}
)

const day = 24 * time.Hour

// desk is an issuer and all it works with.
type desk struct {
	*Issuer
	t       testing.TB
	clock   *clock
	store   *storetest.Faulty
	secrets map[string]oauth.Secret // by client id
}

func tenants() []registry.Tenant {
	api := []registry.API{
		{Name: "flows", Audience: "https://api.acme.test/flows", Permissions: []registry.Permission{{Name: "workflows"}, {Name: "campaigns"}}},
		{Name: "query", Audience: "https://api.acme.test/query", Permissions: []registry.Permission{{Name: "nql"}}},
	}
	return []registry.Tenant{
		{Name: "acme", Hosts: []string{"login.acme.test"}, Issuer: "https://login.acme.test", Dialects: []string{"oauth2", "nexthink", "dadi", "nexudus"}, APIs: api, AllowPasswordGrant: true},
		{Name: "other", Hosts: []string{"login.other.test"}, Issuer: "https://login.other.test", AllowPasswordGrant: true},
		{Name: "strict", Hosts: []string{"login.strict.test"}, Issuer: "https://login.strict.test", AllowBodylessToken: true},
	}
}

func open(t testing.TB) *desk {
	t.Helper()
	c := newClock()
	return openOn(t, c, memory.New(c.now))
}

// openOn makes an issuer on a store that may have others.
func openOn(t testing.TB, c *clock, inner store.Store) *desk {
	t.Helper()
	sealer, err := secret.NewSealer([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, clock: c, store: &storetest.Faulty{Store: inner}, secrets: map[string]oauth.Secret{}}
	var rings []keyring.Tenant
	var names []string
	for _, tn := range tenants() {
		rings, names = append(rings, keyring.Tenant{Name: tn.Name}), append(names, tn.Name)
	}
	taken, err := feed.Open(ctx, feed.Options{Store: inner, Now: c.now})
	if err == nil {
		err = taken.SetTenants(ctx, names)
	}
	if err != nil {
		t.Fatal(err)
	}
	reg, err := registry.New(registry.Options{Store: d.store, Sealer: sealer, Now: c.now, Tenants: tenants(), Feed: taken})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.Open(ctx, keyring.Options{Store: inner, Sealer: sealer, Now: c.now, Tenants: rings, Feed: taken})
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	journal, err := audit.OpenJournal(t.TempDir(), c.now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	refusals := audit.NewLog(inner, quiet)
	t.Cleanup(func() {
		d.Refusals.Close()
		if err := journal.Close(); err != nil {
			t.Error(err)
		}
	})
	d.Issuer = New(Options{Store: d.store, Registry: reg, Keys: keys, Feed: taken, Sealer: sealer, Hashing: limit.NewLanes(runtime.GOMAXPROCS(0), 2000),
		Refusals: refusals, Journal: journal, Now: c.now, ReplayWindow: 30 * time.Second})
	return d
}

// client registers a client of acme with every grant and permission, changed as a test needs it.
func (d *desk) client(id string, change ...func(*registry.Client)) *registry.Client {
	d.t.Helper()
	c := registry.Client{Tenant: "acme", ID: id, ClientSpec: registry.ClientSpec{Name: id, Permissions: []string{"workflows", "campaigns", "nql"}, Grants: []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken}}}
	for _, f := range change {
		f(&c)
	}
	made, text, err := d.Registry.CreateClient(ctx, by, c)
	if err != nil {
		d.t.Fatal(err)
	}
	d.secrets[id] = text
	return made
}

// user registers a user of acme. Its hash is a fast one: what a slow one costs is another test's matter.
func (d *desk) user(name string) *registry.User {
	d.t.Helper()
	u, err := d.Registry.CreateUser(ctx, by, registry.User{Tenant: "acme", Username: name, UserSpec: registry.UserSpec{Name: "Bob", Permissions: []string{"workflows", "nql"}}}, password)
	if err == nil {
		u, err = d.Registry.UpdateUser(ctx, by, "user.import", "acme", name, func(u *registry.User) error {
			u.Hash = secret.HashSecret(password)
			return nil
		})
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.clock.advance(time.Second)
	return u
}

var requests atomic.Int64

// ask makes a request of a client of acme, in the standard contract unless a test changes it.
func (d *desk) ask(id string, change ...func(*oauth.TokenRequest)) oauth.TokenRequest {
	r := oauth.TokenRequest{Dialect: "oauth2", Terms: standard, Grant: oauth.ClientCredentials, Asker: d.asker(id)}
	for _, f := range change {
		f(&r)
	}
	return r
}

// asker is a client of acme, with its secret.
func (d *desk) asker(id string) oauth.Asker {
	return oauth.Asker{Auth: oauth.AuthBasic, Client: oauth.Credential{ID: oauth.Unproven(id), Secret: d.secrets[id]}, Tenant: "acme",
		Caller: oauth.Caller{Source: netip.MustParseAddr("192.0.2.1")}, RequestID: fmt.Sprintf("request-%d", requests.Add(1))}
}

// signIn makes a request with a person's password.
func (d *desk) signIn(id string, change ...func(*oauth.TokenRequest)) oauth.TokenRequest {
	r := d.ask(id)
	r.Grant, r.Terms, r.Username, r.Password = oauth.Password, opaque, username, password
	for _, f := range change {
		f(&r)
	}
	return r
}

// label makes a sign-in of a caller that only names itself.
func (d *desk) label(label string, change ...func(*oauth.TokenRequest)) oauth.TokenRequest {
	r := d.signIn(label)
	r.Dialect, r.Terms, r.Auth = "nexudus", nexudus, oauth.AuthNone
	for _, f := range change {
		f(&r)
	}
	return r
}

// refresh makes the request that spends a refresh token, for whoever made the one before.
func refresh(before oauth.TokenRequest, token string, change ...func(*oauth.TokenRequest)) oauth.TokenRequest {
	r := before
	r.Grant, r.Username, r.Password, r.Scope, r.RefreshToken = oauth.RefreshToken, "", "", "", oauth.Secret(token)
	r.RequestID = fmt.Sprintf("request-%d", requests.Add(1))
	for _, f := range change {
		f(&r)
	}
	return r
}

// must returns the token of a request that is to be granted.
func (d *desk) must(r oauth.TokenRequest) oauth.Token {
	d.t.Helper()
	tok, err := d.Token(ctx, r)
	if err != nil {
		d.t.Fatalf("%s: %v", r.Grant, err)
	}
	return tok
}

// refused wants a request to be refused with a code.
func (d *desk) refused(r oauth.TokenRequest, code oauth.Code) *oauth.Error {
	d.t.Helper()
	tok, err := d.Token(ctx, r)
	e := oauth.AsError(err)
	if e == nil || e.Code != code || tok != (oauth.Token{}) {
		d.t.Errorf("%s of %q: %+v, %v; want %s", r.Grant, r.Client.ID, tok, err, code)
		return &oauth.Error{}
	}
	return e
}

// active reports whether an opaque token lives.
func (d *desk) active(token string) bool {
	d.t.Helper()
	in, err := d.Introspect(ctx, "acme", token)
	if err != nil {
		d.t.Fatal(err)
	}
	return in.Active
}

// claims reads a JWT that acme has signed.
func (d *desk) claims(tenant, token string) map[string]any {
	d.t.Helper()
	text, _, err := d.Keys.Verify(tenant, token)
	if err != nil {
		d.t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		d.t.Fatalf("%s: %v", text, err)
	}
	return m
}

// kept returns everything a store holds, as one text.
func kept(t testing.TB, s store.Store) []byte {
	t.Helper()
	var all bytes.Buffer
	for _, tenant := range []string{"", "acme", "other", "strict"} {
		for _, k := range store.Kinds {
			q := store.Query{Tenant: tenant, Kind: k, Limit: store.MaxLimit}
			records, err := s.List(ctx, q)
			if err != nil || len(records) == q.Limit {
				t.Fatal(len(records), err)
			}
			for _, r := range records {
				fmt.Fprintf(&all, "%s %s %s %s %s %s\n", r.Tenant, r.Kind, r.ID, r.Parent, r.Label, r.Body)
			}
		}
	}
	return all.Bytes()
}

// rotateSecret gives a client a new secret.
func rotateSecret(ctx context.Context, d *desk, by, tenant, id string, overlap time.Duration) (c *registry.Client, text oauth.Secret, err error) {
	c, err = d.Registry.UpdateClient(ctx, by, "client.rotate", tenant, id, func(c *registry.Client) (err error) {
		text, err = c.Rotate(d.Now(), overlap)
		return err
	})
	return c, text, err
}
