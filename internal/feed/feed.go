// Package feed keeps what has been taken back before its time, for each tenant: in the store, so that no restart forgets it, and in
// memory, so that every token can be held against it without a question to anybody.
//
// Whoever revokes something (registry, keyring, issuer) puts the records of its Revocation together with the change itself and then
// tells the feed (Add); other processes on the same store hear of it by the note that lies beside (Heard, package change). Issuer and
// server look tokens up (Set); the server signs what is new for guards elsewhere (Page, Wait). The feed decides nothing and checks no
// token.
//
// Each process counts its entries by itself, in an epoch of its own: a guard that comes to another process, or to the same one after a
// restart, begins at 0 again, and loses nothing by it. What was added stays until its time is over, the same entry is kept once, and
// only Room stops a tenant's list from growing. All methods may be called concurrently; looking up takes no lock.
//
// RFC 7009 (revocation).
package feed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// MaxLive is how many entries of one tenant may count at one time before clients can revoke no single token any more: some 100 MB of
// memory in this process and in every guard.
const MaxLive = 1_000_000

// Slack is how long a revocation is kept beyond its use, here and in every guard: a clock that was set ahead by no more, wherever and for
// how long, has not made anybody forget one that still counts.
const Slack = 24 * time.Hour

// Options are what a feed needs.
type Options struct {
	Store store.Store
	Now   func() time.Time // by which it forgets what is over: clock.Watch.Safe
}

// Feed is what all tenants have taken back. Make one with Open.
type Feed struct {
	store store.Store
	now   func() time.Time
	most  int // see MaxLive

	change sync.Mutex // held by SetTenants
	lines  atomic.Pointer[map[string]*line]
	empty  *line // what a tenant that is not known has taken back
}

// Open makes a feed without tenants. It reads nothing yet: SetTenants does.
func Open(_ context.Context, o Options) (*Feed, error) {
	if o.Store == nil || o.Now == nil {
		return nil, errors.New("a feed needs a store and a clock")
	}
	f := &Feed{store: o.Store, now: o.Now, most: MaxLive, empty: newLine()}
	f.lines.Store(&map[string]*line{})
	return f, nil
}

// SetTenants makes these the tenants there are, and reads what the new ones among them have in the store. When it fails the tenants
// are those of before. Whoever serves a tenant names it here first.
func (f *Feed) SetTenants(ctx context.Context, names []string) error {
	f.change.Lock()
	defer f.change.Unlock()
	old, next := *f.lines.Load(), make(map[string]*line, len(names))
	var fresh []string
	for _, name := range names {
		if next[name] = old[name]; next[name] == nil {
			next[name] = newLine()
			fresh = append(fresh, name)
		}
	}
	f.lines.Store(&next) // before reading: what is added meanwhile may lie behind the page that was read
	for _, name := range fresh {
		if err := f.read(ctx, name, next[name]); err != nil {
			f.lines.Store(&old)
			return err
		}
	}
	return nil
}

// read takes in what a tenant has in the store.
func (f *Feed) read(ctx context.Context, tenant string, l *line) error {
	q := store.Query{Tenant: tenant, Kind: store.Revocation, Limit: store.MaxLimit}
	var batch []revocation.Entry // adding many at once costs little more than adding one
	for {
		records, err := f.store.List(ctx, q)
		if err != nil {
			return fmt.Errorf("read the revocations of tenant %s: %w", tenant, err)
		}
		for _, rec := range records {
			r, err := parse(rec)
			if err != nil {
				return err
			}
			batch = append(batch, l.note(r))
		}
		last := len(records) < q.Page()
		if last || len(batch) >= revocation.MaxEntries {
			l.add(f.now(), batch...)
			batch = batch[:0]
		}
		if last {
			return nil
		}
		q.After = records[len(records)-1].ID
	}
}

// note returns the entry of a revocation, and keeps what an entry does not say.
func (l *line) note(r Revocation) revocation.Entry {
	if r.Kind == revocation.Issuer {
		l.refuseBefore(r.Before)
	}
	return r.entry()
}

func (f *Feed) line(tenant string) (l *line, known bool) {
	if l, known = (*f.lines.Load())[tenant]; known {
		return l, true
	}
	return f.empty, false
}

// Add takes in what this process has just made durable. What an unknown tenant takes back is read when SetTenants names it.
func (f *Feed) Add(r Revocation) {
	if l, known := f.line(r.Tenant); known {
		l.add(f.now(), l.note(r))
	}
}

// Heard takes in what another process has made durable, when told that a record has changed. Records of other kinds are nothing to it.
// An error says that the store failed: it is to be told again.
func (f *Feed) Heard(ctx context.Context, kind store.Kind, tenant, id string) error {
	l, known := f.line(tenant)
	if kind != store.Revocation || !known {
		return nil
	}
	rec, err := f.store.Get(ctx, tenant, store.Revocation, id)
	switch {
	case errors.Is(err, store.ErrNotFound): // over already
		return nil
	case err != nil:
		return fmt.Errorf("read a revocation of tenant %s: %w", tenant, err)
	}
	r, err := parse(rec)
	if err != nil {
		return nil // telling it again mends nothing, and would hold up what comes behind; SetTenants says that it is there
	}
	l.add(f.now(), l.note(r))
	return nil
}

// Missed reads everything again, after changes of other processes may have gone unheard. Nothing is forgotten by it.
func (f *Feed) Missed(ctx context.Context) error {
	for tenant, l := range *f.lines.Load() {
		if err := f.read(ctx, tenant, l); err != nil {
			return err
		}
	}
	return nil
}

// Set returns what a tenant has taken back, to look tokens up in: the same set as long as the tenant is named. Nobody else adds to it.
// An unknown tenant's is empty and stays so.
func (f *Feed) Set(tenant string) *revocation.Set {
	l, _ := f.line(tenant)
	return &l.set
}

// NotBefore returns the time up to which all of a tenant's tokens are taken back; zero if they never were. What is issued now must be
// of a later time.
func (f *Feed) NotBefore(tenant string) time.Time {
	l, _ := f.line(tenant)
	if at := l.notBefore.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

// Page returns what a tenant has taken back in this epoch after the entry of that number, revocation.MaxEntries at most. Another
// epoch, or a number beyond the end, begins at 0. Issuer and IssuedAt are for the server to fill in.
func (f *Feed) Page(tenant, epoch string, after uint64) revocation.List {
	l, _ := f.line(tenant)
	return l.page(epoch, after, revocation.MaxEntries)
}

// Epoch returns what a tenant's entries are counted in now.
func (f *Feed) Epoch(tenant string) string {
	l, _ := f.line(tenant)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.epoch
}

// Wait returns as soon as there is something for Page to tell, or when ctx is done. A thousand who wait cost a thousand goroutines and
// nothing else.
func (f *Feed) Wait(ctx context.Context, tenant, epoch string, after uint64) {
	l, _ := f.line(tenant)
	news := l.newer(epoch, after)
	if news == nil {
		return
	}
	select {
	case <-news:
	case <-ctx.Done():
	}
}

// Room reports whether a tenant may take back another single token: not when MaxLive entries count. Clients, users and keys are taken
// back whether there is room or not.
func (f *Feed) Room(tenant string) bool {
	l, _ := f.line(tenant)
	return l.set.Len() < f.most
}

// Crowded reports whether so much of a tenant counts, half of MaxLive, that nobody should add to it fast.
func (f *Feed) Crowded(tenant string) bool {
	l, _ := f.line(tenant)
	return l.set.Len() > f.most/2
}

// Hold returns a revocation that is kept for Slack beyond its use. Where so much of a tenant counts already that the room could run
// out, it is kept for its use alone: to have no room would let a token live.
func (f *Feed) Hold(r Revocation) Revocation {
	if !f.Crowded(r.Tenant) {
		r.Until = r.Until.Add(Slack)
	}
	return r
}

// Sweep drops what is over. Call it every minute or so.
func (f *Feed) Sweep() {
	now := f.now()
	for _, l := range *f.lines.Load() {
		l.sweep(now)
	}
}
