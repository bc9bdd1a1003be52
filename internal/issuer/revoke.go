package issuer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// How long what was taken back is remembered.
const (
	skew        = time.Minute             // beyond the expiry of the last token: clocks differ
	longestLife = 400*24*time.Hour + skew // of a chain of refresh tokens, which no dialect may exceed
	keepRevoked = audit.KeepRefusals      // the event of a token that its own client took back
)

// Revoked is what was taken back. The zero Revoked: nothing was there to be taken back.
type Revoked struct {
	Kind     revocation.Kind // Token, or Family: a chain of refresh tokens with all access tokens that came from it
	ID       string          // jti, or sid
	ClientID string
	Subject  string
}

// Revoke takes back a token of the client that asks (RFC 7009): an access token alone, a refresh token with its whole chain and all access
// tokens that came from it. What is unknown, expired or somebody else's is no error (section 2.2). nil is returned only when it is
// durable; the error is an *oauth.Error when the client is refused, else a fault of ours.
func (i *Issuer) Revoke(ctx context.Context, q oauth.TokenQuery) error {
	who, err := i.authenticate(ctx, &q.Asker, asClient)
	if refusal := oauth.AsError(err); refusal != nil {
		i.NoteAsked(RevokeRefused, &q.Asker, refusal)
	}
	if err != nil {
		return err
	}
	_, err = i.revoke(ctx, who.tenant, q.Token.Reveal(), &revoker{by: "client:" + who.id, owner: who.id, asker: q.Asker})
	if refusal := oauth.AsError(err); refusal != nil {
		i.NoteAsked(RevokeRefused, &q.Asker, refusal)
	}
	return err
}

// RevokeText takes back a token of any client, as Revoke does, and says what it was. by is who does it. An error says that nothing is
// certain, or that there is no such tenant.
func (i *Issuer) RevokeText(ctx context.Context, by, tenant, token string) (Revoked, error) {
	t, known := i.Registry.Tenant(tenant)
	if !known {
		return Revoked{}, noTenant(tenant)
	}
	return i.revoke(ctx, t, token, &revoker{by: by})
}

// RevokeTenant takes back every token of a tenant that was issued so far: access tokens, and chains of refresh tokens with all that would
// come from them. Clients and users may ask for new ones. by is who does it.
func (i *Issuer) RevokeTenant(ctx context.Context, by, tenant string) error {
	if _, known := i.Registry.Tenant(tenant); !known {
		return noTenant(tenant)
	}
	for {
		now := i.Now()
		all := feed.Revocation{Tenant: tenant, Kind: revocation.Issuer, Before: now, Until: now.Add(longestLife)}
		switch before, err := i.Store.Get(ctx, tenant, store.Revocation, feed.IssuerRecord); {
		case err == nil:
			all.Rev = before.Rev
			if err := i.Feed.Heard(ctx, store.Revocation, tenant, feed.IssuerRecord); err != nil {
				return unavailable("look for what the tenant took back before", err)
			}
			if last := i.Feed.NotBefore(tenant); last.After(now) { // by another clock; it never moves back
				all.Before, all.Until = last, last.Add(longestLife)
			}
		case !errors.Is(err, store.ErrNotFound):
			return unavailable("look for what the tenant took back before", err)
		}
		err := i.takeBack(ctx, all, audit.Record(audit.Done(ctx, now, audit.Event{Tenant: tenant, Act: "tenant.revoke-tokens",
			Actor: by, Subject: "tenant:" + tenant})))
		if !errors.Is(err, store.ErrConflict) { // somebody else did the same at this moment, perhaps before some token was issued
			return err
		}
	}
}

func noTenant(name string) error { return fmt.Errorf("tenant %q: %w", name, registry.ErrNotFound) }

// revoker is who takes a token back.
type revoker struct {
	by    string
	owner string      // whose tokens alone it may take back; empty: anybody's
	asker oauth.Asker // what the surface knows of it
}

// revoke takes a token back. Whoever loses a race for its record looks again.
func (i *Issuer) revoke(ctx context.Context, t *registry.Tenant, token string, who *revoker) (Revoked, error) {
	take := i.revokeAccess
	if _, _, ok := secret.ParseRefresh(token); ok {
		take = i.revokeChain
	}
	for attempt := 1; ; attempt++ {
		what, err := take(ctx, t, token, who)
		switch {
		case err == nil:
			return what, nil
		case !errors.Is(err, store.ErrConflict):
			return Revoked{}, err
		case attempt == maxAttempts:
			return Revoked{}, unavailable("revoke the token", err)
		}
	}
}

// revokeAccess takes an access token back: by its row, where it has one, and for guards by its id.
func (i *Issuer) revokeAccess(ctx context.Context, t *registry.Tenant, token string, who *revoker) (Revoked, error) {
	a, err := i.read(ctx, t, token)
	switch {
	case err != nil:
		return Revoked{}, err
	case a == nil || !who.mayRevoke(a.ClientID):
		return Revoked{}, nil
	case !a.row.Revoked.IsZero() || a.Form == oauth.JWT && i.Feed.Set(t.Name).Has(revocation.NameOf(revocation.Token, a.ID)):
		return Revoked{}, nil
	}
	what := Revoked{revocation.Token, a.ID, a.ClientID, a.Subject}
	var keep []store.Record
	if a.Form != oauth.JWT {
		a.row.Revoked = i.Now()
		a.rec.Body = a.row.body()
		keep = append(keep, a.rec)
	}
	gone := feed.Revocation{Tenant: t.Name, Kind: revocation.Token, ID: a.ID, Until: a.Expires.Add(skew)}
	return what, i.commit(ctx, gone, what, who, keep...)
}

// revokeChain ends a chain of refresh tokens, by any of its tokens: who has lost the answer to the last refresh has an older one.
func (i *Issuer) revokeChain(ctx context.Context, t *registry.Tenant, token string, who *revoker) (Revoked, error) {
	id, seq, _ := secret.ParseRefresh(token)
	f, err := i.readFamily(ctx, t.Name, strings.Clone(id))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Revoked{}, nil
	case err != nil:
		return Revoked{}, unavailable("look for the refresh token", err)
	case seq > f.Seq || !secret.CheckRefresh(i.refreshKey, f.Nonce, f.id, seq, token) || !who.mayRevoke(f.Client) || !f.Live:
		return Revoked{}, nil
	}
	what := Revoked{revocation.Family, f.id, f.Client, f.User}
	return what, i.commit(ctx, f.end(i.Now()), what, who, f.record())
}

func (r *revoker) mayRevoke(clientID string) bool { return r.owner == "" || r.owner == clientID }

// crowdedRate is how fast each client may revoke single tokens when many of its tenant are revoked already: nobody buys and revokes
// until there is no room for others. Operators, chains, clients and keys need no leave.
var crowdedRate = limit.Rate{PerSecond: 1, Burst: 1000}

// mayAdd says whether a client may add a single token to what its tenant has taken back.
func (i *Issuer) mayAdd(tenant, client string) error {
	if !i.Feed.Room(tenant) {
		return unavailable("revoke the token", errors.New("too many revoked tokens of the tenant have not expired yet"))
	}
	if !i.Feed.Crowded(tenant) {
		return nil
	}
	wait, ok := i.requests.Allow(limit.Key{Tenant: tenant, Kind: "revocations of client", Name: client}, crowdedRate)
	if ok {
		return nil
	}
	e := oauth.Refuse(oauth.RevocationRate, "Too many revocations.", "client %s has revoked many tokens, and the tenant's list is half full", client)
	e.RetryAfter = wait
	return e
}

// commit writes a revocation down together with who did it.
func (i *Issuer) commit(ctx context.Context, gone feed.Revocation, what Revoked, who *revoker, keep ...store.Record) error {
	if gone.Kind == revocation.Token && who.owner != "" {
		if err := i.mayAdd(gone.Tenant, who.owner); err != nil {
			return err
		}
	}
	now, subject := i.Now(), "token:"
	if what.Kind == revocation.Family {
		subject = "chain:"
	}
	e := audit.Done(ctx, now, audit.Event{Tenant: gone.Tenant, Act: "token.revoke", Actor: who.by, Subject: subject + what.ID,
		Detail: map[string]string{"client": what.ClientID, "subject": what.Subject}})
	if who.asker.RequestID != "" { // operators have none: theirs is the surface's
		e.ID, e.RequestID, e.Source = who.asker.RequestID, who.asker.RequestID, who.asker.From()
	}
	event := audit.Record(e)
	if who.owner != "" { // what clients do all day is not kept for good
		event.Expires = now.Add(keepRevoked)
	}
	return i.takeBack(ctx, gone, append(keep, event)...)
}

// takeBack makes a revocation durable, together with keep, and then known here. store.ErrConflict: one of keep is not what was read.
func (i *Issuer) takeBack(ctx context.Context, gone feed.Revocation, keep ...store.Record) error {
	gone = i.Feed.Hold(gone)
	err := i.Store.Put(ctx, append(keep, gone.Records(i.Now())...)...)
	switch {
	case errors.Is(err, store.ErrConflict):
		return err
	case err != nil:
		return unavailable("take back "+gone.Kind.String(), err)
	}
	i.Feed.Add(gone)
	return nil
}
