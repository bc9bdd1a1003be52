package dialect

import (
	"bufio"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestReq068_ControlCharactersAndBadUTF8AreRefused(t *testing.T) {
	for _, c := range good {
		if !c.isForm() {
			continue
		}
		for pair := range strings.SplitSeq(c.body, "&") {
			name, value, _ := strings.Cut(pair, "=")
			for _, bad := range []string{"%00", "%0d%0a", "%0A", "%09", "%1b", "%7F", "%C2%9B", "%c2%85"} {
				code := oauth.InvalidRequest
				switch name {
				case "client_id", "client_secret", "clientId", "secret":
					code = oauth.InvalidClient // it cannot be right
				case "grant_type":
					code = oauth.UnsupportedGrantType
				}
				refusedWith(t, c.replace(strings.Replace(c.body, pair, pair+bad, 1)), code)
			}
			for _, bad := range []string{"%ff", "\xff", "%c0%af", "%ed%a0%80", "%", "%0", "%zz", "%u0041"} {
				refusedWith(t, c.replace(strings.Replace(c.body, pair, name+"="+value+bad, 1)), oauth.InvalidRequest)
			}
		}
		refusedWith(t, c.add("&foo=%ff"), oauth.InvalidRequest)
		refusedWith(t, c.add("&%ff=foo"), oauth.InvalidRequest)
		refusedWith(t, c.add("&foo=%"), oauth.InvalidRequest)
	}
	refusedWith(t, good[0].replace("grant_type=client_credentials&scope=a%0ab"), oauth.InvalidRequest)
	refusedWith(t, good[13].without("client_id").with("client_id: \xff"), oauth.InvalidRequest)
}

func TestReq069_BodiesAreBoundedAndNeverUnpacked(t *testing.T) {
	for _, c := range good {
		large := strings.Repeat("x", MaxBody)
		for _, chunked := range []bool{false, true} {
			c := c
			c.chunked = chunked
			refusedWith(t, c.add("&foo="+large), oauth.TooLarge)
			for _, encoding := range []string{"gzip", "deflate", "br", "gzip, identity", "gzip, gzip"} {
				refusedWith(t, c.with("Content-Encoding: "+encoding), oauth.UnsupportedMediaType)
			}
			if c.isForm() {
				taken(t, c.add("&foo="+large[:MaxBody-len(c.body)-len("&foo=")])) // the last byte that fits
				refusedWith(t, c.add("&foo="+large[:MaxBody+1-len(c.body)-len("&foo=")]), oauth.TooLarge)
			}
		}
	}
	r := good[0].request(t)
	r.Body = http.MaxBytesReader(nil, r.Body, 10)
	if _, refusal := good[0].endpoint().Decode(r); refusal == nil || refusal.Code != oauth.TooLarge {
		t.Errorf("a body cut by the server's own limit is %v, want too_large", refusal)
	}
	r = good[0].request(t)
	r.Body = http.NoBody
	r.ContentLength = 1 << 40
	if _, refusal := good[0].endpoint().Decode(r); refusal == nil || refusal.Code != oauth.TooLarge {
		t.Errorf("a body announced as too large is %v, want too_large", refusal)
	}
}

func TestABodyThatBreaksOffIsRefused(t *testing.T) {
	for _, c := range good {
		if c.body == "" {
			continue
		}
		text := c.method + " " + c.target + " HTTP/1.1\r\nHost: a.example\r\n" + strings.Join(append(slices.Clone(c.header), ""), "\r\n") + "Content-Length: 9000\r\n\r\n" + c.body
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			t.Fatal(err)
		}
		if _, refusal := c.endpoint().Decode(r); refusal == nil || refusal.Code != oauth.InvalidRequest {
			t.Errorf("%s: %v, want invalid_request", c.name, refusal)
		}
	}
}

func TestReq071_ParametersAreBoundedInNumber(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "&p%d=1", i)
		}
		return b.String()
	}
	for _, c := range good {
		refusedWith(t, c.query("x=1"+many(MaxParams)), oauth.InvalidRequest)
		if c.isForm() {
			n := strings.Count(c.body, "&") + 1
			taken(t, c.add(many(MaxParams-n)))
			refusedWith(t, c.add(many(MaxParams-n+1)), oauth.InvalidRequest)
			refusedWith(t, c.add(many(MaxParams-n)).query("x=1"), oauth.InvalidRequest)
			refusedWith(t, c.replace("a=1"+strings.Repeat("&a=1", 10001)), oauth.InvalidRequest)
		}
		if c.isJSON() {
			refusedWith(t, c.replace("{"+strings.ReplaceAll(strings.ReplaceAll(many(101), "&", `"`), "=1", `":1,`)+c.body[1:]), oauth.InvalidRequest)
		}
	}
}

func TestReq072_UnknownIsIgnoredAndEmptyIsAbsent(t *testing.T) {
	for _, c := range good {
		if !c.isForm() {
			continue
		}
		if taken(t, c.add("&foo=1&&=&bar")) != taken(t, c) {
			t.Errorf("%s: unknown parameters change the request", c.name)
		}
		for name, code := range map[string]oauth.Code{
			"client_secret": oauth.MissingCredentials, "secret": oauth.MissingCredentials, "clientId": oauth.MissingCredentials, "client_id": oauth.MissingCredentials,
			"password": oauth.InvalidRequest, "username": oauth.InvalidRequest, "refresh_token": oauth.InvalidRequest, "grant_type": oauth.MissingGrant,
		} {
			for pair := range strings.SplitSeq(c.body, "&") {
				if strings.HasPrefix(pair, name+"=") {
					refusedWith(t, c.replace(strings.Replace(c.body, pair, name+"=", 1)), code)
					refusedWith(t, c.replace(strings.Replace(c.body, pair, "x=y", 1)), code)
				}
			}
		}
	}
	if req := taken(t, good[0].replace("grant_type=client_credentials&scope=")); req.Scope != "" {
		t.Errorf("an empty scope is %q", req.Scope)
	}
}

func TestReq075_AGrantTheContractDoesNotHave(t *testing.T) {
	for _, c := range good {
		if c.isForm() && strings.Contains(c.body, "grant_type=") {
			for _, grant := range []string{"foo", "authorization_code", "implicit", "Client_Credentials", "client_credentials%20", "urn:ietf:params:oauth:grant-type:jwt-bearer"} {
				body := regexp.MustCompile(`grant_type=\w+`).ReplaceAllString(c.body, "grant_type="+grant)
				refusedWith(t, c.replace(body), oauth.UnsupportedGrantType)
			}
		}
		if strings.Contains(c.target, "?") {
			c.target = "/api/v1/token?grant_type=password"
			refusedWith(t, c, oauth.UnsupportedGrantType)
		}
	}
}

func TestReq076_ScopeGrammar(t *testing.T) {
	for _, scope := range []string{"%20", "a%20", "%20a", "a++b", "a%22b", "a%5Cb", "%C3%A4", strings.Repeat("a", 4090) + "aaaaaaa", strings.Repeat("a+", oauth.MaxScopeWords) + "a"} {
		code := oauth.InvalidScope
		if len(scope) > maxValue {
			code = oauth.InvalidRequest
		}
		refusedWith(t, good[0].replace("grant_type=client_credentials&scope="+scope), code)
	}
	for _, scope := range []string{"a", "a+b", "a%20b", "service:integration", "service%3Aintegration", "%21%23%5B%5D%7E"} {
		taken(t, good[0].replace("grant_type=client_credentials&scope="+scope))
	}
}

// Parsing what is hostile costs no more per byte than parsing what is not.
func TestB53_ParsingIsLinear(t *testing.T) {
	hostile := map[string]func(n int) call{
		"nesting":    func(n int) call { return good[10].replace(`{"a":` + strings.Repeat("[", n)) },
		"escapes":    func(n int) call { return good[0].add("&a=" + strings.Repeat("%41", n/3)) },
		"pairs":      func(n int) call { return good[0].add(strings.Repeat("&a", n/2)) },
		"empty":      func(n int) call { return good[0].add(strings.Repeat("&", n)) },
		"JSON text":  func(n int) call { return good[10].replace(`{"a":"` + strings.Repeat(`\u0041`, n/6) + `"}`) },
		"JSON space": func(n int) call { return good[10].replace(`{` + strings.Repeat(" ", n) + `}`) },
		"JSON array": func(n int) call { return good[10].replace(`{"a":[` + strings.Repeat("1,", n/2) + `1]}`) },
		"basic": func(n int) call {
			return good[0].without("Authorization").with("Authorization: Basic " + strings.Repeat("Q", n))
		},
	}
	for name, make := range hostile {
		cost := func(n int) time.Duration {
			c := make(n)
			best := time.Hour
			for range 8 {
				r, e := c.request(t), c.endpoint()
				start := time.Now()
				_, _ = e.Decode(r)
				best = min(best, time.Since(start))
			}
			return best
		}
		small, large := cost(2<<10), cost(60<<10)
		if large > 30*8*(small+20*time.Microsecond) { // 30 times the bytes, with room for a busy machine
			t.Errorf("%s: %v for 2 KiB, %v for 60 KiB", name, small, large)
		}
	}
}
