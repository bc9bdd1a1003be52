package secret

import (
	"crypto/subtle"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
	"golang.org/x/text/unicode/norm"
)

const (
	totpStep   = 30 // seconds
	totpDigits = otp.DigitsSix
)

// NewTOTP makes the secret of one-time codes (RFC 6238) for an account, and the otpauth URL an authenticator app reads it from.
// Both are to be shown once and the secret kept sealed.
func NewTOTP(issuer, account string) (secret, url string, err error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: account, Period: totpStep, Digits: totpDigits})
	if err != nil {
		return "", "", fmt.Errorf("making a one-time code secret: %w", err)
	}
	return key.Secret(), key.URL(), nil
}

// digitsOf returns a typed code as it was meant: apps show "123 456", some keyboards have digits of their own, and clipboards bring along what
// nobody sees.
func digitsOf(typed string) string {
	if len(typed) > 64 {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r == '-' || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, norm.NFKC.String(typed))
}

// CheckTOTP reports whether code is the one of now, or of the step before or after, and newer than lastStep. The step it returns
// must be kept, with compare-and-swap, and given as lastStep next time: a code is good once (RFC 6238, section 5.2).
func CheckTOTP(secret, code string, now time.Time, lastStep int64) (step int64, ok bool) {
	code = digitsOf(code)
	current := now.Unix() / totpStep
	for s := current - 1; s <= current+1; s++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(s), hotp.ValidateOpts{Digits: totpDigits})
		if err != nil {
			return 0, false
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && s > lastStep {
			return s, true
		}
	}
	return 0, false
}
