package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"time"
)

const (
	idTime   = 9 // characters of microseconds since 1970: until the year 2398
	idRandom = 7
	idLen    = idTime + idRandom
)

// New makes a secret of 256 random bits: prefix, underscore, 43 characters, 6 of checksum.
func New(prefix string) string {
	var room [96]byte
	b := append(room[:0], prefix...)
	b = append(b, '_')
	b = appendRandom(b, bodyLen)
	return string(appendCheck(b))
}

// Intact reports whether text has the shape of a secret of New and an undamaged checksum. It says nothing about whether anybody
// ever made it: it only saves the look-up of a typing error, and tells a secret of ours from an imported one.
func Intact(text, prefix string) bool {
	return checked(text, prefix, bodyLen)
}

// NewID makes a look-up id of 16 characters whose byte order is the order of time, so that rows made together lie together.
// It is unique, and public: 42 of its bits are random, which is no secret.
func NewID(now time.Time) string {
	var room [idLen]byte
	return string(appendRandom(appendTime(room[:0], now), idRandom))
}

func appendTime(dst []byte, now time.Time) []byte {
	return appendNumber(dst, uint64(max(0, now.UnixMicro())), idTime)
}

// NewToken makes an opaque token and the id its row is kept under. The token is prefix, underscore, the id, 256 random bits and a
// checksum; of the whole text only Digest is to be kept.
func NewToken(prefix string, now time.Time) (text, id string) {
	var room [96]byte
	b := append(room[:0], prefix...)
	b = append(b, '_')
	b = appendRandom(appendTime(b, now), idRandom+bodyLen)
	text = string(appendCheck(b))
	// A copy: a substring kept as a key would keep the token's text in memory for as long.
	return text, strings.Clone(text[len(prefix)+1:][:idLen])
}

// ParseToken returns the id inside an opaque token whose shape and checksum are right. Whether the token is genuine only its
// row's digest can say. The id shares memory with text: clone it before keeping it.
func ParseToken(text, prefix string) (id string, ok bool) {
	if !checked(text, prefix, idLen+bodyLen) {
		return "", false
	}
	return text[len(prefix)+1:][:idLen], true
}

// UUID makes a random UUID (RFC 9562, section 5.4): 122 random bits. For a token that is kept there is UUIDs.
func UUID() string {
	var u [16]byte
	rand.Read(u[:])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return spellUUID(u)
}

// Nonce returns 256 random bits.
func Nonce() (n [32]byte) {
	rand.Read(n[:])
	return n
}

// Digest returns what is kept of a token: the SHA-256 of its whole text (RFC 6819, section 5.1.4.1.3). It is enough because the
// text holds 256 random bits (122 in a UUID); it would not be for anything a person chose.
func Digest(text string) [32]byte {
	var room [128]byte // keeps a token's bytes off the heap
	return sha256.Sum256(append(room[:0], text...))
}

// Matches reports whether digest is the Digest of text, in a time that does not depend on where they differ.
func Matches(digest []byte, text string) bool {
	have := Digest(text)
	return subtle.ConstantTimeCompare(digest, have[:]) == 1
}
