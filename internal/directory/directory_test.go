package directory

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store/storetest"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestReq54_tenants_with_slow_secrets_are_known_from_the_start(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before, s, c := world(t)
		old := registry.Client{Tenant: "acme", ID: "old", ClientSpec: registry.ClientSpec{Name: "Old", Grants: []oauth.GrantType{oauth.ClientCredentials}}}
		if _, err := before.registry.ImportClient(ctx, by, old, "", string(secret.HashPassword("x"))); err != nil {
			t.Fatal(err)
		}
		d := open(t, s, c)
		surveyed, stop := context.WithCancel(ctx)
		t.Cleanup(stop)
		go d.Survey(surveyed)
		synctest.Wait()
		for tenant, want := range map[string]bool{"acme": true, "other": false} {
			section, err := d.section(tenant)
			if err != nil || section.state != made || d.registry.HasSlowSecrets(tenant) != want {
				t.Errorf("%s: state %d, slow %v, %v", tenant, section.state, d.registry.HasSlowSecrets(tenant), err)
			}
		}
	})
}

func TestWhenAClientWasUsedIsKnownOnceItIsWrittenDownAndAfterARestart(t *testing.T) {
	d, s, c := world(t)
	crowd(t, d, c, 3)
	if ids, _ := found(t, d, Search{Sort: SortUsed}); !slices.Equal(ids, []string{"App-000", "App-001", "App-002"}) {
		t.Fatal(ids)
	}
	for _, id := range []string{"App-001", "App-000"} {
		cl, err := d.registry.Client(ctx, "acme", id)
		if err != nil {
			t.Fatal(err)
		}
		d.registry.Used(cl, &cl.Credentials[0], from)
		d.registry.UsedPermission("acme", "App-002", "workflows") // which is no use of a secret
		c.advance(time.Hour)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	d.registry.WriteUses(stopped)
	for when, d := range map[string]*Directory{"at once": d, "after a restart": open(t, s, c)} {
		if ids, page := found(t, d, Search{Sort: SortUsed}); !slices.Equal(ids, []string{"App-002", "App-001", "App-000"}) || page.Clients[2].Credentials[0].LastUsed.IsZero() {
			t.Errorf("%s: %v", when, ids)
		}
	}
}

// TestR18_a_store_that_fails_is_never_nobody fails each call of each method in turn.
func TestR18_a_store_that_fails_is_never_nobody(t *testing.T) {
	d, s, c := world(t)
	create(t, d, postman())
	for name, do := range map[string]func(*Directory) error{
		"Find":        func(d *Directory) error { _, err := d.Find(ctx, "acme", Search{}); return err },
		"Expiring":    func(d *Directory) error { _, err := d.Expiring(ctx, "acme", time.Hour); return err },
		"Ends":        func(d *Directory) error { _, err := d.Ends(ctx, "acme"); return err },
		"Holders":     func(d *Directory) error { _, err := d.Holders(ctx, "acme"); return err },
		"SlowSecrets": func(d *Directory) error { _, err := d.SlowSecrets(ctx, "acme"); return err },
	} {
		for at := int64(1); ; at++ {
			if at > 20 {
				t.Fatalf("%s never ends without a failure", name)
			}
			again := open(t, s, c) // has read nothing
			s.Calls.Store(0)
			s.FailAt.Store(at)
			err := do(again)
			s.FailAt.Store(0)
			if s.Calls.Load() < at {
				if err != nil {
					t.Errorf("%s without a failure: %v", name, err)
				}
				break
			}
			if !errors.Is(err, storetest.ErrDisk) || errors.Is(err, registry.ErrNotFound) || oauth.AsError(err) != nil {
				t.Errorf("%s, call %d failed: %v", name, at, err)
			}
		}
	}
}
