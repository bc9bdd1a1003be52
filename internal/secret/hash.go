package secret

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
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
	"golang.org/x/crypto/scrypt"
	"golang.org/x/text/unicode/norm"
)

// Hash is what is kept of a secret, in one of these forms:
//
//	sha256$<64 hex>                                    secrets too random to be guessed
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>        passwords (RFC 9106); base64 without padding
//	$2a$10$… $2b$… $2y$…                               imported: bcrypt
//	bcrypt-sha256-hex$$2b$… -b64$… -mac$…              imported: bcrypt of a digest, as Django and passlib (two ways) make it
//	pbkdf2-sha256$<iterations>$<salt>$<key>            imported: PBKDF2 (RFC 8018), also pbkdf2-sha512, -sha1; base64, padded or not
//	$argon2i$… $scrypt$ln=…,r=…,p=…$<salt>$<key>       imported (RFC 9106, RFC 7914)
//
// What other systems spell differently ParseHash says in one of these (foreign.go).
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
	digestMark  = "sha256$"
	digestBytes = sha256.Size
	digestLen   = len(digestMark) + 2*digestBytes
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

// HashPassword hashes what a person chose, in composed form (NFC): keyboards differ in how they spell an é, and people do not see it (NIST SP
// 800-63B-4, section 3.1.1.2). It takes about 45 ms of a core and 19 MiB: run it in a limit.Lane.
func HashPassword(text string) Hash {
	text = norm.NFC.String(text)
	salt := make([]byte, saltLen)
	rand.Read(salt)
	key := argon2.IDKey([]byte(text), salt, argonTime, argonMemory, argonLanes, keyLen)
	b64 := base64.RawStdEncoding.EncodeToString
	return Hash(passwordMark + b64(salt) + "$" + b64(key))
}

// passwordMark begins every hash of HashPassword.
const passwordMark = "$argon2id$v=19$m=19456,t=2,p=1$"

// MatchesPassword is Matches for what a person chose and types on whatever keyboard there is: composed, as it came, or decomposed, since what was
// hashed elsewhere, or here before, was hashed as it came. How often it hashes depends on what was typed alone, and is once for ASCII. renew says
// that HashPassword would keep it better.
func (h Hash) MatchesPassword(typed string) (right, renew bool) {
	composed := norm.NFC.String(typed)
	tried := map[string]bool{}
	for _, form := range []string{composed, typed, norm.NFD.String(typed)} {
		if tried[form] {
			continue
		}
		tried[form] = true
		if h.Matches(form) {
			return true, form != composed || !strings.HasPrefix(string(h), passwordMark)
		}
	}
	return false, false
}

// Ours reports whether h costs what a password's hash of ours costs to check.
func (h Hash) Ours() bool { return strings.HasPrefix(string(h), passwordMark) }

// Slow reports whether a check of h is expensive on purpose and belongs in a limit.Lane.
func (h Hash) Slow() bool { return !strings.HasPrefix(string(h), digestMark) }

// Cost names what a check of h costs: two with the same Cost take as long. It has nothing of salt or key in it.
func (h Hash) Cost() string {
	end := 2 // fields that are salt and key
	if strings.HasPrefix(string(h), "$2") || strings.HasPrefix(string(h), "bcrypt-") {
		end = 1 // bcrypt writes them as one
	}
	fields := strings.Split(string(h), "$")
	return strings.Join(fields[:max(0, len(fields)-end)], "$")
}

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
		return bcryptMatches(string(h), plain)
	case formArgonI:
		got := argon2.Key([]byte(plain), r.salt, r.rounds, r.memory, r.lanes, uint32(len(r.key)))
		return subtle.ConstantTimeCompare(got, r.key) == 1
	case formScrypt:
		got, err := scrypt.Key([]byte(plain), r.salt, int(r.rounds), int(r.memory), int(r.lanes), len(r.key))
		return err == nil && hmac.Equal(got, r.key)
	case formPBKDF2SHA1:
		return pbkdf2Matches(sha1.New, plain, r)
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

// bcryptMatches compares what bcrypt was given when the hash was made: the password, or a digest of it.
func bcryptMatches(h, plain string) bool {
	digest := sha256.Sum256([]byte(plain))
	if of, ok := strings.CutPrefix(h, hexBcryptMark); ok {
		return bareBcryptMatches([]byte(of), []byte(hex.EncodeToString(digest[:])))
	}
	if of, ok := strings.CutPrefix(h, plainBcryptMark); ok {
		return bareBcryptMatches([]byte(of), []byte(base64.StdEncoding.EncodeToString(digest[:])))
	}
	if of, ok := strings.CutPrefix(h, keyedBcryptMark); ok {
		mac := hmac.New(sha256.New, []byte(of[bcryptHead:bcryptHead+bcryptSalt]))
		mac.Write([]byte(plain))
		return bareBcryptMatches([]byte(of), []byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))))
	}
	return bareBcryptMatches([]byte(h), []byte(plain))
}

// Of a bcrypt hash: $2b$10$ and 22 characters of salt.
const bcryptHead, bcryptSalt = 7, 22

// bareBcryptMatches refuses more than 72 bytes: bcrypt does not look at the rest, and Go's comparison lets it pass. It computes all
// the same, so that a long guess is not answered sooner than a short one.
func bareBcryptMatches(h, plain []byte) bool {
	const limit = 72
	right := bcrypt.CompareHashAndPassword(h, plain[:min(limit, len(plain))]) == nil
	return right && len(plain) <= limit
}

func pbkdf2Matches[H hash.Hash](h func() H, plain string, r recipe) bool {
	got, err := pbkdf2.Key(h, plain, r.salt, int(r.rounds), len(r.key))
	return err == nil && hmac.Equal(got, r.key)
}
