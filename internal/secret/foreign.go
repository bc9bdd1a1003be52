package secret

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// foreign are the spellings in which other systems keep hashes, by how they begin, and how each is said in ours. What they mean is bounded
// afterwards, as everything that ParseHash takes.
var foreign = []struct {
	begin string
	ours  func(rest string) (string, error)
}{
	{"pbkdf2_sha1$", djangoPBKDF2("sha1")}, // Django
	{"pbkdf2_sha256$", djangoPBKDF2("sha256")},
	{"pbkdf2_sha512$", djangoPBKDF2("sha512")},
	{"argon2$argon2", func(rest string) (string, error) { return "$argon2" + rest, nil }},
	{"bcrypt_sha256$$2", func(rest string) (string, error) { return hexBcryptMark + "$2" + rest, nil }},
	{"bcrypt$$2", func(rest string) (string, error) { return "$2" + rest, nil }},
	{"$pbkdf2-sha256$", passlibPBKDF2("sha256")}, // passlib
	{"$pbkdf2-sha512$", passlibPBKDF2("sha512")},
	{"$pbkdf2-sha1$", passlibPBKDF2("sha1")},
	{"$pbkdf2$", passlibPBKDF2("sha1")},
	{"$bcrypt-sha256$", passlibBcrypt},
	{"pbkdf2:", werkzeugPBKDF2}, // Werkzeug, Flask
	{"scrypt:", werkzeugScrypt},
	{"scrypt$", djangoScrypt},
	{"AQAAAA", identityV3}, // ASP.NET Core Identity: base64 of a 1 and of the first bytes of a small number
}

// translated returns a hash in the spelling of this package.
func translated(s string) (string, error) {
	if digits, ok := strings.CutPrefix(s, digestMark); ok {
		return digestOf(digits), nil
	}
	for _, f := range foreign {
		rest, ok := strings.CutPrefix(s, f.begin)
		if !ok {
			continue
		}
		if f.begin == "AQAAAA" {
			rest = s
		}
		return f.ours(rest)
	}
	return s, nil
}

// digestOf reads a SHA-256 in capitals or in base64; what is neither stays as it is, and is refused.
func digestOf(s string) string {
	if len(s) == 2*digestBytes {
		return digestMark + strings.ToLower(s)
	}
	if raw, err := anyBase64(s); err == nil && len(raw) == digestBytes {
		return digestMark + hex.EncodeToString(raw)
	}
	return digestMark + s
}

// anyBase64 decodes base64 of either alphabet, padded or not.
func anyBase64(s string) ([]byte, error) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	return base64.RawStdEncoding.Strict().DecodeString(s)
}

func inBase64(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

// djangoPBKDF2 reads iterations$salt$key: the salt is text, the key base64.
func djangoPBKDF2(hash string) func(string) (string, error) {
	return func(rest string) (string, error) {
		part := strings.Split(rest, "$")
		if len(part) != 3 {
			return "", errors.New("pbkdf2_" + hash + ": want iterations$salt$key")
		}
		return "pbkdf2-" + hash + "$" + part[0] + "$" + inBase64([]byte(part[1])) + "$" + part[2], nil
	}
}

// passlibPBKDF2 reads rounds$salt$key in a base64 that has a dot for the plus.
func passlibPBKDF2(hash string) func(string) (string, error) {
	return func(rest string) (string, error) {
		return "pbkdf2-" + hash + "$" + strings.ReplaceAll(rest, ".", "+"), nil
	}
}

// passlibBcrypt reads v=2,t=2b,r=12$salt$digest, and 2b,12$salt$digest of the first version.
func passlibBcrypt(rest string) (string, error) {
	part := strings.Split(rest, "$")
	if len(part) == 3 {
		setting, mark := strings.Split(part[0], ","), plainBcryptMark
		if len(setting) == 3 && setting[0] == "v=2" {
			mark, setting = keyedBcryptMark, []string{strings.TrimPrefix(setting[1], "t="), strings.TrimPrefix(setting[2], "r=")}
		}
		if len(setting) == 2 && len(part[1]) == bcryptSalt {
			if len(setting[1]) == 1 {
				setting[1] = "0" + setting[1]
			}
			return mark + "$" + setting[0] + "$" + setting[1] + "$" + part[1] + part[2], nil
		}
	}
	return "", errors.New("bcrypt-sha256: want v=2,t=2b,r=cost$salt$digest")
}

// werkzeugPBKDF2 reads hash:iterations$salt$key: the salt is text, the key hexadecimal.
func werkzeugPBKDF2(rest string) (string, error) {
	method, saltKey, _ := strings.Cut(rest, "$")
	hash, rounds, ok := strings.Cut(method, ":")
	salt, key, both := strings.Cut(saltKey, "$")
	raw, err := hex.DecodeString(key)
	if !ok || !both || err != nil {
		return "", errors.New("pbkdf2: want pbkdf2:hash:iterations$salt$key with the key in hexadecimal digits")
	}
	return "pbkdf2-" + hash + "$" + rounds + "$" + inBase64([]byte(salt)) + "$" + inBase64(raw), nil
}

// werkzeugScrypt reads N:r:p$salt$key: the salt is text, the key hexadecimal.
func werkzeugScrypt(rest string) (string, error) {
	part := strings.Split(rest, "$")
	if len(part) == 3 {
		cost := strings.Split(part[0], ":")
		raw, err := hex.DecodeString(part[2])
		if len(cost) == 3 && err == nil {
			return scryptOf(cost[0], cost[1], cost[2], part[1], raw)
		}
	}
	return "", errors.New("scrypt: want scrypt:N:r:p$salt$key with the key in hexadecimal digits")
}

// djangoScrypt reads N$salt$r$p$key: the salt is text, the key base64.
func djangoScrypt(rest string) (string, error) {
	part := strings.Split(rest, "$")
	if len(part) == 5 {
		if raw, err := anyBase64(part[4]); err == nil {
			return scryptOf(part[0], part[2], part[3], part[1], raw)
		}
	}
	return "", errors.New("scrypt: want scrypt$N$salt$r$p$key")
}

func scryptOf(n, r, p, salt string, key []byte) (string, error) {
	cost, err := decimal(n, 9)
	log := 0
	for ; err == nil && log < 31 && uint32(1)<<log < cost; log++ {
	}
	if err != nil || log == 0 || uint32(1)<<log != cost {
		return "", errors.New("scrypt: want an N that is a power of two")
	}
	return fmt.Sprintf("$scrypt$ln=%d,r=%s,p=%s$%s$%s", log, r, p, inBase64([]byte(salt)), inBase64(key)), nil
}

// identityV3 reads the base64 of: 1, which hash (4 bytes), iterations (4), how long the salt is (4), salt, key.
func identityV3(s string) (string, error) {
	const head = 13
	raw, err := base64.StdEncoding.DecodeString(s)
	if err == nil && len(raw) > head {
		which, rounds, salt := binary.BigEndian.Uint32(raw[1:]), binary.BigEndian.Uint32(raw[5:]), binary.BigEndian.Uint32(raw[9:])
		if which < 3 && salt <= maxSalt && head+int(salt) < len(raw) {
			hash := [...]string{"sha1", "sha256", "sha512"}[which]
			at := head + int(salt)
			return fmt.Sprintf("pbkdf2-%s$%d$%s$%s", hash, rounds, inBase64(raw[head:at]), inBase64(raw[at:])), nil
		}
	}
	return "", errors.New("ASP.NET Identity: want the base64 of version 3: 1, hash, iterations, length of the salt, salt, key")
}
