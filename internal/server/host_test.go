package server

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestReq037_the_tenant_is_found_by_the_host_and_by_nothing_else(t *testing.T) {
	b := open(t)
	for host, want := range map[string]string{
		"login.acme.test": "acme", "LOGIN.Acme.Test": "acme", "login.acme.test:8443": "acme", "login.acme.test.": "acme", "login.acme.test.:443": "acme",
		"[::1]": "acme", "[::1]:8080": "acme", "login.other.test": "other",
		"": "", ":443": "", "acme.test": "", "x.login.acme.test": "", "login.acme.test.evil.test": "", "login.acme.test..": "", "[::2]:80": "", "::1": "",
		"[login.acme.test]": "", "[login.acme.test": "", "login.acme.test]": "", "[::1": "", "login.acme.test:https": "",
		"127.0.0.1": "", "login.acme.test@evil.test": "", "evil.test#login.acme.test": "", "login.acme.test,login.other.test": "", " login.acme.test": "",
	} {
		r := httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil)
		r.Host = host
		r.Header.Set("X-Forwarded-Host", "login.acme.test")
		r.Header.Set("Forwarded", "host=login.acme.test")
		w := b.answer(r)
		keys, _, err := b.Keys(want)
		switch {
		case want == "" && w.Code != http.StatusMisdirectedRequest:
			t.Errorf("%q: %d", host, w.Code)
		case want != "" && (err != nil || w.Code != http.StatusOK || w.Body.String() != string(keys)):
			t.Errorf("%q is not %s: %d %s %v", host, want, w.Code, w.Body, err)
		}
	}
}

func TestReq037_the_name_in_the_handshake_must_be_that_of_the_request(t *testing.T) {
	b := open(t)
	for _, c := range []struct {
		sni, host string
		status    int
	}{
		{"login.acme.test", "login.acme.test", 200}, {"LOGIN.acme.test", "login.ACME.test.:443", 200}, {"", "login.acme.test", 200},
		{"login.other.test", "login.acme.test", 421}, {"evil.test", "login.acme.test", 421}, {"login.acme.test", "evil.test", 421},
	} {
		r := httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil)
		r.Host, r.TLS = c.host, &tls.ConnectionState{ServerName: c.sni}
		w := b.answer(r)
		if w.Code != c.status {
			t.Errorf("%+v: %d", c, w.Code)
		}
		if w.Header().Get("Strict-Transport-Security") == "" {
			t.Error("Req 95: no HSTS on HTTPS")
		}
	}
}

func TestReq037_two_hosts_in_one_request_are_refused(t *testing.T) {
	srv := httptest.NewServer(open(t))
	defer srv.Close()
	for name, c := range map[string]struct {
		head   string
		status int
	}{
		"two header lines":                      {"GET /.well-known/jwks.json HTTP/1.1\r\nHost: login.acme.test\r\nHost: login.other.test\r\n\r\n", 400},
		"no host":                               {"GET /.well-known/jwks.json HTTP/1.1\r\n\r\n", 400},
		"an absolute target of an unknown host": {"GET http://evil.test/.well-known/jwks.json HTTP/1.1\r\nHost: login.acme.test\r\n\r\n", 421},
		"an absolute target goes before Host":   {"GET http://login.other.test/.well-known/jwks.json HTTP/1.1\r\nHost: evil.test\r\n\r\n", 200},
	} {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, c.head)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != c.status {
			t.Errorf("%s: %v %v", name, res, err)
		}
		conn.Close()
	}
}

func TestReq038_no_header_of_a_request_changes_what_the_metadata_says(t *testing.T) {
	b := open(t)
	ask := func(headers ...string) string {
		r := httptest.NewRequest(http.MethodGet, "/.well-known/oauth-authorization-server", nil)
		r.Host = "login.acme.test"
		for k := 0; k < len(headers); k += 2 {
			r.Header.Set(headers[k], headers[k+1])
		}
		return plainly(b.answer(r))
	}
	want := ask()
	for _, h := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Original-URL", "X-Host", "Forwarded"} {
		if got := ask(h, "evil.test"); got != want || strings.Contains(got, "evil") {
			t.Errorf("%s: %s", h, got)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/.well-known/oauth-authorization-server", nil)
	r.Host = "login.acme.test:6666"
	if got := plainly(b.answer(r)); got != want {
		t.Errorf("a port in Host: %s", got)
	}
}

func TestReq043_proxies_are_believed_only_when_they_are_named(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	for name, c := range map[string]struct {
		trusted []netip.Prefix
		peer    string
		lines   []string
		want    string
	}{
		"nobody is trusted":                  {nil, "10.0.0.1:80", []string{"192.0.2.7"}, "10.0.0.1"},
		"the peer is not trusted":            {proxies, "203.0.113.5:80", []string{"192.0.2.7"}, "203.0.113.5"},
		"a trusted peer":                     {proxies, "10.0.0.1:80", []string{"192.0.2.7"}, "192.0.2.7"},
		"the right-most that is not trusted": {proxies, "10.0.0.1:80", []string{"6.6.6.6, 192.0.2.7, 10.9.9.9"}, "192.0.2.7"},
		"over several lines":                 {proxies, "10.0.0.1:80", []string{"6.6.6.6", "192.0.2.7,10.9.9.9", "10.8.8.8"}, "192.0.2.7"},
		"all are trusted":                    {proxies, "10.0.0.1:80", []string{"10.1.1.1, 10.2.2.2"}, "10.1.1.1"},
		"what cannot be read is nobody":      {proxies, "10.0.0.1:80", []string{"192.0.2.7, unknown, 10.2.2.2"}, "unknown (behind 10.0.0.1)"},
		"a port":                             {proxies, "10.0.0.1:80", []string{"192.0.2.7, 203.0.113.9:51234"}, "203.0.113.9"},
		"no header":                          {proxies, "10.0.0.1:80", nil, "10.0.0.1"},
		"an empty header":                    {proxies, "10.0.0.1:80", []string{""}, "10.0.0.1"},
		"mapped into IPv6":                   {proxies, "[::ffff:10.0.0.1]:80", []string{"::ffff:192.0.2.7"}, "192.0.2.7"},
		"IPv6":                               {proxies, "[2001:db8:1::9]:80", []string{"2001:db8:2::1"}, "2001:db8:2::1"},
		"a peer without an address":          {proxies, "@", []string{"192.0.2.7"}, "unknown"},
	} {
		var got edge.Request
		b := open(t, func(o *Options) {
			o.Door.Proxies = c.trusted
			o.Next = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = edge.Of(r) })
		})
		r := httptest.NewRequest(http.MethodGet, "/api", nil)
		r.Host, r.RemoteAddr = "login.acme.test", c.peer
		r.Header["X-Forwarded-For"] = c.lines
		r.Header.Set("X-Real-Ip", "6.6.6.6")
		r.Header.Set("Forwarded", "for=6.6.6.6")
		b.answer(r)
		if got.From() != c.want || got.Tenant != "acme" || got.ID == "" {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
}

func TestWhatIsNoEndpointGoesOnToTheGateway(t *testing.T) {
	var seen []string
	b := open(t, func(o *Options) {
		o.Next = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = append(seen, r.URL.EscapedPath()) })
	})
	for _, path := range []string{"/", "/api/v1/workflows", "/oauth2/token/", "/OAuth2/token", "/oauth2%2Ftoken", "/oauth2/%74oken", "//oauth2/token", "/oauth2/token;x"} {
		r := httptest.NewRequest(http.MethodPost, path, nil)
		r.Host = "login.acme.test"
		before := len(seen)
		b.answer(r)
		if len(seen) != before+1 && path != "/oauth2/%74oken" { // that one is the same path to all who read it
			t.Errorf("%s was not handed on", path)
		}
	}
}

func TestTenantsAreSwappedWithoutDroppingARequest(t *testing.T) {
	b := open(t)
	b.client("app")
	var askers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		askers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if w := b.answer(b.basic("app")); w.Code != http.StatusOK {
					t.Errorf("%d %s", w.Code, w.Body)
					return
				}
			}
		})
	}
	for range 50 {
		b.SetTenants(surface())
	}
	close(stop)
	askers.Wait()
	b.SetTenants(surface()[1:])
	if w := b.answer(b.basic("app")); w.Code != http.StatusMisdirectedRequest {
		t.Errorf("a tenant that is gone answers: %d", w.Code)
	}
}

func TestReq036_a_client_of_one_tenant_is_nobody_at_the_host_of_another(t *testing.T) {
	b := open(t)
	b.client("app")
	r := b.basic("app")
	r.Host = "login.other.test"
	if w := b.answer(r); w.Code != http.StatusUnauthorized || member(t, w.Body.String(), "error") != string(oauth.InvalidClient) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
