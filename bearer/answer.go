package bearer

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// inAuthorization takes the token out of the header Authorization (RFC 6750, section 2.1). The scheme has no case and one space follows
// it. Another scheme is no token at all (section 3.1); a form body is not read.
func inAuthorization(r *http.Request) (string, *oauth.Error) {
	lines := r.Header["Authorization"]
	if len(lines) > 1 {
		return "", oauth.Refuse(oauth.TwoTokens, "The token is carried more than once.", "%d Authorization headers", len(lines))
	}
	if len(lines) == 0 {
		return "", oauth.Refuse(oauth.NoTokenSent, "", "no token")
	}
	scheme, text, _ := strings.Cut(lines[0], " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
		return "", oauth.Refuse(oauth.OtherScheme, "", "the scheme of Authorization is %q", oauth.Unproven(scheme).AmongWords("Basic", "Digest", "DPoP", "Token", "ApiKey"))
	case !isToken(text):
		return "", oauth.Refuse(oauth.UnreadableToken, "The token is malformed.", "no b64token of at most %d bytes after the scheme", maxToken)
	case r.URL.RawQuery != "" && oauth.TokenInQuery(r.URL.RawQuery):
		return "", oauth.Refuse(oauth.TwoTokens, "The token is carried more than once.", "access_token in the query as well")
	}
	return text, nil
}

// isToken reports a b64token (RFC 6750, section 2.1).
func isToken(s string) bool {
	body := strings.TrimRight(s, "=")
	for i := range len(body) {
		c := body[i]
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && strings.IndexByte("-._~+/", c) < 0 {
			return false
		}
	}
	return body != "" && len(s) <= maxToken
}

// status is the HTTP status of a refusal (RFC 6750, section 3.1).
func status(c oauth.Code) int {
	switch c.Standard() {
	case oauth.InvalidToken:
		return http.StatusUnauthorized
	case oauth.InsufficientScope:
		return http.StatusForbidden
	case oauth.Unavailable:
		if c == oauth.Throttled {
			return http.StatusTooManyRequests
		}
		return http.StatusServiceUnavailable
	case oauth.ServerError:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// answer writes a refusal as RFC 6750, section 3 has it, with a body for programs that do not read headers.
func answer(w http.ResponseWriter, e *oauth.Error, about About) {
	h, code := w.Header(), status(e.Code)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if code < http.StatusInternalServerError && code != http.StatusTooManyRequests {
		h.Set("WWW-Authenticate", challenge(e, &about))
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((e.RetryAfter-1)/time.Second)+1, 10))
	}
	if e.Code == oauth.NoToken { // section 3.1: who did not know that a token is needed is told nothing about errors
		w.WriteHeader(code)
		return
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(code)
	body := append(oauth.AppendJSON([]byte(`{"error":`), string(e.Code.Standard())), `,"error_description":`...)
	_, _ = w.Write(append(oauth.AppendJSON(body, e.Description), "}\n"...)) // a caller that went away cannot be told
}

// challenge renders WWW-Authenticate (RFC 6750, section 3; RFC 9728, section 5.1).
func challenge(e *oauth.Error, about *About) string {
	c := []byte("Bearer ")
	c = appendParameter(c, "realm", about.Realm)
	if e.Code != oauth.NoToken {
		c = appendParameter(c, "error", string(e.Code.Standard()))
		c = appendParameter(c, "error_description", e.Description)
	}
	if e.Code == oauth.InsufficientScope {
		c = appendParameter(c, "scope", about.Scope)
	}
	return string(appendParameter(c, "resource_metadata", about.Metadata))
}

// appendParameter appends a parameter unless it is empty. What would need an escape becomes _, so that no value ends its string.
func appendParameter(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	if dst[len(dst)-1] == '"' {
		dst = append(dst, ", "...)
	}
	dst = append(append(dst, name...), `="`...)
	for i := range len(value) {
		c := value[i]
		if c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			c = '_'
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}
