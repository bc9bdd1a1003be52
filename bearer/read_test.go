package bearer

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// FuzzReq065_KeySet holds that no key set makes a panic, and that what is accepted can be used: each key has its algorithm and its name.
func FuzzReq065_KeySet(f *testing.F) {
	const good = `{"kty":"EC","crv":"P-256","use":"sig","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	f.Add(`{"keys":[` + good + `]}`)
	f.Add(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"b","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	f.Add(`{"keys":[{"kty":"RSA","kid":"c","e":"AQAB","n":"` + strings.Repeat("_", 344) + `"}]}`)
	f.Add(`{"keys":[{"kty":"oct","k":"AAAA","kid":"d"},` + good + `],"x":[{}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		set, err := readKeySet(text)
		if (err == nil) != (len(set) > 0) {
			t.Fatalf("%d keys, %v", len(set), err)
		}
		for id, k := range set {
			if id == "" || k.ID != id || k.Algorithm != es256 && k.Algorithm != edDSA && k.Algorithm != rs256 || !k.same(k) {
				t.Fatalf("%q: %+v", id, k)
			}
			k.verifies([]byte("signed"), make([]byte, 64))
		}
		if len(set) > 0 && !json.Valid([]byte(text)) {
			t.Fatalf("accepted what is not JSON: %q", text)
		}
	})
}

// FuzzReq065_Introspection holds that an answer makes a token only when it says in so many words that it is active.
func FuzzReq065_Introspection(f *testing.F) {
	f.Add(`{"active":true,"sub":"a","client_id":"b","jti":"c","iat":1,"exp":2,"aud":"d","sid":"e"}`)
	f.Add(`{"active":false}`)
	f.Add(`{"active":"true"}`)
	f.Add(`{"active":true,"active":false}`)
	f.Add(`{"active":true,"cnf":{}}`)
	f.Fuzz(func(t *testing.T, text string) {
		tok, err := readIntrospection(text)
		if err != nil {
			if e := oauth.AsError(err); e != nil && e.Code != oauth.InvalidToken || tok != nil {
				t.Fatalf("%v, %v", tok, err)
			}
			return
		}
		var other map[string]any
		if json.Unmarshal([]byte(text), &other) != nil || other["active"] != true || other["cnf"] != nil || tok == nil {
			t.Fatalf("accepted %q", text)
		}
	})
}

// FuzzReq013_Metadata holds that metadata never lead to another host.
func FuzzReq013_Metadata(f *testing.F) {
	const iss = "https://login.example/acme"
	f.Add(`{"issuer":"`+iss+`","jwks_uri":"https://login.example/keys","revocation_feed":"https://login.example/feed?a=b"}`, "max-age=5")
	f.Add(`{"issuer":"`+iss+`","jwks_uri":"https://login.example@evil.example/keys"}`, "public, MAX-AGE=99999999999")
	f.Add(`{"issuer":"`+iss+`","jwks_uri":"https:\/\/login.example\\@evil.example/keys"}`, "max-age=-1,max-age=\"7\"")
	base, err := url.Parse(iss)
	if err != nil {
		f.Fatal(err)
	}
	i := &Issuer{r: Remote{Issuer: iss}, base: base}
	f.Fuzz(func(t *testing.T, text, cache string) {
		if age := keyAge(http.Header{"Cache-Control": {cache}}); age < 30*time.Second || age > 15*time.Minute {
			t.Fatalf("%q: %v", cache, age)
		}
		e, err := i.readMetadata(text)
		if err != nil {
			return
		}
		for _, u := range []*url.URL{e.keys, e.introspection, e.revocations} {
			if u == nil {
				continue
			}
			r, err := http.NewRequest(http.MethodGet, u.String(), nil)
			if err != nil || !strings.EqualFold(r.URL.Host, "login.example") || r.URL.Scheme != "https" || r.URL.User != nil {
				t.Fatalf("%q leads to %v", text, u)
			}
		}
	})
}

func TestRetriesAreSpreadAndBounded(t *testing.T) {
	for range 100 {
		var b backoff
		for n := range 100 {
			d := b.next(100*time.Millisecond, 2*time.Second)
			if most := min(100*time.Millisecond<<min(n, 10), 2*time.Second); d < most/2 || d > most {
				t.Fatalf("try %d: %v", n, d)
			}
		}
	}
}
