package dialect

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Whatever a file says, Parse answers with a dialect that works or with a place in the file.
func FuzzParse(f *testing.F) {
	for _, d := range Builtin() {
		f.Add(d.Source)
	}
	f.Add(sound)
	for _, fault := range loadFaults {
		f.Add(strings.Replace(sound, fault.old, fault.new, 1))
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse("x.http", text)
		if err != nil {
			fault, ok := err.(*Error)
			if lines := strings.Count(text, "\n") + 1; !ok || d != nil || fault.Line < 1 || fault.Line > lines || fault.Column < 1 || fault.Problem == "" {
				t.Fatalf("%#v for a file of %d lines", err, lines)
			}
			return
		}
		again, err := Parse("x.http", d.Source)
		if err != nil || again.Name != d.Name || again.Terms != d.Terms {
			t.Fatalf("a second reading differs: %v", err)
		}
		sayEverything(t, d, "a\"b\r\n\xff", 1)
		for _, e := range d.Endpoints() {
			r := httptest.NewRequest("POST", "/", strings.NewReader("a=b"))
			_, _ = e.Decode(r)
		}
		_, _ = d.Carried(httptest.NewRequest("GET", "/", nil))
	})
}

// sayEverything has a dialect say everything it can say with one value in every hole, and checks that no value gets out of its place.
func sayEverything(t *testing.T, d *Dialect, text string, seconds int64) {
	t.Helper()
	about := About{RequestID: text, Path: text, Realm: text, Scope: text, Metadata: text}
	check := func(w *httptest.ResponseRecorder) {
		t.Helper()
		for name, values := range w.Header() {
			for _, v := range values {
				if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
					t.Fatalf("%s: header %s is %q", d.Name, name, v)
				}
			}
		}
		if lang, _ := language(strings.Split(w.Header().Get("Content-Type"), ";")[0]); lang == inJSON && w.Body.Len() > 0 {
			if !json.Valid(w.Body.Bytes()) || !utf8.Valid(w.Body.Bytes()) {
				t.Fatalf("%s: no JSON: %q", d.Name, w.Body)
			}
		}
	}
	for _, grant := range []oauth.GrantType{"", oauth.ClientCredentials, oauth.Password, oauth.RefreshToken} {
		about.Grant = grant
		if grant == "" || d.grants(grant) {
			w := httptest.NewRecorder()
			d.Encode(w, &oauth.Token{AccessToken: text, RefreshToken: text, Scope: text, ClientID: text, Username: text,
				IssuedAt: time.Unix(seconds%(1<<33), 0), ExpiresIn: time.Duration(seconds)}, about)
			check(w)
		}
		for _, code := range oauth.Codes() {
			w := httptest.NewRecorder()
			d.EncodeError(w, &oauth.Error{Code: code, Description: text, RetryAfter: time.Duration(seconds)}, about)
			check(w)
		}
	}
}

// No value can end its string, its header or its answer; and in JSON it comes back as it was.
func FuzzEscape(f *testing.F) {
	for _, text := range []string{"", "abc", `a"b\c`, "a\r\nSet-Cookie: x=y", "\x00\x7f\x80", "é\u2028\xff\xc0\xaf", "</script>", `","admin":"`, `\u0000`, "%0d%0a", "\ufeff"} {
		f.Add(text, int64(900))
	}
	f.Fuzz(func(t *testing.T, text string, seconds int64) {
		for _, d := range Builtin() {
			sayEverything(t, d, text, seconds)
		}
		var back string
		if err := json.Unmarshal(append(appendEscaped([]byte{'"'}, text, inJSON), '"'), &back); err != nil || back != text && utf8.ValidString(text) {
			t.Fatalf("%q comes back as %q (%v)", text, back, err)
		}
		if form, err := url.QueryUnescape(string(appendEscaped(nil, text, inForm))); err != nil || form != text {
			t.Fatalf("%q comes back as %q (%v)", text, form, err)
		}
		for _, c := range appendEscaped(nil, text, inHeader) {
			if c < ' ' || c > '~' || c == '"' || c == '\\' {
				t.Fatalf("%q puts %q into a header", text, c)
			}
		}
	})
}

// decode sends a request to every endpoint of every dialect, and checks what holds for all requests.
func decode(t *testing.T, target, body string, header http.Header) {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return
	}
	for _, d := range Builtin() {
		for _, e := range d.Endpoints() {
			r := &http.Request{Method: "POST", URL: u, Header: header, Body: readCloser{strings.NewReader(body)}, ContentLength: int64(len(body))}
			req, refusal := e.Decode(r)
			if refusal != nil {
				if w := httptest.NewRecorder(); !plainText.MatchString(refusal.Description) {
					t.Fatalf("%s: %q", d.Name, refusal.Description)
				} else if d.EncodeError(w, refusal, About{}); w.Code < 400 {
					t.Fatalf("%s: a refusal is answered with %d", d.Name, w.Code)
				}
				continue
			}
			sensible(t, d, e, req)
			chunked := *r
			chunked.Body, chunked.ContentLength = readCloser{slow{strings.NewReader(body)}}, -1
			if again, refusal := e.Decode(&chunked); refusal != nil || !reflect.DeepEqual(again, req) {
				t.Fatalf("%s: in pieces, the request is another", d.Name)
			}
		}
	}
}

// sensible checks what every request that was taken promises.
func sensible(t *testing.T, d *Dialect, e *Endpoint, req oauth.TokenRequest) {
	for _, text := range []string{req.Client.ID.Reveal(), req.Client.Secret.Reveal(), req.Username.Reveal(), req.Password.Reveal(), req.TOTP.Reveal(), req.RefreshToken.Reveal(), req.Scope.Reveal()} {
		if !clean(text) || len(text) > maxValue {
			t.Fatalf("%s: took the value %q", d.Name, text)
		}
	}
	who := req.Client.ID != "" && (d.Terms.ClientLabel || req.Client.Secret != "" && req.Auth != oauth.AuthNone)
	what := req.Grant == oauth.ClientCredentials || req.Grant == oauth.Password && req.Username != "" && req.Password != "" || req.Grant == oauth.RefreshToken && req.RefreshToken != ""
	if !d.grants(req.Grant) || !who || !what || !oauth.ValidScope(req.Scope.Reveal()) || req.Dialect != d.Name || req.Terms != &e.dialect.Terms {
		t.Fatalf("%s took %s", d.Name, understood(req))
	}
	if req.Bodyless && req.Grant != oauth.ClientCredentials {
		t.Fatalf("%s: bodyless %s", d.Name, req.Grant)
	}
}

type readCloser struct{ reader }
type reader interface{ Read([]byte) (int, error) }

func (readCloser) Close() error { return nil }

// slow reads one byte at a time.
type slow struct{ r *strings.Reader }

func (s slow) Read(b []byte) (int, error) { return s.r.Read(b[:min(1, len(b))]) }

func FuzzDecodeForm(f *testing.F) {
	for _, c := range good {
		f.Add(c.body, "Basic Y2lkOmhpZ2hseS1zZWNyZXQ=", "kiosk")
		f.Add(c.body, "", "")
	}
	for _, x := range transcripts(f) {
		f.Add(x.request.bodyText(), "", "")
	}
	f.Add("a=%zz&&=&a", "Basic", "\x00")
	f.Fuzz(func(t *testing.T, body, authorization, clientID string) {
		h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		for name, value := range map[string]string{"Authorization": authorization, "Client_id": clientID} {
			if value != "" {
				h[name] = []string{value}
			}
		}
		decode(t, "/", body, h)
	})
}

// What encoding/json takes for an object of our kind is what readJSON takes, and with the same members.
func FuzzDecodeJSON(f *testing.F) {
	for _, c := range good {
		f.Add(c.body)
	}
	for _, body := range []string{`{"a":1,"a":2}`, `{"a":[[[]]],"b":{"c":"\ud800"}}`, `{"clientId":{"$ne":null}}`, `{"\u0061":"\""}`, `{`, `{"a":"b",}`, "{}x", `{"a":` + strings.Repeat("[", 20)} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, contentType := range []string{"application/json", "text/plain"} {
			decode(t, "/", body, http.Header{"Content-Type": {contentType}})
		}
		params, problem := readJSON(nil, body)
		if problem != "" || repeated(params, jsonBody) != none {
			return
		}
		var members map[string]any
		if err := json.Unmarshal([]byte(body), &members); err != nil && !strings.Contains(err.Error(), "cannot unmarshal number") || len(members) != len(params) {
			t.Fatalf("%q: %d members, encoding/json has %d (%v)", body, len(params), len(members), err)
		}
		for _, p := range params {
			if text, ok := members[p.name].(string); ok && text != p.value || !ok && p.value != notString {
				t.Fatalf("%q: member %q is %q, not %q", body, p.name, p.value, members[p.name])
			}
		}
	})
}

func FuzzDecodeBasic(f *testing.F) {
	for _, plain := range []string{"cid:secret", "a:b:c", ":", "", "cid:%zz", "cid:a+b", "\x00:\xff", "%3A:%3A"} {
		f.Add("Basic " + base64.StdEncoding.EncodeToString([]byte(plain)))
	}
	f.Add("basic  YTpi")
	f.Add("Basic YTpi=")
	f.Fuzz(func(t *testing.T, authorization string) {
		h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {authorization}}
		decode(t, "/", "grant_type=client_credentials", h)
		e := Standard().Endpoint("/oauth2/token")
		r := httptest.NewRequest("POST", "/", strings.NewReader("grant_type=client_credentials"))
		r.Header = h
		req, refusal := e.Decode(r)
		if refusal != nil {
			return
		}
		raw := req.Client.ID.Reveal() + ":" + req.Client.Secret.Reveal()
		if scheme, rest, _ := strings.Cut(authorization, " "); !strings.EqualFold(scheme, "Basic") || base64.StdEncoding.EncodeToString([]byte(raw)) != strings.TrimLeft(rest, " ") {
			t.Fatalf("%q and the canonical form of %q are taken alike", authorization, raw)
		}
	})
}

func FuzzDecodeQuery(f *testing.F) {
	for _, query := range []string{"grant_type=client_credentials", "a=1&a=2", "client_secret=x", "%63lient_secret=x", "a;b", "%", "x=%ff"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, body := range []string{"", "grant_type=client_credentials", "client_id=a&client_secret=b"} {
			h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Basic YTpi"}}
			if strings.Contains(body, "client_id") {
				h.Del("Authorization")
			}
			r := &http.Request{Method: "POST", URL: &url.URL{Path: "/api/v1/token", RawQuery: query}, Header: h, Body: readCloser{strings.NewReader(body)}}
			req, refusal := named(builtin(), "nexthink").Endpoint("/api/v1/token").Decode(r)
			if values, err := url.ParseQuery(query); refusal == nil && err == nil && (values.Has("client_secret") || values.Has("client_id") || values.Has("password") || len(values["grant_type"]) > 1) {
				t.Fatalf("?%s is taken as %s", query, understood(req))
			}
		}
		decode(t, "/?"+query, "grant_type=client_credentials", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Basic YTpi"}})
	})
}

func FuzzCarried(f *testing.F) {
	f.Add("Bearer abc", "", "")
	f.Add("bearer  abc", "abc", "access_token=x")
	f.Add("Basic YTpi", "Bearer abc", "a;access%5Ftoken=b")
	f.Fuzz(func(t *testing.T, authorization, bearer, query string) {
		h := http.Header{}
		if authorization != "" {
			h["Authorization"] = []string{authorization}
		}
		if bearer != "" {
			h["Bearer"] = []string{bearer}
		}
		for _, d := range Builtin() {
			token, refusal := d.Carried(&http.Request{Method: "GET", URL: &url.URL{Path: "/", RawQuery: query}, Header: h})
			switch {
			case refusal != nil && token != "", refusal == nil && !tokenText(token):
				t.Fatalf("%s: %q and %v", d.Name, token, refusal)
			case refusal == nil && !strings.HasSuffix(authorization, " "+token) && !(d.Name == "nexudus" && bearer == token):
				t.Fatalf("%s: %q out of %q and %q", d.Name, token, authorization, bearer)
			}
			if values, _ := url.ParseQuery(query); refusal == nil && values.Has("access_token") {
				t.Fatalf("%s: a token beside ?%s", d.Name, query)
			}
			left := h.Clone()
			if d.Strip(left); left.Get("Authorization") != "" {
				t.Fatalf("%s leaves %v", d.Name, left)
			}
		}
	})
}

// A whole request as bytes, through net/http.
func FuzzRequest(f *testing.F) {
	for _, x := range transcripts(f) {
		f.Add(x.wire(f))
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return
		}
		for _, d := range Builtin() {
			if e := d.Endpoint(r.URL.Path); e != nil {
				req, refusal := e.Decode(r)
				if refusal == nil {
					sensible(t, d, e, req)
				}
			}
			_, _ = d.Carried(r)
		}
	})
}
