// Package issuer decides who gets a token. It is given a request that a dialect has freed of its wire format and answers with a
// token, a refusal (*oauth.Error) that the caller may read, or a fault of ours, which is anything else.
//
// Every grant goes through the same four phases, in one function that tells the story: Issuer.Token. A grant is one file and one line
// in the table of grants; it says what is given, and can skip none of the phases around it.
//
// The package also says whether an access token still lives (Introspect, Alive for the guard; Present for callers) and takes tokens back
// (Revoke). What is said to be taken back is durable, and is refused from then on by every process on the store and every guard that
// follows the feed.
//
// It decides; it keeps nothing of its own but counts of guesses. Registrations are package registry's, keys keyring's, bytes of
// secrets secret's. A store that fails is never turned into a refusal: the error then wraps oauth.ErrUnavailable.
//
// All methods may be called concurrently. RFC 6749 (sections 4.3, 4.4, 5, 6, 10), RFC 7009, RFC 7662, RFC 9068, RFC 9700 (section 4.14).
package issuer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Issuer gives out tokens.
type Issuer struct {
	Options
	refreshKey []byte     // proves our own refresh tokens
	veil       audit.Veil // over names that nobody has
	uuids      *secret.UUIDs
	guesses    *limit.Guesses // at secrets of clients
	logins     *limit.Guesses // at passwords: counts of their own, so that who guesses at one may still be right about another
	requests   *limit.Limiter

	slowSecrets, foreignPasswords slowest // checks of hashes that were made elsewhere
}

// Options are what an issuer works with. All are needed.
type Options struct {
	Store    store.Store
	Registry *registry.Registry
	Keys     *keyring.Keyring
	Feed     *feed.Feed // what has been taken back
	Sealer   *secret.Sealer
	Hashing  *limit.Lanes // where passwords and other slow hashes are checked
	Refusals *audit.Log
	Journal  *audit.Journal
	Now      func() time.Time

	ReplayWindow time.Duration // how long a spent refresh token is answered with the same pair again; 0: never
}

// Bounds of what is remembered about callers, in entries.
const (
	maxGuessed  = 50_000
	maxCounted  = 100_000
	maxAttempts = 100 // at a write that another one beat: of as many sign-ins at one moment, one wins each time
)

// New makes an issuer.
func New(o Options) *Issuer {
	return &Issuer{Options: o, refreshKey: o.Sealer.Derive("refresh tokens"), veil: audit.NewVeil(o.Sealer), uuids: secret.NewUUIDs(o.Sealer),
		guesses: limit.NewGuesses(o.Now, maxGuessed),
		logins:  limit.NewGuesses(o.Now, maxGuessed), requests: limit.NewLimiter(o.Now, maxCounted)}
}

// caller is who asks, once that is known.
type caller struct {
	tenant *registry.Tenant
	client *registry.Client // nil: the caller only named itself
	id     string           // the client's id, or a label marked as such

	secretEnds time.Time // of the secret it proved itself with; zero: never
}

// award is what is given: everything a token will say.
type award struct {
	subject     string
	username    string
	name        string
	scope       string   // as it goes on the wire
	permissions []string // what the token may do
	inScope     bool     // the scope says all of it
	audiences   []string
	form        oauth.TokenForm
	lifetime    time.Duration
	after       time.Time // what was issued up to then is dead: its holder was stopped, or all tokens were taken back
	family      *family   // the refresh token that goes with it, or nil
	replay      *oauth.Token
}

// grants say what is given for what.
var grants = map[oauth.GrantType]func(*Issuer, context.Context, *caller, *oauth.TokenRequest) (*award, error){
	oauth.ClientCredentials: (*Issuer).grantClientCredentials,
	oauth.Password:          (*Issuer).grantPassword,
	oauth.RefreshToken:      (*Issuer).grantRefreshToken,
}

// Token answers a request for a token. The error is an *oauth.Error when the request is refused; one that wraps
// oauth.ErrUnavailable when it could not be decided now; anything else is a fault of ours.
func (i *Issuer) Token(ctx context.Context, req oauth.TokenRequest) (oauth.Token, error) {
	token, err := i.token(ctx, &req)
	if err == nil {
		return token, nil
	}
	if refusal := oauth.AsError(err); refusal != nil {
		i.NoteRefusal(&req, refusal)
	}
	return oauth.Token{}, err
}

func (i *Issuer) token(ctx context.Context, req *oauth.TokenRequest) (oauth.Token, error) {
	// 1 Who asks?
	as := asClient
	if req.Terms.ClientLabel {
		as = asLabel
	}
	who, err := i.authenticate(ctx, &req.Asker, as)
	if err != nil {
		return oauth.Token{}, err
	}

	// 2 May it ask this way?
	if err := i.permit(who, req); err != nil {
		return oauth.Token{}, err
	}

	var given *award
	for attempt := 1; ; attempt++ {
		// 3 What is given? Whoever loses a race for a refresh token looks again.
		given, err = i.decide(ctx, who, given, req)

		// 4 Make it, keep it.
		var token oauth.Token
		if err == nil {
			token, err = i.mint(ctx, who, given, req)
		}
		switch {
		case !errors.Is(err, store.ErrConflict):
			return token, err
		case attempt == maxAttempts:
			return oauth.Token{}, unavailable("keep the token", err)
		}
	}
}

// decide says what is given. A sign-in that lost a race, before says which, is not checked again: its one-time code is spent, and only
// the place of its chain is in question.
func (i *Issuer) decide(ctx context.Context, who *caller, before *award, req *oauth.TokenRequest) (_ *award, err error) {
	if before == nil || req.Grant == oauth.RefreshToken {
		return grants[req.Grant](i, ctx, who, req)
	}
	if before.family != nil {
		before.family, err = i.startFamily(ctx, who, before, req)
	}
	return before, err
}

// NoteRefusal keeps a refusal for the operator, and says in it who was refused. Surfaces call it for requests they could not even read.
func (i *Issuer) NoteRefusal(req *oauth.TokenRequest, e *oauth.Error) {
	detail := map[string]string{"grant": string(req.Grant), "dialect": req.Dialect}
	if t, known := i.Registry.Tenant(req.Tenant); known && e.Code == oauth.InvalidScope && req.Scope != "" {
		detail["scope"] = scopeShown(t, req.Scope, i.veil.Of)
	}
	actor := i.party(&req.Asker)
	if req.Username != "" {
		if label := req.Client.ID; req.KnownClient == "" && label != "" && label != req.Username {
			detail["client"] = i.veil.Of(label)
		}
		e.User = cmp.Or(req.KnownUser, i.veil.Of(req.Username))
		actor = i.veil.Party("user", req.KnownUser, req.Username)
	}
	i.note("token.refuse", actor, &req.Asker, e, detail)
}

// Acts of refusals that are not about a request for a token.
const (
	IntrospectRefused = "introspect.refuse"
	RevokeRefused     = "revoke.refuse"
	FeedRefused       = "feed.refuse"
)

// NoteAsked keeps a refusal of a request about a token, or for the feed; act is one of those above. Surfaces call it for requests they
// could not even read.
func (i *Issuer) NoteAsked(act string, asker *oauth.Asker, e *oauth.Error) {
	i.note(act, i.party(asker), asker, e, map[string]string{})
}

func (i *Issuer) note(act, actor string, asker *oauth.Asker, e *oauth.Error, detail map[string]string) {
	reason, subject := e.Reason, ""
	if reason == "" {
		reason = e.Description
	}
	if asker.KnownClient != "" {
		subject = "client:" + asker.KnownClient
	}
	e.Client, detail[audit.CaseDetail] = cmp.Or(asker.KnownClient, i.veil.Of(asker.Client.ID)), string(e.Case)
	i.Refusals.Refused(audit.Event{ID: asker.RequestID, Tenant: asker.Tenant, Time: i.Now(), Act: act, Actor: actor,
		Subject: subject, Reason: string(e.Code) + ": " + reason, Source: asker.From(), Detail: detail})
}

// party names who asks, in an event.
func (i *Issuer) party(asker *oauth.Asker) string {
	return i.veil.Party("client", asker.KnownClient, asker.Client.ID)
}

// permit checks that this caller may use this grant in this way, and now.
func (i *Issuer) permit(who *caller, req *oauth.TokenRequest) error {
	if grants[req.Grant] == nil {
		return oauth.Refuse(oauth.UnknownGrantType, "The authorization grant type is not supported.", "grant %q", oauth.Unproven(req.Grant))
	}
	if req.Grant == oauth.Password && !who.tenant.AllowPasswordGrant {
		return oauth.Refuse(oauth.PasswordGrantOff, "The password grant is not allowed here.", "tenant %s does not allow the password grant", who.tenant.Name)
	}
	if c := who.client; c != nil {
		switch {
		case !c.MayUse(req.Grant):
			return oauth.Refuse(oauth.OtherGrants, "The client is not authorized to use this grant type.", "client %s may use %v, not %s", c.ID, c.Grants, req.Grant)
		case !c.MaySpeak(req.Dialect):
			return oauth.Refuse(oauth.OtherDialects, "The client is not authorized to ask here.", "client %s is pinned to %v, not %s", c.ID, c.Dialects, req.Dialect)
		case req.Bodyless:
			if err := permitBodyless(who.tenant, c); err != nil {
				return err
			}
		}
	}
	return i.ration(who, req)
}

// permitBodyless checks that a credential alone may ask: both the tenant and the client have to allow it.
func permitBodyless(t *registry.Tenant, c *registry.Client) error {
	const said = "The client is not authorized to ask without a grant type."
	switch {
	case !t.AllowBodylessToken:
		return oauth.Refuse(oauth.BodylessTenant, said, "tenant %s does not allow token requests without a body", t.Name)
	case !c.AllowBodylessToken:
		return oauth.Refuse(oauth.BodylessClient, said, "client %s is not allowed to ask without a body; its tenant allows it", c.ID)
	}
	return nil
}

// ration counts the request against what its client and its tenant may ask for.
func (i *Issuer) ration(who *caller, req *oauth.TokenRequest) error {
	t := who.tenant
	key := limit.Key{Tenant: t.Name, Kind: "client", Name: who.id}
	if who.client == nil { // a label is the caller's to choose; its address less so, but for the lower half of an IPv6 one
		key = limit.Key{Tenant: t.Name, Kind: "source", Name: limit.Place(req.Place()).String()}
	}
	kind, whose := oauth.ClientRate, key.Kind+" "+key.Name
	wait, ok := i.requests.Allow(key, limit.Rate(t.ClientRate))
	if ok {
		kind, whose = oauth.TenantRate, "tenant "+t.Name
		wait, ok = i.requests.Allow(limit.Key{Tenant: t.Name, Kind: "tenant"}, limit.Rate(t.Rate))
	}
	if ok {
		return nil
	}
	e := oauth.Refuse(kind, "Too many requests.", "rate of %s exceeded", whose)
	e.RetryAfter = wait
	return e
}

// unavailable marks a fault of the store as one that passes.
func unavailable(doing string, err error) error {
	return fmt.Errorf("%s: %w: %w", doing, oauth.ErrUnavailable, err)
}
