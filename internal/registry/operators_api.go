package registry

import (
	"slices"
	"strings"
)

// OperatorsAPIName is the name of the built-in API of operators' programs, in tenants that have it (Tenant.OperatorsAPI).
const OperatorsAPIName = "tokenbooth"

// OperatorsPrefix starts the permissions of the built-in API: each is the name of an operators' role behind it.
const OperatorsPrefix = "tokenbooth:"

// DeskPrefix starts those of them that count in every tenant, and at the desk itself.
const DeskPrefix = OperatorsPrefix + "desk-"

// IsOperatorsPermission reports whether a permission is one of the built-in API's: who holds it acts as an operator.
func IsOperatorsPermission(name string) bool { return strings.HasPrefix(name, OperatorsPrefix) }

// IsDeskPermission reports whether a permission of the built-in API counts in every tenant and at the desk itself.
func IsDeskPermission(name string) bool { return strings.HasPrefix(name, DeskPrefix) }

// operatorsAPI is the built-in API of a tenant. It has neither routes nor an upstream: the desk itself answers its calls.
func (t *Tenant) operatorsAPI() API {
	return API{Name: OperatorsAPIName, Title: "Operators' API", Audience: strings.TrimSuffix(t.Issuer, "/") + "/operators", builtIn: true,
		Permissions: []Permission{
			{Name: OperatorsPrefix + "owner", Label: "Owner", Description: "Everything an owner of this tenant may do."},
			{Name: OperatorsPrefix + "editor", Label: "Editor", Description: "Read, and change clients, users and tokens of this tenant."},
			{Name: OperatorsPrefix + "viewer", Label: "Viewer", Description: "Read clients, users, tokens and keys of this tenant."},
			{Name: OperatorsPrefix + "auditor", Label: "Auditor", Description: "Read this tenant, its audit log and its settings."},
			{Name: DeskPrefix + "owner", Label: "Owner of the desk", Description: "Everything in every tenant, and operators themselves."},
			{Name: DeskPrefix + "editor", Label: "Editor everywhere", Description: "Read, and change clients, users and tokens of every tenant."},
			{Name: DeskPrefix + "viewer", Label: "Viewer everywhere", Description: "Read clients, users, tokens and keys of every tenant."},
			{Name: DeskPrefix + "auditor", Label: "Auditor of the desk", Description: "Read every tenant, the operators, all audit logs and all settings."},
		}}
}

// checkOperatorsAPI puts the built-in API behind the declared ones, or takes it away, and refuses a declared one that could be taken
// for it. A tenant that has it already is not written to: others may be reading it.
func (t *Tenant) checkOperatorsAPI() error {
	if t.OperatorsAPI && t.Follow != nil {
		return problem("operators_api", "the operators of a tenant that is followed are where its tokens are issued")
	}
	has := slices.ContainsFunc(t.APIs, func(a API) bool { return a.builtIn })
	switch {
	case t.OperatorsAPI && !has:
		t.APIs = append(slices.Clip(t.APIs), t.operatorsAPI())
	case !t.OperatorsAPI && has:
		t.APIs = slices.DeleteFunc(slices.Clone(t.APIs), func(a API) bool { return a.builtIn })
	}
	return nil
}

// checkAlone refuses a client that acts as an operator and calls other APIs too: those would be shown a token that is good here.
func checkAlone(permissions []string) error {
	operators := 0
	for _, p := range permissions {
		if IsOperatorsPermission(p) {
			operators++
		}
	}
	if operators > 0 && operators < len(permissions) {
		return problem("permissions", "a client that acts as an operator holds no other permission: other APIs would be shown a token that is good at the desk")
	}
	return nil
}

// checkUserPermissions is checkPermissions for people. An operator is no user: nobody's password may buy an operator's rights.
func (t *Tenant) checkUserPermissions(wanted, held []string) error {
	if i := slices.IndexFunc(wanted, IsOperatorsPermission); i >= 0 {
		return problem("permissions", "%s is for operators' programs: register a client for it", wanted[i])
	}
	if err := short("permissions", wanted, held); err != nil {
		return err
	}
	return t.checkPermissions("permissions", wanted, held)
}
