package secret

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Lengths in characters (NIST SP 800-63B-4, section 3.1.1.2).
const (
	minPassword       = 15
	minPasswordSecond = 8 // when a one-time code is asked for as well
	maxPassword       = 256
)

//go:embed blocklist.txt
var blocklist string

var blocked = sync.OnceValue(func() map[string]bool {
	m := make(map[string]bool)
	for word := range strings.Lines(blocklist) {
		if word = strings.TrimSpace(word); word != "" && word[0] != '#' {
			m[word] = true
		}
	}
	return m
})

// CheckPassword says, in words for the person who chose text, why it will not do; nil when it will. A password used together with
// a one-time code may be shorter. Own are names that belong to the account: guessing starts with them. There are no rules about
// kinds of characters, because those make passwords worse (NIST SP 800-63B-4, section 3.1.1.2).
func CheckPassword(text string, withTOTP bool, own ...string) error {
	if !utf8.ValidString(text) {
		return errors.New("the password is not valid UTF-8 text")
	}
	text = norm.NFC.String(text) // as HashPassword keeps it
	least := minPassword
	if withTOTP {
		least = minPasswordSecond
	}
	switch n := utf8.RuneCountInString(text); {
	case n < least:
		return fmt.Errorf("the password has %d characters and needs at least %d; a few unrelated words are easy to remember", n, least)
	case n > maxPassword:
		return fmt.Errorf("the password has %d characters; at most %d are allowed", n, maxPassword)
	}
	folded := strings.ToLower(text)
	if repeats(folded) {
		return errors.New("the password repeats itself or counts up or down, which is guessed early; choose something else")
	}
	core := strings.TrimFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) })
	if blocked()[folded] || blocked()[core] {
		return errors.New("the password is among those that are guessed first; choose something else")
	}
	for _, name := range own {
		name = strings.ToLower(strings.TrimSpace(name))
		if name != "" && (folded == name || core == name || withoutName(folded, name)) {
			return errors.New("the password is little more than the account's own name; choose something else")
		}
	}
	return nil
}

// withoutName reports whether so little of text is left when name is taken out that the name is most of it.
func withoutName(text, name string) bool {
	return strings.Contains(text, name) && utf8.RuneCountInString(strings.ReplaceAll(text, name, "")) < 5
}

// repeats reports whether text is one short piece over and over ("abcabcabcabcabc", "passwordpassword") or a run ("123456789…").
func repeats(text string) bool {
	r := []rune(text)
	for size := 1; size <= len(r)/2; size++ {
		if size > 4 && !blocked()[string(r[:size])] {
			continue
		}
		if periodic(r, size) {
			return true
		}
	}
	up, down := 0, 0
	for i := 1; i < len(r); i++ {
		switch d := r[i] - r[i-1]; {
		case d == 1, r[i-1] == '9' && r[i] == '0':
			up++
		case d == -1, r[i-1] == '0' && r[i] == '9':
			down++
		}
	}
	return max(up, down) >= len(r)-2
}

func periodic(r []rune, size int) bool {
	for i := size; i < len(r); i++ {
		if r[i] != r[i-size] {
			return false
		}
	}
	return true
}
