package console

import (
	"errors"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// auditRow is one event in the list. Texts are spelt so that none can pass for another.
type auditRow struct {
	URL            string
	Time           time.Time
	Act, Words     string
	Actor, Subject party
	Reason, Source string
	Call           string // of a refused call: its method, and the route that matched it
	Refused        bool
}

// party is who did something, or what it was done to.
type party struct {
	ID   string // as the log has it
	Name string // of an operator or a user; "": the id says all that is known
	URL  string // of its page; "": there is none, or a stranger only said that it was one
}

// Brief is the id, cut where it is long: the page of the event has the whole.
func (p party) Brief() string {
	const most = 26
	if runes := []rune(p.ID); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return p.ID
}

// people looks up who is named in events, each once: a page of the log names few, many times.
type people struct {
	*visit
	known map[string]party
}

func (v *visit) people() people { return people{v, map[string]party{}} }

func (p people) row(e audit.Event) auditRow {
	if e.Subject == "api:" { // no route matched, so it was for no API
		e.Subject = ""
	}
	return auditRow{URL: p.path("audit", e.ID), Time: e.Time, Act: plainly(e.Act), Words: actWords(e.Act), Actor: p.party(e.Actor), Subject: p.party(e.Subject),
		Reason: plainly(e.Reason), Source: plainly(e.Source), Refused: e.Outcome == audit.Refused,
		Call: plainly(strings.TrimSpace(e.Detail["method"] + " " + e.Detail["route"]))}
}

func (p people) party(who string) party {
	if found, seen := p.known[who]; seen {
		return found
	}
	found := party{ID: plainly(who)}
	if kind, id, ok := strings.Cut(who, ":"); ok && id != "" && len(id) <= maxNamed && id == plainly(id) {
		found.Name, found.URL = p.lookUp(kind, id)
	}
	p.known[who] = found
	return found
}

// maxNamed is more than any name or id has, in bytes.
const maxNamed = 254

// lookUp finds name and page of somebody. A failure to look up leaves the id to say what it says: the event is shown all the same.
func (p people) lookUp(kind, id string) (name, url string) {
	switch {
	case kind == "operator":
		return p.operator(id)
	case kind == "cli":
		return id + " (command line)", ""
	case kind == "program":
		return "", p.program(id)
	case p.tenant == nil || oauth.IsLabel(id):
	case kind == "client":
		return "", p.client(id)
	case kind == "key":
		return "", p.path("keys") + "#key-" + id
	case kind == "api":
		return "", p.path("apis") + "#api-" + id
	case kind == "user" && p.offers(operator.ReadUsers):
		return p.user(id)
	}
	return "", ""
}

func (p people) operator(id string) (name, url string) {
	o, err := p.Operators.Get(p.r.Context(), id)
	if err != nil {
		return "", ""
	}
	if !o.Deleted && p.actor.Role(operator.All).Can(operator.ReadOperators) {
		url = pathOf("", "operators", id)
	}
	return plainly(shownName(o)), url
}

// client is the page of a client, whose id stays what the log calls it by. Whoever is refused may have made one up.
func (p people) client(id string) string {
	if c, err := p.desk.Client(p.r.Context(), id); err != nil || c.Deleted {
		return ""
	}
	return p.path("clients", id)
}

// program is the page of a client that acts as an operator everywhere, where whoever looks has a role in the client's own tenant.
func (p people) program(who string) string {
	tenant, id, _ := strings.Cut(who, "/")
	if p.actor.Role(tenant) == "" {
		return ""
	}
	if c, err := p.Office.At(&p.actor, tenant).Client(p.r.Context(), id); err != nil || c.Deleted {
		return ""
	}
	return pathOf(tenant, "clients", id)
}

// user finds a user by id, which is what changes name, or by name, which is what a sign-in has.
func (p people) user(id string) (name, url string) {
	u, err := p.desk.UserByID(p.r.Context(), id)
	if errors.Is(err, registry.ErrNotFound) {
		u, err = p.desk.User(p.r.Context(), id)
	}
	if err != nil {
		return "", ""
	}
	if !u.Deleted {
		url = p.path("users", u.Username)
	}
	return plainly(u.Username), url
}
