package console

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// pageOfEvents is how many events stand on one page.
const pageOfEvents = 50

// auditPage is the audit log, searched.
type auditPage struct {
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
	Max       int
	Issued    string // address of what is known about a request that was given a token
	Self      string
}

// auditRow is one event in the list. Texts are spelt so that none can pass for another.
type auditRow struct {
	URL                            string
	Time                           time.Time
	Act, Words                     string
	Actor, Subject, Reason, Source string
	Name                           string // of an operator; "": the actor says all that is known
	ActorURL, SubjectURL           string
	Refused                        bool
}

func auditLog(v *visit) error {
	in := v.r.URL.Query()
	p := auditPage{Filter: readAuditFilter(in), Request: strings.TrimSpace(in.Get("request")), Acts: auditActs, Max: maxExport, Self: v.path("audit")}
	p.Filtered = !p.Filter.Empty() || p.Request != ""
	q, problems := p.Filter.query()
	if p.Problems = problems; len(problems) > 0 {
		return v.render(http.StatusUnprocessableEntity, "audit_log", "Audit log", p)
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
	p.CSV, p.JSON = link(v.path("audit", "export"), "format", "csv"), link(v.path("audit", "export"), "format", "json")
	q.RequestID, q.Before, q.Limit = p.Request, in.Get("after"), pageOfEvents
	events, next, more, err := v.desk.Events(v.r.Context(), q)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, e := range events {
		if _, seen := names[e.Actor]; !seen {
			names[e.Actor] = v.operatorName(e.Actor)
		}
		row := v.auditRow(e)
		row.Name = names[e.Actor]
		p.Rows = append(p.Rows, row)
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
	return v.render(http.StatusOK, "audit_log", "Audit log", p)
}

// lookForIssuance finds the token that a request was given: those are in the journal, not among the events.
func (v *visit) lookForIssuance(p *auditPage) error {
	if p.Request == "" || len(p.Rows) > 0 { // who was refused got none
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

func (v *visit) auditRow(e audit.Event) auditRow {
	return auditRow{URL: v.path("audit", e.ID), Time: e.Time, Act: plainly(e.Act), Words: actWords(e.Act), Actor: plainly(e.Actor), Subject: plainly(e.Subject),
		Reason: plainly(e.Reason), Source: plainly(e.Source), ActorURL: v.whoURL(e.Actor), SubjectURL: v.whoURL(e.Subject), Refused: e.Outcome == audit.Refused}
}

// BriefActor is the actor, cut where it is long: the page of the event has the whole.
func (r auditRow) BriefActor() string { return brief(r.Actor) }

// BriefSubject is the subject, cut where it is long.
func (r auditRow) BriefSubject() string { return brief(r.Subject) }

func brief(who string) string {
	const most = 26
	if runes := []rune(who); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return who
}

// operatorName is the name of an actor who is an operator; "" for others.
func (v *visit) operatorName(actor string) string {
	if name := v.nameOf(actor); strings.HasPrefix(actor, "operator:") && name != actor {
		return plainly(name)
	}
	return ""
}

// whoURL is the page of an actor or a subject; "" where there is none, or where a stranger only said that it was one.
func (v *visit) whoURL(who string) string {
	kind, id, ok := strings.Cut(who, ":")
	if !ok || id == "" || len(id) > 128 || id != plainly(id) || oauth.IsLabel(id) {
		return ""
	}
	switch kind {
	case "client":
		return v.path("clients", id)
	case "key":
		return v.path("keys") + "#key-" + id
	case "api":
		return v.path("apis") + "#api-" + id
	}
	return ""
}
