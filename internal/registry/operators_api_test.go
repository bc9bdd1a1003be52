package registry

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func operated(t testing.TB) []Tenant {
	t.Helper()
	ts := tenants()
	ts[0].OperatorsAPI = true
	return ts
}

func TestTheOperatorsAPIIsBuiltIntoTenantsThatHaveIt(t *testing.T) {
	ts := operated(t)
	declared := ts[0].APIs
	if err := CheckTenants(ts); err != nil {
		t.Fatal(err)
	}
	once := slices.Clone(ts[0].APIs)
	for range 2 {
		if err := CheckTenants(ts); err != nil || !reflect.DeepEqual(ts[0].APIs, once) {
			t.Fatalf("checked again: %+v %v", ts[0].APIs, err)
		}
	}
	if len(declared) != 2 || len(once) != 3 || len(ts[1].APIs) != 0 {
		t.Fatalf("%d declared, %d there, %d elsewhere", len(declared), len(once), len(ts[1].APIs))
	}
	a := once[2]
	if a.Name != OperatorsAPIName || a.Audience != "https://login.acme.test/operators" || a.Upstream != "" || len(a.Routes) != 0 || len(a.Permissions) != 8 {
		t.Errorf("%+v", a)
	}
	for _, p := range a.Permissions {
		if !IsOperatorsPermission(p.Name) || slices.Contains(ts[0].PermissionNames(), p.Name) {
			t.Errorf("%s is among what everybody may be given", p.Name)
		}
	}
	ts[0].OperatorsAPI = false
	if err := CheckTenants(ts); err != nil || !reflect.DeepEqual(ts[0].APIs, once[:2]) {
		t.Errorf("taken away: %+v %v", ts[0].APIs, err)
	}
}

func TestWhoMistypesAnOperatorsPermissionIsToldWhatThereIs(t *testing.T) {
	ts := operated(t)
	if err := CheckTenants(ts); err != nil {
		t.Fatal(err)
	}
	for want, tenant := range map[string]*Tenant{
		`there is no permission "tokenbooth:admin" of the operators' API; there are tokenbooth:owner`: &ts[0],
		`tenant other has no permission "tokenbooth:admin": its settings need operators_api: true`:    {Name: "other"},
	} {
		if err := tenant.checkPermissions("permissions", []string{"tokenbooth:admin"}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %s", err, want)
		}
		if err := tenant.checkPermissions("permissions", []string{"tokenbooth:admin"}, []string{"tokenbooth:admin"}); err != nil {
			t.Errorf("what is held may stay: %v", err)
		}
	}
}

func TestNothingDeclaredCanBeTakenForTheOperatorsAPI(t *testing.T) {
	for want, change := range map[string]func(*Tenant){
		"tenants[0].apis[2].name": func(t *Tenant) { t.APIs = append(t.APIs, API{Name: "tokenbooth"}) },
		"tenants[0].apis[2].permissions": func(t *Tenant) {
			t.APIs = append(t.APIs, API{Name: "x", Permissions: []Permission{{Name: "tokenbooth:owner"}}})
		},
		"tenants[0].operators_api": func(t *Tenant) {
			t.OperatorsAPI, t.Dialects, t.Follow = true, nil, &Follow{ClientID: "a", ClientSecretFile: "b"}
		},
	} {
		for _, on := range []bool{false, true} {
			ts := tenants()
			ts[0].OperatorsAPI = on
			if change(&ts[0]); field(CheckTenants(ts)) != want {
				t.Errorf("%s, operators_api %v: %v", want, on, CheckTenants(ts))
			}
		}
	}
}

func TestOperatorsPermissionsAreForClientsOfTenantsThatHaveTheAPI(t *testing.T) {
	r, _, _ := world(t)
	c := postman()
	c.Permissions = []string{"tokenbooth:viewer"}
	if _, _, err := r.CreateClient(ctx, by, c); field(err) != "permissions" || strings.Contains(err.Error(), "has tokenbooth") {
		t.Errorf("a tenant without the API: %v", err)
	}
	if err := r.SetTenants(operated(t)); err != nil {
		t.Fatal(err)
	}
	made, _ := create(t, r, c)
	if !slices.Equal(made.Audiences, []string{"https://login.acme.test/operators"}) || made.Scope != "tokenbooth:viewer" {
		t.Errorf("%+v", made)
	}
	c.ID, c.Permissions = "x", []string{"tokenbooth:root"}
	if _, _, err := r.CreateClient(ctx, by, c); field(err) != "permissions" {
		t.Errorf("a role that is none: %v", err)
	}
	u := User{Tenant: "acme", Username: "bob@acme.test", UserSpec: UserSpec{Permissions: []string{"tokenbooth:viewer"}}}
	if _, err := r.CreateUser(ctx, by, u, password); field(err) != "permissions" {
		t.Errorf("a user: %v", err)
	}
	createUser(t, r, "eve@acme.test")
	_, err := r.UpdateUser(ctx, by, "user.update", "acme", "eve@acme.test", func(u *User) error { u.Permissions = []string{"tokenbooth:owner"}; return nil })
	if field(err) != "permissions" {
		t.Errorf("a user's update: %v", err)
	}
}

func TestAClientThatActsAsAnOperatorHoldsNothingElse(t *testing.T) {
	for _, test := range []struct {
		permissions []string
		ok          bool
	}{
		{nil, true},
		{[]string{"workflows"}, true},
		{[]string{"tokenbooth:viewer"}, true},
		{[]string{"tokenbooth:viewer", "tokenbooth:auditor"}, true},
		{[]string{"tokenbooth:viewer", "workflows"}, false},
		{[]string{"workflows", "tokenbooth:owner"}, false},
	} {
		if err := checkAlone(test.permissions); (err == nil) != test.ok {
			t.Errorf("%v: %v", test.permissions, err)
		}
	}
}
