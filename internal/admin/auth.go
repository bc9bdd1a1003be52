package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// maxToken is more than an access token of ours has, in bytes.
const maxToken = 16 << 10

// unsigned is the answer to whoever shows no token that counts here (RFC 6750, section 3).
func unsigned(detail, code string) error {
	challenge := `Bearer realm="tokenbooth"`
	if code != "" {
		challenge += `, error="` + code + `"`
	}
	return &refusal{kind: "not-signed-in", detail: detail, header: http.Header{"Www-Authenticate": {challenge}}}
}

// challenge adds to the challenge of a request without a token that counts where tokens for the tenant it names come from (RFC 9728,
// section 5.1).
func (a *api) challenge(h http.Header, r *http.Request) {
	name := tenantIn(r)
	if t, ok := a.Registry.Tenant(name); ok && t.OperatorsAPI && a.URL != "" {
		h.Set("Www-Authenticate", h.Get("Www-Authenticate")+`, resource_metadata="`+a.URL+MetadataPath(name)+`"`)
	}
}

// authenticate finds out who asks and fills in the call. tenant is the one that the path names, or nothing.
func (a *api) authenticate(r *http.Request, c *call, tenant string) error {
	token, err := bearerToken(r.Header.Values("Authorization"))
	if err != nil {
		return err
	}
	for _, t := range a.issuers(token, tenant) {
		seen, err := a.Issuer.IntrospectText(r.Context(), t.Name, token)
		if err != nil {
			return fmt.Errorf("look at the access token: %w", err)
		}
		if seen.Active {
			c.tenant = t.Name
			c.actor, err = a.actor(r.Context(), t, &seen)
			c.actor.RequestID, c.actor.Source = c.id, c.from.From()
			return err
		}
	}
	return unsigned("The access token is invalid or expired.", "invalid_token")
}

// bearerToken returns the token of an Authorization header (RFC 6750, section 2.1).
func bearerToken(values []string) (string, error) {
	if len(values) == 0 {
		return "", unsigned("Send Authorization: Bearer and an access token.", "")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimLeft(token, " ")
	switch {
	case len(values) > 1:
		return "", unsigned("Send one Authorization header.", "invalid_request")
	case !strings.EqualFold(scheme, "Bearer"):
		return "", unsigned("Send Authorization: Bearer and an access token.", "")
	case token == "" || len(token) > maxToken || strings.Trim(token, tokenCharacters) != "":
		return "", unsigned("The access token is malformed.", "invalid_token")
	}
	return token, nil
}

const tokenCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="

// issuers returns the tenants with an operators' API that may have issued a token: of a JWT the one it names, which is believed only
// once that one's key has checked it; of an opaque token any, the wanted one first.
func (a *api) issuers(token, wanted string) []*registry.Tenant {
	iss, signed := claimedIssuer(token)
	var all []*registry.Tenant
	for _, t := range a.Registry.Tenants() {
		switch {
		case !t.OperatorsAPI || signed && t.Issuer != iss:
		case t.Name == wanted:
			all = slices.Insert(all, 0, t)
		default:
			all = append(all, t)
		}
	}
	return all
}

// claimedIssuer returns what a JWT says its issuer is, unchecked, and whether the text is a JWT at all.
func claimedIssuer(token string) (iss string, signed bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", strings.Contains(token, ".") // no opaque token has a dot
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", true
	}
	var claims struct {
		Iss string `json:"iss"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return "", true
	}
	return claims.Iss, true
}

// actor says as whom the bearer of an active token acts: a client's program, in the role that both the token and the client as it is
// registered now give it.
func (a *api) actor(ctx context.Context, t *registry.Tenant, seen *oauth.Introspection) (operator.Actor, error) {
	audience := func(api registry.API) bool {
		return api.Name == registry.OperatorsAPIName && slices.Contains(seen.Audience, api.Audience)
	}
	if !slices.ContainsFunc(t.APIs, audience) {
		return operator.Actor{}, unsigned("The access token is not meant for the operators' API.", "invalid_token")
	}
	if seen.Subject != seen.ClientID || oauth.IsLabel(seen.ClientID) {
		return operator.Actor{}, fmt.Errorf("%w: the access token is a person's, and people sign in to the console", operator.ErrDenied)
	}
	client, err := a.Registry.Client(ctx, t.Name, seen.ClientID)
	if errors.Is(err, registry.ErrNotFound) {
		return operator.Actor{}, unsigned("The access token is invalid or expired.", "invalid_token")
	}
	if err != nil {
		return operator.Actor{}, fmt.Errorf("look for the client of the access token: %w", err)
	}
	carried := append(strings.Fields(seen.Scope), seen.Permissions...)
	held := func(permission string) bool {
		return slices.Contains(carried, permission) && slices.Contains(client.Permissions, permission)
	}
	actor := operator.Actor{By: "client:" + client.ID, Tenant: t.Name, Name: client.Name, Fresh: true, Roles: map[string]operator.Role{}}
	if role := firstRole(registry.OperatorsPrefix, held); role != "" {
		actor.Roles[t.Name] = role
	}
	if role := firstRole(registry.DeskPrefix, held); role != "" {
		actor.Roles[operator.All] = role
		actor.By, actor.Tenant = operator.ByProgram(t.Name, client.ID), ""
	}
	if len(actor.Roles) == 0 {
		return actor, fmt.Errorf("%w: the access token has no permission of the operators' API", operator.ErrDenied)
	}
	return actor, nil
}

// firstRole returns the first of the roles whose permission is held, or nothing: an actor has one at a place.
func firstRole(prefix string, held func(permission string) bool) operator.Role {
	for _, role := range operator.Roles() {
		if held(prefix + string(role)) {
			return role
		}
	}
	return ""
}
