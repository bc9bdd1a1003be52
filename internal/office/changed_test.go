package office

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// changes are all changes that name the revision their author has seen, of a client, a user and an operator.
func (w *world) changes(client, user, staff string) map[string]func(d *Desk, s *Staff, rev uint64) error {
	return map[string]func(d *Desk, s *Staff, rev uint64) error{
		"update a client": func(d *Desk, _ *Staff, rev uint64) error {
			_, err := d.UpdateClient(ctx, client, "", rev, rename)
			return err
		},
		"disable a client": func(d *Desk, _ *Staff, rev uint64) error {
			_, err := d.DisableClient(ctx, client, rev, true)
			return err
		},
		"enable a client": func(d *Desk, _ *Staff, rev uint64) error {
			_, err := d.DisableClient(ctx, client, rev, false)
			return err
		},
		"rotate a secret": func(d *Desk, _ *Staff, rev uint64) error {
			_, _, err := d.RotateSecret(ctx, client, rev, 0)
			return err
		},
		"retire a secret": func(d *Desk, _ *Staff, rev uint64) error { _, err := d.RetireSecret(ctx, client, rev, "x"); return err },
		"undo a rotation": func(d *Desk, _ *Staff, rev uint64) error { _, err := d.UndoRotation(ctx, client, rev); return err },
		"delete a client": func(d *Desk, _ *Staff, rev uint64) error { return d.DeleteClient(ctx, client, rev) },
		"update a user": func(d *Desk, _ *Staff, rev uint64) error {
			_, err := d.UpdateUser(ctx, user, "", rev, func(u *registry.User) error { u.Name = "changed"; return nil })
			return err
		},
		"disable a user": func(d *Desk, _ *Staff, rev uint64) error { _, err := d.DisableUser(ctx, user, rev, true); return err },
		"delete a user":  func(d *Desk, _ *Staff, rev uint64) error { return d.DeleteUser(ctx, user, rev) },
		"update an operator": func(_ *Desk, s *Staff, rev uint64) error {
			_, err := s.Update(ctx, "operator.update", staff, rev, func(o *operator.Operator) error { o.Name = "changed"; return nil })
			return err
		},
		"clear the proofs of an operator": func(_ *Desk, s *Staff, rev uint64) error { _, err := s.ClearProofs(ctx, staff, rev); return err },
		"delete an operator":              func(_ *Desk, s *Staff, rev uint64) error { return s.Delete(ctx, staff, rev) },
	}
}

// named is an owner of everything under another name.
func named(by string) *operator.Actor {
	return &operator.Actor{By: by, Fresh: true, Roles: map[string]operator.Role{operator.All: operator.Owner}}
}

func TestReq051_WhoHasSeenAnOlderStateIsToldWhoWasFasterAndWhen(t *testing.T) {
	w := open(t)
	client, user := w.client("workflows"), w.user(jane)
	var people []*operator.Operator
	for _, name := range []string{"ada", "eve"} {
		o, err := w.root().Create(ctx, operator.Operator{Username: name, Roles: map[string]operator.Role{operator.All: operator.Owner}})
		if err != nil {
			t.Fatal(err)
		}
		people = append(people, o)
	}
	w.advance(time.Minute)
	first, second := named("cli:first"), named("cli:second")
	changes := w.changes(client.ID, jane, people[0].ID)
	for _, what := range []string{"update a client", "update a user", "update an operator"} {
		if err := changes[what](w.At(first, "acme"), w.Operators(first), 1); err != nil {
			t.Fatal(what, err)
		}
	}
	at := w.now()
	w.advance(time.Minute)
	before := w.kept()
	for what, change := range changes {
		err := change(w.At(second, "acme"), w.Operators(second), user.Rev)
		changed, ok := errors.AsType[*Changed](err)
		if !ok || !errors.Is(err, ErrChanged) || changed.By != "cli:first" || !changed.At.Equal(at) {
			t.Errorf("to %s on what was seen before: %v", what, err)
		}
	}
	if after := w.kept(); len(after) != len(before) || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("something was changed")
	}
	for _, what := range []string{"update a client", "disable a user", "clear the proofs of an operator"} {
		if err := changes[what](w.At(second, "acme"), w.Operators(second), 2); err != nil {
			t.Errorf("to %s on what is there: %v", what, err)
		}
	}
	for what, change := range changes { // an author who has not looked does not care
		if err := change(w.At(second, "acme"), w.Operators(second), 0); errors.Is(err, ErrChanged) {
			t.Errorf("to %s whatever is there: %v", what, err)
		}
	}
}

func TestReq051_OfManyWhoRotateTheSameStateAtOnceOneGetsASecret(t *testing.T) {
	w := open(t)
	c := w.client("workflows")
	var given atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			_, text, err := w.At(named(fmt.Sprint("cli:", i)), "acme").RotateSecret(ctx, c.ID, c.Rev, time.Hour)
			switch {
			case err == nil && text != "":
				given.Add(1)
			case !errors.Is(err, ErrChanged) || text != "":
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	wg.Wait()
	if given.Load() != 1 {
		t.Errorf("%d secrets were given out", given.Load())
	}
}

func TestARotationIsUndoneOrItsOldSecretRetired(t *testing.T) {
	w := open(t)
	d := w.as(operator.Editor)
	c := w.client("workflows")
	old := c.Credentials[0].ID
	c, text, err := d.RotateSecret(ctx, c.ID, c.Rev, time.Hour)
	if err != nil || text == "" || len(c.Credentials) != 2 {
		t.Fatal(c, err)
	}
	if c, err = d.UndoRotation(ctx, c.ID, c.Rev); err != nil || len(c.Credentials) != 1 || c.Credentials[0].ID != old || !c.Credentials[0].Expires.IsZero() {
		t.Errorf("%+v, %v", c, err)
	}
	if c, _, err = d.RotateSecret(ctx, c.ID, c.Rev, time.Hour); err != nil {
		t.Fatal(err)
	}
	if c, err = d.RetireSecret(ctx, c.ID, c.Rev, old); err != nil || len(c.Credentials) != 1 || c.Credentials[0].ID == old {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := d.ImportClient(ctx, registry.Client{ID: c.ID, ClientSpec: registry.ClientSpec{Name: "again", Grants: []oauth.GrantType{oauth.ClientCredentials}}}, "known secret", ""); err == nil {
		t.Error("an id was given twice")
	}
}
