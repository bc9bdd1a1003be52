package office

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Staff is the register of operators, as one actor may use it, and the record of the desk itself. Office.Operators makes one; it is used
// for one request. What one does about one's own proofs and sessions is no business of it: package operator has it.
type Staff struct {
	office *Office
	who    *operator.Actor
}

// May returns nil when the actor has a right at the desk itself; that the actor has it not is written down.
func (s *Staff) May(right operator.Right) error { return s.may(right) }

// may returns nil when the actor has a right at the desk itself.
func (s *Staff) may(right operator.Right) error {
	err := s.who.May(right, operator.All)
	if errors.Is(err, operator.ErrDenied) {
		s.office.refused(s.who, operator.All, right)
	}
	return err
}

// List returns all operators.
func (s *Staff) List(ctx context.Context) ([]*operator.Operator, error) {
	if err := s.may(operator.ReadOperators); err != nil {
		return nil, err
	}
	all, err := s.office.Options.Operators.List(ctx)
	bare := make([]*operator.Operator, len(all))
	for i, o := range all {
		bare[i] = bareOperator(o)
	}
	return bare, err
}

// Get returns an operator by id.
func (s *Staff) Get(ctx context.Context, id string) (*operator.Operator, error) {
	if err := s.may(operator.ReadOperators); err != nil {
		return nil, err
	}
	o, err := s.office.Options.Operators.Get(ctx, id)
	return bareOperator(o), err
}

// Create registers an operator by user name, name and roles. Only a link (Invite) lets one in for the first time.
func (s *Staff) Create(ctx context.Context, o operator.Operator) (*operator.Operator, error) {
	if err := s.may(operator.ChangeOperators); err != nil {
		return nil, err
	}
	if len(o.Roles) == 0 {
		return nil, &registry.Problem{Field: "roles", Text: "give at least one role: without one there would be nothing to sign in for"}
	}
	if err := s.checkRoles(o.Roles, nil); err != nil {
		return nil, err
	}
	made, err := s.office.Options.Operators.Create(ctx, s.who.By, operator.Operator{Username: o.Username, Name: o.Name, Roles: maps.Clone(o.Roles)})
	return bareOperator(made), err
}

// Update changes what others may write of an operator: name, roles, and whether it is disabled. Anything else that edit changes is put
// back. act names the change in the audit record; rev is the revision its author has seen, or 0. edit may be called again when another
// writer was faster.
func (s *Staff) Update(ctx context.Context, act, id string, rev uint64, edit func(*operator.Operator) error) (*operator.Operator, error) {
	if err := s.may(operator.ChangeOperators); err != nil {
		return nil, err
	}
	changed, err := s.office.Options.Operators.Update(ctx, s.who.By, act, id, 0, func(o *operator.Operator) error {
		if err := unchanged(rev, o.Edition, o.UpdatedBy, o.Updated); err != nil {
			return err
		}
		kept, edited := *o, *bareOperator(o)
		edited.Roles = maps.Clone(kept.Roles)
		if err := edit(&edited); err != nil {
			return err
		}
		*o = kept
		o.Name, o.Roles, o.Disabled = edited.Name, edited.Roles, edited.Disabled
		return s.checkRoles(o.Roles, kept.Roles)
	})
	return bareOperator(changed), s.lost(ctx, id, err)
}

// checkRoles refuses roles in tenants that are not there, unless they were held before.
func (s *Staff) checkRoles(wanted, held map[string]operator.Role) error {
	for tenant := range wanted {
		_, known := s.office.Registry.Tenant(tenant)
		if _, had := held[tenant]; !known && !had && tenant != operator.All {
			return &registry.Problem{Field: "roles", Text: fmt.Sprintf("there is no tenant %.64s", tenant)}
		}
	}
	return nil
}

// Delete ends an operator for good.
func (s *Staff) Delete(ctx context.Context, id string, rev uint64) error {
	if err := s.may(operator.ChangeOperators); err != nil {
		return err
	}
	return s.lost(ctx, id, s.office.Options.Operators.Delete(ctx, s.who.By, id, rev))
}

// lost says who was faster when the store says that somebody was.
func (s *Staff) lost(ctx context.Context, id string, err error) error {
	if !errors.Is(err, store.ErrConflict) {
		return err
	}
	if now, failed := s.office.Options.Operators.Get(ctx, id); failed == nil {
		return &Changed{now.UpdatedBy, now.Updated}
	}
	return ErrChanged
}

// Invite returns the URL of a link by which an operator may sign in once, within life; earlier ones are worth nothing any more. Made at this
// machine's command line it opens a full session; made by another operator or a program it opens one that sets up a proof and does nothing
// before that, so that nobody acts in another's name.
func (s *Staff) Invite(ctx context.Context, id string, life time.Duration) (url oauth.Secret, expires time.Time, err error) {
	if err := s.may(operator.ChangeOperators); err != nil {
		return "", time.Time{}, err
	}
	link, expires, err := s.office.Options.Operators.Invite(ctx, s.who.By, id, life, s.who.Here())
	if err != nil || s.office.SignInLink == nil {
		return link, expires, err
	}
	return oauth.Secret(s.office.SignInLink(link)), expires, nil
}

// ClearProofs takes password, one-time codes, passkeys and recovery codes of an operator who has lost them away; a link (Invite) lets him
// make new ones.
func (s *Staff) ClearProofs(ctx context.Context, id string, rev uint64) (*operator.Operator, error) {
	if err := s.may(operator.ChangeOperators); err != nil {
		return nil, err
	}
	changed, err := s.office.Options.Operators.ClearProofs(ctx, s.who.By, id, rev)
	return bareOperator(changed), s.lost(ctx, id, err)
}

// Sessions returns the sessions of an operator.
func (s *Staff) Sessions(ctx context.Context, operatorID string) ([]*operator.Session, error) {
	if err := s.may(operator.ReadOperators); err != nil {
		return nil, err
	}
	all, err := s.office.Options.Operators.Sessions(ctx, operatorID)
	bare := make([]*operator.Session, len(all))
	for i, session := range all {
		seen := *session
		seen.Operator = bareOperator(seen.Operator)
		bare[i] = &seen
	}
	return bare, err
}

// EndSession ends one session of an operator.
func (s *Staff) EndSession(ctx context.Context, operatorID, sessionID string) error {
	if err := s.may(operator.ChangeOperators); err != nil {
		return err
	}
	return s.office.Options.Operators.EndSession(ctx, s.who.By, operatorID, sessionID)
}

// EndSessions ends all sessions of an operator but one; except may be empty.
func (s *Staff) EndSessions(ctx context.Context, operatorID, except string) error {
	if err := s.may(operator.ChangeOperators); err != nil {
		return err
	}
	return s.office.Options.Operators.EndSessions(ctx, s.who.By, operatorID, except)
}

// Events returns a page of the record of the desk itself, as Desk.Events does: who signed in, who was let do what as an operator.
func (s *Staff) Events(ctx context.Context, q audit.Query) (events []audit.Event, next string, more bool, err error) {
	if err := s.may(operator.ReadOperators); err != nil {
		return nil, "", false, err
	}
	return s.office.events(ctx, "", q)
}

// Event returns one event of the desk itself by its id.
func (s *Staff) Event(ctx context.Context, id string) (audit.Event, error) {
	if err := s.may(operator.ReadOperators); err != nil {
		return audit.Event{}, err
	}
	return s.office.event(ctx, "", id)
}
