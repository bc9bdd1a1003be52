package oauth

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Unproven is a text that a caller sent where a name belongs, and that no registration has matched yet: people mistype, and then it is a
// secret or a password. It formats, logs and marshals as its beginning and its length, so nobody can write it down by mistake. What is
// written in clear is the name of the registration that it was found to be.
//
//	hunt…(21)
//
// The beginning is a quarter of the text, and four characters at most: of five characters one is shown, of three none.
type Unproven string

// shownMost and shownPart say how much of an Unproven is shown.
const (
	shownMost = 4
	shownPart = 4
)

// Reveal returns the text itself, for those who look a registration up by it or compare it.
func (u Unproven) Reveal() string { return string(u) }

// String shows the beginning and the length, in characters. Nothing stays nothing.
func (u Unproven) String() string {
	if u == "" {
		return ""
	}
	length := utf8.RuneCountInString(string(u))
	return head(string(u), min(length/shownPart, shownMost)) + "…(" + strconv.Itoa(length) + ")"
}

// head returns the first characters of a text; what no terminal or log should be given is a question mark.
func head(text string, characters int) string {
	var b strings.Builder
	for _, r := range text {
		if characters--; characters < 0 {
			break
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Format hides the text from every verb of package fmt.
func (u Unproven) Format(s fmt.State, verb rune) {
	if verb == 'q' || s.Flag('#') {
		fmt.Fprintf(s, "%q", u.String())
		return
	}
	fmt.Fprint(s, u.String())
}

// LogValue hides the text from slog.
func (u Unproven) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText hides the text from encoders.
func (u Unproven) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// AmongWords returns the text when it is one of words, in whatever case, and else what may be shown of it.
func (u Unproven) AmongWords(words ...string) string {
	if slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, string(u)) }) {
		return string(u)
	}
	return u.String()
}
