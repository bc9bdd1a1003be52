package oauth

import "unicode/utf8"

// AppendJSON appends s as a JSON string, quotes included (RFC 8259, section 7). It allocates only when dst has to grow.
func AppendJSON(dst []byte, s string) []byte {
	return append(AppendJSONText(append(dst, '"'), s), '"')
}

// AppendJSONText appends s as what stands between the quotes of a JSON string. What is not UTF-8 becomes U+FFFD; markup is escaped as
// well, so that no browser reads it as such where it guesses a type.
func AppendJSONText(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	start := 0
	for i := 0; i < len(s); {
		if jsonPlain[s[i]] {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r >= utf8.RuneSelf:
			dst = utf8.AppendRune(dst, r)
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		}
		i += size
		start = i
	}
	return append(dst, s[start:]...)
}

// jsonPlain says which bytes stand for themselves.
var jsonPlain = func() (plain [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		plain[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return plain
}()
