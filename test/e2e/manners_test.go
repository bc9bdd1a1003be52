package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// tokenPaths are the token endpoints of all contracts.
var tokenPaths = []string{"/oauth2/token", "/oauth2/default/v1/token", "/api/v1/token", "/token", "/api/token"}

func TestReq037_AHostNobodyHasIs421AndNeverADefault(t *testing.T) {
	const nobody = `{"error":"No tenant has this host name."}`
	paths := append([]string{"/", "/api/v1/workflows", "/.well-known/jwks.json", "/.well-known/oauth-authorization-server"}, tokenPaths...)
	for _, host := range []string{"evil.example", "acme-login.us.localhost", "x.acme-login.eu.localhost", "acme-login.eu.localhost.evil.example", "10.0.0.1"} {
		for _, path := range paths {
			call(t, "POST", shared.public+path, "grant_type=client_credentials", "Host: "+host, shared.basic("ACME"), "X-Forwarded-Host: acme-login.eu.localhost",
				"Forwarded: host=acme-login.eu.localhost", "X-Original-Host: acme-login.eu.localhost", "Content-Type: "+form).want(t, 421, nobody)
		}
	}
	t.Run("no Host at all", func(t *testing.T) {
		shared.raw(t, "GET /.well-known/jwks.json HTTP/1.0\r\n\r\n").want(t, 421, `{"error":"The request names no host."}`)
		shared.raw(t, "GET /.well-known/jwks.json HTTP/1.1\r\n\r\n").wantStatus(t, 400)
	})
	t.Run("two hosts", func(t *testing.T) {
		shared.raw(t, "GET /.well-known/jwks.json HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n").wantStatus(t, 400)
	})
	t.Run("the target counts, not the header", func(t *testing.T) { // RFC 9112, section 3.2.2
		shared.raw(t, "GET http://evil.example/.well-known/jwks.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").want(t, 421, nobody)
	})
}

// Port, case and a final dot are no other host.
func TestReq037_AHostIsFoundHoweverItIsSpelt(t *testing.T) {
	for _, host := range []string{"acme-login.eu.localhost", "ACME-Login.EU.localhost", "acme-login.eu.localhost.", "acme-login.eu.localhost:443"} {
		call(t, "GET", shared.public+"/.well-known/jwks.json", "", "Host: "+host).wantStatus(t, 200)
	}
}

func TestReq038_NoHeaderChangesAByteOfTheMetadata(t *testing.T) {
	for _, url := range []string{shared.public, shared.vars["ACME_LOGIN_URL"]} {
		clean := call(t, "GET", url+"/.well-known/oauth-authorization-server", "").wantStatus(t, 200)
		for _, poison := range []string{"X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https", "X-Forwarded-Port: 1", "X-Forwarded-Prefix: /evil",
			"X-Forwarded-Server: evil.example", "Forwarded: for=1.2.3.4;host=evil.example;proto=https", "X-Original-URL: /evil", "X-Original-Host: evil.example",
			"X-Host: evil.example", "Origin: https://evil.example", "Referer: https://evil.example/"} {
			call(t, "GET", url+"/.well-known/oauth-authorization-server", "", poison).want(t, 200, clean.body)
		}
	}
	a := post(t, shared.public+"/oauth2/default/v1/token", "grant_type=client_credentials", "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example").wantStatus(t, 401)
	if strings.Contains(a.header.Get("WWW-Authenticate"), "evil") {
		t.Errorf("the challenge names whom the caller named: %q", a.header.Get("WWW-Authenticate"))
	}
}

func TestReq063_TokenEndpointsTakePOSTAlone(t *testing.T) {
	for _, path := range tokenPaths {
		want := map[string]int{"/token": 404}[path] // this vendor's server has nothing there for other methods
		if want == 0 {
			want = 405
		}
		for _, method := range []string{"GET", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH"} {
			a := call(t, method, shared.public+path+"?grant_type=client_credentials", "", shared.basic("NEXTHINK")).wantStatus(t, want)
			if want == 405 {
				a.wantHeader(t, "Allow", "POST")
			}
		}
	}
	for _, path := range published {
		call(t, "POST", shared.public+path, "").wantStatus(t, 405).wantHeader(t, "Allow", "GET, HEAD")
		call(t, "HEAD", shared.public+path, "").want(t, 200, "")
	}
}

func TestReq107_TRACEIsRefusedEverywhere(t *testing.T) {
	for _, path := range append([]string{"/", "/api/v1/workflows", "/api/collections", "/.well-known/jwks.json"}, tokenPaths...) {
		a := call(t, "TRACE", shared.public+path, "", "X-Canary: "+keepSecret("trace-canary-trace-canary"))
		if a.status != 404 && a.status != 405 || strings.Contains(a.body, "canary") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

// Req 107: health, metrics and profiles are not on the public listener, and no path tells what runs here.
func TestReq107_TheOperatorsPathsAreNotPublic(t *testing.T) {
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/debug/pprof/", "/debug/vars", "/version", "/favicon.ico", "/"} {
		a := call(t, "GET", shared.public+path, "").wantStatus(t, 404)
		if strings.Contains(strings.ToLower(a.body), "tokenbooth") {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		res, err := web.Get(shared.operators + path)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := readAll(res); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s, %v", path, res.StatusCode, body, err)
		}
	}
}

func TestReq064_ABodyOfAnotherKindIsRefusedByEachContractInItsWords(t *testing.T) {
	for _, c := range []struct {
		path, mediaType string
		status          int
		word            string
	}{
		{"/oauth2/token", "application/json", 415, `"invalid_request"`},
		{"/oauth2/token", "text/plain", 415, `"invalid_request"`},
		{"/oauth2/token", "multipart/form-data; boundary=x", 415, `"invalid_request"`},
		{"/oauth2/token", form + "; charset=utf-16", 415, `"invalid_request"`},
		{"/oauth2/default/v1/token", "application/json", 400, `"E0000021"`},
		{"/api/v1/token", "text/plain", 400, `"E0000021"`},
		{"/token", "application/xml", 401, `{"statusCode":401}`},
		{"/api/token", "application/json", 400, badGrant},
	} {
		body := `{"grant_type":"client_credentials"}`
		if strings.HasSuffix(c.mediaType, "utf-16") {
			body = strings.Join(strings.Split("grant_type=client_credentials", ""), "\x00")
		}
		a := call(t, "POST", shared.public+c.path, body, shared.basic("OAUTH2"), "Content-Type: "+c.mediaType).wantStatus(t, c.status)
		if !strings.Contains(a.body, c.word) {
			t.Errorf("%s with %s: %s", c.path, c.mediaType, a.body)
		}
	}
}

func TestReq069_ABodyIsAtMost64KiBAndNotCompressed(t *testing.T) {
	for _, path := range tokenPaths {
		mediaType := form
		if path == "/token" {
			mediaType = "text/plain"
		}
		for name, headers := range map[string][]string{"known length": nil, "in chunks": {"Transfer-Encoding: chunked"}} {
			a := call(t, "POST", shared.public+path, "a="+strings.Repeat("x", 64<<10), append(headers, "Content-Type: "+mediaType)...)
			if a.status != 413 {
				t.Errorf("%s, %s: %d %s", path, name, a.status, a.body)
			}
		}
	}
	post(t, shared.public+"/oauth2/token", "\x1f\x8b\x08", shared.basic("OAUTH2"), "Content-Encoding: gzip").wantStatus(t, 415)
}

func TestReq070_HeadersAndTargetsAreBounded(t *testing.T) {
	a := shared.raw(t, "GET /api/v1/workflows HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")
	a.wantStatus(t, 431)
	for _, path := range []string{"/api/v1/workflows", "/oauth2/token", "/nothing"} {
		call(t, "GET", shared.public+path+"?q="+strings.Repeat("x", 9<<10), "").wantStatus(t, 414)
	}
	call(t, "GET", shared.public+"/nothing?q="+strings.Repeat("x", 4<<10), "").wantStatus(t, 404)
}

func TestReq071_ThousandsOfParametersAreRefusedAtOnce(t *testing.T) {
	var many strings.Builder
	for i := range 10_001 {
		fmt.Fprintf(&many, "&%d=", i)
	}
	began := time.Now()
	post(t, shared.public+"/oauth2/token", "grant_type=client_credentials"+many.String(), shared.basic("OAUTH2")).wantStatus(t, 400)
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestReq061_RepeatedParametersAreRefused(t *testing.T) {
	for _, body := range []string{"grant_type=client_credentials&grant_type=client_credentials", "grant_type=client_credentials&scope=nql&scope=nql"} {
		post(t, shared.public+"/oauth2/token", body, shared.basic("OAUTH2")).wantStatus(t, 400)
	}
	connector := shared.public + "/api/v1/token?grant_type=client_credentials" // which OAuth libraries add to: the same again says nothing else
	post(t, connector, "grant_type=client_credentials", shared.basic("NEXTHINK")).wantStatus(t, 200)
	post(t, connector, "grant_type=password", shared.basic("NEXTHINK")).wantStatus(t, 400)
}

func TestReq062_CredentialsInTheURLAreRefused(t *testing.T) {
	secret := "?client_id=" + shared.vars["OAUTH2_CLIENT_ID"] + "&client_secret=" + shared.vars["OAUTH2_CLIENT_SECRET"]
	post(t, shared.public+"/oauth2/token"+secret, "grant_type=client_credentials").wantStatus(t, 400)
	post(t, shared.public+"/api/v1/token"+secret, "grant_type=client_credentials").wantStatus(t, 400)
	post(t, shared.public+"/token?secret="+shared.vars["DADI_SECRET"], "clientId="+shared.vars["DADI_CLIENT_ID"]).wantStatus(t, 401)
	post(t, shared.public+"/api/token?password="+shared.vars["NEXUDUS_PASSWORD"], "grant_type=password&username=a").wantStatus(t, 400)
}

func TestReq019_TwoWaysOfProvingOneselfAreOneTooMany(t *testing.T) {
	body := values("grant_type", "client_credentials", "client_id", shared.vars["OAUTH2_CLIENT_ID"], "client_secret", shared.vars["OAUTH2_CLIENT_SECRET"])
	for _, path := range []string{"/oauth2/token", "/oauth2/default/v1/token", "/api/v1/token"} {
		post(t, shared.public+path, body, shared.basic("OAUTH2")).wantStatus(t, 400)
	}
}

// Every call of these tests is checked for what its answer says to caches; here are the token endpoints, well and badly asked.
func TestReq055_NoAnswerOfATokenEndpointMayBeKept(t *testing.T) {
	for _, path := range tokenPaths {
		for _, body := range []string{"", "grant_type=client_credentials", "grant_type=none", "a=1&a=1", "%", strings.Repeat("x", 65<<10)} {
			post(t, shared.public+path, body, shared.basic("OAUTH2")).wantHeader(t, "Cache-Control", "no-store")
		}
		call(t, "GET", shared.public+path, "").wantHeader(t, "Cache-Control", "no-store")
		call(t, "POST", shared.public+path, "{}", "Content-Type: application/xml").wantHeader(t, "Cache-Control", "no-store")
	}
	askDADI(t)
	standardToken(t, shared, "nql") // well asked: these two check the answer's manners too
}

// Req 74: what a caller writes is not what the caller reads.
func TestReq074_NoAnswerReflectsWhatWasSent(t *testing.T) {
	const mark = `"><svg/onload=mark>\`
	pairs := []string{"grant_type", mark, "scope", mark, "username", mark, "password", mark, "refresh_token", mark, "client_id", mark, "client_secret", mark, mark, mark}
	for _, path := range append([]string{"/api/v1/workflows", "/nothing"}, tokenPaths...) {
		a := post(t, shared.public+path, values(pairs...), "X-Request-Id: mark", "User-Agent: "+mark, "Referer: mark")
		for name, lines := range a.header {
			if strings.Contains(strings.Join(lines, "\n"), "mark") {
				t.Errorf("%s: header %s is %q", path, name, lines)
			}
		}
		if strings.Contains(a.body, "mark") || strings.Contains(a.body, "svg") {
			t.Errorf("%s: %s", path, a.body)
		}
	}
}
