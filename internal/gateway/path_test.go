package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/gateway"
)

// ambiguous are targets that two readers may read differently. Below /files there is a rule for everything, above it are stricter ones.
var ambiguous = []string{
	"/files/../admin/x", "/files/./x", "/files/..", "/files/.", "/files/../files/secret", "/./files/x", "/../files/x", "/..", "/files/...", "/files/.%20./x",
	"/files/%2e%2e/admin/x", "/files/%2E%2E/admin", "/files/.%2e/x", "/files/%2e/x", "/files/a%2eb", "/files/%252e%252e/x", "/files/%25%32%65/x",
	"/files/a%2fb", "/files/a%2Fb", "/files/..%2fadmin", "/files/%2f", "/files/a%252fb", "/files/a%5cb", "/files/a%5Cb", "/files/..%5c..%5cadmin", "/files/a%255cb",
	"/files/a\\b", "/files/..\\admin", "/files//x", "//files/x", "/files/x//", "//", "///", "/files/;/x", "/files/..;/admin", "/files/..;x=1/admin",
	"/files/.;/x", "/files/%2e%2e;/x", "/files/..%3b/admin", "/files/..%3B/x", "/files/secret;x", "/files/x;a=b", "/api/v1;/workflows", "/files/a%3bb",
	"/files/%00", "/files/secret%00.html", "/files/a%0d%0ab", "/files/a%0ab", "/files/%09", "/files/%1f", "/files/%7f", "/files/a%", "/files/a%2", "/files/a%zz",
	"/files/%u002e%u002e/x", "/files/%%35%63", "/files/a#b", "/files/a#/../secret", "/files/secret#x", "/files/x?a#b", "/hello#/../files/secret",
	"/files/%c0%ae%c0%ae/x", "/files/%c0%afx", "/files/%e0%80%af", "/files/%ff", "/files/\xc3\xa9", "/files/a|b", "/files/a\"b", "/files/<x>", "/files/a^b", "/files/{a}",
	"/files/[a]", "/files/a`b",
	"/files/..%ef%bc%8fadmin", "/files/a%ef%bc%8fb", "/files/a%ef%bc%bcb", "/files/%ef%bc%8e%ef%bc%8e/x", "/files/%e2%80%a5/x", "/files/%ef%b9%92/x", "/files/a%ef%bc%9bb",
	"/files/%ef%bc%852e", "/files/%e2%84%80", "/files/a%e2%88%95b", "/files/a%e2%81%84b", "/files/a%ef%b9%a8b", "/files/a%e2%a7%b5b", "/files/%e2%80%a4%e2%80%a4/x",
	"http://acme.example/files/x", "http://evil.example/files/x", "https://acme.example/files/secret", "*", "files/x", "acme.example:80", "?x=1", "",
}

func TestReq040_B35_B36_B37_AmbiguousPathsAreRefused(t *testing.T) {
	w := newWorld(t, nil)
	all := auth(mint(apiAudience, "files", "admin", "workflows"))
	for _, target := range ambiguous {
		g := w.ask("GET", target, all)
		if calls := w.echo.last(); g.StatusCode != http.StatusBadRequest || len(calls) != 0 {
			t.Errorf("%q: %d, the API saw %v", target, g.StatusCode, calls)
		}
		w.told() // the HTTP server refuses some of them itself
	}
}

func TestReq040_WhatIsForwardedIsTheSameString(t *testing.T) {
	w := newWorld(t, nil)
	all := auth(mint(apiAudience, "files", "admin", "workflows"))
	for _, target := range []string{
		"/files/a", "/files/a/", "/files/", "/files", "/files/a/b/c", "/files/a%20b", "/files/%C3%A9", "/files/%c3%a9", "/files/a+b", "/files/a%2Bb", "/files/%61",
		"/files/a:b@c,d=e!$&'()*~", "/files/a%23b", "/files/a%3Fb", "/files/%E2%82%AC/x", "/files/a..b", "/files/.hidden", "/files/..a", "/files/a?", "/files/a?x=1",
		"/files/a?x=%2F..%2F&y=/../admin", "/files/a?x=1&x=2&&=", "/files/a?/admin/../x", "/files/a?x=\xc3\xa9", "/files/%7Euser", "/files/a%3Ab",
		"/files/%EF%BC%A1", "/files/report%E2%80%A6.pdf", "/files/%E2%84%A2",
	} {
		s := w.forwarded(w.ask("GET", target, all))
		raw, _, _ := strings.Cut(target, "?")
		if want, _ := url.PathUnescape(raw); s.URI != target || s.Path != want {
			t.Errorf("%q: the API saw %q, path %q", target, s.URI, s.Path)
		}
	}
}

func TestB38_AQueryIsNoPath(t *testing.T) {
	w := newWorld(t, nil)
	files := auth(mint(apiAudience, "files"))
	w.stopped(w.ask("GET", "/files/secret?x=/hello", files), 403)
	w.stopped(w.ask("GET", "/files/secret?/../files/a", files), 403)
	w.stopped(w.ask("GET", "/files/secret?", files), 403)
	w.forwarded(w.ask("GET", "/files/a?/files/secret", files))
}

func TestB39_OtherSpellingsOfALiteralMatchNothing(t *testing.T) {
	w := newWorld(t, nil)
	files := auth(mint(apiAudience, "files"))
	for _, target := range []string{"/files/SECRET", "/files/Secret", "/Files/a", "/files/secret.", "/files/secret%20", "/files/secret..", "/files/%53ecret", "/FILES/x", "/ADMIN/x"} {
		w.stopped(w.ask("GET", target, files), 404)
	}
	for _, target := range []string{"/files/secret", "/files/secret/", "/files/%73ecret", "/files/%73%65cret/"} {
		w.stopped(w.ask("GET", target, files), 403)
	}
}

func TestB44_TooManyOrUnreadableParametersAreRefused(t *testing.T) {
	w := newWorld(t, nil)
	files := auth(mint(apiAudience, "files"))
	for _, query := range []string{
		strings.Repeat("a=b&", 10001) + "x=y", strings.Repeat("&", 1000), "a=%zz", "a=%", "a=1;b=2", "a=%2", ";", "%", "a=\x01", "a=b#c",
	} {
		g := w.ask("GET", "/files/a?"+query, files)
		if calls := w.echo.last(); g.StatusCode != 400 || len(calls) != 0 {
			t.Errorf("%.40q: %d %v", query, g.StatusCode, calls)
		}
		w.told()
	}
	w.forwarded(w.ask("GET", "/files/a?"+strings.Repeat("a=b&", 999)+"x=y", files))
}

func TestB53_LongTargetsCostNoMoreThanTheirLength(t *testing.T) {
	w := newWorld(t, nil)
	request := func(unit string, n int) *http.Request {
		target := "/files/" + strings.Repeat(unit, n)
		r := httptest.NewRequest("GET", "/", nil)
		r.RequestURI = target
		r.URL, _ = url.ParseRequestURI(target)
		return r
	}
	for _, unit := range []string{"a/", "a", "%41", "../", "a.a/", ";/", "//", "?a&", "%zz"} {
		spent := func(n int) time.Duration {
			r := request(unit, n)
			if r.URL == nil {
				return 1
			}
			best := time.Hour
			for range 5 {
				start := time.Now()
				w.ServeHTTP(httptest.NewRecorder(), r)
				best = min(best, time.Since(start))
			}
			return best
		}
		if one, many := spent(4<<10), spent(256<<10); many > 64*4*one+5*time.Millisecond {
			t.Errorf("%q: %v, and 64 times as much: %v", unit, one, many)
		}
	}
}

func TestPatternsThatCannotBeMeantAreRefused(t *testing.T) {
	upstream := "http://127.0.0.1:1"
	for name, routes := range map[string][]gateway.Route{
		"no method":           {{Pattern: "/a"}},
		"lower case":          {{Methods: []string{"get"}, Pattern: "/a"}},
		"TRACE":               {{Methods: []string{"TRACE"}, Pattern: "/a"}},
		"no slash":            {{Methods: []string{"GET"}, Pattern: "a"}},
		"slash at the end":    {{Methods: []string{"GET"}, Pattern: "/a/"}},
		"a dot segment":       {{Methods: []string{"GET"}, Pattern: "/a/../b"}},
		"an empty segment":    {{Methods: []string{"GET"}, Pattern: "/a//b"}},
		"half a hole":         {{Methods: []string{"GET"}, Pattern: "/a/x{id}"}},
		"an empty hole":       {{Methods: []string{"GET"}, Pattern: "/a/{}"}},
		"after the rest":      {{Methods: []string{"GET"}, Pattern: "/a/{rest...}/b"}},
		"twice":               {{Methods: []string{"GET"}, Pattern: "/a/{x}"}, {Methods: []string{"GET"}, Pattern: "/a/{y}", Permission: "p"}},
		"twice but for case":  {{Methods: []string{"GET"}, Pattern: "/a/b"}, {Methods: []string{"GET"}, Pattern: "/a/B"}},
		"public and not":      {{Methods: []string{"GET"}, Pattern: "/a", Permission: "p", Public: true}},
		"permission of words": {{Methods: []string{"GET"}, Pattern: "/a", Permission: "p q"}},
	} {
		a := apis(t, upstream)[:1]
		a[0].Routes = routes
		if _, err := gateway.New(gateway.Options{Tenant: "t", Tokens: tokens(), APIs: a}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, spoil := range map[string]func(*gateway.API){
		"no upstream":    func(a *gateway.API) { a.Upstream = nil },
		"scheme":         func(a *gateway.API) { a.Upstream = &url.URL{Scheme: "ftp", Host: "x"} },
		"user":           func(a *gateway.API) { a.Upstream = &url.URL{Scheme: "http", Host: "x", User: url.User("u")} },
		"query":          func(a *gateway.API) { a.Upstream = &url.URL{Scheme: "http", Host: "x", RawQuery: "a"} },
		"ambiguous path": func(a *gateway.API) { a.Upstream = &url.URL{Scheme: "http", Host: "x", Path: "/a/../b"} },
		"no dialect":     func(a *gateway.API) { a.Dialect = nil },
		"no audience":    func(a *gateway.API) { a.Audience = "" },
		"no name":        func(a *gateway.API) { a.Name = "" },
	} {
		a := apis(t, upstream)[:1]
		spoil(&a[0])
		if _, err := gateway.New(gateway.Options{Tenant: "t", Tokens: tokens(), APIs: a}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAnAPIWithoutAudienceMayBePublic(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) {
		o.APIs = append(o.APIs, gateway.API{
			Name: "open", Upstream: o.APIs[0].Upstream, Dialect: o.APIs[0].Dialect, Routes: []gateway.Route{{Methods: []string{"GET"}, Pattern: "/open", Public: true}},
		})
	})
	w.forwarded(w.ask("GET", "/open"))
}

func TestAnUpstreamWithAPathIsPutBeforeTheCallersPath(t *testing.T) {
	for _, prefix := range []string{"/inner", "/inner/", "/in%20ner/v1", "/"} {
		var e *echo
		w := newWorld(t, func(o *gateway.Options) { e = newEcho(t); o.APIs = apis(t, e.URL+prefix) })
		w.echo = e
		for _, target := range []string{"/files/a%20b/%C3%A9", "/files/%61%c3%a9!%21"} {
			s := w.forwarded(w.ask("GET", target, auth(mint(apiAudience, "files"))))
			if want := strings.TrimSuffix(prefix, "/") + target; s.URI != want {
				t.Errorf("the API saw %q, want %q", s.URI, want)
			}
		}
	}
}

func TestReq040_APathThatWasRewrittenOnItsWayIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	for _, change := range []func(*url.URL){
		func(u *url.URL) { u.Path = "/hello" }, func(u *url.URL) { u.Path = strings.TrimPrefix(u.Path, "/files") }, func(u *url.URL) { u.RawPath = "/files/%61" },
	} {
		r := httptest.NewRequest("GET", "/files/b", nil)
		change(r.URL)
		if r.URL.RawPath != "" {
			r.URL.Path = "/files/a"
		}
		r.Header.Set("Authorization", "Bearer "+mint(apiAudience, "files"))
		answer := httptest.NewRecorder()
		if w.ServeHTTP(answer, r); answer.Code != 400 || len(w.echo.last()) != 0 {
			t.Errorf("%v: %d", r.URL, answer.Code)
		}
	}
}

// recorder is an upstream in memory that keeps what it was sent.
type recorder struct{ uri []string }

func (k *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	k.uri = append(k.uri, r.URL.RequestURI())
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// FuzzReq040_Path holds that a target that is forwarded is forwarded as it came, decodes to one path however often it is decoded, is
// clean, and that the strict rule was asked where the path has a stricter one.
func FuzzReq040_Path(f *testing.F) {
	for _, target := range ambiguous {
		f.Add(target)
	}
	f.Add("/files/a%20b?x=1&y=%2F")
	f.Add("/files/secret/")
	upstream := &recorder{}
	g, err := gateway.New(gateway.Options{Tenant: "acme", Tokens: tokens(), APIs: apis(f, "http://127.0.0.1:1")})
	if err != nil {
		f.Fatal(err)
	}
	gateway.Divert(g, upstream)
	token := "Bearer " + mint(apiAudience, "files", "workflows")
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target) // as net/http does
		if err != nil {
			return
		}
		upstream.uri = nil
		r := &http.Request{Method: "GET", RequestURI: target, URL: u, Header: http.Header{"Authorization": {token}}, Body: http.NoBody, RemoteAddr: "192.0.2.1:1"}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if len(upstream.uri) == 0 {
			if w.Code == 200 {
				t.Fatalf("%q: 200 without the API", target)
			}
			return
		}
		sent := upstream.uri[0]
		back, err := url.ParseRequestURI(sent)
		if err != nil || sent != target {
			t.Fatalf("%q became %q", target, sent)
		}
		p := back.Path
		twice, err := url.PathUnescape(p)
		if p != u.Path || err != nil || twice != p || path.Clean(p) != strings.TrimSuffix(p, "/") || strings.ContainsAny(p, "\\;\x00\r\n") {
			t.Fatalf("%q was forwarded: path %q, decoded again %q", target, p, twice)
		}
		if s := strings.ToLower(strings.Trim(p, "/. ")); s == "files/secret" || strings.HasPrefix(s, "admin/") {
			t.Fatalf("%q passed without its permission", target)
		}
	})
}

// A call that goes nowhere may have been meant for what stands in front.
func TestACallThatGoesNowhereNamesWhatWasLikelyMeant(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) {
		o.Near = func(r *http.Request) string {
			if strings.Contains(r.URL.Path, "token") {
				return `/say"token"`
			}
			return ""
		}
	})
	for target, want := range map[string]struct {
		status       int
		body, reason string
	}{
		"/token/":  {404, `{"error":"not_found","error_description":"There is nothing at this path. Did you mean /say\"token\"?"}`, `no route matches; /say"token" was likely meant`},
		"//token":  {400, `{"error":"invalid_request","error_description":"The request target is ambiguous. Did you mean /say\"token\"?"}`, `; /say"token" was likely meant`},
		"/nothing": {404, `{"error":"not_found","error_description":"There is nothing at this path."}`, "no route matches"},
	} {
		a, told := w.ask("POST", target), w.told()
		if a.StatusCode != want.status || a.body != want.body || len(told) != 1 || !strings.HasSuffix(told[0].Reason, want.reason) {
			t.Errorf("%s: %d %s %+v", target, a.StatusCode, a.body, told)
		}
	}
}
