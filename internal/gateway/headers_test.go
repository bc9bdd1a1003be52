package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/gateway"
)

// forged are header lines by which a caller says who it is, or what it asks for.
var forged = []string{
	"Tokenbooth-Tenant: globex", "Tokenbooth-Client-Id: root", "Tokenbooth-Subject: root", "Tokenbooth-Username: root", "Tokenbooth-Name: root",
	"Tokenbooth-Scope: admin", "Tokenbooth-Permissions: admin", "Tokenbooth-Token-Id: x", "X-Request-Id: forged", "Tokenbooth-Roles: admin",
	"tokenbooth_subject: root", "Tokenbooth_Subject: root", "Tokenbooth.Subject: root", "TOKENBOOTH-SUBJECT: root", "tokenbooth-subject: root",
	"Tokenbooth!Subject: root", "Tokenbooth-Subject_: root", "Tokenbooth~Permissions: admin", "tokenbooth_client_id: root", "X_Request_Id: forged", "X.Request.Id: forged",
	"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: evil", "X-Forwarded-Proto: https", "X-Forwarded-Port: 1", "X-Forwarded-Prefix: /admin", "X-Forwarded-Uri: /admin",
	"X-Forwarded-Method: PUT", "X-Forwarded-Server: evil", "X-Forwarded-User: root", "X-Forwarded: for=127.0.0.1", "Forwarded: for=127.0.0.1;host=evil", "X_Forwarded_For: 127.0.0.1",
	"X.Forwarded.For: 127.0.0.1", "X-Forwarded-Tls-Client-Cert: x", "X-Original-Url: /admin", "X-Original-Uri: /admin", "X-Original-Host: evil", "X-Rewrite-Url: /admin",
	"X-Real-Ip: 127.0.0.1", "X_Real_IP: 127.0.0.1", "True-Client-Ip: 127.0.0.1", "Cf-Connecting-Ip: 127.0.0.1", "X-Client-Ip: 127.0.0.1", "X-Http-Method-Override: DELETE",
	"X-Http-Method: DELETE", "X-Method-Override: DELETE", "X-Remote-User: root", "Remote-User: root", "Client-Cert: :AA==:", "X-Auth-Request-User: root", "Proxy: http://evil",
	"Cookie: session=1", "Cookie: session=2", "Proxy-Authorization: Basic eDp5", "Http2-Settings: AAMAAABkAAQAAP__", "Bearer: forged", "Expect: 100-continue",
}

// ours are what the API may see of the names above.
var ours = map[string]string{
	"Tokenbooth-Tenant": "acme", "Tokenbooth-Client-Id": "robot", "Tokenbooth-Subject": "robot", "Tokenbooth-Username": "%20ada%25%C3%A9%20",
	"Tokenbooth-Scope": "service:integration", "Tokenbooth-Permissions": "files me", "Tokenbooth-Token-Id": "id-1", "X-Request-Id": "req-1",
	"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "acme.example", "X-Forwarded-Proto": "http",
}

// plainHeaders are what else it sees.
var plainHeaders = map[string]bool{"Content-Length": true, "User-Agent": true, "Accept": true, "Connection": true}

func checkIdentity(t *testing.T, name string, s seen, want map[string]string) {
	t.Helper()
	for k, v := range s.Header {
		if w, ok := want[k]; ok {
			if len(v) != 1 || v[0] != w {
				t.Errorf("%s: the API saw %s: %q, want %q", name, k, v, w)
			}
		} else if !plainHeaders[k] {
			t.Errorf("%s: the API saw %s: %q", name, k, v)
		}
	}
	for k := range want {
		if s.Header[k] == nil {
			t.Errorf("%s: the API did not see %s", name, k)
		}
	}
}

func TestReq041_Req043_B33_B34_B40_B41_NobodyElsesIdentityReachesTheAPI(t *testing.T) {
	w := newWorld(t, nil)
	token := auth(mint(apiAudience, "files", "me"))
	for _, line := range forged {
		checkIdentity(t, line, w.forwarded(w.ask("GET", "/files/a", token, line)), ours)
	}
	checkIdentity(t, "all at once", w.forwarded(w.ask("GET", "/files/a", append(forged, token)...)), ours)
}

func TestB42_NorOnAPublicRoute(t *testing.T) {
	w := newWorld(t, nil)
	nobody := map[string]string{}
	for _, k := range []string{"Tokenbooth-Tenant", "X-Request-Id", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		nobody[k] = ours[k]
	}
	for _, line := range append(forged, auth(mint(apiAudience, "files")), auth("bad"), "Authorization: Basic eDp5") {
		checkIdentity(t, line, w.forwarded(w.ask("GET", "/hello", line)), nobody)
	}
}

func TestReq042_B43_ConnectionCannotTakeIdentityAway(t *testing.T) {
	w := newWorld(t, nil)
	token := auth(mint(apiAudience, "files", "me"))
	for _, line := range []string{
		"Connection: Tokenbooth-Subject, Tokenbooth-Permissions", "connection: tokenbooth-subject", "Connection: close, TOKENBOOTH-CLIENT-ID", "Connection: X-Request-Id, X-Forwarded-For",
		"Connection: Authorization", "Connection: Tokenbooth_Subject", "Connection: Host, Content-Length", "Proxy-Connection: Tokenbooth-Tenant", "Keep-Alive: Tokenbooth-Tenant",
	} {
		checkIdentity(t, line, w.forwarded(w.ask("GET", "/files/a", token, line)), ours)
	}
}

func TestReq046_TheCredentialStaysHere(t *testing.T) {
	w := newWorld(t, nil)
	jwt := mint(apiAudience, "files", "me")
	for _, call := range [][]string{
		{"/files/a", auth(jwt), "Cookie: a=" + jwt}, {"/api/auth/me", "Bearer: " + jwt}, {"/api/auth/me", auth(jwt)}, {"/me", auth(jwt), "Bearer: " + jwt},
	} {
		s := w.forwarded(w.ask("GET", call[0], call[1:]...))
		if text, _ := json.Marshal(s); strings.Contains(string(text), jwt[:20]) || strings.Contains(string(text), jwt[len(jwt)-20:]) {
			t.Errorf("the API saw the token: %s", text)
		}
	}
	for _, g := range []got{w.ask("GET", "/api/v1/workflows", auth(jwt)), w.ask("GET", "/api/collections", auth(jwt)), w.ask("GET", "/unknown", auth(jwt))} {
		if strings.Contains(g.body, jwt[:20]) || g.StatusCode == 200 {
			t.Errorf("%d %s", g.StatusCode, g.body)
		}
	}
}

func TestTrailersOfACallerAreNotForwarded(t *testing.T) {
	w := newWorld(t, nil)
	g := w.raw("POST /files/a HTTP/1.1\r\nHost: acme.example\r\nConnection: close\r\n" + auth(mint(apiAudience, "files", "me")) +
		"\r\nTransfer-Encoding: chunked\r\nTrailer: Tokenbooth-Subject, X-T\r\n\r\n5\r\nhello\r\n0\r\nTokenbooth-Subject: root\r\nX-T: 1\r\n\r\n")
	s := w.forwarded(g)
	if s.Body != "hello" {
		t.Errorf("%q", s.Body)
	}
	for k := range s.Header {
		if strings.HasPrefix(k, "Trailer") {
			t.Errorf("%s", k)
		}
	}
}

func TestTheAPIsBannersAndIdentityStayInside(t *testing.T) {
	w := newWorld(t, nil)
	g := w.ask("GET", "/hello")
	w.forwarded(g)
	for _, name := range []string{"Server", "X-Powered-By", "Tokenbooth_Subject", "Set-Cookie"} {
		if g.Header[http.CanonicalHeaderKey(name)] != nil || g.Header[name] != nil {
			t.Errorf("%s: %q", name, g.Header[name])
		}
	}
	if g.Header.Get("X-Request-Id") != "req-1" || len(g.Header["X-Front"]) != 1 || g.Header.Get("X-Front") != "ours" || g.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", g.Header)
	}
}

func TestTheServerInFrontSaysWhereTheCallerIs(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) {
		o.Scheme = "https"
	})
	w.door.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	s := w.forwarded(w.ask("GET", "/hello", "X-Forwarded-For: 10.0.0.1, [2001:db8::7]:443"))
	if s.Header.Get("X-Forwarded-For") != "2001:db8::7" || s.Header.Get("X-Forwarded-Proto") != "https" || strings.Contains(s.Host, "acme") {
		t.Errorf("%+v", s)
	}
}
