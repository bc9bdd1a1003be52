package console

import (
	"errors"
	"net/http"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// operatorPage is one operator, to look at and to change.
type operatorPage struct {
	ID, Username, Name string
	Rev                uint64
	Proof              string
	Disabled, You      bool
	Created, Updated   time.Time
	CreatedBy          string
	UpdatedBy          string
	SignedIn           time.Time
	Choices            []roleChoice
	Roles              []operator.Role
	Sessions           []sessionLine
	MayChange          bool
	Problems           map[string]string // by field
}

func showOperator(v *visit) error {
	page, err := v.operatorPage()
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "operator", page.title(), page)
}

func (p *operatorPage) title() string {
	if p.Name != "" {
		return p.Name
	}
	return p.Username
}

func (v *visit) operatorPage() (*operatorPage, error) {
	staff, id := v.Office.Operators(&v.actor), v.r.PathValue("operator")
	o, err := staff.Get(v.r.Context(), id)
	if err != nil {
		return nil, err
	}
	if o.Deleted { // kept for the record, where its name is needed
		return nil, operator.ErrNotFound
	}
	all, err := staff.Sessions(v.r.Context(), id)
	if err != nil {
		return nil, err
	}
	return &operatorPage{ID: o.ID, Username: o.Username, Name: o.Name, Rev: o.Edition, Proof: proofText(o), Disabled: o.Disabled,
		You: o.ID == v.session.Operator.ID, Created: o.Created, CreatedBy: v.nameOf(o.CreatedBy), Updated: o.Updated, UpdatedBy: v.nameOf(o.UpdatedBy),
		SignedIn: o.SignedIn, Choices: v.choices(o.Roles), Roles: operator.Roles(), Sessions: sessionLines(all, v.session.ID),
		MayChange: v.actor.Role(operator.All).Can(operator.ChangeOperators)}, nil
}

// blamed shows the page again with what is wrong.
func (v *visit) blamed(err error, edit func(*operatorPage)) error {
	problem, ok := errors.AsType[*registry.Problem](err)
	if !ok {
		return err
	}
	page, err := v.operatorPage()
	if err != nil {
		return err
	}
	edit(page)
	page.Problems = problemsOf(problem, "name", "roles", "typed")
	return v.render(http.StatusUnprocessableEntity, "operator", page.title(), page)
}

func changeOperator(v *visit) error {
	form, id, rev, err := v.act("operator")
	if err != nil {
		return err
	}
	staff := v.Office.Operators(&v.actor)
	before, err := staff.Get(v.r.Context(), id)
	if err != nil {
		return err
	}
	roles := rolesOf(form, v.choices(before.Roles))
	_, err = staff.Update(v.r.Context(), "operator.update", id, rev, func(o *operator.Operator) error {
		o.Name, o.Roles = form.Get("name"), roles
		return nil
	})
	if err != nil {
		return v.blamed(err, func(p *operatorPage) { p.Name, p.Choices, p.Rev = form.Get("name"), v.choices(roles), rev })
	}
	return v.redirect(pathOf("", "operators", id), "Saved.")
}

func disableOperator(v *visit) error {
	return v.switchOperator(true, "operator.disable", "Disabled. All sessions have ended.")
}
func enableOperator(v *visit) error { return v.switchOperator(false, "operator.enable", "Enabled.") }

func (v *visit) switchOperator(disabled bool, act, done string) error {
	_, id, rev, err := v.act("operator")
	if err != nil {
		return err
	}
	_, err = v.Office.Operators(&v.actor).Update(v.r.Context(), act, id, rev, func(o *operator.Operator) error {
		o.Disabled = disabled
		return nil
	})
	if err != nil {
		return v.blamed(err, func(*operatorPage) {})
	}
	return v.redirect(pathOf("", "operators", id), done)
}

func deleteOperator(v *visit) error {
	form, id, rev, err := v.act("operator")
	if err != nil {
		return err
	}
	staff := v.Office.Operators(&v.actor)
	o, err := staff.Get(v.r.Context(), id)
	if err != nil {
		return err
	}
	if form.Get("typed") != o.Username {
		return v.blamed(&registry.Problem{Field: "typed", Text: "Type the user name exactly as it stands above."}, func(*operatorPage) {})
	}
	if err := staff.Delete(v.r.Context(), id, rev); err != nil {
		return v.blamed(err, func(*operatorPage) {})
	}
	return v.redirect("/operators", "The operator was deleted.")
}
