package bearer_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/tokenbooth/tokenbooth/bearer"
)

func TestATokenOfEachAlgorithmSaysWhoHoldsIt(t *testing.T) {
	for _, alg := range []string{"ES256", "EdDSA", "RS256"} {
		v, _ := verifier(t, nil)
		got := accepts(t, v, mint(alg, object{"username": "ada@acme.example", "name": "Ada \u00e9 \"L\"", "nbf": epoch.Unix()}))
		want := &bearer.Token{
			Issuer: issuer, ID: "id-1", Subject: "client-1", ClientID: "client-1", Username: "ada@acme.example", Name: "Ada \u00e9 \"L\"", KeyID: "kid-" + alg,
			Scope: "service:integration", Permissions: []string{"workflows", "nql"}, Audience: []string{audience},
			IssuedAt: epoch.Local(), NotBefore: epoch.Local(), Expires: epoch.Add(15 * time.Minute).Local(),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", alg, diff)
		}
	}
}

func TestATokenMadeByAnotherLibraryIsAccepted(t *testing.T) {
	for alg, k := range keys() {
		opts := (&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", k.ID)
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: k.private}, opts)
		if err != nil {
			t.Fatal(err)
		}
		payload, _ := json.Marshal(claims(nil))
		jws, err := s.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		text, err := jws.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		v, _ := verifier(t, nil)
		accepts(t, v, text)
		if _, err := jose.ParseSignedCompact(mint(alg, nil), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)}); err != nil {
			t.Errorf("the other library does not read ours: %v", err)
		}
	}
}

func TestPermissionsAreTheClaimOrElseTheScope(t *testing.T) {
	for _, c := range []struct {
		name        string
		permissions any
		asked       string
		want        bool
	}{
		{"in the claim", []string{"nql", "spark"}, "spark", true},
		{"not in the claim", []string{"nql"}, "spark", false},
		{"the scope does not widen the claim", []string{"nql"}, "service:integration", false},
		{"an empty claim permits nothing", []string{}, "service:integration", false},
		{"no claim: the scope", nil, "service:integration", true},
		{"no claim: not in the scope", nil, "service", false},
		{"nothing is not a permission", nil, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, _ := verifier(t, nil)
			if got := accepts(t, v, mint("ES256", object{"permissions": c.permissions})).Permits(c.asked); got != c.want {
				t.Errorf("Permits(%q) = %v", c.asked, got)
			}
		})
	}
}

func TestReq010_B01_OnlyTheRegisteredPairOfKeyAndAlgorithmVerifies(t *testing.T) {
	v, _ := verifier(t, nil)
	names := strings.Fields(`HS256 HS384 HS512 RS256 RS384 RS512 ES256 ES384 ES512 PS256 PS384 PS512 none EdDSA RSA1_5 RSA-OAEP A128KW dir
		ECDH-ES A128GCMKW PBES2-HS256+A128KW A128CBC-HS256 A256GCM RS1 ES256K Ed25519 Ed448 ESB256 ML-DSA-44`)
	names = append(names, "")
	for registered, k := range keys() {
		public, err := x509.MarshalPKIXPublicKey(k.Public)
		if err != nil {
			t.Fatal(err)
		}
		for _, alg := range names {
			for _, spelt := range []string{alg, strings.ToLower(alg), strings.ToUpper(alg), " " + alg, alg + " "} {
				if spelt == registered {
					continue
				}
				head := header(registered, object{"alg": spelt})
				refuses(t, v, sign(k.private, head, claims(nil)))
				// HMAC keyed with the public key, and no signature.
				text := segment(head) + "." + segment(claims(nil))
				mac := hmac.New(sha256.New, public)
				mac.Write([]byte(text))
				refuses(t, v, text+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
				refuses(t, v, text+".")
			}
		}
		for other, o := range keys() {
			if other != registered {
				refuses(t, v, sign(o.private, header(registered, nil), claims(nil)))
				refuses(t, v, sign(o.private, header(registered, object{"alg": other}), claims(nil)))
			}
		}
	}
}

func TestReq011_B02_KeysInsideTheTokenAreNeverUsed(t *testing.T) {
	mine, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	asked := []string{}
	v, _ := verifier(t, func(o *bearer.Options) {
		o.Keys = func(kid string) (bearer.Key, bool) { asked = append(asked, kid); return keySet(kid) }
	})
	jwk, err := json.Marshal(jose.JSONWebKey{Key: mine.Public(), KeyID: "mine", Algorithm: "ES256", Use: "sig"})
	if err != nil {
		t.Fatal(err)
	}
	for _, extra := range []object{
		{"jwk": json.RawMessage(jwk)}, {"jku": "http://127.0.0.1:1/keys"}, {"x5u": "http://127.0.0.1:1/cert"}, {"x5c": []string{"MIIB"}},
	} {
		for _, kid := range []any{"kid-ES256", "mine", "", nil, "../kid-ES256", "kid-es256"} {
			extra["kid"] = kid
			refuses(t, v, sign(mine, header("ES256", extra), claims(nil)))
		}
	}
	for _, kid := range asked {
		if kid == "" {
			t.Error("the key set was asked for a key without a name")
		}
	}
}

func TestReq012_CriticalExtensionsAreRefused(t *testing.T) {
	v, _ := verifier(t, nil)
	for _, crit := range []any{[]string{"x"}, []string{"b64"}, []string{"exp"}, []string{}, "x", 1, true, object{}, json.RawMessage("null")} {
		head := header("ES256", object{"crit": crit, "x": 1, "b64": false})
		if reason := refuses(t, v, sign(keys()["ES256"].private, head, claims(nil))); !strings.Contains(reason, "crit") {
			t.Errorf("crit %v: %s", crit, reason)
		}
	}
}

func TestReq013_B02_TheIssuerIsComparedExactlyAndHasItsOwnKeys(t *testing.T) {
	v, _ := verifier(t, nil)
	for _, iss := range []any{nil, "", issuer + "/", strings.ToUpper(issuer), issuer + ":443", "http://acme.example", " " + issuer, "https://evil.example", 1, []string{issuer}} {
		refuses(t, v, mint("ES256", object{"iss": iss}))
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, v, sign(other, header("ES256", nil), claims(nil))) // another tenant's key under the same kid
	tenantB, _ := verifier(t, func(o *bearer.Options) { o.Issuer = "https://globex.example" })
	refuses(t, tenantB, mint("ES256", nil))
}

func TestReq014_B03_TheAudienceMustNameThisAPI(t *testing.T) {
	v, _ := verifier(t, func(o *bearer.Options) { o.Audiences = []string{audience, "second"} })
	for _, good := range []any{audience, []string{audience}, []string{"x", audience}, "second", []string{"second", "y"}} {
		accepts(t, v, mint("ES256", object{"aud": good}))
	}
	for _, bad := range []any{
		nil, "", []string{}, []string{""}, audience + "/", audience[:8], "x" + audience, strings.ToUpper(audience), 1, true, object{"a": audience},
		[]any{audience, 1}, []any{[]string{audience}}, audience + " second", json.RawMessage("null"),
	} {
		refuses(t, v, mint("ES256", object{"aud": bad}))
	}
}

func TestReq015_OtherKindsOfTokensAreNoAccessTokens(t *testing.T) {
	v, _ := verifier(t, nil)
	for _, typ := range []any{nil, "", "JWT", "jwt", "dpop+jwt", "client-authentication+jwt", "at+jwtx", "xat+jwt", "logout+jwt", "secevent+jwt", "at", 1} {
		refuses(t, v, sign(keys()["ES256"].private, header("ES256", object{"typ": typ}), claims(nil)))
	}
	for _, typ := range []any{"at+jwt", "AT+JWT", "application/at+jwt"} { // RFC 9068, section 4
		accepts(t, v, sign(keys()["ES256"].private, header("ES256", object{"typ": typ}), claims(nil)))
	}
	for _, text := range []string{"tbr_abc", "tba_abc", "tbs_abc", "16d131ad-615f-4fa0-b2ce-18d600e461c4"} {
		refuses(t, v, text)
	}
}

func TestReq016_B04_TimesAreRequiredAndHaveTenSecondsOfLeewayAheadOnly(t *testing.T) {
	at := func(seconds int) int64 { return epoch.Add(time.Duration(seconds) * time.Second).Unix() }
	for s := -61; s <= 61; s++ {
		v, _ := verifier(t, nil)
		for claim, good := range map[string]bool{"iat": s <= 10, "nbf": s <= 10, "exp": s > 0} {
			token := mint("EdDSA", object{claim: at(s)})
			if _, err := v.Verify(context.Background(), token); (err == nil) != good {
				t.Errorf("%s %+d s: %v", claim, s, err)
			}
		}
	}
	v, _ := verifier(t, nil)
	for _, bad := range []object{
		{"exp": nil}, {"exp": "1800000000"}, {"exp": -1}, {"exp": 0}, {"exp": json.RawMessage("1e300")}, {"exp": json.RawMessage("1e12")},
		{"exp": json.RawMessage("null")}, {"exp": true}, {"exp": []int64{at(60)}}, {"exp": json.RawMessage("99999999999999999999999999")},
		{"exp": json.RawMessage(strings.Repeat("9", 400))}, {"iat": nil}, {"iat": "now"}, {"nbf": "now"}, {"nbf": json.RawMessage("-0.5")},
	} {
		refuses(t, v, mint("ES256", bad))
	}
	accepts(t, v, mint("ES256", object{"exp": json.RawMessage(fmt.Sprintf("%d.75", at(60)))}))
}

func TestReq028_B12_ATokenBoundToAKeyIsRefusedWithoutItsProof(t *testing.T) {
	v, _ := verifier(t, nil)
	for _, cnf := range []any{object{"jkt": "x"}, object{"x5t#S256": "x"}, object{}, "x", json.RawMessage("null")} {
		if reason := refuses(t, v, mint("ES256", object{"cnf": cnf})); !strings.Contains(reason, "cnf") {
			t.Error(reason)
		}
	}
}

func TestClaimsOfTheWrongTypeOrGrammarAreRefused(t *testing.T) {
	v, _ := verifier(t, nil)
	for _, bad := range []object{
		{"sub": nil}, {"sub": ""}, {"sub": 1}, {"client_id": nil}, {"client_id": []string{"a"}}, {"jti": nil}, {"jti": 7},
		{"scope": []string{"a"}}, {"scope": "a  b"}, {"scope": "a\"b"}, {"scope": 1}, {"username": 1}, {"name": object{}},
		{"permissions": "nql"}, {"permissions": []any{"nql", 1}}, {"permissions": []string{"nql spark"}}, {"permissions": []string{""}},
		{"permissions": json.RawMessage("null")}, {"permissions": []string{"a\nb"}}, {"permissions": slices.Repeat([]string{"a"}, 300)},
	} {
		refuses(t, v, mint("ES256", bad))
	}
}

func TestReq065_JSONIsReadStrictly(t *testing.T) {
	v, _ := verifier(t, nil)
	k := keys()["ES256"].private
	good := string(must(json.Marshal(claims(nil))))
	accepts(t, v, sign(k, header("ES256", nil), " "+good+"\n"))
	for name, raw := range map[string]string{
		"a claim twice":                  `{"aud":"other",` + good[1:],
		"a claim twice, once escaped":    `{"\u0061ud":"other",` + good[1:],
		"an unknown claim twice":         `{"x":1,"x":1,` + good[1:],
		"something after the object":     good + "{}",
		"NUL after the object":           good + "\x00",
		"an array":                       "[" + good + "]",
		"a trailing comma":               good[:len(good)-1] + ",}",
		"a bad escape":                   `{"x":"\x",` + good[1:],
		"half a surrogate pair":          `{"x":"\ud800",` + good[1:],
		"a control in a string":          "{\"x\":\"\n\"," + good[1:],
		"bad UTF-8":                      "{\"x\":\"\xff\"," + good[1:],
		"too deep":                       `{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "," + good[1:],
		"too many members":               "{" + manyMembers(70) + good[1:],
		"a leading zero":                 `{"x":01,` + good[1:],
		"a plus":                         `{"x":+1,` + good[1:],
		"NaN":                            `{"x":NaN,` + good[1:],
		"single quotes":                  `{'x':1,` + good[1:],
		"a comment":                      `{/**/` + good[1:],
		"nothing":                        "",
		"null":                           "null",
		"an unfinished string":           `{"x":"`,
		"an unfinished object":           `{"x":1`,
		"an escape at the end":           `{"x":"\`,
		"an unfinished unicode escape":   `{"x":"\u00`,
		"a word that is not one":         `{"x":nul,` + good[1:],
		"a point without a fraction":     `{"x":1.,` + good[1:],
		"an exponent without its number": `{"x":1e,` + good[1:],
	} {
		t.Run(name, func(t *testing.T) { refuses(t, v, sign(k, header("ES256", nil), raw)) })
	}
	folded := strings.Replace(good, `"aud"`, `"AUD"`, 1)
	refuses(t, v, sign(k, header("ES256", nil), folded)) // names have one case
	refuses(t, v, sign(k, `{"alg":"ES256","typ":"at+jwt","kid":"kid-ES256","alg":"none"}`, claims(nil)))
	refuses(t, v, sign(k, `{"Alg":"ES256","typ":"at+jwt","kid":"kid-ES256"}`, claims(nil)))
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"m%d":%d,`, i, i)
	}
	return b.String()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestB05_AForgedTokenIsNeverReportedAsMerelyExpired(t *testing.T) {
	v, _ := verifier(t, nil)
	token := mint("ES256", object{"exp": epoch.Add(-time.Hour).Unix()})
	if reason := refuses(t, v, token); !strings.Contains(reason, "expired") {
		t.Error(reason)
	}
	forged := token[:strings.LastIndexByte(token, '.')+1] + base64.RawURLEncoding.EncodeToString(make([]byte, 64))
	if reason := refuses(t, v, forged); !strings.Contains(reason, "signature") || strings.Contains(reason, "expired") {
		t.Error(reason)
	}
}

func TestB08_EveryEditOfATokenIsRefused(t *testing.T) {
	v, _ := verifier(t, nil)
	token := mint("EdDSA", nil)
	accepts(t, v, token)
	for i := range len(token) {
		for _, c := range []byte{'A', 'z', '.', '=', '\n', ' ', 0, token[i] ^ 1, token[i] ^ 0x20} {
			if c != token[i] {
				refuses(t, v, token[:i]+string([]byte{c})+token[i+1:])
			}
		}
		refuses(t, v, token[:i]+token[i+1:])
		refuses(t, v, token[:i])
		refuses(t, v, token[:i]+"\r\n"+token[i:])
	}
	for _, tail := range []string{"=", "==", ".", "A", "\n", " ", "\x00", "." + token} {
		refuses(t, v, token+tail)
		refuses(t, v, tail+token)
	}
}

func TestB09_EncryptedTokensAreRefusedAtOnce(t *testing.T) {
	v, _ := verifier(t, nil)
	head := segment(object{"alg": "PBES2-HS256+A128KW", "enc": "A128CBC-HS256", "p2c": 1 << 30, "p2s": "AAAA", "zip": "DEF", "kid": "kid-ES256", "typ": "at+jwt"})
	best := time.Hour
	for range 5 {
		start := time.Now()
		refuses(t, v, head+".AAAA.AAAA.AAAA.AAAA")
		refuses(t, v, head+".AAAA.AAAA")
		best = min(best, time.Since(start))
	}
	if best > 5*time.Millisecond {
		t.Errorf("took %v", best)
	}
}

func TestB10_AMebibyteOfDotsCostsNothing(t *testing.T) {
	v, _ := verifier(t, nil)
	for _, text := range []string{
		strings.Repeat(".", 1<<20), "a." + strings.Repeat(".", 1<<20), strings.Repeat(".", 16<<10), "eyJ9.e30." + strings.Repeat(".", 16000),
		strings.Repeat("a", 16<<10), segment(header("ES256", nil)) + "." + strings.Repeat("{", 8000) + ".AA",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		refuses(t, v, text)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<10 {
			t.Errorf("%d bytes allocated for %d", n, len(text))
		}
	}
}

func TestB14_PsychicSignaturesAndBadKeysVerifyNothing(t *testing.T) {
	n := elliptic.P256().Params().N.Bytes()
	zero, one := make([]byte, 32), append(make([]byte, 31), 1)
	v, _ := verifier(t, nil)
	text := segment(header("ES256", nil)) + "." + segment(claims(nil))
	for _, sig := range [][]byte{
		slices.Concat(zero, zero), slices.Concat(zero, one), slices.Concat(one, zero), slices.Concat(n, n), slices.Concat(n, one), slices.Concat(one, one),
		bytes.Repeat([]byte{0xff}, 64), {}, one, slices.Concat(zero, zero, zero),
	} {
		refuses(t, v, text+"."+base64.RawURLEncoding.EncodeToString(sig))
	}
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)) // whose signatures fit into the 64 bytes of ES256
	for _, k := range []bearer.Key{
		{Algorithm: "RS256", Public: small.Public()}, {Algorithm: "ES256", Public: p224.Public()}, {Algorithm: "ES256", Public: nil},
		{Algorithm: "ES256", Public: "text"}, {Algorithm: "EdDSA", Public: keys()["ES256"].Public}, {Algorithm: "none", Public: keys()["ES256"].Public},
	} {
		v, _ := verifier(t, func(o *bearer.Options) { o.Keys = func(string) (bearer.Key, bool) { return k, true } })
		refuses(t, v, sign(small, header(k.Algorithm, nil), claims(nil)))
		refuses(t, v, sign(p224, header(k.Algorithm, nil), claims(nil)))
		refuses(t, v, sign(keys()["ES256"].private, header(k.Algorithm, nil), claims(nil)))
	}
}
