package console

import (
	"net/http"

	"github.com/tokenbooth/tokenbooth/internal/operator"
)

// root leads to the first tenant's overview. Who has no role anywhere is told so, kindly.
func root(v *visit) error {
	if tenants := v.Office.Tenants(&v.actor); len(tenants) > 0 {
		return v.redirect(pathOf(tenants[0].Name), "")
	}
	if v.actor.May(operator.ReadOperators, operator.All) == nil {
		return v.redirect("/operators", "")
	}
	return v.render(http.StatusOK, "no_role", "Welcome", nil)
}
