package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestATextIsReadHoweverItWasSaved(t *testing.T) {
	for _, c := range []struct{ name, in, want, refusal string }{
		{"plain", "a: b\n", "a: b\n", ""},
		{"nothing", "", "", ""},
		{"a byte order mark", "\ufeffa: b\n", "a: b\n", ""},
		{"a mark and nothing else", "\ufeff", "", ""},
		{"two marks: the second is text", "\ufeff\ufeffa", "\ufeffa", ""},
		{"CRLF stays for who splits lines", "a\r\nb\r\n", "a\r\nb\r\n", ""},
		{"a short text", "ab", "ab", ""},
		{"UTF-16, little end first", "\xff\xfea\x00b\x00", "", "UTF-16"},
		{"UTF-16, big end first", "\xfe\xff\x00a\x00b", "", "UTF-16"},
		{"UTF-16 without a mark", "a\x00b\x00c\x00", "", "UTF-16"},
		{"UTF-16 without a mark, big end first", "\x00a\x00b\x00c", "", "UTF-16"},
		{"Latin-1", "a\nb\nna\xefve", "", "line 3 has a byte that is not UTF-8"},
		{"a character cut short", "a\xc3", "", "line 1"},
		{"a replacement character is text", "a\ufffdb\xff", "", "line 1"},
	} {
		got, err := Decode([]byte(c.in))
		switch {
		case c.refusal == "" && (err != nil || string(got) != c.want):
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		case c.refusal != "" && (err == nil || !strings.Contains(err.Error(), c.refusal) || !strings.Contains(err.Error(), "save it as UTF-8")):
			t.Errorf("%s: %v; want a refusal about %q", c.name, err, c.refusal)
		}
	}
}

func TestWhatIsPastedLosesWhatNobodySeesAroundIt(t *testing.T) {
	for in, want := range map[string]string{
		"abc": "abc", " abc ": "abc", "\tabc\r\n": "abc", "\u00a0abc\u3000": "abc", "\u200babc\u200b": "abc", "\ufeffabc": "abc", "\u2060 abc\u200d": "abc",
		"\u202aabc\u202c": "abc", "\u00adabc": "abc", "a b": "a b", "a\u200bb": "a\u200bb", " \u200b ": "", "": "",
	} {
		if got := Pasted(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\xff\xfea\x00"))
	f.Add([]byte("\ufeffé\xe9"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := Decode(b)
		if err == nil && !utf8.Valid(got) {
			t.Errorf("%q is taken for UTF-8", b)
		}
		if err != nil && utf8.Valid(b) && !strings.Contains(string(b), "\x00") {
			t.Errorf("%q is refused: %v", b, err)
		}
	})
}
