package dialect

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Bounds of single values, in bytes. No contract we know comes near.
const (
	maxName  = 256 // client_id, username
	maxValue = 4096
)

// values are the holes of one request with what filled them.
type values struct {
	text [requestHoles]string
	set  holeSet
}

// put fills a hole; empty counts as absent. It reports false when the hole has a value already. A client may say its id again where
// that proves nothing (RFC 6749, section 3.2.1); what is secret stands in one place.
func (v *values) put(h hole, text string) bool {
	switch {
	case text == "":
		return true
	case v.set.has(h):
		return h == holeClientID && v.text[h] == text
	}
	v.text[h], v.set = text, v.set|1<<h
	return true
}

// credentials are the holes a client proves itself with.
const credentials = holeSet(1<<holeClientID | 1<<holeClientSecret)

// fill takes each hole from the one place it stands in.
func (e *Endpoint) fill(v *values, who *oauth.Asker, h http.Header, params []word, s syntax) *oauth.Error {
	asserts := false
	for _, p := range params {
		asserts = asserts || p.name == "client_assertion" && p.value != ""
		for _, f := range e.body[s] {
			if f.name == p.name && !v.put(f.hole, p.value) {
				return givenTwice(f.hole)
			}
		}
	}
	for _, f := range e.header {
		switch given := h[f.name]; {
		case len(given) > 1:
			return malformed(flaw{oauth.RepeatedParameter, "a header is repeated"})
		case len(given) == 1 && !v.put(f.hole, given[0]):
			return givenTwice(f.hole)
		}
	}
	if v.set.has(holeClientSecret) {
		who.Auth = oauth.AuthPost
	}
	if e.basic {
		if refusal := fillBasic(v, who, h["Authorization"]); refusal != nil {
			return refusal
		}
	} else if v.set.has(holeClientSecret) && isBasic(h["Authorization"]) {
		return manyWays("basic header, which this contract does not read, and body credentials")
	}
	if asserts && who.Auth != oauth.AuthNone {
		return manyWays("client_assertion and " + string(who.Auth))
	}
	return e.check(v)
}

func givenTwice(h hole) *oauth.Error {
	if h == holeClientID {
		return malformed(flaw{oauth.RepeatedParameter, "client_id has two values"})
	}
	return malformed(flaw{oauth.RepeatedParameter, holeNames[h] + " is given twice"})
}

// manyWays refuses two ways of authenticating in one request (RFC 6749, section 2.3).
func manyWays(reason string) *oauth.Error {
	return oauth.Refuse(oauth.TwoCredentials, "The client authenticates in more than one way.", "%s", reason)
}

func isBasic(lines []string) bool {
	return slices.ContainsFunc(lines, func(l string) bool {
		scheme, _, _ := strings.Cut(l, " ")
		return strings.EqualFold(scheme, "Basic")
	})
}

// fillBasic reads Authorization: Basic (RFC 7617) raw, as most callers write it, and notes the form-decoded reading of RFC 6749,
// section 2.3.1, where that differs.
func fillBasic(v *values, who *oauth.Asker, lines []string) *oauth.Error {
	if len(lines) == 0 {
		return nil
	}
	if len(lines) > 1 {
		return malformed(flaw{oauth.RepeatedParameter, "the Authorization header is repeated"})
	}
	scheme, encoded, _ := strings.Cut(lines[0], " ")
	if !strings.EqualFold(scheme, "Basic") {
		return nil
	}
	if v.set.has(holeClientSecret) {
		return manyWays("basic header and body credentials")
	}
	raw, ok := decodeBase64(strings.TrimLeft(encoded, " ")) // one space or more (RFC 9110, section 11.4)
	id, secret, pair := strings.Cut(raw, ":")               // the first colon splits: an id has none (RFC 7617, section 2)
	if !ok || !pair || id == "" {
		return oauth.AuthenticationFailed(oauth.UnreadableBasic, "basic header is not base64 of id:secret")
	}
	who.Auth = oauth.AuthBasic
	given, decoded := oauth.Credential{ID: oauth.Unproven(id), Secret: oauth.Secret(secret)}, (*oauth.Credential)(nil)
	if strings.ContainsAny(raw, "%+") {
		decoded = formDecoded(id, secret)
	}
	if named := v.text[holeClientID]; named != "" && decoded != nil && string(decoded.ID) != id { // beside the header it says which reading is meant
		if named == string(decoded.ID) {
			given = *decoded
		}
		decoded = nil
	}
	if !v.put(holeClientID, string(given.ID)) {
		return givenTwice(holeClientID)
	}
	v.put(holeClientSecret, given.Secret.Reveal())
	who.Decoded = decoded
	return nil
}

// formDecoded is the other reading of a Basic header, or nil where it cannot be one.
func formDecoded(id, secret string) *oauth.Credential {
	id, err1 := url.QueryUnescape(id)
	secret, err2 := url.QueryUnescape(secret)
	if err1 != nil || err2 != nil || id == "" || !clean(id) || !clean(secret) {
		return nil
	}
	return &oauth.Credential{ID: oauth.Unproven(id), Secret: oauth.Secret(secret)}
}

// strict refuses base64 whose last character has bits to spare: one credential, one spelling.
var strict = base64.StdEncoding.Strict()

func decodeBase64(text string) (string, bool) {
	if len(text) > 2*maxValue || strings.ContainsAny(text, "\r\n") { // the decoder skips line ends
		return "", false
	}
	var in, out [256]byte
	raw, err := strict.AppendDecode(out[:0], append(in[:0], text...))
	return string(raw), err == nil
}

// check refuses values no contract can mean. A credential of that kind cannot be right, and is refused as a wrong one is.
func (e *Endpoint) check(v *values) *oauth.Error {
	for h := range requestHoles {
		text, kind, problem := v.text[h], oauth.CredentialControl, "is not a text, or has control characters"
		switch {
		case !clean(text):
		case len(text) > maxValue, len(text) > maxName && (h == holeClientID || h == holeUsername):
			kind, problem = oauth.LongCredential, "is too long"
		default:
			continue
		}
		if credentials.has(h) && !e.dialect.Terms.ClientLabel {
			return oauth.AuthenticationFailed(kind, "the %s %s", h.name(), problem)
		}
		return malformed(flaw{oauth.UnusableValue, "a value " + problem})
	}
	if !oauth.ValidScope(v.text[holeScope]) {
		return oauth.Refuse(oauth.ScopeGrammar, "The scope is not a list of words with one space between them.", "scope grammar")
	}
	return nil
}

// clean reports whether a value is UTF-8 without control characters (RFC 6749, appendix A).
func clean(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) { // those beyond ASCII too: U+009B begins a terminal's commands as ESC does
			return false
		}
	}
	return utf8.ValidString(s)
}
