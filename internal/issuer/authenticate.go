package issuer

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// How long after its arrival a failed authentication is answered in a tenant where some secrets are kept under slow hashes: as long as
// the longest check of one has taken, so that the time does not tell which clients those are.
const (
	slowAnswer    = 250 * time.Millisecond // at least
	slowestAnswer = 2 * time.Second        // at most
)

// authenticate finds out who asks. Unknown, wrong, expired and disabled get one answer (RFC 6749, section 5.2), in one time.
func (i *Issuer) authenticate(ctx context.Context, req *oauth.TokenRequest) (*caller, error) {
	t, ok := i.Registry.Tenant(req.Tenant)
	if !ok || t.Disabled {
		return nil, oauth.AuthenticationFailed("tenant %q is disabled or gone", req.Tenant)
	}
	if req.Terms.ClientLabel {
		return &caller{tenant: t, id: oauth.LabelClientID(req.Client.ID)}, nil
	}
	began := time.Now()
	c, err := i.proven(ctx, req)
	if err != nil {
		if e := oauth.AsError(err); e != nil && e.Code == oauth.InvalidClient && i.Registry.HasSlowSecrets(t.Name) {
			pause(ctx, max(slowAnswer, time.Duration(i.slowest.Load()))-time.Since(began))
		}
		return nil, err
	}
	return &caller{tenant: t, client: c, id: c.ID}, nil
}

// proven returns the client whose secret was presented.
func (i *Issuer) proven(ctx context.Context, req *oauth.TokenRequest) (*registry.Client, error) {
	given := req.Client
	c, err := i.Registry.Client(ctx, req.Tenant, given.ID)
	if errors.Is(err, registry.ErrNotFound) && req.Decoded != nil && req.Decoded.ID != given.ID {
		given = *req.Decoded
		c, err = i.Registry.Client(ctx, req.Tenant, given.ID)
	}
	account := limit.Key{Tenant: req.Tenant, Kind: "client", Name: given.ID}
	switch {
	case errors.Is(err, registry.ErrNotFound):
		_ = secret.DecoySecret.Matches(given.Secret.Reveal()) // costs what a known client's check costs
		return nil, i.guessed(account, req, "client %.64q is not registered", given.ID)
	case err != nil:
		return nil, unavailable("look for the client", err)
	case c.Guessable():
		return i.provenSlowly(ctx, c, account, req)
	}
	cred := match(c, i.Now(), req)
	if reason := barred(c, cred, req, i.Now()); reason != "" {
		return nil, i.guessed(account, req, "client %s: %s", c.ID, reason)
	}
	i.guesses.Succeeded(account, req.Source)
	i.Registry.Used(c, cred, req.Source)
	return c, nil
}

// guessed counts a failure at a secret too random to be guessed, and says no; after too many, not before a while.
func (i *Issuer) guessed(account limit.Key, req *oauth.TokenRequest, reason string, args ...any) error {
	if wait, yes := i.guesses.Throttled(account, req.Source); yes {
		return tooMany(wait, account)
	}
	i.guesses.Failed(account, req.Source)
	return oauth.AuthenticationFailed(reason, args...)
}

// provenSlowly checks a client with an imported secret. That may be weak or kept under a slow hash, so a guess is counted before it is
// looked at, and slow hashing has a lane of its own.
func (i *Issuer) provenSlowly(ctx context.Context, c *registry.Client, account limit.Key, req *oauth.TokenRequest) (*registry.Client, error) {
	attempt, err := i.guesses.Begin(ctx, account, req.Source)
	if err != nil {
		return nil, refuseGuess(err, account)
	}
	defer attempt.End(false)
	var cred *registry.Credential
	if err := i.check(ctx, c.Slow(), func() { cred = match(c, i.Now(), req) }); err != nil {
		attempt.Void()
		return nil, err
	}
	if reason := barred(c, cred, req, i.Now()); reason != "" {
		return nil, oauth.AuthenticationFailed("client %s: %s", c.ID, reason)
	}
	attempt.End(true)
	if cred.Hash.Slow() {
		// When the store is away the slow hash stays for now; the caller has proved itself all the same.
		_ = i.Registry.UpgradeSecret(ctx, c, cred.ID, given(cred, req))
	}
	i.Registry.Used(c, cred, req.Source)
	return c, nil
}

// check runs the check of a client's secret, and remembers how long the slow ones take.
func (i *Issuer) check(ctx context.Context, slow bool, match func()) error {
	if !slow {
		match()
		return nil
	}
	began := time.Now()
	err := i.hash(ctx, match)
	took := int64(min(time.Since(began), slowestAnswer))
	for longest := i.slowest.Load(); took > longest && !i.slowest.CompareAndSwap(longest, took); longest = i.slowest.Load() {
	}
	return err
}

// hash runs an expensive check in its lane, which refuses at once when too many wait (Req 111).
func (i *Issuer) hash(ctx context.Context, check func()) error {
	err := i.Hashing.Do(ctx, check)
	if err == nil {
		return nil
	}
	e := oauth.Refuse(oauth.Unavailable, "Too many sign-ins at this moment.", "hashing lane: %v", err)
	e.RetryAfter = time.Second
	return e
}

// match returns the live credential whose secret was presented, raw or form-decoded, or nil.
func match(c *registry.Client, now time.Time, req *oauth.TokenRequest) *registry.Credential {
	var found *registry.Credential
	for k := range c.Credentials {
		cred := &c.Credentials[k]
		if cred.Live(now) && given(cred, req) != "" {
			found = cred
		}
	}
	if len(c.Credentials) == 0 {
		_ = secret.DecoySecret.Matches(req.Client.Secret.Reveal())
	}
	return found
}

// given returns the presented text that is the credential's secret, or nothing.
func given(cred *registry.Credential, req *oauth.TokenRequest) oauth.Secret {
	if cred.Hash.Matches(req.Client.Secret.Reveal()) {
		return req.Client.Secret
	}
	if req.Decoded != nil && cred.Hash.Matches(req.Decoded.Secret.Reveal()) {
		return req.Decoded.Secret
	}
	return ""
}

// barred says, for the operator, why a client is not let in, or nothing.
func barred(c *registry.Client, cred *registry.Credential, req *oauth.TokenRequest, now time.Time) string {
	switch {
	case cred == nil && strings.HasPrefix(req.Client.Secret.Reveal(), registry.SecretPrefix+"_") && !secret.Intact(req.Client.Secret.Reveal(), registry.SecretPrefix):
		return "the secret is mistyped or cut short: its checksum does not fit"
	case cred == nil:
		return "the secret is wrong or expired"
	case !c.MayProve(req.Auth):
		return "it may not prove itself by " + string(req.Auth)
	case !c.MayCallFrom(req.Source):
		return "it may not call from " + req.Source.String()
	}
	return c.Barred(now)
}

// refuseGuess turns the answer of limit.Guesses into one for the caller.
func refuseGuess(err error, account limit.Key) error {
	var many *limit.TooMany
	if errors.As(err, &many) {
		return tooMany(many.RetryAfter, account)
	}
	return unavailable("wait for other sign-ins", err)
}

func tooMany(wait time.Duration, account limit.Key) error {
	e := oauth.Refuse(oauth.Throttled, "Too many failed attempts.", "too many wrong guesses at %s %.64q", account.Kind, account.Name)
	e.RetryAfter = wait
	return e
}

// pause waits, unless there is nothing to wait for or nobody any more.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
