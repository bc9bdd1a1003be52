package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// ask is caller.do below the path of the operators. What is not there is an operator or a session, and no registration of a tenant.
func (r *RemoteStaff) ask(ctx context.Context, q request, out any) error {
	q.path = append([]string{operatorsPath}, q.path...)
	err := r.caller.do(ctx, q, out)
	if errors.Is(err, registry.ErrNotFound) {
		return fmt.Errorf("%s: %w", q.about(), operator.ErrNotFound)
	}
	return err
}

// onOperator sends a request that is answered with an operator.
func (r *RemoteStaff) onOperator(ctx context.Context, q request) (*operator.Operator, error) {
	var out Operator
	if err := r.ask(ctx, q, &out); err != nil {
		return nil, err
	}
	return operatorIn(&out)
}

// List returns all operators, however many pages they fill.
func (r *RemoteStaff) List(ctx context.Context) (all []*operator.Operator, err error) {
	query := asked("limit", page(maxPage))
	for {
		var out OperatorPage
		if err := r.ask(ctx, request{method: http.MethodGet, query: query}, &out); err != nil {
			return nil, err
		}
		for i := range out.Operators {
			o, err := operatorIn(&out.Operators[i])
			if err != nil {
				return nil, err
			}
			all = append(all, o)
		}
		if out.Next == "" {
			return all, nil
		}
		query.Set("cursor", out.Next)
	}
}

// Get returns an operator by id.
func (r *RemoteStaff) Get(ctx context.Context, id string) (*operator.Operator, error) {
	return r.onOperator(ctx, request{method: http.MethodGet, path: []string{id}})
}

// Create registers an operator by user name, name and roles.
func (r *RemoteStaff) Create(ctx context.Context, o operator.Operator) (*operator.Operator, error) {
	fields := writableOperator(&o)
	return r.onOperator(ctx, request{method: http.MethodPost, once: true, in: NewOperator{Username: o.Username, Name: fields.Name, Roles: fields.Roles}})
}

// Update reads an operator, lets edit change it and writes it back, in name, roles and whether it is disabled. Under the acts
// operator.disable and operator.enable it writes the last of these alone.
func (r *RemoteStaff) Update(ctx context.Context, act, id string, rev uint64, edit func(*operator.Operator) error) (*operator.Operator, error) {
	return change[*operator.Operator]{
		read:  func(ctx context.Context) (*operator.Operator, error) { return r.Get(ctx, id) },
		state: func(o *operator.Operator) (uint64, string, time.Time) { return o.Edition, o.UpdatedBy, o.Updated },
		edit:  edit,
		write: func(ctx context.Context, o *operator.Operator, seen uint64) (*operator.Operator, error) {
			if act == disabling || act == enabling {
				return r.onOperator(ctx, request{method: http.MethodPost, path: []string{id, turn(o.Disabled)}, match: match(seen)})
			}
			return r.onOperator(ctx, request{method: http.MethodPut, path: []string{id}, match: match(seen), in: writableOperator(o)})
		},
	}.run(ctx, rev)
}

// Delete ends an operator for good.
func (r *RemoteStaff) Delete(ctx context.Context, id string, rev uint64) error {
	return r.ask(ctx, request{method: http.MethodDelete, path: []string{id}, match: match(rev)}, nil)
}

// Invite returns the URL of a link by which an operator may sign in once, and set up a proof. life counts in whole seconds.
func (r *RemoteStaff) Invite(ctx context.Context, id string, life time.Duration) (url oauth.Secret, expires time.Time, err error) {
	var out SignInLink
	err = r.ask(ctx, request{method: http.MethodPost, path: []string{id, "invite"}, once: true, in: Invitation{Lifetime: int64(life / time.Second)}}, &out)
	return oauth.Secret(out.Url), out.Expires, err
}

// ClearProofs takes away what an operator signs in with.
func (r *RemoteStaff) ClearProofs(ctx context.Context, id string, rev uint64) (*operator.Operator, error) {
	return r.onOperator(ctx, request{method: http.MethodPost, path: []string{id, "clear-proofs"}, match: match(rev)})
}

// Sessions returns the sessions of an operator, of whom each knows the id alone.
func (r *RemoteStaff) Sessions(ctx context.Context, operatorID string) ([]*operator.Session, error) {
	var out SessionList
	if err := r.ask(ctx, request{method: http.MethodGet, path: []string{operatorID, "sessions"}}, &out); err != nil {
		return nil, err
	}
	all := make([]*operator.Session, len(out.Sessions))
	for i := range out.Sessions {
		all[i] = sessionIn(operatorID, &out.Sessions[i])
	}
	return all, nil
}

// EndSession ends one session of an operator.
func (r *RemoteStaff) EndSession(ctx context.Context, operatorID, sessionID string) error {
	return r.ask(ctx, request{method: http.MethodPost, path: []string{operatorID, "sessions", sessionID, "end"}}, nil)
}

// EndSessions ends all sessions of an operator. except must be empty: who calls the API is in none of them.
func (r *RemoteStaff) EndSessions(ctx context.Context, operatorID, except string) error {
	if except != "" {
		return fmt.Errorf("the operators' API ends all sessions of an operator, and cannot leave out session %s", except)
	}
	return r.ask(ctx, request{method: http.MethodPost, path: []string{operatorID, "sessions", "end"}}, nil)
}

// Events returns a page of the record of the desk itself, as Remote.Events does of a tenant's.
func (r *RemoteStaff) Events(ctx context.Context, q audit.Query) (events []audit.Event, next string, more bool, err error) {
	return r.events(ctx, "", []string{"events"}, q)
}
