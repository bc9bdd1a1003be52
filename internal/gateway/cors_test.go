package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/gateway"
)

const page = "https://app.example.com"

// paged lets pages call the first API.
func paged(c gateway.CORS) func(*gateway.Options) {
	return func(o *gateway.Options) { o.APIs[0].CORS = &c }
}

func spoken(h http.Header) map[string]string {
	said := map[string]string{}
	for name, v := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			said[strings.TrimPrefix(name, "Access-Control-")] = strings.Join(v, "|")
		}
	}
	return said
}

func varies(h http.Header, on string) bool {
	return slices.Contains(strings.Split(strings.ReplaceAll(strings.Join(h["Vary"], ","), " ", ""), ","), on)
}

func TestReq093_APreflightIsAnsweredForDeclaredRoutesWithoutAToken(t *testing.T) {
	w := newWorld(t, paged(gateway.CORS{Origins: []string{page}, Headers: []string{"Authorization", "X-Trace"}, ExposeHeaders: []string{"X-Page"}, MaxAge: 10 * time.Minute, Credentials: true}))
	for _, row := range []struct{ target, method, methods string }{
		{"/api/v1/workflows/1", "DELETE", "DELETE, GET"}, {"/api/v1/workflows", "GET", "GET"}, {"/files/a", "PROPFIND", "PROPFIND"}, {"/hello", "GET", "GET"}, {"/api/v1/workflows/execute", "POST", "POST"},
	} {
		g := w.ask("OPTIONS", row.target, "Origin: "+page, "Access-Control-Request-Method: "+row.method, "Access-Control-Request-Headers: authorization")
		want := map[string]string{"Allow-Origin": page, "Allow-Credentials": "true", "Allow-Methods": row.methods, "Allow-Headers": "Authorization, X-Trace", "Max-Age": "600"}
		if said := spoken(g.Header); g.StatusCode != 204 || len(w.echo.last()) != 0 || fmt.Sprint(said) != fmt.Sprint(want) || !varies(g.Header, "Origin") || !varies(g.Header, "Access-Control-Request-Method") {
			t.Errorf("%s %s: %d %v", row.method, row.target, g.StatusCode, g.Header)
		}
	}
	for name, lines := range map[string][]string{
		"another path":    {"/unknown", "Origin: " + page, "Access-Control-Request-Method: GET"},
		"another method":  {"/api/v1/workflows", "Origin: " + page, "Access-Control-Request-Method: DELETE"},
		"of another API":  {"/admin/x", "Origin: " + page, "Access-Control-Request-Method: GET"},
		"no origin":       {"/api/v1/workflows", "Access-Control-Request-Method: GET"},
		"no method":       {"/api/v1/workflows", "Origin: " + page},
		"two methods":     {"/api/v1/workflows", "Origin: " + page, "Access-Control-Request-Method: GET", "Access-Control-Request-Method: GET"},
		"no token at all": {"/files/a", "Origin: " + page, "Access-Control-Request-Method: GET, X: y"},
	} {
		g := w.ask("OPTIONS", lines[0], lines[1:]...)
		if g.StatusCode < 400 || len(w.echo.last()) != 0 || g.Header.Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("%s: %d %v", name, g.StatusCode, g.Header)
		}
	}
}

var strangers = []string{
	"https://evil.example", "null", "http://app.example.com", "https://app.example.com.evil.example", "https://evilapp.example.com", "https://app.example.com:8443", "https://sub.app.example.com",
	"https://app.example.com/", "https://APP.example.com", "https://app.example.com, https://evil.example", "", "*", "https://app.example.com%00", "https://app.example.co",
}

func TestReq093_ExactOriginsAndNothingIsReflected(t *testing.T) {
	w := newWorld(t, paged(gateway.CORS{Origins: []string{page}, Headers: []string{"Authorization"}, Credentials: true}))
	token := auth(mint(apiAudience, "files", "workflows"))
	for _, origin := range strangers {
		for _, g := range []got{
			w.ask("GET", "/files/a", token, "Origin: "+origin), w.ask("GET", "/files/a", "Origin: "+origin), w.ask("GET", "/files/secret", token, "Origin: "+origin),
			w.ask("OPTIONS", "/api/v1/workflows", "Origin: "+origin, "Access-Control-Request-Method: GET"), w.ask("GET", "/unknown", "Origin: "+origin),
		} {
			if said := spoken(g.Header); len(said) != 0 {
				t.Errorf("%q: %d %v", origin, g.StatusCode, said)
			}
		}
		w.told()
	}
	g := w.ask("GET", "/files/a", token, "Origin: "+page, "Origin: https://evil.example")
	if said := spoken(g.Header); len(said) != 0 {
		t.Errorf("two origins: %v", said)
	}
}

func TestReq093_APageCanReadAnswersAndRefusals(t *testing.T) {
	w := newWorld(t, paged(gateway.CORS{Origins: []string{"http://localhost:3000", page}, ExposeHeaders: []string{"X-Page", "WWW-Authenticate"}}))
	token := auth(mint(apiAudience, "files"))
	for target, status := range map[string]int{"/files/a": 200, "/hello": 200, "/files/secret": 403, "/me": 200} {
		g := w.ask("GET", target, token, "Origin: "+page)
		want := map[string]string{"Allow-Origin": page, "Expose-Headers": "X-Page, WWW-Authenticate"}
		if said := spoken(g.Header); g.StatusCode != status || fmt.Sprint(said) != fmt.Sprint(want) || !varies(g.Header, "Origin") || g.Header.Get("X-Front") != "ours" {
			t.Errorf("%s: %d %v", target, g.StatusCode, g.Header)
		}
	}
	for _, g := range []got{w.ask("GET", "/files/a", "Origin: "+page), w.ask("GET", "/me", auth("tba_down"), "Origin: "+page), w.ask("GET", "/files/a?access_token=x", token, "Origin: "+page)} {
		if g.StatusCode < 400 || g.Header.Get("Access-Control-Allow-Origin") != page {
			t.Errorf("%d %v", g.StatusCode, g.Header)
		}
	}
	if g := w.ask("GET", "/files/a", token); len(spoken(g.Header)) != 0 || !varies(g.Header, "Origin") {
		t.Errorf("no origin: %v", g.Header)
	}
}

func TestReq093_WhatAnAPISaysToBrowsersIsDroppedWhereTheGatewaySpeaks(t *testing.T) {
	said := func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("access_control_allow_origin", "*")
		h.Set("Vary", "Accept-Encoding")
		_ = json.NewEncoder(w).Encode(seen{Method: r.Method})
	}
	w := before(t, said)
	g := w.ask("GET", "/hello", "Origin: https://evil.example")
	if g.Header.Get("Access-Control-Allow-Origin") != "https://evil.example" || varies(g.Header, "Origin") {
		t.Errorf("without CORS of its own the gateway changed %v", g.Header)
	}
	api := httptest.NewServer(http.HandlerFunc(said))
	defer api.Close()
	w = newWorld(t, func(o *gateway.Options) { o.APIs = apis(t, api.URL); paged(gateway.CORS{Origins: []string{page}})(o) })
	for origin, want := range map[string]string{page: page, "https://evil.example": ""} {
		g := w.ask("GET", "/hello", "Origin: "+origin)
		if g.StatusCode != 200 || g.Header.Get("Access-Control-Allow-Origin") != want || g.Header.Get("Access-Control-Allow-Credentials") != "" || !varies(g.Header, "Origin") || !varies(g.Header, "Accept-Encoding") {
			t.Errorf("%s: %d %v", origin, g.StatusCode, g.Header)
		}
	}
}

func TestReq093_AnyOriginIsSaidAsSuchAndNeverWithCredentials(t *testing.T) {
	w := newWorld(t, paged(gateway.CORS{Origins: []string{"*"}}))
	for _, origin := range []string{page, "null", "https://evil.example"} {
		g := w.ask("GET", "/hello", "Origin: "+origin)
		if said := spoken(g.Header); g.StatusCode != 200 || fmt.Sprint(said) != "map[Allow-Origin:*]" {
			t.Errorf("%s: %d %v", origin, g.StatusCode, said)
		}
	}
}

func TestReq093_CORSThatNobodyCouldMeanIsRefused(t *testing.T) {
	for name, c := range map[string]gateway.CORS{
		"no origin": {}, "any with credentials": {Origins: []string{"*"}, Credentials: true}, "any beside one": {Origins: []string{"*", page}}, "null": {Origins: []string{"null"}},
		"a path": {Origins: []string{page + "/"}}, "no scheme": {Origins: []string{"app.example.com"}}, "a pattern": {Origins: []string{"https://*.example.com"}},
		"upper case": {Origins: []string{"https://App.example.com"}}, "the usual port": {Origins: []string{page + ":443"}}, "no port": {Origins: []string{page + ":"}}, "a user": {Origins: []string{"https://u@app.example.com"}},
		"a header of words": {Origins: []string{page}, Headers: []string{"X Y"}}, "every header": {Origins: []string{page}, Headers: []string{"*"}}, "an age": {Origins: []string{page}, MaxAge: -1},
		"another scheme": {Origins: []string{"ftp://app.example.com"}}, "empty": {Origins: []string{""}}, "a header with a line": {Origins: []string{page}, ExposeHeaders: []string{"X\r\nY"}},
	} {
		a := apis(t, "http://127.0.0.1:1")
		a[0].CORS = &c
		if _, err := gateway.New(gateway.Options{Tenant: "t", Tokens: tokens(), APIs: a}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// An answer of 2xx to a question is a yes to the call. A browser's preflight must not become one.
func TestReq093_APreflightIsNoYesToAProxy(t *testing.T) {
	w := newWorld(t, paged(gateway.CORS{Origins: []string{page}}))
	_, ask := desk(w, nil)
	for _, target := range []string{"/api/v1/workflows", "/files/a", "/hello"} {
		r := question("/check", "OPTIONS", target, "")
		r.Header.Set("Origin", page)
		r.Header.Set("Access-Control-Request-Method", "GET")
		if res := ask(r); res.StatusCode < 400 {
			t.Errorf("%s: %d", target, res.StatusCode)
		}
	}
	r := question("/check", "GET", "/files/a", "")
	r.Header.Set("Origin", page)
	if res := ask(r); res.StatusCode != 401 || res.Header.Get("Access-Control-Allow-Origin") != page {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}
