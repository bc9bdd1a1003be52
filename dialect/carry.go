package dialect

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// maxToken bounds a token that is carried to an API, in bytes.
const maxToken = 16 << 10

// carrier is a header field in which an API takes a token.
type carrier struct {
	name   string // canonical
	scheme string // Bearer, or empty where the whole value is the token
}

// addCarrier compiles a block that shows a call with a token. Headers without a hole are there for the reader.
func (d *Dialect) addCarrier(b *block) error {
	if err := b.noHoleInURL(); err != nil {
		return err
	}
	var found []carrier
	for _, h := range b.headers {
		if !strings.Contains(h.value, "{{") {
			continue
		}
		scheme, ok := strings.CutSuffix(h.value, "{{access_token}}")
		scheme, space := strings.CutSuffix(scheme, " ")
		if !ok || strings.Trim(scheme, tokenChars) != "" || space != (scheme != "") || len(found) > 0 {
			return b.errorAt(h.line, h.offset, "a token is carried once, as Authorization: Bearer {{access_token}} or as the whole of a header")
		}
		found = append(found, carrier{h.name, scheme})
	}
	switch {
	case len(found) == 0:
		return b.errorf("a block with @carry shows a header with the hole {{access_token}}")
	case slices.ContainsFunc(d.carriers, func(c carrier) bool { return c.name == found[0].name }):
		return b.errorf("a block above carries the token in the header %s already: keep one", found[0].name)
	case strings.Contains(b.bodyText(), "{{"):
		return b.bodyErrorf(0, "a token is carried in a header, so no hole may stand in the body of a call")
	}
	d.carriers = append(d.carriers, found[0])
	return nil
}

// carried returns the carriers of the dialect, or of the standard one where it names none.
func (d *Dialect) carried() []carrier {
	if len(d.carriers) == 0 {
		return Standard().carriers
	}
	return d.carriers
}

// Carried takes the access token out of a call to an API (RFC 6750, section 2). The scheme is read without regard to case, one
// space follows it (RFC 9110, section 11.1); a token in two places, or one more in the URL, is refused.
func (d *Dialect) Carried(r *http.Request) (string, *oauth.Error) {
	token, malformed := "", false
	for _, c := range d.carried() {
		lines := r.Header[c.name]
		if len(lines) == 0 {
			continue
		}
		if len(lines) > 1 || token != "" {
			return "", oauth.Refuse(oauth.TwoTokens, "The token is carried more than once.", "repeated %s header or two carriers", c.name)
		}
		text := lines[0]
		if c.scheme != "" {
			scheme, rest, _ := strings.Cut(text, " ")
			if text = rest; !strings.EqualFold(scheme, c.scheme) {
				malformed = true
				continue
			}
		}
		if !tokenText(text) {
			malformed = true
			continue
		}
		token = text
	}
	switch {
	case malformed:
		return "", oauth.Refuse(oauth.MalformedTokenText, "The token is malformed.", "no token68 after the scheme")
	case token == "":
		return "", oauth.Refuse(oauth.NoTokenSent, "", "no token")
	case oauth.TokenInQuery(r.URL.RawQuery):
		return "", oauth.Refuse(oauth.TwoTokens, "The token is carried more than once.", "access_token in the query")
	}
	return token, nil
}

// tokenText reports whether s is what RFC 6750, section 2.1 calls a b64token.
func tokenText(s string) bool {
	if len(s) > maxToken {
		return false
	}
	body := strings.TrimRight(s, "=")
	for i := range len(body) {
		c := body[i]
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && strings.IndexByte("-._~+/", c) < 0 {
			return false
		}
	}
	return body != ""
}

// Strip removes the caller's token from a header that travels on to an API.
func (d *Dialect) Strip(h http.Header) {
	h.Del("Authorization")
	for _, c := range d.carried() {
		h.Del(c.name)
	}
}
