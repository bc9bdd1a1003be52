package bearer

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"strings"
)

// The algorithms this package checks (RFC 7518, section 3.1; RFC 8037, section 3.1).
const (
	es256 = "ES256"
	edDSA = "EdDSA"
	rs256 = "RS256"
)

const minModulus = 2048 // bits of an RSA key

// segments splits a compact JWS (RFC 7515, section 3.1). It looks at each byte once and makes nothing, however many dots there are.
func segments(text string) (header, payload, signature string, ok bool) {
	header, rest, ok := strings.Cut(text, ".")
	if !ok {
		return "", "", "", false
	}
	payload, signature, ok = strings.Cut(rest, ".")
	if !ok || header == "" || payload == "" || signature == "" || strings.IndexByte(signature, '.') >= 0 {
		return "", "", "", false
	}
	return header, payload, signature, true
}

// encoding refuses padding and stray bits at the end, so that a token has one spelling.
var encoding = base64.RawURLEncoding.Strict()

// decode reads base64url. The library skips line ends, which RFC 7515, section 2 does not allow.
func decode(text string) ([]byte, bool) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	b, err := encoding.DecodeString(text)
	return b, err == nil
}

// readJWT checks form, key and signature, in this order, and only then reads what the token claims: nobody is told that a forged
// token has expired.
func (v *Verifier) readJWT(text string) (*Token, Key, error) {
	head, payload, signature, ok := segments(text)
	if !ok {
		return nil, Key{}, refused("not three segments")
	}
	key, err := v.keyFor(head)
	if err != nil {
		return nil, Key{}, err
	}
	sig, ok := decode(signature)
	if !ok {
		return nil, Key{}, refused("the signature is not base64url")
	}
	if !key.verifies([]byte(text[:len(head)+1+len(payload)]), sig) {
		return nil, Key{}, refused("the signature of key %.64q does not match", key.ID)
	}
	claims, ok := decode(payload)
	if !ok {
		return nil, Key{}, refused("the payload is not base64url")
	}
	t, err := readClaims(string(claims))
	return t, key, err
}

// keyFor reads the header and finds the key. Keys and links to keys inside the token (jwk, jku, x5u, x5c) are not even looked at
// (RFC 8725, section 3.10).
func (v *Verifier) keyFor(head string) (Key, error) {
	raw, ok := decode(head)
	if !ok {
		return Key{}, refused("the header is not base64url")
	}
	h, problem := readHeader(string(raw))
	if problem != "" {
		return Key{}, refused("header: %s", problem)
	}
	switch {
	case h.critical: // RFC 7515, section 4.1.11: we understand no extension
		return Key{}, refused("header: crit names extensions")
	case !strings.EqualFold(h.typ, "at+jwt") && !strings.EqualFold(h.typ, "application/at+jwt"): // RFC 9068, section 4
		return Key{}, refused("header: typ %.40q is no access token", h.typ)
	case h.kid == "":
		return Key{}, refused("header: there is no kid")
	}
	key, ok := v.o.Keys(h.kid)
	switch {
	case !ok || key.Public == nil:
		return Key{}, refused("header: the issuer has no key %.64q", h.kid)
	case h.alg != key.Algorithm: // RFC 8725, section 3.1: the key decides
		return Key{}, refused("header: alg %.20q is not that of key %.64q", h.alg, h.kid)
	}
	key.ID = h.kid
	return key, nil
}

// verifies checks a signature by the one algorithm of the key.
func (k Key) verifies(signed, sig []byte) bool {
	digest := sha256.Sum256(signed)
	switch public := k.Public.(type) {
	case *ecdsa.PublicKey:
		if k.Algorithm != es256 || public.Curve != elliptic.P256() || len(sig) != 64 {
			return false
		}
		return ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	case ed25519.PublicKey:
		return k.Algorithm == edDSA && len(public) == ed25519.PublicKeySize && ed25519.Verify(public, signed, sig)
	case *rsa.PublicKey:
		return k.Algorithm == rs256 && public.N.BitLen() >= minModulus &&
			rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], sig) == nil
	}
	return false
}

// same reports whether another key is this one. An issuer may give a new key an old name.
func (k Key) same(other Key) bool {
	if k.Algorithm != other.Algorithm {
		return false
	}
	switch public := k.Public.(type) {
	case *ecdsa.PublicKey:
		o, ok := other.Public.(*ecdsa.PublicKey)
		return ok && (o == public || public.Equal(o))
	case *rsa.PublicKey:
		o, ok := other.Public.(*rsa.PublicKey)
		return ok && (o == public || public.Equal(o))
	case ed25519.PublicKey:
		o, ok := other.Public.(ed25519.PublicKey)
		return ok && bytes.Equal(o, public)
	}
	return false
}
