package office

import (
	"context"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/oauth"
)

var ctx = context.Background()

const (
	password = "seven purple tractors"
	jane     = "jane@acme.test"
)

// world is an office with two tenants, acme and other, and all it works with.
type world struct {
	*Office
	t  *testing.T
	at atomic.Int64
}

func (w *world) now() time.Time           { return time.UnixMicro(w.at.Load()).UTC() }
func (w *world) advance(by time.Duration) { w.at.Add(by.Microseconds()) }

func tenants() []registry.Tenant {
	api := []registry.API{{Name: "flows", Audience: "https://api.acme.test", Permissions: []registry.Permission{{Name: "workflows"}, {Name: "nql"}}}}
	return []registry.Tenant{
		{Name: "acme", Hosts: []string{"login.acme.test"}, Issuer: "https://login.acme.test", APIs: api, AllowPasswordGrant: true, OperatorsAPI: true},
		{Name: "other", Hosts: []string{"login.other.test"}, Issuer: "https://login.other.test", APIs: api, AllowPasswordGrant: true, OperatorsAPI: true},
	}
}

func open(t *testing.T) *world {
	t.Helper()
	return openOn(t, func(now func() time.Time) store.Store { return memory.New(now) })
}

// openOn is open on an engine.
func openOn(t *testing.T, engine func(now func() time.Time) store.Store) *world {
	t.Helper()
	w := &world{t: t}
	w.at.Store(time.Date(2026, 11, 22, 4, 9, 0, 0, time.UTC).UnixMicro())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s, quiet := engine(w.now), slog.New(slog.DiscardHandler)
	sealer, err := secret.NewSealer([]byte("0123456789abcdef0123456789abcdef"))
	must(err)
	taken, err := feed.Open(ctx, feed.Options{Store: s, Now: w.now})
	must(err)
	must(taken.SetTenants(ctx, []string{"acme", "other"}))
	reg, err := registry.New(registry.Options{Store: s, Sealer: sealer, Now: w.now, Tenants: tenants(), Feed: taken})
	must(err)
	keys, err := keyring.Open(ctx, keyring.Options{Store: s, Sealer: sealer, Now: w.now, Feed: taken, Tenants: []keyring.Tenant{{Name: "acme"}, {Name: "other"}}})
	must(err)
	dir := t.TempDir()
	journal, err := audit.OpenJournal(dir, w.now, quiet)
	must(err)
	refusals, lane := audit.NewLog(s, quiet), limit.NewLanes(runtime.GOMAXPROCS(0), 100)
	t.Cleanup(func() {
		refusals.Close()
		must(journal.Close())
	})
	tokens := issuer.New(issuer.Options{Store: s, Registry: reg, Keys: keys, Feed: taken, Sealer: sealer, Hashing: lane, Refusals: refusals, Journal: journal, Now: w.now})
	people, err := operator.New(operator.Options{Store: s, Sealer: sealer, Hashing: lane.Operators, Now: w.now, URL: "https://desk.example.com"})
	must(err)
	w.Office = New(Options{Store: s, Registry: reg, Directory: directory.New(reg, sealer, w.now), Keys: keys, Issuer: tokens, Operators: people, JournalDir: dir, Now: w.now})
	return w
}

// actor is somebody with a role in acme.
func actor(role operator.Role) *operator.Actor {
	return &operator.Actor{By: "operator:" + string(role), Name: string(role), Roles: map[string]operator.Role{"acme": role}, Fresh: true, Source: "192.0.2.7"}
}

// as is the desk of acme for somebody with a role there.
func (w *world) as(role operator.Role) *Desk { return w.At(actor(role), "acme") }

// root is the staff for an owner of the desk itself.
func (w *world) root() *Staff {
	return w.Operators(&operator.Actor{By: "cli:root", Roles: map[string]operator.Role{operator.All: operator.Owner}, Fresh: true})
}

// client registers a client of acme, by an owner.
func (w *world) client(permissions ...string) *registry.Client {
	w.t.Helper()
	c, _, err := w.as(operator.Owner).CreateClient(ctx, registry.Client{ClientSpec: registry.ClientSpec{Name: "Postman", Permissions: permissions, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// user registers a user of acme, by an owner.
func (w *world) user(name string, permissions ...string) *registry.User {
	w.t.Helper()
	u, _, err := w.as(operator.Owner).CreateUser(ctx, registry.User{Username: name, UserSpec: registry.UserSpec{Permissions: permissions}}, password, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// events returns the audit record of a tenant, the newest first.
func (w *world) events(tenant string, q audit.Query) []audit.Event {
	w.t.Helper()
	q.Tenant, q.Limit = tenant, store.MaxLimit
	all, _, _, err := audit.Search(ctx, w.Store, q)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// kept returns all that the store has, but for the audit record: what an act that was refused must leave as it was.
func (w *world) kept() (all []string) {
	w.t.Helper()
	for _, tenant := range []string{"", "acme", "other"} {
		for _, kind := range store.Kinds {
			if kind == store.Event {
				continue
			}
			records, err := w.Store.List(ctx, store.Query{Tenant: tenant, Kind: kind, Limit: store.MaxLimit})
			if err != nil {
				w.t.Fatal(err)
			}
			for _, r := range records {
				all = append(all, tenant+" "+string(kind)+" "+r.ID+" "+string(r.Body))
			}
		}
	}
	return all
}
