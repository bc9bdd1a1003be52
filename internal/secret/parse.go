package secret

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// What an imported hash may cost. Whoever can import a client must not be able to buy minutes of our processor with each request
// for its token.
const (
	maxBcryptCost  = 14        // about 1 s
	maxIterations  = 2_000_000 // about 0.5 s
	maxArgonMemory = 65536     // KiB
	maxArgonWork   = 4 * 65536 // KiB times passes, about 0.3 s
	maxArgonLanes  = 8
	maxScryptKiB   = 65536     // 128 bytes times N times r
	maxScryptWork  = 2 * 65536 // the same, times p: about 0.4 s
	minSalt        = 8
	maxSalt        = 64
	minKey         = 16
)

type form int

const (
	formDigest form = iota
	formBcrypt
	formPBKDF2SHA256
	formPBKDF2SHA512
	formPBKDF2SHA1
	formArgon
	formArgonI
	formScrypt
)

// How hashes begin in which bcrypt sees not the password but a digest of it: hexadecimal (Django), in base64 (passlib, first version), and in
// base64 under the salt as key (second).
const (
	hexBcryptMark   = "bcrypt-sha256-hex$"
	plainBcryptMark = "bcrypt-sha256-b64$"
	keyedBcryptMark = "bcrypt-sha256-mac$"
)

// recipe is a Hash taken apart.
type recipe struct {
	form   form
	rounds uint32 // iterations, passes
	memory uint32 // KiB
	lanes  uint8
	salt   []byte
	key    []byte
}

// ErrHash marks a text that is no hash we can check, or one that would cost too much to check.
var ErrHash = errors.New("not a usable hash")

// ParseHash accepts a stored or imported hash. What it refuses it explains, without repeating any of it.
func ParseHash(s string) (Hash, error) {
	ours, err := translated(s)
	if err == nil {
		_, err = parse(ours)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrHash, err)
	}
	return Hash(ours), nil
}

func parse(s string) (recipe, error) {
	switch {
	case strings.HasPrefix(s, digestMark):
		return parseDigest(s[len(digestMark):])
	case strings.HasPrefix(s, "$2"):
		return parseBcrypt(s)
	case strings.HasPrefix(s, hexBcryptMark), strings.HasPrefix(s, plainBcryptMark), strings.HasPrefix(s, keyedBcryptMark):
		return parseBcrypt(s[len(hexBcryptMark):])
	case strings.HasPrefix(s, "$argon2id$"):
		return parseArgon(formArgon, s[len("$argon2id$"):])
	case strings.HasPrefix(s, "$argon2i$"):
		return parseArgon(formArgonI, s[len("$argon2i$"):])
	case strings.HasPrefix(s, "$scrypt$"):
		return parseScrypt(s[len("$scrypt$"):])
	case strings.HasPrefix(s, "pbkdf2-sha1$"):
		return parsePBKDF2(formPBKDF2SHA1, 32, s[len("pbkdf2-sha1$"):])
	case strings.HasPrefix(s, "pbkdf2-sha256$"):
		return parsePBKDF2(formPBKDF2SHA256, 32, s[len("pbkdf2-sha256$"):])
	case strings.HasPrefix(s, "pbkdf2-sha512$"):
		return parsePBKDF2(formPBKDF2SHA512, 64, s[len("pbkdf2-sha512$"):])
	}
	return recipe{}, errors.New("its kind is not known; want SHA-256 (sha256$…), bcrypt, PBKDF2, scrypt or Argon2 in the form of PHC, passlib, Django, Werkzeug or ASP.NET Identity")
}

func parseDigest(s string) (recipe, error) {
	if len(s) != 64 || strings.Trim(s, "0123456789abcdef") != "" {
		return recipe{}, errors.New("sha256: want 64 lower-case hexadecimal digits")
	}
	return recipe{form: formDigest}, nil
}

func parseBcrypt(s string) (recipe, error) {
	const letters = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	if len(s) != 60 || !strings.Contains("aby", s[2:3]) || s[3] != '$' || s[6] != '$' || strings.Trim(s[7:], letters) != "" {
		return recipe{}, errors.New("bcrypt: want $2a$, $2b$ or $2y$, two digits of cost, $ and 53 characters")
	}
	cost, err := decimal(s[4:6], 2)
	if err != nil || int(cost) < bcrypt.MinCost || cost > maxBcryptCost {
		return recipe{}, fmt.Errorf("bcrypt: want a cost of %02d to %d", bcrypt.MinCost, maxBcryptCost)
	}
	return recipe{form: formBcrypt, rounds: cost}, nil
}

func parsePBKDF2(f form, longest int, s string) (recipe, error) {
	part := strings.Split(s, "$")
	if len(part) != 3 {
		return recipe{}, errors.New("pbkdf2: want iterations$salt$key")
	}
	n, err := decimal(part[0], 7)
	if err != nil || n < 1 || n > maxIterations {
		return recipe{}, fmt.Errorf("pbkdf2: want 1 to %d iterations", maxIterations)
	}
	r := recipe{form: f, rounds: n}
	// A key longer than the hash would cost its owner nothing more to guess and us every block of it.
	if r.salt, r.key, err = saltAndKey(part[1], part[2], longest); err != nil {
		return recipe{}, fmt.Errorf("pbkdf2: %w", err)
	}
	return r, nil
}

func parseArgon(f form, s string) (recipe, error) {
	part := strings.Split(s, "$")
	if len(part) != 4 || part[0] != "v=19" {
		return recipe{}, errors.New("argon2: want v=19$m=…,t=…,p=…$salt$key")
	}
	value, err := settingsOf(part[1], "m=", "t=", "p=")
	if err != nil {
		return recipe{}, fmt.Errorf("argon2: %w", err)
	}
	if value[2] > maxArgonLanes || value[0] < 8*value[2] || value[0] > maxArgonMemory || uint64(value[0])*uint64(value[1]) > maxArgonWork {
		return recipe{}, fmt.Errorf("argon2: want p up to %d, m from 8p to %d and m times t up to %d", maxArgonLanes, maxArgonMemory, maxArgonWork)
	}
	r := recipe{form: f, memory: value[0], rounds: value[1], lanes: uint8(value[2])}
	if r.salt, r.key, err = saltAndKey(part[2], part[3], 64); err != nil {
		return recipe{}, fmt.Errorf("argon2: %w", err)
	}
	return r, nil
}

// settingsOf reads name=number, three times, in this order and with nothing between them but commas.
func settingsOf(s string, names ...string) (value [3]uint32, err error) {
	setting := strings.Split(s, ",")
	for i, name := range names {
		if len(setting) != len(names) || !strings.HasPrefix(setting[i], name) {
			return value, fmt.Errorf("want %s…", strings.Join(names, "…,"))
		}
		if value[i], err = decimal(setting[i][len(name):], 10); err != nil || value[i] == 0 {
			return value, fmt.Errorf("want %s… with whole numbers", strings.Join(names, "…,"))
		}
	}
	return value, nil
}

// parseScrypt reads the form of passlib: N is two to the power of ln (RFC 7914).
func parseScrypt(s string) (recipe, error) {
	part := strings.Split(s, "$")
	if len(part) != 3 {
		return recipe{}, errors.New("scrypt: want ln=…,r=…,p=…$salt$key")
	}
	value, err := settingsOf(part[0], "ln=", "r=", "p=")
	if err != nil {
		return recipe{}, fmt.Errorf("scrypt: %w", err)
	}
	ln, r, p := value[0], uint64(value[1]), uint64(value[2])
	if ln > 20 || r > 32 || p > 16 || r<<ln/8 > maxScryptKiB || r<<ln/8*p > maxScryptWork {
		return recipe{}, fmt.Errorf("scrypt: it would take too much to check; want 128 bytes times N times r to be %d KiB at most, and %d times p", maxScryptKiB, maxScryptWork)
	}
	out := recipe{form: formScrypt, rounds: 1 << ln, memory: uint32(r), lanes: uint8(p)}
	if out.salt, out.key, err = saltAndKey(part[1], part[2], 64); err != nil {
		return recipe{}, fmt.Errorf("scrypt: %w", err)
	}
	return out, nil
}

func saltAndKey(salt, key string, longest int) (s, k []byte, err error) {
	enc := base64.RawStdEncoding.Strict()
	s, errSalt := enc.DecodeString(strings.TrimRight(salt, "="))
	k, errKey := enc.DecodeString(strings.TrimRight(key, "="))
	switch {
	case errSalt != nil, len(s) < minSalt, len(s) > maxSalt:
		return nil, nil, fmt.Errorf("want a salt of %d to %d bytes in base64", minSalt, maxSalt)
	case errKey != nil, len(k) < minKey, len(k) > longest:
		return nil, nil, fmt.Errorf("want a key of %d to %d bytes in base64", minKey, longest)
	}
	return s, k, nil
}

// decimal reads up to longest digits, and nothing else: no sign, no underscore, no empty text.
func decimal(s string, longest int) (uint32, error) {
	if s == "" || len(s) > longest || strings.Trim(s, "0123456789") != "" {
		return 0, errors.New("want digits")
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}
