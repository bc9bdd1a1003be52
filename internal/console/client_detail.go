package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// clientPage is everything about one client but its secrets, which nobody here has.
type clientPage struct {
	*registry.Client
	Here, List   string // addresses; what can be done is below Here
	State        tag
	Barred       string
	Expiry       tag // how near the end is
	GrantNames   []string
	LifetimeText string
	MadeBy       string // names of people, where an actor is known
	ChangedBy    string
	Held         []heldPermission
	Servers      []string

	Secrets   []secretRow
	Rotating  bool
	MayUndo   bool
	Overlaps  []box
	Usage     registry.Usage
	Total     int  // tokens of the last 30 days
	Told      bool // uses have been noted long enough to speak of what is unused
	Unused    []heldPermission
	Refusals  []refusalRow
	MayAudit  bool
	AuditPage string

	Elsewhere bool // it holds a permission whose use is not seen here

	MayChange, MayDelete, MayRevoke bool
	MayStop                         bool // disable it; to enable it again takes MayChange
	OnlyOwners                      bool // an operators' program, for owners to change
	OfDesk                          bool // one that counts in every tenant, for owners of the desk
	Problems                        map[string]string
	Typed                           string
}

// heldPermission is a permission of a client and when it last opened something.
type heldPermission struct {
	Name, Label string
	LastUsed    time.Time
	Seen        bool // its API is behind our gateway, so its use would have been noted
	Everywhere  bool // it counts in every tenant
}

// secretRow is one secret of a client.
type secretRow struct {
	registry.Credential
	Live, Newest bool
	State        tag
}

// refusalRow is something the client was refused lately.
type refusalRow struct {
	audit.Event
	Advice string
	Href   string
}

// unusedFor is how long a permission must have opened nothing to be called unused.
const unusedFor = 30 * 24 * time.Hour

// overlaps are the times for which an old secret may go on after a rotation.
var overlaps = [][3]string{
	{"0s", "not at all", "the old secret ends now: for one that has leaked"},
	{"1h", "1 hour", ""},
	{"24h", "24 hours", "for programs that are changed by hand today"},
	{"168h", "7 days", ""},
	{"720h", "30 days", ""},
}

func clientShow(v *visit) error { return v.clientPage(http.StatusOK, nil, "") }

// clientPage shows the client, with a problem at the field that has it and what was typed there.
func (v *visit) clientPage(status int, problem *registry.Problem, typed string) error {
	ctx := v.r.Context()
	c, err := v.standingClient()
	if err != nil {
		return err
	}
	p := &clientPage{Client: c, Here: v.path("clients", c.ID), State: clientState(c, v.Now()), Barred: c.Barred(v.Now()), GrantNames: texts(c.Grants),
		Overlaps: ticked("overlap", []string{"24h"}, overlaps), Typed: typed,
		List: v.path("clients"), MayChange: v.mayChange(c.Permissions), MayRevoke: v.offers(operator.RevokeTokens), MayStop: v.offers(operator.ChangeClients),
		OnlyOwners: v.offers(operator.ChangeClients) && !v.mayChange(c.Permissions), OfDesk: slices.ContainsFunc(c.Permissions, registry.IsDeskPermission)}
	p.MadeBy, p.ChangedBy = v.nameOf(c.CreatedBy), v.nameOf(c.UpdatedBy)
	if c.Lifetime > 0 {
		p.LifetimeText = c.Lifetime.String()
	}
	if endsWithin(c.Expires.Time, v.Now(), soon) && p.Barred == "" {
		p.Expiry = tag{"soon", "tag-warn"}
	}
	p.MayDelete = p.MayChange && v.offers(operator.DeleteClients)
	if problem != nil {
		p.Problems = map[string]string{problem.Field: problem.Text}
	}
	if p.Usage, err = v.desk.Usage(ctx, c.ID); err != nil {
		return err
	}
	for _, d := range p.Usage.Days {
		p.Total += d.Tokens
	}
	p.secrets(v)
	p.permissions(v)
	if err := p.refusals(v); err != nil {
		return err
	}
	return v.render(status, "client_detail", c.Name, p)
}

func (p *clientPage) secrets(v *visit) {
	live := 0
	for i, cred := range p.Credentials {
		row := secretRow{Credential: cred, Live: cred.Live(v.Now()), Newest: i == len(p.Credentials)-1}
		switch {
		case !row.Live:
			row.State = tag{"ended", "tag-bad"}
		case row.Newest:
			row.State = tag{"live", "tag-ok"}
			if endsWithin(cred.Expires, v.Now(), soon) {
				row.State = tag{"ends soon", "tag-warn"}
			}
		default:
			row.State = tag{"replaced, live still", "tag-warn"}
		}
		if row.Live {
			live++
		}
		p.Secrets = append(p.Secrets, row)
	}
	slices.Reverse(p.Secrets)
	if p.Rotating = live > 1; p.Rotating { // there is no room for a third
		p.Overlaps = ticked("overlap", []string{overlaps[0][0]}, [][3]string{{overlaps[0][0], overlaps[0][1], "both live secrets end now, and the new one alone works"}})
	}
	p.MayUndo = p.Rotating && p.Credentials[len(p.Credentials)-2].Replaced
}

func (p *clientPage) permissions(v *visit) {
	now := v.Now()
	p.Told = !p.Usage.Since.IsZero() && now.Sub(p.Usage.Since) >= unusedFor && now.Sub(p.Created) >= unusedFor
	for _, name := range p.Permissions {
		h := heldPermission{Name: name, Label: labelOf(v.tenant, name), LastUsed: p.Usage.Permissions[name], Seen: atGateway(v.tenant, name),
			Everywhere: registry.IsDeskPermission(name)}
		p.Held = append(p.Held, h)
		p.Elsewhere = p.Elsewhere || !h.Seen
		if p.Told && h.Seen && now.Sub(h.LastUsed) >= unusedFor {
			p.Unused = append(p.Unused, h)
		}
	}
	for _, a := range v.tenant.APIs {
		if slices.Contains(p.ResourceServers, a.Name) {
			p.Servers = append(p.Servers, titleOf(a.Title, a.Name))
		}
	}
}

// atGateway reports whether calls that need a permission come through our gateway. Where a guard elsewhere decides, nobody tells us of
// calls, and a permission that looks unused may be in use every day.
func atGateway(t *registry.Tenant, permission string) bool {
	return slices.ContainsFunc(t.APIs, func(a registry.API) bool {
		return a.Upstream != "" && slices.ContainsFunc(a.Permissions, func(p registry.Permission) bool { return p.Name == permission })
	})
}

// refusals finds what the client was refused lately, for those who may read the audit record.
func (p *clientPage) refusals(v *visit) (err error) {
	if p.MayAudit = v.offers(operator.ReadAudit); p.MayAudit {
		names := []string{"client:" + p.ID}
		if p.OfDesk { // what it does as an operator of the desk, it does under another name
			names = append(names, operator.ByProgram(v.tenant.Name, p.ID))
		}
		p.Refusals, p.AuditPage, err = v.lateRefusals(names...)
	}
	return err
}

// lateRefusals finds the last refusals of somebody, who may stand in the record under several names, and the address of all under the last.
func (v *visit) lateRefusals(names ...string) (rows []refusalRow, all string, err error) {
	const most = 5
	for _, actor := range names {
		q := audit.Query{ActorIs: actor, Outcome: audit.Refused, Limit: most, Budget: 50 * time.Millisecond / time.Duration(len(names))}
		events, _, _, err := v.desk.Events(v.r.Context(), q)
		if err != nil {
			return nil, "", err
		}
		for _, e := range events {
			rows = append(rows, refusalRow{Event: e, Advice: office.Conclude(e).Advice, Href: v.path("audit", e.ID)})
		}
		all = v.path("audit") + "?" + url.Values{"actor": {actor}, "outcome": {audit.Refused}}.Encode()
	}
	slices.SortFunc(rows, func(a, b refusalRow) int { return strings.Compare(b.Event.ID, a.Event.ID) }) // the newest first
	return rows[:min(len(rows), most)], all, nil
}

// again shows the page of a client anew when an act on it has a problem; other errors pass.
func (v *visit) again(err error) error {
	problem, ok := errors.AsType[*registry.Problem](err)
	if !ok {
		return err
	}
	return v.clientPage(http.StatusUnprocessableEntity, problem, "")
}
