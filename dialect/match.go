package dialect

import (
	"net/http"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// match finds the form of the contract that a request takes. The constants decide: a form fits when the request has each of them. Of
// those that fit, one whose holes are filled goes before one that lacks some, then the one with more constants.
func (e *Endpoint) match(v *values, s syntax, body, query []word, h http.Header) (*form, *oauth.Error) {
	if e.foreign(body) || e.foreign(query) {
		return nil, oauth.Refuse(oauth.UnknownGrantType, "The authorization grant type is not supported.", "unknown grant type")
	}
	var best *form
	rank := -1
	for i := range e.forms {
		f := &e.forms[i]
		if f.syntax != s || !within(f.body, body) || !within(f.query, query) {
			continue
		}
		r := len(f.body) + len(f.query)
		if f.needs&^v.set == 0 {
			r += MaxParams
		}
		if r > rank {
			best, rank = f, r
		}
	}
	switch {
	case best == nil && len(e.words) > 0:
		return nil, oauth.Refuse(oauth.NoGrantType, "The token request must specify a grant type.", "no grant type")
	case best == nil:
		return nil, oauth.Refuse(oauth.NoKnownForm, "No client credentials found.", "a body of another kind, or none")
	case s == noBody && crossOrigin(h): // a browser adds the credentials it remembers to any site's request
		return nil, oauth.Refuse(oauth.BrowserAsks, "A browser may not ask for a token in this way.", "no body, and Origin or Sec-Fetch-Site")
	}
	return best, e.missing(best, v)
}

// missing says what a form needs and the request lacks.
func (e *Endpoint) missing(f *form, v *values) *oauth.Error {
	lacking := f.needs &^ v.set
	switch {
	case lacking == 0:
		return nil
	case lacking&credentials != 0 && !e.dialect.Terms.ClientLabel:
		return oauth.Refuse(oauth.NoCredentials, "No client credentials found.", "no client credentials")
	}
	return oauth.Refuse(oauth.MissingParameter, "A parameter is missing.", "missing: %s", lacking.names())
}

// foreign reports a grant-choosing parameter with a value that no form knows. Empty counts as absent.
func (e *Endpoint) foreign(sent []word) bool {
	for _, p := range sent {
		chooses, known := false, p.value == ""
		for _, w := range e.words {
			chooses = chooses || w.name == p.name
			known = known || w == p
		}
		if chooses && !known {
			return true
		}
	}
	return false
}

// within reports whether each constant was sent.
func within(constants, sent []word) bool {
next:
	for _, c := range constants {
		for _, p := range sent {
			if p == c {
				continue next
			}
		}
		return false
	}
	return true
}

// crossOrigin reports that a browser sends the request for another site.
func crossOrigin(h http.Header) bool {
	site := h.Get("Sec-Fetch-Site")
	return len(h["Origin"]) > 0 || site != "" && site != "none" && site != "same-origin"
}

// holeSet is a set of request holes.
type holeSet uint16

func (s holeSet) has(h hole) bool { return s&(1<<h) != 0 }

func setOf(holes ...hole) (s holeSet) {
	for _, h := range holes {
		s |= 1 << h
	}
	return s
}

// String names the holes of a set, for the operator and for errors.
func (s holeSet) String() string {
	var names []string
	for h := range requestHoles {
		if s.has(h) {
			names = append(names, h.String())
		}
	}
	return strings.Join(names, " ")
}

// names says for people what stands in the holes of a set.
func (s holeSet) names() string {
	var names []string
	for h := range requestHoles {
		if s.has(h) {
			names = append(names, h.name())
		}
	}
	return strings.Join(names, ", ")
}
