package operator

import (
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// sent signs an operator in by a link that another operator made.
func (w *world) sent(op *Operator) (*Session, oauth.Secret) {
	w.t.Helper()
	link, _ := must2(w.Invite(w.ctx, "operator:other", op.ID, time.Hour, false))(w.t)
	s, cookie, err := w.SignInByLink(w.ctx, link, home)
	if err != nil {
		w.t.Fatal(err)
	}
	return s, cookie
}

// enrolments set up a proof in a session.
var enrolments = map[string]func(w *world, s *Session) error{
	ByPassword: func(w *world, s *Session) error {
		p := &person{Operator: s.Operator}
		p.totp, _ = must2(w.NewTOTP(s.Operator))(w.t)
		return second(w.SetPassword(w.ctx, s, "ten dry parasols", p.totp, w.code(p)))
	},
	ByPasskey: func(w *world, s *Session) error { w.add(s); return nil },
}

func TestReq098_ASessionByAnothersLinkMayDoNothingBeforeAProofIsSetUp(t *testing.T) {
	for method, enrol := range enrolments {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			op := w.make("ada", Owner)
			s, cookie := w.sent(op)
			if a := s.Actor(w.clock.now(), "", ""); len(a.Roles) != 0 || a.Fresh || !s.Enrolling {
				t.Errorf("it acts as %+v", a)
			}
			if e := w.events("operator.sign-in")[0]; e.Detail["note"] == "" {
				t.Errorf("the event does not say that another's link was used: %+v", e)
			}
			is(t, enrol(w, s), nil)
			s = must(w.Session(w.ctx, cookie))(t)
			if a := s.Actor(w.clock.now(), "", ""); a.Roles[All] != Owner || !a.Fresh || s.Enrolling || s.Method != method {
				t.Errorf("with the proof it is %+v, acting as %+v", s, a)
			}
		})
	}
}

func TestReq098_ASessionByAnothersLinkChangesNoProofThatIsThere(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	is(t, enrolments[ByPasskey](w, first(w.signIn(p))), nil)
	s, cookie := w.sent(p.Operator)
	_, err := w.NewRecoveryCodes(w.ctx, s)
	is(t, err, ErrStale)
	_, err = w.NewCalendarKey(w.ctx, s)
	is(t, err, ErrStale)
	is(t, w.RemovePasskey(w.ctx, s, p.firstPasskey(w)), ErrStale)
	_, err = w.SetPassword(w.ctx, s, "ten dry parasols", "", "")
	isProblem(t, err, "code")
	_, err = w.SetPassword(w.ctx, s, "", must2first(w.NewTOTP(p.Operator))(t), "000000")
	isProblem(t, err, "code")
	if s := must(w.Session(w.ctx, cookie))(t); !s.Enrolling {
		t.Error("what was refused has opened the session")
	}
}

func first[V, W any](v V, _ W) V { return v }

func must2first[V, W any](v V, _ W, err error) func(t *testing.T) V {
	return func(t *testing.T) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// firstPasskey is the id of the first passkey that the person has now.
func (p *person) firstPasskey(w *world) []byte {
	return must(w.Get(w.ctx, p.ID))(w.t).Passkeys[0].ID
}

func TestReq098_WhoSetsUpANewProofByAnothersLinkEndsTheSessionsBefore(t *testing.T) {
	for method, enrol := range enrolments {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			p := w.enrol("ada")
			_, lost := w.signIn(p)
			s, cookie := w.sent(p.Operator)
			is(t, enrol(w, s), nil)
			w.last([]oauth.Secret{lost, cookie}, false, true)
		})
	}
}

func TestReq099_AnotherLinkEndsWhatEarlierOnesHaveOpened(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	_, byProof := w.signIn(p)
	_, here := w.byLink(p.Operator)
	_, sent := w.sent(p.Operator)
	w.last([]oauth.Secret{byProof, here, sent}, true, false, true)
	_, _ = must2(w.Invite(w.ctx, root, p.ID, time.Hour, true))(t)
	w.last([]oauth.Secret{byProof, sent}, true, false)
}

func TestReq099_AFirstProofEndsTheOtherSessions(t *testing.T) {
	for method, enrol := range enrolments {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			op := w.make("ada", Owner)
			s, cookie := w.byLink(op)
			was := *s // a second session, as a link leaves none by itself: of the same row under another id
			was.ID, was.rev = "copied", 0
			w.is(w.store.Put(w.ctx, was.record()))
			is(t, enrol(w, s), nil)
			must(w.Session(w.ctx, cookie))(t)
			_, err := w.live(w.ctx, "copied")
			is(t, err, ErrSignIn)
		})
	}
	w := newWorld(t) // and a second one does not
	p := w.enrol("ada")
	_, other := w.signIn(p)
	s, _ := w.signIn(p)
	w.add(s)
	w.last([]oauth.Secret{other}, true)
}

func TestReq099_ClearingProofsEndsTheSessionsOfWhoHasNone(t *testing.T) {
	w := newWorld(t)
	op := w.make("ada", Owner)
	_, cookie := w.byLink(op)
	must(w.ClearProofs(w.ctx, root, op.ID, 0))(t)
	w.last([]oauth.Secret{cookie}, false)
}

func TestReq100_ACalendarKeyDiesWithWhatEndsTheSessionsAndNotWithAPassword(t *testing.T) {
	for name, c := range map[string]struct {
		then func(w *world, p *person, s *Session) error
		dies bool
	}{
		"another password": {func(w *world, _ *person, s *Session) error {
			return second(w.SetPassword(w.ctx, s, "ten dry parasols", "", ""))
		}, false},
		"all sessions ended": {func(w *world, p *person, _ *Session) error { return endAll(w, p.ID) }, false},
		"proofs cleared":     {func(w *world, p *person, _ *Session) error { return second(w.ClearProofs(w.ctx, root, p.ID, 0)) }, true},
		"off and on":         {func(w *world, p *person, _ *Session) error { offAndOn(w, p.Operator); return nil }, true},
		"another role": {func(w *world, p *person, _ *Session) error {
			return w.edit(p.ID, func(op *Operator) { op.Roles[All] = Viewer })
		}, true},
		"deleted": {func(w *world, p *person, _ *Session) error { return w.Delete(w.ctx, root, p.ID, 0) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.make("first", Owner)
			p := w.enrol("ada")
			s, _ := w.signIn(p)
			key := must(w.NewCalendarKey(w.ctx, s))(t)
			if err := c.then(w, p, s); err != nil {
				t.Fatal(err)
			}
			if _, err := w.ByCalendarKey(w.ctx, key); (err != nil) != c.dies {
				t.Errorf("%v", err)
			}
		})
	}
}
