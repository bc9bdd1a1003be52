package bearer

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxDepth  = 16
	maxDigits = 64
)

// reader reads JSON (RFC 8259) from a text, strictly and once from left to right. The library's decoder folds the case of names and
// lets the last of two members win, which a security token must not leave to chance. Each method reads one value and reports
// whether it was there; after a false the reader is of no more use.
type reader struct {
	text   string
	at     int
	issued float64 // iat_us, where it was read
}

// peek skips white space and returns the next byte, 0 at the end.
func (r *reader) peek() byte {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return c
		}
	}
	return 0
}

func (r *reader) take(c byte) bool {
	if c == 0 || r.peek() != c {
		return false
	}
	r.at++
	return true
}

// end reports that nothing follows.
func (r *reader) end() bool { return r.peek() == 0 && r.at == len(r.text) }

// object reads an object; member is called at each value and reads it.
func (r *reader) object(member func(name string) bool) bool {
	if !r.take('{') {
		return false
	}
	if r.take('}') {
		return true
	}
	for {
		name, ok := r.str()
		if !ok || !r.take(':') || !member(name) {
			return false
		}
		if !r.take(',') {
			return r.take('}')
		}
	}
}

// array reads an array; element is called at each value and reads it.
func (r *reader) array(element func() bool) bool {
	if !r.take('[') {
		return false
	}
	if r.take(']') {
		return true
	}
	for {
		if !element() {
			return false
		}
		if !r.take(',') {
			return r.take(']')
		}
	}
}

// str reads a string. Without escapes it shares memory with the text.
func (r *reader) str() (string, bool) {
	if !r.take('"') {
		return "", false
	}
	start := r.at
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; {
		case c == '"':
			s := r.text[start:r.at]
			r.at++
			return s, utf8.ValidString(s)
		case c == '\\':
			return r.escaped(r.text[start:r.at])
		case c < 0x20:
			return "", false
		}
	}
	return "", false
}

// escaped reads the rest of a string that has escapes.
func (r *reader) escaped(before string) (string, bool) {
	var b strings.Builder
	b.WriteString(before)
	for r.at < len(r.text) {
		c := r.text[r.at]
		r.at++
		switch {
		case c == '"':
			return b.String(), utf8.ValidString(b.String())
		case c < 0x20:
			return "", false
		case c != '\\':
			b.WriteByte(c)
		case r.at == len(r.text):
			return "", false
		default:
			c = r.text[r.at]
			r.at++
			if c == 'u' {
				u, ok := r.unit()
				if !ok {
					return "", false
				}
				b.WriteRune(u)
				continue
			}
			i := strings.IndexByte(`"\/bfnrt`, c)
			if i < 0 {
				return "", false
			}
			b.WriteByte("\"\\/\b\f\n\r\t"[i])
		}
	}
	return "", false
}

// unit reads what follows \u; half a surrogate pair is no character.
func (r *reader) unit() (rune, bool) {
	u, ok := r.hex4()
	if !ok || !utf16.IsSurrogate(u) {
		return u, ok
	}
	if !strings.HasPrefix(r.text[r.at:], `\u`) {
		return 0, false
	}
	r.at += 2
	low, ok := r.hex4()
	u = utf16.DecodeRune(u, low)
	return u, ok && u != utf8.RuneError
}

func (r *reader) hex4() (rune, bool) {
	if len(r.text)-r.at < 4 {
		return 0, false
	}
	var u rune
	for _, c := range []byte(r.text[r.at : r.at+4]) {
		i := strings.IndexByte("0123456789abcdef", c|0x20)
		if i < 0 || c < '0' {
			return 0, false
		}
		u = u<<4 | rune(i)
	}
	r.at += 4
	return u, true
}

// number reads a number of at most 64 characters.
func (r *reader) number() (float64, bool) {
	r.peek()
	start := r.at
	if r.at < len(r.text) && r.text[r.at] == '-' {
		r.at++
	}
	whole := r.digits()
	if whole == 0 || whole > 1 && r.text[r.at-whole] == '0' {
		return 0, false
	}
	if r.at < len(r.text) && r.text[r.at] == '.' {
		r.at++
		if r.digits() == 0 {
			return 0, false
		}
	}
	if r.at < len(r.text) && r.text[r.at]|0x20 == 'e' {
		r.at++
		if r.at < len(r.text) && (r.text[r.at] == '+' || r.text[r.at] == '-') {
			r.at++
		}
		if r.digits() == 0 {
			return 0, false
		}
	}
	if r.at-start > maxDigits {
		return 0, false
	}
	n, err := strconv.ParseFloat(r.text[start:r.at], 64)
	return n, err == nil
}

func (r *reader) digits() (n int) {
	for r.at < len(r.text) && '0' <= r.text[r.at] && r.text[r.at] <= '9' {
		r.at++
		n++
	}
	return n
}

// skip reads any value.
func (r *reader) skip(depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch c := r.peek(); c {
	case '{':
		return r.object(func(string) bool { return r.skip(depth + 1) })
	case '[':
		return r.array(func() bool { return r.skip(depth + 1) })
	case '"':
		_, ok := r.str()
		return ok
	case 't', 'f', 'n':
		for _, word := range [3]string{"true", "false", "null"} {
			if strings.HasPrefix(r.text[r.at:], word) {
				r.at += len(word)
				return true
			}
		}
		return false
	}
	_, ok := r.number()
	return ok
}

// boolean reads true or false.
func (r *reader) boolean() (value, ok bool) {
	value = r.peek() == 't'
	return value, (value || r.peek() == 'f') && r.skip(0)
}

// quote shows a name to the operator: what it holds cannot break a log line, and not much of it is kept.
func quote(name string) string {
	return strconv.QuoteToASCII(name[:min(len(name), 40)])
}
