package office

import (
	"slices"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// mayGrant lets only those touch an operators' program, and make one, who may look after such, and only an owner of the desk one of that.
func (d *Desk) mayGrant(permissions []string) error {
	switch {
	case slices.ContainsFunc(permissions, registry.IsDeskPermission):
		return d.allowed(operator.GrantDesk)
	case slices.ContainsFunc(permissions, registry.IsOperatorsPermission):
		return d.allowed(operator.GrantOperatorsAPI)
	}
	return nil
}
