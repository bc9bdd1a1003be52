package oauth

// AppendJSON appends s as a JSON string, quotes included (RFC 8259, section 7). It allocates only when dst has to grow. Markup is
// escaped as well, so that no browser reads it as such where it guesses a type.
func AppendJSON(dst []byte, s string) []byte {
	return append(AppendJSONText(append(dst, '"'), s), '"')
}

// AppendJSONText appends s as what stands between the quotes of a JSON string.
func AppendJSONText(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20 || c == 0x7f || c == '<' || c == '>' || c == '&':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
