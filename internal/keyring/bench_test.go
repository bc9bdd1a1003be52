package keyring

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"
)

func benchmarkSign(b *testing.B, a Algorithm) {
	d := newDesk(b)
	k := d.open(b, Tenant{Name: "acme", Algorithm: a})
	claims := []byte(`{"iss":"https://acme.tokenbooth.example","sub":"0kf3Zr9bTq81XyA2","aud":"https://api.example","exp":1795348800,"iat":1795347900,"jti":"0kf3Zr9bTq81XyA3","client_id":"0kf3Zr9bTq81XyA2","scope":"service:integration"}`)
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		buf := bytes.Clone(buf[:cap(buf)])[:0]
		for pb.Next() {
			if _, err := k.Sign("acme", buf, claims); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSignES256(b *testing.B) { benchmarkSign(b, ES256) }
func BenchmarkSignEdDSA(b *testing.B) { benchmarkSign(b, EdDSA) }
func BenchmarkSignRS256(b *testing.B) { benchmarkSign(b, RS256) }

func BenchmarkVerifyES256(b *testing.B) {
	d := newDesk(b)
	k := d.open(b, acme)
	token := sign(b, k, "acme")
	for b.Loop() {
		if !verifies(k, "acme", token) {
			b.Fatal("refused")
		}
	}
}

func BenchmarkJWKS(b *testing.B) {
	d := newDesk(b)
	k := d.open(b, acme)
	for b.Loop() {
		if _, _, err := k.JWKS("acme"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBareES256 is the floor: the standard library's signature and nothing else.
func BenchmarkBareES256(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		digest := make([]byte, 32)
		for pb.Next() {
			if _, err := ecdsa.SignASN1(rand.Reader, key, digest); err != nil {
				b.Fatal(err)
			}
		}
	})
}
