package issuer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// manner is as what a caller is let in.
type manner uint8

const (
	asClient   manner = iota
	asLabel           // of a contract in which the caller only names itself
	asFollower        // of what is taken back: it must hear that its tenant is disabled
)

// authenticate finds out who asks. Unknown, wrong, expired and disabled get one answer (RFC 6749, section 5.2), in one time.
func (i *Issuer) authenticate(ctx context.Context, asker *oauth.Asker, as manner) (*caller, error) {
	t, ok := i.Registry.Tenant(asker.Tenant)
	if !ok || t.Disabled && as != asFollower {
		return nil, oauth.AuthenticationFailed(oauth.DisabledTenant, "tenant %q is disabled or gone", asker.Tenant)
	}
	if as == asLabel {
		return &caller{tenant: t, id: oauth.LabelClientID(asker.Client.ID.Reveal())}, nil
	}
	c, cred, err := i.proven(ctx, asker)
	if err != nil {
		return nil, err
	}
	ends := cred.Expires
	if ends.IsZero() || !c.Expires.IsZero() && c.Expires.Before(ends) { // the secret ends with its client
		ends = c.Expires.Time
	}
	return &caller{tenant: t, client: c, id: c.ID, secretEnds: ends}, nil
}

// proven returns the client whose secret was presented, and which of its secrets that was.
func (i *Issuer) proven(ctx context.Context, asker *oauth.Asker) (*registry.Client, *registry.Credential, error) {
	given := asker.Client
	c, err := i.Registry.Client(ctx, asker.Tenant, string(given.ID))
	if errors.Is(err, registry.ErrNotFound) && asker.Decoded != nil && asker.Decoded.ID != given.ID {
		given = *asker.Decoded
		c, err = i.Registry.Client(ctx, asker.Tenant, string(given.ID))
	}
	account := limit.Key{Tenant: asker.Tenant, Kind: "client", Name: string(given.ID), Apart: err != nil || !c.Guessable()}
	switch {
	case errors.Is(err, registry.ErrNotFound):
		_ = secret.DecoySecret.Matches(given.Secret.Reveal()) // costs what a known client's check costs
		return nil, nil, i.guessed(ctx, account, asker, oauth.UnknownClient, "no client has this id")
	case err != nil:
		return nil, nil, unavailable("look for the client", err)
	}
	asker.KnownClient = c.ID
	if !account.Apart {
		return i.provenSlowly(ctx, c, account, asker)
	}
	cred := match(c, i.Now(), asker)
	if kind, reason := barred(c, cred, asker, i.Now()); reason != "" {
		return nil, nil, i.guessed(ctx, account, asker, kind, "client %s: %s", c.ID, reason)
	}
	i.guesses.Succeeded(account, asker.Place())
	i.Registry.Used(c, cred, asker.Source)
	return c, cred, nil
}

// guessed counts a failure at a secret too random to be guessed, or at an id that nobody has, and says no; after too many, not before a
// while. Where some secrets can be guessed it passes all that a guess at one passes, so that no answer tells which clients those are.
func (i *Issuer) guessed(ctx context.Context, account limit.Key, asker *oauth.Asker, kind oauth.Case, reason string, args ...any) error {
	if i.Registry.HasGuessable(asker.Tenant) {
		attempt, err := i.guesses.Begin(ctx, account, asker.Place())
		if err != nil {
			return refuseGuess(err, oauth.SecretGuesses)
		}
		defer attempt.End(false)
		turn, err := i.check(ctx, asker.Tenant, attempt, "", func() {})
		if err != nil {
			attempt.Void()
			return err
		}
		i.fail(ctx, attempt, turn)
		return oauth.AuthenticationFailed(kind, reason, args...)
	}
	if wait, yes := i.guesses.Throttled(account, asker.Place()); yes {
		return tooMany(wait, oauth.SecretGuesses)
	}
	i.guesses.Failed(account, asker.Place())
	return oauth.AuthenticationFailed(kind, reason, args...)
}

// provenSlowly checks a client with an imported secret. That may be weak or kept under a slow hash, so a guess is counted before it is
// looked at, and slow hashing has a lane of its own.
func (i *Issuer) provenSlowly(ctx context.Context, c *registry.Client, account limit.Key, asker *oauth.Asker) (*registry.Client, *registry.Credential, error) {
	attempt, err := i.guesses.Begin(ctx, account, asker.Place())
	if err != nil {
		return nil, nil, refuseGuess(err, oauth.SecretGuesses)
	}
	defer attempt.End(false)
	var cred *registry.Credential
	look := func() { cred = match(c, i.Now(), asker) }
	cost := costOf(c)
	if cost == "" {
		look()
		look = func() {}
	}
	var turn time.Time
	if cost != "" || cred == nil { // a right one that costs nothing does not wait behind what does
		if turn, err = i.check(ctx, asker.Tenant, attempt, cost, look); err != nil {
			attempt.Void()
			return nil, nil, err
		}
	}
	if kind, reason := barred(c, cred, asker, i.Now()); reason != "" {
		i.fail(ctx, attempt, turn)
		return nil, nil, oauth.AuthenticationFailed(kind, "client %s: %s", c.ID, reason)
	}
	attempt.End(true)
	if cred.Hash.Slow() {
		// When the store is away the slow hash stays for now; the caller has proved itself all the same.
		_ = i.Registry.UpgradeSecret(ctx, c, cred.ID, given(cred, asker))
	}
	i.Registry.Used(c, cred, asker.Source)
	return c, cred, nil
}

// match returns the credential whose secret was presented, raw or form-decoded, or nil. It may be one that has expired: barred says so.
func match(c *registry.Client, now time.Time, asker *oauth.Asker) *registry.Credential {
	var found *registry.Credential
	for k := range c.Credentials {
		cred := &c.Credentials[k]
		if (cred.Live(now) || !cred.Hash.Slow()) && given(cred, asker) != "" && (found == nil || cred.Live(now)) {
			found = cred
		}
	}
	if len(c.Credentials) == 0 {
		_ = secret.DecoySecret.Matches(asker.Client.Secret.Reveal())
	}
	return found
}

// given returns the presented text that is the credential's secret, or nothing.
func given(cred *registry.Credential, asker *oauth.Asker) oauth.Secret {
	if cred.Hash.Matches(asker.Client.Secret.Reveal()) {
		return asker.Client.Secret
	}
	if asker.Decoded != nil && cred.Hash.Matches(asker.Decoded.Secret.Reveal()) {
		return asker.Decoded.Secret
	}
	return ""
}

// barred says, for the operator, why a client is not let in, or nothing.
func barred(c *registry.Client, cred *registry.Credential, asker *oauth.Asker, now time.Time) (kind oauth.Case, reason string) {
	switch {
	case cred == nil && strings.HasPrefix(asker.Client.Secret.Reveal(), registry.SecretPrefix+"_") && !secret.Intact(asker.Client.Secret.Reveal(), registry.SecretPrefix):
		return oauth.MistypedSecret, "the secret is mistyped or cut short: its checksum does not fit"
	case cred == nil:
		return oauth.WrongSecret, "the secret is wrong"
	case !cred.Live(now):
		return oauth.ExpiredSecret, "the secret " + cred.ID + " expired at " + cred.Expires.UTC().Format(time.RFC3339)
	case !c.MayProve(asker.Auth):
		return oauth.WrongAuthMethod, fmt.Sprintf("it may not prove itself by %s, only by %s", asker.Auth, c.AuthMethods)
	case !c.MayCallFrom(asker.Source):
		return oauth.WrongAddress, fmt.Sprintf("it may not call from %s, only from %s", asker.From(), c.AllowFrom)
	}
	return oauth.BarredClient, c.Barred(now)
}

// refuseGuess turns the answer of limit.Guesses into one for the caller.
func refuseGuess(err error, kind oauth.Case) error {
	var many *limit.TooMany
	if errors.As(err, &many) {
		return tooMany(many.RetryAfter, kind)
	}
	return unavailable("wait for other sign-ins", err)
}

func tooMany(wait time.Duration, kind oauth.Case) error {
	e := oauth.Refuse(kind, "Too many failed attempts.", "too many wrong guesses at this name, or from this address")
	e.RetryAfter = wait
	return e
}
