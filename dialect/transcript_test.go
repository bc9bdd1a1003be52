package dialect

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// exchange is one request of a transcript with what it came to. testdata/README.md describes the files.
type exchange struct {
	file     string
	dialect  *Dialect
	request  *block
	answer   *block
	expected map[string]string // by directive: understood, carried, refused, given
}

// transcripts reads every file of testdata.
func transcripts(tb testing.TB) (all []exchange) {
	tb.Helper()
	for _, d := range Builtin() {
		files, err := filepath.Glob("testdata/" + d.Name + "/*.http")
		if err != nil || len(files) == 0 {
			tb.Fatalf("no transcripts of %s: %v", d.Name, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				tb.Fatal(err)
			}
			blocks, err := split(file, string(text))
			if err != nil {
				tb.Fatal(err)
			}
			for pair := range slices.Chunk(blocks[1:], 2) {
				if len(pair) < 2 || pair[0].isAnswer() || !pair[1].isAnswer() {
					tb.Fatalf("%s:%d: a transcript is requests, each followed by its answer", file, pair[0].at)
				}
				x := exchange{file, d, pair[0], pair[1], map[string]string{}}
				for _, dir := range pair[1].directives {
					x.expected[dir.name] = dir.value
				}
				all = append(all, x)
			}
		}
	}
	return all
}

// wire renders the request as it goes over the wire.
func (x exchange) wire(tb testing.TB) string {
	var out strings.Builder
	body := x.request.bodyText()
	fmt.Fprintf(&out, "%s\r\n", x.request.start.text)
	for _, h := range x.request.headers {
		fmt.Fprintf(&out, "%s\r\n", h.text)
		switch {
		case h.name == "Content-Length" && h.value != strconv.Itoa(len(body)) && body != "":
			tb.Errorf("%s:%d: the body has %d bytes, not %s", x.file, h.no, len(body), h.value)
		case h.name == "Transfer-Encoding":
			half := len(body) / 2
			body = fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", half, body[:half], len(body)-half, body[half:])
		}
	}
	fmt.Fprintf(&out, "\r\n%s", body)
	return out.String()
}

// want renders the expected answer.
func (x exchange) want() string {
	lines := []string{x.answer.start.text}
	for _, h := range x.answer.headers {
		lines = append(lines, h.name+": "+h.value) // in the spelling of net/http
	}
	return strings.TrimRight(strings.Join(lines, "\n")+"\n\n"+x.answer.bodyText(), "\n")
}

// got renders an answer that came over the wire.
func got(tb testing.TB, resp *http.Response) string {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	resp.Header.Del("Date")
	lines := []string{resp.Proto + " " + resp.Status}
	for name, values := range resp.Header {
		for _, v := range values {
			lines = append(lines, name+": "+v)
		}
	}
	slices.Sort(lines[1:])
	return strings.TrimRight(strings.Join(lines, "\n")+"\n\n"+string(body), "\n")
}

// serve does what a server does between Decode and Encode, by the transcript's word.
func (x exchange) serve(tb testing.TB, w http.ResponseWriter, r *http.Request) {
	about := About{Realm: "acme", RequestID: "oae2RqWc0Zt1Lx", Path: r.URL.Path}
	seen := map[string]string{}
	var refusal *oauth.Error
	if e := x.dialect.Endpoint(r.URL.Path); e != nil {
		var req oauth.TokenRequest
		if req, refusal = e.Decode(r); refusal == nil {
			seen["understood"] = understood(req)
		}
		about.Grant = req.Grant
	} else if r.URL.Path == "/oauth2/introspect" || r.URL.Path == "/oauth2/revoke" {
		var q oauth.TokenQuery
		if q, refusal = DecodeQuery(r); refusal == nil {
			seen["understood"] = queried(q)
		}
	} else {
		var token string
		if token, refusal = x.dialect.Carried(r); refusal == nil {
			seen["carried"] = token
		}
	}
	if refusal != nil {
		seen["refused"] = string(refusal.Code) + ": " + refusal.Reason
	}
	for _, name := range []string{"understood", "carried", "refused"} {
		if seen[name] != x.expected[name] {
			tb.Errorf("%s:%d: @%s\n got %s\nwant %s", x.file, x.answer.at, name, seen[name], x.expected[name])
		}
	}
	outcome, values := x.given(tb)
	about.Scope, about.Metadata = values["scope"], values["metadata"]
	switch {
	case outcome == "passed":
		w.WriteHeader(http.StatusNoContent)
	case outcome == "revoked":
		w.Header()["Cache-Control"] = noStore
	case outcome == "active" || outcome == "inactive":
		EncodeIntrospection(w, known(tb, outcome, values))
	case outcome == "issued":
		token := &oauth.Token{AccessToken: values["access_token"], RefreshToken: values["refresh_token"], Scope: values["scope"],
			IssuedAt: time.Unix(1_800_000_000, 0), ExpiresIn: x.dialect.Terms.Lifetime}
		if left, err := time.ParseDuration(values["secret_expires_in"]); err == nil {
			token.SecretExpires = token.IssuedAt.Add(left)
		}
		x.dialect.Encode(w, token, about)
	case refusal != nil:
		x.dialect.EncodeError(w, refusal, about)
	default:
		wait, _ := time.ParseDuration(cmp.Or(values["retry_after"], "0s"))
		x.dialect.EncodeError(w, &oauth.Error{Code: oauth.Code(outcome), Description: values["description"], RetryAfter: wait}, about)
	}
}

// given reads the outcome: issued access_token=abc scope="a b"
func (x exchange) given(tb testing.TB) (outcome string, values map[string]string) {
	outcome, rest, _ := strings.Cut(x.expected["given"], " ")
	values = map[string]string{}
	for rest != "" {
		name, value, _ := strings.Cut(rest, "=")
		if quoted, err := strconv.QuotedPrefix(value); err == nil {
			rest = strings.TrimSpace(value[len(quoted):])
			value, _ = strconv.Unquote(quoted)
		} else {
			value, rest, _ = strings.Cut(value, " ")
		}
		values[name] = value
	}
	if outcome == "" && x.expected["refused"] == "" {
		tb.Errorf("%s:%d: the transcript does not say what was given", x.file, x.answer.at)
	}
	return outcome, values
}

// understood renders a request in the words of a transcript.
func understood(req oauth.TokenRequest) string {
	out := string(req.Grant) + ", "
	if req.Bodyless {
		out += "bodyless, "
	}
	return out + asked(req.Asker) + pair("username", req.Username.Reveal()) + pair("password", req.Password.Reveal()) + pair("totp", req.TOTP.Reveal()) +
		pair("refresh_token", req.RefreshToken.Reveal()) + pair("scope", req.Scope.Reveal())
}

// asked renders who asks.
func asked(a oauth.Asker) string {
	out := string(a.Auth) + "," + pair("client_id", a.Client.ID.Reveal()) + pair("client_secret", a.Client.Secret.Reveal())
	if a.Decoded != nil {
		out += " or" + pair("client_id", a.Decoded.ID.Reveal()) + pair("client_secret", a.Decoded.Secret.Reveal())
	}
	return out
}

// pair renders a value that is there.
func pair(name, value string) string {
	if strings.Contains(value, " ") {
		value = strconv.Quote(value)
	}
	if value == "" {
		return ""
	}
	return " " + name + "=" + value
}

// Every transcript is held over a real connection: request as it is, answer whole.
// Requirements 17, 55, 63, 73, 77, 88 and 89 of the checklist are among what the files show.
func TestTranscripts(t *testing.T) {
	var handler http.HandlerFunc
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(w, r) }))
	defer server.Close()
	for _, x := range transcripts(t) {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(x.file, "testdata/"), ".http"), func(t *testing.T) {
			handler = func(w http.ResponseWriter, r *http.Request) { x.serve(t, w, r) }
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, x.wire(t)); err != nil {
				t.Fatal(err)
			}
			replies := bufio.NewReader(conn)
			resp, err := http.ReadResponse(replies, nil)
			if err == nil && resp.StatusCode == http.StatusContinue {
				resp, err = http.ReadResponse(replies, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			if g, w := got(t, resp), x.want(); g != w {
				t.Errorf("%s:%d: the answer\n%s\n\nis not the expected one\n%s", x.file, x.answer.at, g, w)
			}
		})
	}
}

// A contract without a proof is a claim: each block of each dialect is held up by a transcript.
func TestEveryBlockHasATranscript(t *testing.T) {
	shown := map[*block]bool{}
	for _, x := range transcripts(t) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(x.wire(t))))
		if err != nil {
			t.Fatal(err)
		}
		e := x.dialect.Endpoint(r.URL.Path)
		if e != nil && x.expected["understood"] != "" {
			shown[chosen(t, e, r).block] = true
		}
		code, _ := x.given(t)
		if refusal, _, _ := strings.Cut(x.expected["refused"], ":"); code == "" {
			code = refusal
		}
		grant, _, _ := strings.Cut(x.expected["understood"], ",")
		shown[x.dialect.lookup(oauth.Code(code), oauth.GrantType(grant)).block] = true
	}
	for _, d := range Builtin() {
		for _, a := range d.inOrder() {
			if !shown[a.block] {
				t.Errorf("%s:%d: no transcript is answered with this block", a.block.file, a.block.at)
			}
		}
		for _, e := range d.Endpoints() {
			for _, f := range e.forms {
				if !shown[f.block] && !alike(e, f, shown) {
					t.Errorf("%s:%d: no transcript asks with this block", f.block.file, f.block.at)
				}
			}
		}
	}
}

// chosen repeats the steps of Decode and returns the form it found.
func chosen(tb testing.TB, e *Endpoint, r *http.Request) *form {
	tb.Helper()
	text, s, refusal := e.open(r)
	params, n, _ := readParams(nil, text, s, r.URL.RawQuery)
	var v values
	if refusal == nil {
		refusal = e.fill(&v, &oauth.Asker{}, r.Header, params[:n], s)
	}
	if refusal != nil {
		tb.Fatal(refusal)
	}
	f, refusal := e.match(&v, s, params[:n], params[n:], r.Header)
	if refusal != nil {
		tb.Fatal(refusal)
	}
	return f
}

// alike reports whether another block of the endpoint with the same constants was shown: the two differ in where the holes stand, and
// a request may take its holes from either.
func alike(e *Endpoint, f form, shown map[*block]bool) bool {
	return slices.ContainsFunc(e.forms, func(other form) bool {
		return shown[other.block] && other.syntax == f.syntax && slices.Equal(other.body, f.body) && slices.Equal(other.query, f.query)
	})
}
