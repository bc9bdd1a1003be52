package operator

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestAPasswordAndACodeOpenASession(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	s, cookie := w.signIn(p)
	if s.Operator.ID != p.ID || s.Method != ByPassword || s.Source != "192.0.2.7" || s.Agent != "Browser/1" || s.ProvenAt != w.clock.now() {
		t.Errorf("the session is %+v", s)
	}
	got := must(w.Session(w.ctx, cookie))(t)
	if got.ID != s.ID || got.Operator.SignedIn != w.clock.now() {
		t.Errorf("the cookie leads to %+v", got)
	}
	a := got.Actor(w.clock.now(), "req", "192.0.2.7")
	if a.By != "operator:"+p.ID || a.Name != "N. ada" || !a.Fresh || a.Roles[All] != Owner || a.RequestID != "req" || a.Source != "192.0.2.7" {
		t.Errorf("the actor is %+v", a)
	}
}

func TestEveryRefusedSignInHasOneAnswerAndItsOwnReason(t *testing.T) {
	for name, c := range map[string]struct {
		username, password, reason string
		code                       func(w *world, p *person) oauth.Secret
		before                     func(w *world, p *person)
	}{
		"an unknown name":    {username: "eve", reason: "nobody has that name"},
		"no name at all":     {username: " ", reason: "nobody has that name"},
		"a wrong password":   {password: "nine dry umbrellas", reason: "the password is wrong"},
		"no password":        {password: "-", reason: "the password is wrong"},
		"a wrong code":       {code: func(*world, *person) oauth.Secret { return "000000" }, reason: "the one-time code is wrong or used"},
		"no code":            {code: func(*world, *person) oauth.Secret { return "" }, reason: "the one-time code is wrong or used"},
		"a wrong recovery":   {code: func(*world, *person) oauth.Secret { return "0000-0000-0000-0000-0000-0000" }, reason: "the recovery code is wrong or used"},
		"a disabled one":     {before: disable, reason: "the operator is disabled"},
		"who has none":       {before: func(w *world, p *person) { w.change(p, func(op *Operator) { op.Hash = "" }) }, reason: "the operator has no password"},
		"one without a code": {before: func(w *world, p *person) { w.change(p, func(op *Operator) { op.TOTP = nil }) }, reason: "the operator has no second factor"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.make("first", Owner)
			p := w.enrol("ada")
			if c.before != nil {
				c.before(w, p)
			}
			username, text, code := "ada", string(password), w.next(p)
			if c.username != "" {
				username = c.username
			}
			if c.password != "" {
				text = strings.Trim(c.password, "-")
			}
			if c.code != nil {
				code = c.code(w, p)
			}
			s, cookie, err := w.SignIn(w.ctx, username, oauth.Secret(text), code, home)
			if s != nil || cookie != "" || err != ErrSignIn { // not only errors.Is: the text must not differ either
				t.Errorf("the answer is %v, %v", s, err)
			}
			if got := w.reasons(); !slices.Equal(got, []string{c.reason}) {
				t.Errorf("the reasons are %q", got)
			}
		})
	}
}

func disable(w *world, p *person) { w.change(p, func(op *Operator) { op.Disabled = true }) }

func (w *world) change(p *person, edit func(*Operator)) {
	w.t.Helper()
	if err := w.edit(p.ID, edit); err != nil {
		w.t.Fatal(err)
	}
}

func TestReq098_APasswordAloneOpensNothing(t *testing.T) {
	w := newWorld(t)
	w.make("first", Owner)
	p := w.enrol("ada")
	w.change(p, func(op *Operator) { op.TOTP = nil })
	for _, code := range []oauth.Secret{"", "000000", p.recovery[0]} {
		_, _, err := w.SignIn(w.ctx, "ada", password, code, home)
		is(t, err, ErrSignIn)
	}
}

func TestNoSecretAndNoTypedNameIsInTheRecord(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	w.signIn(p)
	typed := "hunter2-in-the-wrong-field"
	_, _, _ = w.SignIn(w.ctx, typed, password, w.next(p), home)
	_, _, _ = w.SignIn(w.ctx, "ada", "wrong but secret", p.recovery[0], home)
	link, _ := must2(w.Invite(w.ctx, root, p.ID, time.Hour, true))(t)
	s, cookie, err := w.SignInByLink(w.ctx, link, home)
	if err != nil {
		t.Fatal(err)
	}
	is(t, w.SignOut(w.ctx, s), nil)
	w.log.Close()
	for _, kind := range []store.Kind{store.Event, store.Operator, store.Session, store.Login} {
		for _, rec := range must(w.store.List(w.ctx, store.Query{Kind: kind, Limit: 1000}))(t) {
			for _, secret := range []string{typed, string(password), "wrong but secret", p.totp.Reveal(), p.recovery[0].Reveal(), link.Reveal(), cookie.Reveal()} {
				if strings.Contains(string(rec.Body)+rec.Label+rec.Parent+rec.ID, secret) {
					t.Errorf("the %s record %s has %q in it", kind, rec.Body, secret)
				}
			}
		}
	}
}

func TestSignInsAreInTheRecord(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	from := From{Caller: oauth.Caller{Source: netip.MustParseAddr("198.51.100.1")}, RequestID: "0REQUEST"}
	if _, _, err := w.SignIn(w.ctx, "ada", password, w.next(p), from); err != nil {
		t.Fatal(err)
	}
	e := w.events("operator.sign-in")[0]
	if e.Actor != p.By() || e.Source != "198.51.100.1" || e.RequestID != "0REQUEST" || e.Detail["method"] != ByPassword || e.Outcome != "allowed" {
		t.Errorf("the event is %+v", e)
	}
	_, _, _ = w.SignIn(w.ctx, "ada", "wrong", w.next(p), from)
	w.log.Close()
	e = w.events("operator.sign-in.refuse")[0]
	if e.ID != "0REQUEST" || e.Actor != p.By() || e.Source != "198.51.100.1" || e.Outcome != "refused" || e.Detail["method"] != ByPassword {
		t.Errorf("the event of the refusal is %+v", e)
	}
}

func TestReq115_WrongGuessesAreCountedTogetherForEverySpelling(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	spellings := []string{"ada", "ADA", " ada", "ａda"}
	for i := range 10 {
		_, _, err := w.SignIn(w.ctx, spellings[i%len(spellings)], "wrong", "000000", home)
		is(t, err, ErrSignIn)
	}
	_, _, err := w.SignIn(w.ctx, "Ada", password, w.code(p), home)
	if _, many := errors.AsType[*limit.TooMany](err); !many {
		t.Errorf("the eleventh guess is answered with %v", err)
	}
	w.clock.advance(time.Minute)
	w.signIn(p)
	if got := w.reasons(); !slices.ContainsFunc(got, func(r string) bool { return strings.Contains(r, "too many wrong guesses") }) {
		t.Errorf("the reasons are %q", got)
	}
}

func TestGuessesAtANameThatIsNobodysAreRefusedLikeAnothers(t *testing.T) {
	w := newWorld(t)
	for range 10 {
		_, _, err := w.SignIn(w.ctx, "nobody", "wrong", "000000", home)
		is(t, err, ErrSignIn)
	}
	_, _, err := w.SignIn(w.ctx, "nobody", "wrong", "000000", home)
	if _, many := errors.AsType[*limit.TooMany](err); !many {
		t.Errorf("the eleventh guess is answered with %v", err)
	}
}

func TestACodeIsGoodOnce(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	code := w.next(p)
	if _, _, err := w.SignIn(w.ctx, "ada", password, code, home); err != nil {
		t.Fatal(err)
	}
	_, _, err := w.SignIn(w.ctx, "ada", password, code, home)
	is(t, err, ErrSignIn)
}

func TestTheCodeThatProvedTheAppIsUsedUp(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	_, _, err := w.SignIn(w.ctx, "ada", password, w.code(p), home)
	is(t, err, ErrSignIn)
}

func TestOfOneCodeShownManyTimesAtOnceOneOpensASession(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	code := w.next(p)
	if n := w.atOnce(8, func() error { return third(w.SignIn(w.ctx, "ada", password, code, home)) }); n != 1 {
		t.Errorf("%d sessions were opened", n)
	}
	if n := w.atOnce(8, func() error { return third(w.SignIn(w.ctx, "ada", password, p.recovery[3], home)) }); n != 1 {
		t.Errorf("%d sessions were opened by one recovery code", n)
	}
}

// atOnce does something many times at the same moment and returns how often it went well.
func (w *world) atOnce(times int, do func() error) int64 {
	var all sync.WaitGroup
	var well atomic.Int64
	start := make(chan struct{})
	for range times {
		all.Go(func() {
			<-start
			if do() == nil {
				well.Add(1)
			}
		})
	}
	close(start)
	all.Wait()
	return well.Load()
}

func TestEachRecoveryCodeIsGoodOnce(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	if len(p.recovery) != recoveryCodes {
		t.Fatalf("there are %d recovery codes", len(p.recovery))
	}
	for i, code := range p.recovery {
		w.clock.advance(time.Second) // or the events would have no order
		typed := oauth.Secret(strings.ToUpper(strings.ReplaceAll(code.Reveal(), "-", " ")))
		if _, _, err := w.SignIn(w.ctx, "ada", password, typed, home); err != nil {
			t.Fatalf("recovery code %d: %v", i, err)
		}
		_, _, err := w.SignIn(w.ctx, "ada", password, code, home)
		is(t, err, ErrSignIn)
	}
	if e := w.events("operator.sign-in")[0]; e.Detail["note"] != "by a recovery code; left: 0" {
		t.Errorf("the event says %v", e.Detail)
	}
}

func TestALinkOpensOneSessionThatIsNotFresh(t *testing.T) {
	w := newWorld(t)
	op := w.make("ada", Owner)
	link, until := must2(w.Invite(w.ctx, root, op.ID, time.Hour, true))(t)
	if until != w.clock.now().Add(time.Hour) {
		t.Errorf("the link is good until %v", until)
	}
	s, cookie, err := w.SignInByLink(w.ctx, link, home)
	if err != nil {
		t.Fatal(err)
	}
	if a := s.Actor(w.clock.now(), "", ""); a.Fresh || s.Method != ByLink || !s.MayChangeProofs(w.clock.now()) {
		t.Errorf("the session is %+v", s)
	}
	must(w.Session(w.ctx, cookie))(t)
	_, _, err = w.SignInByLink(w.ctx, link, home)
	is(t, err, ErrSignIn)
	if got := w.reasons(); got[0] != "the link was used already, or another one took its place" {
		t.Errorf("the reason is %q", got)
	}
}

func TestOfOneLinkUsedManyTimesAtOnceOneOpensASession(t *testing.T) {
	w := newWorld(t)
	op := w.make("ada", Owner)
	for range 10 {
		link, _ := must2(w.Invite(w.ctx, root, op.ID, time.Hour, true))(t)
		if n := w.atOnce(8, func() error { return third(w.SignInByLink(w.ctx, link, home)) }); n != 1 {
			t.Fatalf("%d sessions were opened", n)
		}
	}
}

func TestALinkIsGoodNoMore(t *testing.T) {
	for name, then := range map[string]func(w *world, op *Operator){
		"after its time":            func(w *world, _ *Operator) { w.clock.advance(time.Hour) },
		"after another one":         func(w *world, op *Operator) { _, _, _ = w.Invite(w.ctx, root, op.ID, time.Hour, true) },
		"of who is disabled":        func(w *world, op *Operator) { _ = w.edit(op.ID, func(op *Operator) { op.Disabled = true }) },
		"of who was disabled":       func(w *world, op *Operator) { offAndOn(w, op) },
		"of who is deleted":         func(w *world, op *Operator) { _ = w.Delete(w.ctx, root, op.ID, 0) },
		"of who has no proofs left": func(w *world, op *Operator) { _, _ = w.ClearProofs(w.ctx, root, op.ID, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.make("first", Owner)
			op := w.make("ada", Owner)
			link, _ := must2(w.Invite(w.ctx, root, op.ID, time.Hour, true))(t)
			then(w, op)
			_, _, err := w.SignInByLink(w.ctx, link, home)
			is(t, err, ErrSignIn)
		})
	}
}

func offAndOn(w *world, op *Operator) {
	_ = w.edit(op.ID, func(op *Operator) { op.Disabled = true })
	_ = w.edit(op.ID, func(op *Operator) { op.Disabled = false })
}

func TestWhatIsNoLinkOpensNothing(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	s, cookie := w.signIn(p)
	key := must(w.NewCalendarKey(w.ctx, s))(t)
	for _, text := range []oauth.Secret{"", "tbl_", "tbl_x", cookie, key, oauth.Secret(strings.Repeat("a", 1<<16))} {
		_, _, err := w.SignInByLink(w.ctx, text, home)
		is(t, err, ErrSignIn)
	}
}

func TestALinkThatCannotBeIsRefusedWithTheField(t *testing.T) {
	w := newWorld(t)
	w.make("first", Owner)
	op := w.make("ada", Owner)
	for _, life := range []time.Duration{0, -time.Hour, 8 * 24 * time.Hour} {
		_, _, err := w.Invite(w.ctx, root, op.ID, life, true)
		isProblem(t, err, "lifetime")
	}
	_, _, err := w.Invite(w.ctx, root, "nobody", time.Hour, true)
	is(t, err, ErrNotFound)
	if err := w.edit(op.ID, func(op *Operator) { op.Disabled = true }); err != nil {
		t.Fatal(err)
	}
	_, _, err = w.Invite(w.ctx, root, op.ID, time.Hour, true)
	isProblem(t, err, "id")
}

func TestWhenTooManySignInAtOnceNobodyIsToldThatThePasswordIsWrong(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	w.hashing = limit.NewLane(1, 0)
	busy, done := make(chan struct{}), make(chan struct{})
	var other sync.WaitGroup
	other.Go(func() { _ = w.hashing.Do(w.ctx, limit.Turn{}, func() { close(busy); <-done }) })
	<-busy
	_, _, err := w.SignIn(w.ctx, "ada", password, w.next(p), home)
	close(done)
	other.Wait()
	is(t, err, oauth.ErrUnavailable)
	if errors.Is(err, ErrSignIn) {
		t.Errorf("the answer is %v", err)
	}
	w.signIn(p)
}
