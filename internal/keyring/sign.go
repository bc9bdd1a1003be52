package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/tokenbooth/tokenbooth/revocation"
)

// signer is the active key: at most one of the three is there.
type signer struct {
	header string // of access tokens
	lists  string // the header of what SignAs signs
	ec     *ecdsa.PrivateKey
	ed     ed25519.PrivateKey
	rsa    *rsa.PrivateKey
}

func newSigner(p Public, private crypto.Signer) (signer, error) {
	s := signer{header: header(p, accessToken), lists: header(p, revocation.Type)}
	switch key := private.(type) {
	case *ecdsa.PrivateKey:
		s.ec = key
	case ed25519.PrivateKey:
		s.ed = key
	case *rsa.PrivateKey:
		s.rsa = key
	default:
		return signer{}, fmt.Errorf("private key of unknown type %T", private)
	}
	return s, nil
}

// Sign appends to dst a JWT of claims, a JSON object, signed with the tenant's active key (RFC 7515, section 3.1; RFC 9068,
// section 2). Claims and dst may not overlap.
func (k *Keyring) Sign(tenant string, dst, claims []byte) ([]byte, error) {
	r, err := k.ring(tenant)
	if err != nil {
		return nil, err
	}
	s := &r.current.Load().signer
	return s.sign(s.header, dst, claims)
}

// SignAs returns a JWT of claims with another type than an access token's (RFC 8725, section 3.11). There is one: revocation.Type.
// Verify refuses it.
func (k *Keyring) SignAs(tenant, typ string, claims []byte) ([]byte, error) {
	r, err := k.ring(tenant)
	if err != nil {
		return nil, err
	}
	if typ != revocation.Type {
		return nil, fmt.Errorf("signing for tenant %q: nothing of type %q is signed", tenant, typ)
	}
	s := &r.current.Load().signer
	return s.sign(s.lists, nil, claims)
}

// longestSignature is that of RSA in base64.
const longestSignature = (rsaBits/8*8 + 5) / 6

func (s *signer) sign(header string, dst, claims []byte) ([]byte, error) {
	b64 := base64.RawURLEncoding
	room := len(header) + 1 + b64.EncodedLen(len(claims)) + 1 + 86
	if s.rsa != nil {
		room += longestSignature - 86
	}
	dst = slices.Grow(dst, room)
	start := len(dst)
	dst = append(append(dst, header...), '.')
	dst = b64.AppendEncode(dst, claims)
	signed := dst[start:]
	dst = append(dst, '.')
	switch {
	case s.ec != nil:
		digest := sha256.Sum256(signed)
		der, err := ecdsa.SignASN1(rand.Reader, s.ec, digest[:])
		if err != nil {
			return nil, fmt.Errorf("signing: %w", err)
		}
		raw, err := rawSignature(der)
		if err != nil {
			return nil, fmt.Errorf("signing: %w", err)
		}
		return b64.AppendEncode(dst, raw[:]), nil
	case s.ed != nil:
		return b64.AppendEncode(dst, ed25519.Sign(s.ed, signed)), nil
	default:
		digest := sha256.Sum256(signed)
		sig, err := rsa.SignPKCS1v15(nil, s.rsa, crypto.SHA256, digest[:])
		if err != nil {
			return nil, fmt.Errorf("signing: %w", err)
		}
		return b64.AppendEncode(dst, sig), nil
	}
}

// rawSignature turns the DER form of an ECDSA signature into r and s, 32 bytes each (RFC 7518, section 3.4). It does by hand what
// would otherwise cost a detour through big integers.
func rawSignature(der []byte) (raw [64]byte, err error) {
	bad := errors.New("not a DER signature of P-256")
	if len(der) < 2 || der[0] != 0x30 || int(der[1]) != len(der)-2 {
		return raw, bad
	}
	rest := der[2:]
	for i := range 2 {
		if len(rest) < 2 || rest[0] != 0x02 || rest[1] == 0 || int(rest[1]) > len(rest)-2 {
			return raw, bad
		}
		n := rest[2 : 2+rest[1]]
		rest = rest[2+len(n):]
		if n[0] == 0 {
			n = n[1:] // the sign
		}
		if len(n) > 32 {
			return raw, bad
		}
		copy(raw[32*(i+1)-len(n):], n)
	}
	if len(rest) != 0 {
		return raw, bad
	}
	return raw, nil
}
