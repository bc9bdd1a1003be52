// Package keyring keeps the keys that sign access tokens: for each tenant one that signs, one that is announced and will sign
// next, and those that have signed and may still be needed to check a token.
//
// It decides which key signs, when a key may begin to and how long a retired one stays published. It does not decide what is
// signed: package issuer hands it claims and asks it about tokens of ours; the server publishes JWKS; admin and the CLI rotate.
//
// Invariants: a private key leaves this package in no form but sealed (package secret), and of a retired key the private half is
// not kept at all. All processes on one store agree on the keys, because they live in one record that is replaced by
// compare-and-swap. Except for a tenant's very first key, RotateUnannounced and Withdraw, no key signs before it has been published
// for MaxAge. A key that was withdrawn is in the key set no more, and package feed tells every guard that what it signed is worth nothing.
// The algorithm belongs to the key and is never read from a token. Reading and signing take no lock and no store call;
// every method may be called concurrently.
//
// RFC 7515 (signatures), RFC 7517 and RFC 8037 (keys), RFC 7518 (algorithms), RFC 7638 (key ids), RFC 9068 (the token's type).
package keyring

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// MaxAge is how long anybody may cache a key set. A key is published for that long before it signs.
const MaxAge = 15 * time.Minute

// ErrTenant says that there are no keys for a tenant of that name.
var ErrTenant = errors.New("no such tenant in the keyring")

// author is who makes a tenant's first keys, and those of a new algorithm.
const author = "tokenbooth"

// Tenant is whose tokens are signed, and how.
type Tenant struct {
	Name      string
	Algorithm Algorithm     // of keys to come; "": ES256
	Retain    time.Duration // how long a token may be checked after it was signed: the longest lifetime and the skew allowed; 0: 24 h
}

// Options are what a Keyring needs.
type Options struct {
	Store   store.Store
	Sealer  *secret.Sealer
	Feed    *feed.Feed // is told of keys that are withdrawn; nil: nobody here is, and others hear of it
	Now     func() time.Time
	Tenants []Tenant
}

// Keyring signs, publishes and rotates. Make one with Open.
type Keyring struct {
	store  store.Store
	sealer *secret.Sealer
	feed   *feed.Feed
	now    func() time.Time

	change sync.Mutex // held by whoever reads the store and replaces what is below
	rings  atomic.Pointer[map[string]*ring]
}

// ring is one tenant's keys as this process knows them.
type ring struct {
	tenant  atomic.Pointer[Tenant]
	current atomic.Pointer[snapshot]
}

// Open reads the keys of every tenant, and makes them for a tenant that has none yet.
func Open(ctx context.Context, o Options) (*Keyring, error) {
	k := &Keyring{store: o.Store, sealer: o.Sealer, feed: o.Feed, now: o.Now}
	k.rings.Store(&map[string]*ring{})
	if err := k.Configure(ctx, o.Tenants); err != nil {
		return nil, err
	}
	return k, nil
}

// Configure makes tenants the ones there are, as after a change of settings. A tenant that is named no more cannot sign any more;
// its keys stay in the store. When a tenant's algorithm has changed its announced key is replaced by one of the new kind, which
// signs after the next rotation. When Configure fails, nothing has changed for tenants that signed before.
func (k *Keyring) Configure(ctx context.Context, tenants []Tenant) error {
	k.change.Lock()
	defer k.change.Unlock()
	old, rings := *k.rings.Load(), make(map[string]*ring, len(tenants))
	for _, t := range tenants {
		if t.Algorithm == "" {
			t.Algorithm = ES256
		}
		if t.Retain <= 0 {
			t.Retain = 24 * time.Hour
		}
		if err := t.Algorithm.check(); err != nil {
			return fmt.Errorf("signing keys of tenant %q: %w", t.Name, err)
		}
		snap, err := k.ensure(ctx, t)
		if err != nil {
			return fmt.Errorf("signing keys of tenant %q: %w", t.Name, err)
		}
		r := old[t.Name]
		if r == nil {
			r = &ring{}
		}
		r.tenant.Store(&t)
		r.current.Store(snap)
		rings[t.Name] = r
	}
	k.rings.Store(&rings)
	return nil
}

func (k *Keyring) ring(tenant string) (*ring, error) {
	if r := (*k.rings.Load())[tenant]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrTenant, tenant)
}

// ensure reads a tenant's keys, having made those that were missing. Of several processes that make them at once one succeeds, and
// the others read what it made.
func (k *Keyring) ensure(ctx context.Context, t Tenant) (*snapshot, error) {
	for {
		kept, err := k.read(ctx, t.Name)
		switch {
		case errors.Is(err, store.ErrNotFound):
			kept = ringRecord{}
		case err != nil:
			return nil, err
		case kept.find(Next).Algorithm == t.Algorithm:
			return k.load(t.Name, kept)
		}
		if err := k.fill(&kept, t); err != nil {
			return nil, err
		}
		made := deed{act: "key.create", by: author, kid: kept.find(Next).ID, detail: map[string]string{"active": kept.find(Active).ID}}
		switch err := k.write(ctx, t.Name, kept, made); {
		case err == nil:
			kept.rev++
			return k.load(t.Name, kept)
		case !errors.Is(err, store.ErrConflict):
			return nil, err
		}
	}
}

// fill makes the active key if there is none, and a next one in place of the one there is.
func (k *Keyring) fill(kept *ringRecord, t Tenant) error {
	now := k.now()
	if kept.find(Active) == nil {
		first, err := k.generate(t, Active, now)
		if err != nil {
			return err
		}
		first.Activated = now
		kept.Keys = append(kept.Keys, first)
	}
	next, err := k.generate(t, Next, now)
	if err != nil {
		return err
	}
	if old := kept.find(Next); old != nil {
		*old = next
	} else {
		kept.Keys = append(kept.Keys, next)
	}
	return nil
}

// Reload reads a tenant's keys again, for a process that hears of a change: a note goes with each (package change, store.Key). On an error it goes on with the
// keys it has.
func (k *Keyring) Reload(ctx context.Context, tenant string) error {
	k.change.Lock()
	defer k.change.Unlock()
	r, err := k.ring(tenant)
	if err != nil {
		return err
	}
	kept, err := k.read(ctx, tenant)
	if err != nil {
		return fmt.Errorf("signing keys of tenant %q: %w", tenant, err)
	}
	return k.adopt(r, tenant, kept)
}

// adopt makes what was read from the store, or written to it, the keys in use.
func (k *Keyring) adopt(r *ring, tenant string, kept ringRecord) error {
	if r.current.Load().rev == kept.rev {
		return nil
	}
	snap, err := k.load(tenant, kept)
	if err != nil {
		return fmt.Errorf("signing keys of tenant %q: %w", tenant, err)
	}
	r.current.Store(snap)
	return nil
}

// Tenants lists the names of all tenants in byte order.
func (k *Keyring) Tenants() []string {
	return slices.Sorted(maps.Keys(*k.rings.Load()))
}
