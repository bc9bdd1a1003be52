package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/internal/store/storetest"
	"github.com/tokenbooth/tokenbooth/oauth"
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

var ctx = context.Background()

// by is who does things in these tests.
const by = "cli:tester"

func tenants() []Tenant {
	api := []API{
		{Name: "flows", Audience: "https://api.acme.test/flows", Permissions: []Permission{{Name: "workflows"}, {Name: "campaigns"}}},
		{Name: "query", Permissions: []Permission{{Name: "nql"}}},
	}
	return []Tenant{
		{Name: "acme", Hosts: []string{"login.acme.test"}, Issuer: "https://login.acme.test", APIs: api, AllowPasswordGrant: true},
		{Name: "other", Hosts: []string{"login.other.test"}, Issuer: "https://login.other.test"},
	}
}

func sealer(t testing.TB) *secret.Sealer {
	t.Helper()
	s, err := secret.NewSealer([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t testing.TB, s store.Store, c *clock) *Registry {
	t.Helper()
	r, err := New(Options{Store: s, Sealer: sealer(t), Now: c.now, Tenants: tenants()})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func world(t testing.TB) (*Registry, *storetest.Faulty, *clock) {
	t.Helper()
	c := newClock()
	s := &storetest.Faulty{Store: memory.New(c.now)}
	return open(t, s, c), s, c
}

func postman() Client {
	return Client{Tenant: "acme", ID: "postman", ClientSpec: ClientSpec{Name: "Postman", Permissions: []string{"workflows"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}}
}

func create(t testing.TB, r *Registry, c Client) (*Client, oauth.Secret) {
	t.Helper()
	made, text, err := r.CreateClient(ctx, by, c)
	if err != nil {
		t.Fatal(err)
	}
	return made, text
}

const password = "seven purple tractors"

func createUser(t testing.TB, r *Registry, username string) *User {
	t.Helper()
	u, err := r.CreateUser(ctx, by, User{Tenant: "acme", Username: username, UserSpec: UserSpec{Name: "Bob", Permissions: []string{"nql"}}}, password)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// kept returns everything a store holds, as one text.
func kept(t testing.TB, s store.Store) string {
	t.Helper()
	var all bytes.Buffer
	for _, tenant := range []string{"", "acme", "other"} {
		for _, k := range store.Kinds {
			records, err := s.List(ctx, store.Query{Tenant: tenant, Kind: k, Limit: store.MaxLimit})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				fmt.Fprintf(&all, "%s %s %s %s %s %s\n", r.Tenant, r.Kind, r.ID, r.Parent, r.Label, r.Body)
			}
		}
	}
	return all.String()
}

// field returns which field a problem is at.
func field(err error) string {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Field
	}
	return fmt.Sprint(err)
}

// from is where secrets are used from.
var from = netip.MustParseAddr("192.0.2.1")

// disableClient stops a client, or lets it start again.
func disableClient(ctx context.Context, r *Registry, by, tenant, id string, disabled bool) error {
	act := map[bool]string{true: "client.disable", false: "client.enable"}[disabled]
	_, err := r.UpdateClient(ctx, by, act, tenant, id, func(c *Client) error { c.Disabled = disabled; return nil })
	return err
}

// deleteClient ends a client for good.
func deleteClient(ctx context.Context, r *Registry, by, tenant, id string) error {
	_, err := r.UpdateClient(ctx, by, "client.delete", tenant, id, func(c *Client) error { c.Delete(); return nil })
	return err
}

// disableUser stops a user, or lets it start again.
func disableUser(ctx context.Context, r *Registry, by, tenant, username string, disabled bool) error {
	act := map[bool]string{true: "user.disable", false: "user.enable"}[disabled]
	_, err := r.UpdateUser(ctx, by, act, tenant, username, func(u *User) error { u.Disabled = disabled; return nil })
	return err
}

// deleteUser ends a user for good.
func deleteUser(ctx context.Context, r *Registry, by, tenant, username string) error {
	_, err := r.UpdateUser(ctx, by, "user.delete", tenant, username, func(u *User) error { u.Delete(); return nil })
	return err
}

// rotateSecret gives a client a new secret.
func rotateSecret(ctx context.Context, r *Registry, by, tenant, id string, overlap time.Duration) (c *Client, text oauth.Secret, err error) {
	c, err = r.UpdateClient(ctx, by, "client.rotate", tenant, id, func(c *Client) (err error) {
		text, err = c.Rotate(r.now(), overlap)
		return err
	})
	return c, text, err
}

// retireSecret ends an old secret of a client.
func retireSecret(ctx context.Context, r *Registry, by, tenant, id, credential string) (*Client, error) {
	return r.UpdateClient(ctx, by, "client.retire-secret", tenant, id, func(c *Client) error { return c.Retire(r.now(), credential) })
}

// undoRotation ends the new secret of a client.
func undoRotation(ctx context.Context, r *Registry, by, tenant, id string) (*Client, error) {
	return r.UpdateClient(ctx, by, "client.undo-rotation", tenant, id, func(c *Client) error { return c.UndoRotation(r.now()) })
}
