package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// desk is a look-up that can fail.
type desk struct {
	mu     sync.Mutex
	tokens map[string]*bearer.Token
	fault  error
	asked  int
}

func (d *desk) find(_ context.Context, text string) (*bearer.Token, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.fault != nil {
		return nil, d.fault
	}
	t, ok := d.tokens[text]
	if !ok {
		return nil, oauth.Refuse(oauth.InactiveToken, "The access token is invalid or has expired.", "unknown")
	}
	return t, nil
}

func opaque(id string) *bearer.Token {
	return &bearer.Token{
		Issuer: issuer, ID: id, Subject: "ada", ClientID: "portal", Audience: []string{audience}, Family: "f1",
		IssuedAt: epoch, Expires: epoch.Add(time.Hour),
	}
}

func opaqueVerifier(t testing.TB, changes func(*bearer.Options)) (*bearer.Verifier, *clock, *desk) {
	d := &desk{tokens: map[string]*bearer.Token{"tba_1": opaque("1")}}
	v, c := verifier(t, func(o *bearer.Options) {
		o.Opaque = d.find
		if changes != nil {
			changes(o)
		}
	})
	return v, c, d
}

func TestAnOpaqueTokenIsLookedUpAtMostOnceASecond(t *testing.T) {
	v, c, d := opaqueVerifier(t, nil)
	for range 10 {
		if got := accepts(t, v, "tba_1"); got.Family != "f1" {
			t.Errorf("%+v", got)
		}
		c.at = c.at.Add(99 * time.Millisecond)
	}
	if d.asked != 1 {
		t.Errorf("asked %d times in 990 ms", d.asked)
	}
	c.at = c.at.Add(10 * time.Millisecond)
	accepts(t, v, "tba_1")
	if d.asked != 2 {
		t.Errorf("asked %d times in 1 s", d.asked)
	}
	refuses(t, v, "tba_2")
}

func TestReq009_B08_OpaqueTokensAreMatchedWhole(t *testing.T) {
	v, _, _ := opaqueVerifier(t, nil)
	accepts(t, v, "tba_1")
	for _, text := range []string{"tba_", "tba_1 ", "TBA_1", "tba_11", "ba_1", "tba_1.", "tba_1\x00"} {
		refuses(t, v, text)
	}
}

func TestARevokedOpaqueTokenIsRefusedWithinASecond(t *testing.T) {
	v, c, d := opaqueVerifier(t, nil)
	accepts(t, v, "tba_1")
	delete(d.tokens, "tba_1")
	c.at = c.at.Add(time.Second)
	refuses(t, v, "tba_1")
	d.fault = errors.New("down") // and stays refused: what was revoked does not come back when the store is down
	if _, err := v.Verify(context.Background(), "tba_1"); !errors.Is(err, oauth.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestD3_WhileTheStoreIsDownALookUpServesForAMinuteThenItIsAFault(t *testing.T) {
	var stale time.Duration
	v, c, d := opaqueVerifier(t, func(o *bearer.Options) { o.Stale = func(age time.Duration) { stale = age } })
	accepts(t, v, "tba_1")
	d.fault = fmt.Errorf("no connection: %w", oauth.Refuse(oauth.WrongPassword, "", "a refusal of another kind is a fault too"))
	for range 600 {
		c.at = c.at.Add(100 * time.Millisecond)
		accepts(t, v, "tba_1")
	}
	if d.asked > 65 {
		t.Errorf("a store that is down was asked %d times in a minute", d.asked)
	}
	if stale < 58*time.Second {
		t.Errorf("staleness was told as %v", stale)
	}
	c.at = c.at.Add(2 * time.Second)
	_, err := v.Verify(context.Background(), "tba_1")
	if !errors.Is(err, oauth.ErrUnavailable) || oauth.AsError(err) != nil {
		t.Errorf("after a minute: %v", err)
	}
	if _, err = v.Verify(context.Background(), "tba_unseen"); !errors.Is(err, oauth.ErrUnavailable) || oauth.AsError(err) != nil {
		t.Errorf("unseen: %v", err)
	}
	d.fault = nil
	accepts(t, v, "tba_1")
}

func TestReq045_NothingRememberedOutlivesItsExpiry(t *testing.T) {
	v, c, d := opaqueVerifier(t, func(o *bearer.Options) { o.OpaqueAge = time.Minute; o.OpaqueStale = 5 * time.Minute })
	d.tokens["tba_1"].Expires = epoch.Add(30 * time.Second)
	jwt := mint("ES256", object{"exp": epoch.Add(30 * time.Second).Unix()})
	accepts(t, v, "tba_1")
	accepts(t, v, jwt)
	c.at = epoch.Add(30*time.Second - 1)
	accepts(t, v, "tba_1")
	accepts(t, v, jwt)
	c.at = epoch.Add(30 * time.Second)
	refuses(t, v, "tba_1")
	refuses(t, v, jwt)
}

func TestAClockThatGoesBackwardsMakesNoLookUpYounger(t *testing.T) {
	v, c, d := opaqueVerifier(t, nil)
	c.at = epoch.Add(time.Minute)
	accepts(t, v, "tba_1")
	c.at = epoch
	accepts(t, v, "tba_1")
	if d.asked != 2 {
		t.Errorf("asked %d times", d.asked)
	}
	d.fault = errors.New("down")
	c.at = epoch.Add(-5 * time.Second)
	if _, err := v.Verify(context.Background(), "tba_1"); !errors.Is(err, oauth.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestReq006_WhoHoldsATokenIsAskedOnEveryCall(t *testing.T) {
	var no error
	asked := 0
	v, _, _ := opaqueVerifier(t, func(o *bearer.Options) {
		o.Alive = func(_ context.Context, tok *bearer.Token) error {
			if asked++; tok.ClientID == "" {
				t.Error("asked without a client")
			}
			return no
		}
	})
	jwt := mint("ES256", nil)
	for range 5 {
		accepts(t, v, jwt)
		accepts(t, v, "tba_1")
	}
	if asked != 10 {
		t.Errorf("asked %d times", asked)
	}
	no = oauth.Refuse(oauth.InactiveToken, "The access token is invalid or has expired.", "client disabled")
	refuses(t, v, jwt)
	refuses(t, v, "tba_1")
	for _, no = range []error{errors.New("down"), oauth.ErrUnavailable, oauth.AuthenticationFailed(oauth.WrongSecret, "x"), context.Canceled} {
		if _, err := v.Verify(context.Background(), jwt); !errors.Is(err, oauth.ErrUnavailable) || oauth.AsError(err) != nil {
			t.Errorf("%v became %v", no, err)
		}
	}
	no = nil
	accepts(t, v, jwt)
}

func TestAWithdrawnKeyEndsItsTokensAtOnce(t *testing.T) {
	for alg, k := range keys() {
		current, there := k.Key, true
		v, _ := verifier(t, func(o *bearer.Options) { o.Keys = func(string) (bearer.Key, bool) { return current, there } })
		token := mint(alg, nil)
		accepts(t, v, token)
		there = false
		refuses(t, v, token)
		there = true
		accepts(t, v, token)
		for other, o := range keys() { // another key under the old name
			if other != alg {
				current = o.Key
				refuses(t, v, token)
			}
		}
	}
}

func TestAnOpaqueTokenOfAnotherIssuerOrAudienceIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*bearer.Token){
		"issuer":     func(t *bearer.Token) { t.Issuer = "https://globex.example" },
		"no issuer":  func(t *bearer.Token) { t.Issuer = "" },
		"audience":   func(t *bearer.Token) { t.Audience = []string{"other"} },
		"nobody":     func(t *bearer.Token) { t.Audience = nil },
		"no expiry":  func(t *bearer.Token) { t.Expires = time.Time{} },
		"no subject": func(t *bearer.Token) { t.Subject = "" },
		"permission": func(t *bearer.Token) { t.Permissions = []string{"a b"} },
	} {
		v, _, d := opaqueVerifier(t, nil)
		spoil(d.tokens["tba_1"])
		refuses(t, v, "tba_1")
		_ = name
	}
	v, _, d := opaqueVerifier(t, nil)
	d.tokens["tba_nil"] = nil
	if _, err := v.Verify(context.Background(), "tba_nil"); !errors.Is(err, oauth.ErrUnavailable) {
		t.Errorf("a look-up that answers nothing: %v", err)
	}
}

func TestB29_TheCacheIsBoundedAndNeverAnswersForAnotherToken(t *testing.T) {
	asked := atomic.Int64{}
	v, _ := verifier(t, func(o *bearer.Options) {
		o.CacheSize = 64
		o.Keys = nil
		o.Opaque = func(_ context.Context, text string) (*bearer.Token, error) {
			asked.Add(1)
			return opaque(text), nil
		}
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5000 {
				text := fmt.Sprint("t", rand.IntN(1000))
				got, err := v.Verify(context.Background(), text)
				if err != nil || got.ID != text {
					t.Errorf("%s answered with %v, %v", text, got, err)
				}
			}
		})
	}
	wg.Wait()
	if n := asked.Load(); n < 1000 || n > 40000 {
		t.Errorf("%d look-ups", n)
	}
}

func TestNewRefusesOptionsThatWouldCheckNothing(t *testing.T) {
	for name, o := range map[string]bearer.Options{
		"no issuer":      {Audiences: []string{"a"}, Keys: keySet},
		"no audience":    {Issuer: issuer, Keys: keySet},
		"empty audience": {Issuer: issuer, Audiences: []string{"a", ""}, Keys: keySet},
		"no source":      {Issuer: issuer, Audiences: []string{"a"}},
		"too stale":      {Issuer: issuer, Audiences: []string{"a"}, Keys: keySet, OpaqueStale: 6 * time.Minute},
		"too old":        {Issuer: issuer, Audiences: []string{"a"}, Keys: keySet, OpaqueAge: time.Hour},
	} {
		if _, err := bearer.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, alg := range []string{"ES256", "EdDSA", "RS256"} {
		token := mint(alg, nil)
		v, _ := verifier(b, nil)
		b.Run(alg+"/remembered", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(context.Background(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(alg+"/new", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v, _ := verifier(b, func(o *bearer.Options) { o.CacheSize = 1 })
				if _, err := v.Verify(context.Background(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
