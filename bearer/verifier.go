package bearer

import (
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

const (
	maxToken   = 16 << 10         // bytes; more is refused before it is hashed
	leeway     = 10 * time.Second // that iat and nbf may lie ahead: two clocks never agree (RFC 7519, section 4.1.5)
	maxStale   = 5 * time.Minute
	defaultAge = time.Second
)

// Key is one public key of an issuer. Its algorithm is part of it: a token may not choose another (RFC 8725, section 3.1).
type Key struct {
	ID        string           // kid
	Algorithm string           // ES256, EdDSA or RS256
	Public    crypto.PublicKey // *ecdsa.PublicKey on P-256, ed25519.PublicKey, or *rsa.PublicKey of 2048 bits and more
}

// Options say whose tokens a Verifier accepts, for whom, and whom it asks.
type Options struct {
	Issuer    string   // compared byte by byte with iss
	Audiences []string // names of this API; a token must name one of them

	// Keys finds a key of the issuer by kid, and is asked on every call with a JWT: a key that is withdrawn is gone at once. It must
	// not block for long. Nil: JWTs are not accepted.
	Keys func(kid string) (Key, bool)

	// Opaque looks an opaque token up. It returns the token with its Issuer set, a refusal (*oauth.Error of invalid_token), or a
	// fault. Nil: opaque tokens are not accepted; without Keys, every token is looked up.
	Opaque func(ctx context.Context, token string) (*Token, error)

	// Revocations is what the issuer has taken back; it is looked at on every call, which costs one load as long as nothing is added.
	// Whoever keeps it adds to it while the Verifier reads. Nil: nothing is taken back before its time.
	Revocations *revocation.Set

	// Alive is asked on every call, whether the token was remembered or not: may its client, its user, this very token still? It
	// refuses with an *oauth.Error; anything else is a fault. Nil: the token's own expiry is all there is.
	Alive func(ctx context.Context, t *Token) error

	OpaqueAge   time.Duration       // how long a look-up is good for; 0: 1 s; negative: not at all
	OpaqueStale time.Duration       // how long it serves while looking up fails; 0: 60 s; at most 5 min; negative: not at all
	Stale       func(time.Duration) // told the age of each look-up that served because a new one failed; may be nil

	CacheSize int              // tokens that are remembered; 0: 8192
	Now       func() time.Time // nil: time.Now

	Speech Speech // how Verifier.Require reads a call and answers it

	remote *Issuer // that keeps keys and revocations up to date; nil where the caller does
}

// Verifier checks the access tokens of one issuer for one API.
type Verifier struct {
	o     Options
	cache *cache
}

// New makes a Verifier, or says what its options lack.
func New(o Options) (*Verifier, error) {
	switch {
	case o.Issuer == "":
		return nil, errors.New("bearer: no issuer is named")
	case len(o.Audiences) == 0 || slices.Contains(o.Audiences, ""):
		return nil, errors.New("bearer: no audience is named, or an empty one: every token would be meant for this API")
	case o.Keys == nil && o.Opaque == nil:
		return nil, errors.New("bearer: neither keys nor a look-up: no token could ever be checked")
	case o.OpaqueAge > maxStale || o.OpaqueStale > maxStale:
		return nil, fmt.Errorf("bearer: an opaque token may not be trusted for more than %v without asking", maxStale)
	}
	o.Audiences = slices.Clone(o.Audiences)
	if o.OpaqueAge == 0 {
		o.OpaqueAge = defaultAge
	}
	if o.OpaqueStale == 0 {
		o.OpaqueStale = time.Minute
	}
	if o.CacheSize <= 0 {
		o.CacheSize = 8192
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Verifier{o: o, cache: newCache(o.CacheSize)}, nil
}

// Verify checks a token as it was carried. The error is an *oauth.Error of invalid_token, or wraps oauth.ErrUnavailable.
func (v *Verifier) Verify(ctx context.Context, text string) (*Token, error) {
	if text == "" || len(text) > maxToken {
		return nil, refused(oauth.TokenLength, "a token of %d bytes", len(text))
	}
	now := v.o.Now()

	// 1 is it one we have checked?
	var room [1024]byte // most tokens fit, and none is copied to the heap
	digest := sha256.Sum256(append(room[:0], text...))
	e := v.cache.get(&digest)

	// 2 is it genuine, and for us?
	if e == nil || !v.fresh(e, now) {
		checked, err := v.check(ctx, text, &digest, e, now)
		if err != nil {
			if e != nil && oauth.AsError(err) != nil {
				v.cache.drop(&digest)
			}
			return nil, err
		}
		e = checked
	}

	// 3 is it its time?
	if err := timely(e.token, now); err != nil {
		return nil, err
	}

	// 4 has it been taken back, as far as we know?
	if err := v.standing(e, now); err != nil {
		return nil, err
	}

	// 5 may its holder still?
	if v.o.Alive != nil {
		if err := v.o.Alive(ctx, e.token); err != nil {
			return nil, foreign("asking whether a token is alive", err)
		}
	}
	return e.token, nil
}

// standing checks a token against what its issuer has taken back, and whether we still hear of that. What is refused is refused; only
// what would pass asks how old our knowledge is.
func (v *Verifier) standing(e *entry, now time.Time) error {
	if set := v.o.Revocations; set != nil {
		version := set.Version() // before the look-up: what is added during it is looked for on the next call
		if e.cleared.Load() != version {
			if kind, is := set.Refuses(&e.names, e.token.IssuedAt); is {
				return refused(oauth.RevokedToken, "revoked: %s", e.token.lost(kind))
			}
			e.cleared.Store(version)
		}
	}
	if v.o.remote != nil && e.key.Public != nil {
		return v.o.remote.current(now)
	}
	return nil
}

// fresh reports whether a remembered check still counts. A JWT lives no longer than the key that signed it; a clock that went
// backwards makes no look-up younger.
func (v *Verifier) fresh(e *entry, now time.Time) bool {
	if e.key.Public == nil {
		age := now.Sub(e.asked)
		return age >= 0 && age < v.o.OpaqueAge
	}
	k, ok := v.o.Keys(e.key.ID)
	return ok && e.key.same(k)
}

// check verifies a token that is not remembered, and remembers it.
func (v *Verifier) check(ctx context.Context, text string, digest *[32]byte, old *entry, now time.Time) (*entry, error) {
	fresh := &entry{digest: *digest, asked: now, confirmed: now}
	switch {
	case v.o.Keys != nil && strings.IndexByte(text, '.') >= 0:
		t, key, err := v.readJWT(ctx, text)
		if err != nil {
			return nil, err
		}
		if v.o.remote != nil {
			if err := v.o.remote.await(ctx); err != nil { // so no JWT is remembered before the revocations were read
				return nil, err
			}
		}
		fresh.token, fresh.key = t, key
	case v.o.Opaque == nil:
		return nil, refused(oauth.NoJWT, "not a JWT")
	default:
		t, err := v.o.Opaque(ctx, text)
		if err == nil && t == nil {
			err = errors.New("the look-up answered nothing")
		}
		if err != nil {
			return v.afterFault(ctx, foreign("looking a token up", err), old, now)
		}
		fresh.token = t
	}
	if err := v.admits(fresh.token, now); err != nil {
		return nil, err
	}
	if t := fresh.token; v.o.Revocations != nil {
		fresh.names = revocation.NamesOf(t.ID, t.Family, t.ClientID, t.Subject, t.KeyID)
	}
	v.cache.put(fresh)
	return fresh, nil
}

// afterFault lets an earlier look-up serve for a while when a new one failed. The next is tried OpaqueAge from now, not from when this
// one began: a store that hangs must not hold up every call.
func (v *Verifier) afterFault(ctx context.Context, err error, old *entry, now time.Time) (*entry, error) {
	if oauth.AsError(err) != nil || old == nil || ctx.Err() != nil {
		return nil, err
	}
	age := now.Sub(old.confirmed)
	if age < 0 || age > v.o.OpaqueStale {
		return nil, err
	}
	again := &entry{digest: old.digest, token: old.token, names: old.names, asked: v.o.Now(), confirmed: old.confirmed}
	again.cleared.Store(old.cleared.Load())
	v.cache.put(again)
	if v.o.Stale != nil {
		v.o.Stale(age)
	}
	return again, nil
}

// admits checks what a genuine token says: who issued it, for whom, and when.
func (v *Verifier) admits(t *Token, now time.Time) error {
	if problem := t.foul(); problem != "" {
		return refused(oauth.TokenClaims, "%s", problem)
	}
	if t.Issuer != v.o.Issuer {
		return refused(oauth.OtherIssuer, "issued by %.100q, not by %q", t.Issuer, v.o.Issuer)
	}
	for _, a := range t.Audience {
		if slices.Contains(v.o.Audiences, a) {
			return timely(t, now)
		}
	}
	return refused(oauth.OtherAudience, "meant for %.200q, not for %q", t.Audience, v.o.Audiences)
}

// timely checks a token against the clock. Expiry has no leeway: a token is never good for longer than it says.
func timely(t *Token, now time.Time) error {
	switch {
	case !now.Before(t.Expires):
		return refused(oauth.ExpiredToken, "expired at %v, %v ago", t.Expires.UTC().Format(time.RFC3339), now.Sub(t.Expires).Round(time.Second))
	case t.IssuedAt.Sub(now) > leeway:
		return refused(oauth.FutureToken, "issued at %v, %v ahead of the clock here, which allows %v", t.IssuedAt.UTC().Format(time.RFC3339), t.IssuedAt.Sub(now).Round(time.Second), leeway)
	case t.NotBefore.Sub(now) > leeway:
		return refused(oauth.FutureToken, "not good before %v, %v ahead of the clock here, which allows %v", t.NotBefore.UTC().Format(time.RFC3339), t.NotBefore.Sub(now).Round(time.Second), leeway)
	}
	return nil
}

// foreign sorts the error of a function that was passed in: a refusal of the token stays one, all else is a fault.
func foreign(doing string, err error) error {
	if e := oauth.AsError(err); e != nil && e.Code.Standard() == oauth.InvalidToken {
		return e
	}
	return fmt.Errorf("%w: %s: %w", oauth.ErrUnavailable, doing, flat{err})
}

// flat hides a refusal of another kind from errors.As: whoever asks the fault for a refusal would answer the caller with it.
type flat struct{ err error }

func (f flat) Error() string        { return f.err.Error() }
func (f flat) Is(target error) bool { return errors.Is(f.err, target) }
