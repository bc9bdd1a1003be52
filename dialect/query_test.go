package dialect

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// queried renders a request about a token in the words of a transcript.
func queried(q oauth.TokenQuery) string {
	return asked(q.Asker) + pair("token", q.Token.Reveal()) + pair("hint", q.Hint.Reveal())
}

// known is what a transcript says of a token.
func known(tb testing.TB, outcome string, values map[string]string) *oauth.Introspection {
	at := func(name string) time.Time {
		seconds, err := strconv.ParseInt(values[name], 10, 64)
		if outcome == "active" && err != nil {
			tb.Fatal(err)
		}
		return time.Unix(seconds, 0)
	}
	return &oauth.Introspection{Active: outcome == "active", ID: values["jti"], Issuer: "acme", Subject: values["sub"], ClientID: values["client_id"],
		Username: values["username"], Scope: values["scope"], Audience: []string{values["aud"]}, IssuedAt: at("iat"), Expires: at("exp")}
}

// about is a request about a token that a row of a table changes in one place.
var about = call{"", "oauth2", "POST", "/oauth2/introspect", []string{basicHi, formType}, "token=abc", false}

func TestReq019_061_062_063_ARequestAboutATokenIsReadAsStrictlyAsOneForAToken(t *testing.T) {
	named := func(name string, c call) call { c.name = name; return c }
	method := func(m string) call { c := about; c.method = m; return c }
	many := strings.Repeat("a1=b&", 1)
	for i := range MaxParams {
		many += "p" + strconv.Itoa(i) + "=x&"
	}
	for _, c := range []struct {
		call
		code oauth.Code
	}{
		{named("GET", method("GET")), oauth.MethodNotAllowed},
		{named("PUT", method("PUT")), oauth.MethodNotAllowed},
		{named("post", method("post")), oauth.MethodNotAllowed},
		{named("JSON", about.without("Content-Type").with("Content-Type: application/json").replace(`{"token":"abc"}`)), oauth.UnsupportedMediaType},
		{named("text", about.without("Content-Type").with("Content-Type: text/plain")), oauth.UnsupportedMediaType},
		{named("multipart", about.without("Content-Type").with("Content-Type: multipart/form-data; boundary=x")), oauth.UnsupportedMediaType},
		{named("another charset", about.without("Content-Type").with(formType+"; charset=utf-16").replace("t\x00o\x00")), oauth.UnsupportedMediaType},
		{named("another charset, escaped", about.without("Content-Type").with(formType+"; charset=latin1").replace("token=%e9")), oauth.UnsupportedMediaType},
		{named("no media type", about.without("Content-Type")), oauth.UnsupportedMediaType},
		{named("two media types", about.with(formType)), oauth.UnsupportedMediaType},
		{named("compressed", about.with("Content-Encoding: gzip")), oauth.UnsupportedMediaType},
		{named("too large", about.add("&x="+strings.Repeat("x", MaxBody))), oauth.TooLarge},
		{named("too many parameters", about.replace(many+"token=abc")), oauth.InvalidRequest},
		{named("a token twice", about.add("&token=abc")), oauth.InvalidRequest},
		{named("a hint twice", about.add("&token_type_hint=x&token_type_hint=x")), oauth.InvalidRequest},
		{named("an unknown parameter twice", about.add("&x=1&x=1")), oauth.InvalidRequest},
		{named("a token in the URL", about.query("token=abc")), oauth.InvalidRequest},
		{named("a token in the URL alone", about.replace("x=y").query("token=abc")), oauth.InvalidRequest},
		{named("TOKEN in the URL", about.query("TOKEN=abc")), oauth.InvalidRequest},
		{named("t%6fken in the URL", about.query("t%6fken=abc")), oauth.InvalidRequest},
		{named("access_token in the URL", about.query("access_token=abc")), oauth.InvalidRequest},
		{named("a hint in the URL", about.query("token_type_hint=access_token")), oauth.InvalidRequest},
		{named("a secret in the URL", about.query("client_secret=x")), oauth.InvalidRequest},
		{named("a URL that cannot be read", about.query("x=%ff")), oauth.InvalidRequest},
		{named("not UTF-8", about.replace("token=%ff")), oauth.InvalidRequest},
		{named("a bad escape", about.replace("token=%zz")), oauth.InvalidRequest},
		{named("a control character", about.replace("token=a%00b")), oauth.InvalidRequest},
		{named("a line end", about.replace("token=a%0d%0ab")), oauth.InvalidRequest},
		{named("a hint with a control character", about.add("&token_type_hint=%1b")), oauth.InvalidRequest},
		{named("no token", about.replace("x=y")), oauth.InvalidRequest},
		{named("an empty token", about.replace("token=")), oauth.InvalidRequest},
		{named("no body", about.replace("")), oauth.InvalidRequest},
		{named("nobody", about.without("Authorization")), oauth.MissingCredentials},
		{named("Bearer", about.without("Authorization").with("Authorization: Bearer abc")), oauth.MissingCredentials},
		{named("an id alone", about.without("Authorization").add("&client_id=cid")), oauth.MissingCredentials},
		{named("an assertion alone", about.without("Authorization").add("&client_assertion=e30.e30.c2ln")), oauth.MissingCredentials},
		{named("Basic and form", about.add("&client_id=cid&client_secret=highly-secret")), oauth.InvalidRequest},
		{named("Basic and another id", about.add("&client_id=other")), oauth.InvalidRequest},
		{named("Basic, its id and a secret", about.add("&client_id=cid&client_secret=highly-secret")), oauth.InvalidRequest},
		{named("Basic and an assertion", about.add("&client_assertion=e30.e30.c2ln")), oauth.InvalidRequest},
		{named("form and an assertion", about.without("Authorization").add("&client_id=a&client_secret=b&client_assertion=c")), oauth.InvalidRequest},
		{named("two Authorization lines", about.with(basicHi)), oauth.InvalidRequest},
		{named("bad base64", about.without("Authorization").with("Authorization: Basic !!")), oauth.InvalidClient},
		{named("no colon", about.without("Authorization").with("Authorization: Basic YWJj")), oauth.InvalidClient},
		{named("a control character in the id", about.without("Authorization").add("&client_id=a%00&client_secret=b")), oauth.InvalidClient},
	} {
		q, refusal := DecodeQuery(c.request(t))
		if refusal == nil || refusal.Code != c.code || !plainText.MatchString(refusal.Description) {
			t.Errorf("%s: %v %s, want %s", c.name, refusal, queried(q), c.code)
			continue
		}
		w := httptest.NewRecorder()
		Standard().EncodeError(w, refusal, About{Realm: "acme"})
		if w.Code < 400 || w.Header().Get("Cache-Control") != "no-store" || c.code == oauth.MethodNotAllowed && w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: %d %v", c.name, w.Code, w.Header())
		}
	}
}

func TestARequestAboutATokenIsUnderstoodHoweverItMayBeWritten(t *testing.T) {
	for want, c := range map[string]call{
		"client_secret_basic, client_id=cid client_secret=highly-secret token=abc":                            about,
		"client_secret_basic, client_id=cid client_secret=highly-secret token=abc hint=refresh_token":         about.add("&token_type_hint=refresh_token&x=y"),
		"client_secret_basic, client_id=cid client_secret=highly-secret token=abc hint=b":                     about.add("&client_id=cid&token_type_hint=b"),
		"client_secret_basic, client_id=\"a b\" client_secret=\"c d\" token=abc":                              about.without("Authorization").with("Authorization: Basic YSUyMGI6Yytk").add("&client_id=a+b"),
		"client_secret_post, client_id=cid client_secret=s token=abc":                                         about.without("Authorization").add("&client_id=cid&client_secret=s"),
		"client_secret_basic, client_id=cid client_secret=highly-secret token=abc hint=a":                     about.query("x=y").add("&token_type_hint=a"),
		"client_secret_basic, client_id=cid client_secret=highly-secret token=" + strings.Repeat("a", 20000):  about.replace("token=" + strings.Repeat("a", 20000)),
		"client_secret_basic, client_id=a%20b client_secret=c or client_id=\"a b\" client_secret=c token=abc": about.without("Authorization").with("Authorization: Basic YSUyMGI6Yw=="),
	} {
		q, refusal := DecodeQuery(c.request(t))
		if refusal != nil || queried(q) != want {
			t.Errorf("%v\n%.200s\nwant\n%.200s", refusal, queried(q), want)
		}
		c.chunked = true
		if again, refusal := DecodeQuery(c.request(t)); refusal != nil || !reflect.DeepEqual(again, q) {
			t.Errorf("in pieces it is another: %v %.100s", refusal, queried(again))
		}
	}
}

func TestADocumentThatIsNotForEverybodyIsAskedForWithBasicAlone(t *testing.T) {
	get := call{"", "oauth2", "GET", "/oauth2/revocations?epoch=a&after=1", []string{basicHi}, "", false}
	post := get
	post.method = "POST"
	for _, c := range []struct {
		call
		code oauth.Code
	}{
		{get, ""}, {get.query("x=y"), ""},
		{post, oauth.MethodNotAllowed},
		{get.without("Authorization"), oauth.MissingCredentials},
		{get.without("Authorization").query("client_id=cid&client_secret=x"), oauth.InvalidRequest},
		{get.query("access_token=x"), oauth.InvalidRequest},
		{get.query("epoch=b"), oauth.InvalidRequest},
		{get.query("x=%zz"), oauth.InvalidRequest},
		{get.with(basicHi), oauth.InvalidRequest},
	} {
		who, refusal := DecodeAsker(c.request(t))
		if (refusal == nil) != (c.code == "") || refusal != nil && refusal.Code != c.code {
			t.Errorf("%s %s: %v, want %q", c.method, c.target, refusal, c.code)
		}
		if want := "client_secret_basic, client_id=cid client_secret=highly-secret"; refusal == nil && asked(who) != want {
			t.Errorf("%s, want %s", asked(who), want)
		}
	}
}

func TestAnAnswerThatNamesItsMethodsKeepsThem(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Allow", "GET, HEAD")
	Standard().EncodeError(w, oauth.Refuse(oauth.WrongMethod, "No.", ""), About{})
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestReq080_OfWhatIsNotActiveNothingIsSaid(t *testing.T) {
	full := oauth.Introspection{Scope: "a", ClientID: "b", Subject: "c", Audience: []string{"d"}, Permissions: []string{"e"}, Expires: time.Unix(1, 0)}
	if got := string(AppendIntrospection(nil, &full)); got != `{"active":false}` {
		t.Error(got)
	}
}

func TestReq081_TheAnswerOfAnIntrospection(t *testing.T) {
	in := oauth.Introspection{Active: true, ID: "1", Issuer: "https://a", Subject: `s"`, ClientID: "c", Username: "u", Name: "N", Scope: "a b",
		Permissions: []string{"p", "<"}, Audience: []string{"x", "y"}, IssuedAt: time.Unix(10, 999000), Expires: time.Unix(20, 999), Family: "f", KeyID: "k"}
	if got, want := string(AppendIntrospection(nil, &in)), `{"active":true,"scope":"a b","client_id":"c","username":"u","token_type":"Bearer","exp":20,"iat":10,"iat_us":10000999,`+
		`"sub":"s\u0022","aud":["x","y"],"iss":"https://a","jti":"1","permissions":["p","\u003c"],"name":"N","sid":"f"}`; got != want && !sameJSON(got, want) {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := string(AppendIntrospection(nil, &oauth.Introspection{Active: true, Audience: []string{"x"}, Permissions: []string{}})); got !=
		`{"active":true,"token_type":"Bearer","aud":"x","permissions":[]}` {
		t.Error(got)
	}
	room := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { _ = AppendIntrospection(room, &in) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// Whatever is sent: a request about a token, complete and clean, or a refusal that can be answered.
func FuzzAboutTokens(f *testing.F) {
	for _, body := range []string{"token=abc", "token=abc&token_type_hint=x", "token=%00", "token=a&token=b", "client_id=a&client_secret=b&token=c", "token=é", "&&=&token", "", "token=%ff"} {
		for _, auth := range []string{"", "Basic Y2lkOmhpZ2hseS1zZWNyZXQ=", "Basic YSUyMGI6Yw==", "Bearer x"} {
			f.Add("/oauth2/introspect", body, auth, "application/x-www-form-urlencoded")
		}
	}
	f.Add("/x?token=a", "token=a", "Basic Y2lkOmhpZ2hseS1zZWNyZXQ=", "application/json")
	f.Fuzz(func(t *testing.T, target, body, auth, mediaType string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		h := http.Header{}
		for name, value := range map[string]string{"Authorization": auth, "Content-Type": mediaType} {
			if value != "" {
				h[name] = []string{value}
			}
		}
		r := &http.Request{Method: "POST", URL: u, Header: h, Body: readCloser{strings.NewReader(body)}, ContentLength: int64(len(body))}
		q, refusal := DecodeQuery(r)
		if refusal != nil {
			w := httptest.NewRecorder()
			if Standard().EncodeError(w, refusal, About{}); w.Code < 400 || !plainText.MatchString(refusal.Description) {
				t.Fatalf("%d %q", w.Code, refusal.Description)
			}
			return
		}
		if q.Token == "" || q.Client.ID == "" || q.Client.Secret == "" || q.Auth == oauth.AuthNone || u.Query().Has("token") || u.Query().Has("client_secret") {
			t.Fatalf("%+v is not complete", q)
		}
		if slices.ContainsFunc([]string{q.Token.Reveal(), q.Hint.Reveal(), q.Client.ID.Reveal(), q.Client.Secret.Reveal()}, func(s string) bool { return !clean(s) }) {
			t.Fatalf("%+v is not clean", q)
		}
		chunked := *r
		chunked.Body, chunked.ContentLength = readCloser{slow{strings.NewReader(body)}}, -1
		if again, refusal := DecodeQuery(&chunked); refusal != nil || !reflect.DeepEqual(again, q) {
			t.Fatalf("in pieces, the request is another")
		}
	})
}
