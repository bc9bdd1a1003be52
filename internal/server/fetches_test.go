package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestWhoHasFetchedAKeySetIsKnownOnceAndOnlySoManyAreRemembered(t *testing.T) {
	h := &Handler{}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ask := func(from, agent, tag string) {
		r := &http.Request{Header: http.Header{"User-Agent": {agent}}}
		h.fetched.note("acme", tag, r, from, now)
	}
	ask("192.0.2.1", "guard/1", "old")
	ask("192.0.2.2", strings.Repeat("é", longestAgent), "old")
	ask("192.0.2.1", "guard/1", "new")
	got := h.Fetches("acme")
	if len(got) != 2 || got[0] != (Fetch{"192.0.2.1", "guard/1", "new", now}) || got[1].Agent != strings.Repeat("é", longestAgent/2) {
		t.Errorf("%+v; want each caller once, with the set it has now, the latest first", got)
	}
	for i := range 2 * mostFetches {
		ask(fmt.Sprint("198.51.100.", i), "", "new")
	}
	if n := len(h.Fetches("acme")); n != mostFetches {
		t.Errorf("%d are remembered, want %d", n, mostFetches)
	}
	if h.Fetches("globex") != nil {
		t.Error("another tenant's callers are shown")
	}
}

func TestOutcomesSumUpWhatATenantsEndpointsAnswered(t *testing.T) {
	m := NewMetrics()
	began := time.Now()
	for _, dialect := range []string{"oauth2", "dadi"} {
		meter := m.meter("acme", dialect)
		meter.issued("client_credentials", began)
		meter.refused("client_credentials", "invalid_client", began)
		meter.refused("password", "invalid_grant", began)
		meter.refused("password", oauth.Unavailable, began) // nobody was refused
	}
	if got := m.Outcomes()["acme"]; got != (Outcome{Issued: 2, Refused: 4}) {
		t.Errorf("%+v", got)
	}
}
