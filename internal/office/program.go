package office

import (
	"slices"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// mayGrant lets only those who may grant the operators' API touch whom one of its permissions makes an operator's program, and only those
// who may grant it for the whole desk touch whom one makes a program of that.
func (d *Desk) mayGrant(permissions []string) error {
	switch {
	case slices.ContainsFunc(permissions, registry.IsDeskPermission):
		return d.allowed(operator.GrantDesk)
	case slices.ContainsFunc(permissions, registry.IsOperatorsPermission):
		return d.allowed(operator.GrantOperatorsAPI)
	}
	return nil
}
