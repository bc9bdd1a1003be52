package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestMetricsAreNotReadUnderAStrangersNameFromThisMachine(t *testing.T) {
	h := NewMetrics().Operators(func(*http.Request) Health { return Health{} }, nil)
	for _, test := range []struct {
		peer, host string
		want       int
	}{
		{"127.0.0.1:5000", "localhost:8081", 200},
		{"127.0.0.1:5000", "127.0.0.1:8081", 200},
		{"[::1]:5000", "[::1]:8081", 200},
		{"127.0.0.1:5000", "rebind.evil.example", 421},
		{"127.0.0.1:5000", "localhost.evil.example:8081", 421},
		{"[::ffff:127.0.0.1]:5000", "rebind.evil.example:8081", 421},
		{"192.0.2.7:5000", "desk.internal:8081", 200}, // a collector elsewhere calls it what it likes
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr, r.Host = test.peer, test.host
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != test.want {
			t.Errorf("from %s to %s: %d, want %d", test.peer, test.host, w.Code, test.want)
		}
	}
}
