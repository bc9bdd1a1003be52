package operator

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Role is what an operator may be in a tenant, or everywhere.
type Role string

// The roles. An owner may do everything; an auditor sees everything of a tenant and changes nothing; a viewer sees the same but for
// the audit record and the settings; an editor looks after clients and users.
const (
	Owner   Role = "owner"
	Editor  Role = "editor"
	Viewer  Role = "viewer"
	Auditor Role = "auditor"
)

// All stands in Actor.Roles and Operator.Roles for every tenant, and for the desk itself.
const All = "*"

// Right is one thing an operator may be allowed to do.
type Right string

// The rights. ReadOperators, ChangeOperators and GrantDesk are of the desk, so only a role for All gives them. GrantOperatorsAPI is the
// right to make a client an operator's program: who may edit clients but has it not, could otherwise make himself an owner; GrantDesk
// the same for programs whose role counts in every tenant, which the owner of one must not give.
const (
	ReadClients       Right = "read clients"
	ChangeClients     Right = "change clients"
	DeleteClients     Right = "delete clients"
	ReadUsers         Right = "read users"
	ChangeUsers       Right = "change users"
	DeleteUsers       Right = "delete users"
	ReadTokens        Right = "read tokens"
	RevokeTokens      Right = "revoke tokens"
	RevokeAll         Right = "revoke all tokens"
	ReadKeys          Right = "read keys"
	RotateKeys        Right = "rotate keys"
	WithdrawKeys      Right = "withdraw keys"
	ReadAudit         Right = "read the audit record"
	ReadSettings      Right = "read settings"
	ReadOperators     Right = "read operators"
	ChangeOperators   Right = "change operators"
	GrantOperatorsAPI Right = "look after operators' programs"
	GrantDesk         Right = "look after programs of the whole desk"
)

// rule says which roles give a right, and how.
type rule struct {
	right Right
	to    []Role
	fresh bool // only shortly after a proof: what it does is dangerous, or cannot be undone
	desk  bool // only by a role for All
}

var rules = []rule{
	{right: ReadClients, to: []Role{Owner, Editor, Viewer, Auditor}},
	{right: ChangeClients, to: []Role{Owner, Editor}},
	{right: DeleteClients, to: []Role{Owner, Editor}, fresh: true},
	{right: ReadUsers, to: []Role{Owner, Editor, Viewer, Auditor}},
	{right: ChangeUsers, to: []Role{Owner, Editor}},
	{right: DeleteUsers, to: []Role{Owner, Editor}, fresh: true},
	{right: ReadTokens, to: []Role{Owner, Editor, Viewer, Auditor}},
	{right: RevokeTokens, to: []Role{Owner, Editor}},
	{right: RevokeAll, to: []Role{Owner}, fresh: true},
	{right: ReadKeys, to: []Role{Owner, Editor, Viewer, Auditor}},
	{right: RotateKeys, to: []Role{Owner}, fresh: true},
	{right: WithdrawKeys, to: []Role{Owner}, fresh: true},
	{right: ReadAudit, to: []Role{Owner, Editor, Auditor}},
	{right: ReadSettings, to: []Role{Owner, Auditor}},
	{right: ReadOperators, to: []Role{Owner, Auditor}, desk: true},
	{right: ChangeOperators, to: []Role{Owner}, fresh: true, desk: true},
	{right: GrantOperatorsAPI, to: []Role{Owner}, fresh: true},
	{right: GrantDesk, to: []Role{Owner}, fresh: true, desk: true},
}

// Roles returns the roles, the mightiest first.
func Roles() []Role { return []Role{Owner, Editor, Auditor, Viewer} }

// Rights returns all rights there are.
func Rights() []Right {
	all := make([]Right, 0, len(rules))
	for _, r := range rules {
		all = append(all, r.right)
	}
	return all
}

// rule finds the rule of a right. A right without a rule is nobody's.
func (r Right) rule() rule {
	for _, found := range rules {
		if found.right == r {
			return found
		}
	}
	return rule{right: r}
}

// Can reports whether the role gives a right, where it is given for All if the right is of the desk.
func (r Role) Can(right Right) bool { return slices.Contains(right.rule().to, r) }

// Why somebody may not.
var (
	// ErrDenied: none of the actor's roles gives the right. What wraps it names the right and the tenant.
	ErrDenied = errors.New("not allowed")
	// ErrStale: the right is there, but what it does asks for a sign-in of the last minutes. Prove who you are and ask again.
	ErrStale = errors.New("allowed, but only shortly after signing in")
)

// Actor is whoever does something at the desk: an operator in a session, an operator's program, or somebody at the command line.
type Actor struct {
	By        string          // the actor of audit events: operator:ID, client:ID, program:TENANT/ID where that counts everywhere, cli:NAME
	Tenant    string          // that gave By its name: of a program of one tenant, whose id means nothing elsewhere; "": the desk did
	Name      string          // for people to read
	Roles     map[string]Role // by tenant, or All
	Fresh     bool            // has lately proven who it is; programs and the command line always have
	RequestID string
	Source    string // the address it comes from
}

// ByProgram is the By of a program of the whole desk: its id alone would be taken for that of another tenant's client.
func ByProgram(tenant, clientID string) string { return "program:" + tenant + "/" + clientID }

// May returns nil when the actor has the right in a tenant (All for what is of the desk), ErrStale when it would have it after a
// new sign-in, and else ErrDenied.
func (a *Actor) May(r Right, tenant string) error {
	rule := r.rule()
	if rule.desk {
		tenant = All
	}
	given := slices.ContainsFunc([]Role{a.Roles[tenant], a.Roles[All]}, func(role Role) bool { return slices.Contains(rule.to, role) })
	switch {
	case !given:
		return fmt.Errorf("%w to %s %s", ErrDenied, r, place(tenant))
	case rule.fresh && !a.Fresh:
		return fmt.Errorf("%w: to %s %s", ErrStale, r, place(tenant))
	}
	return nil
}

// Here reports whether the actor sits at this machine's command line, where nothing of the desk could be kept from them.
func (a *Actor) Here() bool { return strings.HasPrefix(a.By, "cli:") }

// Role returns the role of an actor in a tenant: the one given for it or the one given for All, whichever stands first in Roles;
// "" when it has none.
func (a *Actor) Role(tenant string) Role {
	for _, role := range Roles() {
		if a.Roles[tenant] == role || a.Roles[All] == role {
			return role
		}
	}
	return ""
}

func place(tenant string) string {
	if tenant == All {
		return "at the desk"
	}
	return "in tenant " + tenant
}
