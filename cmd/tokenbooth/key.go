package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func keyCommand() *cobra.Command {
	return addDeskFlags(group("key", "See and rotate the keys that sign access tokens",
		"Each tenant has one key that signs, one that is announced and signs next, and those that have signed and check tokens still.",
		keyListCommand(), keyRotateCommand(), keyWithdrawCommand()))
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
	keys, err := e.Keys()
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
tokens, for up to 15 minutes. The key that did sign checks tokens still: end that with key withdraw, which does both
where a key has leaked.`,
		Args: want(),
		RunE: forTenant(func(ctx context.Context, e *errand, _ []string) error {
			if unannounced {
				err := e.confirm(ctx, fmt.Sprintf("For up to %d minutes whoever checks tokens of tenant %s with a cached key set will refuse the new ones.",
					keyring.MaxAge/time.Minute, e.tenant.Name))
				if err != nil {
					return err
				}
			}
			if err := e.changeKeys(func() error { return e.RotateKeys(ctx, unannounced) }); err != nil {
				return err
			}
			return e.showKeys()
		}),
	}
	cmd.Flags().BoolVar(&unannounced, "unannounced", false, "do not wait until verifiers have seen the next key: for a key that has leaked")
	return addYes(cmd)
}

func keyWithdrawCommand() *cobra.Command {
	return addYes(&cobra.Command{
		Use:   "withdraw KEY-ID",
		Short: "Take a key back: tokens it signed are worth nothing, everywhere within seconds",
		Long: `Withdraw is for a key that has leaked. Every token it has signed is refused from now on: here at once, by gateways and APIs
that follow the revocation feed within seconds, by others when they fetch the key set again. When it is the key that
signs, the announced one takes its place at once. tokenbooth key list has the ids.`,
		Example:           "  tokenbooth key withdraw -t acme -- 6__TsCE2aJHpWLrxhRn9bgMKb9ukEWGBn0j7lR2Mqyg",
		Args:              want("KEY-ID"),
		ValidArgsFunction: completeFirst(completeKeys),
		RunE: forTenant(func(ctx context.Context, e *errand, args []string) error {
			if err := e.knownKey(args[0]); err != nil {
				return err
			}
			err := e.confirm(ctx, fmt.Sprintf("Every token of tenant %s that key %s has signed will be refused at once.", e.tenant.Name, args[0]))
			if err != nil {
				return err
			}
			if err := e.changeKeys(func() error { return e.WithdrawKey(ctx, args[0]) }); err != nil {
				return err
			}
			return e.showKeys()
		}),
	})
}

// knownKey says what is wrong with a key id.
func (e *errand) knownKey(id string) error {
	keys, err := e.Keys()
	if err != nil {
		return err
	}
	var ids []string
	for _, k := range keys {
		if k.ID == id {
			return nil
		}
		ids = append(ids, k.ID)
	}
	return fmt.Errorf("tenant %s has no key %q; it has %s", e.tenant.Name, id, strings.Join(ids, ", "))
}

// changeKeys changes keys, and says why they could not be.
func (e *errand) changeKeys(change func() error) error {
	err := change()
	if refusal := oauth.AsError(err); refusal != nil && refusal.RetryAfter > 0 {
		return fmt.Errorf("the announced key may sign from %s on: whoever checks tokens may hold a key set without it until then; for a key that has leaked there is key withdraw",
			e.when(e.now.Add(refusal.RetryAfter).Truncate(time.Second), ""))
	}
	if errors.Is(err, store.ErrConflict) {
		return errors.New("somebody else changed the keys at this moment and nothing was changed here: look with key list, then try again")
	}
	return err
}

func completeKeys(cmd *cobra.Command, s *settings) (names []string) {
	completedDesk(cmd, s, func(_ context.Context, d *desk, tenant string) {
		keys, err := d.keys.List(tenant)
		for _, k := range keys {
			if err == nil {
				names = append(names, described(k.ID, string(k.State)))
			}
		}
	})
	return names
}
