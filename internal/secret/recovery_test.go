package secret

import (
	"strings"
	"testing"
	"time"
)

func TestARecoveryCodeIsReadHoweverItIsTyped(t *testing.T) {
	made := NewRecoveryCode()
	want, ok := RecoveryCode(made)
	if !ok || len(want) != recoveryLen {
		t.Fatalf("%q is not taken for a recovery code", made)
	}
	for name, typed := range map[string]string{
		"capitals":          strings.ToUpper(made),
		"no hyphens":        strings.ReplaceAll(made, "-", ""),
		"spaces":            " " + strings.ReplaceAll(made, "-", " ") + " ",
		"o for 0":           strings.ReplaceAll(made, "0", "o"),
		"O for 0":           strings.ReplaceAll(made, "0", "O"),
		"l for 1":           strings.ReplaceAll(made, "1", "l"),
		"I for 1":           strings.ReplaceAll(made, "1", "I"),
		"hyphens elsewhere": made[:1] + "-" + made[1:],
	} {
		if got, ok := RecoveryCode(typed); !ok || got != want {
			t.Errorf("%s: %q is read as %q, want %q", name, typed, got, want)
		}
	}
}

func TestWhatIsNoRecoveryCodeIsToldFromOne(t *testing.T) {
	made := NewRecoveryCode()
	for name, typed := range map[string]string{
		"nothing": "", "a one-time code": "123 456", "one short": made[1:], "one long": made + "0", "a u": "u" + made[1:],
		"a letter of another script": "а" + made[1:], "NUL": made + "\x00", "very long": strings.Repeat(" ", 1<<20) + made,
	} {
		if got, ok := RecoveryCode(typed); ok {
			t.Errorf("%s is taken for the recovery code %q", name, got)
		}
	}
}

func TestNoTwoRecoveryCodesAreAlike(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		code := NewRecoveryCode()
		if seen[code] {
			t.Fatalf("%q was made twice", code)
		}
		seen[code] = true
	}
}

func TestAKeyForAnIDHasThatIDAndIsNewEachTime(t *testing.T) {
	id := NewID(time.Unix(1_800_000_000, 0))
	a, b := NewTokenFor("tbl", id), NewTokenFor("tbl", id)
	if a == b {
		t.Error("two keys for an id are the same")
	}
	if got, ok := ParseToken(a, "tbl"); !ok || got != id {
		t.Errorf("ParseToken gives %q, %v; want %q", got, ok, id)
	}
	if _, ok := ParseToken(a, "tbc"); ok {
		t.Error("a key is taken for one of another prefix")
	}
}

func FuzzRecoveryCode(f *testing.F) {
	f.Add("0123-4567-89ab-cdef-ghjk-mnpq")
	f.Add("OIL")
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := RecoveryCode(typed)
		if !ok {
			return
		}
		if again, ok := RecoveryCode(code); !ok || again != code {
			t.Errorf("%q is read as %q, and that as %q", typed, code, again)
		}
	})
}
