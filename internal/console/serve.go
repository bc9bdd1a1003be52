package console

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// ServeHTTP answers one request.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = edge.With(r, c.Door.Arrive(w, r))
	v := c.visit(w, r)
	guardHeaders(w.Header(), r.TLS != nil)
	defer edge.Contain(v.broke)

	// 1 is it meant for us? A page of another site that rebinds its name to our address is not (RFC 9110, section 7.4)
	if !c.ours(r) {
		v.refuse(http.StatusMisdirectedRequest)
		return
	}
	// 2 does it come from a page of our own?
	if err := c.crossSite(r); err != nil {
		if c.strange.admit() {
			c.Log.Warn("cross-site request refused", "request_id", v.id, "source", v.caller.From(), "path", loggedPath(r.URL.Path), "reason", err)
		}
		v.refuse(http.StatusForbidden)
		return
	}
	// 3 is there such a page?
	if _, pattern := c.mux.Handler(r); pattern == "" {
		v.unrouted()
		return
	}
	c.mux.ServeHTTP(w, r) // 4 serve
}

// serve answers a request that has a route.
func (c *Console) serve(to route, w http.ResponseWriter, r *http.Request) {
	v := c.visit(w, hurried(r))
	defer edge.Contain(v.broke)
	err := v.enter(to)
	if err == nil {
		err = to.do(v)
	}
	if err != nil {
		v.fail(err)
	}
}

// visit begins to answer a request that has arrived.
func (c *Console) visit(w http.ResponseWriter, r *http.Request) *visit {
	known := edge.Of(r)
	r = r.WithContext(audit.WithOrigin(r.Context(), audit.Origin{RequestID: known.ID, Source: known.Caller.From()}))
	return &visit{Console: c, w: w, r: r, id: known.ID, caller: known.Caller}
}

// ours says whether a request is for the console: for the host of its URL, or for this machine.
func (c *Console) ours(r *http.Request) bool {
	host, problem := edge.Host(r)
	return problem == "" && (host == c.host || edge.ThisMachine(host))
}

// afterSecret is a path from where a secret stands in it, in whichever spelling: a calendar's key is all that its reader shows.
var afterSecret = regexp.MustCompile(`(?is)/calendar/.*`)

// loggedPath is what the log keeps of a path: no query, since one may be a sign-in link's, and no secret. The words of our own addresses stand
// as they are; of any other only what may be shown of an oauth.Unproven, since somebody may have pasted anything.
func loggedPath(path string) string {
	segments := strings.SplitN(afterSecret.ReplaceAllLiteralString(path, "/calendar/…"), "/", maxLogged+1)
	for i, s := range segments[:min(len(segments), maxLogged)] {
		if s != "…" {
			segments[i] = oauth.Unproven(s).AmongWords(ownWords...)
		}
	}
	if len(segments) > maxLogged {
		segments[maxLogged] = "…"
	}
	return strings.Join(segments, "/")
}

// maxLogged is how much of a path is logged, in segments.
const maxLogged = 8

// ownWords are the words of the console's addresses, as the table of routes has them.
var ownWords = []string{
	"account", "add", "again", "apis", "audit", "begin", "calendar", "calendar-key", "clear-proofs", "clients", "confirmed", "csp-report", "delete",
	"dialects", "disable", "download", "drop-permissions", "edit", "enable", "end", "end-all", "end-others", "end-tokens", "export",
	"favicon.ico", "finish", "invite", "keys", "link", "look", "new", "new-client", "new-user", "operators", "passkey", "passkeys",
	"password", "playground", "recovery-codes", "remove", "retire", "revoke", "revoke-tokens", "rotate", "rotate-unannounced",
	"sessions", "settings", "sign-in", "sign-out", "static", "t", "take-back", "tokens", "totp", "try", "undo-rotation", "users",
	"withdraw",
}

// broke answers a request that panicked.
func (v *visit) broke(fault error) {
	v.Log.Error("panic", "request_id", v.id, "fault", fault)
	v.refuse(http.StatusInternalServerError)
}

// unrouted answers where the table has no route: 404, or 405 with the methods that there are (RFC 9110, section 15.5.6).
func (v *visit) unrouted() {
	probe := &probe{header: http.Header{}}
	v.mux.ServeHTTP(probe, v.r)
	if allow := probe.header.Get("Allow"); allow != "" {
		v.w.Header().Set("Allow", allow)
	}
	_ = v.recognise() // only for the frame around the page: whoever is not signed in, or cannot be known now, sees it without
	v.refuse(probe.status)
}

// probe learns how the table would answer, without answering.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
func (p *probe) WriteHeader(status int)      { p.status = status }
