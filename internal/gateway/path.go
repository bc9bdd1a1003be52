package gateway

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// maxParameters bounds a query. Readers differ in what they make of more, and a parameter that one of them drops is hidden from it.
const maxParameters = 1000

// plain are the bytes that may stand in a path as they are: those of RFC 3986, section 3.3 without the semicolon. What some servers
// take for the end of a segment's name (/admin;x is /admin to them) is not for a rule to guess at.
var plain = func() (set [256]bool) {
	for _, c := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,=:@/") {
		set[c] = true
	}
	return set
}()

// canonicalPath returns the path of the request as it stands on the wire, or what is wrong with it. It is the one rule of what a
// path is: what it lets through decodes to one path only, whoever decodes it and however often, and is forwarded as it is.
func canonicalPath(r *http.Request) (path, problem string) {
	path, _, _ = strings.Cut(r.RequestURI, "?")
	if problem := checkPath(path, r.URL.Path); problem != "" {
		return "", problem
	}
	if r.URL.EscapedPath() != path {
		return "", "the path was rewritten on its way here"
	}
	return path, ""
}

// checkPath looks at a path in its escaped and its decoded form.
func checkPath(path, decoded string) (problem string) {
	if path == "" || path[0] != '/' {
		return "the target is not a path (origin-form, RFC 9112, section 3.2.1)"
	}
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '%':
			b, ok := escaped(path[i:])
			if !ok {
				return "an escape is not % and two hexadecimal digits"
			}
			if problem := hidden(b); problem != "" {
				return problem
			}
			i += 2
		case !plain[c]:
			return "a byte that may not stand in a path"
		case c == '/' && i > 0 && path[i-1] == '/':
			return "an empty segment"
		}
	}
	if !utf8.ValidString(decoded) {
		return "not UTF-8" // an overlong slash is a slash to some
	}
	folded, problem := compatible(decoded)
	if problem != "" {
		return problem
	}
	for segment := range strings.SplitSeq(folded, "/") {
		if segment != "" && strings.Trim(segment, ". ") == "" {
			return "a segment of dots"
		}
	}
	return ""
}

// slashlike are characters that Unicode does not call compatible with a slash or backslash, and that programs which fold a text into one of
// fewer characters make one of.
const slashlike = "\u2044\u2215\u2216\u29f5\u29f8"

// compatible returns a path as programs read it that fold compatible characters (Unicode, form NFKC): a full-width slash is a slash to
// them. One in which that makes other segments is refused.
func compatible(decoded string) (folded, problem string) {
	for i := range len(decoded) {
		if decoded[i] >= utf8.RuneSelf {
			folded = norm.NFKC.String(decoded)
			for _, c := range `/\%;` {
				if strings.Count(folded, string(c)) != strings.Count(decoded, string(c)) {
					return "", "a character that some read as a slash, a backslash, a percent sign or a semicolon"
				}
			}
			if strings.ContainsAny(decoded, slashlike) {
				return "", "a character that some read as a slash or backslash"
			}
			return folded, ""
		}
	}
	return decoded, ""
}

// escaped reads the escape that text begins with.
func escaped(text string) (b byte, ok bool) {
	if len(text) < 3 {
		return 0, false
	}
	high, low := digit(text[1]), digit(text[2])
	return high<<4 | low, high < 16 && low < 16
}

func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}

// hidden says why a byte may not stand in a path escaped: decoded once too often or once too little, it changes where segments end.
func hidden(b byte) string {
	switch {
	case b == '/' || b == '\\':
		return "an escaped slash or backslash"
	case b == '.':
		return "an escaped dot"
	case b == '%':
		return "an escaped percent sign: whoever decodes twice reads another path"
	case b == ';':
		return "an escaped semicolon"
	case b < 0x20 || b == 0x7f:
		return "an escaped control character"
	}
	return ""
}

// checkQuery looks at a query in the way of url.ParseQuery: what that refuses or drops, another reader may see.
func checkQuery(query string) (problem string) {
	if strings.Count(query, "&") >= maxParameters {
		return "more than 1000 parameters"
	}
	for i := 0; i < len(query); i++ {
		switch c := query[i]; {
		case c == '%':
			if _, ok := escaped(query[i:]); !ok {
				return "an escape in the query is not % and two hexadecimal digits"
			}
			i += 2
		case c == ';':
			return "a semicolon in the query: to some it separates parameters"
		case c == '#':
			return "a fragment"
		case c <= 0x20 || c == 0x7f:
			return "a control character in the query"
		}
	}
	return ""
}

// methods are the words of HTTP for what a caller wants (RFC 9110, section 9).
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}

// maxSegments bounds what is shown of a path.
const maxSegments = 12

// pathShown is the path of a call as it may be written down: the segments that routes declare as they came, of any other its beginning and
// length. A token or a customer's number stands in paths too.
func (g *Gateway) pathShown(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	segments := strings.SplitN(path, "/", maxSegments+1)
	for i, s := range segments {
		if i == maxSegments {
			segments = append(segments[:i], "…")
			break
		}
		segments[i] = oauth.Unproven(s).AmongWords(g.words...)
	}
	return strings.Join(segments, "/")
}
