//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/oauth"
)

const (
	addedTime   = 3 * time.Microsecond
	addedAllocs = 4
)

// require measures what bearer's middleware adds to a request of an API that is written in Go, in this process: it follows a desk that
// has taken back very much, and has seen the token before.
func (b *bench) require(t *booth, text string) error {
	tokens, err := t.buy(1, always(t.jwts[0]))
	if err != nil {
		return err
	}
	base := "http://" + t.addr.String()
	issuer, err := bearer.Follow(context.Background(), bearer.Remote{Issuer: base, ClientID: guardID, ClientSecret: oauth.Secret(text),
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer issuer.Close()
	for began := time.Now(); !issuer.State().Ready || issuer.State().Revocations != taken; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > silence {
			return fmt.Errorf("after %v the issuer is known as %+v", silence, issuer.State())
		}
	}
	v, err := issuer.Verifier(base)
	if err != nil {
		return err
	}
	passed := 0
	api := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed++ })
	guarded := v.Require("workflows")(api)
	var added []float64
	var allocs int64
	for range min(b.rounds, requireRounds) {
		without, with := handling(api, tokens[0]), handling(guarded, tokens[0])
		added = append(added, with.Extra[busyFor]-without.Extra[busyFor])
		allocs = max(allocs, with.AllocsPerOp()-without.AllocsPerOp())
	}
	if passed == 0 {
		return errors.New("the middleware let nobody pass")
	}
	m := median(added)
	b.report.add(row{figure: "bearer middleware, JWT seen before: added to a request", ours: fmt.Sprintf("%.2f µs, %d allocations", m/1000, allocs),
		must: fmt.Sprintf("at most %d µs, %d allocations", addedTime.Microseconds(), addedAllocs)}, m <= float64(addedTime) && allocs <= addedAllocs)
	return nil
}

const (
	requireRounds = 3
	busyFor       = "ns-of-core" // a unit among the results
)

// handling measures how much of the core a handler takes for one call, collection of what it allocates included.
func handling(h http.Handler, token string) testing.BenchmarkResult {
	return testing.Benchmark(func(b *testing.B) {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/workflows?dependency=USER", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		b.ReportAllocs()
		began := busy()
		for b.Loop() {
			h.ServeHTTP(w, r)
		}
		b.ReportMetric(float64(busy()-began)/float64(b.N), busyFor)
	})
}

// busy is the processor time that this process has used.
func busy() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t) // every Linux has this clock
	return time.Duration(t.Nano())
}
