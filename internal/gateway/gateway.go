// Package gateway guards APIs that cannot guard themselves: a reverse proxy that lets a call through when its route is declared, its
// token is good (package bearer) and holds the route's permission, and that answers for the API, in its own words (package dialect),
// when not.
//
// It decides nothing about tokens and knows no tenant but its own: one Gateway serves one tenant, with verifiers of its own for each
// audience, so that neither a token nor a remembered check can cross over. The server in front chooses the Gateway by host, bounds
// headers and bodies, and passes in request ids, audit and metrics as functions.
//
// What a caller may rely on: what is not declared is not forwarded. A path that two readers could read differently is refused, the
// rest is matched and forwarded as the same string. The API behind sees no credential, no cookie and no identity but the one set
// here, under the names in headers.go. Every error in deciding is a refusal, and the API is not called.
//
// Proxies that people run already ask for the same decision (Checks): it is one piece of code, and only handing the call over is theirs.
//
// A Gateway is immutable and may be used concurrently; a change of settings makes a new one. The rules are those of RFC 6750
// (carrying and refusing tokens), RFC 3986, section 3.3 (paths) and RFC 9110, section 7.6 (what a proxy passes on).
package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Options are what one tenant's Gateway is made of.
type Options struct {
	Tenant string
	Tokens bearer.Options // whose tokens count; Audiences is set for each API
	APIs   []API
	Stall  time.Duration // how long a body or an answer may stand still once a call is let through; 0: 15 s
	Scheme string        // of the address callers use, where something in front ends TLS; empty: that of the connection

	Near    func(*http.Request) string                    // a path in front that the caller likely meant; empty: none. May be nil
	Refused func(context.Context, *http.Request, Refusal) // told of every call that did not end with the API's answer; may be nil
	Served  func(api, route string, status int)           // told of every call; api and route are empty where none matched; may be nil

	// Opened is told of every call whose token holds the permission that its route needs, on the path of the call: it may neither wait
	// nor fail. May be nil.
	Opened func(client, permission string)

	// Allow counts a call that may be made, and says whether it is one too many and how long to wait then. route is as declared,
	// "GET,PUT /files/{name}"; client is empty on a public route, where only the place (oauth.Caller) tells callers apart. Nil: nothing is counted.
	Allow func(api, route, client string, place netip.Addr) (wait time.Duration, ok bool)
}

// API is something to be guarded.
type API struct {
	Name     string
	Audience string           // that a token must name
	Realm    string           // in challenges; empty: the audience
	Upstream *url.URL         // scheme, host and perhaps a path that is put before every other
	Dialect  *dialect.Dialect // how tokens are carried and refusals spelt, with the API's own refusals in it
	Timeout  time.Duration    // until the upstream's answer begins; 0: 30 s
	Metadata string           // address of its protected-resource metadata, for challenges (RFC 9728, section 5.1); empty: none
	CORS     *CORS            // nil: what the API says to browsers passes as it is
	Routes   []Route

	// CheckOnly: the API stands behind a proxy of its own, which asks for decisions (Checks). Nothing is forwarded, and there is no
	// Upstream.
	CheckOnly bool
}

// Route is a set of calls that need the same permission.
type Route struct {
	// Methods are exact; GET includes HEAD; "*" is every method except TRACE and CONNECT, which are never forwarded.
	Methods []string

	// Pattern is a path whose segments are literals, {name} for one segment, or at the end {name...} for any number of them. The most
	// special pattern wins, segment by segment: a literal before {name} before {name...}; its methods are then all there are. A slash
	// at the end of a path makes no difference. What differs from a literal only in case matches nothing.
	Pattern string

	Permission string // one word; empty: any good token
	Public     bool   // no token is asked for, and none is read
	MaxBody    int64  // of a request, in bytes; 0: what the listener lets pass
}

// Refusal is a call that did not end with the API's answer.
type Refusal struct {
	API, Route string // empty where none matched
	Status     int
	Code       string        // as on the wire, or in the words of package oauth
	Case       oauth.Case    // what exactly it was
	Method     string        // as it may be written down: a caller can send any word
	Path       string        // where no route matched, as it may be written down
	Reason     string        // for the operator
	Token      *bearer.Token // whose it was, where that is known
	Err        error         // a fault of ours or of the API; nil when the caller was refused
	Caller     oauth.Caller
	RequestID  string
}

// Gateway is the handler.
type Gateway struct {
	o      Options
	routes node
	words  []string // methods, and segments that routes declare: what of a call may be written down as it came
	lines  map[string]*line
}

// guarded is an API made ready.
type guarded struct {
	API
	verifier *bearer.Verifier
	cors     *crossOrigin // nil: none of ours
	line     *line        // nil: nothing is forwarded
	origin   string       // of the upstream, and its path, as they begin a Location
	prefix   string       // the upstream's path, escaped, without a slash at the end
}

// New makes a Gateway, or says which setting is wrong.
func New(o Options) (*Gateway, error) {
	if o.Tenant == "" {
		return nil, errors.New("gateway: the tenant has no name")
	}
	if o.Stall <= 0 {
		o.Stall = defaultStall
	}
	if o.Tokens.Now == nil {
		o.Tokens.Now = time.Now
	}
	g := &Gateway{o: o, words: slices.Clone(methods), lines: map[string]*line{}}
	verifiers := map[string]*bearer.Verifier{}
	for _, a := range o.APIs {
		if err := g.add(a, verifiers); err != nil {
			g.Close()
			return nil, fmt.Errorf("gateway: API %q: %w", a.Name, err)
		}
	}
	return g, nil
}

// add makes an API ready and declares its routes.
func (g *Gateway) add(a API, verifiers map[string]*bearer.Verifier) error {
	if err := a.check(); err != nil {
		return err
	}
	if a.Realm == "" {
		a.Realm = a.Audience
	}
	v := verifiers[a.Audience]
	if v == nil && a.Audience != "" { // without one, only public routes can be declared
		tokens, err := g.o.Tokens, error(nil)
		tokens.Audiences = []string{a.Audience}
		if v, err = bearer.New(tokens); err != nil {
			return err
		}
		verifiers[a.Audience] = v
	}
	cors, err := a.CORS.compile()
	if err != nil {
		return err
	}
	ready := &guarded{API: a, verifier: v, cors: cors}
	if !a.CheckOnly {
		ready.line, ready.prefix = g.lineTo(a), strings.TrimSuffix(a.Upstream.EscapedPath(), "/")
		ready.origin = a.Upstream.Scheme + "://" + a.Upstream.Host + ready.prefix
	}
	for _, r := range a.Routes {
		if err := g.routes.declare(ready, r); err != nil {
			return fmt.Errorf("route %q: %w", r.Pattern, err)
		}
		g.words = append(append(g.words, r.Methods...), strings.Split(r.Pattern, "/")...)
	}
	return nil
}

func (a *API) check() error {
	u := a.Upstream
	switch {
	case a.Name == "":
		return errors.New("it has no name")
	case a.Dialect == nil:
		return errors.New("it has no dialect to refuse in")
	case a.Timeout < 0:
		return errors.New("the timeout is negative")
	case a.CheckOnly && u != nil:
		return errors.New("it is only checked, and names an upstream")
	case a.CheckOnly:
		return nil
	case u == nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("the upstream is not an http or https URL with a host")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "":
		return errors.New("the upstream is a scheme, a host and perhaps a path; it has more")
	case u.Path != "" && checkPath(u.EscapedPath(), u.Path) != "":
		return fmt.Errorf("the path of the upstream: %s", checkPath(u.EscapedPath(), u.Path))
	}
	return nil
}

// Close lets go of idle connections to the APIs. Calls that are under way go on.
func (g *Gateway) Close() {
	for _, l := range g.lines {
		l.closeIdle()
	}
}
