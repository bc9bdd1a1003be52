package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// The answers of this package beside *registry.Problem (a fault in what was entered), *limit.TooMany (guessed too often),
// oauth.ErrUnavailable (too many sign-ins at this moment) and store.ErrConflict (another edition than the one that was asked for).
var (
	// ErrNotFound: there is no such operator, or no such session.
	ErrNotFound = errors.New("no such operator")
	// ErrSignIn: wrong name, password, code, link, passkey or cookie, or an operator who may not. One answer for all of them; which
	// it was, the audit record has.
	ErrSignIn = errors.New("the sign-in is not valid")
)

// Limits of what somebody outside can make us keep.
const (
	guessedNames = 10_000   // names and sources that wrong guesses are counted for
	maxTries     = 10       // writes that others were faster than
	maxAnswer    = 64 << 10 // bytes of a passkey's answer
	maxAgent     = 256      // bytes of what a browser calls itself
	maxPasskeys  = 20       // of an operator
	maxSessions  = 20       // of an operator: the one not seen for longest goes
	maxState     = 16 << 10 // bytes of a ceremony's state
)

// Options are what a register of operators needs.
type Options struct {
	Store    store.Store
	Sealer   *secret.Sealer // for the secrets of one-time codes, and for the state of a passkey's ceremony
	Hashing  *limit.Lane    // where passwords are hashed
	Now      func() time.Time
	Refusals *audit.Log // is told of refused sign-ins; nil: nobody is
	URL      string     // of the console: its host is the passkeys' relying party id, its origin the only one that is let
}

// Operators is the register of those who run one desk.
type Operators struct {
	store    store.Store
	sealer   *secret.Sealer
	hashing  *limit.Lane
	now      func() time.Time
	refusals *audit.Log
	guesses  *limit.Guesses
	host     string
	web      *webauthn.WebAuthn // nil: the console's host can have no passkeys
}

// From is where a request comes from.
type From struct {
	oauth.Caller
	Agent     string // what the browser calls itself
	RequestID string // becomes the id of the event when the request is refused
}

// New makes a register. The error says what is wrong with the URL.
func New(o Options) (*Operators, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return nil, fmt.Errorf("the console's URL is one like https://desk.example.com, not %q", o.URL)
	}
	u.Host, u.Scheme = strings.ToLower(u.Host), strings.ToLower(u.Scheme)
	r := &Operators{store: o.Store, sealer: o.Sealer, hashing: o.Hashing, now: o.Now, refusals: o.Refusals, host: u.Hostname(),
		guesses: limit.NewGuesses(o.Now, guessedNames)}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return r, nil // browsers keep passkeys for names only (Web Authentication, section 5.1.2: a valid domain string)
	}
	r.web, err = relyingParty(u)
	return r, err
}

// read returns an operator as the store has it now, which the caller may change.
func (o *Operators) read(ctx context.Context, id string) (*Operator, error) {
	op := &Operator{ID: id}
	rec, err := o.store.Get(ctx, "", store.Operator, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("operator %.64q: %w", id, ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("read operator: %w", err)
	}
	return op, op.decode(rec)
}

func (op *Operator) decode(rec store.Record) error {
	op.ID, op.Rev = rec.ID, rec.Rev
	if err := json.Unmarshal(rec.Body, op); err != nil {
		return fmt.Errorf("operator %s cannot be read: %w", rec.ID, err)
	}
	op.Edition = max(op.Edition, 1)
	return nil
}

// put writes an operator together with the event that says who did it, and with what else changes with it.
func (o *Operators) put(ctx context.Context, op *Operator, e audit.Event, more ...store.Record) error {
	e.Subject = actor(op.ID)
	event, err := o.event(ctx, e)
	if err != nil {
		return err
	}
	if err := o.store.Put(ctx, append([]store.Record{op.record(), event}, more...)...); err != nil {
		return fmt.Errorf("%s: %w", e.Act, err)
	}
	op.Rev++
	return nil
}

// hash runs what hashes a password when its turn comes.
func (o *Operators) hash(ctx context.Context, turn limit.Turn, work func()) error {
	err := o.hashing.Do(ctx, turn, work)
	if errors.Is(err, limit.ErrFull) {
		return fmt.Errorf("hash a password: %w: %w", oauth.ErrUnavailable, err)
	}
	return err
}

// event returns the record of something that was let happen.
func (o *Operators) event(ctx context.Context, e audit.Event) (store.Record, error) {
	if e.Actor == "" {
		return store.Record{}, errors.New("a change needs an author")
	}
	return audit.Record(audit.Done(ctx, o.now(), e)), nil
}

// gone is when a record ended that is replaced by nothing. Not now: an engine's clock may be behind ours.
var gone = time.Unix(1, 0).UTC()
