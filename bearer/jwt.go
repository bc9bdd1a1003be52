package bearer

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
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

// accessToken is the typ of an access token (RFC 9068, section 2.1).
const accessToken = "at+jwt"

// readJWT reads what an access token claims, once its signature is checked.
func (v *Verifier) readJWT(ctx context.Context, text string) (*Token, Key, error) {
	claims, key, err := openJWS(text, accessToken, func(kid string) (Key, error) { return v.key(ctx, kid) })
	if err != nil {
		return nil, Key{}, err
	}
	t, err := readClaims(claims)
	if err != nil {
		return nil, Key{}, err
	}
	t.KeyID = key.ID
	return t, key, nil
}

// key finds a key of the issuer. One that was withdrawn is refused before anything that it signed is looked at.
func (v *Verifier) key(ctx context.Context, kid string) (Key, error) {
	if set := v.o.Revocations; set != nil && set.Has(revocation.NameOf(revocation.Key, kid)) {
		return Key{}, refused(oauth.WithdrawnKey, "revoked: the key %.64q that signed it was withdrawn", kid)
	}
	key, ok := v.o.Keys(kid)
	switch {
	case ok && key.Public != nil:
		return key, nil
	case v.o.remote != nil:
		return v.o.remote.missing(ctx, kid)
	}
	return Key{}, refused(oauth.UnknownKey, "header: the issuer has no key %q", oauth.Unproven(kid))
}

// openJWS checks form, key and signature of a compact JWS, in this order, and only then returns what was signed: nobody is told that a
// forged token has expired. typ is the kind it must be of (RFC 8725, section 3.11).
func openJWS(text, typ string, find func(kid string) (Key, error)) (payload string, key Key, err error) {
	head, body, signature, ok := segments(text)
	if !ok {
		return "", Key{}, refused(oauth.NoJWT, "not three segments")
	}
	if key, err = keyFor(head, typ, find); err != nil {
		return "", Key{}, err
	}
	sig, ok := decode(signature)
	if !ok {
		return "", Key{}, refused(oauth.NoJWT, "the signature is not base64url")
	}
	if !key.verifies([]byte(text[:len(head)+1+len(body)]), sig) {
		return "", Key{}, refused(oauth.WrongSignature, "the signature of key %.64q does not match", key.ID)
	}
	raw, ok := decode(body)
	if !ok {
		return "", Key{}, refused(oauth.NoJWT, "the payload is not base64url")
	}
	return string(raw), key, nil
}

// Words of headers that may be written down; any other is a caller's own.
var (
	types      = []string{"JWT", "at+jwt", "application/at+jwt", "dpop+jwt", "secevent+jwt", "logout+jwt", "token-introspection+jwt"}
	algorithms = []string{"none", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)

// keyFor reads the header and finds the key. Keys and links to keys inside the token (jwk, jku, x5u, x5c) are not even looked at
// (RFC 8725, section 3.10).
func keyFor(head, typ string, find func(kid string) (Key, error)) (Key, error) {
	raw, ok := decode(head)
	if !ok {
		return Key{}, refused(oauth.NoJWT, "the header is not base64url")
	}
	h, problem := readHeader(string(raw))
	if problem != "" {
		return Key{}, refused(oauth.TokenHeader, "header: %s", problem)
	}
	switch {
	case h.critical: // RFC 7515, section 4.1.11: we understand no extension
		return Key{}, refused(oauth.TokenHeader, "header: crit names extensions")
	case !strings.EqualFold(h.typ, typ) && !strings.EqualFold(h.typ, "application/"+typ): // RFC 7515, section 4.1.9; RFC 9068, section 4
		return Key{}, refused(oauth.TokenHeader, "header: typ %q is not %s", oauth.Unproven(h.typ).AmongWords(types...), typ)
	case h.kid == "":
		return Key{}, refused(oauth.TokenHeader, "header: there is no kid")
	}
	key, err := find(h.kid)
	switch {
	case err != nil:
		return Key{}, err
	case h.alg != key.Algorithm: // RFC 8725, section 3.1: the key decides
		return Key{}, refused(oauth.TokenHeader, "header: alg %q is not that of key %.64q", oauth.Unproven(h.alg).AmongWords(algorithms...), h.kid)
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
