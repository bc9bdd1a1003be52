package main

import (
	"context"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// ownTokens says how a tenant's access tokens are checked where they are issued: JWTs by its own keys, opaque ones by the store, both by
// what has been taken back and by who is still there.
func (b *booth) ownTokens(t *registry.Tenant) (bearer.Options, error) {
	tenant := t.Name
	return bearer.Options{
		Issuer: t.Issuer,
		Keys: func(kid string) (bearer.Key, bool) {
			k, ok := b.desk.keys.Key(tenant, kid)
			return bearer.Key{ID: k.ID, Algorithm: string(k.Algorithm), Public: k.Key}, ok
		},
		Opaque: func(ctx context.Context, text string) (*bearer.Token, error) {
			in, err := b.issuer.Introspect(ctx, tenant, text)
			if err != nil {
				return nil, err
			}
			if !in.Active {
				return nil, oauth.Refuse(oauth.InactiveToken, "The access token is invalid or expired.", "no such opaque token, or it expired or died with its chain")
			}
			return bearerToken(&in), nil
		},
		Alive: func(ctx context.Context, tok *bearer.Token) error {
			return b.alive(ctx, tenant, tok)
		},
		Revocations: b.desk.feed.Set(tenant),
		Stale:       func(time.Duration) { b.stale.Add(1) },
		Now:         b.now,
	}, nil
}

// alive asks whether those whom a token speaks for may still act. A JWT is good by itself: when the store cannot be asked, it stays
// good until it expires.
func (b *booth) alive(ctx context.Context, tenant string, tok *bearer.Token) error {
	err := b.issuer.Alive(ctx, tenant, tok.ClientID, tok.Subject, tok.IssuedAt)
	if err != nil && oauth.AsError(err) == nil {
		b.stale.Add(1)
		return nil
	}
	return err
}

func bearerToken(in *oauth.Introspection) *bearer.Token {
	return &bearer.Token{Issuer: in.Issuer, ID: in.ID, Subject: in.Subject, ClientID: in.ClientID, Username: in.Username, Name: in.Name,
		Scope: in.Scope, Permissions: in.Permissions, Audience: in.Audience, IssuedAt: in.IssuedAt, Expires: in.Expires}
}
