package operator

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// rightsOf is what each role may do, written out: who changes the rules must change it here too.
var rightsOf = map[Role][]Right{
	Viewer:  {ReadClients, ReadUsers, ReadTokens, ReadKeys},
	Auditor: {ReadClients, ReadUsers, ReadTokens, ReadKeys, ReadAudit, ReadSettings, ReadOperators},
	Editor: {ReadClients, ReadUsers, ReadTokens, ReadKeys, ReadAudit, ChangeClients, ChangeUsers, RevokeTokens, DeleteClients,
		DeleteUsers},
	Owner: {ReadClients, ReadUsers, ReadTokens, ReadKeys, ReadAudit, ReadSettings, ChangeClients, ChangeUsers, RevokeTokens,
		DeleteClients, DeleteUsers, RevokeAll, RotateKeys, WithdrawKeys, ReadOperators, ChangeOperators, GrantOperatorsAPI, GrantDesk},
	"":      nil,
	"admin": nil,
}

var (
	ofTheDesk = []Right{ReadOperators, ChangeOperators, GrantDesk}
	dangerous = []Right{RevokeAll, RotateKeys, WithdrawKeys, DeleteClients, DeleteUsers, ChangeOperators, GrantOperatorsAPI, GrantDesk}
)

func TestReq047_EveryRightIsDeniedToEveryRoleThatIsNotGivenIt(t *testing.T) {
	if want := len(rightsOf[Owner]); len(Rights()) != want {
		t.Fatalf("there are %d rights, this table knows %d", len(Rights()), want)
	}
	for role, given := range rightsOf {
		for _, right := range Rights() {
			t.Run(fmt.Sprintf("%q %s", role, right), func(t *testing.T) {
				has := slices.Contains(given, right)
				if role.Can(right) != has {
					t.Errorf("Can gives %v", !has)
				}
				desk := slices.Contains(ofTheDesk, right)
				for where, may := range map[string]bool{All: has, "acme": has && !desk, "other": false} {
					a := Actor{Roles: map[string]Role{where: role}, Fresh: true}
					if err := a.May(right, "acme"); (err == nil) != may || !may && !errors.Is(err, ErrDenied) {
						t.Errorf("with the role for %s the answer is %v", where, err)
					}
				}
			})
		}
	}
}

func TestReq098_DangerousActsNeedARecentProof(t *testing.T) {
	for _, right := range Rights() {
		a := Actor{Roles: map[string]Role{All: Owner}}
		err := a.May(right, "acme")
		if want := slices.Contains(dangerous, right); errors.Is(err, ErrStale) != want || !want && err != nil {
			t.Errorf("%s without a recent proof: %v", right, err)
		}
	}
	a := Actor{Roles: map[string]Role{All: Viewer}}
	if err := a.May(RevokeAll, "acme"); !errors.Is(err, ErrDenied) || errors.Is(err, ErrStale) {
		t.Errorf("who may not at all is asked to sign in again: %v", err)
	}
}

func TestARightThatNobodyHasDefinedIsNobodys(t *testing.T) {
	a := Actor{Roles: map[string]Role{All: Owner}, Fresh: true}
	for _, r := range []Right{"", "everything"} {
		if err := a.May(r, "acme"); !errors.Is(err, ErrDenied) || Owner.Can(r) {
			t.Errorf("an owner has the right %q", r)
		}
	}
}

func TestARoleForATenantHoldsThereOnly(t *testing.T) {
	a := Actor{Roles: map[string]Role{"acme": Owner, "other": Viewer}, Fresh: true}
	for tenant, want := range map[string]Role{"acme": Owner, "other": Viewer, "third": "", All: "", "": ""} {
		if got := a.Role(tenant); got != want {
			t.Errorf("the role in %q is %q, want %q", tenant, got, want)
		}
	}
	for _, r := range ofTheDesk {
		if err := a.May(r, "acme"); !errors.Is(err, ErrDenied) {
			t.Errorf("an owner of one tenant may %s", r)
		}
	}
}

func TestOfTwoRolesTheMightierShowsAndBothCount(t *testing.T) {
	a := Actor{Roles: map[string]Role{All: Auditor, "acme": Editor}}
	if got := a.Role("acme"); got != Editor {
		t.Errorf("the role is %q", got)
	}
	for _, r := range []Right{ReadSettings, ChangeClients} {
		if err := a.May(r, "acme"); err != nil {
			t.Errorf("%s: %v", r, err)
		}
	}
}
