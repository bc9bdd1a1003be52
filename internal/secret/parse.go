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
	formArgon
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
	if _, err := parse(s); err != nil {
		return "", fmt.Errorf("%w: %w", ErrHash, err)
	}
	return Hash(s), nil
}

func parse(s string) (recipe, error) {
	switch {
	case strings.HasPrefix(s, digestMark):
		return parseDigest(s[len(digestMark):])
	case strings.HasPrefix(s, "$2"):
		return parseBcrypt(s)
	case strings.HasPrefix(s, "$argon2id$"):
		return parseArgon(s[len("$argon2id$"):])
	case strings.HasPrefix(s, "pbkdf2-sha256$"):
		return parsePBKDF2(formPBKDF2SHA256, 32, s[len("pbkdf2-sha256$"):])
	case strings.HasPrefix(s, "pbkdf2-sha512$"):
		return parsePBKDF2(formPBKDF2SHA512, 64, s[len("pbkdf2-sha512$"):])
	}
	return recipe{}, errors.New("want sha256$, $2a$, $2b$, $2y$, pbkdf2-sha256$, pbkdf2-sha512$ or $argon2id$ at the start")
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

func parseArgon(s string) (recipe, error) {
	part := strings.Split(s, "$")
	if len(part) != 4 || part[0] != "v=19" {
		return recipe{}, errors.New("argon2id: want v=19$m=…,t=…,p=…$salt$key")
	}
	r := recipe{form: formArgon}
	setting := strings.Split(part[1], ",")
	if len(setting) != 3 {
		return recipe{}, errors.New("argon2id: want m=…,t=…,p=…")
	}
	var value [3]uint32
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(setting[i], name)
		n, err := decimal(digits, 6)
		if !ok || err != nil || n == 0 {
			return recipe{}, errors.New("argon2id: want m=…,t=…,p=… with whole numbers")
		}
		value[i] = n
	}
	if value[2] > maxArgonLanes || value[0] < 8*value[2] || value[0] > maxArgonMemory || uint64(value[0])*uint64(value[1]) > maxArgonWork {
		return recipe{}, fmt.Errorf("argon2id: want p up to %d, m from 8p to %d and m times t up to %d", maxArgonLanes, maxArgonMemory, maxArgonWork)
	}
	r.memory, r.rounds, r.lanes = value[0], value[1], uint8(value[2])
	var err error
	if r.salt, r.key, err = saltAndKey(part[2], part[3], 64); err != nil {
		return recipe{}, fmt.Errorf("argon2id: %w", err)
	}
	return r, nil
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
