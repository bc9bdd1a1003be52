package e2e

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// wrong sets the wall clocks of processes wrong, whose monotonic clocks go on as they did.
func wrong(t *testing.T, by time.Duration, all ...*booth) {
	t.Helper()
	for _, b := range all {
		if err := os.WriteFile(b.clock, []byte("0s "+by.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// The clock of the machine jumps an hour ahead, for as long as everything that removes what is over needs to come by, and back: what was
// revoked stays so at the issuer, at its gateway and at a gateway apart, also after restarts in the jump, and what was good still is.
func TestReq006_AClockThatJumpsAnHourAheadAndBackBringsNothingBackAndLosesNothing(t *testing.T) {
	t.Parallel()
	p := newPair(t, "60s", "serve")
	opaqueID, opaqueSecret := p.desk.register(t, "Opaque", "-p", "orders.read", "--token-form", "opaque")
	p.desk.begin(t)
	p.gate.begin(t)
	basic := "Authorization: Basic " + basicOf(p.id, p.secret)
	opaqueBasic := "Authorization: Basic " + basicOf(opaqueID, opaqueSecret)
	revoked, good, live := p.token(t), p.token(t), p.tokenOf(t, opaqueID, opaqueSecret)
	p.revoke(t, revoked)
	gone := p.tokenOf(t, opaqueID, opaqueSecret)
	post(t, p.desk.public+"/oauth2/revoke", values("token", gone), opaqueBasic).wantStatus(t, 200)

	check := func(when string, alive ...string) {
		t.Helper()
		for _, token := range []string{revoked, gone} {
			within(t, freshness, when+": refused at the gateway apart", func() bool { return p.passes(t, token) == http.StatusUnauthorized })
			if status := get(t, p.desk.public+"/api/orders", token).status; status != http.StatusUnauthorized {
				t.Errorf("%s: a revoked token at the desk's gateway: %d", when, status)
			}
			post(t, p.desk.public+"/oauth2/introspect", values("token", token), map[string]string{revoked: basic, gone: opaqueBasic}[token]).
				want(t, 200, `{"active":false}`)
		}
		for _, token := range alive {
			within(t, freshness, when+": a good token passes at the gateway apart", func() bool { return p.passes(t, token) == http.StatusOK })
			if status := get(t, p.desk.public+"/api/orders", token).status; status != http.StatusOK {
				t.Errorf("%s: a good token at the desk's gateway: %d", when, status)
			}
		}
	}
	check("before", good, live)
	wrong(t, time.Hour, p.desk, p.gate)
	time.Sleep(5 * time.Second) // sweeps of the store come each second
	if status := get(t, p.desk.public+"/api/orders", good).status; status != http.StatusUnauthorized {
		t.Fatalf("%d: the clock did not jump", status)
	}
	for _, b := range []*booth{p.desk, p.gate} {
		b.logged(t, freshness, "the wall clock has jumped 1h0m0s ahead")
		if ahead := b.metric(t, "tokenbooth_clock_ahead_seconds"); !strings.HasPrefix(ahead, "36") && !strings.HasPrefix(ahead, "3599") || !b.ready() {
			t.Errorf("the metric says %s, ready is %v", ahead, b.ready())
		}
	}
	wrong(t, 0, p.desk, p.gate)
	check("after the jump", good, live)

	for _, b := range []*booth{p.desk, p.gate} { // and once more, with a restart within it
		b.end(t)
	}
	wrong(t, time.Hour, p.desk, p.gate)
	p.desk.begin(t)
	p.gate.begin(t)
	time.Sleep(3 * time.Second)
	wrong(t, 0, p.desk, p.gate)
	check("after a restart in a jump", good, live)
	p.desk.end(t)
	p.desk.begin(t)
	check("after a restart after the jump", good, live)
}
