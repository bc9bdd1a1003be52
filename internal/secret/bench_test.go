package secret

import (
	"testing"
)

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New("tbs")
	}
}

func BenchmarkNewID(b *testing.B) {
	for b.Loop() {
		NewID(noon)
	}
}

func BenchmarkNewToken(b *testing.B) {
	for b.Loop() {
		NewToken("tba", noon)
	}
}

func BenchmarkParseToken(b *testing.B) {
	text, _ := NewToken("tba", noon)
	for b.Loop() {
		ParseToken(text, "tba")
	}
}

func BenchmarkNewRefresh(b *testing.B) {
	key, nonce, family := make([]byte, 32), make([]byte, 32), NewID(noon)
	for b.Loop() {
		NewRefresh(key, nonce, family, 7)
	}
}

func BenchmarkUUID(b *testing.B) {
	for b.Loop() {
		UUID()
	}
}

func BenchmarkMatches(b *testing.B) {
	text, _ := NewToken("tba", noon)
	d := Digest(text)
	for b.Loop() {
		Matches(d[:], text)
	}
}

func BenchmarkHashSecretMatches(b *testing.B) {
	text := New("tbs")
	h := HashSecret(text)
	for b.Loop() {
		h.Matches(text)
	}
}

func BenchmarkHashPassword(b *testing.B) {
	for b.Loop() {
		HashPassword("correct horse battery staple")
	}
}
