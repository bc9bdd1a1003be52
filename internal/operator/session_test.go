package operator

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestReq049_ANewSessionHasANewIDAtSignInAndAtStepUp(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	first, one := w.signIn(p)
	second, two := w.signIn(p)
	if first.ID == second.ID || one == two {
		t.Error("two sign-ins gave one session")
	}
	third, three, err := w.Again(w.ctx, second, password, w.next(p), home)
	if err != nil {
		t.Fatal(err)
	}
	if third.ID == second.ID || three == two {
		t.Error("the session kept its id")
	}
	_, err = w.Session(w.ctx, two)
	is(t, err, ErrSignIn)
	must(w.Session(w.ctx, one))(t)
	must(w.Session(w.ctx, three))(t)
}

func TestReq049_SigningOutEndsTheSessionHere(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	s, cookie := w.signIn(p)
	is(t, w.SignOut(w.ctx, s), nil)
	_, err := w.Session(w.ctx, cookie)
	is(t, err, ErrSignIn)
	is(t, w.SignOut(w.ctx, s), nil)
	if got := w.events("operator.sign-out"); len(got) != 1 || got[0].Actor != p.By() {
		t.Errorf("the events are %v", got)
	}
}

func TestReq098_ASessionIsFreshForAQuarterOfAnHour(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	s, _ := w.signIn(p)
	fresh := func(s *Session) bool { a := s.Actor(w.clock.now(), "", ""); return a.Fresh }
	w.clock.advance(15*time.Minute - time.Second)
	if !fresh(s) {
		t.Error("it is stale too early")
	}
	w.clock.advance(time.Second)
	if fresh(s) {
		t.Error("it is fresh too long")
	}
	again, _, err := w.Again(w.ctx, s, password, w.next(p), home)
	if err != nil {
		t.Fatal(err)
	}
	if !fresh(again) {
		t.Error("a step-up does not make it fresh")
	}
}

func TestAStepUpIsRefusedLikeASignIn(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	s, cookie := w.signIn(p)
	_, _, err := w.Again(w.ctx, s, "wrong", w.next(p), home)
	is(t, err, ErrSignIn)
	_, _, err = w.Again(w.ctx, s, password, "000000", home)
	is(t, err, ErrSignIn)
	must(w.Session(w.ctx, cookie))(t) // which is no reason to end it
	is(t, w.SignOut(w.ctx, s), nil)
	_, _, err = w.Again(w.ctx, s, password, w.next(p), home)
	is(t, err, ErrSignIn)
}

func TestReq099_ASessionEndsWhenItIsNotUsed(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.signIn(w.enrol("ada"))
	for range 3 {
		w.clock.advance(29 * time.Minute)
		must(w.Session(w.ctx, cookie))(t)
	}
	w.clock.advance(30 * time.Minute)
	_, err := w.Session(w.ctx, cookie)
	is(t, err, ErrSignIn)
}

func TestReq099_ASessionEndsHoweverItIsUsed(t *testing.T) {
	w := newWorld(t)
	s, cookie := w.signIn(w.enrol("ada"))
	for range 12*6 - 1 {
		w.clock.advance(10 * time.Minute)
		must(w.Session(w.ctx, cookie))(t)
	}
	w.clock.advance(10 * time.Minute)
	_, err := w.Session(w.ctx, cookie)
	is(t, err, ErrSignIn)
	if w.clock.now() != s.Expires {
		t.Errorf("it ended at %v, and said %v", w.clock.now(), s.Expires)
	}
}

func TestReq099_SessionsAreListedAndEnded(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	w.is(endAll(w, p.ID))
	var cookies []oauth.Secret
	var ids []string
	for range 4 {
		s, cookie := w.signIn(p)
		ids, cookies = append(ids, s.ID), append(cookies, cookie)
	}
	list := must(w.Sessions(w.ctx, p.ID))(t)
	if len(list) != 4 || list[0].ID != ids[3] || list[3].ID != ids[0] {
		t.Fatalf("the list is %v", list)
	}
	is(t, w.EndSession(w.ctx, p.By(), p.ID, ids[1]), nil)
	is(t, w.EndSession(w.ctx, p.By(), p.ID, ids[1]), ErrNotFound)
	w.last(cookies, true, false, true, true)
	is(t, w.EndSessions(w.ctx, p.By(), p.ID, ids[3]), nil)
	w.last(cookies, false, false, false, true)
	is(t, w.EndSessions(w.ctx, p.By(), p.ID, ""), nil)
	w.last(cookies, false, false, false, false)
	gone := w.enrol("bob")
	w.is(w.Delete(w.ctx, root, gone.ID, 0))
	is(t, w.EndSessions(w.ctx, root, gone.ID, ""), ErrNotFound)
	if list := must(w.Sessions(w.ctx, p.ID))(t); len(list) != 0 {
		t.Errorf("the list is %v", list)
	}
}

// endAll ends what enrolling has opened.
func endAll(w *world, id string) error { return w.EndSessions(w.ctx, root, id, "") }

func (w *world) is(err error) {
	w.t.Helper()
	is(w.t, err, nil)
}

// last fails the test when a session lasts that should not, or the other way round.
func (w *world) last(cookies []oauth.Secret, want ...bool) {
	w.t.Helper()
	for i, cookie := range cookies {
		_, err := w.Session(w.ctx, cookie)
		if (err == nil) != want[i] {
			w.t.Errorf("session %d: %v", i, err)
		}
	}
}

func TestReq099_NobodyEndsASessionByAnothersID(t *testing.T) {
	w := newWorld(t)
	ada, eve := w.enrol("ada"), w.enrol("eve")
	s, cookie := w.signIn(ada)
	is(t, w.EndSession(w.ctx, eve.By(), eve.ID, s.ID), ErrNotFound)
	is(t, w.EndSession(w.ctx, eve.By(), "", s.ID), ErrNotFound)
	is(t, w.EndSessions(w.ctx, eve.By(), eve.ID, s.ID), nil)
	must(w.Session(w.ctx, cookie))(t)
}

func TestReq099_AllSessionsEndWith(t *testing.T) {
	for name, then := range map[string]func(w *world, p *person) error{
		"disabling":       func(w *world, p *person) error { disable(w, p); return nil },
		"off and on":      func(w *world, p *person) error { offAndOn(w, p.Operator); return nil },
		"deleting":        func(w *world, p *person) error { return w.Delete(w.ctx, root, p.ID, 0) },
		"another role":    func(w *world, p *person) error { return w.edit(p.ID, func(op *Operator) { op.Roles[All] = Viewer }) },
		"one role more":   func(w *world, p *person) error { return w.edit(p.ID, func(op *Operator) { op.Roles["acme"] = Viewer }) },
		"clearing proofs": func(w *world, p *person) error { return second(w.ClearProofs(w.ctx, root, p.ID, 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.make("first", Owner)
			p := w.enrol("ada")
			_, one := w.signIn(p)
			_, two := w.signIn(p)
			if err := then(w, p); err != nil {
				t.Fatal(err)
			}
			w.last([]oauth.Secret{one, two}, false, false)
		})
		t.Run(name+", when nothing can be deleted", func(t *testing.T) {
			w := newWorld(t)
			w.store.hoard.Store(true)
			w.make("first", Owner)
			p := w.enrol("ada")
			_, one := w.signIn(p)
			if err := then(w, p); err != nil {
				t.Fatal(err)
			}
			w.last([]oauth.Secret{one}, false)
			if list, err := w.Sessions(w.ctx, p.ID); err != nil || len(list) != 0 {
				t.Errorf("the list is %v, %v", list, err)
			}
		})
	}
}

func TestReq099_AStoreWhoseClockStandsKeepsNoSessionAlive(t *testing.T) {
	for name, wait := range map[string]time.Duration{"idle": 30 * time.Minute, "absolute": 12 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			start := w.clock.now()
			w.store.Store = memory.New(func() time.Time { return start })
			p := w.enrol("ada")
			s, cookie := w.signIn(p)
			w.clock.advance(wait)
			_, err := w.Session(w.ctx, cookie)
			is(t, err, ErrSignIn)
			_, _, err = w.Again(w.ctx, s, password, w.next(p), home)
			is(t, err, ErrSignIn)
		})
	}
}

func TestASessionSignedOutIsGoneWhateverTheStoresClockSays(t *testing.T) {
	w := newWorld(t)
	start := w.clock.now().Add(-time.Hour)
	w.store.Store = memory.New(func() time.Time { return start })
	p := w.enrol("ada")
	s, cookie := w.signIn(p)
	w.is(w.SignOut(w.ctx, s))
	_, err := w.Session(w.ctx, cookie)
	is(t, err, ErrSignIn)
}

func TestASessionLastsThroughAChangeOfTheName(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	_, cookie := w.signIn(p)
	w.change(p, func(op *Operator) { op.Name = "Countess" })
	if s := must(w.Session(w.ctx, cookie))(t); s.Operator.Name != "Countess" {
		t.Errorf("the session shows %q", s.Operator.Name)
	}
}

func TestBeingSeenIsWrittenOnceAMinute(t *testing.T) {
	w := newWorld(t)
	_, cookie := w.signIn(w.enrol("ada"))
	before := w.store.puts.Load()
	for range 30 {
		w.clock.advance(10 * time.Second)
		must(w.Session(w.ctx, cookie))(t)
	}
	if n := w.store.puts.Load() - before; n != 5 {
		t.Errorf("five minutes of use cost %d writes", n)
	}
}

func TestAnOperatorHasTwentySessionsAtMostAndTheOneNotSeenForLongestGoes(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	w.is(endAll(w, p.ID))
	_, first := w.signIn(p)
	_, second := w.signIn(p)
	for range maxSessions - 2 {
		w.signIn(p)
	}
	must(w.Session(w.ctx, first))(t)
	w.signIn(p)
	if n := len(must(w.Sessions(w.ctx, p.ID))(t)); n != maxSessions {
		t.Errorf("there are %d sessions", n)
	}
	w.last([]oauth.Secret{first, second}, true, false)
}

func TestWhatIsNoCookieIsNoSession(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	_, cookie := w.signIn(p)
	_, other := w.signIn(p)
	text := cookie.Reveal()
	for name, c := range map[string]string{
		"nothing": "", "damaged": text[:len(text)-1] + "0", "cut": text[:20], "a link": "tbl" + text[3:],
		"very long": strings.Repeat("a", 1<<16), "the id of one and the secret of another": text[:20] + other.Reveal()[20:],
	} {
		t.Run(name, func(t *testing.T) {
			if c == text {
				t.Skip("the checksum ends so by chance")
			}
			_, err := w.Session(w.ctx, oauth.Secret(c))
			is(t, err, ErrSignIn)
		})
	}
}

func TestASessionIsUsedAndEndedAtOnceAndStaysEnded(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	for range 20 {
		s, cookie := w.signIn(p)
		w.clock.advance(2 * time.Minute) // so that being seen is written
		done := make(chan error, 1)
		go func() { _, err := w.Session(w.ctx, cookie); done <- err }()
		w.is(w.SignOut(w.ctx, s))
		<-done
		_, err := w.Session(w.ctx, cookie)
		is(t, err, ErrSignIn)
	}
}

func TestAnAgentsNameIsKeptShortAndReadable(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	from := home
	from.Agent = strings.Repeat("ä", 1000) + "\xff"
	s, _, err := w.SignIn(w.ctx, "ada", password, w.next(p), from)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.Agent); len(got) > maxAgent || !strings.HasPrefix(got, "ää") || strings.ToValidUTF8(got, "?") != got {
		t.Errorf("it is kept as %q", got)
	}
}
