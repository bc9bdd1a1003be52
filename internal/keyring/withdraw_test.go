package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/change"
	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// fed opens a keyring that tells a feed what is withdrawn.
func fed(t testing.TB, s store.Store, sealer *secret.Sealer, now func() time.Time, tenants ...Tenant) (*Keyring, *feed.Feed) {
	t.Helper()
	f, err := feed.Open(t.Context(), feed.Options{Store: s, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	k, err := Open(t.Context(), Options{Store: s, Sealer: sealer, Feed: f, Now: now, Tenants: tenants})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetTenants(t.Context(), k.Tenants()); err != nil {
		t.Fatal(err)
	}
	return k, f
}

func withdrawn(f *feed.Feed, tenant, kid string) bool {
	return f.Set(tenant).Has(revocation.NameOf(revocation.Key, kid))
}

// kids returns the ids of a tenant's keys: the active one, the next one, the retired ones.
func kids(t testing.TB, k *Keyring, tenant string) []string {
	t.Helper()
	keys, err := k.List(tenant)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range keys {
		ids = append(ids, p.ID)
	}
	return ids
}

func TestR39_a_withdrawn_key_signs_and_checks_nothing_any_more_whatever_its_state(t *testing.T) {
	for i, was := range []State{Active, Next, Retired} {
		for _, tenant := range every {
			t.Run(fmt.Sprintf("%s %s", was, tenant.Algorithm), func(t *testing.T) {
				d := newDesk(t)
				k, f := fed(t, d.store, d.sealer, d.now, tenant)
				d.advance(MaxAge)
				ofRetired := sign(t, k, tenant.Name)
				rotate(t, k, tenant.Name)
				ofActive := sign(t, k, tenant.Name)
				before := kids(t, k, tenant.Name)
				_, tag, _ := k.JWKS(tenant.Name)
				if err := k.Withdraw(t.Context(), tenant.Name, before[i], "cli:ada"); err != nil {
					t.Fatal(err)
				}
				if want := map[State]string{Active: "active next retired", Next: "active next retired", Retired: "active next"}[was]; states(t, k, tenant.Name) != want {
					t.Errorf("keys are %q, want %q", states(t, k, tenant.Name), want)
				}
				after := kids(t, k, tenant.Name)
				if want := map[State]string{Active: before[1], Next: before[0], Retired: before[0]}[was]; after[0] != want {
					t.Errorf("%s signs, want %s", after[0], want)
				}
				if verifies(k, tenant.Name, ofActive) == (was == Active) || verifies(k, tenant.Name, ofRetired) == (was == Retired) {
					t.Error("tokens of the withdrawn key verify, or those of another do not")
				}
				if !verifies(k, tenant.Name, sign(t, k, tenant.Name)) {
					t.Error("new tokens are refused")
				}
				for j, kid := range before {
					if published(t, k, tenant.Name, kid) == (j == i) || withdrawn(f, tenant.Name, kid) != (j == i) {
						t.Errorf("key %d: published %v, withdrawn %v", j, published(t, k, tenant.Name, kid), withdrawn(f, tenant.Name, kid))
					}
				}
				if _, now, _ := k.JWKS(tenant.Name); now == tag {
					t.Error("the key set has changed and its tag has not")
				}
				if rec, err := d.store.Get(t.Context(), tenant.Name, store.Key, recordID); err != nil || bytes.Contains(rec.Body, []byte(before[i])) {
					t.Errorf("the withdrawn key is kept still, %v", err)
				}
				restarted, refed := fed(t, d.store, d.sealer, d.now, tenant)
				if !withdrawn(refed, tenant.Name, before[i]) || verifies(restarted, tenant.Name, ofActive) == (was == Active) {
					t.Error("a restart brings it back")
				}
				d.advance(tenant.Retain + MaxAge - 1)
				if f.Sweep(); !withdrawn(f, tenant.Name, before[i]) {
					t.Error("guards are told no more while a token of it may be alive")
				}
			})
		}
	}
}

func TestR39_a_withdrawal_is_recorded_with_its_author_or_does_not_happen(t *testing.T) {
	d := newDesk(t)
	s := &moody{Store: d.store}
	k, f := fed(t, s, d.sealer, d.now, acme)
	before := kids(t, k, "acme")
	token := sign(t, k, "acme")
	s.answer(errDisk)
	if err := k.Withdraw(t.Context(), "acme", before[0], "cli:ada"); !errors.Is(err, errDisk) || oauth.AsError(err) != nil {
		t.Errorf("a store failure became %v", err)
	}
	if err := k.Withdraw(t.Context(), "acme", before[0], ""); err == nil {
		t.Error("nobody has withdrawn a key")
	}
	if err := k.Withdraw(t.Context(), "acme", "unknown", "cli:ada"); oauth.AsError(err) == nil {
		t.Errorf("an unknown key: %v", err)
	}
	if err := k.Withdraw(t.Context(), "nobody", before[0], "cli:ada"); !errors.Is(err, ErrTenant) {
		t.Errorf("an unknown tenant: %v", err)
	}
	if !verifies(k, "acme", token) || withdrawn(f, "acme", before[0]) || kids(t, k, "acme")[0] != before[0] {
		t.Fatal("a withdrawal that failed has changed something")
	}
	d.advance(time.Second)
	s.answer(store.ErrConflict, store.ErrConflict) // somebody changes the keys at the same moments
	if err := k.Withdraw(t.Context(), "acme", before[0], "cli:ada"); err != nil {
		t.Fatal(err)
	}
	events, _, _, err := audit.Search(t.Context(), d.store, audit.Query{Tenant: "acme", Limit: 1})
	if err != nil || len(events) != 1 {
		t.Fatal(err)
	}
	after := kids(t, k, "acme")
	if e := events[0]; e.Act != "key.withdraw" || e.Actor != "cli:ada" || e.Subject != "key:"+before[0] || e.Detail["was"] != "active" ||
		e.Detail["active"] != after[0] || e.Detail["next"] != after[1] {
		t.Errorf("recorded as %+v", e)
	}
	if err := k.Withdraw(t.Context(), "acme", before[0], "cli:ada"); oauth.AsError(err) == nil {
		t.Errorf("withdrawn twice: %v", err)
	}
	s.answer(store.ErrConflict, store.ErrConflict, store.ErrConflict, store.ErrConflict, store.ErrConflict)
	if err := k.Withdraw(t.Context(), "acme", after[0], "cli:ada"); !errors.Is(err, store.ErrConflict) {
		t.Errorf("it tries for ever: %v", err)
	}
}

var errDisk = errors.New("the disk is gone")

// moody is a store that gives prepared answers to the next writes.
type moody struct {
	store.Store
	mu      sync.Mutex
	answers []error
	gets    atomic.Int64
}

func (s *moody) answer(errs ...error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = errs
}

func (s *moody) Put(ctx context.Context, records ...store.Record) error {
	s.mu.Lock()
	if len(s.answers) > 0 {
		err := s.answers[0]
		s.answers = s.answers[1:]
		s.mu.Unlock()
		return err
	}
	s.mu.Unlock()
	return s.Store.Put(ctx, records...)
}

func (s *moody) Get(ctx context.Context, tenant string, kind store.Kind, id string) (store.Record, error) {
	s.gets.Add(1)
	return s.Store.Get(ctx, tenant, kind, id)
}

func TestR39_D4_a_key_withdrawn_under_load_is_refused_by_every_process_within_a_second(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokenbooth.db")
	sealer := newDesk(t).sealer
	type process struct {
		k *Keyring
		f *feed.Feed
	}
	var all []process
	for range 3 {
		s, err := sqlite.Open(sqlite.Options{Path: path, Now: time.Now, Create: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		k, f := fed(t, s, sealer, time.Now, acme)
		all = append(all, process{k, f})
		listen(t, s, k, f)
	}
	bad := kids(t, all[0].k, "acme")[0]
	stolen := sign(t, all[0].k, "acme")
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var signed atomic.Int64
	for _, p := range all {
		load.Go(func() { // tokens are good all the while, where they are made
			for ctx.Err() == nil {
				token, err := p.k.Sign("acme", nil, []byte(`{"sub":"a"}`))
				if err != nil {
					t.Error(err)
				}
				head, _, _ := strings.Cut(string(token), ".")
				if !verifies(p.k, "acme", string(token)) && !strings.HasPrefix(stolen, head+".") {
					t.Error("a token of a key that is not withdrawn is refused")
				}
				signed.Add(1)
			}
		})
	}
	if err := all[0].k.Withdraw(t.Context(), "acme", bad, "cli:ada"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if verifies(all[0].k, "acme", stolen) || !withdrawn(all[0].f, "acme", bad) {
		t.Error("the process that withdrew it does not know at once")
	}
	for _, p := range all {
		for verifies(p.k, "acme", stolen) || !withdrawn(p.f, "acme", bad) {
			if time.Since(began) > time.Second {
				t.Fatal("a process takes tokens of the withdrawn key after a second still")
			}
			time.Sleep(time.Millisecond)
		}
	}
	t.Logf("refused by all after %v, %d tokens made meanwhile", time.Since(began), signed.Load())
	stop()
	load.Wait()
	for _, p := range all {
		if token := sign(t, p.k, "acme"); !verifies(all[0].k, "acme", token) || strings.HasPrefix(token, stolen[:strings.Index(stolen, ".")]) {
			t.Error("a process signs with the withdrawn key still")
		}
	}
}

// listen lets a process hear of what others change, until the test ends.
func listen(t *testing.T, s store.Store, k *Keyring, f *feed.Feed) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		change.Follow(ctx, s, time.Now, change.Ear{Missed: f.Missed, Heard: func(ctx context.Context, kind store.Kind, tenant, id string) error {
			if kind == store.Key {
				return k.Reload(ctx, tenant)
			}
			return f.Heard(ctx, kind, tenant, id)
		}})
	})
	t.Cleanup(func() { cancel(); done.Wait() })
}
