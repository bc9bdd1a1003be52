package oauth

import (
	"iter"
	"strings"
)

// Bounds of a scope, wherever one stands: in a request, in a registration, in a token that is checked.
const (
	MaxScopeBytes = 4096
	MaxScopeWords = 256
)

// ScopeWords walks the words of a space-separated scope (RFC 6749, section 3.3).
func ScopeWords(scope string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for scope != "" {
			var word string
			word, scope, _ = strings.Cut(scope, " ")
			if word != "" && !yield(word) {
				return
			}
		}
	}
}

// ScopeHas reports whether scope contains word.
func ScopeHas(scope, word string) bool {
	for w := range ScopeWords(scope) {
		if w == word {
			return true
		}
	}
	return false
}

// ScopeWithin reports whether every word of asked is in held.
func ScopeWithin(asked, held string) bool {
	for w := range ScopeWords(asked) {
		if !ScopeHas(held, w) {
			return false
		}
	}
	return true
}

// ValidScope reports whether scope obeys the grammar of RFC 6749, section 3.3: words of printable ASCII without the double quote
// and the backslash, one space between them.
func ValidScope(scope string) bool {
	if len(scope) > MaxScopeBytes || strings.Count(scope, " ") >= MaxScopeWords {
		return false
	}
	space := true // a space may not lead
	for i := range len(scope) {
		c := scope[i]
		switch {
		case c == ' ' && space, c < 0x20, c > 0x7e, c == '"', c == '\\':
			return false
		}
		space = c == ' '
	}
	return !space || scope == ""
}
