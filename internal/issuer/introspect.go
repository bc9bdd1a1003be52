package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Introspect says what is known about an opaque access token (RFC 7662, section 2.2): whether it was issued here, has not expired or
// died with its chain, and whether those it speaks for still may act. An error is always a fault of ours.
func (i *Issuer) Introspect(ctx context.Context, tenant, token string) (oauth.Introspection, error) {
	inactive := oauth.Introspection{}
	form := oauth.Opaque
	id, ok := secret.ParseToken(token, accessPrefix)
	if !ok {
		form = oauth.UUID
		id, ok = i.uuids.Parse(token)
	}
	t, known := i.Registry.Tenant(tenant)
	if !ok || !known {
		return inactive, nil
	}
	rec, err := i.Store.Get(ctx, tenant, store.Token, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return inactive, nil
	case err != nil:
		return inactive, unavailable("look for the token", err)
	}
	var r row
	if err := json.Unmarshal(rec.Body, &r); err != nil {
		return inactive, fmt.Errorf("token %s cannot be read: %w", id, err)
	}
	if !secret.Matches(r.Digest, token) { // the whole text counts, not the id alone
		return inactive, nil
	}
	if r.Family != "" {
		if ended, err := i.endedWith(ctx, tenant, &r); err != nil || ended {
			return inactive, err
		}
	}
	if err := i.Alive(ctx, tenant, r.Client, r.Subject, r.Issued); oauth.AsError(err) != nil {
		return inactive, nil
	} else if err != nil {
		return inactive, err
	}
	return oauth.Introspection{Active: true, Form: form, ID: strings.Clone(id), Issuer: t.Issuer, Subject: r.Subject, ClientID: r.Client, Username: r.Username,
		Name: r.Name, Scope: r.Scope, Permissions: r.Permissions, Audience: r.Audience, IssuedAt: r.Issued, Expires: rec.Expires}, nil
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
	if !ok || t.Disabled {
		return dead("tenant %q is disabled or gone", tenant)
	}
	if !oauth.IsLabel(clientID) {
		c, err := i.Registry.Client(ctx, tenant, clientID)
		switch {
		case errors.Is(err, registry.ErrNotFound):
			return dead("client %.64q is not registered", clientID)
		case err != nil:
			return unavailable("look for the client of a token", err)
		case c.Barred(i.Now()) != "":
			return dead("client %s: %s", c.ID, c.Barred(i.Now()))
		case !issued.After(c.NotBefore):
			return dead("the token was issued before client %s was disabled", c.ID)
		}
	}
	if subject == clientID {
		return nil
	}
	u, err := i.Registry.User(ctx, tenant, subject)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return dead("user %.64q is not registered", subject)
	case err != nil:
		return unavailable("look for the user of a token", err)
	case u.Barred() != "":
		return dead("user %s: %s", u.ID, u.Barred())
	case !issued.After(u.NotBefore):
		return dead("the token was issued before user %s was disabled or changed the password", u.ID)
	}
	return nil
}

func dead(reason string, args ...any) error {
	return oauth.Refuse(oauth.InvalidToken, "The access token is invalid or expired.", reason, args...)
}
