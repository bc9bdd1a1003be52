package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func keyCommand() *cobra.Command {
	return addTenantFlag(group("key", "See and rotate the keys that sign access tokens",
		"Each tenant has one key that signs, one that is announced and signs next, and those that have signed and check tokens still.",
		keyListCommand(), keyRotateCommand(), keyDiscardCommand()))
}

// keyView is what may be seen of a signing key. These names are a promise to programs.
type keyView struct {
	Tenant    string     `json:"tenant"`
	ID        string     `json:"key_id"`
	Algorithm string     `json:"algorithm"`
	State     string     `json:"state"` // active, next or retired
	Created   time.Time  `json:"created"`
	Activated *time.Time `json:"activated"`
	Retired   *time.Time `json:"retired"`
	Until     *time.Time `json:"until"` // of a retired key: when it checks nothing any more
}

func keyListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the signing keys of a tenant",
		Args:  want(),
		RunE:  forTenant(func(_ context.Context, e *errand, _ []string) error { return e.showKeys() }),
	}
}

func (e *errand) showKeys() error {
	keys, err := e.desk.keys.List(e.tenant.Name)
	if err != nil {
		return err
	}
	views := []keyView{}
	var rows [][]string
	for _, k := range keys {
		views = append(views, keyView{Tenant: e.tenant.Name, ID: k.ID, Algorithm: string(k.Algorithm), State: string(k.State), Created: k.Created.UTC(),
			Activated: orNull(k.Activated), Retired: orNull(k.Retired), Until: orNull(k.Until)})
		rows = append(rows, []string{k.ID, string(k.Algorithm), string(k.State), e.when(k.Created, ""), e.when(k.Activated, ""), e.when(k.Retired, ""), e.when(k.Until, "")})
	}
	if e.json {
		return e.object(views)
	}
	return e.table("", []string{"KEY ID", "ALGORITHM", "STATE", "CREATED", "ACTIVATED", "RETIRED", "CHECKS UNTIL"}, rows)
}

func keyRotateCommand() *cobra.Command {
	var unannounced bool
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Let the announced key sign, and announce a new one",
		Long: `Rotate lets the announced key sign from now on, retires the one that did, and announces a new one. Tokens stay good. It
refuses until the announced key has been published for 15 minutes, because whoever checks tokens may hold a cached key
set for that long.

--unannounced does not wait: for a key that has leaked. Until others fetch the key set again they refuse the new
tokens, for up to 15 minutes. The leaked key checks tokens still: end that with key discard.`,
		Args: want(),
		RunE: forTenant(func(ctx context.Context, e *errand, _ []string) error {
			turn := e.desk.keys.Rotate
			if unannounced {
				err := e.confirm(ctx, fmt.Sprintf("For up to %d minutes whoever checks tokens of tenant %s with a cached key set will refuse the new ones.",
					keyring.MaxAge/time.Minute, e.tenant.Name))
				if err != nil {
					return err
				}
				turn = e.desk.keys.RotateUnannounced
			}
			if err := e.changeKeys(ctx, func() error { return turn(ctx, e.tenant.Name, e.by) }); err != nil {
				return err
			}
			return e.showKeys()
		}),
	}
	cmd.Flags().BoolVar(&unannounced, "unannounced", false, "do not wait until verifiers have seen the next key: for a key that has leaked")
	return addYes(cmd)
}

func keyDiscardCommand() *cobra.Command {
	return addYes(&cobra.Command{
		Use:               "discard KEY-ID",
		Short:             "Take a retired key away: tokens it signed are worth nothing",
		Args:              want("KEY-ID"),
		ValidArgsFunction: completeFirst(completeRetiredKeys),
		RunE: forTenant(func(ctx context.Context, e *errand, args []string) error {
			if err := e.retiredKey(args[0]); err != nil {
				return err
			}
			err := e.confirm(ctx, fmt.Sprintf("Every token of tenant %s that key %s has signed will be refused at once.", e.tenant.Name, args[0]))
			if err != nil {
				return err
			}
			if err := e.changeKeys(ctx, func() error { return e.desk.keys.Discard(ctx, e.tenant.Name, args[0], e.by) }); err != nil {
				return err
			}
			return e.showKeys()
		}),
	})
}

// retiredKey says what is wrong with a key that cannot be discarded.
func (e *errand) retiredKey(id string) error {
	keys, err := e.desk.keys.List(e.tenant.Name)
	if err != nil {
		return err
	}
	var retired []string
	for _, k := range keys {
		if k.State == keyring.Retired {
			retired = append(retired, k.ID)
		}
		switch {
		case k.ID != id:
		case k.State == keyring.Retired:
			return nil
		default:
			return fmt.Errorf("key %s is %s and only a retired key can be discarded: rotate first", id, k.State)
		}
	}
	return fmt.Errorf("tenant %s has no retired key %q; it has %s", e.tenant.Name, id, orElse(strings.Join(retired, ", "), "none"))
}

// changeKeys changes keys and tells running servers. The note goes out first as well: it is heard again for some seconds, so a crash
// in between leaves no server signing with a key that is retired.
func (e *errand) changeKeys(ctx context.Context, change func() error) error {
	if err := e.announceKeys(ctx); err != nil {
		return err
	}
	err := change()
	if refusal := oauth.AsError(err); refusal != nil && refusal.RetryAfter > 0 {
		return fmt.Errorf("the announced key may sign from %s on: whoever checks tokens may hold a key set without it until then; for a key that has leaked there is --unannounced",
			e.when(e.desk.now().Add(refusal.RetryAfter).Truncate(time.Second), ""))
	}
	if errors.Is(err, store.ErrConflict) {
		return errors.New("somebody else changed the keys at this moment and nothing was changed here: look with key list, then try again")
	}
	if err != nil {
		return err
	}
	if err := e.announceKeys(ctx); err != nil {
		return fmt.Errorf("the keys have changed, but running servers could not be told (send them SIGHUP): %w", err)
	}
	return nil
}

func (e *errand) announceKeys(ctx context.Context) error {
	note := registry.Announce(store.Record{Tenant: e.tenant.Name, Kind: store.Key}, e.desk.now())
	if err := e.desk.store.Put(ctx, note); err != nil {
		return fmt.Errorf("tell running servers: %w", err)
	}
	return nil
}

func completeRetiredKeys(cmd *cobra.Command, s *settings) (names []string) {
	completedDesk(cmd, s, func(_ context.Context, d *desk, tenant string) {
		keys, err := d.keys.List(tenant)
		for _, k := range keys {
			if err == nil && k.State == keyring.Retired {
				names = append(names, k.ID)
			}
		}
	})
	return names
}
