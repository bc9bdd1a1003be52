package server

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Health is what the operators' listener says of a process.
type Health struct {
	Reason  string              `json:"reason,omitempty"`  // why it cannot do its work; empty: it can
	Warning string              `json:"warning,omitempty"` // what is wrong and does not keep it from its work
	Issuers map[string]Followed `json:"issuers,omitempty"` // that it follows, by tenant

	// Settings are there while those in force are not those of the file. That alone makes nobody unready: what is in force works.
	Settings *Settings `json:"settings,omitempty"`
}

// Settings say why those of the file were refused.
type Settings struct {
	Refused      string    `json:"refused"`
	InForceSince time.Time `json:"in_force_since"`
}

// Followed is how well an issuer is followed.
type Followed struct {
	Ready       bool    `json:"ready"`             // its tokens are decided about
	Staleness   float64 `json:"staleness_seconds"` // since it was last heard that nothing else is taken back
	Revocations int     `json:"revocations"`       // that count now
	Denied      bool    `json:"denied,omitempty"`  // the issuer answers, but does not tell us what it revokes: a fault of the settings
	Problem     string  `json:"problem,omitempty"`
}

// Operators answers on the operators' listener: /healthz says that the process runs, /readyz whether it can do its work, /metrics what
// it has done; beside, which may be nil, answers everything else.
func (m *Metrics) Operators(health func(*http.Request) Health, scrape Scrape, beside http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { state(w, http.StatusOK, "ok", Health{}) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		h := health(r)
		if h.Reason != "" {
			state(w, http.StatusServiceUnavailable, "not ready", h)
			return
		}
		state(w, http.StatusOK, "ready", h)
	})
	mux.Handle("GET /metrics", scrape.only(promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{})))
	if beside != nil {
		mux.Handle("/", beside)
	}
	return mux
}

func state(w http.ResponseWriter, status int, word string, h Health) {
	body, err := json.Marshal(struct {
		Status string `json:"status"`
		Health
	}{word, h})
	if err != nil { // texts and numbers: cannot happen
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a caller that went away cannot be told
}
