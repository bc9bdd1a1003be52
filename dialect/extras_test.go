package dialect

import (
	"bytes"
	"encoding/base64"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// What standards allow and nothing depends on makes no request another one.
func TestHarmlessExtrasChangeNothing(t *testing.T) {
	for _, c := range good {
		want := understood(taken(t, c))
		extras := map[string]call{
			"Accept":                    c.with("Accept: text/html;q=0.1, */*"),
			"Accept nothing we have":    c.with("Accept: application/xml"),
			"identity":                  c.with("Content-Encoding: identity"),
			"no coding":                 c.with("Content-Encoding:"),
			"an empty Origin-less site": c.with("Sec-Fetch-Site: none"),
			"a byte order mark":         c.replace("\ufeff" + c.body),
			"an unknown query":          c.query("foo=bar"),
			"an empty query":            c.query(""),
		}
		if slices.Contains(c.header, basicHi) {
			bare := c.without("Authorization")
			extras["lower case"] = bare.with("authorization: basic Y2lkOmhpZ2hseS1zZWNyZXQ=")
			extras["spaces after the scheme"] = bare.with("Authorization: Basic    Y2lkOmhpZ2hseS1zZWNyZXQ=")
			extras["white space around the value"] = bare.with("Authorization: \t Basic Y2lkOmhpZ2hseS1zZWNyZXQ= \t")
		}
		if c.isForm() {
			extras["empty parameters"] = c.add("&scope2=&&=&foo")
			extras["several resources"] = c.add("&resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example&audience=a&audience=b")
			extras["an empty assertion"] = c.add("&client_assertion=&client_assertion_type=")
		}
		if slices.Contains(c.header, basicHi) && c.isForm() {
			extras["its id again"] = c.add("&client_id=cid")
		}
		if c.body == "" {
			extras["a media type of nothing"] = c.with("Content-Type: application/json; charset=utf-16")
		}
		for name, extra := range extras {
			if got := understood(taken(t, extra)); got != want {
				t.Errorf("%s, %s: understood as %s, want %s", c.name, name, got, want)
			}
		}
	}
}

// A client that proves itself in the header may say its id wherever its contract has a place for one; never another, and no secret.
func TestAnIDMayBeSaidTwiceAndASecretMayNot(t *testing.T) {
	older := call{"", "nexthink", "POST", "/api/v1/token", []string{basicHi, jsonType}, "", false}
	member := func(more string) call { return older.replace(`{"grant_type":"client_credentials"` + more + `}`) }
	taken(t, member(`,"client_id":"cid"`))
	taken(t, member(`,"client_id":"cid","client_secret":""`))
	refusedWith(t, member(`,"client_id":"other"`), oauth.InvalidRequest)
	refusedWith(t, member(`,"client_id":["cid"]`), oauth.InvalidRequest)
	refusedWith(t, member(`,"client_id":"cid","client_secret":"highly-secret"`), oauth.InvalidRequest)
	refusedWith(t, member(`,"client_id":"cid","client_id":"cid"`), oauth.InvalidRequest)

	form := call{"", "nexthink", "POST", "/api/v1/token?grant_type=client_credentials", []string{basicHi, formType}, "client_id=cid", false}
	taken(t, form)
	refusedWith(t, form.replace("client_id=cid&client_id=cid"), oauth.InvalidRequest)
	refusedWith(t, form.replace("client_id=cid&client_secret=canary"), oauth.InvalidRequest)

	kiosk := call{"", "nexudus", "POST", "/api/token", []string{formType, "client_id: kiosk"}, "grant_type=password&username=ann&password=highly-secret", false}
	if req := taken(t, kiosk.add("&client_id=kiosk")); req.Client.ID != "kiosk" {
		t.Error(understood(req))
	}
	refusedWith(t, kiosk.add("&client_id=Kiosk"), oauth.InvalidRequest)

	dadi := call{"", "dadi", "POST", "/token", []string{basicHi, jsonType}, `{"clientId":"cid","secret":"highly-secret"}`, false}
	refusedWith(t, dadi, oauth.InvalidRequest) // that contract has no Basic, so this is a second way
}

// An id in the body says which reading of the header its caller means.
func TestAnIDInTheBodySaysHowBasicIsMeant(t *testing.T) {
	for header, want := range map[string]string{
		"a%20b:c%2Bd": "client_id=\"a b\" client_secret=c+d", // form-decoded, both halves
		"a b:c%2Bd":   "client_id=\"a b\" client_secret=c%2Bd or client_id=\"a b\" client_secret=c+d",
		"a b:cd":      "client_id=\"a b\" client_secret=cd",
	} {
		c := good[0].without("Authorization").with("Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(header))).add("&client_id=a+b")
		if got := understood(taken(t, c)); !strings.HasSuffix(got, "client_secret_basic, "+want+" scope=read") {
			t.Errorf("%s: %s, want %s", header, got, want)
		}
	}
	raw := good[0].without("Authorization").with("Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("a%20b:c"))).add("&client_id=a%2520b")
	if got := understood(taken(t, raw)); !strings.Contains(got, "client_id=a%20b client_secret=c scope") {
		t.Errorf("the raw reading was meant: %s", got)
	}
	refusedWith(t, raw.add("x"), oauth.InvalidRequest)
}

// What a contract writes into a URL, a client library that is given this URL says in the body as well.
func TestAConstantOfTheURLMayStandInTheBodyToo(t *testing.T) {
	at := call{"", "nexthink", "POST", "/api/v1/token?grant_type=client_credentials", []string{basicHi, formType}, "grant_type=client_credentials", false}
	secret := "&client_id=cid&client_secret=highly-secret"
	asJSON := at.without("Content-Type").with(jsonType).replace(`{"grant_type":"client_credentials"}`)
	for name, c := range map[string]call{"Basic": at, "body": at.without("Authorization").add(secret), "scope": at.add("&scope=a"), "JSON": asJSON} {
		if req := taken(t, c); req.Grant != oauth.ClientCredentials || req.Client.ID != "cid" || req.Bodyless {
			t.Errorf("%s: %s", name, understood(req))
		}
	}
	for _, body := range []string{"grant_type=password", "grant_type=", "grant_type=Client_credentials", "grant_type=client_credentials&grant_type=client_credentials"} {
		refusedWith(t, at.replace(body), oauth.InvalidRequest)
	}
	refusedWith(t, at.query("grant_type=client_credentials"), oauth.InvalidRequest)
	refusedWith(t, at.query("scope=a").add("&scope=a"), oauth.InvalidRequest) // a hole
	refusedWith(t, at.query("foo=a").add("&foo=a"), oauth.InvalidRequest)     // nothing of the contract's
	at.target = "/api/v1/token?grant_type=password"
	refusedWith(t, at.replace("grant_type=password"), oauth.InvalidRequest) // a constant that no form has
}

// A body whose charset is not UTF-8 is read when its bytes are; else the refusal says which charset it was.
func TestACharsetCountsOnlyWhereTheBodyIsNoUTF8(t *testing.T) {
	for _, c := range good {
		if c.body == "" {
			continue
		}
		own := c.header[slices.IndexFunc(c.header, func(h string) bool { return strings.HasPrefix(h, "Content-Type") })]
		bodies := []string{"\xff\xfe" + c.body, strings.Join(strings.Split(c.body, ""), "\x00"), c.body + "\xe9"}
		if c.isForm() {
			bodies = append(bodies, c.add("&name=%e9").body)
		}
		for _, body := range bodies {
			refusedWith(t, c.replace(body), oauth.InvalidRequest)
			for charset, said := range map[string]string{"iso-8859-1": `charset "iso-8859-1": `, `"UTF-16LE"`: `charset "utf-16le": `, strings.Repeat("canary", 9): `charset "cana…(54)": `} {
				odd := c.without("Content-Type").with(own + "; charset=" + charset).replace(body)
				refusedWith(t, odd, oauth.UnsupportedMediaType)
				if _, refusal := odd.endpoint().Decode(odd.request(t)); !strings.Contains(strings.ToLower(refusal.Reason), said) {
					t.Errorf("%s, %s: the reason is %s", c.name, charset, refusal.Reason)
				}
			}
			refusedWith(t, c.without("Content-Type").with(own+"; charset=utf-8").replace(body), oauth.InvalidRequest)
		}
	}
}

// keeper remembers the memory it was asked to read into or write from.
type keeper struct {
	*strings.Reader
	*httptest.ResponseRecorder
	held [][]byte
}

func (k *keeper) Read(b []byte) (int, error) {
	n, err := k.Reader.Read(b)
	k.held = append(k.held, b[:n])
	return n, err
}

func (k *keeper) Write(b []byte) (int, error) {
	k.held = append(k.held, b)
	return len(b), nil
}

func (k *keeper) Close() error { return nil }

// Buffers are used again for the next caller, who must find nothing in them.
func TestNoSecretStaysInABuffer(t *testing.T) {
	for name, use := range map[string]func(*keeper){
		"a request": func(k *keeper) {
			r := good[1].request(t)
			r.Body = k
			if _, refusal := good[1].endpoint().Decode(r); refusal != nil {
				t.Error(refusal)
			}
		},
		"a token": func(k *keeper) {
			Standard().Encode(k, &oauth.Token{AccessToken: "highly-secret"}, About{Grant: oauth.ClientCredentials})
		},
		"an introspection": func(k *keeper) { EncodeIntrospection(k, &oauth.Introspection{Active: true, Subject: "highly-secret"}) },
	} {
		k := &keeper{Reader: strings.NewReader(good[1].body), ResponseRecorder: httptest.NewRecorder()}
		use(k)
		if len(k.held) == 0 {
			t.Errorf("%s: no buffer was used", name)
		}
		for _, b := range k.held {
			if len(bytes.Trim(b, "\x00")) > 0 {
				t.Errorf("%s: left behind: %q", name, b)
			}
		}
	}
}
