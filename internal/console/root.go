package console

import (
	"net/http"
	"slices"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// root leads to the overview of the home tenant, or of the first by name that the operator may see. Who has no role anywhere is told so,
// kindly.
func root(v *visit) error {
	if tenants := v.Office.Tenants(&v.actor); len(tenants) > 0 {
		home := 0
		if v.Home != nil {
			home = max(0, slices.IndexFunc(tenants, func(t *registry.Tenant) bool { return t.Name == v.Home() }))
		}
		return v.redirect(pathOf(tenants[home].Name), "")
	}
	if v.actor.May(operator.ReadOperators, operator.All) == nil {
		return v.redirect("/operators", "")
	}
	return v.render(http.StatusOK, "no_role", "Welcome", nil)
}
