package operator

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// add gives the operator of a session a passkey in a new authenticator.
func (w *world) add(s *Session) *authenticator {
	w.t.Helper()
	a := newAuthenticator(w.t)
	options, state := must2(w.BeginAddPasskey(w.ctx, s))(w.t)
	must(w.AddPasskey(w.ctx, s, state, a.create(options), "laptop"))(w.t)
	return a
}

// withPasskey makes an owner who has a passkey and nothing else.
func (w *world) withPasskey(username string) (*Operator, *authenticator) {
	w.t.Helper()
	op := w.make(username, Owner)
	s, _ := w.byLink(op)
	return op, w.add(s)
}

// tryPasskey signs in with an authenticator.
func (w *world) tryPasskey(a *authenticator) (*Session, oauth.Secret, error) {
	w.t.Helper()
	options, state := must2(w.BeginPasskey(w.ctx, nil))(w.t)
	return w.FinishPasskey(w.ctx, state, a.get(options), home)
}

func TestAPasskeyOpensASession(t *testing.T) {
	w := newWorld(t)
	op, a := w.withPasskey("ada")
	for range 3 {
		w.clock.advance(time.Minute)
		s, cookie, err := w.tryPasskey(a)
		if err != nil {
			t.Fatal(err)
		}
		if s.Operator.ID != op.ID || s.Method != ByPasskey || s.ProvenAt != w.clock.now() {
			t.Errorf("the session is %+v", s)
		}
		must(w.Session(w.ctx, cookie))(t)
	}
	p := must(w.Get(w.ctx, op.ID))(t).Passkeys[0]
	if p.Name != "laptop" || p.SignCount != a.count || p.LastUsed != w.clock.now() || !slices.Equal(p.Transport, []string{"internal"}) {
		t.Errorf("the passkey is kept as %+v", p)
	}
	if e := w.events("operator.passkey.add"); len(e) != 1 || e[0].Actor != op.By() {
		t.Errorf("the events are %v", e)
	}
}

func TestAPasskeyWithoutACounterOpensSessions(t *testing.T) {
	w := newWorld(t)
	s, _ := w.byLink(w.make("ada", Owner))
	a := newAuthenticator(t)
	a.steps = 0
	options, state := must2(w.BeginAddPasskey(w.ctx, s))(t)
	must(w.AddPasskey(w.ctx, s, state, a.create(options), ""))(t)
	for range 2 {
		if _, _, err := w.tryPasskey(a); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAPasskeysAnswerIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil  func(w *world, a *authenticator)
		reason string
	}{
		"from another origin":            {func(_ *world, a *authenticator) { a.origin = "https://desk.example.com.evil.example" }, "origin"},
		"from the same name by http":     {func(_ *world, a *authenticator) { a.origin = "http://desk.example.com" }, "origin"},
		"from another port":              {func(_ *world, a *authenticator) { a.origin = "https://desk.example.com:8443" }, "origin"},
		"for another relying party":      {func(_ *world, a *authenticator) { a.rpID = "example.com" }, "RP"},
		"without verification":           {func(_ *world, a *authenticator) { a.flags = present }, "erif"},
		"without presence":               {func(_ *world, a *authenticator) { a.flags = verified }, "resen"},
		"by another key":                 {func(w *world, a *authenticator) { a.key = newAuthenticator(w.t).key }, "ignature"},
		"by a key nobody has registered": {func(_ *world, a *authenticator) { a.id = []byte("another credential") }, "credential"},
		"with a counter that went back":  {func(_ *world, a *authenticator) { a.count = 0; a.steps = 1 }, "copied"},
		"for a handle of nobody":         {func(_ *world, a *authenticator) { a.handle = []byte("nobody") }, "of nobody"},
		"for a handle that is no text":   {func(_ *world, a *authenticator) { a.handle = []byte("\x00\xff") }, "none of ours"},
		"without a handle":               {func(_ *world, a *authenticator) { a.handle = nil }, ""},
		"of who is disabled":             {func(w *world, a *authenticator) { w.is(w.edit(string(a.handle), off)) }, "disabled"},
		"of who is deleted":              {func(w *world, a *authenticator) { w.is(w.Delete(w.ctx, root, string(a.handle), 0)) }, "credential"},
		"too late":                       {func(w *world, _ *authenticator) { w.clock.advance(5 * time.Minute) }, "too old"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.make("first", Owner)
			_, a := w.withPasskey("ada")
			options, state := must2(w.BeginPasskey(w.ctx, nil))(t)
			c.spoil(w, a)
			s, cookie, err := w.FinishPasskey(w.ctx, state, a.get(options), home)
			if s != nil || cookie != "" || err != ErrSignIn {
				t.Errorf("the answer is %v, %v", s, err)
			}
			if got := w.reasons(); len(got) != 1 || !strings.Contains(got[0], c.reason) {
				t.Errorf("the reasons are %q, want %q", got, c.reason)
			}
		})
	}
}

func off(op *Operator) { op.Disabled = true }

func TestAnAnswerToAnotherChallengeIsRefused(t *testing.T) {
	w := newWorld(t)
	_, a := w.withPasskey("ada")
	options, _ := must2(w.BeginPasskey(w.ctx, nil))(t)
	_, state := must2(w.BeginPasskey(w.ctx, nil))(t)
	_, _, err := w.FinishPasskey(w.ctx, state, a.get(options), home)
	is(t, err, ErrSignIn)
	if got := w.reasons(); len(got) != 1 || !strings.Contains(got[0], "challenge") {
		t.Errorf("the reasons are %q", got)
	}
}

func TestAnAnswerIsGoodOnce(t *testing.T) {
	w := newWorld(t)
	_, a := w.withPasskey("ada")
	options, state := must2(w.BeginPasskey(w.ctx, nil))(t)
	a.steps, a.count = 0, 0 // a counter would catch it too
	w.is(w.edit(string(a.handle), func(op *Operator) { op.Passkeys[0].SignCount = 0 }))
	answer := a.get(options)
	if n := w.atOnce(8, func() error { return third(w.FinishPasskey(w.ctx, state, answer, home)) }); n != 1 {
		t.Fatalf("%d sessions were opened", n)
	}
	_, _, err := w.FinishPasskey(w.ctx, state, answer, home)
	is(t, err, ErrSignIn)
	if got := w.reasons(); !slices.Contains(got, "the passkey's answer was used already") {
		t.Errorf("the reasons are %q", got)
	}
}

func TestAStateThatWeHaveNotMadeIsRefused(t *testing.T) {
	w := newWorld(t)
	_, a := w.withPasskey("ada")
	options, state := must2(w.BeginPasskey(w.ctx, nil))(t)
	answer := a.get(options)
	s, _ := w.byLink(w.make("eve", Owner))
	_, adding := must2(w.BeginAddPasskey(w.ctx, s))(t)
	for name, forged := range map[string]string{
		"nothing": "", "no base64": "§", "damaged": state[:len(state)-4] + "AAAA", "another's making": b64([]byte("\x01abcdefghijklmnopqrstuvwxyz0123456789")),
		"for adding a passkey": adding, "very long": strings.Repeat("A", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := w.FinishPasskey(w.ctx, forged, answer, home)
			is(t, err, ErrSignIn)
		})
	}
	if _, _, err := w.FinishPasskey(w.ctx, state, answer, home); err != nil {
		t.Errorf("and the one we made: %v", err)
	}
}

func TestOneStepsUpWithOnesOwnPasskeyOnly(t *testing.T) {
	w := newWorld(t)
	_, mine := w.withPasskey("ada")
	_, others := w.withPasskey("eve")
	s, cookie, err := w.tryPasskey(mine)
	if err != nil {
		t.Fatal(err)
	}
	options, state := must2(w.BeginPasskey(w.ctx, s.Operator))(t)
	if allow := mine.read(options).PublicKey.Allow; len(allow) != 1 || allow[0].ID != b64(mine.id) {
		t.Errorf("the options allow %v", allow)
	}
	_, _, err = w.AgainPasskey(w.ctx, s, state, others.get(options), home)
	is(t, err, ErrSignIn)
	anybody, open := must2(w.BeginPasskey(w.ctx, nil))(t)
	_, _, err = w.AgainPasskey(w.ctx, s, open, others.get(anybody), home)
	is(t, err, ErrSignIn)
	must(w.Session(w.ctx, cookie))(t)
	again, fresh, err := w.AgainPasskey(w.ctx, s, state, mine.get(options), home)
	if err != nil {
		t.Fatal(err)
	}
	if again.ID == s.ID || fresh == cookie {
		t.Error("the session kept its id")
	}
	w.last([]oauth.Secret{cookie, fresh}, false, true)
}

func TestAPasskeyIsAddedInTheSessionThatAskedForIt(t *testing.T) {
	w := newWorld(t)
	ada, _ := w.byLink(w.make("ada", Owner))
	eve, _ := w.byLink(w.make("eve", Owner))
	a := newAuthenticator(t)
	options, state := must2(w.BeginAddPasskey(w.ctx, ada))(t)
	answer := a.create(options)
	_, err := w.AddPasskey(w.ctx, eve, state, answer, "x")
	is(t, err, ErrSignIn)
	must(w.AddPasskey(w.ctx, ada, state, answer, "x"))(t)
}

func TestAnAnswerThatBringsAPasskeyIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(w *world, a *authenticator){
		"from another origin":       func(_ *world, a *authenticator) { a.origin = "https://evil.example" },
		"for another relying party": func(_ *world, a *authenticator) { a.rpID = "evil.example" },
		"without verification":      func(_ *world, a *authenticator) { a.flags = present },
		"too late":                  func(w *world, _ *authenticator) { w.clock.advance(5 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s, _ := w.byLink(w.make("ada", Owner))
			a := newAuthenticator(t)
			options, state := must2(w.BeginAddPasskey(w.ctx, s))(t)
			spoil(w, a)
			_, err := w.AddPasskey(w.ctx, s, state, a.create(options), "x")
			is(t, err, ErrSignIn)
			if op := must(w.Get(w.ctx, s.Operator.ID))(t); len(op.Passkeys) != 0 {
				t.Errorf("it is kept: %+v", op.Passkeys)
			}
		})
	}
}

func TestOnePasskeyIsAddedOnce(t *testing.T) {
	w := newWorld(t)
	_, a := w.withPasskey("ada")
	s, _, err := w.tryPasskey(a)
	if err != nil {
		t.Fatal(err)
	}
	options, state := must2(w.BeginAddPasskey(w.ctx, s))(t)
	if ex := a.read(options).PublicKey.Exclude; len(ex) != 1 || ex[0].ID != b64(a.id) {
		t.Errorf("the options exclude %v", ex)
	}
	_, err = w.AddPasskey(w.ctx, s, state, a.create(options), "x")
	isProblem(t, err, "passkey")
	eve, _ := w.byLink(w.make("eve", Owner))
	options, state = must2(w.BeginAddPasskey(w.ctx, eve))(t)
	_, err = w.AddPasskey(w.ctx, eve, state, a.create(options), "x")
	isProblem(t, err, "passkey")
}

func TestADeskThatIsReachedByAnAddressHasNoPasskeys(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:8081", "http://[::1]:8081"} {
		w := newWorldAt(t, url)
		s, _ := w.byLink(w.make("ada", Owner))
		_, _, err := w.BeginPasskey(w.ctx, nil)
		isProblem(t, err, "passkey")
		_, _, err = w.BeginAddPasskey(w.ctx, s)
		isProblem(t, err, "passkey")
		_, _, err = w.FinishPasskey(w.ctx, "", nil, home)
		isProblem(t, err, "passkey")
		if w.Passkeys() {
			t.Error("it says that it has")
		}
	}
}

func TestTheOriginIsSpelledAsBrowsersDo(t *testing.T) {
	for url, want := range map[string]string{
		"http://localhost:8081/":         "http://localhost:8081",
		"https://Desk.Example.com:443/x": "https://desk.example.com",
		"http://desk.example.com:80":     "http://desk.example.com",
		"https://desk.example.com:8443":  "https://desk.example.com:8443",
	} {
		w := newWorldAt(t, url)
		if got := w.web.Config.RPOrigins; !slices.Equal(got, []string{want}) {
			t.Errorf("%s gives %v", url, got)
		}
	}
	for _, url := range []string{"", "desk.example.com", "ftp://desk.example.com", "https://", "https://u:p@desk.example.com"} {
		if _, err := New(Options{URL: url, Now: time.Now}); err == nil {
			t.Errorf("%q is taken for a console's URL", url)
		}
	}
}

func FuzzPasskeyAnswer(f *testing.F) {
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA"}}`), "AA")
	f.Add([]byte(`{"response":{"attestationObject":"oA","clientDataJSON":"e30"}}`), "")
	f.Fuzz(func(t *testing.T, answer []byte, forged string) {
		w := newWorld(t)
		defer w.log.Close()
		s, _ := w.byLink(w.make("ada", Owner))
		_, state := must2(w.BeginPasskey(w.ctx, nil))(t)
		for _, text := range []string{state, forged} {
			if _, _, err := w.FinishPasskey(w.ctx, text, answer, home); err != ErrSignIn {
				t.Errorf("an answer of nobody's opens a session: %v", err)
			}
		}
		_, state = must2(w.BeginAddPasskey(w.ctx, s))(t)
		if _, err := w.AddPasskey(w.ctx, s, state, answer, "x"); err == nil {
			t.Error("an answer to nothing brings a passkey")
		}
	})
}
