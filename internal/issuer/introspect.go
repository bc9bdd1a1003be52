package issuer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// access is an access token of ours that has not expired, and what is kept of it.
type access struct {
	oauth.Introspection
	rec store.Record // of an opaque one
	row row
}

// Introspect says what is known about an opaque access token (RFC 7662, section 2.2): whether it was issued here, has not expired, been
// revoked or died with its chain, and whether those it speaks for still may act. An error is always a fault of ours.
func (i *Issuer) Introspect(ctx context.Context, tenant, token string) (oauth.Introspection, error) {
	t, known := i.Registry.Tenant(tenant)
	if !known {
		return oauth.Introspection{}, nil
	}
	a, err := i.readOpaque(ctx, t, token)
	return i.judge(ctx, t, a, err)
}

// IntrospectText says what is known about an access token of any form, for whoever runs the tenant. An error is a fault of ours, or
// says that there is no such tenant.
func (i *Issuer) IntrospectText(ctx context.Context, tenant, token string) (oauth.Introspection, error) {
	t, known := i.Registry.Tenant(tenant)
	if !known {
		return oauth.Introspection{}, noTenant(tenant)
	}
	a, err := i.read(ctx, t, token)
	return i.judge(ctx, t, a, err)
}

// read finds an access token by its text, or nil: what is not ours or has expired is nothing.
func (i *Issuer) read(ctx context.Context, t *registry.Tenant, token string) (*access, error) {
	if strings.IndexByte(token, '.') >= 0 { // no opaque token of ours has one
		return i.readJWT(t, token)
	}
	return i.readOpaque(ctx, t, token)
}

func (i *Issuer) readOpaque(ctx context.Context, t *registry.Tenant, token string) (*access, error) {
	form := oauth.Opaque
	id, ok := secret.ParseToken(token, accessPrefix)
	if !ok {
		form = oauth.UUID
		id, ok = i.uuids.Parse(token)
	}
	if !ok {
		return nil, nil
	}
	rec, err := i.Store.Get(ctx, t.Name, store.Token, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, unavailable("look for the token", err)
	}
	r, err := readRow(rec.Body)
	if err != nil {
		return nil, fmt.Errorf("token %s cannot be read: %w", id, err)
	}
	if !secret.Matches(r.Digest, token) { // the whole text counts, not the id alone
		return nil, nil
	}
	return &access{rec: rec, row: r, Introspection: oauth.Introspection{Form: form, ID: strings.Clone(id), Issuer: t.Issuer, Subject: r.Subject,
		ClientID: r.Client, Username: r.Username, Name: r.Name, Scope: r.Scope, Permissions: r.Permissions, Audience: r.Audience,
		IssuedAt: r.Issued, Expires: rec.Expires, Family: r.Family}}, nil
}

// judge says whether a token that was found is active.
func (i *Issuer) judge(ctx context.Context, t *registry.Tenant, a *access, err error) (oauth.Introspection, error) {
	inactive := oauth.Introspection{}
	if err != nil || a == nil || !a.row.Revoked.IsZero() || i.takenBack(t.Name, a) {
		return inactive, err
	}
	if a.row.Family != "" {
		if ended, err := i.endedWith(ctx, t.Name, &a.row); err != nil || ended {
			return inactive, err
		}
	}
	if err := i.Alive(ctx, t.Name, a.ClientID, a.Subject, a.IssuedAt); oauth.AsError(err) != nil {
		return inactive, nil
	} else if err != nil {
		return inactive, err
	}
	a.Active = true
	return a.Introspection, nil
}

// takenBack reports whether guards refuse the token: what they refuse is not active here.
func (i *Issuer) takenBack(tenant string, a *access) bool {
	set := i.Feed.Set(tenant)
	if set.Len() == 0 {
		return false
	}
	names := revocation.NamesOf(a.ID, a.Family, a.ClientID, a.Subject, a.KeyID)
	_, refused := set.Refuses(&names, a.IssuedAt)
	return refused
}

// endedWith reports whether the chain a token came from was ended after it was issued.
func (i *Issuer) endedWith(ctx context.Context, tenant string, r *row) (bool, error) {
	f, err := i.readFamily(ctx, tenant, r.Family)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil // the chain ran out; its last access token may outlive it
	case err != nil:
		return false, unavailable("look for the chain of the token", err)
	}
	return !f.Ended.IsZero() && !r.Issued.After(f.Ended), nil
}

// Alive checks that those whom a token speaks for may still act: a disabled tenant, client or user is refused at once, whatever the
// token says of its expiry. The error is an *oauth.Error when it is dead, else a fault of ours.
func (i *Issuer) Alive(ctx context.Context, tenant, clientID, subject string, issued time.Time) error {
	t, ok := i.Registry.Tenant(tenant)
	switch {
	case !ok || t.Disabled:
		return dead(oauth.TokenTenantGone, "tenant %q is disabled or gone", tenant)
	case !issued.After(i.Feed.NotBefore(tenant)):
		return dead(oauth.TokenBeforeTenant, "the token was issued before all tokens of tenant %s were taken back", tenant)
	}
	if !oauth.IsLabel(clientID) {
		c, err := i.Registry.Client(ctx, tenant, clientID)
		switch {
		case errors.Is(err, registry.ErrNotFound):
			return dead(oauth.TokenClientGone, "client %.64q is not registered", clientID)
		case err != nil:
			return unavailable("look for the client of a token", err)
		case c.Barred(i.Now()) != "":
			return dead(oauth.TokenClientGone, "client %s: %s", c.ID, c.Barred(i.Now()))
		case !issued.After(c.NotBefore):
			return dead(oauth.TokenBeforeClient, "the token was issued before client %s was disabled or its tokens were taken back", c.ID)
		}
	}
	if subject == clientID {
		return nil
	}
	u, err := i.Registry.User(ctx, tenant, subject)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return dead(oauth.TokenUserGone, "user %.64q is not registered", subject)
	case err != nil:
		return unavailable("look for the user of a token", err)
	case u.Barred() != "":
		return dead(oauth.TokenUserGone, "user %s: %s", u.ID, u.Barred())
	case !issued.After(u.NotBefore):
		return dead(oauth.TokenBeforeUser, "the token was issued before user %s was disabled, changed the password or was signed out", u.ID)
	}
	return nil
}

func dead(kind oauth.Case, reason string, args ...any) error {
	return oauth.Refuse(kind, "The access token is invalid or expired.", reason, args...)
}
