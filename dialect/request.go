package dialect

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// syntax is how a body is written.
type syntax uint8

const (
	noBody syntax = iota
	formBody
	jsonBody
	syntaxes // how many
)

// Endpoint is one URL of a contract where tokens are asked for: the union of all request blocks that name its path.
type Endpoint struct {
	Path string

	dialect *Dialect
	basic   bool              // a client may prove itself with Authorization: Basic
	header  []field           // holes in header fields, by canonical name
	body    [syntaxes][]field // holes in bodies
	words   []word            // all constants, of bodies and query: what can choose a grant
	media   map[string]syntax // which media type is read how
	forms   []form
}

// field is a named place that a hole is filled from.
type field struct {
	name string
	hole hole
}

// word is a parameter with a constant value: it chooses the grant.
type word struct{ name, value string }

// form is one shape a request may take: the compiled request block.
type form struct {
	block  *block
	grant  oauth.GrantType
	syntax syntax
	body   []word  // constants in the body
	query  []word  // constants in the query string
	takes  holeSet // holes it shows
	needs  holeSet // holes that must be filled
	bare   bool    // marked bodyless: nothing but the credential says what is wanted
}

// Dialect returns the contract this endpoint belongs to.
func (e *Endpoint) Dialect() *Dialect { return e.dialect }

// addRequest compiles a request block into the endpoint of its path.
func (d *Dialect) addRequest(b *block, grant *oauth.GrantType) error {
	f := form{block: b}
	if err := f.directives(b, grant); err != nil {
		return err
	}
	path, query, err := b.target()
	if err != nil {
		return err
	}
	e := d.Endpoint(path)
	if e == nil {
		e = &Endpoint{Path: path, dialect: d, media: map[string]syntax{}}
		d.endpoints = append(d.endpoints, e)
	}
	if err := f.readQuery(b, query); err != nil {
		return err
	}
	if err := e.readHeaders(b, &f); err != nil {
		return err
	}
	if err := e.readBody(b, &f); err != nil {
		return err
	}
	return e.addForm(b, f)
}

func (f *form) directives(b *block, grant *oauth.GrantType) error {
	if dir, ok := b.directive("grant"); ok {
		if err := dir.grant(b, grant); err != nil {
			return err
		}
	}
	if dir, ok := b.directive("accept"); ok {
		if f.bare = dir.value == "bodyless"; dir.value != "" && !f.bare {
			return dir.errorf(b, "@accept stands alone or with the word bodyless, not %q", dir.value)
		}
	}
	if *grant == "" {
		return b.errorf("no block above says which grant this is: write # @grant client_credentials, password or refresh_token")
	}
	f.grant = *grant
	return nil
}

// target reads POST /token?a=b.
func (b *block) target() (path, query string, err error) {
	if err := b.noHoleInURL(); err != nil {
		return "", "", err
	}
	method, target, _ := strings.Cut(b.start.text, " ")
	target, version, _ := strings.Cut(target, " ")
	path, query, _ = strings.Cut(target, "?")
	switch {
	case method != http.MethodPost:
		return "", "", b.errorAt(b.start, 0, "a token is asked for with POST (RFC 6749, section 3.2), not %q", method)
	case !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "#%\t") || version != "" && version != "HTTP/1.1":
		return "", "", b.errorAt(b.start, len("POST "), "a request line is POST and a path that starts with /, without a host: POST /token")
	}
	return path, query, nil
}

// noHoleInURL: addresses are logged, kept in histories and passed on (RFC 6749, section 2.3.1; RFC 6750, section 2.3).
func (b *block) noHoleInURL() error {
	if i := strings.Index(b.start.text, "{{"); i >= 0 {
		return b.errorAt(b.start, i, "no hole may stand in a URL, because addresses are logged: put it into a header or the body")
	}
	return nil
}

func (f *form) readQuery(b *block, query string) error {
	words, problem := readForm(nil, query)
	if problem != "" {
		return b.errorAt(b.start, strings.Index(b.start.text, "?")+1, "the query string cannot be read: %s", problem)
	}
	f.query = words
	return nil
}

// readHeaders finds the holes in header fields. A header without one is there for the reader.
func (e *Endpoint) readHeaders(b *block, f *form) error {
	for i, h := range b.headers {
		if slices.ContainsFunc(b.headers[:i], func(other headerField) bool { return other.name == h.name }) {
			return b.errorAt(h.line, 0, "the header %s stands here a second time: keep one", h.name)
		}
		ps, err := h.pieces(b)
		if err != nil {
			return err
		}
		if _, ok := constant(ps); ok {
			continue
		}
		if h.name == "Authorization" {
			if h.value != "Basic {{client_id}}:{{client_secret}}" {
				return b.errorAt(h.line, h.offset, "in a request for a token Authorization can only be: Basic {{client_id}}:{{client_secret}}")
			}
			e.basic = true
			f.takes |= setOf(holeClientID, holeClientSecret)
			f.needs |= setOf(holeClientID, holeClientSecret)
			continue
		}
		p, ok := sole(ps)
		if !ok || p.hole >= requestHoles || h.name == "Content-Type" || h.name == "Content-Length" {
			return b.errorAt(h.line, h.offset, "a header value is a constant or one hole of a request: %v", requestSet)
		}
		if e.header, ok = addField(e.header, f, h.name, p); !ok {
			return b.errorAt(h.line, h.offset, "in another block of %s the header %s is another hole", e.Path, h.name)
		}
	}
	return nil
}

// requestSet is every hole a request can fill.
const requestSet holeSet = 1<<requestHoles - 1

// mediaSyntax is how the media types that requests may have are read.
var mediaSyntax = map[string][]syntax{
	"application/x-www-form-urlencoded": {formBody},
	"application/json":                  {jsonBody},
	"text/plain":                        {jsonBody, formBody},
}

// readBody compiles a body: a form, or an object of strings.
func (e *Endpoint) readBody(b *block, f *form) error {
	text := b.bodyText()
	if text == "" {
		return nil
	}
	if f.syntax = formBody; strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "{{") {
		f.syntax = jsonBody
	}
	mediaType := b.contentType()
	if !slices.Contains(mediaSyntax[mediaType], f.syntax) {
		return b.bodyErrorf(0, "a body needs a Content-Type above it that says what it is: application/x-www-form-urlencoded or application/json")
	}
	if known, ok := e.media[mediaType]; ok && known != f.syntax {
		return b.errorf("another block of %s writes %s in another way: keep one", e.Path, mediaType)
	}
	e.media[mediaType] = f.syntax
	if _, wrong := pieces(text); wrong != nil {
		return b.bodyErrorf(wrong.offset, "%s", wrong.problem)
	}
	params, problem := readExample(text, f.syntax)
	if problem != "" {
		return b.bodyErrorf(0, "the body cannot be read: %s", problem)
	}
	for _, p := range params {
		offset := max(strings.Index(text, p.value), 0)
		ps, wrong := pieces(p.value)
		if wrong != nil {
			return b.bodyErrorf(offset, "%s", wrong.problem)
		}
		if v, ok := constant(ps); ok {
			f.body = append(f.body, word{p.name, v})
			continue
		}
		hole, ok := sole(ps)
		if !ok || hole.hole >= requestHoles {
			return b.bodyErrorf(offset, "a value in a body is a constant or one hole of a request: %v", requestSet)
		}
		if e.body[f.syntax], ok = addField(e.body[f.syntax], f, p.name, hole); !ok {
			return b.bodyErrorf(offset, "in another block of %s the parameter %s is another hole", e.Path, p.name)
		}
	}
	return nil
}

// readExample reads an example body by the same strict decoders that read real ones.
func readExample(text string, s syntax) (params []word, problem string) {
	if s == jsonBody {
		params, problem = readJSON(nil, text)
	} else if params, problem = readForm(nil, text); strings.Contains(text, "\n") {
		problem = "a form stands on one line"
	}
	if problem == "" {
		problem = repeated(params, s).problem
	}
	for _, p := range params {
		if problem == "" && (p.value == "" || !clean(p.value)) {
			problem = "the value of " + p.name + " is not a text: every value is a constant text or a hole"
		}
	}
	return params, problem
}

// addField records a place for a hole and, unless it may be absent, that this form needs it. It reports false when the place belongs
// to another hole.
func addField(fields []field, f *form, name string, p piece) ([]field, bool) {
	f.takes |= setOf(p.hole)
	if !p.optional {
		f.needs |= setOf(p.hole)
	}
	for _, other := range fields {
		if other.name == name {
			return fields, other.hole == p.hole
		}
	}
	return append(fields, field{name, p.hole}), true
}

// addForm checks a compiled block against what every grant needs and against the other blocks of its endpoint.
func (e *Endpoint) addForm(b *block, f form) error {
	need := map[oauth.GrantType]holeSet{
		oauth.ClientCredentials: setOf(holeClientID, holeClientSecret),
		oauth.Password:          setOf(holeUsername, holePassword),
		oauth.RefreshToken:      setOf(holeRefreshToken),
	}[f.grant]
	if lacking := need &^ f.needs; lacking != 0 {
		return b.errorf("a block with @grant %s needs %v", f.grant, lacking)
	}
	if f.bare && (f.syntax != noBody || len(f.query) > 0 || f.grant != oauth.ClientCredentials) {
		return b.errorf("@accept bodyless is for client_credentials with neither body nor query: take the word out, or the body")
	}
	if f.syntax == noBody && len(f.query) == 0 && !f.bare {
		return b.errorf("the request has neither body nor query to say what is wanted: write a body, or # @accept bodyless")
	}
	for _, other := range e.forms {
		same := f.syntax == other.syntax && within(f.body, other.body) && within(other.body, f.body) &&
			within(f.query, other.query) && within(other.query, f.query)
		if same && f.grant != other.grant {
			return b.errorf("the request in line %d has the same constants but @grant %s: write a constant that tells them apart", other.block.at, other.grant)
		}
	}
	for _, w := range slices.Concat(f.body, f.query) {
		if !slices.Contains(e.words, w) {
			e.words = append(e.words, w)
		}
	}
	e.forms = append(e.forms, f)
	for _, w := range e.words {
		for _, fields := range e.body {
			if slices.ContainsFunc(fields, func(at field) bool { return at.name == w.name }) {
				return b.errorf("the parameter %s of %s is a constant in one block and a hole in another", w.name, e.Path)
			}
		}
	}
	return nil
}
