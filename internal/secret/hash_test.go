package secret

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

func bcryptOf(t testing.TB, plain string) Hash {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(plain[:min(72, len(plain))]), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return Hash(h)
}

func pbkdf2Of(t testing.TB, plain string) Hash {
	t.Helper()
	key, err := pbkdf2.Key(sha256.New, plain, []byte("saltsalt"), 1000, 32)
	if err != nil {
		t.Fatal(err)
	}
	return Hash("pbkdf2-sha256$1000$" + base64.StdEncoding.EncodeToString([]byte("saltsalt")) + "$" + base64.StdEncoding.EncodeToString(key))
}

func TestReq053_TheWholePasswordCounts(t *testing.T) {
	long := strings.Repeat("a", 71) + "Z"
	for name, h := range map[string]Hash{
		"argon2id": HashPassword(long),
		"bcrypt":   bcryptOf(t, long),
		"pbkdf2":   pbkdf2Of(t, long),
		"sha256":   HashSecret(long),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseHash(string(h)); err != nil {
				t.Fatalf("our own hash is refused: %v", err)
			}
			if !h.Matches(long) {
				t.Fatal("the right password does not match")
			}
			for what, wrong := range map[string]string{
				"one byte more":    long + "x",
				"a 73rd byte of 0": long + "\x00",
				"one byte less":    long[:71],
				"another case":     strings.ToLower(long),
				"a leading space":  " " + long,
				"nothing":          "",
			} {
				if h.Matches(wrong) {
					t.Errorf("%s matches", what)
				}
			}
		})
	}
}

func TestB28_BcryptRefusesThe73rdByteThatGoWouldIgnore(t *testing.T) {
	first := strings.Repeat("x", 72)
	h := bcryptOf(t, first)
	if err := bcrypt.CompareHashAndPassword([]byte(h), []byte(first+"different")); err != nil {
		t.Skip("Go's comparison now refuses it itself")
	}
	if h.Matches(first + "different") {
		t.Error("what follows the 72nd byte is ignored")
	}
}

func TestForeignHashesMatch(t *testing.T) {
	for h, plain := range map[string]string{
		// bcrypt of Openwall's test suite, in the three spellings.
		"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW": "U*U",
		"$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK": "U*U*",
		"$2y$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK": "U*U*",
		// Python: hashlib.pbkdf2_hmac('sha512', b'password', b'saltsalt', 1000, 32).
		"pbkdf2-sha512$1000$c2FsdHNhbHQ$Q6v4xwJ8a9nWPp2BeEoAYYhHSo2xRmPWART17vTpSxs=": "password",
		// The reference implementation: echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1.
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc": "password",
	} {
		parsed, err := ParseHash(h)
		if err != nil || !parsed.Slow() {
			t.Errorf("ParseHash(%q): %v", h, err)
			continue
		}
		if !parsed.Matches(plain) || parsed.Matches(plain+"x") {
			t.Errorf("%q does not match its password alone", h)
		}
	}
}

func TestB29_HashesThatCostTooMuchAreRefused(t *testing.T) {
	const salt, key = "c2FsdHNhbHQ", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	bc := string(bcryptOf(t, "x"))
	for _, h := range []string{
		"", "x", "sha256$", "sha256$" + strings.Repeat("G", 64), "sha256$" + strings.Repeat("0", 63), "sha1$" + strings.Repeat("0", 40),
		"$2a$15" + bc[6:], "$2a$31" + bc[6:], "$2a$03" + bc[6:], "$2a$-4" + bc[6:], "$2x" + bc[3:], bc[:59], bc + ".", "$2", "$2$",
		bc[:59] + "$", "$2a$10$" + strings.Repeat("é", 26) + "x",
		"pbkdf2-sha256$2000001$" + salt + "$" + key, "pbkdf2-sha256$0$" + salt + "$" + key, "pbkdf2-sha256$99999999999999999999$" + salt + "$" + key,
		"pbkdf2-sha256$+5$" + salt + "$" + key, "pbkdf2-sha256$1_0$" + salt + "$" + key, "pbkdf2-sha256$1000$$" + key,
		"pbkdf2-sha256$1000$" + salt + "$", "pbkdf2-sha256$1000$" + salt + "$" + key + key, "pbkdf2-sha256$1000$" + salt, "pbkdf2-md5$1$" + salt + "$" + key,
		"$argon2id$v=19$m=65537,t=1,p=1$" + salt + "$" + key, "$argon2id$v=19$m=65536,t=5,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=4,t=1,p=1$" + salt + "$" + key, "$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + key, "$argon2id$v=19$m=65536,t=1,p=9$" + salt + "$" + key,
		"$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + key, "$argon2d$v=19$m=64,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=999999,p=1$" + salt + "$" + key, "$argon2id$v=19$t=1,m=64,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + strings.Repeat("A", 200), "$argon2id$v=19$m=64,t=1,p=1,x=1$" + salt + "$" + key,
	} {
		got, err := ParseHash(h)
		if !errors.Is(err, ErrHash) || got != "" {
			t.Errorf("ParseHash(%q) = %q, %v", h, got, err)
		}
		if err != nil && len(h) > 40 && strings.Contains(err.Error(), h[len(h)-20:]) {
			t.Errorf("the refusal repeats the hash: %v", err)
		}
		if Hash(h).Matches("") || Hash(h).Matches("x") {
			t.Errorf("%q matches something", h)
		}
	}
}

func TestReq054_DecoysAreWellFormedAndMatchNothing(t *testing.T) {
	for _, d := range []Hash{DecoySecret, DecoyPassword} {
		if _, err := ParseHash(string(d)); err != nil {
			t.Errorf("%s: %v", string(d), err)
		}
		if d.Matches("") || d.Matches("password") {
			t.Errorf("%s matches", string(d))
		}
	}
	mine, decoy, err := parseBoth(HashPassword("a password of ours"), DecoyPassword)
	if err != nil || mine.form != decoy.form || mine.rounds != decoy.rounds || mine.memory != decoy.memory || mine.lanes != decoy.lanes ||
		len(mine.salt) != len(decoy.salt) || len(mine.key) != len(decoy.key) {
		t.Error("the decoy does not cost what a password costs")
	}
}

func parseBoth(a, b Hash) (ra, rb recipe, err error) {
	ra, errA := parse(string(a))
	rb, errB := parse(string(b))
	return ra, rb, errors.Join(errA, errB)
}

func TestReq054_B26_ALongGuessAtBcryptIsNotAnsweredSooner(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	raw, err := bcrypt.GenerateFromPassword([]byte("right"), 8)
	if err != nil {
		t.Fatal(err)
	}
	h, timing := Hash(raw), map[string]time.Duration{}
	for _, guess := range []string{"short", strings.Repeat("long", 50)} {
		start := time.Now()
		for range 10 {
			h.Matches(guess)
		}
		timing[guess[:4]] = time.Since(start)
	}
	if timing["long"] < timing["shor"]/2 {
		t.Errorf("long guesses take %v, short ones %v", timing["long"], timing["shor"])
	}
}

func TestTheSamePasswordHashesDifferentlyEachTime(t *testing.T) {
	first, second := HashPassword("the same password"), HashPassword("the same password")
	if first == second {
		t.Error("two hashes share a salt")
	}
}

func TestHashesDoNotShowInLogs(t *testing.T) {
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("a client", "hash", HashSecret("x"))
	if strings.Contains(b.String(), "sha256") {
		t.Errorf("the log shows the hash: %s", b.String())
	}
}

func FuzzParseHash(f *testing.F) {
	for _, s := range []string{string(DecoySecret), string(DecoyPassword), "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"pbkdf2-sha256$1000$c2FsdHNhbHQ=$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHash(s)
		if err != nil {
			return
		}
		r, err := parse(string(h))
		if string(h) != s || err != nil {
			t.Fatalf("ParseHash(%q) = %q, %v", s, string(h), err)
		}
		if uint64(r.memory)*uint64(r.rounds) > maxArgonWork || r.rounds > maxIterations || len(r.salt) > maxSalt || len(r.key) > 64 {
			t.Errorf("%q costs too much", s)
		}
		if r.form == formArgon && (r.lanes == 0 || r.memory < 8*uint32(r.lanes)) {
			t.Errorf("%q makes argon2 panic", s)
		}
		if r.rounds == 0 && h.Slow() {
			t.Errorf("%q costs nothing", s)
		}
	})
}

func TestTheCostOfAHashNamesNothingOfItsSaltAndKey(t *testing.T) {
	for h, want := range map[Hash]string{
		DecoyPassword: "$argon2id$v=19$m=19456,t=2,p=1",
		"$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy": "$2b$10",
		"pbkdf2-sha256$600000$c2FsdA==$a2V5":                           "pbkdf2-sha256$600000",
		"$scrypt$ln=14,r=8,p=1$c2FsdA$a2V5":                            "$scrypt$ln=14,r=8,p=1",
	} {
		if got := h.Cost(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
