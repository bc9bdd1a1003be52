package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/operator"
)

// operatorView is what may be seen of an operator. These names are a promise to programs.
type operatorView struct {
	ID       string                   `json:"id"`
	Username string                   `json:"username"`
	Name     string                   `json:"name"`
	State    string                   `json:"state"` // active, disabled, deleted, or invited: nothing to sign in with yet
	Roles    map[string]operator.Role `json:"roles"`
	Proofs   []string                 `json:"proofs"` // password, passkey
	SignedIn *time.Time               `json:"signed_in"`
	Created  time.Time                `json:"created"`
	By       string                   `json:"created_by"`
}

func viewOperator(o *operator.Operator) operatorView {
	v := operatorView{ID: o.ID, Username: o.Username, Name: o.Name, State: "active", Roles: o.Roles, Proofs: []string{}, SignedIn: orNull(o.SignedIn),
		Created: o.Created.UTC(), By: o.CreatedBy}
	if o.HasPassword() {
		v.Proofs = append(v.Proofs, "password")
	}
	if len(o.Passkeys) > 0 {
		v.Proofs = append(v.Proofs, "passkey")
	}
	switch {
	case o.Deleted:
		v.State = "deleted"
	case o.Disabled:
		v.State = "disabled"
	case !o.HasProof():
		v.State = "invited"
	}
	return v
}

// roles writes roles as flags take them: owner for the whole desk, editor@acme for a tenant.
func (v *operatorView) roles() string {
	var all []string
	for _, tenant := range slices.Sorted(maps.Keys(v.Roles)) {
		if role := string(v.Roles[tenant]); tenant == operator.All {
			all = append(all, role)
		} else {
			all = append(all, role+"@"+tenant)
		}
	}
	return strings.Join(all, " ")
}

// rolesOf reads roles as flags have them. Which tenants there are the settings say; elsewhere, where s is nil, the server does.
func rolesOf(s *settings, texts []string) (map[string]operator.Role, error) {
	roles := map[string]operator.Role{}
	for _, text := range texts {
		role, tenant, at := strings.Cut(text, "@")
		if !slices.Contains(operator.Roles(), operator.Role(role)) {
			return nil, fmt.Errorf("--role: a role is owner, editor, viewer or auditor, for one tenant like editor@acme; not %q", text)
		}
		if !at {
			tenant = operator.All
		} else if err := checkRoleTenant(s, tenant); err != nil {
			return nil, fmt.Errorf("--role: %w", err)
		}
		if roles[tenant] != "" {
			return nil, fmt.Errorf("--role: an operator has one role at a tenant, not %s and %s", roles[tenant], role)
		}
		roles[tenant] = operator.Role(role)
	}
	return roles, nil
}

// checkRoleTenant refuses the tenant of a role where it can be known that there is none.
func checkRoleTenant(s *settings, tenant string) error {
	if tenant == "" {
		return errors.New("the tenant after @ is missing")
	}
	if s == nil {
		return nil
	}
	_, err := pickTenant(s, tenant)
	return err
}
