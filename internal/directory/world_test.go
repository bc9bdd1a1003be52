package directory

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/internal/store/storetest"
	"github.com/tokenbooth/tokenbooth/oauth"
)

var ctx = context.Background()

// by is who does things in these tests, and from is where secrets are used from.
const by = "cli:tester"

var from = netip.MustParseAddr("192.0.2.1")

// clock is a time that tests move.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 11, 22, 4, 9, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) now() time.Time           { return time.UnixMicro(c.at.Load()).UTC() }
func (c *clock) advance(by time.Duration) { c.at.Add(by.Microseconds()) }

func tenants() []registry.Tenant {
	api := []registry.API{{Name: "flows", Permissions: []registry.Permission{{Name: "workflows"}, {Name: "campaigns"}, {Name: "nql"}}}}
	return []registry.Tenant{
		{Name: "acme", Hosts: []string{"login.acme.test"}, Issuer: "https://login.acme.test", APIs: api},
		{Name: "other", Hosts: []string{"login.other.test"}, Issuer: "https://login.other.test"},
	}
}

// open makes a directory, with a registry of its own, as a process does.
func open(t testing.TB, s store.Store, c *clock) *Directory {
	t.Helper()
	sealer, err := secret.NewSealer([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := registry.New(registry.Options{Store: s, Sealer: sealer, Now: c.now, Tenants: tenants()})
	if err != nil {
		t.Fatal(err)
	}
	return New(r, sealer, c.now)
}

func world(t testing.TB) (*Directory, *storetest.Faulty, *clock) {
	t.Helper()
	c := newClock()
	s := &storetest.Faulty{Store: memory.New(c.now)}
	return open(t, s, c), s, c
}

func postman() registry.Client {
	return registry.Client{Tenant: "acme", ID: "postman", ClientSpec: registry.ClientSpec{Name: "Postman", Permissions: []string{"workflows"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}}
}

func create(t testing.TB, d *Directory, c registry.Client) {
	t.Helper()
	if _, _, err := d.registry.CreateClient(ctx, by, c); err != nil {
		t.Fatal(err)
	}
}

// rotateSecret gives a client of acme a new secret.
func rotateSecret(d *Directory, id string, overlap time.Duration) error {
	_, err := d.registry.UpdateClient(ctx, by, "client.rotate", "acme", id, func(c *registry.Client) error {
		_, err := c.Rotate(d.now(), overlap)
		return err
	})
	return err
}

// sectionOf is the section of acme.
func sectionOf(t testing.TB, d *Directory) *section {
	t.Helper()
	s, err := d.section("acme")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// field returns which field a problem is at.
func field(err error) string {
	if p, ok := errors.AsType[*registry.Problem](err); ok {
		return p.Field
	}
	return fmt.Sprint(err)
}
