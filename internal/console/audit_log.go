package console

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/text"
)

// pageOfEvents is how many events stand on one page.
const pageOfEvents = 50

// record is what these pages read: the audit log of a tenant, or of the desk itself, where operators sign in and are changed.
type record interface {
	Events(context.Context, audit.Query) (events []audit.Event, next string, more bool, err error)
	Event(ctx context.Context, id string) (audit.Event, error)
}

var (
	_ record = (*office.Desk)(nil)
	_ record = (*office.Staff)(nil)
)

// record returns the log of the visit's tenant, of the desk itself on its own pages.
func (v *visit) record() record {
	if v.desk != nil {
		return v.desk
	}
	return v.Office.Operators(&v.actor)
}

// auditTitle is what the log is called, so that nobody takes one for the other.
func (v *visit) auditTitle() string {
	if v.desk != nil {
		return "Audit log"
	}
	return "Desk audit log"
}

// auditPage is the audit log, searched.
type auditPage struct {
	Title     string
	OfDesk    bool // of the desk itself, not of a tenant
	Filter    auditFilter
	Request   string // a request id that is looked up
	Problems  map[string]string
	Acts      []string
	Rows      []auditRow
	Next      string
	First     string
	Cut       bool // time ran out before the page was full
	Filtered  bool
	CSV, JSON string
	Since     string // the time that is searched, as an export's progress is reckoned by; "": not bounded
	Until     string
	Max       int
	Issued    string // address of what is known about a request that was given a token
	Self      string
}

func auditLog(v *visit) error {
	in := v.r.URL.Query()
	p := auditPage{Title: v.auditTitle(), OfDesk: v.desk == nil, Filter: readAuditFilter(in), Request: text.Pasted(in.Get("request")), Acts: v.auditActs(),
		Max: maxExport, Self: v.path("audit")}
	p.Filtered = !p.Filter.Empty() || p.Request != ""
	q, problems := p.Filter.query(v.desk == nil)
	if p.Problems = problems; len(problems) > 0 {
		return v.render(http.StatusUnprocessableEntity, "audit_log", p.Title, p)
	}
	search := p.Filter.values()
	if p.Request != "" {
		search.Set("request", p.Request)
	}
	link := func(path, name, value string) string {
		out := maps.Clone(search)
		if name != "" {
			out.Set(name, value)
		}
		return path + query(out.Encode())
	}
	p.Since, p.Until = machineMoment(q.Since), machineMoment(q.Until)
	p.CSV, p.JSON = link(v.path("audit", "export"), "format", "csv"), link(v.path("audit", "export"), "format", "json")
	q.RequestID, q.Before, q.Limit = p.Request, in.Get("after"), pageOfEvents
	events, next, more, err := v.record().Events(v.r.Context(), q)
	if err != nil {
		return err
	}
	people := v.people()
	for _, e := range events {
		p.Rows = append(p.Rows, people.row(e))
	}
	if next != "" {
		p.Next, p.Cut = link(p.Self, "after", next), more
	}
	if q.Before != "" {
		p.First = link(p.Self, "", "")
	}
	if err := v.lookForIssuance(&p); err != nil {
		return err
	}
	return v.render(http.StatusOK, "audit_log", p.Title, p)
}

// machineMoment is a moment as a script reads it; "" is none.
func machineMoment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// lookForIssuance finds the token that a request was given: those are in the journal, not among the events.
func (v *visit) lookForIssuance(p *auditPage) error {
	if p.Request == "" || len(p.Rows) > 0 || v.desk == nil { // who was refused got none, and the desk gives none
		return nil
	}
	known, err := v.desk.Explain(v.r.Context(), p.Request)
	if errors.Is(err, registry.ErrNotFound) {
		return nil
	}
	if err == nil && known.Issuance != nil {
		p.Issued = v.path("audit", p.Request)
	}
	return err
}
