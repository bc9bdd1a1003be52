package keyring

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// maxTries is how often a withdrawal reads again when somebody else has changed the keys meanwhile: it cannot wait for a person.
const maxTries = 5

// Withdraw takes a key away that somebody else may have: every token it signed, or will have signed, is worth nothing from now on, in
// this process at once and wherever the feed is followed within seconds. An active key is replaced by the next one on the spot, even when
// verifiers may not have seen that yet; a next one by a fresh next. By says who wanted it. A key that the tenant does not have is an
// *oauth.Error.
func (k *Keyring) Withdraw(ctx context.Context, tenant, kid, by string) error {
	for try := 1; ; try++ {
		err := k.edit(ctx, tenant, func(kept *ringRecord, t Tenant, now time.Time) (deed, error) {
			return k.withdraw(kept, t, kid, by, now)
		})
		if !errors.Is(err, store.ErrConflict) || try == maxTries {
			return err
		}
	}
}

func (k *Keyring) withdraw(kept *ringRecord, t Tenant, kid, by string, now time.Time) (deed, error) {
	i := slices.IndexFunc(kept.Keys, func(r keyRecord) bool { return r.ID == kid })
	if i < 0 {
		return deed{}, oauth.Refuse(oauth.UnknownKeyToWithdraw, "There is no such key.", "tenant %q has no key %q", t.Name, kid)
	}
	was := kept.Keys[i].State
	kept.Keys = slices.Delete(kept.Keys, i, i+1)
	var err error
	switch was {
	case Active:
		err = k.promote(kept, t, now)
	case Next:
		err = k.announce(kept, t, now)
	}
	if err != nil {
		return deed{}, err
	}
	// What it signed up to now lives that long, and so may a key set with it.
	taken := feed.Revocation{Tenant: t.Name, Kind: revocation.Key, ID: kid, Until: now.Add(t.Retain + MaxAge + feed.Slack)}
	detail := map[string]string{"was": string(was), "active": kept.find(Active).ID, "next": kept.find(Next).ID}
	return deed{"key.withdraw", by, kid, detail, &taken}, nil
}
