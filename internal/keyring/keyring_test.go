package keyring

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// clock is a time that stands still until a test moves it.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).Add(time.Duration(c.offset.Load()))
}
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

const kek = "a key-encryption key of 32 bytes"

// desk is a store and a time; keyrings opened on it are as processes on one store.
type desk struct {
	clock
	store  *memory.Store
	sealer *secret.Sealer
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{}
	d.store = memory.New(d.now)
	var err error
	if d.sealer, err = secret.NewSealer([]byte(kek)); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) open(t testing.TB, tenants ...Tenant) *Keyring {
	t.Helper()
	k, err := Open(t.Context(), Options{Store: d.store, Sealer: d.sealer, Now: d.now, Tenants: tenants})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var (
	acme  = Tenant{Name: "acme", Algorithm: ES256, Retain: time.Hour}
	every = []Tenant{acme, {Name: "edna", Algorithm: EdDSA, Retain: time.Hour}, {Name: "rosa", Algorithm: RS256, Retain: time.Hour}}
)

func sign(t testing.TB, k *Keyring, tenant string) string {
	t.Helper()
	token, err := k.Sign(tenant, nil, []byte(`{"sub":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

func verifies(k *Keyring, tenant, token string) bool {
	claims, _, err := k.Verify(tenant, token)
	return err == nil && string(claims) == `{"sub":"a"}`
}

// states spells a tenant's keys as "active next retired".
func states(t testing.TB, k *Keyring, tenant string) string {
	t.Helper()
	keys, err := k.List(tenant)
	if err != nil {
		t.Fatal(err)
	}
	var s []string
	for _, p := range keys {
		s = append(s, string(p.State))
	}
	return strings.Join(s, " ")
}

func rotate(t testing.TB, k *Keyring, tenant string) {
	t.Helper()
	if err := k.Rotate(t.Context(), tenant, "cli:ada"); err != nil {
		t.Fatal(err)
	}
}

func TestProcessesThatOpenAtOnceAgreeOnOneActiveKey(t *testing.T) {
	for range 20 {
		d := newDesk(t)
		rings := make([]*Keyring, 8)
		var wg sync.WaitGroup
		for i := range rings {
			wg.Go(func() { rings[i] = d.open(t, acme) })
		}
		wg.Wait()
		token := sign(t, rings[0], "acme")
		for _, k := range rings[1:] {
			if got, want := states(t, k, "acme"), "active next"; got != want {
				t.Errorf("keys are %q, want %q", got, want)
			}
			if !verifies(k, "acme", token) || !verifies(rings[0], "acme", sign(t, k, "acme")) {
				t.Fatal("two processes sign with different keys")
			}
		}
	}
}

func TestReq083_ANextKeyIsPublishedForMaxAgeBeforeItSignsAndTheOldOneStays(t *testing.T) {
	for _, tenant := range every {
		t.Run(string(tenant.Algorithm), func(t *testing.T) {
			d := newDesk(t)
			k := d.open(t, tenant)
			old := sign(t, k, tenant.Name)
			d.advance(MaxAge - time.Second)
			err := k.Rotate(t.Context(), tenant.Name, "cli:ada")
			if e := oauth.AsError(err); e == nil || e.RetryAfter != time.Second {
				t.Fatalf("a rotation too early: %v", err)
			}
			d.advance(time.Second)
			announced, _ := k.List(tenant.Name)
			rotate(t, k, tenant.Name)
			keys, _ := k.List(tenant.Name)
			if keys[0].ID != announced[1].ID || keys[2].ID != announced[0].ID {
				t.Error("the key that signs is not the one that was announced")
			}
			fresh := sign(t, k, tenant.Name)
			restarted := d.open(t, tenant)
			for _, k := range []*Keyring{k, restarted} {
				if got := states(t, k, tenant.Name); got != "active next retired" {
					t.Errorf("keys are %q", got)
				}
				if !verifies(k, tenant.Name, old) || !verifies(k, tenant.Name, fresh) {
					t.Error("a token from before or after the rotation does not verify")
				}
			}
			d.advance(tenant.Retain + MaxAge - 1)
			if !verifies(k, tenant.Name, old) || !published(t, k, tenant.Name, keys[2].ID) {
				t.Error("the retired key went too early")
			}
			d.advance(1)
			for _, k := range []*Keyring{k, restarted} {
				if _, ok := k.Key(tenant.Name, keys[2].ID); ok || verifies(k, tenant.Name, old) || published(t, k, tenant.Name, keys[2].ID) {
					t.Error("the retired key stayed beyond its time")
				}
				if !verifies(k, tenant.Name, fresh) || !verifies(k, tenant.Name, sign(t, k, tenant.Name)) {
					t.Error("the active key went with the retired one")
				}
			}
			rotate(t, k, tenant.Name)
			if kept, _ := k.read(t.Context(), tenant.Name); len(kept.Keys) != 3 {
				t.Errorf("%d keys are kept, want 3", len(kept.Keys))
			}
		})
	}
}

func published(t testing.TB, k *Keyring, tenant, kid string) bool {
	t.Helper()
	set, _, err := k.JWKS(tenant)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(set, []byte(`"kid":"`+kid+`"`))
}

func TestOtherProcessesFollowARotationAfterReload(t *testing.T) {
	d := newDesk(t)
	a, b := d.open(t, acme), d.open(t, acme)
	d.advance(MaxAge)
	rotate(t, a, "acme")
	if stale := sign(t, b, "acme"); !verifies(a, "acme", stale) {
		t.Error("what a process signs that has not heard of the rotation is refused")
	}
	if !verifies(b, "acme", sign(t, a, "acme")) {
		t.Error("a process that has not heard of the rotation refuses the announced key")
	}
	if err := b.Rotate(t.Context(), "acme", "cli:eve"); oauth.AsError(err) == nil {
		t.Errorf("a second rotation right after the first: %v", err)
	}
	if err := b.Reload(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	ka, _ := a.List("acme")
	kb, _ := b.List("acme")
	if ka[0].ID != kb[0].ID || len(kb) != 3 {
		t.Error("the processes do not agree after Reload")
	}
}

func TestOfRotationsThatRaceOneHappens(t *testing.T) {
	d := newDesk(t)
	d.open(t, acme)
	rings := []*Keyring{d.open(t, acme), d.open(t, acme), d.open(t, acme)}
	d.advance(MaxAge)
	var wg sync.WaitGroup
	var done atomic.Int64
	for _, k := range rings {
		wg.Go(func() {
			switch err := k.Rotate(t.Context(), "acme", "cli:ada"); {
			case err == nil:
				done.Add(1)
			case !errors.Is(err, store.ErrConflict) && oauth.AsError(err) == nil:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if done.Load() != 1 {
		t.Errorf("%d rotations happened, want 1", done.Load())
	}
}

func TestRotationIsRecordedWithItsAuthorOrDoesNotHappen(t *testing.T) {
	d := newDesk(t)
	k := d.open(t, acme)
	d.advance(MaxAge)
	rotate(t, k, "acme")
	keys, _ := k.List("acme")
	if err := k.RotateUnannounced(t.Context(), "acme", "cli:bob"); err != nil {
		t.Fatal(err)
	}
	if err := k.Withdraw(t.Context(), "acme", keys[0].ID, "cli:bob"); err != nil {
		t.Fatal(err)
	}
	if err := k.RotateUnannounced(t.Context(), "acme", ""); err == nil {
		t.Error("a rotation without an author")
	}
	events, _, _, err := audit.Search(t.Context(), d.store, audit.Query{Tenant: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range events {
		got[e.Act] = e.Actor + " " + e.Subject
	}
	for act, want := range map[string]string{
		"key.rotate":             "cli:ada key:" + keys[0].ID,
		"key.rotate-unannounced": "cli:bob key:" + keys[1].ID,
		"key.withdraw":           "cli:bob key:" + keys[0].ID,
	} {
		if got[act] != want {
			t.Errorf("%s: recorded as %q, want %q", act, got[act], want)
		}
	}
	if len(events) != 4 || !strings.HasPrefix(got["key.create"], "tokenbooth key:") {
		t.Errorf("events are %v", got)
	}
	if err := d.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := k.RotateUnannounced(t.Context(), "acme", "cli:ada"); err == nil || oauth.AsError(err) != nil {
		t.Errorf("a store failure became %v", err)
	}
	if !verifies(k, "acme", sign(t, k, "acme")) {
		t.Error("a dead store stopped signing")
	}
}

func TestConfigureAddsTenantsForgetsThemAndChangesAlgorithms(t *testing.T) {
	d := newDesk(t)
	k := d.open(t, acme)
	old := sign(t, k, "acme")
	changed := acme
	changed.Algorithm = EdDSA
	if err := k.Configure(t.Context(), []Tenant{changed, {Name: "new"}}); err != nil {
		t.Fatal(err)
	}
	keys, _ := k.List("acme")
	if keys[0].Algorithm != ES256 || keys[1].Algorithm != EdDSA || !verifies(k, "acme", old) {
		t.Error("the algorithm changes otherwise than through the next key")
	}
	if fresh, _ := k.List("new"); len(fresh) != 2 || fresh[0].Algorithm != ES256 {
		t.Errorf("a new tenant has %v", fresh)
	}
	d.advance(MaxAge)
	rotate(t, k, "acme")
	if keys, _ = k.List("acme"); keys[0].Algorithm != EdDSA || !verifies(k, "acme", sign(t, k, "acme")) || !verifies(k, "acme", old) {
		t.Error("the new algorithm does not sign after the rotation")
	}
	if err := k.Configure(t.Context(), []Tenant{changed}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Sign("new", nil, nil); !errors.Is(err, ErrTenant) {
		t.Errorf("a tenant that is no more: %v", err)
	}
	if got := k.Tenants(); len(got) != 1 || got[0] != "acme" {
		t.Errorf("tenants are %v", got)
	}
	if err := k.Configure(t.Context(), []Tenant{{Name: "x", Algorithm: "HS256"}}); err == nil {
		t.Error("HS256 is accepted")
	}
	if !verifies(k, "acme", old) {
		t.Error("a Configure that failed changed something")
	}
}

func TestOpenStopsWithItsContext(t *testing.T) {
	d := newDesk(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, Options{Store: d.store, Sealer: d.sealer, Now: d.now, Tenants: []Tenant{acme}}); !errors.Is(err, context.Canceled) {
		t.Errorf("Open: %v", err)
	}
}
