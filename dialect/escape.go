package dialect

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// text is the value of a hole that is a text. Which holes an answer may have was settled when it was compiled.
func (f *filling) text(h hole) string {
	switch h {
	case holePath:
		return f.about.Path
	case holeRealm:
		return f.about.Realm
	case holeRequestID:
		return f.about.RequestID
	case holeMetadata:
		return f.about.Metadata
	}
	if t := f.token; t != nil {
		switch h {
		case holeAccessToken:
			return t.AccessToken
		case holeRefreshToken:
			return t.RefreshToken
		case holeScope:
			return t.Scope
		case holeClientID:
			return t.ClientID
		case holeUsername:
			return t.Username
		}
		return ""
	}
	switch h {
	case holeError:
		return string(f.err.Code.Standard())
	case holeDescription:
		return f.err.Description
	case holeScope:
		return f.about.Scope
	}
	return ""
}

func appendExpiry(dst []byte, t *oauth.Token, as format) []byte {
	at := t.IssuedAt.Add(t.ExpiresIn)
	switch as {
	case millis:
		return strconv.AppendInt(dst, t.ExpiresIn.Milliseconds(), 10)
	case unixTime:
		return strconv.AppendInt(dst, at.Unix(), 10)
	case rfc3339:
		return at.UTC().AppendFormat(dst, time.RFC3339)
	}
	return strconv.AppendInt(dst, int64(t.ExpiresIn/time.Second), 10)
}

// plainIn says which bytes stand for themselves in a language; JSON is package oauth's. In a header they are those of a quoted-string
// without its escapes (RFC 9110, section 5.6.4).
var plainIn = func() (plain [4][256]bool) {
	for c := range 256 {
		visible := c >= 0x20 && c < 0x7f
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		special := c == '"' || c == '\\'
		plain[inHeader][c] = visible && !special
		plain[inForm][c] = letter || c == '-' || c == '.' || c == '_' || c == '~'
		plain[inText][c] = visible
	}
	return plain
}()

const hexDigits = "0123456789abcdef"

// appendEscaped writes text in the language it stands in, so that no value can end its string, its header or its answer.
func appendEscaped(dst []byte, text string, lang escape) []byte {
	if lang == inJSON {
		return oauth.AppendJSONText(dst, text)
	}
	plain := &plainIn[lang]
	start := 0
	for i := 0; i < len(text); {
		if plain[text[i]] {
			i++
			continue
		}
		dst = append(dst, text[start:i]...)
		r, size := utf8.DecodeRuneInString(text[i:])
		dst = appendSpecial(dst, r, text[i:i+size], lang)
		i += size
		start = i
	}
	return append(dst, text[start:]...)
}

// appendSpecial writes one character that does not stand for itself.
func appendSpecial(dst []byte, r rune, bytes string, lang escape) []byte {
	switch {
	case lang == inHeader:
		return append(dst, '_')
	case lang == inForm:
		for i := range len(bytes) {
			dst = append(dst, '%', hexDigits[bytes[i]>>4], hexDigits[bytes[i]&15])
		}
		return dst
	case r >= utf8.RuneSelf: // what is not UTF-8 has become U+FFFD
		return utf8.AppendRune(dst, r)
	}
	return append(dst, ' ')
}
