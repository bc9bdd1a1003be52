package server

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestAHealthProbeIsAnsweredUnderNamesThatNoTenantHasWhereTheSettingsSaySo(t *testing.T) {
	b := open(t)
	ask := func(method, host, sni, path string) (int, string) {
		r := httptest.NewRequest(method, path, nil)
		r.Host = host
		if sni != "" {
			r.TLS = &tls.ConnectionState{ServerName: sni}
		}
		w := b.answer(r)
		return w.Code, w.Body.String()
	}
	if status, _ := ask("GET", "10.0.0.7:8080", "", "/healthz"); status != 421 {
		t.Errorf("unless the settings say so: %d", status)
	}
	b.SetManners(Manners{Health: true})
	for _, c := range []struct {
		method, host, sni, path string
		status                  int
	}{
		{"GET", "10.0.0.7:8080", "", "/healthz", 200}, {"HEAD", "10.0.0.7", "", "/healthz", 200}, {"GET", "", "", "/healthz", 200},
		{"GET", "10.0.0.7", "evil.test", "/healthz", 200}, {"GET", "login.acme.test", "", "/healthz", 404}, {"GET", "login.acme.test:8080", "", "/healthz", 404},
		{"GET", "login.acme.test", "evil.test", "/healthz", 421}, {"POST", "10.0.0.7", "", "/healthz", 421}, {"GET", "10.0.0.7", "", "/readyz", 421},
		{"GET", "10.0.0.7", "", "/healthz/", 421}, {"GET", "10.0.0.7", "", "/metrics", 421}, {"GET", "10.0.0.7", "", JWKSPath, 421},
	} {
		status, body := ask(c.method, c.host, c.sni, c.path)
		if status != c.status || status == 200 && body != "{\"status\":\"ok\"}\n" {
			t.Errorf("%+v: %d %q", c, status, body)
		}
	}
	b.Leave()
	if status, body := ask("GET", "10.0.0.7", "", "/healthz"); status != 503 || body != "{\"status\":\"stopping\"}\n" {
		t.Errorf("while it stops: %d %q", status, body)
	}
}

func TestReq095_BrowsersAreToldOverTLSToComeByHTTPSAsTheSettingsSay(t *testing.T) {
	b := open(t)
	ask := func(over *tls.ConnectionState) []string {
		r := httptest.NewRequest(http.MethodGet, JWKSPath, nil)
		r.Host, r.TLS = "login.acme.test", over
		return b.answer(r).Header()["Strict-Transport-Security"]
	}
	told := func(want string) {
		t.Helper()
		if got := ask(&tls.ConnectionState{}); len(got) > 1 || len(got) == 1 && got[0] != want || (len(got) == 1) != (want != "") {
			t.Errorf("%q, want %q", got, want)
		}
		if got := ask(nil); got != nil {
			t.Errorf("in clear: %q", got) // RFC 6797, section 7.2
		}
	}
	told("max-age=31536000")
	b.SetManners(Manners{HSTS: HSTS{MaxAge: 48 * time.Hour, IncludeSubdomains: true}})
	told("max-age=172800; includeSubDomains")
	b.SetManners(Manners{HSTS: HSTS{MaxAge: time.Second}})
	told("max-age=1")
	b.SetManners(Manners{})
	told("")
}
