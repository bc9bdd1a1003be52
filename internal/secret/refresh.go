package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"math"
)

const (
	refreshPrefix = "tbr"
	seqLen        = 6
)

// NewRefresh spells the refresh token of generation seq in a family, an id of NewID:
//
//	tbr_ family(16) seq(6) proof(43) checksum(6)
//	proof = base62(HMAC-SHA256(key, family, seq, nonce))
//
// The same arguments give the same text, so a client that lost an answer can be given it again although nothing of the text is
// kept. Key is the server's, nonce the family's own 256 bits: without both, no generation can be foreseen.
func NewRefresh(key, nonce []byte, family string, seq uint32) string {
	var room [128]byte
	return string(appendRefresh(room[:0], key, nonce, family, seq))
}

func appendRefresh(dst, key, nonce []byte, family string, seq uint32) []byte {
	mac := hmac.New(sha256.New, key)
	// Each part goes in after its length, so that no two lists of parts look alike.
	var word [128]byte
	msg := append(word[:0], "tokenbooth refresh 1"...)
	msg = binary.BigEndian.AppendUint32(msg, uint32(len(family)))
	msg = append(msg, family...)
	msg = binary.BigEndian.AppendUint32(msg, seq)
	msg = binary.BigEndian.AppendUint32(msg, uint32(len(nonce)))
	mac.Write(append(msg, nonce...))
	var sum [32]byte
	mac.Sum(sum[:0])

	dst = append(dst, refreshPrefix...)
	dst = append(dst, '_')
	dst = append(dst, family...)
	dst = appendNumber(dst, uint64(seq), seqLen)
	return appendCheck(appendWide(dst, sum))
}

// ParseRefresh reads the family and generation a refresh token claims. Its shape and checksum are right; whether it is genuine
// CheckRefresh says. The family shares memory with text: clone it before keeping it.
func ParseRefresh(text string) (family string, seq uint32, ok bool) {
	if !checked(text, refreshPrefix, idLen+seqLen+bodyLen) {
		return "", 0, false
	}
	text = text[len(refreshPrefix)+1:]
	n, _ := number(text[idLen : idLen+seqLen])
	if n > math.MaxUint32 {
		return "", 0, false
	}
	return text[:idLen], uint32(n), true
}

// CheckRefresh reports whether text is, to the last character, the refresh token of generation seq in family, in a time that does
// not depend on where they differ.
func CheckRefresh(key, nonce []byte, family string, seq uint32, text string) bool {
	var room [128]byte
	return subtle.ConstantTimeCompare(appendRefresh(room[:0], key, nonce, family, seq), []byte(text)) == 1
}
