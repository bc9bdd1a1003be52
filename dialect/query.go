package dialect

import (
	"net/http"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// aboutTokens reads requests about tokens as the standard dialect's endpoint reads those for tokens, but for the grant.
var aboutTokens = &Endpoint{
	dialect: &Dialect{},
	basic:   true,
	media:   map[string]syntax{"application/x-www-form-urlencoded": formBody},
	body:    [syntaxes][]field{formBody: {{"client_id", holeClientID}, {"client_secret", holeClientSecret}}},
}

// DecodeQuery reads a request about a token: POST of a form, with the client's credential in Authorization: Basic or in the form, never in
// both (RFC 7662, section 2.1; RFC 7009, section 2.1). It consumes the body, to MaxBody bytes at most, and is as strict as
// Endpoint.Decode. What it returns is complete but for what only the surface knows. The refusal is for Standard to spell.
func DecodeQuery(r *http.Request) (oauth.TokenQuery, *oauth.Error) {
	e, q := aboutTokens, oauth.TokenQuery{Asker: oauth.Asker{Auth: oauth.AuthNone}}

	// 1 The envelope.
	if r.Method != http.MethodPost {
		return q, wrongMethod("A request about a token is made with POST.", r)
	}
	text, syntax, refusal := e.open(r)
	if refusal != nil {
		return q, refusal
	}

	// 2 The parameters, each at most once and none in the URL.
	var space [8]word
	params, inBody, flawed := readParams(space[:0], text, syntax, r.URL.RawQuery)
	body, query := params[:inBody], params[inBody:]
	if flawed == none {
		flawed = e.police(body, query, syntax)
	}
	if flawed == none {
		flawed = takeToken(&q, body, query)
	}
	if flawed != none {
		return q, misread(flawed, r.Header)
	}

	// 3 Who asks, and about what.
	if refusal := e.identify(&q.Asker, r.Header, body, syntax); refusal != nil {
		return q, refusal
	}
	if q.Token == "" {
		return q, oauth.Refuse(oauth.MissingParameter, "A parameter is missing.", "missing: token")
	}
	return q, nil
}

// takeToken takes the token and the hint out of the parameters.
func takeToken(q *oauth.TokenQuery, body, query []word) flaw {
	for _, p := range query {
		if strings.EqualFold(p.name, "token") || strings.EqualFold(p.name, "token_type_hint") {
			return flaw{oauth.SecretInQuery, "a token does not belong in the query"}
		}
	}
	for _, p := range body {
		switch {
		case p.name != "token" && p.name != "token_type_hint":
		case !clean(p.value):
			return flaw{oauth.UnusableValue, "a value is not a text, or has control characters"}
		case p.name == "token":
			q.Token = oauth.Secret(p.value)
		default:
			q.Hint = oauth.Unproven(p.value)
		}
	}
	return none
}

// DecodeAsker reads who asks for a document that not everybody may read: GET or HEAD, with the client's credential in
// Authorization: Basic and nowhere else. The query is the surface's; no parameter stands in it twice. The refusal is for Standard to spell.
func DecodeAsker(r *http.Request) (oauth.Asker, *oauth.Error) {
	e, who := aboutTokens, oauth.Asker{Auth: oauth.AuthNone}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return who, wrongMethod("This document can only be read.", r)
	}
	query, problem := readForm(nil, r.URL.RawQuery)
	flawed := flaw{oauth.UnreadableBody, problem}
	if problem == "" {
		flawed = e.police(nil, query, noBody)
	}
	if flawed != none {
		return who, malformed(flawed)
	}
	refusal := e.identify(&who, r.Header, nil, noBody)
	return who, refusal
}

// identify finds out who asks.
func (e *Endpoint) identify(who *oauth.Asker, h http.Header, body []word, s syntax) *oauth.Error {
	var v values
	if refusal := e.fill(&v, who, h, body, s); refusal != nil {
		return refusal
	}
	if credentials&^v.set != 0 {
		return oauth.Refuse(oauth.NoCredentials, "No client credentials found.", "no client credentials")
	}
	who.Client.ID, who.Client.Secret = oauth.Unproven(v.text[holeClientID]), oauth.Secret(v.text[holeClientSecret])
	return nil
}
