package office

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// needs says which right each method asks for. A method that is not named here fails the test: decide, and write it down.
var needs = map[string]operator.Right{
	"Desk.May": operator.ReadAudit, "Staff.May": operator.ReadOperators, "Desk.NoteTry": operator.ChangeClients,

	"Desk.Tenant": "", "Desk.Rehearsal": "", "Desk.Settings": operator.ReadSettings, "Desk.Overview": operator.ReadClients,

	"Desk.FindClients": operator.ReadClients, "Desk.Holders": operator.ReadClients, "Desk.Expiring": operator.ReadClients, "Desk.Client": operator.ReadClients, "Desk.Usage": operator.ReadClients,
	"Desk.CreateClient": operator.ChangeClients, "Desk.ImportClient": operator.ChangeClients, "Desk.UpdateClient": operator.ChangeClients,
	"Desk.DisableClient": operator.ChangeClients, "Desk.RotateSecret": operator.ChangeClients, "Desk.RetireSecret": operator.ChangeClients,
	"Desk.UndoRotation": operator.ChangeClients, "Desk.DeleteClient": operator.DeleteClients, "Desk.RevokeClientTokens": operator.RevokeTokens,

	"Desk.FindUsers": operator.ReadUsers, "Desk.User": operator.ReadUsers, "Desk.UserByID": operator.ReadUsers, "Desk.CreateUser": operator.ChangeUsers, "Desk.UpdateUser": operator.ChangeUsers,
	"Desk.ImportUser":  operator.ChangeUsers,
	"Desk.SetPassword": operator.ChangeUsers, "Desk.SetTOTP": operator.ChangeUsers, "Desk.DisableUser": operator.ChangeUsers,
	"Desk.DeleteUser": operator.DeleteUsers, "Desk.RevokeUserTokens": operator.RevokeTokens,

	"Desk.Chains": operator.ReadTokens, "Desk.Opaque": operator.ReadTokens, "Desk.Introspect": operator.ReadTokens,
	"Desk.RevokeToken": operator.RevokeTokens, "Desk.RevokeID": operator.RevokeTokens, "Desk.RevokeAll": operator.RevokeAll,
	"Desk.Keys": operator.ReadKeys, "Desk.RotateKeys": operator.RotateKeys, "Desk.WithdrawKey": operator.WithdrawKeys,
	"Desk.Events": operator.ReadAudit, "Desk.Event": operator.ReadAudit, "Desk.Explain": operator.ReadAudit,

	"Staff.List": operator.ReadOperators, "Staff.Get": operator.ReadOperators, "Staff.Sessions": operator.ReadOperators,
	"Staff.Create": operator.ChangeOperators, "Staff.Update": operator.ChangeOperators, "Staff.Delete": operator.ChangeOperators,
	"Staff.ClearProofs": operator.ChangeOperators, "Staff.Invite": operator.ChangeOperators, "Staff.EndSession": operator.ChangeOperators,
	"Staff.EndSessions": operator.ChangeOperators, "Staff.Events": operator.ReadOperators, "Staff.Event": operator.ReadOperators,
	"Staff.Settings": operator.ReadSettings,
}

// given are arguments that name what is there, so that nothing but the right stands between an actor and it.
type given struct{ client, user, kid, operator string }

// all calls every exported method of a desk and of a staff, and hands each error on.
func (w *world) all(who *operator.Actor, tenant string, g given, heard func(method string, err error)) {
	w.t.Helper()
	for _, of := range []any{w.At(who, tenant), w.Operators(who)} {
		v := reflect.ValueOf(of)
		for i := range v.NumMethod() {
			name := v.Type().Elem().Name() + "." + v.Type().Method(i).Name
			out := v.Method(i).Call(g.arguments(name, v.Method(i).Type()))
			err, ok := out[len(out)-1].Interface().(error)
			if !ok && !out[len(out)-1].IsNil() {
				w.t.Fatalf("%s returns no error", name)
			}
			heard(name, err)
			for _, value := range out[:len(out)-1] {
				if err != nil && !value.IsZero() {
					w.t.Errorf("%s returns %v beside %v", name, value, err)
				}
			}
		}
	}
}

// arguments are good ones as far as a right goes.
func (g given) arguments(method string, of reflect.Type) (args []reflect.Value) {
	for i := range of.NumIn() {
		in := of.In(i)
		value := reflect.Zero(in)
		switch {
		case in == reflect.TypeFor[context.Context]():
			value = reflect.ValueOf(ctx)
		case in.Kind() == reflect.Func: // an edit that changes something
			value = reflect.MakeFunc(in, func(args []reflect.Value) []reflect.Value {
				args[0].Elem().FieldByName("Name").SetString("changed")
				return []reflect.Value{reflect.Zero(reflect.TypeFor[error]())}
			})
		case in == reflect.TypeFor[registry.Client]():
			value = reflect.ValueOf(registry.Client{ID: "new-" + strings.ToLower(method[5:]), ClientSpec: registry.ClientSpec{Name: "new", Grants: []oauth.GrantType{oauth.ClientCredentials}}})
		case in == reflect.TypeFor[registry.User]():
			value = reflect.ValueOf(registry.User{Username: "new@acme.test"})
		case in == reflect.TypeFor[operator.Operator]():
			value = reflect.ValueOf(operator.Operator{Username: "new@desk.test", Roles: map[string]operator.Role{"acme": operator.Viewer}})
		case in == reflect.TypeFor[oauth.Secret]():
			value = reflect.ValueOf(oauth.Secret(password))
		case in == reflect.TypeFor[operator.Right]():
			value = reflect.ValueOf(needs[method])
		case in.Kind() == reflect.String && i == 1:
			value = reflect.ValueOf(g.name(method)).Convert(in)
		}
		args = append(args, value)
	}
	return args
}

// name is the first text that a method is given.
func (g given) name(method string) string {
	switch {
	case strings.HasPrefix(method, "Staff."):
		return g.operator
	case strings.Contains(method, "Key"):
		return g.kid
	case strings.Contains(method, "User") || method == "Desk.SetPassword" || method == "Desk.SetTOTP":
		return g.user
	}
	return g.client
}

// furnished is a world with one of each, and their names.
func furnished(t *testing.T) (*world, given) {
	w := open(t)
	return w, w.furnish()
}

func (w *world) furnish() given {
	w.t.Helper()
	g := given{client: w.client("workflows").ID, user: w.user(jane).Username}
	keys, err := w.as(operator.Owner).Keys()
	if err != nil {
		w.t.Fatal(err)
	}
	o, err := w.root().Create(ctx, operator.Operator{Username: "ada@desk.test", Roles: map[string]operator.Role{operator.All: operator.Owner}})
	if err != nil {
		w.t.Fatal(err)
	}
	g.kid, g.operator = keys[0].ID, o.ID
	return g
}

func TestReq047_NoMethodOfADeskOrStaffDoesAnythingForWhoHasNoRole(t *testing.T) {
	w, g := furnished(t)
	for _, who := range []*operator.Actor{
		{By: "operator:nobody", Fresh: true},
		{By: "operator:empty", Fresh: true, Roles: map[string]operator.Role{"acme": "", operator.All: ""}},
		{By: "operator:made-up", Fresh: true, Roles: map[string]operator.Role{"acme": "admin", "": operator.Owner, "ACME": operator.Owner, "acme ": operator.Owner}},
	} {
		w.wantDenied(who, g)
	}
}

func TestB57_AnOwnerOfOneTenantIsNobodyInAnother(t *testing.T) {
	w, g := furnished(t)
	w.wantDenied(&operator.Actor{By: "client:other-program", Tenant: "other", Fresh: true, Roles: map[string]operator.Role{"other": operator.Owner}}, g)
}

func TestB57_TheNamesOfAnotherTenantsThingsAreNobodysHere(t *testing.T) {
	w, g := furnished(t)
	root := w.At(named("cli:root"), "other")
	c, _, err := root.CreateClient(ctx, registry.Client{ClientSpec: registry.ClientSpec{Name: "theirs", Permissions: []string{"nql"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := root.CreateUser(ctx, registry.User{Username: "theirs@other.test"}, password, false); err != nil {
		t.Fatal(err)
	}
	keys, err := root.Keys()
	if err != nil {
		t.Fatal(err)
	}
	theirs := func() []string {
		return slices.DeleteFunc(w.kept(), func(r string) bool { return !strings.HasPrefix(r, "other ") })
	}
	before := theirs()
	named := []string{"Desk.Client", "Desk.UpdateClient", "Desk.DisableClient", "Desk.RotateSecret", "Desk.RetireSecret", "Desk.UndoRotation", "Desk.DeleteClient",
		"Desk.RevokeClientTokens", "Desk.Usage", "Desk.User", "Desk.UpdateUser", "Desk.DisableUser", "Desk.SetPassword", "Desk.SetTOTP", "Desk.DeleteUser",
		"Desk.RevokeUserTokens", "Desk.WithdrawKey", "Desk.Event", "Desk.Explain"}
	w.all(actor(operator.Owner), "acme", given{c.ID, "theirs@other.test", keys[0].ID, g.operator}, func(method string, err error) {
		if slices.Contains(named, method) && !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("%s with the name of another tenant's: %v", method, err)
		}
	})
	if !slices.Equal(before, theirs()) {
		t.Error("something of the other tenant was changed")
	}
}

// wantDenied wants every method to refuse, to change nothing, and to be written down.
func (w *world) wantDenied(who *operator.Actor, g given) {
	w.t.Helper()
	before := w.kept()
	calls := 0
	for _, tenant := range []string{"acme", "nowhere", operator.All} {
		w.all(who, tenant, g, func(method string, err error) {
			calls++
			if !errors.Is(err, operator.ErrDenied) {
				w.t.Errorf("%s, %s at %s: %v, not that it is denied", who.By, method, tenant, err)
			}
		})
	}
	if after := w.kept(); !slices.Equal(before, after) {
		w.t.Errorf("%s has changed something: %d records were %d", who.By, len(after), len(before))
	}
	q := audit.Query{ActorIs: who.By}
	if kept := slices.Concat(w.events("acme", q), w.events("", q), w.events("other", q)); len(kept) != calls {
		w.t.Errorf("%s was refused %d times, and %d are written down", who.By, calls, len(kept))
	} else if e := kept[0]; e.Act != Refused || e.Outcome != audit.Refused || e.Reason == "" {
		w.t.Errorf("written down as %+v", e)
	}
}

func TestReq047_EachRoleMayCallWhatItsRightsSayAndNothingElse(t *testing.T) {
	for _, role := range operator.Roles() {
		for _, where := range []string{"acme", operator.All} {
			w, g := furnished(t)
			called := map[string]bool{}
			who := &operator.Actor{By: "operator:somebody", Roles: map[string]operator.Role{where: role}, Fresh: true}
			w.all(who, "acme", g, func(method string, err error) {
				called[method] = true
				right, known := needs[method]
				if !known {
					t.Fatalf("%s is not in the table of this test: which right does it need?", method)
				}
				reached := where == operator.All || !strings.HasPrefix(method, "Staff.")
				may := reached && (right == "" || role.Can(right))
				if denied := errors.Is(err, operator.ErrDenied) || errors.Is(err, operator.ErrStale); denied == may {
					t.Errorf("%s of %s calls %s: %v; it needs %q", role, where, method, err, right)
				}
			})
			for method := range needs {
				if !called[method] {
					t.Errorf("there is no %s", method)
				}
			}
		}
	}
}

func TestReq047_AnAuditorOfTheDeskReadsAllOfItAndChangesNothing(t *testing.T) {
	w, g := furnished(t)
	before := w.kept()
	var may []string
	w.all(&operator.Actor{By: "operator:auditor", Roles: map[string]operator.Role{operator.All: operator.Auditor}, Fresh: true}, "acme", g, func(method string, err error) {
		if strings.HasPrefix(method, "Staff.") && !errors.Is(err, operator.ErrDenied) {
			may = append(may, method)
		}
	})
	if want := []string{"Staff.Event", "Staff.Events", "Staff.Get", "Staff.List", "Staff.May", "Staff.Sessions", "Staff.Settings"}; !slices.Equal(may, want) {
		t.Errorf("it may %v, not %v", may, want)
	}
	if !slices.Equal(before, w.kept()) {
		t.Error("an auditor has changed something")
	}
}

func TestReq047_WhatIsDangerousAsksForAFreshSignInAndIsNoRefusal(t *testing.T) {
	w, g := furnished(t)
	stale := &operator.Actor{By: "operator:stale", Roles: map[string]operator.Role{operator.All: operator.Owner}}
	asked := map[operator.Right]bool{}
	w.all(stale, "acme", g, func(method string, err error) {
		if errors.Is(err, operator.ErrStale) {
			asked[needs[method]] = true
		}
	})
	for _, right := range operator.Rights() {
		dangerous := slices.Contains([]operator.Right{operator.RevokeAll, operator.RotateKeys, operator.WithdrawKeys, operator.DeleteClients, operator.DeleteUsers,
			operator.ChangeOperators}, right)
		if asked[right] != dangerous {
			t.Errorf("to %s asks for a fresh sign-in: %v", right, asked[right])
		}
	}
	if kept := w.events("acme", audit.Query{ActorIs: stale.By, Act: Refused}); len(kept) != 0 {
		t.Errorf("that somebody was sent to sign in is written down as a refusal: %+v", kept)
	}
}

func TestAnOwnerOfTheWholeDeskLearnsThatATenantIsNotThere(t *testing.T) {
	w, _ := furnished(t)
	root := &operator.Actor{By: "cli:root", Fresh: true, Roles: map[string]operator.Role{operator.All: operator.Owner}}
	for _, name := range []string{"nowhere", "", operator.All} {
		if _, err := w.At(root, name).FindClients(ctx, directory.Search{}); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("tenant %q: %v", name, err)
		}
	}
	if got := w.Tenants(root); len(got) != 2 {
		t.Errorf("the owner of all sees %d tenants", len(got))
	}
	if got := w.Tenants(actor(operator.Viewer)); len(got) != 1 || got[0].Name != "acme" {
		t.Errorf("a viewer of acme sees %v", got)
	}
	if got := w.Tenants(&operator.Actor{}); got != nil {
		t.Errorf("nobody sees %v", got)
	}
}
