package server

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/edge"
)

// scraper is somebody who asks for the metrics.
type scraper struct {
	peer, host string
	forwarded  string // X-Forwarded-For
	want       int
}

// scrape asks for the metrics as each of them.
func scrape(t *testing.T, may Scrapers, who ...scraper) {
	t.Helper()
	door := &edge.Door{NewID: func() string { return "1" }, Socket: true, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	h := NewMetrics().Operators(func(*http.Request) Health { return Health{} }, Scrape{door, func() Scrapers { return may }}, nil)
	for _, s := range who {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr, r.Host = s.peer, s.host
		if s.forwarded != "" {
			r.Header.Set("X-Forwarded-For", s.forwarded)
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != s.want {
			t.Errorf("%+v asks %+v: %d", may, s, w.Code)
		}
	}
}

func TestMetricsAreNotReadUnderAStrangersNameFromThisMachine(t *testing.T) {
	scrape(t, Scrapers{},
		scraper{"127.0.0.1:5000", "localhost:8081", "", 200},
		scraper{"127.0.0.1:5000", "127.0.0.1:8081", "", 200},
		scraper{"[::1]:5000", "[::1]:8081", "", 200},
		scraper{"127.0.0.1:5000", "rebind.evil.example", "", 421},
		scraper{"127.0.0.1:5000", "localhost.evil.example:8081", "", 421},
		scraper{"[::ffff:127.0.0.1]:5000", "rebind.evil.example:8081", "", 421},
		scraper{"192.0.2.7:5000", "desk.internal:8081", "", 200}, // a collector elsewhere calls it what it likes
		scraper{"@", "localhost", "", 200},                       // over a unix socket
		scraper{"@", "rebind.evil.example", "", 421},
	)
}

func TestMetricsAreReadUnderTheNamesThatScrapersHave(t *testing.T) {
	scrape(t, Scrapers{Hosts: []string{"metrics.internal"}},
		scraper{"127.0.0.1:5000", "Metrics.Internal.:8081", "", 200},
		scraper{"127.0.0.1:5000", "localhost:8081", "", 200},
		scraper{"127.0.0.1:5000", "rebind.evil.example", "", 421},
		scraper{"@", "metrics.internal", "", 200},
		scraper{"192.0.2.7:5000", "metrics.internal", "", 200},
		scraper{"192.0.2.7:5000", "desk.internal:8081", "", 421}, // browsers elsewhere are made to call as well
		scraper{"192.0.2.7:5000", "", "", 421},
	)
}

func TestNetworksOfScrapersNeverWaiveTheNameForThisMachine(t *testing.T) {
	all := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	some := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	scrape(t, Scrapers{Networks: all},
		scraper{"127.0.0.1:5000", "rebind.evil.example", "", 421},
		scraper{"[::1]:5000", "rebind.evil.example", "", 421},
		scraper{"192.0.2.7:5000", "rebind.evil.example", "", 200})
	scrape(t, Scrapers{Networks: some},
		scraper{"192.0.2.7:5000", "anything.internal", "", 200},
		scraper{"198.51.100.7:5000", "anything.internal", "", 403},
		scraper{"127.0.0.1:5000", "localhost", "", 200},
		scraper{"@", "localhost", "", 200},
		scraper{"127.0.0.1:5000", "rebind.evil.example", "192.0.2.7", 421},
		scraper{"127.0.0.1:5000", "localhost", "192.0.2.7", 200},
		scraper{"127.0.0.1:5000", "localhost", "198.51.100.7", 403}, // a proxy here asks for somebody else
		scraper{"127.0.0.1:5000", "localhost", "unknown", 403},
		scraper{"[::1]:5000", "localhost", "192.0.2.7", 403}, // no trusted proxy: what it says of others does not count
		scraper{"@", "localhost", "198.51.100.7", 403},
		scraper{"@", "localhost", "unknown", 403})
}
