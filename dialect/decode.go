package dialect

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Limits of a token request, alike for all dialects.
const (
	MaxBody   = 64 << 10 // bytes
	MaxParams = 100      // in body and query together
)

// Decode reads a request for a token. It consumes the body, to MaxBody bytes at most. What it returns is complete but for what only
// the surface knows (tenant, request id, source). The error is always a refusal that EncodeError can spell.
func (e *Endpoint) Decode(r *http.Request) (oauth.TokenRequest, *oauth.Error) {
	req := oauth.TokenRequest{Dialect: e.dialect.Name, Terms: &e.dialect.Terms, Asker: oauth.Asker{Auth: oauth.AuthNone}}

	// 1 The envelope: is this something we read at all?
	text, syntax, refusal := e.open(r)
	if refusal != nil {
		return req, refusal
	}

	// 2 The parameters, each at most once.
	var space [16]word
	params, inBody, flawed := readParams(space[:0], text, syntax, r.URL.RawQuery)
	body, query := params[:inBody], params[inBody:]
	if flawed == none {
		flawed = e.police(body, query, syntax)
	}
	if flawed != none {
		return req, misread(flawed, r.Header)
	}

	// 3 The holes: who asks, and what is said about what is wanted.
	var v values
	if refusal := e.fill(&v, &req.Asker, r.Header, body, syntax); refusal != nil {
		return req, refusal
	}

	// 4 The grant: which of the contract's forms is this?
	form, refusal := e.match(&v, syntax, body, query, r.Header)
	if refusal != nil {
		return req, refusal
	}
	req.Grant, req.Bodyless = form.grant, form.bare
	req.Client.ID, req.Client.Secret = oauth.Unproven(v.text[holeClientID]), oauth.Secret(v.text[holeClientSecret])
	req.Username, req.Password, req.TOTP = oauth.Unproven(v.text[holeUsername]), oauth.Secret(v.text[holePassword]), oauth.Secret(v.text[holeTOTP])
	req.RefreshToken, req.Scope = oauth.Secret(v.text[holeRefreshToken]), oauth.Unproven(v.text[holeScope])
	if e.dialect.Terms.ClientLabel && req.Client.ID == "" {
		req.Client.ID = req.Username
	}
	return req, nil
}

// open checks method and media type and reads the body.
func (e *Endpoint) open(r *http.Request) (string, syntax, *oauth.Error) {
	if r.Method != http.MethodPost { // RFC 6749, section 3.2
		return "", 0, wrongMethod("A token is asked for with POST.", r)
	}
	if slices.ContainsFunc(r.Header["Content-Encoding"], compresses) {
		return "", 0, oauth.Refuse(oauth.CompressedBody, "The body may not be compressed.", "content-encoding present")
	}
	if r.ContentLength > MaxBody {
		return "", 0, tooLarge()
	}
	text, err := slurp(r.Body)
	if _, cut := errors.AsType[*http.MaxBytesError](err); cut || len(text) > MaxBody {
		return "", 0, tooLarge()
	}
	if err != nil {
		return "", 0, oauth.Refuse(oauth.BodyBrokeOff, "The body could not be read.", "read body: %v", err)
	}
	if text = strings.TrimPrefix(text, "\ufeff"); text == "" { // a byte order mark means nothing here (RFC 8259, section 8.1)
		return "", noBody, nil // an empty body has no syntax, so its media type says nothing
	}
	s, ok := e.syntax(r.Header["Content-Type"])
	if !ok {
		return "", 0, oauth.Refuse(oauth.WrongContentType, "The content type of the body is not one that this endpoint reads.",
			"content-type %q", typesShown(r.Header["Content-Type"]))
	}
	return text, s, nil
}

// compresses reports a content coding that changes the body (RFC 9110, section 8.4.1).
func compresses(coding string) bool { return coding != "" && !strings.EqualFold(coding, "identity") }

func tooLarge() *oauth.Error {
	return oauth.Refuse(oauth.LargeBody, "The body is larger than 64 KiB.", "body larger than %d bytes", MaxBody)
}

// buffers hold bodies while they are read or written. They held secrets, so they are cleared before they go back.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}

func putBack(p *[]byte, used []byte) {
	clear(used)
	*p = used[:0]
	buffers.Put(p)
}

// slurp reads a body into a string, one byte past MaxBody at most.
func slurp(body io.Reader) (string, error) {
	if body == nil || body == http.NoBody {
		return "", nil
	}
	p := buffers.Get().(*[]byte)
	b := (*p)[:0]
	var err error
	for err == nil && len(b) <= MaxBody {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		var n int
		n, err = body.Read(b[len(b):min(cap(b), MaxBody+1)])
		b = b[:len(b)+n]
	}
	text := string(b)
	putBack(p, b)
	if err == io.EOF {
		err = nil
	}
	return text, err
}

// readParams appends the parameters of the body, then those of the query; inBody says how many are the body's.
func readParams(params []word, text string, s syntax, query string) (all []word, inBody int, _ flaw) {
	problem := ""
	switch s {
	case formBody:
		params, problem = readForm(params, text)
	case jsonBody:
		params, problem = readJSON(params, text)
	}
	inBody = len(params)
	if problem == "" && query != "" {
		if params, problem = readForm(params, query); problem == notUTF8 {
			problem = "the query is not UTF-8"
		}
	}
	if problem != "" {
		return nil, 0, flaw{oauth.UnreadableBody, problem}
	}
	return params, inBody, none
}

// police refuses parameters that stand twice, anything of the contract in the URL that the contract did not put there (RFC 6749,
// section 2.3.1), and JSON names in another case, which other parsers would take.
func (e *Endpoint) police(body, query []word, s syntax) flaw {
	if twice := repeated(body, s); twice != none {
		return twice
	}
	if twice := repeated(query, formBody); twice != none {
		return twice
	}
	for _, p := range query {
		if e.sensitive(p.name) && !e.queryWord(p.name) {
			return flaw{oauth.SecretInQuery, "credentials and grants do not belong in the query"}
		}
		for _, q := range body {
			if p.name == q.name && (p != q || !e.urlConstant(p)) {
				return flaw{oauth.RepeatedParameter, "a parameter stands in the body and in the query"}
			}
		}
	}
	if s != jsonBody {
		return none
	}
	for _, p := range body {
		for _, f := range e.body[jsonBody] {
			if p.name != f.name && strings.EqualFold(p.name, f.name) {
				return flaw{oauth.MemberSpelling, "a member name is in the wrong case"}
			}
		}
		for _, w := range e.words {
			if p.name != w.name && strings.EqualFold(p.name, w.name) {
				return flaw{oauth.MemberSpelling, "a member name is in the wrong case"}
			}
			if p.name == w.name && p.value == notString {
				return flaw{oauth.MemberSpelling, "a member is not a string"}
			}
		}
	}
	return none
}

// repeated reports a parameter that stands twice (RFC 6749, section 3.2). In a form, resource and audience may: a token can be meant
// for several APIs (RFC 8707, section 2; RFC 8693, section 2.1).
func repeated(params []word, s syntax) flaw {
	for i, p := range params {
		for _, q := range params[:i] {
			if p.name == q.name && (s != formBody || p.name != "resource" && p.name != "audience") {
				return flaw{oauth.RepeatedParameter, "a parameter is repeated"}
			}
		}
	}
	return none
}

// sensitive reports whether the contract, or OAuth itself, has a parameter of this name, in whatever case: a secret in the wrong
// case is as much in the log.
func (e *Endpoint) sensitive(name string) bool {
	for h := range holeAccessToken + 1 {
		if strings.EqualFold(holeNames[h], name) {
			return true
		}
	}
	for _, fields := range e.body {
		for _, f := range fields {
			if strings.EqualFold(f.name, name) {
				return true
			}
		}
	}
	return strings.EqualFold(name, "grant_type") || strings.EqualFold(name, "client_assertion")
}

// queryWord reports whether some form of the contract has the parameter in its URL.
func (e *Endpoint) queryWord(name string) bool {
	return slices.ContainsFunc(e.forms, func(f form) bool {
		return slices.ContainsFunc(f.query, func(w word) bool { return w.name == name })
	})
}

// urlConstant reports whether the contract itself puts this parameter into its URL. A client library that has such an address says the
// same again in the body.
func (e *Endpoint) urlConstant(p word) bool {
	return slices.ContainsFunc(e.forms, func(f form) bool { return slices.Contains(f.query, p) })
}
