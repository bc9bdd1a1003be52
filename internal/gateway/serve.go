package gateway

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httputil"

	"github.com/tokenbooth/tokenbooth/bearer"
	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// call is one request on its way through.
type call struct {
	gateway *Gateway
	w       answer
	r       *http.Request
	id      string
	caller  oauth.Caller
	path    string    // as it stands on the wire, and as it is forwarded
	to      *endpoint // nil until a route matched
	text    string    // the token as it was carried
	token   *bearer.Token
	asked   *asked // nil unless a proxy asks about a call that it will make itself
	watch   *watch // nil unless the call stays
}

// ServeHTTP lets a call through or refuses it.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	known := edge.Of(r)
	c := &call{gateway: g, w: answer{ResponseWriter: w}, r: r, id: known.ID, caller: known.Caller}
	defer c.end()
	if c.decide() {
		// 4 hand it over
		c.forward()
	}
}

// decide is what a call and a proxy's question about one have in common, so that no rule can differ. When it says no, it has answered.
func (c *call) decide() bool {
	// 1 is it a call that means the same to everybody?
	if c.r.Method == http.MethodTrace || c.r.Method == http.MethodConnect {
		c.refuse(http.StatusMethodNotAllowed, oauth.NeverForwarded, "The method is not allowed.", "TRACE and CONNECT are never forwarded")
		return false
	}
	path, problem := canonicalPath(c.r)
	if problem == "" {
		problem = checkQuery(c.r.URL.RawQuery)
	}
	if problem != "" {
		c.astray(http.StatusBadRequest, oauth.AmbiguousTarget, "The request target is ambiguous.", problem)
		return false
	}
	c.path = path

	// 2 is it declared?
	if !c.route() {
		return false
	}

	// 3 who calls, and may they, and not too often?
	return c.permitted() && c.inMeasure()
}

const nothing = "There is nothing at this path."

// route finds where the call goes.
func (c *call) route() bool {
	l := c.gateway.routes.find(c.r.URL.Path)
	if l == nil {
		c.astray(http.StatusNotFound, oauth.NoRoute, nothing, "no route matches")
		return false
	}
	if c.preflight(l) {
		return false
	}
	c.to = l.endpoint(c.r.Method)
	if c.to == nil {
		c.w.Header().Set("Allow", l.allow)
		c.refuse(http.StatusMethodNotAllowed, oauth.OtherMethods, "The method is not allowed here.", "the route "+l.pattern+" allows "+l.allow)
		return false
	}
	if c.to.api.CheckOnly && c.asked == nil {
		c.refuse(http.StatusNotFound, oauth.CheckOnly, nothing, "the API is behind a proxy of its own")
		return false
	}
	if x := c.to.api.cors; x != nil {
		x.admit(c.w.Header(), c.r)
	}
	return true
}

// astray refuses a call that goes nowhere, and names the path in front of the gateway that was likely meant.
func (c *call) astray(status int, kind oauth.Case, description, reason string) {
	if near := c.gateway.o.Near; near != nil {
		if path := near(c.r); path != "" {
			description += " Did you mean " + path + "?"
			reason += "; " + path + " was likely meant"
		}
	}
	c.refuse(status, kind, description, reason)
}

// permitted checks the token and its permission. Whatever goes wrong, the answer is no.
func (c *call) permitted() bool {
	if c.to.public {
		if oauth.TokenInQuery(c.r.URL.RawQuery) {
			c.refuse(http.StatusBadRequest, oauth.TokenInURL, "A token does not belong in the URL.", "access_token in the query of a public route")
			return false
		}
		return true
	}
	text, malformed := c.to.api.Dialect.Carried(c.r)
	if malformed != nil {
		c.speak(malformed)
		return false
	}
	token, err := c.to.api.verifier.Verify(c.r.Context(), text)
	if err != nil {
		refusal := oauth.AsError(err)
		if refusal == nil {
			c.fault(err)
			return false
		}
		c.speak(refusal)
		return false
	}
	c.text, c.token = text, token
	if c.to.permission != "" && !token.Permits(c.to.permission) {
		c.speak(oauth.Refuse(oauth.PermissionLacking, "The token lacks a permission this call needs.", "permission %s is asked for; held: %.200q", c.to.permission, token.Held()))
		return false
	}
	if opened := c.gateway.o.Opened; opened != nil && c.to.permission != "" {
		opened(token.ClientID, c.to.permission)
	}
	return true
}

// inMeasure counts the call, where calls are counted. One that may not be made is not: nobody uses up another's measure.
func (c *call) inMeasure() bool {
	if c.gateway.o.Allow == nil {
		return true
	}
	client := ""
	if c.token != nil {
		client = c.token.ClientID
	}
	wait, ok := c.gateway.o.Allow(c.to.api.Name, c.to.declared, client, c.caller.Place())
	if !ok {
		many := oauth.Refuse(oauth.RouteRate, "Too many calls; come back later.", "more calls of %s than are allowed", c.to.declared)
		many.RetryAfter = wait
		c.speak(many)
	}
	return ok
}

// forward lets the API answer. The proxy is made for the one call: what its functions need to know of the call they know from it,
// and from nowhere that a header could reach.
func (c *call) forward() {
	switch most := c.to.maxBody; {
	case most > 0 && c.r.ContentLength > most:
		c.refuse(http.StatusRequestEntityTooLarge, oauth.LargeCall, "The request is too large.", fmt.Sprintf("a body of %d bytes; the route allows %d", c.r.ContentLength, most))
		return
	case most > 0 && c.r.ContentLength < 0:
		c.r.Body = http.MaxBytesReader(c.w.ResponseWriter, c.r.Body, most)
	}
	c.w.front = maps.Clone(c.w.Header())
	if c.w.front == nil {
		c.w.front = http.Header{}
	}
	delete(c.w.front, "Vary") // both speak: the answer depends on what either names
	c.begin()
	proxy := httputil.ReverseProxy{
		Transport:      c.to.api.line.transport,
		Rewrite:        c.rewrite,
		ModifyResponse: c.tidy,
		ErrorHandler:   c.upstreamFault,
		BufferPool:     buffers{},
		ErrorLog:       silent,
	}
	proxy.ServeHTTP(&c.w, c.r)
}

// begin gives the call its own pace.
func (c *call) begin() {
	p := &pace{conn: http.NewResponseController(c.w.ResponseWriter), stall: c.gateway.o.Stall}
	c.w.pace = p
	if c.r.ContentLength == 0 {
		p.nothingMore()
		return
	}
	c.r.Body = pacedBody{c.r.Body, p}
	if isLong(c.r.ContentLength) {
		c.watchOver(nil)
	}
}

// speak refuses in the words of the API.
func (c *call) speak(e *oauth.Error) {
	if e.Code == oauth.InvalidRequest { // two tokens: which refusal the dialect would choose must not make it look like one bad token
		c.refuse(http.StatusBadRequest, e.Case, e.Description, e.Reason)
		return
	}
	api := c.to.api
	api.Dialect.EncodeError(&c.w, e, dialect.About{RequestID: c.id, Path: c.path, Realm: api.Realm, Scope: c.to.permission, Metadata: api.Metadata})
	c.tell(Refusal{Case: e.Case, Reason: e.Reason})
}

// fault answers when we cannot decide: that is no refusal of the caller's token, and no reason to let it pass.
func (c *call) fault(err error) {
	kind, after := oauth.CannotCheckNow, retryAfter
	if !errors.Is(err, oauth.ErrUnavailable) {
		kind, after = oauth.CannotCheck, 0
	}
	e := oauth.Refuse(kind, "The service cannot answer at the moment.", "the token could not be checked")
	e.RetryAfter = after
	api := c.to.api
	api.Dialect.EncodeError(&c.w, e, dialect.About{RequestID: c.id, Path: c.path, Realm: api.Realm})
	c.tell(Refusal{Case: kind, Reason: e.Reason, Err: err})
}

// end contains a panic and counts the call.
func (c *call) end() {
	p := recover()
	dead := c.watch.end()
	if c.w.pace != nil {
		c.w.pace.end()
	}
	switch {
	case dead != nil && (p == nil || p == http.ErrAbortHandler):
		c.tell(Refusal{Case: dead.Case, Reason: "the call outlived its token: " + dead.Reason})
	case p == nil:
	case p == http.ErrAbortHandler: // the answer broke off, and so must the connection, or the caller takes half of it for the whole
		broken := Refusal{Case: oauth.AnswerBroken, Reason: "the answer broke off", Err: http.ErrAbortHandler}
		if c.r.Context().Err() != nil {
			broken.Case, broken.Reason = oauth.CallerGone, "the caller closed the connection"
		}
		c.tell(broken)
	default:
		p = c.contain(edge.Fault(p))
	}
	if c.gateway.o.Served != nil {
		api, route := c.names()
		c.gateway.o.Served(api, route, c.w.status)
	}
	if p != nil {
		panic(p)
	}
}

// contain answers a panic without a word about it, or, when the answer had begun, returns the panic that cuts it off.
func (c *call) contain(err error) any {
	if c.w.status != 0 {
		c.tell(Refusal{Case: oauth.AnswerBroken, Reason: "a panic after the answer began", Err: err})
		return http.ErrAbortHandler
	}
	c.write(http.StatusInternalServerError, "server_error", "Something went wrong.")
	c.tell(Refusal{Case: oauth.GatewayFault, Reason: "a panic", Err: err})
	return nil
}

func (c *call) names() (api, route string) {
	if c.to == nil {
		return "", ""
	}
	return c.to.api.Name, c.to.pattern
}
