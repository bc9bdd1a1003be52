package console

import (
	"errors"
	"net/http"

	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// userPage is everything about one user but the password, and its form.
type userPage struct {
	*registry.User
	Here, List string // addresses; what can be done is below Here
	State      tag
	HasTOTP    bool
	Off        bool // the tenant does not allow the password grant
	Labels     []string
	Chains     []tokenRow
	MoreAt     string // address of all chains; empty: these are all
	Refusals   []refusalRow
	MayAudit   bool
	AuditPage  string

	Form                            userForm
	Permitted                       []boxGroup
	MayChange, MayDelete, MayRevoke bool
	Problems                        map[string]string
	Typed                           string
	Changed                         *office.Changed
	By                              string
	ByYou                           bool
	MadeBy, ChangedBy               string
	Beside                          []beside
}

// chainsShown is how many chains a user's page shows.
const chainsShown = 10

func userShow(v *visit) error {
	u, err := v.desk.User(v.r.Context(), v.r.PathValue("username"))
	if err != nil {
		return err
	}
	return v.userPage(http.StatusOK, &userPage{User: u, Form: formOfUser(u)})
}

// userPage completes the page and shows it.
func (v *visit) userPage(status int, p *userPage) error {
	u := p.User
	p.Here, p.List, p.State, p.HasTOTP, p.Off = v.path("users", u.Username), v.path("users"), userState(u), hasTOTP(u), !v.tenant.AllowPasswordGrant
	p.MadeBy, p.ChangedBy = v.nameOf(u.CreatedBy), v.nameOf(u.UpdatedBy)
	p.MayChange, p.MayRevoke, p.MayDelete = v.offers(operator.ChangeUsers), v.offers(operator.RevokeTokens), v.offers(operator.DeleteUsers)
	p.Permitted = userPermissions(v.permissionBoxes(p.Form.Permissions, u.Permissions), u.Permissions)
	for _, name := range u.Permissions {
		p.Labels = append(p.Labels, labelOf(v.tenant, name))
	}
	if err := p.chains(v); err != nil {
		return err
	}
	if err := p.refusals(v); err != nil {
		return err
	}
	title := u.Username
	if u.Name != "" {
		title = u.Name
	}
	return v.render(status, "user_detail", title, p)
}

func (p *userPage) chains(v *visit) error {
	found, next, err := v.desk.Chains(v.r.Context(), issuer.TokenSearch{User: p.ID, Limit: chainsShown})
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, c := range found {
		p.Chains = append(p.Chains, v.chainRow(c, names))
	}
	if next != "" {
		p.MoreAt = v.path("tokens")
	}
	return nil
}

// refusals finds what the user was refused lately, for those who may read the audit record.
func (p *userPage) refusals(v *visit) (err error) {
	if p.MayAudit = v.offers(operator.ReadAudit); p.MayAudit {
		p.Refusals, p.AuditPage, err = v.lateRefusals("user:" + p.Username)
	}
	return err
}

// userAgain shows the page of a user anew when an act on it has a problem, or somebody was faster; other errors pass.
func (v *visit) userAgain(err error, typed string) error {
	problem, ok := errors.AsType[*registry.Problem](err)
	if !ok {
		return err
	}
	u, failed := v.desk.User(v.r.Context(), v.r.PathValue("username"))
	if failed != nil {
		return failed
	}
	return v.userPage(http.StatusUnprocessableEntity, &userPage{User: u, Form: formOfUser(u), Typed: typed,
		Problems: map[string]string{fieldOf(problem): problem.Text}})
}
