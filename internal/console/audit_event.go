package console

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// eventPage tells one event in words: what happened, who did it, which check refused it and what helps; or of a request that was given a
// token, which.
type eventPage struct {
	ID          string
	Row         auditRow
	HasEvent    bool
	RequestID   string
	Check       string
	Advice      string
	Detail      []contractTerm
	Changes     []eventChange
	Issued      *audit.Issuance
	IssuedTo    string
	Back, Log   string // address and title of the log
	SameActor   string
	SameSubject string
	Kept        time.Time // when a refusal is forgotten
}

// eventChange is a field as it was and as it is.
type eventChange struct{ Field, Old, New string }

func auditEvent(v *visit) error {
	id := v.r.PathValue("event")
	p := eventPage{ID: plainly(id), Back: v.path("audit"), Log: v.auditTitle()}
	e, err := v.record().Event(v.r.Context(), id)
	switch {
	case err == nil:
		p.tell(v, e)
	case !errors.Is(err, registry.ErrNotFound) || v.desk == nil:
		return err
	}
	if v.desk != nil && (!p.HasEvent || !p.Row.Refused && e.RequestID != "") { // who was refused got no token, and the journal is long
		if err := p.explain(v, id, e.RequestID); err != nil {
			return err
		}
	}
	title := "A token was issued"
	if p.HasEvent {
		title = p.Row.Words
	}
	return v.render(http.StatusOK, "audit_event", title, p)
}

// explain adds the token that the request of an event was given; without an event, whatever is known of a request of that id.
func (p *eventPage) explain(v *visit, id, request string) error {
	if p.HasEvent {
		id = request
	}
	known, err := v.desk.Explain(v.r.Context(), id)
	if errors.Is(err, registry.ErrNotFound) && p.HasEvent {
		return nil
	}
	if err != nil {
		return err
	}
	if p.Issued = known.Issuance; p.Issued != nil {
		p.IssuedTo, p.RequestID = v.people().party("client:"+p.Issued.ClientID).URL, plainly(p.Issued.RequestID)
	}
	return nil
}

func (p *eventPage) tell(v *visit, e audit.Event) {
	p.HasEvent, p.Row, p.RequestID = true, v.people().row(e), plainly(e.RequestID)
	if p.Row.Refused {
		why := office.Conclude(e)
		p.Check, p.Advice, p.Kept = why.Check, why.Advice, e.Time.Add(audit.KeepRefusals)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		if p.Row.Call != "" && (name == "method" || name == "route") { // said already, in one
			continue
		}
		p.Detail = append(p.Detail, contractTerm{plainly(name), plainly(e.Detail[name])})
	}
	for _, c := range e.Changes {
		p.Changes = append(p.Changes, eventChange{c.Field, plainly(strings.Join(c.Old, ", ")), plainly(strings.Join(c.New, ", "))})
	}
	search := func(f auditFilter) string { return v.path("audit") + query(f.values().Encode()) }
	if e.Actor != "" {
		p.SameActor = search(auditFilter{Actor: e.Actor})
	}
	if e.Subject != "" && p.Row.Subject.ID != "" {
		p.SameSubject = search(auditFilter{Subject: e.Subject})
	}
}
