package console

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// operatorsPage lists who runs this installation.
type operatorsPage struct {
	Operators []operatorLine
	MayChange bool
}

type operatorLine struct {
	ID, Username, Name string
	Roles              []roleLine
	Proof              string // how they sign in; "": not yet
	Disabled           bool
	SignedIn           time.Time
	You                bool
}

func operators(v *visit) error {
	all, err := v.Office.Operators(&v.actor).List(v.r.Context())
	if err != nil {
		return err
	}
	page := operatorsPage{MayChange: v.actor.Role(operator.All).Can(operator.ChangeOperators)}
	for _, o := range all {
		if o.Deleted {
			continue
		}
		page.Operators = append(page.Operators, operatorLine{o.ID, o.Username, o.Name, v.roleLines(o.Roles), proofText(o), o.Disabled, o.SignedIn,
			o.ID == v.session.Operator.ID})
	}
	return v.render(http.StatusOK, "operators", "Operators", page)
}

// proofText says how somebody signs in.
func proofText(o *operator.Operator) string {
	password := len(o.Hash) > 0
	switch {
	case password && len(o.Passkeys) > 0:
		return plural(len(o.Passkeys), "passkey") + ", password"
	case len(o.Passkeys) > 0:
		return plural(len(o.Passkeys), "passkey")
	case password:
		return "password and codes"
	}
	return ""
}

// roleLines puts the role for everything first, then tenants by name.
func (v *visit) roleLines(roles map[string]operator.Role) []roleLine {
	var lines []roleLine
	for _, tenant := range slices.Sorted(maps.Keys(roles)) {
		where := tenant
		if tenant == operator.All {
			where = "everywhere"
		}
		lines = append(lines, roleLine{where, roles[tenant]})
	}
	return lines
}

func shownName(o *operator.Operator) string {
	if o.Name != "" {
		return o.Name
	}
	return o.Username
}

// roleChoice is one line of the form that gives roles.
type roleChoice struct {
	Tenant, Label string
	Role          operator.Role // "": none
}

// choices are the roles that can be given: everywhere, and at each tenant that the visitor sees or that is held already.
func (v *visit) choices(held map[string]operator.Role) []roleChoice {
	all := []roleChoice{{operator.All, "Everywhere", held[operator.All]}}
	seen := map[string]bool{operator.All: true}
	for _, t := range v.Office.Tenants(&v.actor) {
		all = append(all, roleChoice{t.Name, titleOf(t.Title, t.Name), held[t.Name]})
		seen[t.Name] = true
	}
	for _, tenant := range slices.Sorted(maps.Keys(held)) {
		if !seen[tenant] {
			all = append(all, roleChoice{tenant, tenant + " (not in the settings)", held[tenant]})
		}
	}
	return all
}

// rolesOf reads the roles of a form. A word that is no role is refused by package operator.
func rolesOf(form url.Values, choices []roleChoice) map[string]operator.Role {
	roles := map[string]operator.Role{}
	for _, c := range choices {
		if role := form.Get("role:" + c.Tenant); role != "" {
			roles[c.Tenant] = operator.Role(role)
		}
	}
	return roles
}

// operatorNewPage registers an operator.
type operatorNewPage struct {
	Username, Name string
	Choices        []roleChoice
	Roles          []operator.Role
	Problems       map[string]string // by field
}

func newOperator(v *visit) error {
	return v.render(http.StatusOK, "operator_new", "Invite an operator", operatorNewPage{Choices: v.choices(nil), Roles: operator.Roles()})
}

func createOperator(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	staff := v.Office.Operators(&v.actor)
	roles := rolesOf(form, v.choices(nil))
	o, err := staff.Create(v.r.Context(), operator.Operator{Username: form.Get("username"), Name: form.Get("name"), Roles: roles})
	if problem, ok := errors.AsType[*registry.Problem](err); ok {
		return v.render(http.StatusUnprocessableEntity, "operator_new", "Invite an operator", operatorNewPage{Username: form.Get("username"),
			Name: form.Get("name"), Choices: v.choices(roles), Roles: operator.Roles(), Problems: problemsOf(problem, "username", "name", "roles")})
	}
	if err != nil {
		return err
	}
	return v.invite(o.ID, shownName(o))
}

// problemsOf puts a problem beside its field, or over the form ("") when the form has no such field.
func problemsOf(p *registry.Problem, fields ...string) map[string]string {
	for _, f := range fields {
		if p.Field == f || len(p.Field) > len(f) && p.Field[:len(f)] == f && (p.Field[len(f)] == '.' || p.Field[len(f)] == '[') {
			return map[string]string{f: p.Text}
		}
	}
	return map[string]string{"": p.Text}
}

const inviteFor = 24 * time.Hour

// operatorInvitedPage shows a one-time link, once.
type operatorInvitedPage struct {
	Name    string
	Link    string
	Expires time.Time
	To      string // the operator's page
}

func (v *visit) invite(id, name string) error {
	url, expires, err := v.Office.Operators(&v.actor).Invite(v.r.Context(), id, inviteFor)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "operator_invited", "Sign-in link", operatorInvitedPage{name, url.Reveal(), expires, pathOf("", "operators", id)})
}

func inviteOperator(v *visit) error {
	o, err := v.Office.Operators(&v.actor).Get(v.r.Context(), v.r.PathValue("operator"))
	if err != nil {
		return err
	}
	return v.invite(o.ID, shownName(o))
}

// clearProofs is for somebody who has lost device and codes: what they had lets nobody in any more, and a new link lets them start over.
func clearProofs(v *visit) error {
	_, id, rev, err := v.act("operator")
	if err != nil {
		return err
	}
	o, err := v.Office.Operators(&v.actor).ClearProofs(v.r.Context(), id, rev)
	if err != nil {
		return v.blamed(err, func(*operatorPage) {})
	}
	return v.invite(o.ID, shownName(o))
}

func endOperatorSession(v *visit) error {
	id := v.r.PathValue("operator")
	if err := v.Office.Operators(&v.actor).EndSession(v.r.Context(), id, v.r.PathValue("session")); err != nil {
		return err
	}
	return v.redirect(pathOf("", "operators", id), "That session has ended.")
}

func endOperatorSessions(v *visit) error {
	id := v.r.PathValue("operator")
	if err := v.Office.Operators(&v.actor).EndSessions(v.r.Context(), id, v.session.ID); err != nil {
		return err
	}
	return v.redirect(pathOf("", "operators", id), "The sessions have ended.")
}
