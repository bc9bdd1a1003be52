package office

import (
	"slices"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// mayGrant lets only those who may grant the operators' API touch whom one of its permissions makes an operator's program.
func (d *Desk) mayGrant(permissions []string) error {
	if slices.ContainsFunc(permissions, registry.IsOperatorsPermission) {
		return d.allowed(operator.GrantOperatorsAPI)
	}
	return nil
}
