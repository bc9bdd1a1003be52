package keyring

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Rotate makes the tenant's next key sign, retires the one that did, and announces a new one. By says who wanted it. It refuses as
// long as somebody may hold a cached key set without the next key. If another process changed the keys at the same moment, the
// error is store.ErrConflict and nothing has happened.
func (k *Keyring) Rotate(ctx context.Context, tenant, by string) error {
	return k.edit(ctx, tenant, func(kept *ringRecord, t Tenant, now time.Time) (deed, error) {
		if ready := kept.find(Next).Created.Add(MaxAge); now.Before(ready) {
			refusal := oauth.Refuse(oauth.InvalidRequest,
				"The next key has not been published long enough: a verifier with a cached key set would refuse its tokens.",
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

// Discard takes a retired key away before its time: every token it signed is worth nothing from then on, as far as verifiers do not
// hold a cached key set.
func (k *Keyring) Discard(ctx context.Context, tenant, kid, by string) error {
	return k.edit(ctx, tenant, func(kept *ringRecord, _ Tenant, _ time.Time) (deed, error) {
		i := slices.IndexFunc(kept.Keys, func(r keyRecord) bool { return r.ID == kid })
		switch {
		case i < 0:
			return deed{}, oauth.Refuse(oauth.InvalidRequest, "There is no such key.", "tenant %q has no key %q", tenant, kid)
		case kept.Keys[i].State != Retired:
			return deed{}, oauth.Refuse(oauth.InvalidRequest, "Only a retired key can be discarded: rotate first.",
				"key %q of tenant %q is %s", kid, tenant, kept.Keys[i].State)
		}
		kept.Keys = slices.Delete(kept.Keys, i, i+1)
		return deed{"key.discard", by, kid, nil}, nil
	})
}

// deed is what the audit record will say.
type deed struct {
	act, by, kid string
	detail       map[string]string
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
	old, next := kept.find(Active), kept.find(Next)
	if err := k.retire(old, t, now); err != nil {
		return deed{}, fmt.Errorf("signing keys of tenant %q: %w", t.Name, err)
	}
	next.State, next.Activated = Active, now
	fresh, err := k.generate(t, Next, now)
	if err != nil {
		return deed{}, fmt.Errorf("signing keys of tenant %q: %w", t.Name, err)
	}
	d := deed{act, by, next.ID, map[string]string{"retired": old.ID, "next": fresh.ID}}
	kept.Keys = append(kept.Keys, fresh)
	return d, nil
}
