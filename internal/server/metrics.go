package server

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Metrics are what operators watch. No label has a value that a caller can choose.
type Metrics struct {
	Registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	calls    *prometheus.CounterVec
	asked    *prometheus.CounterVec
	askTime  *prometheus.HistogramVec
	waiting  *prometheus.GaugeVec
	sums     sync.Map // *sums by tenant
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
	m.asked = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tokenbooth_token_queries_total",
		Help: "Requests about tokens by endpoint (introspect, revoke, feed) and outcome: what was answered, or the code of the refusal."},
		[]string{"tenant", "endpoint", "outcome"})
	m.askTime = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tokenbooth_token_query_seconds",
		Help:    "Time to answer a request about a token, in seconds.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .05, .1, .5, 2.5}}, []string{"tenant", "endpoint"})
	m.waiting = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tokenbooth_feed_waiting",
		Help: "Guards that wait for something to be taken back."}, []string{"tenant"})
	m.Registry.MustRegister(m.requests, m.seconds, m.calls, m.asked, m.askTime, m.waiting, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Count adds a counter that is read when metrics are asked for.
func (m *Metrics) Count(name, help string, read func() uint64) {
	m.Registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(read()) }))
}

// Outcome is how many requests for tokens a tenant's endpoints have answered since the process began. What was a fault of ours is neither.
type Outcome struct{ Issued, Refused uint64 }

// Outcomes returns what was answered, by tenant.
func (m *Metrics) Outcomes() map[string]Outcome {
	all := map[string]Outcome{}
	m.sums.Range(func(tenant, s any) bool {
		sum := s.(*sums)
		all[tenant.(string)] = Outcome{sum.issued.Load(), sum.refused.Load()}
		return true
	})
	return all
}

// sums are what Outcomes returns, of one tenant.
type sums struct{ issued, refused atomic.Uint64 }

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
	sums     *sums
}

func (m *Metrics) meter(tenant, dialect string) *meter {
	labels := prometheus.Labels{"tenant": tenant, "dialect": dialect}
	requests := m.requests.MustCurryWith(labels)
	given := map[oauth.GrantType]prometheus.Counter{}
	for _, g := range []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken} {
		given[g] = requests.WithLabelValues(string(g), "issued")
	}
	of, _ := m.sums.LoadOrStore(tenant, &sums{})
	return &meter{requests, given, m.seconds.With(labels), of.(*sums)}
}

func (m *meter) issued(g oauth.GrantType, began time.Time) {
	m.given[g].Inc()
	m.sums.issued.Add(1)
	m.seconds.Observe(time.Since(began).Seconds())
}

func (m *meter) refused(g oauth.GrantType, code oauth.Code, began time.Time) {
	m.requests.WithLabelValues(string(g), string(code)).Inc()
	if code != oauth.ServerError && code != oauth.Unavailable {
		m.sums.refused.Add(1)
	}
	m.seconds.Observe(time.Since(began).Seconds())
}

// askMeter counts the requests of an endpoint that is about tokens.
type askMeter struct {
	asked   *prometheus.CounterVec
	usual   map[string]prometheus.Counter // the outcomes that are no refusals
	seconds prometheus.Observer           // nil where waiting is the point
}

func (m *Metrics) askMeter(tenant, endpoint string, timed bool, usual ...string) *askMeter {
	a := &askMeter{asked: m.asked.MustCurryWith(prometheus.Labels{"tenant": tenant, "endpoint": endpoint}), usual: map[string]prometheus.Counter{}}
	for _, outcome := range usual {
		a.usual[outcome] = a.asked.WithLabelValues(outcome)
	}
	if timed {
		a.seconds = m.askTime.WithLabelValues(tenant, endpoint)
	}
	return a
}

// answered counts a request; outcome is one of the usual, or the code of a refusal.
func (a *askMeter) answered(outcome string, began time.Time) {
	if c := a.usual[outcome]; c != nil {
		c.Inc()
	} else {
		a.asked.WithLabelValues(outcome).Inc()
	}
	if a.seconds != nil {
		a.seconds.Observe(time.Since(began).Seconds())
	}
}
