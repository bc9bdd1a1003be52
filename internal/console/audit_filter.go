package console

import (
	"net/url"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/text"
)

// auditFilter is a search of the audit log as it was typed: it goes back into the form, and into the links of pages and exports.
type auditFilter struct{ Actor, Subject, Act, Outcome, Since, Until string }

// minuteForm is how a browser writes a moment in a field of type datetime-local; secondForm when the seconds are not zero.
const minuteForm, secondForm = "2006-01-02T15:04", "2006-01-02T15:04:05"

func readAuditFilter(form url.Values) auditFilter {
	field := func(name string) string { return text.Pasted(form.Get(name)) }
	return auditFilter{field("actor"), field("subject"), field("act"), field("outcome"), field("since"), field("until")}
}

// values writes the search as the parameters of a link.
func (f auditFilter) values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{"actor": f.Actor, "subject": f.Subject, "act": f.Act, "outcome": f.Outcome, "since": f.Since, "until": f.Until} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

// Empty reports whether nothing is searched for in particular.
func (f auditFilter) Empty() bool { return f == auditFilter{} }

// maxFilter bounds each field of a search, in bytes: no actor, subject or act is longer.
const maxFilter = 512

// query turns the search into one the log understands, a tenant's or that of the desk. problems say, by field, what it cannot.
func (f auditFilter) query(ofDesk bool) (q audit.Query, problems map[string]string) {
	problems = map[string]string{}
	kind := "client"
	if ofDesk {
		kind = "operator"
	}
	q = audit.Query{ActorIs: f.Actor, Subject: subjectOf(kind, f.Subject), Act: f.Act, Outcome: f.Outcome}
	for name, value := range map[string]string{"actor": f.Actor, "subject": f.Subject, "act": f.Act} {
		if len(value) > maxFilter {
			problems[name] = "This is longer than anything in the log."
		}
	}
	if f.Outcome != "" && f.Outcome != audit.Allowed && f.Outcome != audit.Refused {
		problems["outcome"] = "An act was allowed or refused."
	}
	for _, m := range []struct {
		name, text string
		to         *time.Time
	}{{"since", f.Since, &q.Since}, {"until", f.Until, &q.Until}} {
		at, ok := readMoment(m.text)
		if !ok {
			problems[m.name] = "Write a date and a time in UTC, like 2026-11-22T04:09."
		}
		*m.to = at
	}
	if len(problems) == 0 && !q.Since.IsZero() && !q.Until.IsZero() && !q.Until.After(q.Since) {
		problems["until"] = "The end has to be after the beginning."
	}
	return q, problems
}

// readMoment reads what a field of type datetime-local sends, or a day. It is in UTC.
func readMoment(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	for _, form := range []string{minuteForm, secondForm, time.DateOnly, "2006-01-02 15:04"} {
		if at, err := time.ParseInLocation(form, text, time.UTC); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// subjectOf completes a bare id: what people have at hand is a client's, at the desk itself an operator's.
func subjectOf(kind, text string) string {
	if text == "" || strings.Contains(text, ":") {
		return text
	}
	return kind + ":" + text
}
