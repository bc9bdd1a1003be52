package operator

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

func TestReq115_ANameIsOneNameInEverySpelling(t *testing.T) {
	w := newWorld(t)
	op := w.make(" Ada.Lovelace@Example.COM ", Owner)
	if op.Username != "ada.lovelace@example.com" {
		t.Errorf("the name is kept as %q", op.Username)
	}
	for _, spelling := range []string{"ADA.lovelace@example.com", "ａda.lovelace@example.com", " ada.lovelace@example.com "} {
		if got := must(w.ByName(w.ctx, spelling))(t); got.ID != op.ID {
			t.Errorf("%q leads to %s", spelling, got.ID)
		}
		_, err := w.Create(w.ctx, root, Operator{Username: spelling})
		isProblem(t, err, "username")
	}
}

func TestReq116_ADeletedNameComesAgainUnderANewID(t *testing.T) {
	w := newWorld(t)
	w.make("first", Owner)
	old := w.enrol("ada")
	_, cookie := w.signIn(old)
	link, _, err := w.Invite(w.ctx, root, old.ID, time.Hour, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Delete(w.ctx, root, old.ID, 0); err != nil {
		t.Fatal(err)
	}
	_, err = w.ByName(w.ctx, "ada")
	is(t, err, ErrNotFound)
	again := w.make("ada", Viewer)
	if again.ID == old.ID {
		t.Fatal("the new operator has the old one's id")
	}
	if got := must(w.Get(w.ctx, old.ID))(t); !got.Deleted || got.HasProof() || got.Link != nil {
		t.Errorf("the deleted operator is kept as %+v", got)
	}
	_, err = w.Session(w.ctx, cookie)
	is(t, err, ErrSignIn)
	_, _, err = w.SignInByLink(w.ctx, link, home)
	is(t, err, ErrSignIn)
	_, _, err = w.SignIn(w.ctx, "ada", password, w.next(old), home)
	is(t, err, ErrSignIn)
	_, err = w.Update(w.ctx, root, "operator.update", old.ID, 0, func(*Operator) error { return nil })
	is(t, err, ErrNotFound)
	if all := must(w.List(w.ctx))(t); len(all) != 2 || all[0].ID != again.ID {
		t.Errorf("the list is %v", all)
	}
}

func TestTheLastOwnerOfTheDeskStaysOne(t *testing.T) {
	for name, end := range map[string]func(w *world, id string) error{
		"disabled": func(w *world, id string) error { return w.edit(id, func(op *Operator) { op.Disabled = true }) },
		"demoted":  func(w *world, id string) error { return w.edit(id, func(op *Operator) { op.Roles[All] = Editor }) },
		"an owner of a tenant only": func(w *world, id string) error {
			return w.edit(id, func(op *Operator) { op.Roles = map[string]Role{"acme": Owner} })
		},
		"deleted": func(w *world, id string) error { return w.Delete(w.ctx, root, id, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ada := w.make("ada", Owner)
			w.make("tom", Editor)
			off := w.make("off", Owner)
			if err := w.edit(off.ID, func(op *Operator) { op.Disabled = true }); err != nil {
				t.Fatal(err)
			}
			isProblem(t, end(w, ada.ID), "roles")
			if got := must(w.Get(w.ctx, ada.ID))(t); !got.owns() {
				t.Errorf("the last owner is %+v", got)
			}
			w.make("eve", Owner)
			if err := end(w, ada.ID); err != nil {
				t.Errorf("with another owner: %v", err)
			}
		})
	}
}

func (w *world) edit(id string, change func(*Operator)) error {
	_, err := w.Update(w.ctx, root, "operator.update", id, 0, func(op *Operator) error { change(op); return nil })
	return err
}

func TestOfTwoOwnersWhoDemoteEachOtherAtOnceOneStays(t *testing.T) {
	for range 20 {
		w := newWorld(t)
		ids := []string{w.make("ada", Owner).ID, w.make("eve", Owner).ID, w.make("tom", Owner).ID}
		var all sync.WaitGroup
		var done atomic.Int64
		for _, id := range ids {
			all.Go(func() {
				if w.edit(id, func(op *Operator) { op.Roles[All] = Viewer }) == nil {
					done.Add(1)
				}
			})
		}
		all.Wait()
		if done.Load() != 2 {
			t.Fatalf("%d of 3 owners were demoted", done.Load())
		}
	}
}

func TestAnUpdateOfAnotherEditionIsRefused(t *testing.T) {
	w := newWorld(t)
	op := w.make("ada", Owner)
	changed := must(w.Update(w.ctx, root, "operator.update", op.ID, op.Edition, func(op *Operator) error { op.Name = "Ada"; return nil }))(t)
	_, err := w.Update(w.ctx, root, "operator.update", op.ID, op.Edition, func(op *Operator) error { op.Name = "Eve"; return nil })
	is(t, err, store.ErrConflict)
	is(t, w.Delete(w.ctx, root, op.ID, op.Edition), store.ErrConflict)
	if got := must(w.Get(w.ctx, op.ID))(t); got.Name != "Ada" || got.Edition != changed.Edition {
		t.Errorf("the operator is %+v", got)
	}
}

func TestASignInIsNoNewEditionAndANewProofIsOne(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	seen := must(w.Get(w.ctx, p.ID))(t)
	s, _ := w.signIn(p)
	if err := w.EndSessions(w.ctx, root, p.ID, s.ID); err != nil {
		t.Fatal(err)
	}
	if now := must(w.Get(w.ctx, p.ID))(t); now.Edition != seen.Edition || now.Rev == seen.Rev || !now.Updated.Equal(seen.Updated) {
		t.Errorf("after a sign-in the operator is %+v, before %+v", now, seen)
	}
	must(w.NewRecoveryCodes(w.ctx, s))(t)
	_, err := w.ClearProofs(w.ctx, root, p.ID, seen.Edition) // who has not seen the new proof may not take it away unawares
	is(t, err, store.ErrConflict)
	must(w.Update(w.ctx, root, "operator.update", p.ID, seen.Edition+1, func(op *Operator) error { op.Name, op.Edition = "Ada", 99; return nil }))(t)
	rec := must(w.store.Get(w.ctx, "", store.Operator, p.ID))(t)
	rec.Body = bytes.Replace(rec.Body, fmt.Appendf(nil, `"edition":%d,`, seen.Edition+2), nil, 1)
	if err := w.store.Put(w.ctx, rec); err != nil {
		t.Fatal(err)
	}
	if old := must(w.Get(w.ctx, p.ID))(t); old.Edition != 1 || bytes.Contains(rec.Body, []byte("edition")) {
		t.Errorf("what was written before there were editions is %+v", old)
	}
}

func TestAnUpdateChangesNeitherIDNorNameNorAuthor(t *testing.T) {
	w := newWorld(t)
	op := w.make("ada", Owner)
	got := must(w.Update(w.ctx, "operator:x", "operator.update", op.ID, 0, func(op *Operator) error {
		op.ID, op.Username, op.CreatedBy, op.Created, op.Rev, op.Epoch = "other", "other", "other", time.Time{}, 99, 99
		return nil
	}))(t)
	if got.ID != op.ID || got.Username != "ada" || got.CreatedBy != root || got.Created != op.Created || got.UpdatedBy != "operator:x" || got.Epoch != 0 {
		t.Errorf("the operator is %+v", got)
	}
}

func TestEveryChangeHasAnAuthorInTheSameWrite(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Create(w.ctx, "", Operator{Username: "ada"}); err == nil {
		t.Error("an operator was created by nobody")
	}
	w.make("first", Owner)
	p := w.enrol("ada")
	s, _ := w.signIn(p)
	for name, c := range map[string]struct {
		act string
		do  func() error
	}{
		"create": {"operator.create", func() error { w.make("tom", Viewer); return nil }},
		"update": {"operator.rename", func() error {
			_, err := w.Update(w.ctx, root, "operator.rename", p.ID, 0, func(op *Operator) error { op.Name = "x"; return nil })
			return err
		}},
		"invite":         {"operator.invite", func() error { _, _, err := w.Invite(w.ctx, root, p.ID, time.Hour, true); return err }},
		"recovery codes": {"operator.recovery-codes", func() error { _, err := w.NewRecoveryCodes(w.ctx, s); return err }},
		"calendar key":   {"operator.calendar-key", func() error { _, err := w.NewCalendarKey(w.ctx, s); return err }},
		"end sessions":   {"operator.end-sessions", func() error { return w.EndSessions(w.ctx, root, p.ID, s.ID) }},
	} {
		t.Run(name, func(t *testing.T) {
			events, puts := len(w.events(c.act)), w.store.puts.Load()
			if err := c.do(); err != nil {
				t.Fatal(err)
			}
			found := w.events(c.act)
			if len(found) != events+1 || w.store.puts.Load() != puts+1 {
				t.Fatalf("%d events more, %d writes", len(found)-events, w.store.puts.Load()-puts)
			}
			if e := found[0]; e.Actor == "" || !strings.HasPrefix(e.Subject, "operator:") || e.Outcome != "allowed" {
				t.Errorf("the event is %+v", e)
			}
		})
	}
}

func TestWhatCannotBeAnOperatorIsRefusedWithTheField(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		op    Operator
		field string
	}{
		"no name":             {Operator{}, "username"},
		"a space in the name": {Operator{Username: "ada lovelace"}, "username"},
		"the owners' name":    {Operator{Username: lastOwner}, "username"},
		"an unknown role":     {Operator{Username: "ada", Roles: map[string]Role{All: "admin"}}, "roles"},
		"a role of nowhere":   {Operator{Username: "ada", Roles: map[string]Role{"": Owner}}, "roles"},
		"a pattern":           {Operator{Username: "ada", Roles: map[string]Role{"ac*": Owner}}, "roles"},
		"a line break":        {Operator{Username: "ada", Name: "a\nb"}, "name"},
		"a text turned round": {Operator{Username: "ada", Name: "a\u202eb"}, "name"},
		"a very long name":    {Operator{Username: "ada", Name: strings.Repeat("x", 201)}, "name"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.Create(w.ctx, root, c.op)
			isProblem(t, err, c.field)
		})
	}
}

func TestNoProofComesWithCreation(t *testing.T) {
	w := newWorld(t)
	got := must(w.Create(w.ctx, root, Operator{Username: "ada", Hash: "$argon2id$x", TOTP: []byte("x"), Passkeys: []Passkey{{}}, Epoch: 7, ID: "mine"}))(t)
	if got.HasProof() || got.Epoch != 0 || got.ID == "mine" {
		t.Errorf("the new operator is %+v", got)
	}
}

func TestAStoreThatFailsIsNoAnswer(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	s, cookie := w.signIn(p)
	link, _ := must2(w.Invite(w.ctx, root, p.ID, time.Hour, true))(t)
	key := must(w.NewCalendarKey(w.ctx, s))(t)
	w.store.down.Store(true)
	for name, err := range map[string]error{
		"List":          second(w.List(w.ctx)),
		"ByName":        second(w.ByName(w.ctx, "ada")),
		"Session":       second(w.Session(w.ctx, cookie)),
		"Sessions":      second(w.Sessions(w.ctx, p.ID)),
		"SignIn":        third(w.SignIn(w.ctx, "ada", password, w.next(p), home)),
		"SignInByLink":  third(w.SignInByLink(w.ctx, link, home)),
		"Again":         third(w.Again(w.ctx, s, password, w.next(p), home)),
		"SignOut":       w.SignOut(w.ctx, s),
		"EndSessions":   w.EndSessions(w.ctx, root, p.ID, ""),
		"SetPassword":   second(w.SetPassword(w.ctx, s, password, "", "")),
		"ByCalendarKey": second(w.ByCalendarKey(w.ctx, key)),
		"Delete":        w.Delete(w.ctx, root, p.ID, 0),
	} {
		if _, fault := errors.AsType[*registry.Problem](err); !errors.Is(err, errDisk) || errors.Is(err, ErrSignIn) || errors.Is(err, ErrNotFound) || fault {
			t.Errorf("%s answers %v", name, err)
		}
	}
}

func second[V any](_ V, err error) error        { return err }
func third[V, W any](_ V, _ W, err error) error { return err }

func TestManyOperatorsAreListedByName(t *testing.T) {
	w := newWorld(t)
	for i := range store.MaxLimit + 10 {
		w.make(fmt.Sprintf("op%04d", (i*7)%(store.MaxLimit+10)), Viewer)
	}
	all := must(w.List(w.ctx))(t)
	if len(all) != store.MaxLimit+10 {
		t.Fatalf("%d are listed", len(all))
	}
	for i, op := range all {
		if want := fmt.Sprintf("op%04d", i); op.Username != want {
			t.Fatalf("place %d has %s", i, op.Username)
		}
	}
}
