// Package registry keeps what is registered with a token desk: tenants and their APIs, clients with their secrets, users with their
// passwords; and the rules a registration obeys. It says who exists, what they may do and whether they still may. It does not decide
// about a single request: package issuer does, by asking here.
//
// Tenants and APIs are declared in the settings and handed over whole (SetTenants). Clients and users live in the store; every
// change of one is written together with its author (package audit) and with a note that tells other processes on the same store
// to forget what they remember (Heard). So a client disabled anywhere is refused everywhere within a second.
//
// Reads of clients and users by id come from memory: bounded, without a lock, a copy that nobody changes. Uses of secrets and permissions are
// counted without a lock and written down by one goroutine (WriteUses). Who wants to know all clients at once, as package directory does,
// reads them page by page and is told what has changed since (Watch). All methods but Watch may be called concurrently. A store that fails is
// an error of its own, never "no such client".
package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/change"
	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// ErrNotFound says that nobody of that name is registered.
var ErrNotFound = errors.New("not registered")

// Registry is the register of one store.
type Registry struct {
	store   store.Store
	sealer  *secret.Sealer
	feed    *feed.Feed
	now     func() time.Time
	lane    func(context.Context, func()) error // see Options.Hash
	tenants atomic.Pointer[map[string]*Tenant]
	clients *remembered[*Client]
	users   *remembered[*User]
	uses    uses

	watchers []Watcher
	slow     sync.Map // names of tenants where a secret under a slow hash was seen; foreignPasswords and guessable likewise
}

// Options are what a registry needs.
type Options struct {
	Store   store.Store
	Sealer  *secret.Sealer // for what must be read back: the secrets of one-time codes
	Feed    *feed.Feed     // is told of what is taken back; nil: nobody here is, and others hear of it
	Now     func() time.Time
	Tenants []Tenant

	// Hash runs the hash of a password when its turn comes, as limit.Lane.Do does: one takes 45 ms and 19 MiB, and of those who set passwords
	// at the same time there may be many. An error says that the work was not begun. nil: each runs at once.
	Hash func(ctx context.Context, work func()) error
}

// New makes a registry. The error names the field at fault.
func New(o Options) (*Registry, error) {
	r := &Registry{store: o.Store, sealer: o.Sealer, feed: o.Feed, now: o.Now, lane: o.Hash}
	r.clients = remember(maxClients, r.readClient)
	r.clients.known.gone = r.leave
	r.users = remember(maxUsers, r.readUser)
	r.uses.init()
	return r, r.SetTenants(o.Tenants)
}

// OnPaper returns a registry with the rules and the present tenants of this one over another store, to try changes out on. It remembers
// nothing, counts no uses and tells nobody of what is changed or taken back; and it hashes no password, which nobody will ever sign in with.
func (r *Registry) OnPaper(s store.Store) *Registry {
	p := &Registry{store: s, sealer: r.sealer, now: r.now, lane: func(context.Context, func()) error { return nil }}
	p.tenants.Store(r.tenants.Load())
	p.clients, p.users = remember(0, p.readClient), remember(0, p.readUser)
	return p
}

// SetTenants puts a new set of tenants in the place of the old one, whole or not at all.
func (r *Registry) SetTenants(tenants []Tenant) error {
	if err := CheckTenants(tenants); err != nil {
		return err
	}
	byName := make(map[string]*Tenant, len(tenants))
	for i := range tenants {
		byName[tenants[i].Name] = &tenants[i]
	}
	r.tenants.Store(&byName)
	r.forgetAll() // what is made ready of a client depends on its tenant's APIs
	for _, w := range r.watchers {
		w.Replaced()
	}
	r.uses.busy.keep(byName)
	return nil
}

// CheckTenants refuses tenants that could not work, each for itself or together, and fills in what may be left out. The error is a
// *Problem whose field is written like tenants[0].apis[2].routes.
func CheckTenants(tenants []Tenant) error {
	names, hosts, issuers := map[string]bool{}, map[string]string{}, map[string]string{}
	for i := range tenants {
		t, place := &tenants[i], fmt.Sprintf("tenants[%d]", i)
		if err := t.check(); err != nil {
			return within(place, err)
		}
		if names[t.Name] {
			return problem(place+".name", "two tenants are called %s", t.Name)
		}
		names[t.Name] = true
		for _, h := range t.Hosts {
			if other, taken := hosts[h]; taken {
				return problem(place+".hosts", "host %s belongs to tenant %s already", h, other)
			}
			hosts[h] = t.Name
		}
		if other, taken := issuers[t.Issuer]; taken { // guards elsewhere tell tenants apart by nothing else
			return problem(place+".issuer", "issuer %s belongs to tenant %s already", t.Issuer, other)
		}
		issuers[t.Issuer] = t.Name
	}
	return nil
}

// Tenant returns a tenant by name.
func (r *Registry) Tenant(name string) (*Tenant, bool) {
	t, ok := (*r.tenants.Load())[name]
	return t, ok
}

// Tenants returns all tenants, by name.
func (r *Registry) Tenants() []*Tenant {
	var all []*Tenant
	for _, t := range *r.tenants.Load() {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *Tenant) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (r *Registry) tenant(name string) (*Tenant, error) {
	if t, ok := r.Tenant(name); ok {
		return t, nil
	}
	return nil, fmt.Errorf("tenant %q: %w", name, ErrNotFound)
}

// save writes records together with the event that says who did it, the notes that tell other processes, and what the change takes
// back, if anything: from then on it is refused.
func (r *Registry) save(ctx context.Context, e audit.Event, taken *feed.Revocation, records ...store.Record) error {
	now := r.now()
	if e.Actor == "" {
		return errors.New("a change needs an author")
	}
	put := append(records[:len(records):len(records)], audit.Record(audit.Done(ctx, now, e)))
	for _, rec := range records {
		put = append(put, change.Note(rec, now))
	}
	if taken != nil {
		put = append(put, taken.Records(now)...)
	}
	if err := r.store.Put(ctx, put...); err != nil {
		return fmt.Errorf("%s: %w", e.Act, err)
	}
	for _, rec := range records {
		r.forget(rec.Kind, rec.Tenant, rec.ID)
	}
	if taken != nil && r.feed != nil {
		r.feed.Add(*taken)
	}
	return nil
}

// forget drops what is remembered of a record.
func (r *Registry) forget(kind store.Kind, tenant, id string) {
	switch kind {
	case store.Client:
		r.clients.forget(name{tenant, id})
		for _, w := range r.watchers {
			w.Changed(tenant, id)
		}
	case store.User:
		r.users.forget(name{tenant, id})
	}
}

// get reads a record into v and says ErrNotFound in this package's words.
func (r *Registry) get(ctx context.Context, n name, kind store.Kind, v any) (rev uint64, err error) {
	rec, err := r.store.Get(ctx, n.tenant, kind, n.id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return 0, fmt.Errorf("%s %q of tenant %s: %w", kind, n.id, n.tenant, ErrNotFound)
	case err != nil:
		return 0, fmt.Errorf("read %s: %w", kind, err)
	}
	return rec.Rev, decode(rec, v)
}

func decode(rec store.Record, v any) error {
	if err := json.Unmarshal(rec.Body, v); err != nil {
		return fmt.Errorf("%s %q of tenant %s cannot be read: %w", rec.Kind, rec.ID, rec.Tenant, err)
	}
	return nil
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // our own types, all plain: cannot happen
		panic(fmt.Errorf("encode %T: %w", v, err))
	}
	return b
}
