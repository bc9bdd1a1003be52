package bearer_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/oauth"
)

const (
	issuer   = "https://acme.example"
	audience = "https://api.acme.example"
)

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// pair is a signing key and its public half.
type pair struct {
	bearer.Key
	private crypto.Signer
}

var keys = sync.OnceValue(func() map[string]pair {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, ed, err2 := ed25519.GenerateKey(rand.Reader)
	rs, err3 := rsa.GenerateKey(rand.Reader, 2048)
	if err := errors.Join(err, err2, err3); err != nil {
		panic(err)
	}
	all := map[string]pair{}
	for alg, k := range map[string]crypto.Signer{"ES256": ec, "EdDSA": ed, "RS256": rs} {
		all[alg] = pair{bearer.Key{ID: "kid-" + alg, Algorithm: alg, Public: k.Public()}, k}
	}
	return all
})

func keySet(kid string) (bearer.Key, bool) {
	for _, k := range keys() {
		if k.ID == kid {
			return k.Key, true
		}
	}
	return bearer.Key{}, false
}

type object = map[string]any

func claims(changes object) object {
	c := object{
		"iss": issuer, "aud": audience, "sub": "client-1", "client_id": "client-1", "jti": "id-1", "scope": "service:integration",
		"permissions": []string{"workflows", "nql"}, "iat": epoch.Unix(), "exp": epoch.Add(15 * time.Minute).Unix(),
	}
	return change(c, changes)
}

// change overlays an object; nil removes a member.
func change(o, changes object) object {
	maps.Copy(o, changes)
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
	return o
}

func header(alg string, changes object) object {
	return change(object{"alg": alg, "typ": "at+jwt", "kid": "kid-" + alg}, changes)
}

func segment(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	if raw, ok := v.(string); ok {
		b = []byte(raw)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// sign signs what it is given, whatever it says.
func sign(k crypto.Signer, head, payload any) string {
	text := segment(head) + "." + segment(payload)
	digest := sha256.Sum256([]byte(text))
	var sig []byte
	var err error
	switch k := k.(type) {
	case *ecdsa.PrivateKey:
		r, s, e := ecdsa.Sign(rand.Reader, k, digest[:])
		if err = e; err == nil {
			sig = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	case ed25519.PrivateKey:
		sig = ed25519.Sign(k, []byte(text))
	case *rsa.PrivateKey:
		sig, err = rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, digest[:])
	}
	if err != nil {
		panic(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func mint(alg string, changes object) string {
	return sign(keys()[alg].private, header(alg, nil), claims(changes))
}

// clock is a settable one.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func verifier(t testing.TB, changes func(*bearer.Options)) (*bearer.Verifier, *clock) {
	t.Helper()
	c := &clock{epoch}
	o := bearer.Options{Issuer: issuer, Audiences: []string{audience}, Keys: keySet, Now: c.now}
	if changes != nil {
		changes(&o)
	}
	v, err := bearer.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return v, c
}

func accepts(t testing.TB, v *bearer.Verifier, token string) *bearer.Token {
	t.Helper()
	got, err := v.Verify(context.Background(), token)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return got
}

// refuses checks that the token is refused as invalid, with one text for the caller, and returns the reason.
func refuses(t testing.TB, v *bearer.Verifier, token string) string {
	t.Helper()
	got, err := v.Verify(context.Background(), token)
	e := oauth.AsError(err)
	if e == nil || e.Code != oauth.InvalidToken || got != nil {
		t.Fatalf("got %v, %v; want invalid_token", got, err)
	}
	if e.Description != "The access token is invalid or has expired." || e.Reason == "" {
		t.Fatalf("description %q, reason %q", e.Description, e.Reason)
	}
	return e.Reason
}

// asJSON returns a value as JSON.
func asJSON(v any) string { return string(must(json.Marshal(v))) }

func isUnavailable(err error) bool {
	return errors.Is(err, oauth.ErrUnavailable) && oauth.AsError(err) == nil
}

// publicJWK renders the public half of a key (RFC 7517, section 4).
func publicJWK(k pair) object {
	text := base64.RawURLEncoding.EncodeToString
	j := object{"kid": k.ID, "use": "sig", "alg": k.Algorithm}
	switch public := k.Public.(type) {
	case *ecdsa.PublicKey:
		point := must(public.Bytes())
		return change(j, object{"kty": "EC", "crv": "P-256", "x": text(point[1:33]), "y": text(point[33:])})
	case ed25519.PublicKey:
		return change(j, object{"kty": "OKP", "crv": "Ed25519", "x": text(public)})
	case *rsa.PublicKey:
		return change(j, object{"kty": "RSA", "n": text(public.N.Bytes()), "e": "AQAB"})
	}
	return nil
}
