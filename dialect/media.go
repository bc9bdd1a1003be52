package dialect

import (
	"mime"
	"net/http"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

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
