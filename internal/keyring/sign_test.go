package keyring

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

var joseAlgorithms = []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256}

func TestReq010_TokensVerifyWithGoJoseAndItsTokensWithUs(t *testing.T) {
	d := newDesk(t)
	k := d.open(t, every...)
	for _, tenant := range every {
		set := joseSet(t, k, tenant.Name)
		for i := range 200 {
			claims := fmt.Appendf(nil, `{"sub":"%d","pad":%q}`, i, strings.Repeat("é", i))
			token, err := k.Sign(tenant.Name, nil, claims)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := jose.ParseSignedCompact(string(token), joseAlgorithms)
			if err != nil {
				t.Fatalf("go-jose cannot parse %s: %v", token, err)
			}
			h := parsed.Signatures[0].Protected
			if h.Algorithm != string(tenant.Algorithm) || h.ExtraHeaders["typ"] != "at+jwt" || len(set.Key(h.KeyID)) != 1 {
				t.Fatalf("header %+v", h)
			}
			got, err := parsed.Verify(set.Key(h.KeyID)[0])
			if err != nil || !bytes.Equal(got, claims) {
				t.Fatalf("go-jose refuses our %s: %v", tenant.Algorithm, err)
			}
			if got, _, err := k.Verify(tenant.Name, string(token)); err != nil || !bytes.Equal(got, claims) {
				t.Fatalf("we refuse our own: %v", err)
			}
		}
	}
}

func joseSet(t testing.TB, k *Keyring, tenant string) jose.JSONWebKeySet {
	t.Helper()
	text, _, err := k.JWKS(tenant)
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	return set
}

func TestReq082_KeySetHasPublicMembersOnlyAndEachKeyOnce(t *testing.T) {
	d := newDesk(t)
	k := d.open(t, every...)
	d.advance(MaxAge)
	members := map[Algorithm]string{ES256: "alg crv kid kty use x y", EdDSA: "alg crv kid kty use x", RS256: "alg e kid kty n use"}
	for _, tenant := range every {
		rotate(t, k, tenant.Name)
		text, _, err := k.JWKS(tenant.Name)
		if err != nil {
			t.Fatal(err)
		}
		var set struct{ Keys []map[string]string }
		if err := json.Unmarshal(text, &set); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, key := range set.Keys {
			names := make([]string, 0, len(key))
			for _, name := range strings.Fields(members[tenant.Algorithm]) {
				if key[name] != "" {
					names = append(names, name)
				}
			}
			if len(key) != len(names) || strings.Join(names, " ") != members[tenant.Algorithm] {
				t.Errorf("%s: members %v, want %s", tenant.Algorithm, key, members[tenant.Algorithm])
			}
			if key["use"] != "sig" || key["alg"] != string(tenant.Algorithm) || seen[key["kid"]] {
				t.Errorf("%s: key %v", tenant.Algorithm, key)
			}
			seen[key["kid"]] = true
		}
		if len(seen) != 3 {
			t.Errorf("%d keys, want active, next and retired", len(seen))
		}
		for _, key := range joseSet(t, k, tenant.Name).Keys {
			if print, err := key.Thumbprint(crypto.SHA256); err != nil || !key.Valid() || !key.IsPublic() || base64.RawURLEncoding.EncodeToString(print) != key.KeyID {
				t.Errorf("%s: go-jose calls key %s invalid: %v", tenant.Algorithm, key.KeyID, err)
			}
		}
	}
}

func TestThumbprintsOfTheRFCs(t *testing.T) {
	n, _ := base64.RawURLEncoding.DecodeString("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")
	ed, _ := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	for want, pub := range map[string]crypto.PublicKey{
		"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs": &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}, // RFC 7638, section 3.1
		"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k": ed25519.PublicKey(ed),                                 // RFC 8037, appendix A.3
	} {
		if got, err := thumbprint(pub); err != nil || got != want {
			t.Errorf("thumbprint = %s, %v, want %s", got, err, want)
		}
	}
	for _, bad := range []any{nil, "key", []byte("secret"), &ecdsa.PublicKey{Curve: elliptic.P384()}} {
		if _, err := thumbprint(bad); err == nil {
			t.Errorf("%T has a thumbprint", bad)
		}
	}
	if ES256.fits(&ecdsa.PublicKey{Curve: elliptic.P384()}) || RS256.fits(&rsa.PublicKey{N: big.NewInt(1 << 62), E: 3}) || EdDSA.fits(ed25519.PublicKey{}) {
		t.Error("a weak or foreign key fits")
	}
}

func TestReq010_AForgedTokenDoesNotVerify(t *testing.T) {
	d := newDesk(t)
	k := d.open(t, every...)
	b64 := base64.RawURLEncoding.EncodeToString
	forge := func(header, signature string) string {
		return b64([]byte(header)) + "." + b64([]byte(`{"sub":"a"}`)) + "." + signature
	}
	for _, tenant := range every {
		token := sign(t, k, tenant.Name)
		keys, _ := k.List(tenant.Name)
		kid, alg := keys[0].ID, string(tenant.Algorithm)
		parts := strings.Split(token, ".")
		der, _ := x509.MarshalPKIXPublicKey(keys[0].Key)
		mine, _ := rsa.GenerateKey(rand.Reader, 2048)
		bad := map[string]string{
			"none":              forge(`{"typ":"at+jwt","alg":"none","kid":"`+kid+`"}`, ""),
			"None":              forge(`{"typ":"at+jwt","alg":"nOnE","kid":"`+kid+`"}`, parts[2]),
			"no header":         "." + parts[1] + "." + parts[2],
			"no signature":      parts[0] + "." + parts[1] + ".",
			"two parts":         parts[0] + "." + parts[1],
			"four parts":        token + ".x",
			"nothing":           "",
			"dots":              "..",
			"other claims":      parts[0] + "." + b64([]byte(`{"sub":"b"}`)) + "." + parts[2],
			"crit":              forge(`{"typ":"at+jwt","alg":"`+alg+`","kid":"`+kid+`","crit":["x"]}`, parts[2]),
			"psychic":           parts[0] + "." + parts[1] + "." + b64(make([]byte, 64)),
			"padded":            token + "==",
			"a line end inside": token[:len(token)-5] + "\n" + token[len(token)-5:],
			"space after":       token + " ",
			"too long":          token + strings.Repeat("A", maxToken),
		}
		for _, c := range []struct {
			alg jose.SignatureAlgorithm
			key any
		}{{jose.HS256, der}, {jose.HS512, append(der, der...)}, {jose.PS256, mine}, {jose.RS256, mine}} {
			with := jose.SigningKey{Algorithm: c.alg, Key: jose.JSONWebKey{Key: c.key, KeyID: kid}}
			signer, err := jose.NewSigner(with, (&jose.SignerOptions{}).WithType("at+jwt"))
			if err != nil {
				t.Fatal(err)
			}
			object, err := signer.Sign([]byte(`{"sub":"a"}`))
			if err != nil {
				t.Fatal(err)
			}
			text, _ := object.CompactSerialize()
			bad["go-jose "+string(c.alg)] = text
			forged := strings.Split(text, ".")
			bad["go-jose under our header "+string(c.alg)] = parts[0] + "." + parts[1] + "." + forged[2]
		}
		for what, text := range bad {
			if _, _, err := k.Verify(tenant.Name, text); !errors.Is(err, ErrSignature) {
				t.Errorf("%s, %s: %v", alg, what, err)
			}
		}
		for i := range token {
			c := byte('A')
			if token[i] == c {
				c = 'B'
			}
			if _, _, err := k.Verify(tenant.Name, token[:i]+string(c)+token[i+1:]); err == nil {
				t.Errorf("%s: character %d may be changed", alg, i)
			}
		}
	}
}

func TestReq013_KeysOfOneTenantDoNotVerifyForAnother(t *testing.T) {
	d := newDesk(t)
	k := d.open(t, acme, Tenant{Name: "other"})
	token := sign(t, k, "acme")
	if verifies(k, "other", token) {
		t.Error("a token of one tenant verifies for another")
	}
	keys, _ := k.List("acme")
	if _, ok := k.Key("other", keys[0].ID); ok {
		t.Error("a key of one tenant is found for another")
	}
	if p, ok := k.Key("acme", keys[0].ID); !ok || p.State != Active {
		t.Error("a key is not found for its own tenant")
	}
	if _, _, err := k.Verify("unknown", token); !errors.Is(err, ErrTenant) {
		t.Errorf("an unknown tenant: %v", err)
	}
}

func TestSignAppendsAndMayRunWhileKeysRotate(t *testing.T) {
	d := newDesk(t)
	k := d.open(t, acme)
	token, err := k.Sign("acme", []byte("Bearer "), []byte(`{"sub":"a"}`))
	if err != nil || !verifies(k, "acme", strings.TrimPrefix(string(token), "Bearer ")) {
		t.Fatalf("%s: %v", token, err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			buf := make([]byte, 0, 512)
			for range 200 {
				token, err := k.Sign("acme", buf, []byte(`{"sub":"a"}`))
				if err != nil || !verifies(k, "acme", string(token)) {
					t.Errorf("a token does not verify: %v", err)
					return
				}
				if _, _, err := k.JWKS("acme"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 10 {
		if err := k.RotateUnannounced(t.Context(), "acme", "cli:ada"); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}

func TestRawSignaturesAreThoseOfASN1(t *testing.T) {
	for _, c := range [][2]*big.Int{
		{big.NewInt(1), big.NewInt(127)},
		{big.NewInt(128), big.NewInt(255)},
		{new(big.Int).Lsh(big.NewInt(1), 255), new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))},
	} {
		der, err := asn1.Marshal(struct{ R, S *big.Int }{c[0], c[1]})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := rawSignature(der)
		if err != nil || new(big.Int).SetBytes(raw[:32]).Cmp(c[0]) != 0 || new(big.Int).SetBytes(raw[32:]).Cmp(c[1]) != 0 {
			t.Errorf("%x: %x, %v", der, raw, err)
		}
		for i := range der {
			if _, err := rawSignature(der[:i]); err == nil {
				t.Errorf("%x is accepted", der[:i])
			}
		}
		if _, err := rawSignature(append(der, 0)); err == nil {
			t.Error("something after the signature is accepted")
		}
	}
}

func FuzzRawSignature(f *testing.F) {
	f.Add([]byte{0x30, 6, 2, 1, 1, 2, 1, 1})
	f.Fuzz(func(t *testing.T, der []byte) {
		raw, err := rawSignature(der)
		if err != nil {
			return
		}
		var want struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(der, &want); err == nil && want.R.Sign() > 0 && want.S.Sign() > 0 &&
			(new(big.Int).SetBytes(raw[:32]).Cmp(want.R) != 0 || new(big.Int).SetBytes(raw[32:]).Cmp(want.S) != 0) {
			t.Errorf("%x: %x", der, raw)
		}
	})
}

func FuzzVerify(f *testing.F) {
	d := newDesk(f)
	k := d.open(f, acme)
	token := sign(f, k, "acme")
	f.Add(token[:len(token)-1])
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, text string) {
		if _, _, err := k.Verify("acme", text); err == nil && text != token {
			t.Errorf("%q verifies", text)
		}
	})
}
