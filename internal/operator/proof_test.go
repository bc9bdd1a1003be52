package operator

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestReq114_APasswordObeysTheRulesForOneWithASecondFactor(t *testing.T) {
	for name, c := range map[string]struct {
		password string
		good     bool
	}{
		"eight characters":         {"wet gnus", true},
		"seven":                    {"wet gnu", false},
		"64":                       {strings.Repeat("umbrella gnu ", 5)[:64], true},
		"256":                      {strings.Repeat("wet umbrella gnu sits; ", 12)[:256], true},
		"257":                      {strings.Repeat("wet umbrella gnu sits; ", 12)[:257], false},
		"no capitals or digits":    {"four random small words", true},
		"one that all guess first": {"password", false},
		"the account's own name":   {"ada.lovelace", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := &person{Operator: w.make("ada.lovelace", Owner)}
			s, _ := w.byLink(p.Operator)
			p.totp, _ = must2(w.NewTOTP(p.Operator))(t)
			_, err := w.SetPassword(w.ctx, s, oauth.Secret(c.password), p.totp, w.code(p))
			if c.good {
				is(t, err, nil)
			} else {
				isProblem(t, err, "password")
			}
		})
	}
}

func TestReq098_ThereIsNoPasswordWithoutOneTimeCodes(t *testing.T) {
	w := newWorld(t)
	s, _ := w.byLink(w.make("ada", Owner))
	_, err := w.SetPassword(w.ctx, s, password, "", "")
	isProblem(t, err, "code")
	_, err = w.SetPassword(w.ctx, s, "", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", oauth.Secret(must(totp.GenerateCode("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", w.clock.now()))(t)))
	isProblem(t, err, "password")
	_, err = w.SetPassword(w.ctx, s, "", "", "")
	isProblem(t, err, "password")
}

func TestOneTimeCodesAreKeptWhenTheAppShowsTheRightOne(t *testing.T) {
	w := newWorld(t)
	op := w.make("ada", Owner)
	s, _ := w.byLink(op)
	text, url := must2(w.NewTOTP(op))(t)
	if !strings.HasPrefix(url, "otpauth://totp/Tokenbooth") || !strings.Contains(url, "ada") {
		t.Errorf("the app is given %q", url)
	}
	for _, code := range []oauth.Secret{"", "000000", "abc"} {
		_, err := w.SetPassword(w.ctx, s, password, text, code)
		isProblem(t, err, "code")
	}
	for _, weak := range []oauth.Secret{"A", "§§§§§§§§§§§§§§§§§§§§§§§§§§§§"} {
		_, err := w.SetPassword(w.ctx, s, password, weak, "000000")
		isProblem(t, err, "code")
	}
	if got := must(w.Get(w.ctx, op.ID))(t); got.HasProof() {
		t.Error("a password is kept without a right code")
	}
}

func TestAnotherPasswordOrAnotherAppEndsTheOtherSessions(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	_, other := w.signIn(p)
	s, mine := w.signIn(p)
	const better = oauth.Secret("ten dry parasols")
	if codes := must(w.SetPassword(w.ctx, s, better, "", ""))(t); codes != nil {
		t.Error("there are new recovery codes though there were some")
	}
	w.last([]oauth.Secret{other, mine}, false, true)
	_, _, err := w.SignIn(w.ctx, "ada", password, w.next(p), home)
	is(t, err, ErrSignIn)
	fresh, third, err := w.SignIn(w.ctx, "ada", better, w.next(p), home)
	if err != nil {
		t.Fatal(err)
	}
	lost := *p
	p.totp, _ = must2(w.NewTOTP(p.Operator))(t)
	must(w.SetPassword(w.ctx, fresh, "", p.totp, w.code(p)))(t)
	w.last([]oauth.Secret{mine, third}, false, true)
	_, _, err = w.SignIn(w.ctx, "ada", better, w.next(&lost), home)
	is(t, err, ErrSignIn)
	if _, _, err = w.SignIn(w.ctx, "ada", better, w.next(p), home); err != nil {
		t.Error(err)
	}
}

// ownActs is everything that changes what somebody signs in with.
var ownActs = map[string]func(w *world, s *Session) error{
	"a password":     func(w *world, s *Session) error { return second(w.SetPassword(w.ctx, s, "ten dry parasols", "", "")) },
	"recovery codes": func(w *world, s *Session) error { return second(w.NewRecoveryCodes(w.ctx, s)) },
	"a passkey":      func(w *world, s *Session) error { return third(w.BeginAddPasskey(w.ctx, s)) },
	"a passkey less": func(w *world, s *Session) error { return w.RemovePasskey(w.ctx, s, []byte("x")) },
	"a calendar key": func(w *world, s *Session) error { return second(w.NewCalendarKey(w.ctx, s)) },
}

func TestReq098_ProofsAreChangedOnlyShortlyAfterShowingOne(t *testing.T) {
	for name, act := range ownActs {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.enrol("ada")
			s, cookie := w.signIn(p)
			w.clock.advance(15 * time.Minute)
			is(t, act(w, s), ErrStale)
			byLink, _ := w.byLink(p.Operator)
			is(t, act(w, byLink), ErrStale) // having proofs, one shows them
			s = must(w.Session(w.ctx, cookie))(t)
			s, _, err := w.Again(w.ctx, s, password, w.next(p), home)
			if err != nil {
				t.Fatal(err)
			}
			if err := act(w, s); err != nil && !strings.Contains(err.Error(), "passkey") {
				t.Error(err)
			}
		})
	}
}

func TestAnAddedPasskeyNeedsASessionThatLastsAndIsFresh(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	s, _ := w.signIn(p)
	options, state := must2(w.BeginAddPasskey(w.ctx, s))(t)
	answer := newAuthenticator(t).create(options)
	w.is(w.EndSessions(w.ctx, root, p.ID, ""))
	_, err := w.AddPasskey(w.ctx, s, state, answer, "x")
	is(t, err, ErrSignIn)
	_, err = w.NewRecoveryCodes(w.ctx, s)
	is(t, err, ErrSignIn)
}

func TestNewRecoveryCodesEndTheOldOnes(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	s, _ := w.signIn(p)
	codes := must(w.NewRecoveryCodes(w.ctx, s))(t)
	if len(codes) != recoveryCodes || slices.Contains(codes, p.recovery[0]) {
		t.Errorf("the codes are %d", len(codes))
	}
	_, _, err := w.SignIn(w.ctx, "ada", password, p.recovery[0], home)
	is(t, err, ErrSignIn)
	if _, _, err := w.SignIn(w.ctx, "ada", password, codes[0], home); err != nil {
		t.Error(err)
	}
}

func TestRecoveryCodesComeWithSomethingTheyStandInFor(t *testing.T) {
	w := newWorld(t)
	_, a := w.withPasskey("ada")
	s, _, err := w.tryPasskey(a)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.NewRecoveryCodes(w.ctx, s)
	isProblem(t, err, "recovery")
	p := w.enrol("eve")
	w.change(p, func(op *Operator) { op.Recovery = nil })
	s, _ = w.signIn(p)
	options, state := must2(w.BeginAddPasskey(w.ctx, s))(t)
	if codes := must(w.AddPasskey(w.ctx, s, state, newAuthenticator(t).create(options), "x"))(t); len(codes) != recoveryCodes {
		t.Errorf("a passkey beside a password brings %d recovery codes", len(codes))
	}
}

func TestTheLastProofStays(t *testing.T) {
	w := newWorld(t)
	_, a := w.withPasskey("ada")
	s, _, err := w.tryPasskey(a)
	if err != nil {
		t.Fatal(err)
	}
	isProblem(t, w.RemovePasskey(w.ctx, s, a.id), "passkey")
	is(t, w.RemovePasskey(w.ctx, s, []byte("another")), ErrNotFound)
	w.add(s)
	_, other, err := w.tryPasskey(a)
	if err != nil {
		t.Fatal(err)
	}
	is(t, w.RemovePasskey(w.ctx, s, a.id), nil)
	_, err = w.Session(w.ctx, other)
	is(t, err, ErrSignIn)
	_, _, err = w.tryPasskey(a)
	is(t, err, ErrSignIn)
}

func TestWhoHasLostAllProofsComesBackByLink(t *testing.T) {
	w := newWorld(t)
	p := w.enrol("ada")
	must(w.ClearProofs(w.ctx, root, p.ID, 0))(t)
	_, _, err := w.SignIn(w.ctx, "ada", password, p.recovery[0], home)
	is(t, err, ErrSignIn)
	s, _ := w.byLink(p.Operator)
	if !s.MayChangeProofs(w.clock.now()) {
		t.Error("no new proof may be set up")
	}
	w.add(s)
}

func TestACalendarKeyLeadsToItsOperatorAndNothingElse(t *testing.T) {
	w := newWorld(t)
	w.make("first", Owner)
	p := w.enrol("ada")
	s, cookie := w.signIn(p)
	old := must(w.NewCalendarKey(w.ctx, s))(t)
	key := must(w.NewCalendarKey(w.ctx, s))(t)
	if op := must(w.ByCalendarKey(w.ctx, key))(t); op.ID != p.ID {
		t.Errorf("it leads to %s", op.ID)
	}
	link, _ := must2(w.Invite(w.ctx, root, p.ID, time.Hour, true))(t)
	for _, text := range []oauth.Secret{"", old, cookie, link, "tbc" + link[3:]} {
		_, err := w.ByCalendarKey(w.ctx, text)
		is(t, err, ErrSignIn)
	}
	_, err := w.Session(w.ctx, key)
	is(t, err, ErrSignIn)
	disable(w, p)
	_, err = w.ByCalendarKey(w.ctx, key)
	is(t, err, ErrSignIn)
}

func TestAPasskeysNameIsAWordOfItsOwner(t *testing.T) {
	w := newWorld(t)
	s, _ := w.byLink(w.make("ada", Owner))
	for _, name := range []string{strings.Repeat("x", 65), "a\nb", "a\u202eb"} {
		_, err := w.AddPasskey(w.ctx, s, "", nil, name)
		isProblem(t, err, "name")
	}
}
