package secret

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"log/slog"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// Hash is what is kept of a secret, in one of these forms:
//
//	sha256$<64 hex>                                    secrets too random to be guessed
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>        passwords (RFC 9106); base64 without padding
//	$2a$10$… $2b$… $2y$…                               imported: bcrypt
//	pbkdf2-sha256$<iterations>$<salt>$<key>            imported: PBKDF2 (RFC 8018), also pbkdf2-sha512; base64, padded or not
//
// Only a Hash of this package or one that ParseHash let through may be kept: its cost is paid by every check.
type Hash string

// What a password of ours costs: OWASP's first recommendation for argon2id.
const (
	argonMemory = 19456 // KiB
	argonTime   = 2
	argonLanes  = 1
	saltLen     = 16
	keyLen      = 32
)

// DecoySecret and DecoyPassword match nothing and cost what a check of ours costs. Check the secret of an unknown client or user
// against them, or its absence shows in the time the answer takes.
const (
	DecoySecret   Hash = "sha256$0000000000000000000000000000000000000000000000000000000000000000"
	DecoyPassword Hash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

const (
	digestMark = "sha256$"
	digestLen  = len(digestMark) + 2*sha256.Size
)

// HashSecret hashes a secret of New. It is fast, and so wrong for anything a person chose.
func HashSecret(text string) Hash {
	var room [digestLen]byte
	return Hash(appendDigest(room[:0], text))
}

func appendDigest(dst []byte, text string) []byte {
	d := Digest(text)
	return hex.AppendEncode(append(dst, digestMark...), d[:])
}

// HashPassword hashes what a person chose, or a secret of unknown make. It takes about 45 ms of a core and 19 MiB: run it in a
// limit.Lane.
func HashPassword(text string) Hash {
	salt := make([]byte, saltLen)
	rand.Read(salt)
	key := argon2.IDKey([]byte(text), salt, argonTime, argonMemory, argonLanes, keyLen)
	b64 := base64.RawStdEncoding.EncodeToString
	return Hash("$argon2id$v=19$m=19456,t=2,p=1$" + b64(salt) + "$" + b64(key))
}

// Slow reports whether a check of h is expensive on purpose and belongs in a limit.Lane.
func (h Hash) Slow() bool { return !strings.HasPrefix(string(h), digestMark) }

// LogValue hides the hash from slog: an offline guesser could use it.
func (h Hash) LogValue() slog.Value { return slog.StringValue("***") }

// Matches reports whether plain, every byte of it, is what was hashed. A hash that ParseHash would refuse matches nothing.
func (h Hash) Matches(plain string) bool {
	if !h.Slow() {
		var room [digestLen]byte
		return subtle.ConstantTimeCompare([]byte(h), appendDigest(room[:0], plain)) == 1
	}
	r, err := parse(string(h))
	if err != nil {
		return false
	}
	switch r.form {
	case formBcrypt:
		return bcryptMatches([]byte(h), []byte(plain))
	case formArgon:
		got := argon2.IDKey([]byte(plain), r.salt, r.rounds, r.memory, r.lanes, uint32(len(r.key)))
		return subtle.ConstantTimeCompare(got, r.key) == 1
	case formPBKDF2SHA256:
		return pbkdf2Matches(sha256.New, plain, r)
	case formPBKDF2SHA512:
		return pbkdf2Matches(sha512.New, plain, r)
	}
	return false
}

// bcryptMatches refuses more than 72 bytes: bcrypt does not look at the rest, and Go's comparison lets it pass. It computes all
// the same, so that a long guess is not answered sooner than a short one.
func bcryptMatches(h, plain []byte) bool {
	const limit = 72
	right := bcrypt.CompareHashAndPassword(h, plain[:min(limit, len(plain))]) == nil
	return right && len(plain) <= limit
}

func pbkdf2Matches[H hash.Hash](h func() H, plain string, r recipe) bool {
	got, err := pbkdf2.Key(h, plain, r.salt, int(r.rounds), len(r.key))
	return err == nil && hmac.Equal(got, r.key)
}
