package bearer_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestOneLookUpAnswersAllWhoAskAtTheSameTime(t *testing.T) {
	b := newBooth(t)
	_, v := b.guard(t, nil)
	token := b.issue(nil)
	b.answerInstead(lookUpPath, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(50 * time.Millisecond)
		b.lookUp(w, r)
	})
	for round := range 3 {
		start := make(chan struct{})
		var calls sync.WaitGroup
		for range 100 {
			calls.Go(func() {
				<-start
				if _, err := v.Verify(context.Background(), token); err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		calls.Wait()
		if n := b.count(lookUpPath); n != round+1 {
			t.Errorf("round %d: %d look-ups", round, n)
		}
		b.clock.move(time.Second)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond) // who goes away takes nobody along
	defer cancel()
	b.clock.move(time.Second)
	other := b.issue(nil)
	var calls sync.WaitGroup
	calls.Go(func() { _, _ = v.Verify(ctx, other) })
	time.Sleep(10 * time.Millisecond)
	calls.Go(func() { accepts(t, v, other) })
	calls.Wait()
}

func TestB27_LookUpsOfDifferentTokensAreNeverJoined(t *testing.T) {
	b := newBooth(t)
	_, v := b.guard(t, nil)
	var calls sync.WaitGroup
	for n := range 100 {
		token := b.issue(object{"sub": fmt.Sprint("user-", n)})
		calls.Go(func() {
			if got, err := v.Verify(context.Background(), token); err != nil || got.Subject != fmt.Sprint("user-", n) {
				t.Errorf("%d: %+v, %v", n, got, err)
			}
		})
	}
	calls.Wait()
}

func TestReq065_Req080_AnAnswerToALookUpIsReadStrictly(t *testing.T) {
	b := newBooth(t)
	_, v := b.guard(t, nil)
	token := b.issue(nil)
	b.mu.Lock()
	full := asJSON(b.opaque[token])
	b.mu.Unlock()
	tries := 0
	try := func(status int, body string) error { // each time about a token that was never seen
		tries++
		b.answerInstead(lookUpPath, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, body)
		})
		_, err := v.Verify(context.Background(), fmt.Sprint("tba_", tries))
		return err
	}
	if err := try(200, full); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"nothing":                ``,
		"HTML":                   `<html>`,
		"an array":               `[` + full + `]`,
		"null":                   `null`,
		"no active":              `{"sub":"a"}`,
		"active as a text":       strings.Replace(full, `"active":true`, `"active":"true"`, 1),
		"active as a number":     strings.Replace(full, `"active":true`, `"active":1`, 1),
		"active as null":         strings.Replace(full, `"active":true`, `"active":null`, 1),
		"Active":                 strings.Replace(full, `"active"`, `"Active"`, 1),
		"active twice":           `{"active":false,` + full[1:],
		"active twice, escaped":  `{"\u0061ctive":false,` + full[1:],
		"sub twice":              `{"sub":"other",` + full[1:],
		"something after":        full + full,
		"cut off":                full[:len(full)-1],
		"a subject of a type":    strings.Replace(full, `"sub":"`, `"sub":7,"x":"`, 1),
		"nobody":                 strings.Replace(full, `"sub"`, `"bus"`, 1),
		"no client":              strings.Replace(full, `"client_id"`, `"c"`, 1),
		"no expiry":              strings.Replace(full, `"exp"`, `"e"`, 1),
		"a permission of spaces": strings.Replace(full, `"nql"`, `"a b"`, 1),
	} {
		if err := try(200, body); !isUnavailable(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, status := range []int{201, 204, 301, 400, 401, 403, 404, 429, 500, 503} {
		if err := try(status, full); !isUnavailable(err) {
			t.Errorf("status %d: %v", status, err)
		}
	}
	for name, body := range map[string]string{
		"not active":         `{"active":false}`,
		"not active, and so": `{"active":false,"sub":"a","exp":1}`,
		"bound to a key":     `{"cnf":{"jkt":"x"},` + full[1:],
		"another issuer":     strings.Replace(full, b.URL, "https://evil.example", 1),
		"another audience":   strings.Replace(full, audience, "https://other.example", 1),
	} {
		if err := try(200, body); err == nil || isUnavailable(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnIssuerThatHangsHoldsUpOneCallAndNotAll(t *testing.T) {
	b := newBooth(t)
	i, v := b.guard(t, nil)
	token, other := b.issue(nil), b.issue(nil)
	accepts(t, v, token)
	accepts(t, v, other)
	b.answerInstead(lookUpPath, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	b.clock.move(time.Second)
	accepts(t, v, token) // served stale; from here on it is known to fail
	b.answerInstead(lookUpPath, hang)
	b.clock.move(time.Second)
	go func() { _, _ = v.Verify(context.Background(), "tba_probe") }()
	eventually(t, "asked", func() bool { return b.count(lookUpPath) == 4 })
	began := time.Now()
	for range 100 {
		accepts(t, v, token)
		accepts(t, v, other)
		b.clock.move(100 * time.Millisecond)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("200 calls took %v", took)
	}
	if i.State().Stale == 0 {
		t.Error("nothing was counted")
	}
}

func TestB29_LookUpsUnderWayAreBounded(t *testing.T) {
	b := newBooth(t)
	_, v := b.guard(t, nil)
	b.answerInstead(lookUpPath, hang)
	ctx, cancel := context.WithCancel(context.Background())
	var calls sync.WaitGroup
	for n := range 256 {
		calls.Go(func() { _, _ = v.Verify(ctx, fmt.Sprint("tba_", n)) })
	}
	eventually(t, "asked", func() bool { return b.count(lookUpPath) == 256 })
	if text := faults(t, v, "tba_one-more"); !strings.Contains(text, "too many") {
		t.Error(text)
	}
	cancel()
	calls.Wait()
}

func TestATokenThatTheIssuerChokesOnIsInNobodyElsesWay(t *testing.T) {
	b := newBooth(t)
	_, v := b.guard(t, nil)
	good := make([]string, 20)
	for n := range good {
		good[n] = b.issue(nil)
	}
	b.answerInstead(lookUpPath, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.FormValue("token"), "bad") {
			if time.Sleep(time.Millisecond); r.FormValue("token") == "bad-0" {
				w.WriteHeader(http.StatusBadRequest)
			}
			return
		}
		b.lookUp(w, r)
	})
	stop := make(chan struct{})
	var calls sync.WaitGroup
	for n := range 4 {
		calls.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, _ = v.Verify(context.Background(), fmt.Sprint("bad-", n%2))
				}
			}
		})
	}
	for _, token := range good {
		time.Sleep(time.Millisecond)
		accepts(t, v, token)
	}
	close(stop)
	calls.Wait()
}
