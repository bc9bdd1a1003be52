package gateway_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/gateway"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestAGoodTokenWithThePermissionPasses(t *testing.T) {
	w := newWorld(t, nil)
	s := w.forwarded(w.ask("GET", "/api/v1/workflows?dependency=USER", auth(mint(apiAudience, "workflows"))))
	if s.URI != "/api/v1/workflows?dependency=USER" || s.Header.Get("Tokenbooth-Client-Id") != "robot" {
		t.Errorf("%+v", s)
	}
	s = w.forwarded(w.ask("GET", "/api/auth/me", "Bearer: tba_user"))
	if s.Header.Get("Tokenbooth-Subject") != "ada" || s.Header.Get("Bearer") != "" || s.Header["Tokenbooth-Permissions"] != nil {
		t.Errorf("%+v", s)
	}
	if w.told() != nil {
		t.Error("a call that passed was told as a refusal")
	}
	if w.served[0] != "workflows /api/v1/workflows 200" || w.served[1] != "me /api/auth/me 200" {
		t.Errorf("%q", w.served)
	}
}

func TestReq088_RefusalsAreSpeltByTheAPIsDialect(t *testing.T) {
	good, poor := mint(apiAudience, "workflows", "collections", "me"), mint(apiAudience, "other")
	for _, c := range []struct {
		name, path, line string
		status           int
		challenge, body  string
	}{
		{"nexthink none", "/api/v1/workflows", "X: y", 401, `Bearer realm="https://api.acme.example"`, ""},
		{"nexthink bad", "/api/v1/workflows", auth("bad"), 401, `Bearer realm="https://api.acme.example", error="invalid_token"`, ""},
		{"nexthink poor", "/api/v1/workflows", auth(poor), 403,
			`Bearer realm="https://api.acme.example", error="insufficient_scope", scope="workflows"`, `{"code":"FORBIDDEN","message":"The token lacks a permission this call needs."}`},
		{"dadi none", "/api/collections", "X: y", 401, "", `{"statusCode":401}`},
		{"dadi Basic", "/api/collections", "Authorization: Basic eDp5", 401, `Bearer, error="no_token", error_description="No access token supplied"`, `{"statusCode":401}`},
		{"dadi two spaces", "/api/collections", "Authorization: Bearer  " + good, 401, `Bearer, error="no_token", error_description="No access token supplied"`, `{"statusCode":401}`},
		{"dadi bad", "/api/collections", auth("16d131ad-615f-4fa0-b2ce-18d600e461c4"), 401,
			`Bearer, error="invalid_token", error_description="Invalid or expired access token"`, `{"statusCode":401}`},
		{"dadi poor", "/api/collections", auth(poor), 401, `Bearer realm="/api/collections"`, `{"statusCode":401}`},
		{"nexudus none", "/api/auth/me", "X: y", 401, `Bearer realm="spaces"`, ""},
		{"nexudus poor", "/api/auth/me", "Bearer: " + poor, 401, `Bearer realm="spaces", error="insufficient_scope", scope="me"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			g := w.ask("GET", c.path, c.line)
			r := w.stopped(g, c.status)
			if g.Header.Get("WWW-Authenticate") != c.challenge || g.body != c.body {
				t.Errorf("%q\n%q", g.Header.Get("WWW-Authenticate"), g.body)
			}
			if g.Header.Get("Cache-Control") != "no-store" || (r.Token != nil) != strings.HasSuffix(c.name, "poor") {
				t.Errorf("%v %+v", g.Header, r)
			}
		})
	}
}

func TestReq090_TheSchemeHasNoCaseOneSpaceAndOneLine(t *testing.T) {
	w := newWorld(t, nil)
	good := mint(apiAudience, "workflows")
	for _, line := range []string{"Authorization: Bearer " + good, "authorization: bearer " + good, "AUTHORIZATION: BEARER " + good} {
		w.forwarded(w.ask("GET", "/api/v1/workflows", line))
	}
	for _, line := range []string{"Authorization: Bearer\t" + good, "Authorization: Bearer  " + good, "Authorization: " + good, "Authorization: Bearer", "Authorization: DPoP " + good} {
		w.stopped(w.ask("GET", "/api/v1/workflows", line), 401)
	}
}

func TestReq028_Req091_ATokenBoundToAKeyIsNoBearerTokenNorTheOtherWayRound(t *testing.T) {
	w := newWorld(t, nil)
	bound := mintWith(map[string]any{"cnf": map[string]any{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}, apiAudience, "workflows")
	w.stopped(w.ask("GET", "/api/v1/workflows", auth(bound)), 401)
	w.stopped(w.ask("GET", "/api/v1/workflows", "Authorization: DPoP "+bound, "DPoP: x"), 401)
	w.stopped(w.ask("GET", "/api/v1/workflows", "Authorization: DPoP "+mint(apiAudience, "workflows")), 401)
}

func TestReq089_TwoTransportsAtOnceAre400AndATokenInTheURLIsNone(t *testing.T) {
	w := newWorld(t, nil)
	good := mint(apiAudience, "workflows", "me", "collections")
	w.stopped(w.ask("GET", "/api/v1/workflows?access_token="+good), 401)
	w.stopped(w.ask("GET", "/api/v1/workflows?access_token="+good, auth(good)), 400)
	w.stopped(w.ask("GET", "/api/v1/workflows?%61ccess_token="+good, auth(good)), 400)
	w.stopped(w.ask("GET", "/api/v1/workflows", auth(good), auth(good)), 400)
	w.stopped(w.ask("GET", "/api/collections", auth(good), auth(good)), 400) // in a dialect that calls every refusal 401
	w.stopped(w.ask("GET", "/api/auth/me", auth(good), "Bearer: "+good), 400)
	w.stopped(w.ask("GET", "/hello?access_token=x"), 400)
	w.stopped(w.ask("GET", "/hello?a=b&%61ccess%5Ftoken=x"), 400)
}

func TestReq039_WhatIsNotDeclaredIsNotForwarded(t *testing.T) {
	w := newWorld(t, nil)
	all := auth(mint(apiAudience, "workflows", "files", "secret", "admin"))
	for _, target := range []string{"/", "/api", "/api/v1", "/api/v1/workflows/a/b", "/api/v2/workflows", "/unknown", "/api/v1/workflowsx"} {
		w.stopped(w.ask("GET", target, all), 404)
		w.stopped(w.ask("GET", target), 404) // nobody learns from the difference
	}
	g := w.ask("PATCH", "/api/v1/workflows/1", all)
	w.stopped(g, 405)
	if g.Header.Get("Allow") != "DELETE, GET, HEAD" {
		t.Error(g.Header.Get("Allow"))
	}
	w.stopped(w.ask("DELETE", "/api/v1/workflows/execute", all), 405) // the more special pattern does not let go
	w.stopped(w.ask("get", "/api/v1/workflows", all), 405)
	w.stopped(w.ask("GET", "/files/secret", auth(mint(apiAudience, "files"))), 403)
}

func TestReq107_TraceAndConnectAreNeverForwarded(t *testing.T) {
	w := newWorld(t, nil)
	all := auth(mint(apiAudience, "files"))
	for _, target := range []string{"/files/a", "/unknown"} {
		w.stopped(w.ask("TRACE", target, all), 405)
		w.stopped(w.ask("CONNECT", target, all), 405)
	}
	w.stopped(w.ask("CONNECT", "acme.example:443", all), 405)
	w.forwarded(w.ask("PROPFIND", "/files/a", all))
}

func TestReq014_Req045_ATokenOfOneAPIIsNoneOfAnother(t *testing.T) {
	w := newWorld(t, nil)
	api, admin := auth(mint(apiAudience, "admin", "files")), auth(mint(adminAudience, "admin", "files"))
	for range 2 { // the second time from the cache
		w.forwarded(w.ask("GET", "/files/x", api))
		w.forwarded(w.ask("GET", "/admin/x", admin))
		w.stopped(w.ask("GET", "/admin/x", api), 401)
		w.stopped(w.ask("GET", "/files/x", admin), 401)
	}
}

func TestReq006_AHolderWhoMayNoLongerIsRefusedAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	token := auth(mint(apiAudience, "workflows"))
	w.forwarded(w.ask("GET", "/api/v1/workflows", token))
	w.alive = func() error { return oauth.Refuse(oauth.InactiveToken, "x", "client disabled") }
	if r := w.stopped(w.ask("GET", "/api/v1/workflows", token), 401); r.Reason != "client disabled" {
		t.Errorf("%+v", r)
	}
}

func TestReq044_AnyFaultInDecidingIsARefusalAndTheAPIIsNotCalled(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/api/v1/workflows", "/api/collections", "/api/auth/me", "/me"} {
		g := w.ask("GET", path, auth("tba_down"))
		r := w.stopped(g, 503)
		if g.Header.Get("Retry-After") != "1" || g.Header.Get("WWW-Authenticate") != "" || r.Err == nil || strings.Contains(g.body, "store") {
			t.Errorf("%s: %v %q %+v", path, g.Header, g.body, r)
		}
		g = w.ask("GET", path, auth("tba_panic"))
		r = w.stopped(g, 500)
		if strings.Contains(g.body, "secret") || strings.Contains(g.body, "goroutine") || r.Err == nil || !strings.Contains(r.Err.Error(), "token_test") && !strings.Contains(r.Err.Error(), "world_test") {
			t.Errorf("%q, %v", g.body, r.Err)
		}
		if g.Header.Get("X-Request-Id") != "req-1" {
			t.Errorf("%v", g.Header)
		}
	}
	w.alive = func() error { return errors.New("registry is gone") }
	w.stopped(w.ask("GET", "/api/v1/workflows", auth(mint(apiAudience, "workflows"))), 503)
}

func TestB46_NoHeaderSkipsTheCheck(t *testing.T) {
	w := newWorld(t, nil)
	for _, line := range []string{
		"User-Agent: kube-probe/1.30", "User-Agent: GoogleHC/1.0", "User-Agent: ELB-HealthChecker/2.0", "X-Forwarded-For: 127.0.0.1", "X-Auth-Request-User: ada",
		"Tokenbooth-Subject: ada", "X-Original-Url: /hello", "X-Forwarded-Uri: /hello", "X-Forwarded-Method: OPTIONS", "X-HTTP-Method-Override: GET",
		"Sec-Fetch-Mode: no-cors", "Purpose: prefetch", "Upgrade-Insecure-Requests: 1", "Access-Control-Request-Method: GET", "Origin: https://acme.example",
	} {
		w.stopped(w.ask("GET", "/api/v1/workflows", line), 401)
		w.stopped(w.ask("OPTIONS", "/api/v1/workflows", line), 405)
	}
}

func TestReq093_NoOriginIsEverReflected(t *testing.T) {
	w := newWorld(t, nil)
	for _, origin := range []string{"https://evil.example", "null", "https://acme.example.evil", "http://acme.example"} {
		for _, g := range []got{
			w.ask("GET", "/api/v1/workflows", "Origin: "+origin),
			w.ask("OPTIONS", "/api/v1/workflows", "Origin: "+origin, "Access-Control-Request-Method: GET"),
			w.ask("GET", "/unknown", "Origin: "+origin),
		} {
			for name := range g.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s: %s", origin, name)
				}
			}
		}
	}
}

func TestReq055_RefusalsAreNotStored(t *testing.T) {
	w := newWorld(t, nil)
	for _, g := range []got{
		w.ask("GET", "/api/v1/workflows"), w.ask("GET", "/unknown"), w.ask("PUT", "/me"), w.ask("GET", "//"), w.ask("GET", "/me", auth("tba_down")),
		w.ask("GET", "/me", auth("tba_panic")), w.ask("GET", "/api/v1/workflows", auth(mint(apiAudience, "x"))),
	} {
		if g.StatusCode == http.StatusOK || g.Header.Get("Cache-Control") != "no-store" || g.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%d %v", g.StatusCode, g.Header)
		}
	}
}

// odd is a contract with a header of its own, in which every refusal is a 401.
const odd = `# Odd.
# @dialect odd
# @token opaque
# @lifetime 900s

### a token
# @grant client_credentials
POST /token
Content-Type: application/json

{"id":"{{client_id}}","secret":"{{client_secret}}"}

### answer
# @when issued
HTTP/1.1 200 OK
Content-Type: application/json

{"token":"{{access_token}}"}

### refusal
# @when refused
HTTP/1.1 401 Unauthorized

### carried
# @carry
GET /
X-Api-Token: {{access_token}}
`

func TestADialectMayNotMakeTwoTokensLookLikeABadOneNorKeepItsHeader(t *testing.T) {
	d, err := dialect.Parse("odd.http", odd)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *gateway.Options) {
		for i := range o.APIs {
			o.APIs[i].Dialect = d
		}
	})
	line := "X-Api-Token: " + mint(apiAudience, "files")
	s := w.forwarded(w.ask("GET", "/files/a", line, "Authorization: Basic eDp5"))
	if s.Header.Get("X-Api-Token") != "" || s.Header.Get("Authorization") != "" {
		t.Errorf("%v", s.Header)
	}
	w.stopped(w.ask("GET", "/files/a", "X-Api-Token: x"), 401)
	w.stopped(w.ask("GET", "/files/a", auth(mint(apiAudience, "files"))), 401)
	w.stopped(w.ask("GET", "/files/a", line, line), 400)
	w.stopped(w.ask("GET", "/files/a", "X-Api-Token: tba_down"), 503)
}
