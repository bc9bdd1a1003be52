package server

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Metrics are what operators watch. No label has a value that a caller can choose.
type Metrics struct {
	Registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	calls    *prometheus.CounterVec
}

// NewMetrics makes the metrics of one process.
func NewMetrics() *Metrics {
	m := &Metrics{
		Registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tokenbooth_token_requests_total",
			Help: "Requests for tokens by outcome: issued, or the code of the refusal."}, []string{"tenant", "dialect", "grant", "outcome"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tokenbooth_token_request_seconds",
			Help:    "Time to answer a request for a token, in seconds.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .05, .1, .5, 2.5}}, []string{"tenant", "dialect"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tokenbooth_gateway_requests_total",
			Help: "Calls to protected APIs by route and status class."}, []string{"tenant", "api", "route", "status"}),
	}
	m.Registry.MustRegister(m.requests, m.seconds, m.calls, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Count adds a counter that is read when metrics are asked for.
func (m *Metrics) Count(name, help string, read func() uint64) {
	m.Registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(read()) }))
}

// Called counts a call to a protected API.
func (m *Metrics) Called(tenant, api, route string, status int) {
	class := "other" // an upstream may answer with any three digits
	if status >= 100 && status < 600 {
		class = string('0'+rune(status/100)) + "xx"
	}
	m.calls.WithLabelValues(tenant, api, route, class).Inc()
}

// meter counts the requests of one endpoint without looking labels up.
type meter struct {
	requests *prometheus.CounterVec
	given    map[oauth.GrantType]prometheus.Counter
	seconds  prometheus.Observer
}

func (m *Metrics) meter(tenant, dialect string) *meter {
	labels := prometheus.Labels{"tenant": tenant, "dialect": dialect}
	requests := m.requests.MustCurryWith(labels)
	given := map[oauth.GrantType]prometheus.Counter{}
	for _, g := range []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken} {
		given[g] = requests.WithLabelValues(string(g), "issued")
	}
	return &meter{requests, given, m.seconds.With(labels)}
}

func (m *meter) issued(g oauth.GrantType, began time.Time) {
	m.given[g].Inc()
	m.seconds.Observe(time.Since(began).Seconds())
}

func (m *meter) refused(g oauth.GrantType, code oauth.Code, began time.Time) {
	m.requests.WithLabelValues(string(g), string(code)).Inc()
	m.seconds.Observe(time.Since(began).Seconds())
}

// Operators answers on the operators' listener: /healthz says that the process runs, /readyz that it can do its work (ready says why
// not), /metrics everything else.
func (m *Metrics) Operators(ready func(r *http.Request) error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { state(w, http.StatusOK, "ok", "") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := ready(r); err != nil {
			state(w, http.StatusServiceUnavailable, "not ready", err.Error())
			return
		}
		state(w, http.StatusOK, "ready", "")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{}))
	return mux
}

func state(w http.ResponseWriter, status int, word, why string) {
	body := oauth.AppendJSON([]byte(`{"status":`), word)
	if why != "" {
		body = oauth.AppendJSON(append(body, `,"reason":`...), why)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '}', '\n')) // a caller that went away cannot be told
}
