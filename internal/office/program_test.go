package office

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// ownerPermission is what makes a client an owner.
const ownerPermission = registry.OperatorsPrefix + "owner"

// An editor may change clients and users. Each of these would make one of them an operator's program with rights that the editor lacks, or give
// the editor its secret.
func TestReq047_AnEditorCannotMakeHimselfAnOwner(t *testing.T) {
	w := open(t)
	editor := w.as(operator.Editor)
	plain, program, stopped := w.client("workflows"), w.client(ownerPermission), w.client(ownerPermission)
	if _, err := w.as(operator.Owner).DisableClient(ctx, stopped.ID, 0, true); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.as(operator.Owner).RotateSecret(ctx, program.ID, 0, 1e12); err != nil {
		t.Fatal(err)
	}
	w.user(jane)
	before := w.kept()
	add := func(c *registry.Client) error { c.Permissions = append(c.Permissions, ownerPermission); return nil }
	for what, try := range map[string]func() error{
		"create one": func() error {
			_, _, err := editor.CreateClient(ctx, registry.Client{ClientSpec: registry.ClientSpec{Name: "x", Permissions: []string{"nql", ownerPermission}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
			return err
		},
		"create one with less than his own role": func() error {
			_, _, err := editor.CreateClient(ctx, registry.Client{ClientSpec: registry.ClientSpec{Name: "x", Permissions: []string{registry.OperatorsPrefix + "viewer"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
			return err
		},
		"create one with a permission that is not there yet": func() error {
			_, _, err := editor.CreateClient(ctx, registry.Client{ClientSpec: registry.ClientSpec{Name: "x", Permissions: []string{registry.OperatorsPrefix + "emperor"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
			return err
		},
		"import one": func() error {
			_, err := editor.ImportClient(ctx, registry.Client{ID: "x", ClientSpec: registry.ClientSpec{Name: "x", Permissions: []string{ownerPermission}, Grants: []oauth.GrantType{oauth.ClientCredentials}}}, "known", "")
			return err
		},
		"make one of a plain client":     func() error { _, err := editor.UpdateClient(ctx, plain.ID, "", 0, add); return err },
		"change one":                     func() error { _, err := editor.UpdateClient(ctx, program.ID, "", 0, rename); return err },
		"take the permission away":       func() error { _, err := editor.UpdateClient(ctx, program.ID, "", 0, strip); return err },
		"take it away where it lies":     func() error { _, err := editor.UpdateClient(ctx, program.ID, "", 0, stripInPlace); return err },
		"let one start again":            func() error { _, err := editor.DisableClient(ctx, stopped.ID, 0, false); return err },
		"let one start again by an edit": func() error { _, err := editor.UpdateClient(ctx, stopped.ID, "", 0, enable); return err },
		"rotate one":                     func() error { _, _, err := editor.RotateSecret(ctx, program.ID, 0, 0); return err },
		"undo a rotation of one":         func() error { _, err := editor.UndoRotation(ctx, program.ID, 0); return err },
		"retire a secret of one":         func() error { _, err := editor.RetireSecret(ctx, program.ID, 0, "x"); return err },
		"delete one":                     func() error { return editor.DeleteClient(ctx, program.ID, 0) },
		"take a secret along in a plain client": func() error {
			_, err := editor.UpdateClient(ctx, plain.ID, "", 0, func(c *registry.Client) error {
				c.ID, c.Permissions = program.ID, []string{ownerPermission}
				return nil
			})
			return err
		},
	} {
		if err := try(); !errors.Is(err, operator.ErrDenied) {
			t.Errorf("an editor may %s: %v", what, err)
		}
		if after := w.kept(); !slices.Equal(before, after) {
			t.Fatalf("an editor could %s", what)
		}
	}
	for what, try := range map[string]func() error{ // which not even an owner may
		"make a user one": func() error { _, err := editor.UpdateUser(ctx, jane, "", 0, crown); return err },
		"create a user who is": func() error {
			_, _, err := editor.CreateUser(ctx, registry.User{Username: "x", UserSpec: registry.UserSpec{Permissions: []string{ownerPermission}}}, password, false)
			return err
		},
	} {
		if _, ok := errors.AsType[*registry.Problem](try()); !ok {
			t.Errorf("an editor may %s", what)
		}
	}
	refused := w.events("acme", audit.Query{Act: Refused})
	if len(refused) == 0 || refused[0].Detail["right"] != string(operator.GrantOperatorsAPI) {
		t.Errorf("%+v", refused)
	}
}

func rename(c *registry.Client) error       { c.Name = "changed"; return nil }
func strip(c *registry.Client) error        { c.Permissions = []string{"workflows"}; return nil }
func stripInPlace(c *registry.Client) error { c.Permissions[0] = "nql"; return nil }
func enable(c *registry.Client) error       { c.Disabled = false; return nil }
func crown(u *registry.User) error          { u.Permissions = []string{ownerPermission}; return nil }

func TestAnEditorMayStopAnOperatorsProgram(t *testing.T) {
	w := open(t)
	program := w.client(ownerPermission)
	if err := w.as(operator.Editor).RevokeClientTokens(ctx, program.ID); err != nil {
		t.Error(err)
	}
	if c, err := w.as(operator.Editor).DisableClient(ctx, program.ID, 0, true); err != nil || !c.Disabled {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestToGrantTheOperatorsAPIAsksForAFreshSignIn(t *testing.T) {
	w := open(t)
	owner := actor(operator.Owner)
	owner.Fresh = false
	_, _, err := w.At(owner, "acme").CreateClient(ctx, registry.Client{ClientSpec: registry.ClientSpec{Name: "x", Permissions: []string{ownerPermission}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if !errors.Is(err, operator.ErrStale) {
		t.Error(err)
	}
	if _, _, err := w.At(owner, "acme").CreateClient(ctx, registry.Client{ClientSpec: registry.ClientSpec{Name: "x", Permissions: []string{"nql"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}}); err != nil {
		t.Error(err)
	}
}

func TestReq048_WhatAnOperatorMayNotWriteIsPutBack(t *testing.T) {
	w := open(t)
	c := w.client("workflows")
	was, err := w.Registry.InspectClient(ctx, "acme", c.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.as(operator.Owner).UpdateClient(ctx, c.ID, "", 0, func(c *registry.Client) error {
		if c.Credentials[0].Hash != "sha256$" {
			t.Errorf("an edit is shown the hash %s", c.Credentials[0].Hash)
		}
		c.Name, c.Tenant, c.ID, c.Deleted, c.NotBefore, c.CreatedBy = "changed", "other", "stolen", true, w.now(), "somebody"
		c.Credentials[0].Hash, c.Credentials[0].Expires = "sha256$x", w.now()
		return nil
	})
	is, failed := w.Registry.InspectClient(ctx, "acme", c.ID)
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	if is.Name != "changed" || is.Deleted || !is.NotBefore.Equal(was.NotBefore) || is.CreatedBy != was.CreatedBy || is.Credentials[0].Hash != was.Credentials[0].Hash ||
		!is.Credentials[0].Expires.IsZero() {
		t.Errorf("%+v", is)
	}
	made, _, err := w.as(operator.Owner).CreateClient(ctx, registry.Client{Tenant: "other", Deleted: true, NotBefore: w.now(), CreatedBy: "somebody", Rev: 9, Credentials: []registry.Credential{{Hash: "sha256$x"}}, ClientSpec: registry.ClientSpec{Name: "x", Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if err != nil || made.Tenant != "acme" || made.Deleted || !made.NotBefore.IsZero() || made.CreatedBy != "operator:owner" || len(made.Credentials) != 1 || made.Credentials[0].Hash != "sha256$" {
		t.Errorf("%+v, %v", made, err)
	}
	u := w.user(jane)
	kept, err := w.Registry.User(ctx, "acme", u.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.as(operator.Owner).UpdateUser(ctx, jane, "", 0, func(u *registry.User) error {
		u.Name, u.Hash, u.TOTP, u.Deleted, u.NotBefore, u.Username = "changed", "sha256$x", []byte("x"), true, w.now(), "stolen"
		return nil
	})
	now, failed := w.Registry.UserByName(ctx, "acme", jane)
	if err != nil || failed != nil || now.Name != "changed" || now.Hash != kept.Hash || now.TOTP != nil || now.Deleted || !now.NotBefore.Equal(kept.NotBefore) {
		t.Errorf("%+v, %v, %v", now, err, failed)
	}
}

func TestWhatATenantsProgramIsRefusedElsewhereStandsInItsOwnTenantsRecord(t *testing.T) {
	w := open(t)
	mine := w.client("workflows") // of acme; another tenant may have a client of that id
	stranger := &operator.Actor{By: "client:" + mine.ID, Tenant: "other", Roles: map[string]operator.Role{"other": operator.Owner}, Fresh: true}
	for _, tenant := range []string{"acme", operator.All, "nowhere"} {
		if _, err := w.At(stranger, tenant).Client(ctx, mine.ID); !errors.Is(err, operator.ErrDenied) {
			t.Errorf("at %s: %v", tenant, err)
		}
	}
	q := audit.Query{Act: Refused}
	if kept := append(w.events("acme", q), w.events("", q)...); len(kept) != 0 {
		t.Errorf("a record that knows no such program says that it was refused: %+v", kept)
	}
	here := func(e audit.Event) bool {
		return e.Actor == "client:"+mine.ID && e.Subject == "tenant:acme" && e.Detail["tenant"] == "acme"
	}
	if kept := w.events("other", q); len(kept) != 3 || !slices.ContainsFunc(kept, here) {
		t.Errorf("%+v", kept)
	}
}

func TestReq059_ATryLeavesATraceOfWhoTried(t *testing.T) {
	w := open(t)
	c := w.client("workflows")
	if err := w.as(operator.Editor).NoteTry(ctx, c.ID); err != nil {
		t.Fatal(err)
	}
	if kept := w.events("acme", audit.Query{Act: "client.try"}); len(kept) != 1 || kept[0].Actor != "operator:editor" || kept[0].Subject != "client:"+c.ID || kept[0].Source == "" {
		t.Errorf("%+v", kept)
	}
	if err := w.as(operator.Editor).NoteTry(ctx, "nobody"); !errors.Is(err, registry.ErrNotFound) {
		t.Error(err)
	}
}

func TestReq098_ALinkOfAnotherOperatorOpensNothingButSettingUpAProof(t *testing.T) {
	w := open(t)
	for by, enrols := range map[string]bool{"operator:ada": true, "cli:root": false} {
		staff := w.Operators(&operator.Actor{By: by, Roles: map[string]operator.Role{operator.All: operator.Owner}, Fresh: true})
		o, err := staff.Create(ctx, operator.Operator{Username: "new-" + by[:3], Roles: map[string]operator.Role{operator.All: operator.Owner}})
		if err != nil {
			t.Fatal(err)
		}
		link, _, err := staff.Invite(ctx, o.ID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		s, _, err := w.Options.Operators.SignInByLink(ctx, link, operator.From{})
		if err != nil || s.Enrolling != enrols {
			t.Fatal(by, s, err)
		}
		who := s.Actor(w.now(), "", "")
		if err := w.At(&who, "acme").May(operator.ReadClients); errors.Is(err, operator.ErrDenied) != enrols {
			t.Errorf("by a link of %s, to read clients: %v", by, err)
		}
	}
}
