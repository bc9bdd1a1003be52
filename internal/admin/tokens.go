package admin

import (
	"context"

	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// IntrospectToken answers what a token is.
func (a *api) IntrospectToken(ctx context.Context, in IntrospectTokenRequestObject) (IntrospectTokenResponseObject, error) {
	seen, err := a.desk(ctx, in.Tenant).Introspect(ctx, oauth.Secret(in.Body.Token))
	if err != nil {
		return nil, err
	}
	return IntrospectToken200JSONResponse{Active: seen.Active, Form: TokenForm(seen.Form), Id: seen.ID, Issuer: seen.Issuer, Subject: seen.Subject,
		ClientId: seen.ClientID, Username: seen.Username, Name: seen.Name, Scope: seen.Scope, Permissions: seen.Permissions, Audience: seen.Audience,
		Issued: utc(seen.IssuedAt), Expires: utc(seen.Expires), Chain: seen.Family, Key: seen.KeyID}, nil
}

// RevokeToken takes back a token by its text.
func (a *api) RevokeToken(ctx context.Context, in RevokeTokenRequestObject) (RevokeTokenResponseObject, error) {
	gone, err := a.desk(ctx, in.Tenant).RevokeToken(ctx, oauth.Secret(in.Body.Token))
	if err != nil {
		return nil, err
	}
	return RevokeToken200JSONResponse(revokedOut(gone)), nil
}

func revokedOut(r issuer.Revoked) Revoked {
	if r == (issuer.Revoked{}) {
		return Revoked{}
	}
	kind := Token
	if r.Kind == revocation.Family {
		kind = Family
	}
	return Revoked{Kind: kind, Id: r.ID, ClientId: r.ClientID, Subject: r.Subject}
}

// RevokeAllTokens takes back every token of the tenant.
func (a *api) RevokeAllTokens(ctx context.Context, in RevokeAllTokensRequestObject) (RevokeAllTokensResponseObject, error) {
	if err := a.desk(ctx, in.Tenant).RevokeAll(ctx); err != nil {
		return nil, err
	}
	return RevokeAllTokens204Response{}, nil
}

// ListChains answers a page of refresh chains.
func (a *api) ListChains(ctx context.Context, in ListChainsRequestObject) (ListChainsResponseObject, error) {
	p := in.Params
	name := list("listChains", in.Tenant, [2]string{p.Client, p.User})
	q, err := a.tokenSearch(name, p.Client, p.User, p.Cursor, p.Limit)
	if err != nil {
		return nil, err
	}
	page, next, err := a.desk(ctx, in.Tenant).Chains(ctx, q)
	if err != nil {
		return nil, err
	}
	out := ChainPage{Chains: []Chain{}, Next: a.cursor(name, next)}
	for _, c := range page {
		out.Chains = append(out.Chains, Chain{Id: c.ID, Client: c.Client, User: c.UserID, Username: c.Username, Scope: c.Scope, Started: utc(c.Started),
			Rotated: utc(c.Rotated), Expires: utc(c.Expires), Live: c.Live})
	}
	return ListChains200JSONResponse(out), nil
}

func (a *api) tokenSearch(list, client, user, cursor string, limit int) (issuer.TokenSearch, error) {
	size, err := pageSize(limit)
	if err != nil {
		return issuer.TokenSearch{}, err
	}
	after, err := a.after(list, cursor)
	return issuer.TokenSearch{Client: client, User: user, After: after, Limit: size}, err
}

// RevokeChain ends a refresh chain.
func (a *api) RevokeChain(ctx context.Context, in RevokeChainRequestObject) (RevokeChainResponseObject, error) {
	gone, err := a.desk(ctx, in.Tenant).RevokeID(ctx, revocation.Family, in.Chain)
	if err != nil {
		return nil, err
	}
	return RevokeChain200JSONResponse(revokedOut(gone)), nil
}

// ListOpaqueTokens answers a page of opaque access tokens.
func (a *api) ListOpaqueTokens(ctx context.Context, in ListOpaqueTokensRequestObject) (ListOpaqueTokensResponseObject, error) {
	p := in.Params
	name := list("listOpaqueTokens", in.Tenant, [2]string{p.Client, p.User})
	q, err := a.tokenSearch(name, p.Client, p.User, p.Cursor, p.Limit)
	if err != nil {
		return nil, err
	}
	page, next, err := a.desk(ctx, in.Tenant).Opaque(ctx, q)
	if err != nil {
		return nil, err
	}
	out := OpaquePage{Tokens: []OpaqueToken{}, Next: a.cursor(name, next)}
	for _, k := range page {
		out.Tokens = append(out.Tokens, OpaqueToken{Id: k.ID, Client: k.Client, Subject: k.Subject, Username: k.Username, Scope: k.Scope, Chain: k.Family,
			Issued: utc(k.Issued), Expires: utc(k.Expires), Revoked: k.Revoked})
	}
	return ListOpaqueTokens200JSONResponse(out), nil
}

// RevokeOpaqueToken takes back an opaque access token by its id.
func (a *api) RevokeOpaqueToken(ctx context.Context, in RevokeOpaqueTokenRequestObject) (RevokeOpaqueTokenResponseObject, error) {
	gone, err := a.desk(ctx, in.Tenant).RevokeID(ctx, revocation.Token, in.Token)
	if err != nil {
		return nil, err
	}
	return RevokeOpaqueToken200JSONResponse(revokedOut(gone)), nil
}

// ListKeys answers the public halves of the signing keys.
func (a *api) ListKeys(ctx context.Context, in ListKeysRequestObject) (ListKeysResponseObject, error) {
	keys, err := a.desk(ctx, in.Tenant).Keys()
	if err != nil {
		return nil, err
	}
	out := KeyList{Keys: []Key{}}
	if a.Fetches != nil {
		out.Fetches = a.Fetches(in.Tenant)
	}
	for i := range keys {
		out.Keys = append(out.Keys, keyOut(&keys[i]))
	}
	return ListKeys200JSONResponse(out), nil
}

func keyOut(k *keyring.Public) Key {
	return Key{Id: k.ID, Algorithm: string(k.Algorithm), State: KeyState(k.State), Created: utc(k.Created), Activated: utc(k.Activated),
		Retired: utc(k.Retired), Until: utc(k.Until)}
}

// RotateKeys lets the next key sign.
func (a *api) RotateKeys(ctx context.Context, in RotateKeysRequestObject) (RotateKeysResponseObject, error) {
	if err := a.desk(ctx, in.Tenant).RotateKeys(ctx, in.Body.Unannounced); err != nil {
		return nil, err
	}
	return RotateKeys204Response{}, nil
}

// WithdrawKey takes a key away.
func (a *api) WithdrawKey(ctx context.Context, in WithdrawKeyRequestObject) (WithdrawKeyResponseObject, error) {
	if err := a.desk(ctx, in.Tenant).WithdrawKey(ctx, in.Kid); err != nil {
		return nil, err
	}
	return WithdrawKey204Response{}, nil
}
