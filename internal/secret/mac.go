package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
)

// MAC returns the HMAC-SHA256 (RFC 2104) of a message under a key that two parties share, for messages that leave the house. Compare it
// with MACMatches.
func MAC(key, message []byte) [32]byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	return [32]byte(mac.Sum(nil))
}

// MACMatches reports whether sum is the MAC of the message, in a time that does not depend on where the two differ.
func MACMatches(key, message, sum []byte) bool {
	want := MAC(key, message)
	return hmac.Equal(want[:], sum)
}

// Same reports whether two texts are the same, in a time that does not depend on where they differ.
func Same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
