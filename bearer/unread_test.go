package bearer_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/revocation"
)

var policies = []bearer.Policy{bearer.ServeStale, bearer.RefuseStale}

// slowly answers in the place of the feed once the gate is open.
func (b *booth) slowly(open <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-open:
			b.feed(w, r)
		case <-r.Context().Done():
		}
	}
}

// A guard that starts knows of no revocation yet. Row 3 of the wrong answers: under either policy, no JWT is believed until they were
// read, however long that takes; whoever waits for it is refused in the end, not let through.
func TestReq006_NoRevokedJWTPassesWhileAGuardStarts(t *testing.T) {
	t.Parallel()
	for _, policy := range policies {
		b := newBooth(t)
		b.take(revocation.Token, "gone", time.Time{})
		open := make(chan struct{})
		b.answerInstead(feedPath, b.slowly(open))
		i := b.follow(t, func(r *bearer.Remote) { r.WhenStale = policy })
		v := must(i.Verifier(audience))
		gone, good := b.mint(object{"jti": "gone"}), b.mint(nil)
		var calls sync.WaitGroup
		for range 20 { // they come at once, and wait
			calls.Go(func() { refuses(t, v, gone) })
			calls.Go(func() { accepts(t, v, good) })
		}
		eventually(t, "asked for the feed", func() bool { return b.count(feedPath) > 0 })
		if i.State().Ready {
			t.Errorf("%v: ready without revocations", policy)
		}
		time.AfterFunc(50*time.Millisecond, func() { close(open) })
		calls.Wait()
		refuses(t, v, gone)
		accepts(t, v, good)
	}
}

// A feed that cannot be read, in whatever way, is no empty feed.
func TestReq044_WithoutItsFirstRevocationsAGuardAnswers503WhateverThePolicy(t *testing.T) {
	t.Parallel()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, c := range map[string]struct {
		instead http.HandlerFunc
		denied  bool
		says    string
	}{
		"unauthorized": {status(http.StatusUnauthorized), true, "correct the credential, or register the client"},
		"forbidden":    {status(http.StatusForbidden), true, "is disabled or no resource server"},
		"failing":      {status(http.StatusBadGateway), false, "answered 502"},
		"empty":        {status(http.StatusOK), false, "a page of revocations was refused"},
		"hanging":      {hang, false, ""},
	} {
		for _, policy := range policies {
			b := newBooth(t)
			b.answerInstead(feedPath, c.instead)
			i := b.follow(t, func(r *bearer.Remote) {
				r.WhenStale = policy
				*r = bearer.Hasty(*r)
			})
			v := must(i.Verifier(audience))
			token := b.mint(nil)
			eventually(t, name+": said", func() bool { s := i.State(); return s.Denied == c.denied && strings.Contains(s.LastError, c.says) })
			for range 3 {
				if text := faults(t, v, token); !strings.Contains(text, "not read yet") || !strings.Contains(text, c.says) {
					t.Errorf("%s, %v: %s", name, policy, text)
				}
			}
			b.clock.move(time.Hour / 8)
			faults(t, v, token)
			rec := httptest.NewRecorder()
			call := httptest.NewRequest(http.MethodGet, "/", nil)
			call.Header.Set("Authorization", "Bearer "+token)
			v.Require("")(http.NotFoundHandler()).ServeHTTP(rec, call)
			if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
				t.Errorf("%s, %v: the middleware answers %d %v", name, policy, rec.Code, rec.Header())
			}
			if s := i.State(); s.Ready || s.Stale != 0 {
				t.Errorf("%s, %v: %+v", name, policy, s)
			}
		}
	}
}

// An issuer that answers and does not tell is not away: what it told before serves for MaxStaleness, under either policy.
func TestReq044_AGuardWhoseClientIsDisabledStopsWhenWhatItKnowsIsOld(t *testing.T) {
	t.Parallel()
	for _, policy := range policies {
		b := newBooth(t)
		i, v := b.guard(t, func(r *bearer.Remote) {
			r.WhenStale = policy
			*r = bearer.Hasty(*r)
		})
		token := b.mint(nil)
		accepts(t, v, token)
		b.answerInstead(feedPath, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
		b.wake()
		eventually(t, "denied", func() bool { return i.State().Denied })
		accepts(t, v, token)
		b.clock.move(2 * time.Minute)
		if text := faults(t, v, token); !strings.Contains(text, "correct the credential") && policy == bearer.ServeStale {
			t.Errorf("%v: %s", policy, text)
		}
		b.away.Store(true) // it has not changed its mind by that
		b.CloseClientConnections()
		eventually(t, "away", func() bool { return !strings.Contains(i.State().LastError, "answered 401") })
		faults(t, v, token)
		if s := i.State(); s.Ready || !s.Denied || s.Stale != 0 {
			t.Errorf("%v: %+v", policy, s)
		}
		b.away.Store(false)
		b.answerInstead(feedPath, nil)
		eventually(t, "followed again", func() bool { return i.State().Ready && !isFault(v, token) })
		if s := i.State(); s.Denied {
			t.Errorf("%v: %+v", policy, s)
		}
	}
}

// Whoever comes while the issuer is away does not hang: only the first moments are waited for.
func TestACallDoesNotWaitForRevocationsForEver(t *testing.T) {
	t.Parallel()
	b := newBooth(t)
	b.answerInstead(feedPath, hang)
	hasty := func(r *bearer.Remote) { *r = bearer.Hasty(*r) }
	v := must(b.follow(t, hasty).Verifier(audience))
	token := b.mint(nil)
	faults(t, v, token)
	began := time.Now()
	faults(t, v, token)
	if took := time.Since(began); took > 100*time.Millisecond {
		t.Errorf("the second call waited %v", took)
	}
	fresh := must(b.follow(t, nil).Verifier(audience))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := fresh.Verify(ctx, token); err == nil {
		t.Error("a caller that went away is let through")
	}
}
