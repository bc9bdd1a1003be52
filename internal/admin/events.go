package admin

import (
	"cmp"
	"context"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/operator"
)

// maxEventID is more than the id of an event has, in bytes.
const maxEventID = 64

// FindEvents answers a page of a tenant's audit record.
func (a *api) FindEvents(ctx context.Context, in FindEventsRequestObject) (FindEventsResponseObject, error) {
	page, err := a.events(ctx, in.Tenant, in.Params, a.desk(ctx, in.Tenant).Events)
	if err != nil {
		return nil, err
	}
	return FindEvents200JSONResponse(page), nil
}

// FindDeskEvents answers a page of the desk's own record.
func (a *api) FindDeskEvents(ctx context.Context, in FindDeskEventsRequestObject) (FindDeskEventsResponseObject, error) {
	page, err := a.events(ctx, operator.All, as[FindEventsParams](in.Params), a.staff(ctx).Events)
	if err != nil {
		return nil, err
	}
	return FindDeskEvents200JSONResponse(page), nil
}

// events makes a page of the record that search is of: a tenant's or, for operator.All, the desk's.
func (a *api) events(ctx context.Context, tenant string, p FindEventsParams,
	search func(context.Context, audit.Query) ([]audit.Event, string, bool, error)) (out EventPage, err error) {
	size, err := pageSize(p.Limit)
	if err != nil {
		return out, err
	}
	if err := known(p.Outcome, "outcome"); err != nil {
		return out, err
	}
	if len(p.Before) > maxEventID {
		return out, atField("before", "That is longer than the id of any event.")
	}
	filters := p
	filters.Cursor, filters.Limit = "", 0
	name := list("findEvents", tenant, filters)
	after, err := a.after(name, p.Cursor)
	if err != nil {
		return out, err
	}
	found, next, more, err := search(ctx, audit.Query{ActorIs: p.Actor, Actor: p.ActorPrefix, RequestID: p.RequestId,
		Subject: p.Subject, Act: p.Act, Outcome: string(p.Outcome), Since: p.Since, Until: p.Until, Before: cmp.Or(after, p.Before), Limit: size})
	if err != nil {
		return out, err
	}
	out = EventPage{Events: []Event{}, Next: a.cursor(name, next), More: more}
	for i := range found {
		out.Events = append(out.Events, eventOut(&found[i]))
	}
	return out, nil
}

func eventOut(e *audit.Event) Event {
	return Event{Id: e.ID, Time: utc(e.Time), Act: e.Act, Actor: e.Actor, Subject: e.Subject, Outcome: EventOutcome(e.Outcome), Reason: e.Reason,
		RequestId: e.RequestID, Source: e.Source, Detail: e.Detail, Changes: as[[]Change](e.Changes)}
}

// GetDeskEvent answers one event of the desk itself.
func (a *api) GetDeskEvent(ctx context.Context, in GetDeskEventRequestObject) (GetDeskEventResponseObject, error) {
	e, err := a.staff(ctx).Event(ctx, in.Event)
	if err != nil {
		return nil, err
	}
	return GetDeskEvent200JSONResponse(eventOut(&e)), nil
}

// GetEvent answers one event of a tenant.
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
