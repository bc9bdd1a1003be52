package secret

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// Hashes of "password" as other systems keep them: made by Python's hashlib, and from the documentation of passlib and of the reference
// implementation of Argon2.
var foreignHashes = []string{
	"pbkdf2_sha256$1000$seasaltseasalt$GPdBehDGYyqd85KPeI9ps1RaSnu62T4M6Bgl2g4QMZI=",
	"pbkdf2_sha1$1000$seasaltseasalt$dWrIPyzgb+cK0uYsDBtMtvKPlno=",
	"$pbkdf2-sha256$1000$8PHy8/T19vf4.fr7/P3./w$d5D2InnL4oi0qnBlkUtzZMs.KcGeuKJ59Lp081vm.JM",
	"$pbkdf2-sha512$1000$8PHy8/T19vf4.fr7/P3./w$7JpjqKnxCfKupr7RXyhBzOyaiDby3r66zVaV0PpzTHeAv/Rhegfu5r6FVr4bD7pDGkeRerZdnt6Zcqjq6quNSw",
	"$pbkdf2$1000$8PHy8/T19vf4.fr7/P3./w$VLOwsbLMiNYZ2idBLbNFFCCq5.w",
	"pbkdf2:sha256:1000$saltsalt$135f7a66144fcf0fb003ce048f31f024ed5cbff30525d3ba0bfb3199479362a6",
	"scrypt:1024:8:1$saltsaltsalt$3d33aa071ee47b3d50096e7e58fe5cf9918eba38c6a7218e961d0badce7a4deb2e167b5663a217b63d63a7c5f5c0b4a0085106aa2a41ab68b5dba2588b3fba3b",
	"scrypt$1024$saltsaltsalt$8$5$Cil79SbBBwbtYnTZqdtIWRkHtWmNO1On7Z1ocWRGrXE+Y1cCuvILKuHOALRCAJKOk71I7wYvT2D6wILEgidghA==",
	"$scrypt$ln=10,r=8,p=1$8PHy8/T19vf4+fr7/P3+/w$em97/+bfIyakbn0sdd283iJpatCUtZpxL4h5d8jEtnY",
	"AQAAAAAAAAPoAAAAEPDx8vP09fb3+Pn6+/z9/v9Us7CxssyI1hnaJ0Ets0UUIKrn7EUgAsGxfmBr23ippw==",
	"AQAAAAEAAAPoAAAAEPDx8vP09fb3+Pn6+/z9/v93kPYiecviiLSqcGWRS3Nkyz4pwZ64onn0unTzW+b4kw==",
	"AQAAAAIAAAPoAAAAEPDx8vP09fb3+Pn6+/z9/v/smmOoqfEJ8q6mvtFfKEHM7JqINvLevrrNVpXQ+nNMdw==",
	"$bcrypt-sha256$v=2,t=2b,r=12$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2",
	"$bcrypt-sha256$2a,12$LrmaIX5x4TRtAwEfwJZa1.$2ehnw6LvuIUTM0iz4iz9hTxv21B6KFO",
	"$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
	"argon2$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
	"argon2$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
}

func TestHashesOfOtherSystemsMatchTheirPasswordAlone(t *testing.T) {
	digest := sha256.Sum256([]byte("password"))
	django, err := bcrypt.GenerateFromPassword([]byte(hex.EncodeToString(digest[:])), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	all := append(foreignHashes[:len(foreignHashes):len(foreignHashes)], "bcrypt_sha256$"+string(django), "bcrypt$"+string(bcryptOf(t, "password")))
	for _, h := range all {
		ours, err := ParseHash(h)
		if err != nil || !ours.Slow() {
			t.Errorf("ParseHash(%q): %v", h, err)
			continue
		}
		if ours.Matches("Password") {
			t.Errorf("%q matches another password; it is kept as %q", h, string(ours))
		}
		if again, err := ParseHash(string(ours)); err != nil || again != ours {
			t.Errorf("%q, as it is kept, is read as %q, %v", string(ours), string(again), err)
		}
		if right, renew := ours.MatchesPassword("password"); !right || !renew {
			t.Errorf("%q: right %v, renew %v", h, right, renew)
		}
	}
	for _, h := range []string{
		"sha256$5E884898DA28047151D0E56F8DC6292773603D0D6AABBDD62A11EF721D1542D8",
		"sha256$XohImNooBHFR0OVvjcYpJ3NgPQ1qq73WKhHvch0VQtg=",
	} {
		if ours, err := ParseHash(h); err != nil || ours != HashSecret("password") {
			t.Errorf("%q is read as %q, %v", h, string(ours), err)
		}
	}
}

func TestForeignHashesThatWouldTakeTooMuchAreRefusedWithTheReason(t *testing.T) {
	const salt, key = "c2FsdHNhbHQ", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for h, why := range map[string]string{
		"$argon2id$v=19$m=4194304,t=1,p=1$" + salt + "$" + key:                                 "argon2: want p up to",
		"$argon2d$v=19$m=64,t=1,p=1$" + salt + "$" + key:                                       "its kind is not known",
		"argon2$argon2id$v=19$m=4194304,t=1,p=1$" + salt + "$" + key:                           "argon2: want p up to",
		"pbkdf2_sha256$1000000000$saltsalt$" + key:                                             "pbkdf2: want 1 to",
		"$pbkdf2-sha256$1000000000$" + salt + "$" + key:                                        "pbkdf2: want 1 to",
		"pbkdf2:sha256:1000000000$saltsalt$" + strings.Repeat("0", 64):                         "pbkdf2: want 1 to",
		"pbkdf2:md5:1000$saltsalt$" + strings.Repeat("0", 64):                                  "its kind is not known",
		"$scrypt$ln=25,r=8,p=1$" + salt + "$" + key:                                            "scrypt: it would take too much",
		"$scrypt$ln=16,r=16,p=1$" + salt + "$" + key:                                           "scrypt: it would take too much",
		"$scrypt$ln=14,r=8,p=16$" + salt + "$" + key:                                           "scrypt: it would take too much",
		"$scrypt$ln=4294967295,r=8,p=1$" + salt + "$" + key:                                    "scrypt: it would take too much",
		"$scrypt$ln=10,r=4294967295,p=4294967295$" + salt + "$" + key:                          "scrypt: it would take too much",
		"scrypt:1000:8:1$saltsalt$" + strings.Repeat("0", 64):                                  "power of two",
		"scrypt$4294967296$saltsalt$8$1$" + key:                                                "power of two",
		"$bcrypt-sha256$v=2,t=2b,r=31$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2":  "bcrypt: want a cost",
		"bcrypt_sha256$$2b$31$" + strings.Repeat("a", 53):                                      "bcrypt: want a cost",
		"AQAAAAF/////AAAAEA==":                                                                 "ASP.NET Identity",
		"AQAAAAE7msoAAAAAEPDx8vP09fb3+Pn6+/z9/v8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==": "pbkdf2: want 1 to",
		"md5$salt$0": "its kind is not known",
	} {
		got, err := ParseHash(h)
		if !errors.Is(err, ErrHash) || got != "" || !strings.Contains(err.Error(), why) {
			t.Errorf("ParseHash(%q) = %q, %v; want a refusal about %q", h, string(got), err, why)
		}
	}
}

// A person types é in one way or another, and cannot see in which.
func TestAPasswordIsTheSameHoweverItsCharactersAreComposed(t *testing.T) {
	const nfc, nfd = "caf\u00e9 noir et br\u00fbl\u00e9", "cafe\u0301 noir et bru\u0302le\u0301"
	for name, h := range map[string]Hash{"set composed": HashPassword(nfc), "set decomposed": HashPassword(nfd)} {
		for how, typed := range map[string]string{"composed": nfc, "decomposed": nfd} {
			if right, renew := h.MatchesPassword(typed); !right || renew {
				t.Errorf("%s, typed %s: right %v, renew %v", name, how, right, renew)
			}
		}
	}
	for how, typed := range map[string]string{"composed": nfc, "decomposed": nfd} {
		if right, renew := bcryptOf(t, nfd).MatchesPassword(typed); !right || !renew {
			t.Errorf("one that was hashed decomposed elsewhere, typed %s: right %v, renew %v", how, right, renew)
		}
	}
	if right, _ := HashPassword(nfc).MatchesPassword("cafe noir et brule"); right {
		t.Error("the accents do not count")
	}
	if CheckPassword("e\u0301e\u0301a\u0300b\u0300c\u0300d\u0300x", false) == nil {
		t.Error("seven characters are counted as more, because they are spelled in two parts")
	}
}

func FuzzForeignHash(f *testing.F) {
	for _, h := range foreignHashes {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHash(s)
		if err != nil {
			return
		}
		if again, err := ParseHash(string(h)); err != nil || again != h {
			t.Errorf("%q is kept as %q, and that is read as %q, %v", s, string(h), string(again), err)
		}
	})
}
