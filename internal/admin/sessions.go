package admin

import (
	"context"

	"github.com/tokenbooth/tokenbooth/internal/operator"
)

// ListSessions answers the sessions of an operator.
func (a *api) ListSessions(ctx context.Context, in ListSessionsRequestObject) (ListSessionsResponseObject, error) {
	all, err := a.staff(ctx).Sessions(ctx, in.Operator)
	if err != nil {
		return nil, err
	}
	out := SessionList{Sessions: []Session{}}
	for _, s := range all {
		out.Sessions = append(out.Sessions, sessionOut(s))
	}
	return ListSessions200JSONResponse(out), nil
}

func sessionOut(s *operator.Session) Session {
	return Session{Id: s.ID, Method: SessionMethod(s.Method), Enrolling: s.Enrolling, Source: s.Source, Agent: s.Agent, Created: utc(s.Created),
		Seen: utc(s.LastSeen), Proven: utc(s.ProvenAt), Expires: utc(s.Expires)}
}

// sessionIn is a session of the contract as the rest of the product has it. Of its operator it knows the id alone.
func sessionIn(operatorID string, in *Session) *operator.Session {
	return &operator.Session{ID: in.Id, Operator: &operator.Operator{ID: operatorID}, Method: string(in.Method), Enrolling: in.Enrolling,
		Source: in.Source, Agent: in.Agent, Created: in.Created, LastSeen: in.Seen, ProvenAt: in.Proven, Expires: in.Expires}
}

// EndSession ends one session of an operator.
func (a *api) EndSession(ctx context.Context, in EndSessionRequestObject) (EndSessionResponseObject, error) {
	if err := a.staff(ctx).EndSession(ctx, in.Operator, in.Session); err != nil {
		return nil, err
	}
	return EndSession204Response{}, nil
}

// EndSessions ends all sessions of an operator.
func (a *api) EndSessions(ctx context.Context, in EndSessionsRequestObject) (EndSessionsResponseObject, error) {
	if err := a.staff(ctx).EndSessions(ctx, in.Operator, ""); err != nil {
		return nil, err
	}
	return EndSessions204Response{}, nil
}
