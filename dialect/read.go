package dialect

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// maxDepth bounds the nesting of members nobody reads.
const maxDepth = 16

// notUTF8 is the problem of a body in another charset than UTF-8. One with a NUL is in a wider one.
const notUTF8 = "the body is not UTF-8 text"

// readForm appends the parameters of application/x-www-form-urlencoded text. It neither trims nor guesses: a bad escape is a problem.
func readForm(params []word, text string) ([]word, string) {
	if strings.IndexByte(text, 0) >= 0 {
		return nil, notUTF8
	}
	for text != "" {
		var pair string
		pair, text, _ = strings.Cut(text, "&")
		if pair == "" {
			continue
		}
		if len(params) >= MaxParams {
			return nil, "too many parameters"
		}
		name, value, _ := strings.Cut(pair, "=")
		name, ok1 := unescape(name)
		value, ok2 := unescape(value)
		if !ok1 || !ok2 {
			return nil, "a parameter is not form-encoded"
		}
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return nil, notUTF8
		}
		params = append(params, word{name, value})
	}
	return params, ""
}

// unescape decodes a name or value of a form; most have nothing to decode and are not copied.
func unescape(s string) (string, bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, true
	}
	s, err := url.QueryUnescape(s)
	return s, err == nil
}

// readJSON appends the members of one JSON object. A member that is not a string comes back as a value that cannot be mistaken for
// one, so that a repeated name is still seen.
func readJSON(params []word, text string) ([]word, string) {
	if plain, ok := readPlainJSON(params, text); ok {
		return plain, ""
	}
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return nil, notUTF8
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, "the body is not a JSON object"
	}
	for dec.More() {
		if len(params) >= MaxParams {
			return nil, "too many parameters"
		}
		name, err := dec.Token()
		if err != nil {
			return nil, "the body is not JSON"
		}
		value, problem := jsonValue(dec)
		if problem != "" {
			return nil, problem
		}
		w := word{name.(string), value} // Token reports an error where a name is no string
		if strings.ContainsRune(w.name, utf8.RuneError) || strings.ContainsRune(w.value, utf8.RuneError) {
			return nil, "a string has half a character" // a lone surrogate: two names could become one
		}
		params = append(params, w)
	}
	if _, err := dec.Token(); err != nil {
		return nil, "the body is not JSON"
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, "something follows the JSON object"
	}
	return params, ""
}

// notString is the value of a member that is not a string. It has a control character, so neither a hole nor a constant takes it (B30).
const notString = "\x00not a string"

func jsonValue(dec *json.Decoder) (value, problem string) {
	for depth := 0; ; {
		t, err := dec.Token()
		if err != nil {
			return "", "the body is not JSON"
		}
		switch t := t.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				depth++
			} else {
				depth--
			}
			if depth > maxDepth {
				return "", "the body is nested too deeply"
			}
		case string:
			if depth == 0 {
				return t, ""
			}
		}
		if depth == 0 {
			return notString, ""
		}
	}
}

// syntax finds how a body of this content type is read. The media type is exact; its parameters do not change how it is read, so any
// may follow (RFC 9110, section 8.3.1). A charset counts when the body turns out to be no UTF-8.
func (e *Endpoint) syntax(contentType []string) (syntax, bool) {
	if len(contentType) != 1 {
		return 0, false
	}
	if s, ok := e.media[contentType[0]]; ok {
		return s, true
	}
	mediaType, rest, _ := strings.Cut(contentType[0], ";")
	if rest = strings.TrimSpace(rest); rest != "" && !strings.EqualFold(rest, "charset=utf-8") {
		if _, _, err := mime.ParseMediaType(contentType[0]); err != nil {
			return 0, false
		}
	}
	s, ok := e.media[strings.ToLower(strings.TrimSpace(mediaType))]
	return s, ok
}

// misread refuses a request that could not be read. When its body is no UTF-8, and says so, that is a media type we do not take.
func misread(f flaw, h http.Header) *oauth.Error {
	_, params, err := mime.ParseMediaType(strings.Join(h["Content-Type"], ","))
	charset := params["charset"]
	if f.problem != notUTF8 || err != nil || charset == "" || strings.EqualFold(charset, "utf-8") {
		return malformed(f)
	}
	return oauth.Refuse(oauth.WrongCharset, "The body is not in UTF-8.", "charset %q: %s", oauth.Unproven(charset).AmongWords(charsets...), f.problem)
}
