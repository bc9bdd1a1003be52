package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// How long a session lasts (NIST SP 800-63B-4, section 2.2.3, asks for an hour and a day at most).
const (
	idleFor     = 30 * time.Minute // without being used
	sessionLife = 12 * time.Hour
	freshFor    = 15 * time.Minute // after a proof
	seenEvery   = time.Minute      // so often its last use is written down
)

// cookiePrefix starts the texts of session cookies.
const cookiePrefix = "tbo"

// How a session was opened.
const (
	ByLink     = "link"
	ByPassword = "password"
	ByPasskey  = "passkey"
)

// Session is an operator at a browser. Operator is as the store had it when the session was read; nobody may change it.
type Session struct {
	ID       string
	Operator *Operator
	Created  time.Time
	LastSeen time.Time // to the minute
	Expires  time.Time // at the latest; half an hour without use ends it too
	ProvenAt time.Time // when a password with its code, or a passkey, was shown; zero in a session by link
	Method   string    // ByLink, ByPassword or ByPasskey

	// Enrolling: by the link of another operator, and good for nothing but setting up a proof; with that it becomes a full session. Or the
	// maker of a link could act as the person it is for, and leave that person's name in the audit record.
	Enrolling bool

	Source string // the address it was opened from
	Agent  string // and what the browser called itself

	row row
	rev uint64
}

// row is the stored form of a session: this JSON, keyed by the id inside its cookie in tenant "" under kind session, its parent the
// operator's id. It expires when it has not been used for half an hour, or at its end.
//
//	{"digest":"<SHA-256>","epoch":3,"created":"…","seen":"…","expires":"…","proven":"…","method":"passkey","source":"192.0.2.7","agent":"…"}
type row struct {
	Digest  []byte    `json:"digest"` // of the cookie's text
	Epoch   uint64    `json:"epoch"`  // of the operator; it is over when the operator's is another
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`
	Expires time.Time `json:"expires"`
	Proven  time.Time `json:"proven,omitzero"`
	Method  string    `json:"method"`
	Link    uint64    `json:"link,omitempty"`      // of a session by link: Operator.Links as it was
	Enrol   bool      `json:"enrolling,omitempty"` // see Session.Enrolling
	Source  string    `json:"source"`
	Agent   string    `json:"agent,omitempty"`
}

func (r row) session(id string, rev uint64, op *Operator) *Session {
	return &Session{ID: id, Operator: op, Created: r.Created, LastSeen: r.Seen, Expires: r.Expires, ProvenAt: r.Proven, Method: r.Method,
		Enrolling: r.Enrol, Source: r.Source, Agent: r.Agent, row: r, rev: rev}
}

func (r row) record(id, operator string, rev uint64) store.Record {
	expires := r.Seen.Add(idleFor)
	if r.Expires.Before(expires) {
		expires = r.Expires
	}
	return store.Record{Kind: store.Session, ID: id, Rev: rev, Parent: operator, Expires: expires, Body: encode(r)}
}

func (s *Session) record() store.Record { return s.row.record(s.ID, s.Operator.ID, s.rev) }

// over says why a session has ended, or nothing.
func (s *Session) over(now time.Time) string {
	switch {
	case s.Operator.Barred() != "":
		return s.Operator.Barred()
	case s.row.Epoch != s.Operator.Epoch:
		return "the session was ended"
	case s.Method == ByLink && s.row.Link != s.Operator.Links:
		return "another link was made since"
	case !now.Before(s.Expires) || !now.Before(s.LastSeen.Add(idleFor)):
		return "the session is too old"
	}
	return ""
}

// Actor returns who acts in the session, in a request of that id from that address. In an enrolling session it has no role.
func (s *Session) Actor(now time.Time, requestID, source string) Actor {
	name := s.Operator.Name
	if name == "" {
		name = s.Operator.Username
	}
	roles := maps.Clone(s.Operator.Roles)
	if s.Enrolling {
		roles = nil
	}
	return Actor{By: s.Operator.By(), Name: name, Roles: roles, Fresh: s.fresh(now), RequestID: requestID, Source: source}
}

func (s *Session) fresh(now time.Time) bool {
	return !s.ProvenAt.IsZero() && now.Before(s.ProvenAt.Add(freshFor))
}

// MayChangeProofs reports whether the operator may add or change proofs in this session: shortly after showing one, or, having come
// by a link, as long as there is none. An enrolling session may add one, to those there are as well, and change nothing else.
func (s *Session) MayChangeProofs(now time.Time) bool {
	return s.Enrolling || s.fresh(now) || s.Method == ByLink && !s.Operator.HasProof()
}

// Session returns the session of a cookie, with its operator read anew, and notes that it was seen. ErrSignIn: there is none, or it
// is over.
func (o *Operators) Session(ctx context.Context, cookie oauth.Secret) (*Session, error) {
	id, ok := secret.ParseToken(cookie.Reveal(), cookiePrefix)
	if !ok {
		return nil, ErrSignIn
	}
	s, err := o.live(ctx, strings.Clone(id))
	if err != nil {
		return nil, err
	}
	if !secret.Matches(s.row.Digest, cookie.Reveal()) {
		return nil, ErrSignIn
	}
	if now := o.now(); now.Sub(s.LastSeen) >= seenEvery {
		s.row.Seen, s.LastSeen = now, now
		// That another request has noted it, or has ended the session, is no fault; and a desk whose disk is full must still be looked
		// at: what else this request wants to write will say so.
		if o.store.Put(ctx, s.record()) == nil {
			s.rev++
		}
	}
	return s, nil
}

// live returns a session by id, with its operator, both as the store has them now; ErrSignIn when it is over.
func (o *Operators) live(ctx context.Context, id string) (*Session, error) {
	rec, err := o.store.Get(ctx, "", store.Session, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrSignIn
	}
	if err != nil {
		return nil, fmt.Errorf("read session: %w", err)
	}
	op, err := o.read(ctx, rec.Parent)
	if errors.Is(err, ErrNotFound) {
		return nil, ErrSignIn
	}
	if err != nil {
		return nil, err
	}
	s, err := readSession(rec, op)
	if err != nil {
		return nil, err
	}
	if s.over(o.now()) != "" {
		return nil, ErrSignIn
	}
	return s, nil
}

func readSession(rec store.Record, op *Operator) (*Session, error) {
	var r row
	if err := json.Unmarshal(rec.Body, &r); err != nil {
		return nil, fmt.Errorf("session %s cannot be read: %w", rec.ID, err)
	}
	return r.session(rec.ID, rec.Rev, op), nil
}

// Sessions returns the sessions of an operator that last, the one seen latest first.
func (o *Operators) Sessions(ctx context.Context, operatorID string) ([]*Session, error) {
	op, err := o.Get(ctx, operatorID)
	if err != nil {
		return nil, err
	}
	records, err := o.store.List(ctx, store.Query{Kind: store.Session, Parent: operatorID, Limit: store.MaxLimit})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	var all []*Session
	for _, rec := range records {
		s, err := readSession(rec, op)
		if err != nil {
			return nil, err
		}
		if s.over(o.now()) == "" {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *Session) int { return b.LastSeen.Compare(a.LastSeen) })
	return all, nil
}

// SignOut ends a session. One that is over already stays so.
func (o *Operators) SignOut(ctx context.Context, s *Session) error {
	err := o.end(ctx, s.Operator.By(), "operator.sign-out", s.Operator.ID, s.ID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// EndSession ends one session of an operator. by is who does it. ErrNotFound: the operator has no such session.
func (o *Operators) EndSession(ctx context.Context, by, operatorID, sessionID string) error {
	return o.end(ctx, by, "operator.end-session", operatorID, sessionID)
}

func (o *Operators) end(ctx context.Context, by, act, operatorID, sessionID string) error {
	if sessionID == "" || operatorID == "" { // what is kept beside the sessions has no parent
		return fmt.Errorf("session without a name: %w", ErrNotFound)
	}
	for try := 1; ; try++ {
		rec, err := o.store.Get(ctx, "", store.Session, sessionID)
		switch {
		case errors.Is(err, store.ErrNotFound) || err == nil && rec.Parent != operatorID:
			return fmt.Errorf("session %.64q of operator %.64q: %w", sessionID, operatorID, ErrNotFound)
		case err != nil:
			return fmt.Errorf("end a session: %w", err)
		}
		rec.Expires = gone
		event, err := o.event(ctx, audit.Event{Act: act, Actor: by, Subject: actor(operatorID), Detail: map[string]string{"session": sessionID}})
		if err != nil {
			return err
		}
		err = o.store.Put(ctx, rec, event)
		if errors.Is(err, store.ErrConflict) && try < maxTries {
			continue // it was used at this moment, or ended
		}
		if err != nil {
			return fmt.Errorf("end a session: %w", err)
		}
		return nil
	}
}

// EndSessions ends all sessions of an operator but the one of the id except, which may be "". by is who does it.
func (o *Operators) EndSessions(ctx context.Context, by, operatorID, except string) error {
	for try := 1; ; try++ {
		op, err := o.Get(ctx, operatorID)
		if err != nil {
			return err
		}
		if op.Deleted {
			return fmt.Errorf("operator %.64q: %w", operatorID, ErrNotFound)
		}
		op.Epoch++
		more, err := o.keep(ctx, op, except)
		if err != nil {
			return err
		}
		err = o.put(ctx, op, audit.Event{Act: "operator.end-sessions", Actor: by}, more...)
		if errors.Is(err, store.ErrConflict) && try < maxTries {
			continue
		}
		if err == nil {
			o.tidy(ctx, op, "")
		}
		return err
	}
}

// keep takes one session over into a new epoch of its operator, if it lasts.
func (o *Operators) keep(ctx context.Context, op *Operator, id string) ([]store.Record, error) {
	if id == "" {
		return nil, nil
	}
	s, err := o.live(ctx, id)
	switch {
	case errors.Is(err, ErrSignIn) || err == nil && s.Operator.ID != op.ID:
		return nil, nil
	case err != nil:
		return nil, err
	}
	s.row.Epoch = op.Epoch
	return []store.Record{s.record()}, nil
}

// tidy deletes sessions that are over, and the ones not seen for longest when there are too many; never the one just opened. What it
// cannot delete the next sign-in does: none of it could be used.
func (o *Operators) tidy(ctx context.Context, op *Operator, opened string) {
	records, err := o.store.List(ctx, store.Query{Kind: store.Session, Parent: op.ID, Limit: store.MaxLimit})
	if err != nil {
		return
	}
	var over []string
	var last []*Session
	for _, rec := range records {
		s, err := readSession(rec, op)
		switch {
		case err != nil || s.row.Epoch < op.Epoch || s.Method == ByLink && s.row.Link < op.Links:
			over = append(over, rec.ID)
		case rec.ID != opened:
			last = append(last, s)
		}
	}
	slices.SortFunc(last, func(a, b *Session) int { return a.LastSeen.Compare(b.LastSeen) })
	for opened != "" && len(last) >= maxSessions {
		over, last = append(over, last[0].ID), last[1:]
	}
	if len(over) > 0 {
		_ = o.store.Delete(ctx, "", store.Session, over...)
	}
}
