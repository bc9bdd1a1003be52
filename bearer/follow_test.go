package bearer_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// isRefused reports a refusal, and fails the test when there is a fault.
func isRefused(t testing.TB, v *bearer.Verifier, token string) bool {
	t.Helper()
	_, err := v.Verify(context.Background(), token)
	if err != nil && oauth.AsError(err) == nil {
		t.Fatalf("a fault: %v", err)
	}
	return err != nil
}

// faults checks that the token meets a fault, and no refusal, and returns its text.
func faults(t testing.TB, v *bearer.Verifier, token string) string {
	t.Helper()
	got, err := v.Verify(context.Background(), token)
	if !errors.Is(err, oauth.ErrUnavailable) || oauth.AsError(err) != nil || got != nil {
		t.Fatalf("got %v, %v; want a fault", got, err)
	}
	return err.Error()
}

func TestAFollowedIssuerIsKnownInFull(t *testing.T) {
	b := newBooth(t)
	b.take(revocation.Token, "gone", time.Time{})
	i, v := b.guard(t, nil)
	got := accepts(t, v, b.mint(object{"sid": "chain-1"}))
	if got.KeyID != "key-1" || got.Family != "chain-1" || got.Issuer != b.URL {
		t.Errorf("%+v", got)
	}
	looked := accepts(t, v, b.issue(object{"sid": "chain-2", "username": "ada", "aud": []string{audience, "other"}, "iss": nil, "cnonce": "x"}))
	if looked.Family != "chain-2" || looked.Username != "ada" || looked.Issuer != b.URL || looked.KeyID != "" {
		t.Errorf("%+v", looked)
	}
	refuses(t, v, b.mint(object{"jti": "gone"}))
	refuses(t, v, "tba_unknown")
	s := i.State()
	if !s.Ready || s.Keys != 1 || s.Revocations != 1 || s.Sequence != 1 || s.Epoch != "e1" || s.Stale != 0 || s.LastError != "" ||
		s.Staleness > 5*time.Second || s.KeysAge > 5*time.Second {
		t.Errorf("%+v", s)
	}
}

func TestReq006_ARevokedJWTIsRefusedWithinASecond(t *testing.T) {
	b := newBooth(t)
	_, v := b.guard(t, nil)
	const n = 100
	var took []time.Duration
	for range n {
		id := rand.Text()
		token := b.mint(object{"jti": id})
		accepts(t, v, token)
		began := time.Now()
		b.take(revocation.Token, id, time.Time{})
		for !isRefused(t, v, token) {
			time.Sleep(100 * time.Microsecond)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	p99 := took[n*99/100-1]
	t.Logf("refused after: p50 %v, p99 %v, max %v", took[n/2], p99, took[n-1])
	if p99 > time.Second || took[n-1] > 5*time.Second {
		t.Errorf("p99 %v, max %v", p99, took[n-1])
	}
}

func TestReq006_EveryKindOfRevocationEndsTheTokensItNames(t *testing.T) {
	for kind, c := range map[revocation.Kind]struct{ id, says string }{
		revocation.Token: {"jti-9", "token"}, revocation.Family: {"chain-9", "chain of refresh tokens"}, revocation.Client: {"client-9", "client"},
		revocation.User: {"ada", "user"}, revocation.Key: {"key-1", "key"}, revocation.Issuer: {"", "issuer"},
	} {
		b := newBooth(t)
		_, v := b.guard(t, nil)
		mine := object{"jti": "jti-9", "sid": "chain-9", "client_id": "client-9", "sub": "ada"}
		jwt, opaque := b.mint(mine), b.issue(mine)
		accepts(t, v, jwt)
		accepts(t, v, opaque)
		b.take(kind, c.id, b.clock.now().Add(time.Minute))
		eventually(t, "refused", func() bool { return isRefused(t, v, jwt) })
		if reason := refuses(t, v, jwt); !strings.HasPrefix(reason, "revoked: ") || !strings.Contains(reason, c.says) {
			t.Errorf("%v: %s", kind, reason)
		}
		if kind != revocation.Key {
			refuses(t, v, opaque)
		}
		b.clock.move(2 * time.Minute)
		if kind != revocation.Key && kind != revocation.Token { // what was issued later stands
			accepts(t, v, b.mint(mine))
			accepts(t, v, b.issue(mine))
		}
	}
}

func TestReq045_B45_OneTokensAnswerIsNoOtherAPIsAndNoOtherRules(t *testing.T) {
	b := newBooth(t)
	i, v := b.guard(t, nil)
	other := must(i.Verifier("https://other.example"))
	for _, token := range []string{b.mint(nil), b.issue(nil)} {
		accepts(t, v, token)
		refuses(t, other, token)
		accepts(t, v, token)
		if got := accepts(t, v, token); got.Permits("spark") || !got.Permits("nql") {
			t.Errorf("permissions of %+v", got)
		}
	}
	looked := b.count(lookUpPath)
	if looked != 2 {
		t.Errorf("%d look-ups: each API asks for itself", looked)
	}
}

func TestD3_WithTheIssuerAwayJWTsGoOnAndOpaqueTokensForAMinute(t *testing.T) {
	b := newBooth(t)
	var told atomic.Int64
	i, v := b.guard(t, func(r *bearer.Remote) { r.Stale = func(age time.Duration) { told.Store(int64(age)) } })
	jwt, opaque, late := b.mint(nil), b.issue(nil), b.mint(object{"jti": "unseen"})
	accepts(t, v, jwt)
	accepts(t, v, opaque)
	b.away.Store(true)
	b.CloseClientConnections()
	for second := range 300 {
		b.clock.move(time.Second)
		accepts(t, v, jwt)
		switch {
		case second < 55:
			accepts(t, v, opaque)
		case second > 65:
			faults(t, v, opaque)
		}
	}
	accepts(t, v, late)
	s := i.State()
	if s.Staleness < 299*time.Second || s.Staleness > 330*time.Second || !s.Ready || s.LastError == "" {
		t.Errorf("%+v", s)
	}
	if s.Stale < 230 || told.Load() < int64(290*time.Second) {
		t.Errorf("%d tokens passed on old knowledge, the last on one of %v", s.Stale, time.Duration(told.Load()))
	}
	b.away.Store(false)
	eventually(t, "followed again", func() bool { b.wake(); return i.State().Staleness < 5*time.Second && !isFault(v, opaque) })
	if s := i.State(); s.LastError != "" {
		t.Errorf("it works again, but %s", s.LastError)
	}
}

func isFault(v *bearer.Verifier, token string) bool {
	_, err := v.Verify(context.Background(), token)
	return errors.Is(err, oauth.ErrUnavailable)
}

func TestReq044_RefuseStaleIsAFaultAndNeverARefusal(t *testing.T) {
	b := newBooth(t)
	b.answerInstead(feedPath, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	i := b.follow(t, func(r *bearer.Remote) { r.WhenStale, r.MaxStaleness = bearer.RefuseStale, 30*time.Second })
	v := must(i.Verifier(audience))
	token := b.mint(nil)
	if text := faults(t, v, token); !strings.Contains(text, "not read yet") {
		t.Error(text)
	}
	eventually(t, "known to fail", func() bool { return strings.Contains(i.State().LastError, "502") })
	if s := i.State(); s.Ready {
		t.Errorf("%+v", s)
	}
	accepts(t, v, b.issue(nil)) // it was asked for just now
	b.answerInstead(feedPath, nil)
	eventually(t, "ready", func() bool { return i.State().Ready })
	accepts(t, v, token)
	b.away.Store(true)
	b.CloseClientConnections()
	b.clock.move(25 * time.Second)
	accepts(t, v, token)
	b.clock.move(6 * time.Second)
	if text := faults(t, v, token); !strings.Contains(text, "ago") {
		t.Error(text)
	}
	refuses(t, v, b.mint(object{"aud": "other"})) // what is wrong anyway is refused
	b.away.Store(false)
	eventually(t, "accepted again", func() bool { b.wake(); return !isFault(v, token) })
	if i.State().Stale != 0 {
		t.Error("a token passed")
	}
}

func TestBeforeThereAreKeysATokenMeetsAFault(t *testing.T) {
	b := newBooth(t)
	b.away.Store(true)
	i := b.follow(t, nil)
	v := must(i.Verifier(audience))
	token := b.mint(nil)
	for range 3 {
		faults(t, v, token)
		faults(t, v, "tba_1")
	}
	refuses(t, v, "a.b")
	if s := i.State(); s.Ready || s.Keys != 0 {
		t.Errorf("%+v", s)
	}
	b.away.Store(false)
	eventually(t, "accepted", func() bool { return !isFault(v, token) })
}

func TestACallThatComesAtOnceWaitsForTheKeys(t *testing.T) {
	b := newBooth(t)
	accepts(t, must(b.follow(t, nil).Verifier(audience)), b.mint(nil))
}

func TestWithoutACredentialOnlyJWTsAreAccepted(t *testing.T) {
	b := newBooth(t)
	i, v := b.guard(t, func(r *bearer.Remote) { r.ClientID, r.ClientSecret, r.IgnoreRevocations = "", "", true })
	accepts(t, v, b.mint(nil))
	refuses(t, v, b.issue(nil))
	b.clock.move(5 * time.Minute)
	accepts(t, v, b.mint(nil))
	if s := i.State(); s.Staleness != 0 || s.Stale != 0 || b.count(feedPath) != 0 || b.count(lookUpPath) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestACredentialThatIsRefusedIsSaidOnceInTheLog(t *testing.T) {
	b := newBooth(t)
	var log bytes.Buffer
	i := b.follow(t, func(r *bearer.Remote) {
		r.ClientSecret = "canary-wrong"
		r.Log = slog.New(slog.NewTextHandler(&log, nil))
		*r = bearer.Hasty(*r)
	})
	v := must(i.Verifier(audience))
	for range 20 {
		faults(t, v, b.issue(nil))
	}
	if text := faults(t, v, b.mint(nil)); !strings.Contains(text, "does not accept our client id") {
		t.Errorf("a JWT meets %s", text)
	}
	eventually(t, "tried a few times", func() bool { return b.count(feedPath) > 3 })
	if s := i.State(); s.Ready || !s.Denied || !strings.Contains(s.LastError, "does not accept our client id") {
		t.Errorf("%+v", s)
	}
	i.Close()
	text := log.String()
	if strings.Count(text, "about=look-ups") != 1 || strings.Count(text, "about=revocations") != 1 || !strings.Contains(text, "level=ERROR") {
		t.Errorf("log:\n%s", text)
	}
	if strings.Contains(text, "canary") || strings.Contains(text, "tba_") {
		t.Errorf("a secret is in the log:\n%s", text)
	}
}

func TestCloseLeavesNothingBehindAndVerifiersGoOn(t *testing.T) {
	b := newBooth(t)
	before := goleak.IgnoreCurrent()
	r := b.remote()
	i := must(bearer.Follow(context.Background(), r))
	v := must(i.Verifier(audience))
	jwt, opaque := b.mint(nil), b.issue(nil)
	accepts(t, v, jwt)
	accepts(t, v, opaque)
	var calls sync.WaitGroup
	for n := range 50 { // some are under way when it closes
		calls.Go(func() { _, _ = v.Verify(context.Background(), fmt.Sprint("tba_", n)) })
	}
	i.Close()
	calls.Wait()
	accepts(t, v, jwt)
	accepts(t, v, opaque)
	b.publish()
	faults(t, v, b.sign("key-2", "at+jwt", claims(nil)))
	faults(t, v, "tba_new")
	i.Close()
	b.CloseClientConnections()
	goleak.VerifyNone(t, before)

	ctx, cancel := context.WithCancel(context.Background())
	i = must(bearer.Follow(ctx, r))
	cancel() // as good as Close
	i.Close()
	goleak.VerifyNone(t, before)
}

func TestFollowRefusesARemoteThatMakesNoSense(t *testing.T) {
	good := bearer.Remote{Issuer: "https://login.example/acme", ClientID: "a", ClientSecret: "b"}
	i, err := bearer.Follow(context.Background(), good)
	if err != nil {
		t.Fatal(err)
	}
	i.Close()
	for name, spoil := range map[string]func(*bearer.Remote){
		"no issuer":                    func(r *bearer.Remote) { r.Issuer = "" },
		"no host":                      func(r *bearer.Remote) { r.Issuer = "https:///acme" },
		"no URL":                       func(r *bearer.Remote) { r.Issuer = "https://a b" },
		"plain http":                   func(r *bearer.Remote) { r.Issuer = "http://login.example" },
		"http to a name like loopback": func(r *bearer.Remote) { r.Issuer = "http://127.0.0.1.example" },
		"another scheme":               func(r *bearer.Remote) { r.Issuer = "file://localhost/etc" },
		"a query":                      func(r *bearer.Remote) { r.Issuer += "?a=b" },
		"an empty query":               func(r *bearer.Remote) { r.Issuer += "?" },
		"a fragment":                   func(r *bearer.Remote) { r.Issuer += "#a" },
		"a user":                       func(r *bearer.Remote) { r.Issuer = "https://u:p@login.example" },
		"half a credential":            func(r *bearer.Remote) { r.ClientSecret = "" },
		"the other half":               func(r *bearer.Remote) { r.ClientID = "" },
		"no patience":                  func(r *bearer.Remote) { r.MaxStaleness = time.Second },
		"negative patience":            func(r *bearer.Remote) { r.MaxStaleness = -1 },
		"opaque for too long":          func(r *bearer.Remote) { r.OpaqueStale = time.Hour },
		"refusing what is never asked": func(r *bearer.Remote) {
			r.ClientID, r.ClientSecret, r.IgnoreRevocations, r.WhenStale = "", "", true, bearer.RefuseStale
		},
		"revocations without a credential": func(r *bearer.Remote) { r.ClientID, r.ClientSecret = "", "" },
		"a credential that is never used":  func(r *bearer.Remote) { r.IgnoreRevocations = true },
	} {
		r := good
		spoil(&r)
		if i, err := bearer.Follow(context.Background(), r); err == nil {
			i.Close()
			t.Errorf("%s: accepted", name)
		}
	}
	for _, iss := range []string{"http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"} {
		r := good
		r.Issuer = iss
		i, err := bearer.Follow(context.Background(), r)
		if err != nil {
			t.Errorf("%s: %v", iss, err)
			continue
		}
		i.Close()
	}
	if bearer.ServeStale.String() != "serve-stale" || bearer.RefuseStale.String() != "refuse" {
		t.Error("policies have other words")
	}
}
