package admin

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// Introspect says what is known about an access token of any form.
func (r *Remote) Introspect(ctx context.Context, text oauth.Secret) (oauth.Introspection, error) {
	var seen Introspection
	err := r.do(ctx, request{method: http.MethodPost, path: []string{"tokens", "introspect"}, in: TokenText{Token: text.Reveal()}}, &seen)
	return oauth.Introspection{Active: seen.Active, Form: oauth.TokenForm(seen.Form), ID: seen.Id, Issuer: seen.Issuer, Subject: seen.Subject,
		ClientID: seen.ClientId, Username: seen.Username, Name: seen.Name, Scope: seen.Scope, Permissions: seen.Permissions, Audience: seen.Audience,
		IssuedAt: seen.Issued, Expires: seen.Expires, Family: seen.Chain, KeyID: seen.Key}, err
}

// RevokeToken takes back an access token alone, or a refresh token with its whole chain. The zero Revoked: it was worth nothing before.
func (r *Remote) RevokeToken(ctx context.Context, text oauth.Secret) (issuer.Revoked, error) {
	var out Revoked
	err := r.do(ctx, request{method: http.MethodPost, path: []string{"tokens", "revoke"}, in: TokenText{Token: text.Reveal()}}, &out)
	if err != nil || out == (Revoked{}) {
		return issuer.Revoked{}, err
	}
	kind := revocation.Token
	if out.Kind == Family {
		kind = revocation.Family
	}
	return issuer.Revoked{Kind: kind, ID: out.Id, ClientID: out.ClientId, Subject: out.Subject}, nil
}

// RevokeAll takes back every token that the tenant has issued so far, the one of this Remote among them.
func (r *Remote) RevokeAll(ctx context.Context) error {
	return r.do(ctx, request{method: http.MethodPost, path: []string{"tokens", "revoke-all"}}, nil)
}

// Keys returns what may be known of the signing keys, but for the keys themselves: the tenant's key set has those. It ends
// with the context of Dial.
func (r *Remote) Keys() ([]keyring.Public, error) {
	var out KeyList
	if err := r.do(r.ctx, request{method: http.MethodGet, path: []string{"keys"}}, &out); err != nil {
		return nil, err
	}
	keys := make([]keyring.Public, len(out.Keys))
	for i, k := range out.Keys {
		keys[i] = keyring.Public{ID: k.Id, Algorithm: keyring.Algorithm(k.Algorithm), State: keyring.State(k.State), Created: k.Created,
			Activated: k.Activated, Retired: k.Retired, Until: k.Until}
	}
	return keys, nil
}

// RotateKeys lets the next key sign.
func (r *Remote) RotateKeys(ctx context.Context, unannounced bool) error {
	return r.do(ctx, request{method: http.MethodPost, path: []string{"keys", "rotate"}, in: KeyRotation{Unannounced: unannounced}}, nil)
}

// WithdrawKey takes a key away that somebody else may have.
func (r *Remote) WithdrawKey(ctx context.Context, kid string) error {
	return r.do(ctx, request{method: http.MethodPost, path: []string{"keys", kid, "withdraw"}}, nil)
}

// Events returns a page of the audit record, the newest first, and what to go on from in Query.Before: as at the desk itself, the id of an
// event. A page is empty only at the end of the record: where a search of the server ran out of time without an event, it is taken up again.
func (r *Remote) Events(ctx context.Context, q audit.Query) (events []audit.Event, next string, more bool, err error) {
	return r.events(ctx, r.tenant, []string{tenantsPath, r.tenant, "events"}, q)
}

// events searches the record at a path: a tenant's or, for "", the desk's.
func (c *caller) events(ctx context.Context, tenant string, path []string, q audit.Query) (events []audit.Event, next string, more bool, err error) {
	query := asked("actor", q.ActorIs, "actor_prefix", q.Actor, "subject", q.Subject, "request_id", q.RequestID, "act", q.Act, "outcome", q.Outcome,
		"since", spell(q.Since), "until", spell(q.Until), "before", q.Before, "limit", page(q.Limit))
	for {
		var out EventPage
		if err := c.do(ctx, request{method: http.MethodGet, path: path, query: query}, &out); err != nil {
			return nil, "", false, err
		}
		for i := range out.Events {
			events = append(events, eventIn(tenant, &out.Events[i]))
		}
		switch {
		case out.Next == "":
			return events, "", out.More, nil
		case len(events) > 0:
			return events, events[len(events)-1].ID, out.More, nil
		}
		query.Set("cursor", out.Next)
	}
}

func spell(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// eventIn is an event of the contract as the rest of the product has it.
func eventIn(tenant string, e *Event) audit.Event {
	return audit.Event{ID: e.Id, Tenant: tenant, Time: e.Time, Act: e.Act, Actor: e.Actor, Subject: e.Subject, Outcome: string(e.Outcome), Reason: e.Reason,
		RequestID: e.RequestId, Source: e.Source, Detail: e.Detail, Changes: as[[]audit.Change](e.Changes)}
}

// Event returns one event by its id.
func (r *Remote) Event(ctx context.Context, id string) (audit.Event, error) {
	var out Event
	if err := r.do(ctx, request{method: http.MethodGet, path: []string{"events", id}}, &out); err != nil {
		return audit.Event{}, err
	}
	return eventIn(r.tenant, &out), nil
}

// Explain returns what is known about the request of that id.
func (r *Remote) Explain(ctx context.Context, requestID string) (office.Explanation, error) {
	var out Explanation
	if err := r.do(ctx, request{method: http.MethodGet, path: []string{"explain", requestID}}, &out); err != nil {
		return office.Explanation{}, err
	}
	var known office.Explanation
	if out.Event.Id != "" {
		e := eventIn(r.tenant, &out.Event)
		known.Event = &e
	}
	if i := &out.Issuance; i.RequestId != "" {
		known.Issuance = &audit.Issuance{Time: i.Time, Tenant: r.tenant, RequestID: i.RequestId, Dialect: i.Dialect, Grant: i.Grant, ClientID: i.ClientId,
			Subject: i.Subject, Scope: i.Scope, TokenID: i.TokenId, Expires: i.Expires}
		if i.Source != "" {
			var err error
			if known.Issuance.Source, err = netip.ParseAddr(i.Source); err != nil {
				return office.Explanation{}, unreadableAnswer(err)
			}
		}
	}
	return known, nil
}
