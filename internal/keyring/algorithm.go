package keyring

import (
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
	"fmt"
	"math/big"
)

// Algorithm is a signature algorithm by its name in RFC 7518, section 3.1, or RFC 8037, section 3.1.
type Algorithm string

// The algorithms there are: P-256, Ed25519, and RSA of 2048 bits for those who cannot check the others. An RSA signature costs
// about 30 times as much as the others.
const (
	ES256 Algorithm = "ES256"
	EdDSA Algorithm = "EdDSA"
	RS256 Algorithm = "RS256"
)

const rsaBits = 2048

func (a Algorithm) check() error {
	switch a {
	case ES256, EdDSA, RS256:
		return nil
	}
	return fmt.Errorf("unknown signature algorithm %q: want ES256, EdDSA or RS256", string(a))
}

func (a Algorithm) generate() (crypto.Signer, error) {
	switch a {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case RS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	}
	return nil, a.check()
}

// fits reports whether pub is a key for a and for nothing else.
func (a Algorithm) fits(pub crypto.PublicKey) bool {
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		return a == ES256 && pub.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return a == EdDSA && len(pub) == ed25519.PublicKeySize
	case *rsa.PublicKey:
		return a == RS256 && pub.N.BitLen() >= rsaBits
	}
	return false
}

// jwk is a public key as it is published (RFC 7517, section 4). There is no field that could hold anything private.
type jwk struct {
	Type      string    `json:"kty"`
	Use       string    `json:"use"`
	Algorithm Algorithm `json:"alg"`
	ID        string    `json:"kid"`
	Curve     string    `json:"crv,omitempty"`
	X         string    `json:"x,omitempty"`
	Y         string    `json:"y,omitempty"`
	N         string    `json:"n,omitempty"`
	E         string    `json:"e,omitempty"`
}

func newJWK(pub crypto.PublicKey) (jwk, error) {
	b64 := base64.RawURLEncoding.EncodeToString
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		if pub.Curve != elliptic.P256() {
			return jwk{}, errors.New("public key is not one of P-256")
		}
		point, err := pub.Bytes() // 4, x, y
		if err != nil {
			return jwk{}, fmt.Errorf("public key is not a point of P-256: %w", err)
		}
		return jwk{Type: "EC", Curve: "P-256", X: b64(point[1:33]), Y: b64(point[33:])}, nil
	case ed25519.PublicKey:
		return jwk{Type: "OKP", Curve: "Ed25519", X: b64(pub)}, nil
	case *rsa.PublicKey:
		return jwk{Type: "RSA", N: b64(pub.N.Bytes()), E: b64(big.NewInt(int64(pub.E)).Bytes())}, nil
	}
	return jwk{}, fmt.Errorf("public key of unknown type %T", pub)
}

// thumbprint is the key's id: the SHA-256 of its required members in the one order and spelling of RFC 7638, section 3.
func thumbprint(pub crypto.PublicKey) (string, error) {
	j, err := newJWK(pub)
	if err != nil {
		return "", err
	}
	required := map[string]string{"kty": j.Type, "crv": j.Curve, "x": j.X, "y": j.Y, "n": j.N, "e": j.E}
	for name, value := range required {
		if value == "" {
			delete(required, name)
		}
	}
	text, err := json.Marshal(required) // sorted by name, no white space
	if err != nil {
		return "", fmt.Errorf("spelling a public key: %w", err)
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}
