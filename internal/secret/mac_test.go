package secret

import (
	"encoding/hex"
	"testing"
)

// TestMACIsHMACSHA256: test case 2 of RFC 4231, section 4.3.
func TestMACIsHMACSHA256(t *testing.T) {
	key, message := []byte("Jefe"), []byte("what do ya want for nothing?")
	sum := MAC(key, message)
	if got := hex.EncodeToString(sum[:]); got != "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" {
		t.Errorf("got %s", got)
	}
	if !MACMatches(key, message, sum[:]) || MACMatches(key, message[1:], sum[:]) || MACMatches(key[1:], message, sum[:]) || MACMatches(key, message, sum[1:]) {
		t.Error("a wrong message, key or sum matches")
	}
}
