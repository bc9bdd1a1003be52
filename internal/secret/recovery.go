package secret

import (
	"crypto/rand"
	"strings"
)

// The digits of recovery codes: Crockford's base32, which leaves out the letters that are read as digits.
const (
	recoveryDigits = "0123456789abcdefghjkmnpqrstvwxyz"
	recoveryLen    = 24 // 120 bits: 112 are enough for a plain digest to be kept (NIST SP 800-63B-4, section 3.1.2.2)
	recoveryGroup  = 4
)

// NewRecoveryCode makes a code that its owner writes down and that is good once in the place of a one-time code: six groups of four
// with hyphens between. Keep the Digest of what RecoveryCode makes of it.
func NewRecoveryCode() string {
	var draw [recoveryLen]byte
	rand.Read(draw[:])
	var b strings.Builder
	for i, d := range draw {
		if i > 0 && i%recoveryGroup == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(recoveryDigits[d%32]) // 256 is a multiple of 32: each digit is equally likely
	}
	return b.String()
}

// RecoveryCode returns the one spelling of a typed recovery code: no hyphens and spaces, small letters, o read as 0, i and l as 1. ok
// says whether the text has the shape of one; whether it is genuine only a digest can say.
func RecoveryCode(typed string) (code string, ok bool) {
	const longest = 4 * recoveryLen // with spaces and hyphens wherever they help to read
	if len(typed) > longest {
		return "", false
	}
	b := make([]byte, 0, recoveryLen)
	for i := range len(typed) {
		c := typed[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		switch c {
		case '-', ' ':
			continue
		case 'o':
			c = '0'
		case 'i', 'l':
			c = '1'
		}
		if strings.IndexByte(recoveryDigits, c) < 0 || len(b) == recoveryLen {
			return "", false
		}
		b = append(b, c)
	}
	return string(b), len(b) == recoveryLen
}
