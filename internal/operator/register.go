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
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// linkPrefix starts the texts of one-time sign-in links.
const linkPrefix = "tbl"

// How long a link may be good.
const (
	ShortestLink = time.Minute
	LongestLink  = 7 * 24 * time.Hour
)

// CheckLink refuses a life that no link may have, as Invite does.
func CheckLink(life time.Duration) error {
	if life < ShortestLink || life > LongestLink {
		return problem("lifetime", "a link is good for a minute to a week, not for %v", life)
	}
	return nil
}

// lastOwner is the id, among the sign-in names, of a record that every change writes which takes an owner away: of two owners who
// demote each other at the same moment one comes too late. No name has a space in it.
const lastOwner = "the owners"

// login is the stored form of an operator's name.
type login struct {
	Operator string `json:"operator"`
}

// List returns all operators by name; deleted ones are left out.
func (o *Operators) List(ctx context.Context) ([]*Operator, error) {
	var all []*Operator
	q := store.Query{Kind: store.Operator, Limit: store.MaxLimit}
	for {
		records, err := o.store.List(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("list operators: %w", err)
		}
		for _, rec := range records {
			op := &Operator{}
			if err := op.decode(rec); err != nil {
				return nil, err
			}
			if !op.Deleted {
				all = append(all, op)
			}
		}
		if len(records) < q.Page() {
			break
		}
		q.After = records[len(records)-1].ID
	}
	slices.SortFunc(all, func(a, b *Operator) int { return strings.Compare(a.Username, b.Username) })
	return all, nil
}

// Get returns an operator by id, or ErrNotFound. One who was deleted is still there, so that old events have a name: see Deleted.
func (o *Operators) Get(ctx context.Context, id string) (*Operator, error) {
	if id == "" {
		return nil, fmt.Errorf("operator without an id: %w", ErrNotFound)
	}
	return o.read(ctx, id)
}

// ByName returns the operator of that name in any spelling, or ErrNotFound.
func (o *Operators) ByName(ctx context.Context, username string) (*Operator, error) {
	canonical, ok := registry.CanonicalName(username)
	if !ok {
		return nil, fmt.Errorf("operator of that name: %w", ErrNotFound)
	}
	rec, err := o.store.Get(ctx, "", store.Login, canonical)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("operator %q: %w", canonical, ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("look for an operator: %w", err)
	}
	var l login
	if err := json.Unmarshal(rec.Body, &l); err != nil {
		return nil, fmt.Errorf("name of operator %q cannot be read: %w", canonical, err)
	}
	return o.read(ctx, l.Operator)
}

// Create registers an operator with a name and roles; proofs come later, through a link (Invite). by is who does it.
func (o *Operators) Create(ctx context.Context, by string, wanted Operator) (*Operator, error) {
	canonical, ok := registry.CanonicalName(wanted.Username)
	if !ok {
		return nil, problem("username", "a user name is 1 to 254 bytes without spaces and control characters; an e-mail address serves best")
	}
	now := o.now()
	op := &Operator{ID: secret.NewID(now), Edition: 1, Username: canonical, Name: wanted.Name, Roles: maps.Clone(wanted.Roles), Disabled: wanted.Disabled,
		Created: now, CreatedBy: by, Updated: now, UpdatedBy: by}
	if err := op.check(); err != nil {
		return nil, err
	}
	name := store.Record{Kind: store.Login, ID: canonical, Body: encode(login{op.ID})}
	err := o.put(ctx, op, audit.Event{Act: "operator.create", Actor: by, Changes: op.changes(&Operator{})}, name)
	if errors.Is(err, store.ErrConflict) {
		return nil, problem("username", "there is an operator %s already", canonical)
	}
	if err != nil {
		return nil, err
	}
	return op, nil
}

// Update changes an operator; act names the event. With an edition other than 0 it changes that one only, and answers
// store.ErrConflict when another is kept. edit may be called again when another writer was faster. Name, id and author stay what they
// are. Who is disabled, gets other roles, or loses the last proof, has no session and no calendar left; the last owner of the desk stays
// one.
func (o *Operators) Update(ctx context.Context, by, act, id string, edition uint64, edit func(*Operator) error) (*Operator, error) {
	return o.update(ctx, by, act, id, edition, false, edit)
}

// update is Update; ends says that sessions and calendar end in any case.
func (o *Operators) update(ctx context.Context, by, act, id string, edition uint64, ends bool, edit func(*Operator) error) (*Operator, error) {
	for try := 1; ; try++ {
		before, err := o.Get(ctx, id)
		switch {
		case err != nil:
			return nil, err
		case before.Deleted:
			return nil, fmt.Errorf("operator %s is deleted: %w", id, ErrNotFound)
		case edition != 0 && edition != before.Edition:
			return nil, fmt.Errorf("operator %s is at edition %d, not %d: %w", id, before.Edition, edition, store.ErrConflict)
		}
		op := before.clone()
		if err := edit(op); err != nil {
			return nil, err
		}
		op.ID, op.Rev, op.Username, op.Created, op.CreatedBy = before.ID, before.Rev, before.Username, before.Created, before.CreatedBy
		op.Edition, op.Updated, op.UpdatedBy = before.Edition+1, o.now(), by
		if err := op.check(); err != nil {
			return nil, err
		}
		more, err := o.follow(ctx, before, op, ends)
		if err != nil {
			return nil, err
		}
		err = o.put(ctx, op, audit.Event{Act: act, Actor: by, Changes: op.changes(before)}, more...)
		if errors.Is(err, store.ErrConflict) && try < maxTries {
			continue
		}
		if err != nil {
			return nil, err
		}
		o.tidy(ctx, op, "")
		return op, nil
	}
}

// follow settles what else a change of an operator changes, and returns the records of it.
func (o *Operators) follow(ctx context.Context, before, op *Operator, ends bool) (more []store.Record, err error) {
	barred := op.Barred() != "" && before.Barred() == ""
	if barred {
		op.Link = nil
	}
	ends = ends || barred || !maps.Equal(op.Roles, before.Roles) || before.HasProof() && !op.HasProof()
	if op.Epoch = before.Epoch; ends {
		op.Epoch++
		op.CalendarKey = nil
	}
	if before.owns() && !op.owns() {
		rec, err := o.otherOwner(ctx, op.ID)
		if err != nil {
			return nil, err
		}
		more = append(more, rec)
	}
	if op.Deleted { // the name is free again, for somebody with another id
		rec, err := o.store.Get(ctx, "", store.Login, op.Username)
		if err != nil {
			return nil, fmt.Errorf("free the name of operator %s: %w", op.ID, err)
		}
		rec.Expires = gone
		more = append(more, rec)
	}
	return more, nil
}

// otherOwner looks for an owner of the desk beside one who shall be it no longer. The record it returns must be written with the
// change: it was read before the owners were, so that none of them can have ceased to be one meanwhile.
func (o *Operators) otherOwner(ctx context.Context, id string) (store.Record, error) {
	rec, err := o.store.Get(ctx, "", store.Login, lastOwner)
	if errors.Is(err, store.ErrNotFound) {
		rec = store.Record{Kind: store.Login, ID: lastOwner}
	} else if err != nil {
		return rec, fmt.Errorf("look for other owners: %w", err)
	}
	all, err := o.List(ctx)
	if err != nil {
		return rec, err
	}
	if !slices.ContainsFunc(all, func(other *Operator) bool { return other.ID != id && other.owns() }) {
		return rec, problem("roles", "the last owner of the desk can be neither disabled, deleted nor given another role; make another one first")
	}
	rec.Body = encode(login{id})
	return rec, nil
}

// Delete ends an operator for good, with all proofs and sessions. The name may be registered again, under a new id. edition as in Update.
func (o *Operators) Delete(ctx context.Context, by, id string, edition uint64) error {
	_, err := o.Update(ctx, by, "operator.delete", id, edition, func(op *Operator) error {
		op.Deleted = true
		op.dropProofs()
		return nil
	})
	return err
}

// ClearProofs takes password, one-time codes, passkeys and recovery codes of an operator away, with the calendar's key, and ends the
// sessions, also of who had no proof: what an owner does, before Invite, for somebody who has lost them. edition as in Update.
func (o *Operators) ClearProofs(ctx context.Context, by, id string, edition uint64) (*Operator, error) {
	return o.update(ctx, by, "operator.clear-proofs", id, edition, true, func(op *Operator) error {
		op.dropProofs()
		return nil
	})
}

func (op *Operator) dropProofs() {
	op.Hash, op.TOTP, op.TOTPStep, op.Passkeys, op.Recovery, op.Link = "", nil, 0, nil, nil, nil
}

// Invite makes the text of a sign-in link that is good once, for the life given, a minute to a week. Earlier links of the operator die, and
// the sessions they opened end. The session it opens is never a fresh one. here says that the link was made on this machine, by somebody
// who can read and write the store anyhow: then the session is a full one, else an enrolling one.
func (o *Operators) Invite(ctx context.Context, by, id string, life time.Duration, here bool) (link oauth.Secret, expires time.Time, err error) {
	if err := CheckLink(life); err != nil {
		return "", time.Time{}, err
	}
	text := secret.NewTokenFor(linkPrefix, id)
	digest := secret.Digest(text)
	_, err = o.Update(ctx, by, "operator.invite", id, 0, func(op *Operator) error {
		if op.Disabled {
			return problem("id", "operator %s is disabled; enable the operator first", op.Username)
		}
		expires = o.now().Add(life)
		op.Link = &Link{Digest: digest[:], Expires: expires, Here: here}
		op.Links++
		return nil
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return oauth.Secret(text), expires, nil
}
