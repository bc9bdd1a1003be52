package dialect

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// callAPI is a call to an API with these header lines, as net/http reads it.
func callAPI(tb testing.TB, target string, headers ...string) *http.Request {
	tb.Helper()
	text := "GET " + target + " HTTP/1.1\r\nHost: a.example\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n"
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestReq090_OneHeaderLineAnySchemeCaseOneSpace(t *testing.T) {
	for _, d := range Builtin() {
		for _, row := range []struct {
			headers string
			want    oauth.Code // "": taken
		}{
			{"Authorization: Bearer abc", ""},
			{"Authorization: bearer abc", ""},
			{"Authorization: BEARER abc", ""},
			{"authorization: bEaReR AZaz09-._~+/==", ""},
			{"Authorization: Bearer  abc", oauth.MalformedToken},
			{"Authorization: Bearer\tabc", oauth.MalformedToken},
			{"Authorization: Bearer", oauth.MalformedToken},
			{"Authorization: Bearer ", oauth.MalformedToken},
			{"Authorization: Bearer =", oauth.MalformedToken},
			{"Authorization: Bearer a=b", oauth.MalformedToken},
			{"Authorization: Bearer a b", oauth.MalformedToken},
			{"Authorization: Bearer a,b", oauth.MalformedToken},
			{"Authorization: Bearer a\"b", oauth.MalformedToken},
			{"Authorization: Bearer ä", oauth.MalformedToken},
			{"Authorization: Bearer,abc", oauth.MalformedToken},
			{"Authorization: Bearer " + strings.Repeat("a", maxToken+1), oauth.MalformedToken},
			{"Authorization: abc", oauth.MalformedToken},
			{"Authorization:", oauth.MalformedToken},
			{"Authorization: Basic YTpi", oauth.MalformedToken},
			{"Authorization: DPoP abc", oauth.MalformedToken},
			{"Authorization: Bearer abc\r\nAuthorization: Bearer abc", oauth.InvalidRequest},
			{"Authorization: Bearer abc\r\nAuthorization: Basic YTpi", oauth.InvalidRequest},
			{"Accept: text/plain", oauth.NoToken},
			{"Proxy-Authorization: Bearer abc", oauth.NoToken},
		} {
			token, refusal := d.Carried(callAPI(t, "/", row.headers))
			switch {
			case row.want == "" && (refusal != nil || token == ""):
				t.Errorf("%s: %.60q is refused with %v", d.Name, row.headers, refusal)
			case row.want != "" && (refusal == nil || refusal.Code != row.want || token != ""):
				t.Errorf("%s: %.60q gives %.20q and %v, want %s", d.Name, row.headers, token, refusal, row.want)
			}
		}
	}
}

func TestReq089_ATokenInTheURLIsNeverTaken(t *testing.T) {
	for _, d := range Builtin() {
		for _, query := range []string{"access_token=abc", "a=1&access_token=abc", "access%5Ftoken=abc", "%61ccess_token", "Access_Token=a", "a=1;access_token=b", "%zz=1", "a=1&%=2&b"} {
			if token, refusal := d.Carried(callAPI(t, "/x?"+query)); token != "" || refusal.Code != oauth.NoToken {
				t.Errorf("%s: ?%s alone gives %q and %v", d.Name, query, token, refusal)
			}
			if token, refusal := d.Carried(callAPI(t, "/x?"+query, "Authorization: Bearer abc")); token != "" || refusal.Code != oauth.InvalidRequest {
				t.Errorf("%s: ?%s beside a header gives %q and %v", d.Name, query, token, refusal)
			}
		}
		for _, query := range []string{"", "a=1", "accessible=1", "filter=100%", "a=access_token", "a=%zz", "a;b=c%20d", "access_tokens=1"} {
			if token, refusal := d.Carried(callAPI(t, "/x?"+query, "Authorization: Bearer abc")); token != "abc" {
				t.Errorf("%s: ?%s is the API's own, but: %v", d.Name, query, refusal)
			}
		}
	}
}

func TestNexudusTakesEitherHeaderAndNotBoth(t *testing.T) {
	d := named(builtin(), "nexudus")
	for _, row := range []struct {
		headers []string
		want    oauth.Code
	}{
		{[]string{"Bearer: abc"}, ""},
		{[]string{"bearer: abc"}, ""},
		{[]string{"Bearer: Bearer abc"}, oauth.MalformedToken},
		{[]string{"Bearer:"}, oauth.MalformedToken},
		{[]string{"Bearer: abc", "Bearer: abc"}, oauth.InvalidRequest},
		{[]string{"Bearer: abc", "Authorization: Bearer abc"}, oauth.InvalidRequest},
		{[]string{"Bearer: abc", "Authorization: Basic YTpi"}, oauth.MalformedToken},
		{[]string{"Bearer: a b", "Authorization: Bearer abc"}, oauth.InvalidRequest},
	} {
		token, refusal := d.Carried(callAPI(t, "/api/auth/me", row.headers...))
		if row.want == "" && token != "abc" || row.want != "" && (refusal == nil || refusal.Code != row.want) {
			t.Errorf("%q gives %q and %v, want %q", row.headers, token, refusal, row.want)
		}
	}
}

func TestReq046_TheTokenDoesNotTravelOn(t *testing.T) {
	for _, d := range Builtin() {
		h := callAPI(t, "/", "Authorization: Bearer abc", "Bearer: abc", "Accept: text/plain").Header
		d.Strip(h)
		if h.Get("Authorization") != "" || h.Get("Accept") == "" || d.Name == "nexudus" && h.Get("Bearer") != "" {
			t.Errorf("%s leaves %v", d.Name, h)
		}
	}
}

func TestB10_ReadingATokenAllocatesNothing(t *testing.T) {
	for _, d := range Builtin() {
		r := callAPI(t, "/x?a=1&b=2", "Authorization: Bearer "+strings.Repeat("a.", 500))
		if n := testing.AllocsPerRun(100, func() { _, _ = d.Carried(r) }); n != 0 {
			t.Errorf("%s: %v allocations for a good token", d.Name, n)
		}
		r.Header.Set("Authorization", "Bearer "+strings.Repeat(".", 1<<20))
		if n := testing.AllocsPerRun(10, func() { _, _ = d.Carried(r) }); n > 4 {
			t.Errorf("%s: %v allocations for 1 MiB of dots", d.Name, n)
		}
	}
}

func TestADialectWithoutCarriersTakesTheStandardOne(t *testing.T) {
	d := parseAnswer(t, "HTTP/1.1 200 OK\nContent-Type: text/plain", "{{access_token}}")
	if token, refusal := d.Carried(callAPI(t, "/", "Authorization: Bearer abc")); token != "abc" {
		t.Errorf("got %v", refusal)
	}
}
