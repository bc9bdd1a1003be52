package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Rotate makes the tenant's next key sign, retires the one that did, and announces a new one. By says who wanted it. It refuses as
// long as somebody may hold a cached key set without the next key. If another process changed the keys at the same moment, the
// error is store.ErrConflict and nothing has happened.
func (k *Keyring) Rotate(ctx context.Context, tenant, by string) error {
	return k.edit(ctx, tenant, func(kept *ringRecord, t Tenant, now time.Time) (deed, error) {
		if ready := kept.find(Next).Created.Add(MaxAge); now.Before(ready) {
			refusal := oauth.Refuse(oauth.KeyNotYet,
				"The next key can sign from "+ready.UTC().Format(time.RFC3339)+" on: a verifier with a cached key set would refuse its tokens until then.",
				"the next key of tenant %q can sign from %s on", tenant, ready.UTC().Format(time.RFC3339))
			refusal.RetryAfter = ready.Sub(now)
			return deed{}, refusal
		}
		return k.turn(kept, t, by, "key.rotate", now)
	})
}

// RotateUnannounced rotates even when verifiers may not have seen the next key yet: until they fetch the key set again, they refuse
// its tokens. It is for a key that has leaked, and does not make that key useless: Discard does.
func (k *Keyring) RotateUnannounced(ctx context.Context, tenant, by string) error {
	return k.edit(ctx, tenant, func(kept *ringRecord, t Tenant, now time.Time) (deed, error) {
		return k.turn(kept, t, by, "key.rotate-unannounced", now)
	})
}

// errNotDue ends an edit that has nothing to do.
var errNotDue = errors.New("the key need not be rotated yet")

// RotateIfDue rotates when the tenant's active key has signed for at least every, and the next one has been published for MaxAge; every
// of 0 or less never does. It may be called as often as one likes and from all processes at once: the author is the program itself, one
// of them does it, and that somebody else did is no error.
func (k *Keyring) RotateIfDue(ctx context.Context, tenant string, every time.Duration) (rotated bool, err error) {
	r, err := k.ring(tenant)
	if err != nil {
		return false, err
	}
	if keys := r.current.Load().keys; !due(every, keys[0].Activated, keys[1].Created, k.now()) { // nobody can have made it due since
		return false, nil
	}
	err = k.edit(ctx, tenant, func(kept *ringRecord, t Tenant, now time.Time) (deed, error) {
		if !due(every, kept.find(Active).Activated, kept.find(Next).Created, now) {
			return deed{}, errNotDue
		}
		return k.turn(kept, t, author, "key.rotate", now)
	})
	if errors.Is(err, errNotDue) || errors.Is(err, store.ErrConflict) {
		return false, nil // the note of who was faster tells this process
	}
	return err == nil, err
}

func due(every time.Duration, activated, announced, now time.Time) bool {
	return every > 0 && !now.Before(activated.Add(every)) && !now.Before(announced.Add(MaxAge))
}

// deed is what the audit record will say, and what goes into the feed.
type deed struct {
	act, by, kid string
	detail       map[string]string
	taken        *feed.Revocation
}

// edit changes the tenant's keys in the store, and then in this process.
func (k *Keyring) edit(ctx context.Context, tenant string, change func(*ringRecord, Tenant, time.Time) (deed, error)) error {
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
	d, err := change(&kept, *r.tenant.Load(), k.now())
	if err != nil {
		return err
	}
	if d.by == "" {
		return fmt.Errorf("%s for tenant %q: a change needs an author", d.act, tenant)
	}
	if err := k.write(ctx, tenant, kept, d); err != nil {
		return fmt.Errorf("signing keys of tenant %q: %w", tenant, err)
	}
	kept.rev++
	return k.adopt(r, tenant, kept)
}

// turn moves every key one state on.
func (k *Keyring) turn(kept *ringRecord, t Tenant, by, act string, now time.Time) (deed, error) {
	kept.Keys = slices.DeleteFunc(kept.Keys, func(r keyRecord) bool { return r.State == Retired && !now.Before(r.Until) })
	old := kept.find(Active)
	if err := k.retire(old, t, now); err != nil {
		return deed{}, fmt.Errorf("signing keys of tenant %q: %w", t.Name, err)
	}
	retired := old.ID
	if err := k.promote(kept, t, now); err != nil {
		return deed{}, err
	}
	return deed{act: act, by: by, kid: kept.find(Active).ID, detail: map[string]string{"retired": retired, "next": kept.find(Next).ID}}, nil
}

// promote lets the next key sign, and announces another.
func (k *Keyring) promote(kept *ringRecord, t Tenant, now time.Time) error {
	next := kept.find(Next)
	next.State, next.Activated = Active, now
	return k.announce(kept, t, now)
}

// announce adds a next key.
func (k *Keyring) announce(kept *ringRecord, t Tenant, now time.Time) error {
	fresh, err := k.generate(t, Next, now)
	if err != nil {
		return fmt.Errorf("signing keys of tenant %q: %w", t.Name, err)
	}
	kept.Keys = append(kept.Keys, fresh)
	return nil
}
