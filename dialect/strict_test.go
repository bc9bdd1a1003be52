package dialect

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// call is a request for a token that a row of a table changes in one place.
type call struct {
	name    string
	dialect string
	method  string
	target  string
	header  []string
	body    string
	chunked bool
}

const (
	formType = "Content-Type: application/x-www-form-urlencoded"
	jsonType = "Content-Type: application/json"
	basicHi  = "Authorization: Basic Y2lkOmhpZ2hseS1zZWNyZXQ=" // cid:highly-secret
)

// good are requests that succeed: each dialect in each way it can be asked.
var good = []call{
	{"oauth2 basic", "oauth2", "POST", "/oauth2/token", []string{basicHi, formType}, "grant_type=client_credentials&scope=read", false},
	{"oauth2 body", "oauth2", "POST", "/oauth2/token", []string{formType}, "grant_type=client_credentials&client_id=cid&client_secret=highly-secret", false},
	{"oauth2 password", "oauth2", "POST", "/oauth2/token", []string{basicHi, formType}, "grant_type=password&username=ann&password=highly-secret", false},
	{"oauth2 refresh", "oauth2", "POST", "/oauth2/token", []string{basicHi, formType}, "grant_type=refresh_token&refresh_token=highly-secret", false},
	{"nexthink basic", "nexthink", "POST", "/oauth2/default/v1/token", []string{basicHi, formType}, "grant_type=client_credentials&scope=service:integration", false},
	{"nexthink body", "nexthink", "POST", "/oauth2/default/v1/token", []string{formType}, "grant_type=client_credentials&client_id=cid&client_secret=highly-secret", false},
	{"nexthink older form", "nexthink", "POST", "/api/v1/token", []string{basicHi, formType}, "grant_type=client_credentials", false},
	{"nexthink older JSON", "nexthink", "POST", "/api/v1/token", []string{jsonType}, `{"grant_type":"client_credentials","client_id":"cid","client_secret":"highly-secret"}`, false},
	{"nexthink older bodyless", "nexthink", "POST", "/api/v1/token", []string{basicHi}, "", false},
	{"nexthink older query", "nexthink", "POST", "/api/v1/token?grant_type=client_credentials", []string{basicHi}, "", false},
	{"dadi JSON", "dadi", "POST", "/token", []string{jsonType}, `{"clientId":"cid","secret":"highly-secret"}`, false},
	{"dadi text", "dadi", "POST", "/token", []string{"Content-Type: text/plain"}, `{"clientId":"cid","secret":"highly-secret"}`, false},
	{"dadi form", "dadi", "POST", "/token", []string{formType}, "clientId=cid&secret=highly-secret", false},
	{"nexudus password", "nexudus", "POST", "/api/token", []string{formType, "client_id: kiosk"}, "grant_type=password&username=ann&password=highly-secret", false},
	{"nexudus refresh", "nexudus", "POST", "/api/token", []string{formType, "client_id: kiosk"}, "grant_type=refresh_token&refresh_token=highly-secret", false},
}

func (c call) isForm() bool { return slices.Contains(c.header, formType) }
func (c call) isJSON() bool { return strings.HasPrefix(c.body, "{") }

// without returns a copy without the headers of a name.
func (c call) without(name string) call {
	c.header = slices.DeleteFunc(slices.Clone(c.header), func(h string) bool { return strings.HasPrefix(h, name+":") })
	return c
}

func (c call) with(headers ...string) call {
	c.header = append(slices.Clone(c.header), headers...)
	return c
}

func (c call) add(body string) call     { c.body += body; return c }
func (c call) replace(body string) call { c.body = body; return c }

// query adds a query string.
func (c call) query(q string) call {
	c.target += map[bool]string{true: "&", false: "?"}[strings.Contains(c.target, "?")] + q
	return c
}

// endpoint is where the call goes.
func (c call) endpoint() *Endpoint {
	path, _, _ := strings.Cut(c.target, "?")
	return named(builtin(), c.dialect).Endpoint(path)
}

// request writes the call as bytes and has net/http read them.
func (c call) request(tb testing.TB) *http.Request {
	tb.Helper()
	text := c.method + " " + c.target + " HTTP/1.1\r\nHost: a.example\r\n" + strings.Join(append(slices.Clone(c.header), ""), "\r\n")
	switch {
	case c.chunked:
		text += fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(c.body), c.body)
	default:
		text += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(c.body), c.body)
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		tb.Fatalf("net/http does not read %q: %v", text, err)
	}
	return r
}

// plainText is what a description may be (RFC 6749, section 5.2).
var plainText = regexp.MustCompile(`^[ !#-\[\]-~]*$`)

// refusedWith checks that the call is no request, that the refusal has this code, and that the dialect spells it without an echo.
func refusedWith(t *testing.T, c call, code oauth.Code) {
	t.Helper()
	e := c.endpoint()
	req, refusal := e.Decode(c.request(t))
	if refusal == nil {
		t.Fatalf("%s: taken as %s, want %s", c.name, understood(req), code)
	}
	if refusal.Code != code {
		t.Errorf("%s: refused with %s (%s), want %s", c.name, refusal.Code, refusal.Reason, code)
	}
	w := httptest.NewRecorder()
	e.Dialect().EncodeError(w, refusal, About{Realm: "acme", RequestID: "1"})
	if w.Code < 400 || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s: answered %d with Cache-Control %q", c.name, w.Code, w.Header().Get("Cache-Control"))
	}
	if !plainText.MatchString(refusal.Description) {
		t.Errorf("%s: the description %q is not plain", c.name, refusal.Description)
	}
	for _, canary := range []string{"highly-secret", "canary"} {
		if strings.Contains(w.Body.String(), canary) || strings.Contains(refusal.Reason, canary) {
			t.Errorf("%s: the refusal shows what was sent: %s %s", c.name, refusal.Reason, w.Body)
		}
	}
}

// taken checks that the call is understood.
func taken(t *testing.T, c call) oauth.TokenRequest {
	t.Helper()
	req, refusal := c.endpoint().Decode(c.request(t))
	if refusal != nil {
		t.Fatalf("%s: refused with %v", c.name, refusal)
	}
	return req
}

func TestGoodRequestsAreTaken(t *testing.T) {
	for _, c := range good {
		req := taken(t, c)
		if req.Dialect != c.dialect || req.Client.ID == "" || strings.Contains(fmt.Sprintf("%v %+v %#v", req, req, req.Client), "highly-secret") {
			t.Errorf("%s: understood as %s, or shows its secret", c.name, understood(req))
		}
		c.chunked = true
		if taken(t, c) != req && req.Decoded == nil {
			t.Errorf("%s: chunked, it is another request", c.name)
		}
	}
}

func TestReq061_RepeatedParametersAreRefused(t *testing.T) {
	for _, c := range good {
		if c.isForm() {
			for pair := range strings.SplitSeq(c.body, "&") {
				name, value, _ := strings.Cut(pair, "=")
				refusedWith(t, c.add("&"+pair), oauth.InvalidRequest)
				refusedWith(t, c.add("&"+name+"="), oauth.InvalidRequest)
				refusedWith(t, c.add("&"+name+"=canary"), oauth.InvalidRequest)
				refusedWith(t, c.add(fmt.Sprintf("&%%%02x%s=%s", name[0], name[1:], value)), oauth.InvalidRequest)
				if c.endpoint().Path != "/api/v1/token" || name != "grant_type" { // the one that its contract puts there
					refusedWith(t, c.query(pair), oauth.InvalidRequest)
				}
			}
			refusedWith(t, c.add("&foo=1").query("foo=1"), oauth.InvalidRequest)
			refusedWith(t, c.add("&foo=1&foo=2"), oauth.InvalidRequest)
		}
		if c.isJSON() {
			refusedWith(t, c.replace(`{"foo":1,"foo":[2],`+c.body[1:]), oauth.InvalidRequest)
			refusedWith(t, c.replace(`{"client_id":"canary","clientId":"canary",`+c.body[1:]), oauth.InvalidRequest)
			refusedWith(t, c.replace(`{"client\u005fid":"a","client\u0049d":"a",`+c.body[1:]), oauth.InvalidRequest)
			refusedWith(t, c.replace(`{"foo":1,`+c.body[1:]).query("foo=1"), oauth.InvalidRequest)
		}
		refusedWith(t, c.query("foo=1&foo=2"), oauth.InvalidRequest)
		if strings.Contains(c.target, "?") {
			refusedWith(t, c.query("grant_type=client_credentials"), oauth.InvalidRequest)
		}
	}
}

func TestReq063_OnlyPOSTAsksForAToken(t *testing.T) {
	for _, c := range good {
		for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post", "CANARY"} {
			c.method = method
			refusedWith(t, c, oauth.MethodNotAllowed)
		}
	}
}

func TestReq064_TheMediaTypeIsExact(t *testing.T) {
	for _, c := range good {
		if c.body == "" {
			taken(t, c.with("Content-Type: text/html")) // nothing is read, so nothing is misread
			continue
		}
		bare := c.without("Content-Type")
		own := strings.TrimPrefix(c.header[slices.IndexFunc(c.header, func(h string) bool { return strings.HasPrefix(h, "Content-Type") })], "Content-Type: ")
		for _, ok := range []string{own + ";charset=UTF-8", own + "; charset=utf-8", own + ` ; charset="utf-8"`, strings.ToUpper(own), own + ";",
			own + "; charset=us-ascii", own + ";charset=ISO-8859-1", own + `; charset="windows-1252"`, own + "; boundary=x; Charset=UTF-8 ;"} {
			taken(t, bare.with("Content-Type: "+ok))
		}
		for _, bad := range []string{"", "text/html", "application/xml", "multipart/form-data; boundary=x", own + "x", "x" + own,
			own + "; charset=utf-8; charset=utf-7", own + `; charset="utf-8`, own + "; charset", own + "; charset=a b", own + ", " + own, own + "/x", "form"} {
			refusedWith(t, bare.with("Content-Type: "+bad), oauth.UnsupportedMediaType)
		}
		refusedWith(t, bare, oauth.UnsupportedMediaType)
		refusedWith(t, c.with("Content-Type: "+own), oauth.UnsupportedMediaType)
		refusedWith(t, c.with("Content-Type: text/html"), oauth.UnsupportedMediaType)
	}
	for _, c := range good { // a body under the name of another
		if c.isForm() && c.dialect == "nexudus" || c.dialect == "oauth2" {
			refusedWith(t, c.without("Content-Type").with(jsonType), oauth.UnsupportedMediaType)
		}
	}
}

func TestReq065_JSONIsStrict(t *testing.T) {
	for _, c := range good {
		if !c.isJSON() {
			continue
		}
		for _, body := range []string{
			"[]", `"x"`, "null", "1", "{", "}", "{]", "{bad", c.body + "x", c.body + c.body, c.body + "[]", c.body + "\x00", "[" + c.body + "]",
			c.body[:len(c.body)-1], c.body[:len(c.body)-1] + ",}", "{," + c.body[1:], strings.ReplaceAll(c.body, `"`, `'`), strings.Replace(c.body, ":", " ", 1),
			strings.Replace(c.body, ",", " ", 1), strings.Replace(c.body, ",", ",,", 1), "/* canary */" + c.body, "\ufeff\ufeff" + c.body, c.body + "\ufeff",
			`{"foo":NaN,` + c.body[1:], `{"foo":01,` + c.body[1:], `{1:2,` + c.body[1:], `{foo:1,` + c.body[1:], `{"foo":"` + "\n" + `",` + c.body[1:],
			`{"foo":"\x",` + c.body[1:], `{"foo":"\ud800",` + c.body[1:], `{"fo\udc00o":1,` + c.body[1:], `{"foo":"` + "\xff" + `",` + c.body[1:],
			`{"fo` + "\xc0\xaf" + `o":1,` + c.body[1:], `{"foo":` + strings.Repeat("[", 17) + strings.Repeat("]", 17) + "," + c.body[1:],
			`{"foo":` + strings.Repeat("[", 30000),
		} {
			refusedWith(t, c.replace(body), oauth.InvalidRequest)
		}
		for _, body := range []string{
			" \t\r\n" + c.body + "\r\n ", "\ufeff" + c.body, `{"foo":1e999999,"bar":[{"a":null}],"":true,` + c.body[1:],
			`{"foo":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + "," + c.body[1:], strings.Replace(c.body, "cid", `\u0063\u0069d`, 1),
		} {
			taken(t, c.replace(body))
		}
		for _, name := range []string{"client_id", "client_secret", "clientId", "secret", "grant_type"} {
			if strings.Contains(c.body, `"`+name+`"`) {
				other := strings.ToUpper(name[:1]) + name[1:]
				refusedWith(t, c.replace(strings.Replace(c.body, name, other, 1)), oauth.InvalidRequest)
				refusedWith(t, c.replace(`{"`+other+`":"canary",`+c.body[1:]), oauth.InvalidRequest)
			}
		}
	}
}

func TestReq074_NoRefusalReflectsWhatWasSent(t *testing.T) {
	markup := `<script>canary</script>"\'&`
	for _, c := range good {
		e := c.endpoint()
		for _, h := range []string{"Content-Type: " + markup, "Content-Encoding: " + markup, "Authorization: " + markup, "Authorization: Basic " + markup, "client_id: " + markup, "Origin: " + markup} {
			name, _, _ := strings.Cut(h, ":")
			answersPlainly(t, e, c.without(name).with(h))
		}
		answersPlainly(t, e, c.query("canary="+url.QueryEscape(markup)))
		answersPlainly(t, e, c.query("client_secret="+url.QueryEscape(markup)))
		for _, name := range []string{"grant_type", "scope", "client_id", "client_secret", "clientId", "secret", "username", "password", "refresh_token", "totp"} {
			answersPlainly(t, e, c.replace(name+"="+url.QueryEscape(markup)))
			answersPlainly(t, e, c.replace(`{"`+name+`":"`+"<script>canary</script>"+`"}`))
			answersPlainly(t, e, c.replace(`{"`+name+`":`+markup+`}`))
		}
	}
}

// answersPlainly refuses a request and checks that nothing of it comes back.
func answersPlainly(t *testing.T, e *Endpoint, c call) {
	t.Helper()
	_, refusal := e.Decode(c.request(t))
	if refusal == nil {
		return
	}
	w := httptest.NewRecorder()
	e.Dialect().EncodeError(w, refusal, About{Realm: "acme"})
	if back := fmt.Sprint(w.Header(), w.Body); strings.Contains(back, "canary") || strings.Contains(back, "<") || !plainText.MatchString(refusal.Description) {
		t.Errorf("%s: %s comes back", c.name, back)
	}
}
