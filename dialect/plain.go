package dialect

// readPlainJSON appends the members of what nearly every JSON body is: one object of texts in printable ASCII, without an escape. It
// reports false for everything else, right or wrong, and then encoding/json decides, which takes six times as long.
func readPlainJSON(params []word, text string) ([]word, bool) {
	for open := byte('{'); ; open = ',' {
		var w word
		var ok [4]bool
		text, ok[0] = after(text, open)
		w.name, text, ok[1] = plainString(text)
		text, ok[2] = after(text, ':')
		w.value, text, ok[3] = plainString(text)
		if ok != [4]bool{true, true, true, true} || len(params) >= MaxParams {
			return nil, false
		}
		params = append(params, w)
		if rest, closed := after(text, '}'); closed {
			return params, spaceless(rest) == ""
		}
	}
}

// plainString takes a string off the front of text.
func plainString(text string) (s, rest string, ok bool) {
	text, ok = after(text, '"')
	for i := 0; ok && i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return text[:i], text[i+1:], true
		case c < ' ' || c > '~' || c == '\\':
			return "", "", false
		}
	}
	return "", "", false
}

// after takes white space and c off the front of text.
func after(text string, c byte) (rest string, ok bool) {
	text = spaceless(text)
	if text == "" || text[0] != c {
		return text, false
	}
	return text[1:], true
}

// spaceless takes the white space of RFC 8259, section 2, off the front of text.
func spaceless(text string) string {
	for text != "" && (text[0] == ' ' || text[0] == '\t' || text[0] == '\n' || text[0] == '\r') {
		text = text[1:]
	}
	return text
}
