package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// totpLabel is what the secrets of operators' one-time codes are sealed for. A user's does not open under it.
const totpLabel = "operator totp"

// refusal is ErrSignIn with the reason, which is for the audit record alone.
type refusal struct {
	kind     oauth.Case
	operator string // id, where it is known
	reason   string
}

func (r *refusal) Error() string { return ErrSignIn.Error() }
func (r *refusal) Unwrap() error { return ErrSignIn }

func refuse(kind oauth.Case, operator, reason string, args ...any) error {
	return &refusal{kind, operator, fmt.Sprintf(reason, args...)}
}

// entry is somebody who has shown who they are: the operator with what the proof has used up taken out, and what is to be written
// with it.
type entry struct {
	operator *Operator
	used     []store.Record
	detail   string // of the event: what a person should notice
	enrols   bool   // the session is an enrolling one
}

// SignInByLink opens a session for the text of a link, which is good once. The session is not a fresh one, and, unless the link was made
// on this machine, an enrolling one. ErrSignIn: no such link, or not any more.
func (o *Operators) SignInByLink(ctx context.Context, link oauth.Secret, from From) (*Session, oauth.Secret, error) {
	return o.enter(ctx, ByLink, nil, from, func() (*entry, error) {
		id, ok := secret.ParseToken(link.Reveal(), linkPrefix)
		if !ok {
			return nil, refuse(oauth.LinkDamaged, "", "the link is damaged")
		}
		op, err := o.read(ctx, strings.Clone(id))
		switch {
		case errors.Is(err, ErrNotFound):
			return nil, refuse(oauth.LinkDamaged, "", "the link is of nobody")
		case err != nil:
			return nil, err
		case op.Link == nil || !secret.Matches(op.Link.Digest, link.Reveal()):
			return nil, refuse(oauth.LinkUsed, op.ID, "the link was used already, or another one took its place")
		case !o.now().Before(op.Link.Expires):
			return nil, refuse(oauth.LinkExpired, op.ID, "the link is too old")
		}
		e := &entry{operator: op, enrols: !op.Link.Here}
		if e.enrols {
			e.detail = "by another operator's link: for setting up a proof, and nothing else before that"
		}
		op.Link = nil
		return e, nil
	})
}

// SignIn opens a session for a name, a password and a one-time code or a recovery code. ErrSignIn: one of them is wrong, was used
// before, or the operator may not. *limit.TooMany: too many wrong ones, nothing was checked. oauth.ErrUnavailable: ask again.
func (o *Operators) SignIn(ctx context.Context, username string, password, code oauth.Secret, from From) (*Session, oauth.Secret, error) {
	return o.byPassword(ctx, username, password, code, nil, from)
}

// Again lets the operator of a session show password and code once more: a fresh session under a new id takes the place of the old
// one. Errors as in SignIn.
func (o *Operators) Again(ctx context.Context, s *Session, password, code oauth.Secret, from From) (*Session, oauth.Secret, error) {
	return o.byPassword(ctx, s.Operator.Username, password, code, s, from)
}

func (o *Operators) byPassword(ctx context.Context, username string, password, code oauth.Secret, old *Session, from From,
) (*Session, oauth.Secret, error) {
	canonical, _ := registry.CanonicalName(username) // what can be nobody's name shares one count
	_, err := o.ByName(ctx, username)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, "", err
	}
	account := limit.Key{Kind: "operator", Name: canonical, Apart: err != nil}
	attempt, err := o.guesses.Begin(ctx, account, from.Place())
	if err != nil {
		return nil, "", o.refused(err, ByPassword, from)
	}
	defer attempt.End(false)

	var right secret.Hash // what the password was found to match; a second look need not pay for it again
	s, cookie, err := o.enter(ctx, ByPassword, old, from, func() (*entry, error) {
		op, err := o.ByName(ctx, username)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if err := o.checkPassword(ctx, op, password, attempt.Turn(), &right); err != nil {
			return nil, err
		}
		detail, err := o.secondFactor(op, code)
		if err != nil {
			return nil, err
		}
		return &entry{operator: op, detail: detail}, nil
	})
	switch {
	case err == nil:
		attempt.End(true)
	case !errors.Is(err, ErrSignIn):
		attempt.Void() // our fault
	}
	return s, cookie, err
}

// checkPassword compares a password with an operator's, or, where there is none, with one that nobody has: that takes as long.
func (o *Operators) checkPassword(ctx context.Context, op *Operator, password oauth.Secret, turn limit.Turn, right *secret.Hash) error {
	hash := secret.DecoyPassword
	if op != nil && op.Hash != "" {
		hash = op.Hash
	}
	if hash != *right {
		matches := false
		if err := o.hash(ctx, turn, func() { matches, _ = hash.MatchesPassword(password.Reveal()) }); err != nil {
			return err
		}
		if matches {
			*right = hash
		}
	}
	switch {
	case op == nil:
		return refuse(oauth.UnknownOperator, "", "nobody has that name") // which is not written down: people type passwords there
	case op.Hash == "":
		return refuse(oauth.NoPassword, op.ID, "the operator has no password")
	case hash != *right:
		return refuse(oauth.WrongSignIn, op.ID, "the password is wrong")
	}
	return nil
}

// secondFactor checks a one-time code or a recovery code and takes it out of the operator, so that writing the operator uses it up.
func (o *Operators) secondFactor(op *Operator, code oauth.Secret) (detail string, err error) {
	if len(op.TOTP) == 0 {
		return "", refuse(oauth.NoSecondFactor, op.ID, "the operator has no second factor")
	}
	if typed, ok := secret.RecoveryCode(code.Reveal()); ok {
		i := slices.IndexFunc(op.Recovery, func(digest []byte) bool { return secret.Matches(digest, typed) })
		if i < 0 {
			return "", refuse(oauth.WrongRecoveryCode, op.ID, "the recovery code is wrong or used")
		}
		op.Recovery = slices.Delete(op.Recovery, i, i+1)
		return "by a recovery code; left: " + strconv.Itoa(len(op.Recovery)), nil
	}
	text, err := o.sealer.Open(totpLabel, op.TOTP)
	if err != nil {
		return "", fmt.Errorf("one-time code secret of operator %s: %w", op.ID, err)
	}
	step, ok := secret.CheckTOTP(string(text), code.Reveal(), o.now(), op.TOTPStep)
	if !ok {
		return "", refuse(oauth.WrongSignInCode, op.ID, "the one-time code is wrong or used")
	}
	op.TOTPStep = step
	return "", nil
}

// enter is the one way into a session. prove looks who it is, by what the store has now; it is called again when another writer was
// faster, so that whatever a proof uses up lets in one of two who show it at the same moment.
func (o *Operators) enter(ctx context.Context, method string, old *Session, from From, prove func() (*entry, error)) (*Session, oauth.Secret, error) {
	for try := 1; ; try++ {
		e, err := prove()
		if err == nil && e.operator.Barred() != "" {
			err = refuse(oauth.BarredOperator, e.operator.ID, "%s", e.operator.Barred())
		}
		if err == nil && old != nil {
			err = o.replace(ctx, e, old)
		}
		if err != nil {
			return nil, "", o.refused(err, method, from)
		}
		s, cookie, err := o.open(ctx, e, method, from)
		if errors.Is(err, store.ErrConflict) && try < maxTries {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		o.tidy(ctx, s.Operator, s.ID)
		return s, cookie, nil
	}
}

// replace adds the end of the session that is to be replaced.
func (o *Operators) replace(ctx context.Context, e *entry, old *Session) error {
	s, err := o.live(ctx, old.ID)
	switch {
	case errors.Is(err, ErrSignIn):
		return refuse(oauth.EndedSession, e.operator.ID, "the session has ended meanwhile")
	case err != nil:
		return err
	case s.Operator.ID != e.operator.ID:
		return refuse(oauth.OtherSession, e.operator.ID, "the session is another operator's")
	}
	rec := s.record()
	rec.Expires = gone
	e.used = append(e.used, rec)
	return nil
}

// open writes a new session, the sign-in and what it has used up, all or nothing.
func (o *Operators) open(ctx context.Context, e *entry, method string, from From) (*Session, oauth.Secret, error) {
	now, op := o.now(), e.operator
	cookie, id := secret.NewToken(cookiePrefix, now)
	digest := secret.Digest(cookie)
	r := row{Digest: digest[:], Epoch: op.Epoch, Created: now, Seen: now, Expires: now.Add(sessionLife), Method: method,
		Source: from.From(), Agent: shortened(from.Agent, maxAgent)}
	if method == ByLink { // who has a link has been sent it, and has shown nothing
		r.Link, r.Enrol = op.Links, e.enrols
	} else {
		r.Proven = now
	}
	op.SignedIn = now
	event := audit.Event{Act: "operator.sign-in", Actor: op.By(), RequestID: from.RequestID, Source: from.From(),
		Detail: map[string]string{"method": method, "session": id}}
	if e.detail != "" {
		event.Detail["note"] = e.detail
	}
	if err := o.put(ctx, op, event, append(e.used, r.record(id, op.ID, 0))...); err != nil {
		return nil, "", err
	}
	return r.session(id, 1, op), oauth.Secret(cookie), nil
}

// refused writes a refused sign-in down and returns what its caller may read.
func (o *Operators) refused(err error, method string, from From) error {
	e := audit.Event{Time: o.now(), Act: "operator.sign-in.refuse", Source: from.From(), ID: from.RequestID,
		Detail: map[string]string{"method": method}}
	r, refused := errors.AsType[*refusal](err)
	_, throttled := errors.AsType[*limit.TooMany](err)
	switch {
	case refused:
		e.Reason, e.Detail[audit.CaseDetail], err = r.reason, string(r.kind), ErrSignIn
	case throttled:
		e.Reason, e.Detail[audit.CaseDetail] = err.Error(), string(oauth.SignInGuesses)
	default:
		return err // our fault: not a refusal
	}
	if refused && r.operator != "" {
		e.Actor, e.Subject = actor(r.operator), actor(r.operator)
	}
	if e.ID == "" {
		e.ID = secret.NewID(e.Time)
	}
	if o.refusals != nil {
		o.refusals.Refused(e)
	}
	return err
}

// shortened returns what is kept of a text that somebody has sent.
func shortened(text string, longest int) string {
	if len(text) > longest {
		text = text[:longest]
	}
	return strings.ToValidUTF8(text, "")
}
