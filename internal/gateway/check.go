package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// The paths that proxies ask at. Each describes the call in its own way, and understands the answer in its own.
const (
	pathCheck   = "/check"         // Caddy forward_auth, Traefik forwardAuth: described by X-Forwarded-*, answered in full
	pathNginx   = "/check/nginx"   // nginx auth_request: the same, but what is neither allowed nor a fault is 401 or 403
	pathRefusal = "/check/refusal" // nginx error_page: the refusal itself, and never a yes
	pathEnvoy   = "/check/envoy"   // Envoy ext_authz: method, host and, after this prefix, target are those of the call
)

// headerSecret carries the secret that a proxy shares with the booth.
const headerSecret = "Tokenbooth-Proxy-Secret"

const maxCacheFor = 5 * time.Second

// CheckOptions say who may ask for decisions, and about what. Of Peers, Secret and ClientCertificate at least one must be given; a
// proxy has to meet all that are.
type CheckOptions struct {
	Gateway func(host string) *Gateway // by host name, in lower case and without port; nil: no tenant has it

	Peers             []netip.Prefix         // where a proxy may connect from
	Secret            func(text string) bool // whether text is the shared secret; it must compare in constant time
	ClientCertificate bool                   // the listener demands certificates (mutual TLS), and the proxy has shown one that it trusts

	// CacheFor is how long a proxy may remember a yes, and so how much later than at once it hears of a no; at most 5 s, and never
	// beyond the token's expiry. 0: it may not. A remembered yes is not counted by Options.Allow.
	CacheFor time.Duration

	Refused func(context.Context, *http.Request, Refusal) // told of questions that were not answered; may be nil
}

// Checks decides for proxies about calls that they then make themselves (forward-auth): nginx, Caddy, Traefik, Envoy and whoever can
// do as they do. The decision is that of Gateway.ServeHTTP; only its last step, handing the call over, is the proxy's.
//
// Of the question only what describes the call is believed: X-Forwarded-Method, -Proto, -Host, -Uri and -For, each exactly once. A call
// that carries identity headers, or headers that make some programs read another method or path, is refused: what a proxy forgets to
// take out must not arrive. It may be used concurrently.
type Checks struct{ o CheckOptions }

// NewChecks makes a handler for a listener that only proxies should reach.
func NewChecks(o CheckOptions) (*Checks, error) {
	switch {
	case o.Gateway == nil:
		return nil, errors.New("checks: no gateway to ask")
	case len(o.Peers) == 0 && o.Secret == nil && !o.ClientCertificate:
		return nil, errors.New("checks: anybody could ask; name peers, a shared secret or a client CA")
	case o.CacheFor < 0 || o.CacheFor > maxCacheFor:
		return nil, errors.New("checks: a decision may be remembered for 0 s to 5 s")
	case o.CacheFor%time.Second != 0:
		return nil, errors.New("checks: caches count in whole seconds")
	}
	o.Peers = slices.Clone(o.Peers)
	return &Checks{o}, nil
}

// ServeHTTP decides about the call that the request describes. Every answer that is no yes has a status other than 2xx.
func (k *Checks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// 1 who asks?
	if kind, problem := k.stranger(r); problem != "" {
		k.refuse(w, r, http.StatusForbidden, kind, "This is not for you.", problem)
		return
	}

	// 2 in what way, and about what?
	way, a, problem := read(r)
	switch way {
	case "":
		k.refuse(w, r, http.StatusNotFound, oauth.CheckPath, nothing, problem)
		return
	case pathNginx:
		w = narrow{w}
	}
	kind := oauth.CheckDescription
	if problem == "" {
		kind, problem = oauth.CheckOverreaching, overreaching(r.Header)
	}
	if problem != "" {
		k.refuse(w, r, http.StatusBadRequest, kind, "The call is not described as it has to be.", problem)
		return
	}

	// 3 whose is it?
	g := k.o.Gateway(a.host)
	if g == nil {
		k.refuse(w, r, http.StatusMisdirectedRequest, oauth.CheckUnknownHost, "No tenant has this host name.", "no tenant has the host "+oauth.Unproven(a.host).String())
		return
	}

	// 4 may it?
	g.check(w, a, func(c *call) {
		if way == pathRefusal {
			again := oauth.Refuse(oauth.AllowedMeanwhile, "Please try again.", "refused a moment ago, allowed now")
			again.RetryAfter = retryAfter
			c.speak(again)
			return
		}
		c.allow(k.o.CacheFor)
	})
}

// read finds out which of the paths is asked at, and reads the call. It goes by the target as it came: a router would tidy the path, and
// the path is what the question is about.
func read(r *http.Request) (way string, a *asked, problem string) {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	switch path {
	case pathCheck, pathNginx, pathRefusal:
		a, problem = described(r)
		return path, a, problem
	}
	if target, ok := strings.CutPrefix(r.RequestURI, pathEnvoy); ok {
		a, problem = itself(r, target)
		return pathEnvoy, a, problem
	}
	return "", nil, "a path at which nobody asks"
}

// stranger says why whoever asks may not.
func (k *Checks) stranger(r *http.Request) (kind oauth.Case, problem string) {
	shown := r.Header[headerSecret]
	delete(r.Header, headerSecret) // from here on nobody can write it down
	if len(k.o.Peers) > 0 {
		peer := edge.Peer(r)
		if !slices.ContainsFunc(k.o.Peers, func(p netip.Prefix) bool { return p.Contains(peer) }) {
			return oauth.StrangePeer, "not one of the peers"
		}
	}
	if k.o.Secret != nil && (len(shown) != 1 || !k.o.Secret(shown[0])) {
		return oauth.StrangeSecret, "without the shared secret"
	}
	if k.o.ClientCertificate && (r.TLS == nil || len(r.TLS.VerifiedChains) == 0) {
		return oauth.StrangeCert, "without a client certificate that is trusted"
	}
	return "", ""
}

// refuse answers a question that is none, and tells the owner.
func (k *Checks) refuse(w http.ResponseWriter, r *http.Request, status int, kind oauth.Case, description, reason string) {
	c := call{w: answer{ResponseWriter: w}}
	c.write(status, string(kind.Code()), description)
	if k.o.Refused != nil {
		k.o.Refused(r.Context(), r, Refusal{Status: status, Code: string(kind.Code()), Case: kind, Reason: "a question about a call: " + reason})
	}
}

// check decides about a call that is described, by the path of every call; allowed says the yes.
func (g *Gateway) check(w http.ResponseWriter, a *asked, allowed func(*call)) {
	c := &call{gateway: g, w: answer{ResponseWriter: w}, r: a.request, asked: a, id: edge.Of(a.request).ID, caller: a.caller}
	defer c.end()
	if c.decide() {
		allowed(c)
	}
}

// none is the value of an identity header that a call does not have. It is said aloud: some proxies copy over the caller's own header
// only what they are given.
var none = []string{""}

// allow says yes, with who calls. A cache may keep it only where the settings say so; what it was made of is named then, and
// Tokenbooth-Decision-Key has the route's permission in it, so that a yes to one route is never one to another.
func (c *call) allow(cacheFor time.Duration) {
	h := c.w.Header()
	if c.token != nil {
		cacheFor = min(cacheFor, c.token.Expires.Sub(c.gateway.o.Tokens.Now())).Truncate(time.Second)
	}
	h["Cache-Control"] = []string{"no-store"}
	if cacheFor > 0 {
		seconds := strconv.FormatInt(int64(cacheFor/time.Second), 10)
		h["Cache-Control"] = []string{"private, max-age=" + seconds}
		h["X-Accel-Expires"] = []string{seconds} // nginx keeps nothing that is private unless it is told so
		h.Add("Vary", c.madeOf())
		h["Tokenbooth-Decision-Key"] = []string{c.decisionKey()}
	}
	identify(h, c.gateway.o.Tenant, c.id, c.token)
	for _, name := range identity {
		if h[name] == nil {
			h[name] = none
		}
	}
	c.w.WriteHeader(http.StatusOK)
}

// madeOf names the headers that the decision was made of.
func (c *call) madeOf() string {
	carried := c.r.Header.Clone()
	c.to.api.Dialect.Strip(carried)
	names := []string{"Authorization"}
	for name := range c.r.Header {
		if _, stays := carried[name]; !stays && name != "Authorization" {
			names = append(names, name)
		}
	}
	slices.Sort(names[1:])
	return strings.Join(append(names, headerMethod, headerProto, headerHost, headerTarget), ", ")
}

// decisionKey is the same for all calls that are allowed for the same reason, and for no others.
func (c *call) decisionKey() string {
	id := ""
	if c.token != nil {
		id = c.token.ID
	}
	parts := []string{c.gateway.o.Tenant, c.to.api.Name, c.to.declared, c.to.permission, id}
	if c.to.api.cors != nil { // the answer says which origin may read it
		parts = append(parts, c.r.Header.Get("Origin"))
	}
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(visible(p), "|", "%7C")
	}
	return strings.Join(parts, "|")
}

// narrow speaks to nginx, which takes 401 and 403 for a no, and anything else but 2xx for a fault.
type narrow struct{ http.ResponseWriter }

// WriteHeader begins the answer.
func (n narrow) WriteHeader(status int) {
	if status >= 300 && status < 500 && status != http.StatusUnauthorized {
		status = http.StatusForbidden
	}
	delete(n.Header(), "Www-Authenticate") // nginx copies it into the refusal, which has one of its own
	n.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (n narrow) Unwrap() http.ResponseWriter { return n.ResponseWriter }
