package console

import (
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"strings"
)

const requestID = "X-Request-Id"

// ServeHTTP answers one request.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := &visit{Console: c, w: w, r: r, id: w.Header().Get(requestID)}
	if v.id == "" {
		v.id = c.NewID()
		w.Header().Set(requestID, v.id)
	}
	guardHeaders(w.Header(), r.TLS != nil)
	defer v.contain()

	// 1 is it meant for us? A page of another site that rebinds its name to our address is not (RFC 9110, section 7.4)
	if !c.ours(r.Host) {
		v.refuse(http.StatusMisdirectedRequest)
		return
	}
	// 2 does it come from a page of our own?
	if err := c.crossSite(r); err != nil {
		if c.strange.admit() {
			c.Log.Warn("cross-site request refused", "request_id", v.id, "source", v.source(), "path", loggedPath(r.URL.Path), "reason", err)
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
	v := &visit{Console: c, w: w, r: hurried(r), id: w.Header().Get(requestID)}
	defer v.contain()
	err := v.enter(to)
	if err == nil {
		err = to.do(v)
	}
	if err != nil {
		v.fail(err)
	}
}

// ours says whether a Host header names the console: the host of its URL, or this machine.
func (c *Console) ours(host string) bool {
	name := strings.ToLower(host)
	if i := strings.LastIndexByte(name, ':'); i >= 0 && !strings.HasSuffix(name, "]") {
		name = name[:i]
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if name == c.host || name == "localhost" {
		return true
	}
	at, err := netip.ParseAddr(name)
	return err == nil && at.Zone() == "" && at.IsLoopback()
}

// afterSecret is a path from where a secret stands in it, in whichever spelling: a calendar's key is all that its reader shows.
var afterSecret = regexp.MustCompile(`(?is)/calendar/.*`)

// loggedPath is what the log keeps of a path: no query, since one may be a sign-in link's, and no secret.
func loggedPath(path string) string {
	return clip(afterSecret.ReplaceAllLiteralString(path, "/calendar/…"), 200)
}

// contain answers a fault that panicked. Text of the fault goes to the log only.
func (v *visit) contain() {
	fault := recover()
	if fault == nil {
		return
	}
	if fault == http.ErrAbortHandler {
		panic(fault)
	}
	v.Log.Error("panic", "request_id", v.id, "fault", fmt.Sprint(fault), "stack", string(debug.Stack()))
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
