package issuer

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/registry/registrytest"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// chainModel is what a chain of refresh tokens is meant to be, in the plainest words.
type chainModel struct {
	d     *desk
	r     oauth.TokenRequest
	label bool // one chain for user and label: a new sign-in takes the old one's place
	name  string
	pass  oauth.Secret

	chains    []*modelChain
	stopped   bool      // the user is disabled
	notBefore time.Time // what began up to then is dead
}

type modelChain struct {
	tokens          []string // by generation; the last is the good one
	access          []oauth.Token
	scope           string
	started         time.Time
	rotated         time.Time
	expires, until  time.Time
	over            bool      // ended by reuse
	ended           time.Time // access tokens up to here are dead
	replaced        bool
	answer          oauth.Token // what was given for the last but one
	successors      map[string]map[string]bool
	idle, window    time.Duration
	accessLifetimes time.Duration
}

func (m *chainModel) userMay(c *modelChain) bool { return !m.stopped && c.started.After(m.notBefore) }

// signIn begins a chain.
func (m *chainModel) signIn(t *rapid.T) {
	r := m.r
	r.Scope = oauth.Unproven(rapid.SampledFrom([]string{"", "nql", "workflows nql"}).Draw(t, "scope"))
	r.Password = m.pass
	tok, err := m.d.Token(ctx, r)
	if m.stopped {
		if oauth.AsError(err) == nil {
			t.Fatalf("a disabled user signed in: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	now := m.d.clock.now()
	c := &modelChain{tokens: []string{tok.RefreshToken}, access: []oauth.Token{tok}, scope: tok.Scope, started: now, rotated: now, until: now.Add(r.Terms.RefreshMax),
		idle: r.Terms.RefreshIdle, window: m.d.ReplayWindow, successors: map[string]map[string]bool{}, accessLifetimes: r.Terms.Lifetime}
	c.renew(now)
	if m.label {
		for _, old := range m.chains {
			old.replaced = true
		}
	}
	m.chains = append(m.chains, c)
}

func (c *modelChain) renew(now time.Time) {
	c.rotated, c.expires = now, now.Add(c.idle)
	if c.until.Before(c.expires) {
		c.expires = c.until
	}
}

// refresh spends some token that was ever given out.
func (m *chainModel) refresh(t *rapid.T) {
	if len(m.chains) == 0 {
		t.Skip("nothing to refresh")
	}
	c := m.chains[rapid.IntRange(0, len(m.chains)-1).Draw(t, "chain")]
	back := rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2, 5}).Draw(t, "back")
	k := max(0, len(c.tokens)-1-back)
	now, last := m.d.clock.now(), len(c.tokens)-1
	tok, err := m.d.Token(ctx, refresh(m.r, c.tokens[k]))
	if err != nil && oauth.AsError(err) == nil {
		t.Fatal(err)
	}
	dead := c.over || c.replaced
	retried := c.window > 0 && k+1 == last && now.Sub(c.rotated) <= c.window
	gone := !now.Before(c.expires) && !now.Before(c.lastAccess()) // nobody remembers it
	switch {
	case dead || gone:
		m.want(t, err, false, "a dead chain")
	case k < last && !retried:
		m.want(t, err, false, "a spent token")
		c.over, c.ended = true, now
		for _, old := range m.chains { // a label's sign-ins share one chain's place, and its end
			if m.label {
				old.ended = now
			}
		}
		m.d.clock.advance(time.Millisecond) // what is issued in the very instant of an end is dead as well
	case !now.Before(c.expires) || !m.userMay(c):
		m.want(t, err, false, "an expired token or a stopped user")
	case retried:
		m.want(t, err, true, "a retry")
		if tok.AccessToken != c.answer.AccessToken || tok.RefreshToken != c.answer.RefreshToken {
			t.Fatalf("a retry got another pair")
		}
	default:
		m.want(t, err, true, "the good token")
		if !now.Before(c.until) {
			t.Fatalf("refreshed past the absolute limit")
		}
		if !oauth.ScopeWithin(tok.Scope, c.scope) || tok.Scope != c.scope {
			t.Fatalf("granted %q, refreshed to %q", c.scope, tok.Scope)
		}
		c.renew(now)
		c.tokens, c.access, c.answer = append(c.tokens, tok.RefreshToken), append(c.access, tok), tok
	}
	if err == nil {
		if c.successors[c.tokens[k]] == nil {
			c.successors[c.tokens[k]] = map[string]bool{}
		}
		if c.successors[c.tokens[k]][tok.RefreshToken] = true; len(c.successors[c.tokens[k]]) > 1 {
			t.Fatalf("two successors of one token")
		}
	}
}

func (c *modelChain) lastAccess() time.Time {
	return c.access[len(c.access)-1].IssuedAt.Add(c.accessLifetimes)
}

func (m *chainModel) want(t *rapid.T, err error, granted bool, what string) {
	if (err == nil) != granted {
		t.Fatalf("%s: %v", what, err)
	}
}

// accessTokens checks that every access token ever given out is alive exactly when it should be.
func (m *chainModel) accessTokens(t *rapid.T) {
	now := m.d.clock.now()
	for _, c := range m.chains {
		for _, tok := range c.access {
			alive := now.Before(tok.IssuedAt.Add(c.accessLifetimes)) && (c.ended.IsZero() || tok.IssuedAt.After(c.ended)) &&
				!m.stopped && tok.IssuedAt.After(m.notBefore)
			if in, err := m.d.Introspect(ctx, "acme", tok.AccessToken); err != nil || in.Active != alive {
				t.Fatalf("access token of %v: active %v, want %v (%v)", tok.IssuedAt, in.Active, alive, err)
			}
		}
	}
}

// wait lets time pass, up to the edges of every limit, and sweeps what has expired.
func (m *chainModel) wait(t *rapid.T) {
	m.d.clock.advance(rapid.SampledFrom([]time.Duration{time.Second, 29 * time.Second, 30 * time.Second, 31 * time.Second, 10 * time.Minute, time.Hour,
		5 * day, 14 * day, 15 * day, 31 * day}).Draw(t, "time"))
	if _, err := m.d.store.Sweep(ctx, m.d.clock.now(), 0); err != nil {
		t.Fatal(err)
	}
}

func (m *chainModel) toggle(t *rapid.T) {
	m.stopped = !m.stopped
	if err := registrytest.DisableUser(ctx, m.d.Registry, by, "acme", m.name, m.stopped); err != nil {
		t.Fatal(err)
	}
	if m.stopped {
		m.notBefore = m.d.clock.now()
	}
	m.d.clock.advance(time.Second)
}

// revoke takes some token back that was ever given out: any of a chain's ends it.
func (m *chainModel) revoke(t *rapid.T) {
	if len(m.chains) == 0 {
		t.Skip("nothing to revoke")
	}
	c := m.chains[rapid.IntRange(0, len(m.chains)-1).Draw(t, "chain")]
	now := m.d.clock.now()
	if _, err := m.d.RevokeText(ctx, by, "acme", rapid.SampledFrom(c.tokens).Draw(t, "token")); err != nil {
		t.Fatal(err)
	}
	if gone := !now.Before(c.expires) && !now.Before(c.lastAccess()); !gone && !c.over && !c.replaced {
		c.over, c.ended = true, now
		for _, old := range m.chains {
			if m.label {
				old.ended = now
			}
		}
	}
	m.d.clock.advance(time.Millisecond)
}

// revokeAll takes back all that the tenant has ever given out.
func (m *chainModel) revokeAll(t *rapid.T) {
	if err := m.d.RevokeTenant(ctx, by, "acme"); err != nil {
		t.Fatal(err)
	}
	m.notBefore = m.d.clock.now()
	m.d.clock.advance(time.Millisecond)
}

func (m *chainModel) changePassword(t *rapid.T) {
	m.pass += "!"
	if _, err := m.d.Registry.UpdateUser(ctx, by, "user.password", "acme", m.name, func(u *registry.User) error {
		u.Hash = secret.HashSecret(m.pass.Reveal())
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	m.notBefore = m.d.clock.now()
	m.d.clock.advance(time.Second)
}

// TestReq001_to_006_refresh_tokens_do_what_a_simple_model_says plays every order of sign-ins, refreshes with good and spent tokens,
// waits, disablings, revocations and new passwords against the model: never two successors, never a wider scope, never past the absolute limit, and
// access tokens alive exactly as long as they should be.
func TestReq001_to_006_refresh_tokens_do_what_a_simple_model_says(t *testing.T) {
	d := open(t)
	d.client("app")
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		m := &chainModel{d: d, name: fmt.Sprintf("user-%d@acme.test", n), pass: password, label: rapid.Bool().Draw(t, "label")}
		d.user(m.name)
		u, err := d.Registry.UserByName(ctx, "acme", m.name)
		if err != nil {
			t.Fatal(err)
		}
		m.notBefore = u.NotBefore
		m.r = d.signIn("app", func(r *oauth.TokenRequest) { r.Username = oauth.Unproven(m.name) })
		if m.label {
			brief := *nexudus // short enough for access tokens to outlive their chain
			brief.RefreshMax = 20 * day
			m.r = d.label("portal", func(r *oauth.TokenRequest) { r.Username, r.Terms = oauth.Unproven(m.name), &brief })
		}
		d.ReplayWindow = rapid.SampledFrom([]time.Duration{0, 30 * time.Second}).Draw(t, "window")
		t.Repeat(map[string]func(*rapid.T){
			"revoke": m.revoke, "revoke all": m.revokeAll,
			"sign in": m.signIn, "refresh": m.refresh, "refresh once more": m.refresh, "wait": m.wait, "disable or enable": m.toggle,
			"new password": m.changePassword, "": m.accessTokens,
		})
	})
}
