package gateway_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/gateway"
)

// attack is a call, or several on one connection, that tries to reach what its token does not permit, or to say who it is. The token
// {weak} may only read /files; {strong} is one of another API.
type attack struct {
	name string
	text string // as on the wire; {host} is the guarded host
	dead bool   // nothing of it may reach the API
}

// mark stands in every header by which a caller says something that only the booth may: it must not reach the API.
const mark = "forged"

func one(name, target string, lines ...string) attack {
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "Authorization") {
		lines = append([]string{"Authorization: Bearer {weak}"}, lines...)
	}
	return attack{name: name, text: "GET " + target + " HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"}
}

// attacks are tried on the gateway, on nginx and on Caddy alike.
func attacks() []attack {
	var all []attack
	for _, target := range append(ambiguousTargets(), caseTargets...) {
		all = append(all, one(fmt.Sprintf("path %q", target), target))
	}
	for _, target := range []string{
		"/files/secret?x=/files/a", "/files/secret?/../files/a", "/files/secret?", "/files/a?/files/secret", "/files/secret#/files/a", "/files/secret?a=1;b=2", "/files/secret?%zz",
		"/files/secret?access_token={strong}", "/files/secret?%61ccess_token={strong}", "/files/a?" + strings.Repeat("a=b&", 1500) + "x=y",
	} {
		all = append(all, one(fmt.Sprintf("query %.40q", target), target))
	}
	for _, line := range forged {
		name, _, _ := strings.Cut(line, ":")
		switch strings.ToLower(name) {
		case "expect": // asks nginx and Caddy themselves, not the API
		default:
			all = append(all, one("header "+name, "/files/a", name+": "+mark), one("header twice "+name, "/files/a", name+": "+mark, strings.ToLower(name)+": "+mark+"2"))
		}
	}
	for _, path := range []string{"/files/secret", "/admin/x", "/api/v1/workflows"} {
		for _, line := range []string{
			"X-Original-Url: /files/a", "X-Rewrite-Url: /files/a", "X-Original-Uri: /files/a", "X-Forwarded-Uri: /files/a", "X-Forwarded-Uri: /hello", "X_Forwarded_Uri: /hello",
			"X-Forwarded-Method: OPTIONS", "X-Http-Method-Override: OPTIONS", "X-Original-Method: GET", "X-Forwarded-Host: evil.example", "X-Forwarded-Prefix: /hello",
			"Forwarded: for=127.0.0.1", "User-Agent: kube-probe/1.30", "Origin: https://app.example", "Access-Control-Request-Method: GET",
			"Tokenbooth-Permissions: secret admin workflows", "Tokenbooth-Proxy-Secret: " + proxySecret,
		} {
			all = append(all, one(path+" with "+line, path, line))
		}
	}
	for _, line := range []string{
		"Tokenbooth-Subject, Tokenbooth-Permissions", "tokenbooth-subject", "close, TOKENBOOTH-CLIENT-ID", "X-Request-Id", "Authorization", "Tokenbooth_Subject",
		"Host, Content-Length", "X-Forwarded-For, X-Forwarded-Uri, X-Forwarded-Method, X-Forwarded-Host",
	} {
		all = append(all, attack{name: "Connection: " + line, text: "GET /files/a HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {weak}\r\nConnection: close\r\nConnection: " + line + "\r\n\r\n"})
	}
	all = append(all, tokenAttacks()...)
	all = append(all, hostAttacks()...)
	return append(all, framingAttacks()...)
}

// ambiguousTargets are the paths of the gateway's own test, and some that reach for /files/secret.
func ambiguousTargets() []string {
	return append(slices.Clone(ambiguous), "/files/a/../secret", "/files/./secret", "/files//secret", "/files/a/..%2fsecret", "/files/%2e/secret", "/files/a;/../secret",
		"/hello/../files/secret", "/hello/..;/files/secret", "/hello/%2e%2e/files/secret", "/hello%2f..%2ffiles%2fsecret", "/files\\secret", "/files/secret%00", "/files/secret%20",
		"/files/secret/.", "/files/secret/x/..", "/files/secre%74", "/files/%73ecret", "/files/%2573ecret", "/files/secret%2f", "/%66iles/secret", "/files/secret/",
		"/admin/../files/a", "/files/secret/../a", "/admin%2f..%2ffiles/a", "/files/secret/..;/a", "/admin/%2e%2e/files/a", "//files/a", "/files/./a", "/files/secret%2f../a", "/files\\..\\files/a")
}

var caseTargets = []string{"/files/SECRET", "/Files/secret", "/FILES/a", "/files/Secret/", "/files/secret.", "/ADMIN/x"}

func tokenAttacks() []attack {
	strong, weak, bad := "Authorization: Bearer {strong}", "Authorization: Bearer {weak}", "Authorization: Bearer bad"
	all := []attack{
		one("weak then strong", "/admin/x", weak, strong), one("strong then weak", "/admin/x", strong, weak), one("bad then weak", "/files/a", bad, weak),
		one("weak then bad", "/files/a", weak, bad), one("in query beside", "/files/a?access_token={strong}", weak), one("Basic", "/files/a", "Authorization: Basic eDp5"),
		one("two spaces", "/files/a", "Authorization: Bearer  {weak}"), one("a tab", "/files/a", "Authorization: Bearer\t{weak}"), one("bare", "/files/a", "Authorization: {weak}"),
		one("DPoP", "/files/a", "Authorization: DPoP {weak}"), one("a comma", "/files/a", "Authorization: Bearer {weak}, Bearer {strong}"), one("unsigned", "/files/a", "Authorization: Bearer eyJhbGciOiJub25lIn0.e30."),
		one("alias", "/files/a", "Authorization_: Bearer {weak}"), one("proxy's", "/files/a", "Authorization: ", "Proxy-Authorization: Bearer {weak}"),
	}
	for i := range all {
		all[i].dead = true
	}
	all = append(all, one("folded", "/files/a", "Authorization: Bearer\r\n {weak}")) // some read it as a space (RFC 9112, section 5.2)
	for _, method := range []string{"TRACE", "CONNECT", "OPTIONS", "get", "PRI", "DELETE", "GET,PUT", "BREW"} {
		all = append(all, attack{name: "method " + method, text: method + " /api/v1/workflows HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {weak}\r\n\r\n", dead: true})
	}
	return append(all, attack{name: "CONNECT authority", text: "CONNECT {host}:443 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {weak}\r\n\r\n", dead: true})
}

func hostAttacks() (all []attack) {
	for name, head := range map[string]string{
		"another":        "GET /files/a HTTP/1.1\r\nHost: evil.example\r\n",
		"none":           "GET /files/a HTTP/1.0\r\n",
		"empty":          "GET /files/a HTTP/1.1\r\nHost:\r\n",
		"with a user":    "GET /files/a HTTP/1.1\r\nHost: {host}@evil.example\r\n",
		"a user of ours": "GET /files/a HTTP/1.1\r\nHost: evil.example@{host}\r\n",
		"a suffix":       "GET /files/a HTTP/1.1\r\nHost: {host}.evil.example\r\n",
		"a list":         "GET /files/a HTTP/1.1\r\nHost: {host}, evil.example\r\n",
		"a path":         "GET /files/a HTTP/1.1\r\nHost: {host}/x\r\n",
		"absolute":       "GET http://evil.example/files/a HTTP/1.1\r\nHost: {host}\r\n",
		"absolute, ours": "GET https://{host}/files/secret HTTP/1.1\r\nHost: evil.example\r\n",
		"two":            "GET /files/a HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n",
		"two, reversed":  "GET /files/a HTTP/1.1\r\nHost: evil.example\r\nHost: {host}\r\n",
		"X-Forwarded":    "GET /files/a HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: {host}\r\n",
	} {
		all = append(all, attack{name: "host " + name, text: head + "Connection: close\r\nAuthorization: Bearer {weak}\r\n\r\n", dead: true})
	}
	return all
}

// framingAttacks try to have a second call read where the guard saw a body (RFC 9112, section 11.2).
func framingAttacks() (all []attack) {
	inner := "GET /files/secret HTTP/1.1\r\nHost: {host}\r\nTokenbooth-Subject: " + mark + "\r\nTokenbooth-Permissions: secret\r\n\r\n"
	for name, lines := range map[string]string{
		"CL and TE":        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
		"TE and CL":        "Transfer-Encoding: chunked\r\nContent-Length: 300\r\n",
		"TE twice":         "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
		"TE list":          "Transfer-Encoding: chunked, identity\r\n",
		"TE unknown":       "Transfer-Encoding: xchunked\r\n",
		"TE space":         "Transfer-Encoding : chunked\r\n",
		"TE tab":           "Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n",
		"TE control":       "Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n",
		"TE folded":        "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n",
		"TE in a line":     "X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
		"CL twice":         "Content-Length: 5\r\nContent-Length: 0\r\n",
		"CL signed":        "Content-Length: +5\r\n",
		"CL list":          "Content-Length: 5, 5\r\n",
		"CL hex":           "Content-Length: 0x5\r\n",
		"CL alias":         "Content_Length: 300\r\nContent-Length: 5\r\n",
		"no length at all": "",
		"a lone CR":        "X: y\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
		"a null":           "X: \x00\r\nContent-Length: 5\r\n",
	} {
		head := "POST /files/a HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {weak}\r\n" + lines + "\r\n"
		all = append(all, attack{name: "framing " + name, text: head + "0\r\n\r\n" + inner})
	}
	for name, body := range map[string]string{
		"extension":  "5;a=\"\n\r\n\r\n0\r\n\r\n" + inner,
		"bare LF":    "5\nhello\n0\n\n" + inner,
		"overflow":   "10000000000000005\r\nhello\r\n0\r\n\r\n" + inner,
		"negative":   "-5\r\nhello\r\n0\r\n\r\n" + inner,
		"hex":        "0x5\r\nhello\r\n0\r\n\r\n" + inner,
		"underscore": "0_5\r\nhello\r\n0\r\n\r\n" + inner,
		"no CRLF":    "5\r\nhelloX0\r\n\r\n" + inner,
		"trailers":   "5\r\nhello\r\n0\r\nTokenbooth-Subject: " + mark + "\r\nTransfer-Encoding: chunked\r\n\r\n",
		"sound":      "5\r\nhello\r\n0\r\n\r\n" + inner,
	} {
		head := "POST /files/a HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {weak}\r\nTransfer-Encoding: chunked\r\n\r\n"
		all = append(all, attack{name: "chunks " + name, text: head + body})
	}
	for name, line := range map[string]string{
		"a space in the target": "GET /files/a /files/secret HTTP/1.1\r\n", "two spaces": "GET  /files/secret HTTP/1.1\r\n", "no version": "GET /files/secret\r\n",
		"HTTP/0.9": "GET /files/secret HTTP/0.9\r\n", "HTTP/3": "GET /files/secret HTTP/3.0\r\n", "HTTP/1.1 twice": "GET /files/a HTTP/1.1 HTTP/1.1\r\n",
		"a line feed": "GET /files/a\nX: HTTP/1.1\r\n", "h2c": "GET /files/secret HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
		"preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		all = append(all, attack{name: "line " + name, text: line + "Host: {host}\r\nConnection: close\r\nAuthorization: Bearer {weak}\r\n\r\n"})
	}
	return append(all, attack{
		name: "HTTP/1.0 chunked", text: "POST /files/a HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {weak}\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n" + inner,
	})
}

// guarded is an API behind something that guards it.
type guarded struct {
	*world
	dial func() (net.Conn, error)
	host string
	// what the API sees of the call itself
	source, scheme string
}

// try sends bytes as they are, reads what comes for a while, and returns the statuses of the answers.
func (w *guarded) try(text string) (statuses []int) {
	w.Helper()
	conn, err := w.dial()
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		return nil // answered and gone
	}
	answers := bufio.NewReader(conn)
	for {
		method := "GET"
		if strings.HasPrefix(text, "HEAD ") {
			method = "HEAD"
		}
		res, err := http.ReadResponse(answers, &http.Request{Method: method})
		if err != nil {
			return statuses
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		statuses = append(statuses, res.StatusCode)
		if res.StatusCode == http.StatusSwitchingProtocols || res.Close {
			return statuses
		}
		_ = conn.SetReadDeadline(time.Now().Add(250 * time.Millisecond)) // for what was smuggled
	}
}

// judge says whether a call that the API got is permitted to a token: by the gateway's decision about that very target.
func (w *guarded) judge(s seen, token string) bool {
	u, err := url.ParseRequestURI(s.URI)
	if err != nil {
		return false
	}
	through := &recorder{}
	g, err := gateway.New(gateway.Options{Tenant: "acme", Tokens: tokens(), APIs: apis(w.T, "http://127.0.0.1:1")})
	if err != nil {
		w.Fatal(err)
	}
	gateway.Divert(g, through)
	r := &http.Request{Method: s.Method, RequestURI: s.URI, URL: u, Header: http.Header{"Authorization": {"Bearer " + token}}, Body: http.NoBody, RemoteAddr: "192.0.2.1:1"}
	g.ServeHTTP(httptest.NewRecorder(), r)
	return len(through.uri) == 1 && through.uri[0] == s.URI
}

// hold tries all attacks and holds what reached the API against the rules.
func (w *guarded) hold(all []attack) {
	weak, strong := mint(apiAudience, "files", "me"), mint(adminAudience, "admin", "secret")
	reached := 0
	look := func() (calls int) {
		for _, s := range w.echo.last() {
			calls++
			name := "what was smuggled"
			if n, err := strconv.Atoi(s.Header.Get("X-Attack")); err == nil && n < len(all) {
				if name = all[n].name; all[n].dead {
					w.Errorf("%s: reached the API as %s %s", name, s.Method, s.URI)
				}
			}
			if !w.judge(s, weak) {
				w.Errorf("%s: the API got %s %q, which the token does not permit", name, s.Method, s.URI)
			}
			w.mu.Lock()
			if w.asked != nil && w.asked[s.Method+" "+s.URI] == 0 {
				w.Errorf("%s: the API got %s %q, and that was never asked about", name, s.Method, s.URI)
			}
			w.mu.Unlock()
			w.inspect(name, s, weak, strong)
		}
		reached += calls
		return calls
	}
	for i, a := range all {
		fill := strings.NewReplacer("{weak}", weak, "{strong}", strong, "Host: {host}\r\n", fmt.Sprintf("Host: %s\r\nX-Attack: %d\r\n", w.host, i), "{host}", w.host)
		statuses := w.try(fill.Replace(a.text))
		if calls := look(); calls == 0 && slices.Contains(statuses, http.StatusOK) {
			w.Errorf("%s: answers %v, but no call of the API", a.name, statuses)
		}
	}
	time.Sleep(100 * time.Millisecond) // for what was broken off
	look()
	w.Logf("%d attacks, %d calls reached the API, each permitted", len(all), reached)
	good := strings.NewReplacer("{weak}", weak, "{host}", w.host).Replace(one("", "/files/a%20b?x=1&y=%2F").text)
	if s, calls := w.try(good), look(); len(s) != 1 || s[0] != 200 || calls != 1 {
		w.Errorf("after all that a good call is answered %v", s)
	}
}

// inspect looks at what the API was told about a call.
func (w *guarded) inspect(name string, s seen, tokens ...string) {
	w.Helper()
	text, _ := json.Marshal(s.Header)
	for _, token := range tokens {
		if strings.Contains(string(text), token[len(token)-20:]) || strings.Contains(s.URI, token[len(token)-20:]) {
			w.Errorf("%s: the API got a token: %s %s", name, s.URI, text)
		}
	}
	if strings.Contains(string(text), mark) {
		w.Errorf("%s: the API got what a caller said: %s", name, text)
	}
	for k, v := range s.Header {
		folded := strings.ToLower(strings.Map(func(c rune) rune {
			if c < '0' || '9' < c && c < 'A' || 'Z' < c && c < 'a' || c > 'z' {
				return '-'
			}
			return c
		}, k))
		want, isOurs := ours[k]
		if strings.HasPrefix(k, "Tokenbooth-") && !isOurs && slices.Equal(v, []string{""}) {
			continue // nothing, said aloud
		}
		switch k {
		case "X-Forwarded-For":
			want = w.source
		case "X-Forwarded-Proto":
			want = w.scheme
		case "X-Forwarded-Host":
			want = w.host
		}
		if isOurs && (len(v) != 1 || v[0] != want) {
			w.Errorf("%s: the API got %s: %q, want %q", name, k, v, want)
		}
		if !isOurs && (strings.HasPrefix(folded, "tokenbooth") || strings.HasPrefix(folded, "x-forwarded") || strings.HasPrefix(folded, "x-original") ||
			strings.HasPrefix(folded, "x-http-method") || folded == "cookie" || folded == "authorization") {
			w.Errorf("%s: the API got %s: %q", name, k, v)
		}
	}
	for k := range ours {
		if s.Header[k] == nil {
			w.Errorf("%s: the API did not get %s: %v", name, k, s.Header)
		}
	}
}

// TestReq040_Req041_Req042_Req043_B34_B50_TheGatewayHoldsAgainstTheCorpus has no proxy in front: the rules are the gateway's own.
func TestReq040_Req041_Req042_Req043_B34_B50_TheGatewayHoldsAgainstTheCorpus(t *testing.T) {
	w := newWorld(t, nil)
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Host != "acme.example" { // the server in front chooses by host
			rw.WriteHeader(http.StatusMisdirectedRequest)
			return
		}
		w.door.Identified(w).ServeHTTP(rw, r)
	}))
	defer front.Close()
	addr := front.Listener.Addr().String()
	g := &guarded{world: w, host: "acme.example", source: "127.0.0.1", scheme: "http", dial: func() (net.Conn, error) { return net.Dial("tcp", addr) }}
	g.hold(attacks())
}
