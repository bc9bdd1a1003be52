package admin

import (
	"cmp"
	"context"

	"github.com/tokenbooth/tokenbooth/internal/audit"
)

// maxEventID is more than the id of an event has, in bytes.
const maxEventID = 64

// FindEvents answers a page of the audit record.
func (a *api) FindEvents(ctx context.Context, in FindEventsRequestObject) (FindEventsResponseObject, error) {
	p := in.Params
	size, err := pageSize(p.Limit)
	if err != nil {
		return nil, err
	}
	if err := known(p.Outcome, "outcome"); err != nil {
		return nil, err
	}
	if len(p.Before) > maxEventID {
		return nil, atField("before", "That is longer than the id of any event.")
	}
	filters := p
	filters.Cursor, filters.Limit = "", 0
	name := list("findEvents", in.Tenant, filters)
	after, err := a.after(name, p.Cursor)
	if err != nil {
		return nil, err
	}
	events, next, more, err := a.desk(ctx, in.Tenant).Events(ctx, audit.Query{ActorIs: p.Actor, Actor: p.ActorPrefix, RequestID: p.RequestId,
		Subject: p.Subject, Act: p.Act, Outcome: string(p.Outcome), Since: p.Since, Until: p.Until, Before: cmp.Or(after, p.Before), Limit: size})
	if err != nil {
		return nil, err
	}
	out := EventPage{Events: []Event{}, Next: a.cursor(name, next), More: more}
	for i := range events {
		out.Events = append(out.Events, eventOut(&events[i]))
	}
	return FindEvents200JSONResponse(out), nil
}

func eventOut(e *audit.Event) Event {
	return Event{Id: e.ID, Time: utc(e.Time), Act: e.Act, Actor: e.Actor, Subject: e.Subject, Outcome: EventOutcome(e.Outcome), Reason: e.Reason,
		RequestId: e.RequestID, Source: e.Source, Detail: e.Detail}
}

// GetEvent answers one event.
func (a *api) GetEvent(ctx context.Context, in GetEventRequestObject) (GetEventResponseObject, error) {
	e, err := a.desk(ctx, in.Tenant).Event(ctx, in.Event)
	if err != nil {
		return nil, err
	}
	return GetEvent200JSONResponse(eventOut(&e)), nil
}

// ExplainRequest answers what is known about a request.
func (a *api) ExplainRequest(ctx context.Context, in ExplainRequestRequestObject) (ExplainRequestResponseObject, error) {
	known, err := a.desk(ctx, in.Tenant).Explain(ctx, in.RequestId)
	if err != nil {
		return nil, err
	}
	out := Explanation{}
	if known.Event != nil {
		out.Event = eventOut(known.Event)
	}
	if i := known.Issuance; i != nil {
		out.Issuance = Issuance{Time: utc(i.Time), RequestId: i.RequestID, Dialect: i.Dialect, Grant: i.Grant, ClientId: i.ClientID, Subject: i.Subject,
			Scope: i.Scope, TokenId: i.TokenID, Expires: utc(i.Expires)}
		if i.Source.IsValid() {
			out.Issuance.Source = i.Source.String()
		}
	}
	return ExplainRequest200JSONResponse(out), nil
}
