package gateway_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/internal/gateway"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// question is what a proxy sends to have a call decided.
func question(at, method, target, token string) *http.Request {
	r := httptest.NewRequest("GET", at, nil)
	r.Host = "booth.internal"
	r.Header = http.Header{
		"Tokenbooth-Proxy-Secret": {proxySecret}, "X-Forwarded-Method": {method}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {guardedHost},
		"X-Forwarded-Uri": {target}, "X-Forwarded-For": {"192.0.2.7"}, "User-Agent": {"proxy"}, "X-Real-Ip": {"192.0.2.7"}, "X-Forwarded-Server": {"edge"},
	}
	if token != "" {
		r.Header["Authorization"] = []string{"Bearer " + token}
	}
	return r
}

// desk is a handler of questions about a world.
func desk(w *world, change func(*gateway.CheckOptions)) (*gateway.Checks, func(*http.Request) *http.Response) {
	w.Helper()
	o := gateway.CheckOptions{
		Gateway: func(host string) *gateway.Gateway { return map[string]*gateway.Gateway{guardedHost: w.Gateway}[host] },
		Secret:  func(text string) bool { return text == proxySecret },
		Refused: func(_ context.Context, asked *http.Request, r gateway.Refusal) {
			if _, shown := asked.Header["Tokenbooth-Proxy-Secret"]; shown {
				w.Error("the owner is shown the secret") // who writes requests down would write it down (B51)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.refusals = append(w.refusals, r)
		},
	}
	if change != nil {
		change(&o)
	}
	checks, err := gateway.NewChecks(o)
	if err != nil {
		w.Fatal(err)
	}
	return checks, func(r *http.Request) *http.Response {
		rec := httptest.NewRecorder()
		w.door.Identified(checks).ServeHTTP(rec, r)
		return rec.Result()
	}
}

func TestReq043_B33_B49_AStrangerGetsNoDecision(t *testing.T) {
	token := mint(apiAudience, "files")
	here, there := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.0.0.0/8")
	verified := &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{}}}}
	for name, row := range map[string]struct {
		options func(*gateway.CheckOptions)
		ask     func(*http.Request)
		want    int
	}{
		"the secret":       {nil, nil, 200},
		"no secret":        {nil, func(r *http.Request) { r.Header.Del("Tokenbooth-Proxy-Secret") }, 403},
		"a wrong secret":   {nil, func(r *http.Request) { r.Header.Set("Tokenbooth-Proxy-Secret", "x") }, 403},
		"the secret twice": {nil, func(r *http.Request) { r.Header.Add("Tokenbooth-Proxy-Secret", proxySecret) }, 403},
		"the secret under an alias": {nil, func(r *http.Request) {
			delete(r.Header, "Tokenbooth-Proxy-Secret")
			r.Header["Tokenbooth_Proxy_Secret"] = []string{proxySecret}
		}, 403},
		"a peer":                     {func(o *gateway.CheckOptions) { o.Secret, o.Peers = nil, []netip.Prefix{here} }, nil, 200},
		"a peer, mapped":             {func(o *gateway.CheckOptions) { o.Secret, o.Peers = nil, []netip.Prefix{here} }, func(r *http.Request) { r.RemoteAddr = "[::ffff:192.0.2.9]:1" }, 200},
		"no peer":                    {func(o *gateway.CheckOptions) { o.Secret, o.Peers = nil, []netip.Prefix{there} }, nil, 403},
		"no peer, but says it is":    {func(o *gateway.CheckOptions) { o.Secret, o.Peers = nil, []netip.Prefix{there} }, func(r *http.Request) { r.Header.Set("X-Forwarded-For", "10.0.0.1") }, 403},
		"no address":                 {func(o *gateway.CheckOptions) { o.Secret, o.Peers = nil, []netip.Prefix{here} }, func(r *http.Request) { r.RemoteAddr = "@" }, 403},
		"a peer without the secret":  {func(o *gateway.CheckOptions) { o.Peers = []netip.Prefix{here} }, func(r *http.Request) { r.Header.Del("Tokenbooth-Proxy-Secret") }, 403},
		"the secret from elsewhere":  {func(o *gateway.CheckOptions) { o.Peers = []netip.Prefix{there} }, nil, 403},
		"a certificate":              {func(o *gateway.CheckOptions) { o.Secret, o.ClientCertificate = nil, true }, func(r *http.Request) { r.TLS = verified }, 200},
		"a certificate not verified": {func(o *gateway.CheckOptions) { o.Secret, o.ClientCertificate = nil, true }, func(r *http.Request) { r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{}}} }, 403},
		"no TLS":                     {func(o *gateway.CheckOptions) { o.Secret, o.ClientCertificate = nil, true }, nil, 403},
	} {
		for _, at := range []string{"/check", "/check/nginx", "/check/envoy/files/a"} {
			w := newWorld(t, nil)
			_, ask := desk(w, row.options)
			r := question(at, "GET", "/files/a", token)
			if strings.Contains(at, "envoy") {
				r.Host = guardedHost
			}
			if row.ask != nil {
				row.ask(r)
			}
			res := ask(r)
			if res.StatusCode != row.want || row.want == 403 && res.Header.Get("Tokenbooth-Subject") != "" {
				t.Errorf("%s at %s: %d %v", name, at, res.StatusCode, res.Header)
			}
			if told := w.told(); row.want == 403 && (len(told) != 1 || told[0].Code != "stranger" || told[0].Token != nil) {
				t.Errorf("%s at %s: told %+v", name, at, told)
			}
		}
	}
	for name, o := range map[string]gateway.CheckOptions{
		"nobody named": {Gateway: func(string) *gateway.Gateway { return nil }}, "no gateway": {Secret: func(string) bool { return true }},
		"too long":   {Gateway: func(string) *gateway.Gateway { return nil }, Secret: func(string) bool { return true }, CacheFor: 6 * time.Second},
		"in between": {Gateway: func(string) *gateway.Gateway { return nil }, Secret: func(string) bool { return true }, CacheFor: 1500 * time.Millisecond},
	} {
		if _, err := gateway.NewChecks(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestReq043_B33_B34_ACallIsDescribedExactlyOnceOrNotAtAll(t *testing.T) {
	w := newWorld(t, nil)
	_, ask := desk(w, nil)
	token := mint(apiAudience, "files")
	for _, name := range []string{"X-Forwarded-Method", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Uri", "X-Forwarded-For"} {
		for what, spoil := range map[string]func(http.Header){
			"missing": func(h http.Header) { h.Del(name) },
			"empty":   func(h http.Header) { h.Set(name, "") },
			"doubled": func(h http.Header) { h.Add(name, h.Get(name)) },
			"listed":  func(h http.Header) { h.Set(name, h.Get(name)+", /files/b") },
			"aliased": func(h http.Header) { h[strings.ReplaceAll(name, "-", "_")] = h[name]; h.Del(name) },
			"beside":  func(h http.Header) { h[strings.ReplaceAll(name, "-", ".")] = []string{"x"} },
		} {
			for _, at := range []string{"/check", "/check/nginx", "/check/refusal"} {
				r := question(at, "GET", "/files/a", token)
				spoil(r.Header)
				want := 400
				if at == "/check/nginx" {
					want = 403
				}
				if res := ask(r); res.StatusCode != want {
					t.Errorf("%s %s at %s: %d", name, what, at, res.StatusCode)
				}
			}
		}
	}
	for what, spoil := range map[string]func(http.Header){
		"a method that is none":  func(h http.Header) { h.Set("X-Forwarded-Method", "GET /hello") },
		"a scheme of its own":    func(h http.Header) { h.Set("X-Forwarded-Proto", "ftp") },
		"a host with a path":     func(h http.Header) { h.Set("X-Forwarded-Host", guardedHost+"/x") },
		"a host with a user":     func(h http.Header) { h.Set("X-Forwarded-Host", "x@"+guardedHost) },
		"a whole URL":            func(h http.Header) { h.Set("X-Forwarded-Uri", "https://"+guardedHost+"/files/a") },
		"an address that is not": func(h http.Header) { h.Set("X-Forwarded-For", "192.0.2.7, unknown") },
	} {
		r := question("/check", "GET", "/files/a", token)
		spoil(r.Header)
		if res := ask(r); res.StatusCode != 400 {
			t.Errorf("%s: %d", what, res.StatusCode)
		}
	}
	for _, host := range []string{"evil.example", guardedHost + ".evil.example", "booth.internal", "localhost", "[::1]"} {
		r := question("/check", "GET", "/files/a", token)
		r.Header.Set("X-Forwarded-Host", host)
		if res := ask(r); res.StatusCode != 421 {
			t.Errorf("%s: %d", host, res.StatusCode)
		}
	}
	for _, host := range []string{strings.ToUpper(guardedHost), guardedHost + ":443", guardedHost + "."} {
		r := question("/check", "GET", "/files/a", token)
		r.Header.Set("X-Forwarded-Host", host)
		if res := ask(r); res.StatusCode != 200 {
			t.Errorf("%s: %d", host, res.StatusCode)
		}
	}
}

func TestReq041_B40_B41_ACallWithAnIdentityOfItsOwnIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	_, ask := desk(w, nil)
	token := mint(apiAudience, "files")
	for _, name := range []string{
		"Tokenbooth-Subject", "tokenbooth_subject", "TOKENBOOTH-SUBJECT", "Tokenbooth.Subject", "Tokenbooth!Subject", "Tokenbooth-Anything", "Tokenbooth_Proxy_Secret",
		"X-Http-Method-Override", "X-HTTP-Method", "x_http_method_override", "X-Method-Override", "X-Original-Url", "X-Original-Uri", "X-Original-Method", "X-Rewrite-Url", "X_Rewrite_Url",
		"X_Forwarded_For", "X.Forwarded.Proto", "x_real_ip", "Remote_User", "X_Request_Id",
	} {
		for at, want := range map[string]int{"/check": 400, "/check/nginx": 403, "/check/refusal": 400, "/check/envoy/files/a": 400} {
			r := question(at, "GET", "/files/a", token)
			r.Host = guardedHost
			r.Header[name] = []string{"root"}
			if res := ask(r); res.StatusCode != want {
				t.Errorf("%s at %s: %d", name, at, res.StatusCode)
			}
		}
	}
}

// The decision about a described call is the decision about the call itself, for every target, method and token.
func TestReq040_B35_B36_B38_B39_ADescribedCallIsDecidedAsTheCallItself(t *testing.T) {
	w := newWorld(t, nil)
	_, ask := desk(w, nil)
	targets := append(ambiguousTargets(), caseTargets...)
	targets = append(targets, "/files/a", "/files/a%20b?x=1", "/files/secret", "/files/secret?x=/files/a", "/admin/x", "/hello", "/hello?access_token=x", "/me", "/unknown", "/api/auth/me",
		"/api/v1/workflows", "/api/v1/workflows/1?a=1;b", "/files/a?access_token=x", "/api/collections")
	for _, target := range targets {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get"} {
			for _, token := range []string{"", "bad", "tba_user", mint(apiAudience, "files"), mint(adminAudience, "admin")} {
				u, err := url.ParseRequestURI(target)
				if err != nil {
					continue
				}
				direct := &http.Request{Method: method, RequestURI: target, URL: u, Host: guardedHost, Header: http.Header{}, Body: http.NoBody, RemoteAddr: "192.0.2.7:1"}
				if token != "" {
					direct.Header.Set("Authorization", "Bearer "+token)
				}
				want := httptest.NewRecorder()
				w.ServeHTTP(want, direct)
				passed := len(w.echo.last()) > 0
				for _, at := range []string{"/check", "/check/nginx", "/check/refusal"} {
					got := ask(question(at, method, target, token))
					ok := got.StatusCode == want.Code
					switch {
					case at == "/check" && passed:
						ok = got.StatusCode == 200
					case at == "/check/nginx":
						ok = (got.StatusCode == 200) == passed && (passed || got.StatusCode == 401 || got.StatusCode == 403 || got.StatusCode >= 500)
					case at == "/check/refusal" && passed:
						ok = got.StatusCode == 503
					}
					if !ok {
						t.Fatalf("%s %q with %.10q: the gateway says %d (passed: %v), %s says %d", method, target, token, want.Code, passed, at, got.StatusCode)
					}
				}
				envoy := question("/check/envoy", method, "", token)
				envoy.Method, envoy.Host, envoy.RequestURI = method, guardedHost, "/check/envoy"+target
				if got := ask(envoy); (got.StatusCode == 200) != passed || !passed && got.StatusCode != want.Code {
					t.Fatalf("%s %q with %.10q: the gateway says %d, Envoy hears %d", method, target, token, want.Code, got.StatusCode)
				}
			}
		}
	}
}

func TestReq041_B42_AYesSaysWhoCallsAndNothingIsLeftOpen(t *testing.T) {
	w := newWorld(t, nil)
	_, ask := desk(w, nil)
	nobody := []string{"Tokenbooth-Client-Id", "Tokenbooth-Subject", "Tokenbooth-Username", "Tokenbooth-Name", "Tokenbooth-Scope", "Tokenbooth-Permissions", "Tokenbooth-Token-Id"}
	res := ask(question("/check", "GET", "/files/a", mint(apiAudience, "files", "me")))
	for name, want := range ours {
		if strings.HasPrefix(name, "Tokenbooth-") && !slices.Equal(res.Header[name], []string{want}) {
			t.Errorf("%s: %q", name, res.Header[name])
		}
	}
	if res.Header.Get("X-Request-Id") != "req-1" || res.Header.Get("Cache-Control") != "no-store" || res.Header["Tokenbooth-Decision-Key"] != nil {
		t.Errorf("%v", res.Header)
	}
	res = ask(question("/check", "GET", "/hello", mint(apiAudience, "files"))) // public: the token is not read
	for _, name := range nobody {
		if !slices.Equal(res.Header[name], []string{""}) {
			t.Errorf("%s: %q", name, res.Header[name])
		}
	}
	if len(w.echo.last()) != 0 {
		t.Error("a question called the API")
	}
	if !slices.Contains(w.served, "workflows /files/{rest...} 200") {
		t.Errorf("%q", w.served)
	}
	for _, at := range []string{"/check/refusal"} {
		res := ask(question(at, "GET", "/files/a", mint(apiAudience, "files")))
		if res.StatusCode != 503 || res.Header["Tokenbooth-Subject"] != nil || res.Header.Get("Retry-After") != "1" {
			t.Errorf("%s: %d %v", at, res.StatusCode, res.Header)
		}
	}
}

func TestReq045_B45_ADecisionSaysWhatItWasMadeOfAndForHowLong(t *testing.T) {
	w := newWorld(t, nil)
	_, ask := desk(w, func(o *gateway.CheckOptions) { o.CacheFor = 5 * time.Second })
	keys := map[string]string{}
	for name, r := range map[string]*http.Request{
		"files": question("/check", "GET", "/files/a", mint(apiAudience, "files", "secret", "workflows")), "secret": question("/check", "GET", "/files/secret", mint(apiAudience, "files", "secret", "workflows")),
		"list": question("/check", "GET", "/api/v1/workflows", mint(apiAudience, "files", "secret", "workflows")), "user": question("/check", "GET", "/me", "tba_user"),
		"public": question("/check", "GET", "/hello", ""), "admin": question("/check", "GET", "/admin/x", mint(adminAudience, "admin")),
	} {
		h := ask(r).Header
		if h.Get("Cache-Control") != "private, max-age=5" || h.Get("X-Accel-Expires") != "5" || h.Get("Vary") != "Authorization, X-Forwarded-Method, X-Forwarded-Proto, X-Forwarded-Host, X-Forwarded-Uri" {
			t.Errorf("%s: %v", name, h)
		}
		key := h.Get("Tokenbooth-Decision-Key")
		if other, taken := keys[key]; taken || key == "" {
			t.Errorf("%s and %s have one key, %q", name, other, key)
		}
		keys[key] = name
	}
	same := ask(question("/check", "GET", "/files/b", mint(apiAudience, "files"))).Header.Get("Tokenbooth-Decision-Key")
	if keys[same] != "files" {
		t.Errorf("another path of one route has the key %q", same)
	}
	r := question("/check", "GET", "/api/auth/me", "")
	r.Header["Bearer"] = []string{"tba_user"}
	if vary := ask(r).Header.Get("Vary"); !strings.HasPrefix(vary, "Authorization, Bearer, ") {
		t.Errorf("a token in another header: Vary: %s", vary)
	}
	for _, r := range []*http.Request{
		question("/check", "GET", "/files/a", ""), question("/check", "GET", "/files/secret", mint(apiAudience, "files")), question("/check", "GET", "/unknown", ""), question("/check", "GET", "/me", "tba_down"),
	} {
		if res := ask(r); res.StatusCode == 200 || res.Header.Get("Cache-Control") != "no-store" || res.Header["X-Accel-Expires"] != nil {
			t.Errorf("%d %v", res.StatusCode, res.Header)
		}
	}
}

func TestReq045_NoDecisionOutlivesItsToken(t *testing.T) {
	now := time.Now()
	left := time.Duration(0)
	w := newWorld(t, func(o *gateway.Options) {
		o.Tokens.Now = func() time.Time { return now }
		o.Tokens.Opaque = func(context.Context, string) (*bearer.Token, error) {
			return &bearer.Token{Issuer: issuer, ID: "t1", Subject: "ada", ClientID: "portal", Audience: []string{apiAudience}, IssuedAt: now, Expires: now.Add(left)}, nil
		}
		o.Tokens.OpaqueAge = -1
	})
	_, ask := desk(w, func(o *gateway.CheckOptions) { o.CacheFor = 5 * time.Second })
	for d, want := range map[time.Duration]string{
		time.Hour: "private, max-age=5", 3500 * time.Millisecond: "private, max-age=3", time.Second: "private, max-age=1", 999 * time.Millisecond: "no-store", time.Millisecond: "no-store",
	} {
		left = d
		if got := ask(question("/check", "GET", "/me", "x")).Header.Get("Cache-Control"); got != want {
			t.Errorf("%v before its end: %s", d, got)
		}
	}
}

func TestQuestionsHaveTheirPathsAndNoOthers(t *testing.T) {
	w := newWorld(t, nil)
	_, ask := desk(w, nil)
	for _, at := range []string{"/", "/check/", "/check/x", "/Check", "//check", "/check/../check", "/check%2f", "/files/a"} {
		r := question("/check", "GET", "/files/a", mint(apiAudience, "files"))
		r.RequestURI = at
		if res := ask(r); res.StatusCode != 404 {
			t.Errorf("%s: %d", at, res.StatusCode)
		}
	}
	for _, at := range []string{"/check/envoy", "/check/envoyx", "/check/envoy?x", "/check/envoy*", "/check/envoy/../check"} {
		r := question("/check", "GET", "/files/a", mint(apiAudience, "files"))
		r.Host, r.RequestURI = guardedHost, at
		if res := ask(r); res.StatusCode != 400 {
			t.Errorf("%s: %d", at, res.StatusCode)
		}
	}
}

func TestTheSourceOfACallIsWhatTheProxySaysLast(t *testing.T) {
	var from []netip.Addr
	w := newWorld(t, func(o *gateway.Options) {
		o.Allow = func(_, _, _ string, source netip.Addr) (time.Duration, bool) {
			from = append(from, source)
			return 0, true
		}
	})
	_, ask := desk(w, nil)
	for line, want := range map[string]string{"192.0.2.7": "192.0.2.7", "10.0.0.1, 192.0.2.8": "192.0.2.8", "junk,::ffff:192.0.2.9": "192.0.2.9", "2001:db8::1": "2001:db8::1",
		"192.0.2.7:51234": "192.0.2.7", "junk, [2001:db8::1]:443": "2001:db8::1", " [2001:db8::1] ": "2001:db8::1", "192.0.2.7,\tfe80::1%eth0": "fe80::1"} {
		r := question("/check", "GET", "/hello", "")
		r.Header.Set("X-Forwarded-For", line)
		if res := ask(r); res.StatusCode != 200 || from[len(from)-1].String() != want {
			t.Errorf("%s: %d, %v", line, res.StatusCode, from)
		}
	}
	r := question("/check/envoy/files/a", "GET", "", "bad")
	r.Host = guardedHost
	if ask(r); w.told()[0].Caller.Source.String() != "192.0.2.7" {
		t.Error("the owner was told another address")
	}
}

func TestAnAPIThatIsOnlyCheckedIsNeverForwardedTo(t *testing.T) {
	w := newWorld(t, func(o *gateway.Options) {
		for i := range o.APIs {
			o.APIs[i].CheckOnly, o.APIs[i].Upstream = true, nil
		}
	})
	_, ask := desk(w, nil)
	token := mint(apiAudience, "files")
	if res := ask(question("/check", "GET", "/files/a", token)); res.StatusCode != 200 {
		t.Errorf("%d", res.StatusCode)
	}
	w.stopped(w.ask("GET", "/files/a", auth(token)), 404)
	w.stopped(w.ask("GET", "/files/a"), 404)
	both := apis(t, "http://127.0.0.1:1")
	both[0].CheckOnly = true
	if _, err := gateway.New(gateway.Options{Tenant: "t", Tokens: tokens(), APIs: both}); err == nil {
		t.Error("an API that is only checked may name an upstream")
	}
}

func TestReq044_AQuestionThatCannotBeDecidedIsNoYes(t *testing.T) {
	w := newWorld(t, nil)
	_, ask := desk(w, nil)
	for _, at := range []string{"/check", "/check/nginx", "/check/refusal"} {
		for token, want := range map[string]int{"tba_down": 503, "tba_panic": 500} {
			if res := ask(question(at, "GET", "/me", token)); res.StatusCode != want {
				t.Errorf("%s %s: %d", at, token, res.StatusCode)
			}
		}
	}
	w.setAlive(oauth.Refuse(oauth.InactiveToken, "x", "client disabled"))
	if res := ask(question("/check", "GET", "/files/a", mint(apiAudience, "files"))); res.StatusCode != 401 {
		t.Errorf("%d", res.StatusCode)
	}
}

// FuzzReq040_Asked holds that no description gets a yes that the gateway would not give the call itself.
func FuzzReq040_Asked(f *testing.F) {
	for _, target := range ambiguous {
		f.Add("GET", guardedHost, target, "192.0.2.1")
	}
	f.Add("GET,PUT", guardedHost+":443", "/files/a?x=1", "a, 192.0.2.1")
	g, err := gateway.New(gateway.Options{Tenant: "acme", Tokens: tokens(), APIs: apis(f, "http://127.0.0.1:1")})
	if err != nil {
		f.Fatal(err)
	}
	checks, err := gateway.NewChecks(gateway.CheckOptions{
		Gateway: func(host string) *gateway.Gateway {
			if host == guardedHost {
				return g
			}
			return nil
		},
		Secret: func(text string) bool { return text == proxySecret },
	})
	if err != nil {
		f.Fatal(err)
	}
	token := mint(apiAudience, "files", "workflows")
	f.Fuzz(func(t *testing.T, method, host, target, source string) {
		r := question("/check", method, target, token)
		r.Header["X-Forwarded-Host"], r.Header["X-Forwarded-For"] = []string{host}, []string{source}
		w := httptest.NewRecorder()
		if checks.ServeHTTP(w, r); w.Code != 200 {
			return
		}
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") || path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") && u.Path != "/" || strings.ContainsAny(u.Path, "\\;\x00\r\n") {
			t.Fatalf("%q got a yes", target)
		}
		if s := strings.ToLower(strings.Trim(u.Path, "/. ")); s == "files/secret" || strings.HasPrefix(s, "admin") {
			t.Fatalf("%q got a yes without its permission", target)
		}
		if name := strings.ToLower(strings.TrimSuffix(strings.SplitN(host, ":", 2)[0], ".")); name != guardedHost || strings.ContainsAny(method, " ,/\r\n") {
			t.Fatalf("%q %q got a yes", method, host)
		}
	})
}

// A target that the gateway's own listener would not read is no call to decide about: two limits are two answers.
func TestReq070_ATargetThatTheListenerRefusesIsNotDecidedAbout(t *testing.T) {
	w := newWorld(t, nil)
	_, ask := desk(w, nil)
	token := mint(apiAudience, "files")
	for length, want := range map[int]int{8 << 10: 200, 8<<10 + 1: 400, 16 << 10: 400} {
		target := "/files/" + strings.Repeat("a", length-len("/files/"))
		if res := ask(question("/check", "GET", target, token)); res.StatusCode != want {
			t.Errorf("%d bytes: %d, want %d", length, res.StatusCode, want)
		}
		w.told()
	}
}
