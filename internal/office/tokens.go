package office

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// lookFor is how long a search looks when whoever asks does not say: a page is never slower than people notice.
const lookFor = 40 * time.Millisecond

// Chains returns a page of the chains of refresh tokens, and where to go on: "" at the end.
func (d *Desk) Chains(ctx context.Context, q issuer.TokenSearch) (page []issuer.Chain, next string, err error) {
	if err := d.may(operator.ReadTokens); err != nil {
		return nil, "", err
	}
	return d.office.Issuer.Chains(ctx, d.tenant, bounded(q))
}

// Opaque returns a page of the opaque access tokens that are kept, and where to go on: "" at the end.
func (d *Desk) Opaque(ctx context.Context, q issuer.TokenSearch) (page []issuer.Kept, next string, err error) {
	if err := d.may(operator.ReadTokens); err != nil {
		return nil, "", err
	}
	return d.office.Issuer.Opaque(ctx, d.tenant, bounded(q))
}

func bounded(q issuer.TokenSearch) issuer.TokenSearch {
	if q.Budget <= 0 {
		q.Budget = lookFor
	}
	return q
}

// Introspect says what is known about an access token of any form.
func (d *Desk) Introspect(ctx context.Context, text oauth.Secret) (oauth.Introspection, error) {
	if err := d.may(operator.ReadTokens); err != nil {
		return oauth.Introspection{}, err
	}
	return d.office.Issuer.IntrospectText(ctx, d.tenant, text.Reveal())
}

// RevokeToken takes back an access token alone, or a refresh token with its whole chain. The zero Revoked: it was worth nothing before.
func (d *Desk) RevokeToken(ctx context.Context, text oauth.Secret) (issuer.Revoked, error) {
	if err := d.may(operator.RevokeTokens); err != nil {
		return issuer.Revoked{}, err
	}
	return d.office.Issuer.RevokeText(ctx, d.who.By, d.tenant, text.Reveal())
}

// RevokeID takes back an opaque access token or a chain of refresh tokens by its id. The zero Revoked: it was worth nothing before.
func (d *Desk) RevokeID(ctx context.Context, kind revocation.Kind, id string) (issuer.Revoked, error) {
	if err := d.may(operator.RevokeTokens); err != nil {
		return issuer.Revoked{}, err
	}
	return d.office.Issuer.RevokeID(ctx, d.who.By, d.tenant, kind, id)
}

// RevokeAll takes back every token that the tenant has issued so far. Clients and users may ask for new ones.
func (d *Desk) RevokeAll(ctx context.Context) error {
	if err := d.may(operator.RevokeAll); err != nil {
		return err
	}
	return d.office.Issuer.RevokeTenant(ctx, d.who.By, d.tenant)
}

// Keys returns the public halves of the signing keys: the active one, the next one, and the retired ones from the latest on.
func (d *Desk) Keys() ([]keyring.Public, error) {
	if err := d.may(operator.ReadKeys); err != nil {
		return nil, err
	}
	return d.office.Keys.List(d.tenant)
}

// RotateKeys lets the next key sign. It is refused, with an *oauth.Error that says how long to wait, while somebody may not have seen that
// key yet, unless unannounced: then such a guard refuses its tokens until it has.
func (d *Desk) RotateKeys(ctx context.Context, unannounced bool) error {
	if err := d.may(operator.RotateKeys); err != nil {
		return err
	}
	rotate := d.office.Keys.Rotate
	if unannounced {
		rotate = d.office.Keys.RotateUnannounced
	}
	if err := rotate(ctx, d.tenant, d.who.By); !errors.Is(err, store.ErrConflict) {
		return err
	}
	return ErrChanged
}

// WithdrawKey takes a key away that somebody else may have: every token it signed is worth nothing from now on.
func (d *Desk) WithdrawKey(ctx context.Context, kid string) error {
	if err := d.may(operator.WithdrawKeys); err != nil {
		return err
	}
	if _, known := d.office.Keys.Key(d.tenant, kid); !known {
		return fmt.Errorf("key %.64q of tenant %s: %w", kid, d.tenant, registry.ErrNotFound)
	}
	if err := d.office.Keys.Withdraw(ctx, d.tenant, kid, d.who.By); !errors.Is(err, store.ErrConflict) {
		return err
	}
	return ErrChanged
}
