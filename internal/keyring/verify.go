package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
)

// ErrSignature says that a text is not a token signed with one of the tenant's keys.
var ErrSignature = errors.New("not signed with a key of this tenant")

// maxToken bounds what is looked at.
const maxToken = 16 << 10

// Verify returns the claims of a token that one of the tenant's own keys has signed, and the key. Who issued it, to whom and until
// when is in the claims and for the caller to check.
//
// A token's header is compared with the headers this package writes and is never parsed: an algorithm, a key, a critical extension
// or a type that a stranger put there has nothing to speak to (RFC 8725, sections 3.1 and 3.10).
func (k *Keyring) Verify(tenant, token string) (claims []byte, key Public, err error) {
	r, err := k.ring(tenant)
	if err != nil {
		return nil, Public{}, err
	}
	if len(token) > maxToken {
		return nil, Public{}, ErrSignature
	}
	head, rest, _ := strings.Cut(token, ".")
	payload, sig, ok := strings.Cut(rest, ".")
	if !ok {
		return nil, Public{}, ErrSignature
	}
	s := r.live(k.now())
	for i, h := range s.headers {
		if h != head {
			continue
		}
		if !verify(s.keys[i].Key, token[:len(head)+1+len(payload)], sig) {
			return nil, Public{}, ErrSignature
		}
		claims, err := base64.RawURLEncoding.Strict().DecodeString(payload)
		if err != nil {
			return nil, Public{}, ErrSignature
		}
		return claims, s.keys[i], nil
	}
	return nil, Public{}, ErrSignature
}

func verify(pub crypto.PublicKey, signed, signature string) bool {
	b64 := base64.RawURLEncoding.Strict()
	sig, err := b64.DecodeString(signature)
	// The decoder passes over line ends, and no token has two spellings.
	if err != nil || len(signature) != b64.EncodedLen(len(sig)) {
		return false
	}
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		if len(sig) != 64 {
			return false
		}
		digest := sha256.Sum256([]byte(signed))
		return ecdsa.Verify(pub, digest[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	case ed25519.PublicKey:
		return ed25519.Verify(pub, []byte(signed), sig)
	case *rsa.PublicKey:
		digest := sha256.Sum256([]byte(signed))
		return rsa.VerifyPKCS1v15(pub, crypto.SHA256, digest[:], sig) == nil
	}
	return false
}
