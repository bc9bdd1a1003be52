package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const form = "application/x-www-form-urlencoded"

// callTime bounds every call of these tests.
const callTime = 20 * time.Second

// web is a caller that takes every host name for this machine, follows no redirect and asks for no compression.
var web = &http.Client{
	Timeout:       callTime,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{DialContext: dialHere, DisableCompression: true, MaxIdleConnsPerHost: 64},
}

// dialHere connects to this machine whatever the host name.
func dialHere(ctx context.Context, network, addr string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	closed bool // the connection, by the server
}

// call sends a request and reads the answer. headers are lines like "Accept: text/plain". Every answer, whatever the test, must have
// the manners that all answers have.
func call(t *testing.T, method, target, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	setHeaders(req, headers)
	res, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return whole(t, res, req.URL.Path)
}

// setHeaders sets header lines with their names as they are written; Host is the request's own.
func setHeaders(req *http.Request, headers []string) {
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header[name] = append(req.Header[name], value)
	}
}

// post sends a form.
func post(t *testing.T, target, body string, headers ...string) answer {
	t.Helper()
	return call(t, http.MethodPost, target, body, append([]string{"Content-Type: " + form}, headers...)...)
}

// get calls an API with a token.
func get(t *testing.T, target, token string, headers ...string) answer {
	t.Helper()
	return call(t, http.MethodGet, target, "", append([]string{"Authorization: Bearer " + token}, headers...)...)
}

// raw sends bytes as they are and reads one answer. parts are sent one after the other; before each but the first the interim answer
// 100 must have come.
func (b *booth) raw(t *testing.T, parts ...string) answer {
	t.Helper()
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+b.port(), callTime)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(callTime)); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	for i, part := range parts {
		if i > 0 {
			wantContinue(t, reader)
		}
		if _, err := io.WriteString(conn, part); err != nil {
			t.Fatal(err)
		}
	}
	method, rest, _ := strings.Cut(parts[0], " ")
	target, _, _ := strings.Cut(rest, " ")
	res, err := http.ReadResponse(reader, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("no answer to %q: %v", parts[0][:min(len(parts[0]), 100)], err)
	}
	return whole(t, res, target)
}

// wantContinue reads the interim answer 100 as it stands on the wire.
func wantContinue(t *testing.T, reader *bufio.Reader) {
	t.Helper()
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if line, err := reader.ReadString('\n'); err != nil || line != want {
			t.Fatalf("instead of the interim answer came %q, %v", line, err)
		}
	}
}

func readAll(res *http.Response) ([]byte, error) {
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

// whole reads an answer to its end and checks its manners.
func whole(t *testing.T, res *http.Response, path string) answer {
	t.Helper()
	body, err := readAll(res)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{res.StatusCode, res.Header, string(body), res.Close}
	a.checkManners(t, path)
	return a
}

// published are the documents that anybody may keep a while.
var published = []string{"/.well-known/oauth-authorization-server", "/.well-known/jwks.json"}

// checkManners checks what holds for every answer: a request id, nothing to be cached (Req 55), no word about what runs here (Req 107).
// What net/http answers by itself to what is no request has no id: it is text, and ends the connection.
func (a answer) checkManners(t *testing.T, path string) {
	t.Helper()
	if unread := a.closed && strings.HasPrefix(a.header.Get("Content-Type"), "text/plain"); !unread {
		if id := a.header.Values("X-Request-Id"); len(id) != 1 || len(id[0]) != 16 {
			t.Errorf("%s: %d has the request ids %q", path, a.status, id)
		}
		if got := a.header.Get("Cache-Control"); got != a.cacheRule(path) && got != "no-store" {
			t.Errorf("%s: %d may be kept: Cache-Control %q", path, a.status, got)
		}
	}
	for _, banner := range []string{"Server", "X-Powered-By", "Via", "X-Tokenbooth-Version"} {
		if v, there := a.header[banner]; there {
			t.Errorf("%s: %d tells %s %q", path, a.status, banner, v)
		}
	}
}

// cacheRule is what an answer says to caches, if not that they may keep nothing: a published document may be kept, an API's own answer
// only by the caller's own cache.
func (a answer) cacheRule(path string) string {
	switch {
	case slices.Contains(published, path) && a.status == http.StatusOK:
		return "public, max-age=900"
	case strings.HasPrefix(path, "/api/") && !strings.HasSuffix(path, "/token") && a.status != http.StatusUnauthorized && a.status != http.StatusForbidden:
		return "private"
	}
	return "no-store"
}

// want checks status and body.
func (a answer) want(t *testing.T, status int, body string) answer {
	t.Helper()
	if a.status != status || a.body != body {
		t.Errorf("got  %d %s\nwant %d %s", a.status, a.body, status, body)
	}
	return a
}

// wantStatus checks the status, and stops the test when it is another: what follows would make no sense.
func (a answer) wantStatus(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("got %d %v %s\nwant %d", a.status, a.header, a.body, status)
	}
	return a
}

// wantHeader checks that a header is there once with this value; an empty value means that it is not there.
func (a answer) wantHeader(t *testing.T, name, value string) answer {
	t.Helper()
	got := a.header.Values(name)
	if value == "" && len(got) > 0 || value != "" && (len(got) != 1 || got[0] != value) {
		t.Errorf("%s is %q, want %q", name, got, value)
	}
	return a
}

// members are the names of a JSON object, in their order, and its values.
func members(t *testing.T, body string) (names []string, values map[string]any) {
	t.Helper()
	names, err := memberNames(body)
	if err == nil {
		err = json.Unmarshal([]byte(body), &values)
	}
	if err != nil {
		t.Fatalf("no JSON object: %v: %s", err, body)
	}
	return names, values
}

func memberNames(body string) (names []string, err error) {
	d := json.NewDecoder(bytes.NewReader([]byte(body)))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil, fmt.Errorf("%v, %w", first, err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		names = append(names, name.(string))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// token is what a token endpoint gave.
type token struct{ access, refresh string }

var jwtShape = regexp.MustCompile(`^[\w-]+\.[\w-]+\.[\w-]+$`)

// nexthinkToken checks the four members of the vendor's answer, in the vendor's order, and returns the token, a JWT.
func nexthinkToken(t *testing.T, body string) string {
	t.Helper()
	names, v := members(t, body)
	if !slices.Equal(names, []string{"token_type", "expires_in", "access_token", "scope"}) {
		t.Fatalf("the members are %q", names)
	}
	if v["token_type"] != "Bearer" || v["expires_in"] != 900.0 || v["scope"] != "service:integration" {
		t.Errorf("got %s", body)
	}
	access := v["access_token"].(string)
	if !jwtShape.MatchString(access) {
		t.Errorf("%q is no JWT", access)
	}
	return keepToken(access)
}

var uuidShape = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// dadiToken checks the three members of the vendor's answer and returns the token, a UUID of version 4.
func dadiToken(t *testing.T, body string) string {
	t.Helper()
	names, v := members(t, body)
	if !slices.Equal(names, []string{"accessToken", "tokenType", "expiresIn"}) {
		t.Fatalf("the members are %q", names)
	}
	if v["tokenType"] != "Bearer" || v["expiresIn"] != 1800.0 {
		t.Errorf("got %s", body)
	}
	access := v["accessToken"].(string)
	if !uuidShape.MatchString(access) {
		t.Errorf("%q is no UUID of version 4", access)
	}
	return keepToken(access)
}

// nexudusTokens checks the four members of the vendor's answer and returns the pair.
func nexudusTokens(t *testing.T, body string) token {
	t.Helper()
	names, v := members(t, body)
	if !slices.Equal(names, []string{"access_token", "token_type", "expires_in", "refresh_token"}) {
		t.Fatalf("the members are %q", names)
	}
	if v["token_type"] != "bearer" || v["expires_in"] != 604799.0 {
		t.Errorf("got %s", body)
	}
	return token{keepToken(v["access_token"].(string)), keepSecret(v["refresh_token"].(string))}
}

// values renders a form, in the order of its arguments.
func values(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(pairs[i]) + "=" + url.QueryEscape(pairs[i+1]))
	}
	return b.String()
}
