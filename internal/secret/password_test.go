package secret

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

func TestReq114_PasswordPolicy(t *testing.T) {
	for _, c := range []struct {
		text     string
		withTOTP bool
		refusal  string // a piece of it; "" when the password will do
	}{
		{"vivid otter maps", false, ""},
		{"fourteen chars", false, "needs at least 15"},
		{"kx8#mq2v", true, ""},
		{"kx8#mq2", true, "needs at least 8"},
		{"öäüöäüßéñ-ÆØÅ-x", false, ""},
		{"四字熟語四字熟語", true, "repeats"},
		{"春の海ひねもすのたりのたりかな", false, ""},
		{strings.Repeat("vivid otter maps", 4), false, ""},
		{strings.Repeat("vivid otter maps", 16), false, ""},
		{strings.Repeat("vivid otter maps", 16) + "!", false, "at most 256"},
		{"all lower case without digits", false, ""},
		{"830274619503827461", false, ""},
		{"correcthorsebatterystaple", false, "guessed first"},
		{"Correct Horse Battery Staple", false, "guessed first"},
		{"Password12345678!", false, "guessed first"},
		{"password", true, "guessed first"},
		{"PASSWORDpassword", false, "repeats"},
		{"aaaaaaaaaaaaaaaaaaaa", false, "repeats"},
		{"abcabcabcabcabc", false, "repeats"},
		{"12345678901234567", false, "repeats"},
		{"98765432109876543", false, "repeats"},
		{"abcdefghijklmnopq", false, "repeats"},
		{"ada.lovelace@example.org", false, "own name"},
		{"ada.lovelace@example.org1", false, "own name"},
		{"\xff\xfeinvalid utf-8 text", false, "UTF-8"},
		{"                    ", false, "repeats"},
	} {
		err := CheckPassword(c.text, c.withTOTP, "Ada.Lovelace@example.org", "")
		switch {
		case c.refusal == "" && err != nil:
			t.Errorf("%q: %v", c.text, err)
		case c.refusal != "" && (err == nil || !strings.Contains(err.Error(), c.refusal)):
			t.Errorf("%q: got %v, want a refusal about %q", c.text, err, c.refusal)
		case err != nil && c.text != "password" && strings.Contains(err.Error(), c.text):
			t.Errorf("%q: the refusal repeats the password", c.text)
		}
	}
}

func TestOneTimeCodeIsGoodOnceAndForThreeSteps(t *testing.T) {
	key, link, err := NewTOTP("Tokenbooth", "ada@example.org")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "otpauth" || u.Query().Get("secret") != key || u.Query().Get("issuer") != "Tokenbooth" {
		t.Fatalf("otpauth URL %q: %v", link, err)
	}
	code := func(at time.Time) string {
		c, err := totp.GenerateCode(key, at)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, c := range []struct {
		shift time.Duration
		ok    bool
	}{{-61 * time.Second, false}, {-30 * time.Second, true}, {0, true}, {30 * time.Second, true}, {61 * time.Second, false}} {
		if _, ok := CheckTOTP(key, code(noon.Add(c.shift)), noon, 0); ok != c.ok {
			t.Errorf("a code of %v from now: %v", c.shift, ok)
		}
	}
	for _, typed := range []string{code(noon)[:3] + "-" + code(noon)[3:], "\u200b" + code(noon) + "\u00a0", "\ufeff" + code(noon) + "\r\n", fullWidth(code(noon))} {
		if _, ok := CheckTOTP(key, typed, noon, 0); !ok {
			t.Errorf("%q is not taken for the code", typed)
		}
	}
	step, ok := CheckTOTP(key, code(noon)[:3]+" "+code(noon)[3:], noon, 0)
	if !ok || step != noon.Unix()/30 {
		t.Fatalf("step %d, %v", step, ok)
	}
	for _, at := range []time.Time{noon, noon.Add(-30 * time.Second)} {
		if _, ok := CheckTOTP(key, code(at), noon, step); ok {
			t.Error("a code was accepted again, or one older than the last")
		}
	}
	if _, ok := CheckTOTP(key, code(noon.Add(30*time.Second)), noon.Add(30*time.Second), step); !ok {
		t.Error("the next code was refused")
	}
	for _, bad := range []string{"", "12345", "1234567", "abcdef"} {
		if _, ok := CheckTOTP(key, bad, noon, 0); ok {
			t.Errorf("%q was accepted", bad)
		}
	}
	if _, ok := CheckTOTP("not base32!", "", noon, 0); ok {
		t.Error("a broken secret accepts something")
	}
}

// RFC 6238, appendix B, the SHA-1 rows cut to six digits.
func TestOneTimeCodesOfRFC6238(t *testing.T) {
	const key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // "12345678901234567890"
	for unix, code := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"} {
		if _, ok := CheckTOTP(key, code, time.Unix(unix, 0), 0); !ok {
			t.Errorf("the code of %d is refused", unix)
		}
	}
}

// fullWidth spells digits as some keyboards do.
func fullWidth(s string) string {
	return strings.Map(func(r rune) rune { return r - '0' + '\uff10' }, s)
}
