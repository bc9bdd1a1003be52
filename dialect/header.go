package dialect

import (
	"net/http"
	"slices"
	"strings"
)

// ownHeaders are set by code, alike for every dialect, or by net/http.
var ownHeaders = []string{
	"Allow", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Date", "Keep-Alive", "Retry-After", "Set-Cookie",
	"Trailer", "Transfer-Encoding", "Upgrade", "X-Content-Type-Options", "X-Request-Id",
}

// header adds a header line to the block: a token, a colon, a value of printable ASCII on one line (RFC 9112, section 5).
func (b *block) header(l line) error {
	name, value, ok := strings.Cut(l.text, ":")
	if !ok || name == "" || strings.Trim(name, tokenChars) != "" {
		return b.errorAt(l, 0, "a header line is a name, a colon and a value; a body needs an empty line above it")
	}
	f := headerField{l, http.CanonicalHeaderKey(name), strings.TrimSpace(value), len(name) + 1}
	f.offset += len(value) - len(strings.TrimLeft(value, " \t"))
	if i := strings.IndexFunc(f.value, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
		return b.errorAt(l, f.offset+i, "a header value is printable ASCII: take this character out")
	}
	if f.value == "" {
		return b.errorAt(l, f.offset, "the header %s has no value: write one, or take the line out", name)
	}
	b.headers = append(b.headers, f)
	return nil
}

// tokenChars are the characters of a header's name (RFC 9110, section 5.6.2).
const tokenChars = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// pieces cuts the value of a header at its holes.
func (f headerField) pieces(b *block) ([]piece, error) {
	ps, wrong := pieces(f.value)
	if wrong != nil {
		return nil, b.errorAt(f.line, f.offset+wrong.offset, "%s", wrong.problem)
	}
	return ps, nil
}

// contentType returns the media type that stands above a body, in lower case and without parameters; "" when there is none.
func (b *block) contentType() string {
	for _, f := range b.headers {
		if f.name == "Content-Type" {
			mediaType, _, _ := strings.Cut(f.value, ";")
			return strings.ToLower(strings.TrimSpace(mediaType))
		}
	}
	return ""
}

// readHeader compiles a header of an answer.
func (a *answer) readHeader(b *block, f headerField) error {
	if slices.Contains(ownHeaders, f.name) {
		return b.errorAt(f.line, 0, "%s is not for a dialect to choose: take this line out", f.name)
	}
	ps, err := f.pieces(b)
	if err != nil {
		return err
	}
	for _, p := range ps {
		problem := a.cannotFill(p)
		if p.isHole && (p.hole == holeAccessToken || p.hole == holeRefreshToken) {
			problem = "a token does not belong in a header: logs keep headers; show it in the body"
		}
		if problem != "" {
			return b.errorAt(f.line, f.offset+p.offset, "%s", problem)
		}
	}
	h := headerLine{name: f.name}
	if text, ok := constant(ps); ok {
		h.constant = []string{text}
	}
	var wrong *fault
	if h.segments, wrong = segments(f.value, ps, inHeader); wrong != nil {
		return b.errorAt(f.line, f.offset+wrong.offset, "%s", wrong.problem)
	}
	h.again = slices.ContainsFunc(a.header, func(other headerLine) bool { return other.name == h.name })
	a.header = append(a.header, h)
	return nil
}
