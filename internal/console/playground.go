package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/hostname"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// playgroundPage reads a request the way the server would, and goes no further: nobody is asked whether the credential is right.
type playgroundPage struct {
	Card     dialectCard
	Text     string // the request in the field
	Title    string // of the transcript it is from
	Examples []playgroundExample
	More     bool   // the contract has transcripts
	Problem  string // why the field cannot be read
	Read     bool
	Notes    []string
	Line     string // the first line, as it was read
	As       string // what the request was taken for
	Found    []contractTerm
	Refused  *oauth.Error
	Status   string
	Answer   string // the refusal, byte for byte
	Sample   string // an answer to a granted request, with made-up values
	Back     string
	Index    string
	Max      int
}

type playgroundExample struct {
	Title, URL string
	Current    bool
}

func playground(v *visit) error {
	d, err := v.namedDialect()
	if err != nil {
		return err
	}
	p, in := v.playgroundPage(d), v.r.URL.Query()
	if name := in.Get("transcript"); name != "" {
		return v.playTranscript(p, d, name)
	}
	chosen, _ := strconv.Atoi(in.Get("example"))
	n := 0
	for _, e := range readContract(d).Endpoints {
		for _, b := range e.Requests {
			if n == chosen {
				p.Text = b.example(publicHost(v.tenant.Hosts, v.tenant.Issuer), exampleValues(d.Terms))
			}
			p.Examples[n].Current = n == chosen
			n++
		}
	}
	return v.render(http.StatusOK, "playground", "Playground", p)
}

// playTranscript shows the request of a transcript. It is named in the address, not written there: nobody can put words into a page of ours
// with a link.
func (v *visit) playTranscript(p *playgroundPage, d *dialect.Dialect, name string) error {
	for _, t := range transcriptsOf(d) {
		if t.Name == name {
			p.Text, p.Title = t.Request, t.Title
			return v.render(http.StatusOK, "playground", "Playground", p)
		}
	}
	return registry.ErrNotFound
}

func (v *visit) playgroundPage(d *dialect.Dialect) *playgroundPage {
	p := &playgroundPage{Card: v.dialectCard(d), Back: v.path("dialects", d.Name), Index: v.path("dialects"), Max: maxPasted >> 10, More: len(transcriptsOf(d)) > 0}
	for _, e := range readContract(d).Endpoints {
		for _, b := range e.Requests {
			title := titleOf(b.Title, e.Path)
			p.Examples = append(p.Examples, playgroundExample{Title: title, URL: p.Card.TryURL + "?example=" + strconv.Itoa(len(p.Examples))})
		}
	}
	return p
}

func playgroundRead(v *visit) error {
	d, err := v.namedDialect()
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	p := v.playgroundPage(d)
	p.Text = form.Get("request")
	r, notes, err := readPasted(p.Text, publicHost(v.tenant.Hosts, v.tenant.Issuer))
	if err != nil {
		p.Problem = err.Error()
		return v.render(http.StatusUnprocessableEntity, "playground", "Playground", p)
	}
	p.Read, p.Notes, p.Line = true, notes, plainly(clip(r.Method+" "+r.URL.RequestURI(), 300))
	v.noteHost(p, r)
	about := dialect.About{RequestID: "EXAMPLE-REQUEST-ID", Path: r.URL.Path, Realm: v.tenant.Issuer}
	if e, path := v.endpointFor(d, r); e != nil {
		p.As = "a request for a token, at " + path
		p.decodeToken(d, e, r, about)
	} else if slices.Contains(aboutTokens, r.URL.Path) {
		p.As = "a request about a token, which every tenant answers as the standard has it"
		p.decodeQuery(r, about)
	} else {
		p.As = "a call to an API: no endpoint of this dialect has the path " + plainly(clip(r.URL.Path, 200))
		p.decodeCall(d, r, about)
	}
	return v.render(http.StatusOK, "playground", "Playground", p)
}

// noteHost says where the real server would not even look further (RFC 9110, section 15.5.20).
func (v *visit) noteHost(p *playgroundPage, r *http.Request) {
	if host, _ := hostname.Of(r.Host); !slices.Contains(v.tenant.Hosts, host) {
		p.Notes = append(p.Notes, fmt.Sprintf("This tenant does not answer to the host %.100q; it answers to %s.", r.Host, strings.Join(v.tenant.Hosts, ", ")))
	}
}

// endpointFor finds the endpoint a request is for: one of the tenant's, or of the contract where the tenant does not speak it.
func (v *visit) endpointFor(d *dialect.Dialect, r *http.Request) (*dialect.Endpoint, string) {
	if e := tenantEndpoints(v.tenant, d)[r.URL.Path]; e != nil {
		return e, r.URL.Path
	}
	if e := d.Endpoint(r.URL.Path); e != nil {
		return e, r.URL.Path + ", where this tenant does not answer"
	}
	return nil, ""
}

func (p *playgroundPage) decodeToken(d *dialect.Dialect, e *dialect.Endpoint, r *http.Request, about dialect.About) {
	req, refusal := e.Decode(r)
	about.Grant = req.Grant
	if refusal != nil {
		p.refuse(d, refusal, about)
		return
	}
	p.Found = understoodTerms(&req)
	sample := newAnswer()
	token := sampleToken(&req)
	d.Encode(sample, &token, about)
	p.Sample = sample.String()
}

// aboutTokens are the paths where introspection (RFC 7662) and revocation (RFC 7009) are asked for, in whatever dialect tokens are.
var aboutTokens = []string{"/oauth2/introspect", "/oauth2/revoke"}

func (p *playgroundPage) decodeQuery(r *http.Request, about dialect.About) {
	q, refusal := dialect.DecodeQuery(r)
	if refusal != nil {
		p.refuse(dialect.Standard(), refusal, about)
		return
	}
	p.Found = []contractTerm{{"Client ID", plainly(q.Client.ID.Reveal())}, {"Proves itself", proofWords[q.Auth]}, {"Client Secret", maskedSecret(q.Client.Secret)}, {"The token", maskedSecret(q.Token)},
		{"It is taken for", plainly(orNone(q.Hint.Reveal()))}}
}

func (p *playgroundPage) decodeCall(d *dialect.Dialect, r *http.Request, about dialect.About) {
	token, refusal := d.Carried(r)
	if refusal != nil {
		p.refuse(d, refusal, about)
		return
	}
	p.Found = []contractTerm{{"Access token", maskedSecret(oauth.Secret(token))}}
}

func (p *playgroundPage) refuse(d *dialect.Dialect, e *oauth.Error, about dialect.About) {
	answer := newAnswer()
	d.EncodeError(answer, e, about)
	p.Refused, p.Answer = e, answer.String()
	p.Status = fmt.Sprintf("%d %s", answer.status, http.StatusText(answer.status))
}

// proofWords say how a caller proves who it is.
var proofWords = map[oauth.AuthMethod]string{
	oauth.AuthBasic: "Authorization: Basic (client_secret_basic)", oauth.AuthPost: "id and secret in the body (client_secret_post)",
	oauth.AuthNone: "not at all: it only names itself, or does not",
}

// understoodTerms says how a request was understood, to whoever has just pasted it. No secret is among it.
func understoodTerms(req *oauth.TokenRequest) []contractTerm {
	terms := []contractTerm{{"Grant", string(req.Grant)}, {"Client ID", orNone(req.Client.ID.Reveal())}, {"Proves itself", proofWords[req.Auth]}, {"Client Secret", maskedSecret(req.Client.Secret)}}
	if req.Decoded != nil {
		terms = append(terms, contractTerm{"Or, form-decoded", req.Decoded.ID.Reveal() + " with a secret of " + plural(len(req.Decoded.Secret.Reveal()), "character") + " (RFC 6749, section 2.3.1)"})
	}
	if req.Bodyless {
		terms = append(terms, contractTerm{"Body", "none: nothing but the credential says what is wanted; the tenant has to allow that"})
	}
	if req.Grant == oauth.Password {
		terms = append(terms, contractTerm{"Username", orNone(req.Username.Reveal())}, contractTerm{"Password", maskedSecret(req.Password)}, contractTerm{"One-time code", maskedSecret(req.TOTP)})
	}
	if req.Grant == oauth.RefreshToken {
		terms = append(terms, contractTerm{"Refresh token", maskedSecret(req.RefreshToken)})
	}
	scope := orNone(req.Scope.Reveal())
	if req.Scope == "" && req.Terms != nil && req.Terms.DefaultScope != "" {
		scope = "none; the contract gives " + req.Terms.DefaultScope
	}
	terms = append(terms, contractTerm{"Scope", scope})
	for i := range terms {
		terms[i].Value = plainly(terms[i].Value)
	}
	return terms
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// maskedSecret says that a secret is there, and how long it is: enough to find a copying error, and nothing to copy.
func maskedSecret(s oauth.Secret) string {
	if s == "" {
		return "none"
	}
	return "•••••••• (" + plural(len(s.Reveal()), "character") + ")"
}

// sampleToken is a token that nobody could take for one.
func sampleToken(req *oauth.TokenRequest) oauth.Token {
	t := oauth.Token{AccessToken: "MADE-UP.ACCESS.TOKEN", ClientID: req.Client.ID.Reveal(), Username: req.Username.Reveal(), Scope: req.Scope.Reveal(), IssuedAt: time.Unix(0, 0).UTC()}
	if req.Terms != nil {
		t.ExpiresIn = req.Terms.Lifetime
		if t.Scope == "" {
			t.Scope = req.Terms.DefaultScope
		}
		if req.Terms.Form == oauth.UUID {
			t.AccessToken = "00000000-0000-4000-8000-000000000000"
		}
		if req.Terms.RefreshIdle > 0 && req.Grant != oauth.ClientCredentials {
			t.RefreshToken = "MADE-UP-REFRESH-TOKEN"
		}
	}
	return t
}

// publicHost is the host, with its port, that callers of a tenant use: its issuer's where that is one of its hosts, else its first.
func publicHost(hosts []string, issuer string) string {
	u, err := url.Parse(issuer)
	if err == nil && slices.Contains(hosts, strings.ToLower(u.Hostname())) {
		return u.Host
	}
	host := ""
	if len(hosts) > 0 {
		host = hosts[0]
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if err == nil && u.Port() != "" {
		host += ":" + u.Port()
	}
	return host
}
