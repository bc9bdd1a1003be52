// Package server is the surface for programs: the token endpoints of every dialect, introspection, revocation and the feed of what has
// been taken back, the key set, the metadata of each tenant and of its APIs, and for operators health and metrics. It translates between
// HTTP and package issuer and decides nothing else.
//
// A request finds its tenant by the host name it was sent to and by nothing else; a host nobody has is 421, never a default. Within
// a tenant the path finds the endpoint (Tenant.Paths); what is none goes on to Next, the gateway. Handler is immutable but for its table
// of tenants, which SetTenants swaps whole, so settings can be read anew without dropping a request.
//
// Every answer carries a request id. A refusal is answered in the words of the dialect and written down once, with its reason, under
// that id; a fault of ours is 503 or 500 without its text. RFC 6749 (section 3.2), RFC 7009, RFC 7517, RFC 7662, RFC 8414, RFC 9110
// (section 7.4), RFC 9728; OpenID Connect Discovery 1.0, section 4.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Tenant is what the surface has to know of a tenant.
type Tenant struct {
	Name      string
	Hosts     []string                     // in lower case, without port
	Issuer    string                       // a URL
	Endpoints map[string]*dialect.Endpoint // by path
	Metadata  Metadata
	Resources []Resource // its APIs; those on other hosts than the tenant's are described elsewhere
}

// Options are what a server works with.
type Options struct {
	Issuer      *issuer.Issuer                                                  // nil: tokens are issued elsewhere, and nothing but Resources is answered here; then neither Keys, Feed nor Sign is needed
	Keys        func(tenant string) (set []byte, tag string, err error)         // the key set of a tenant, and a tag that is another when the set is
	Feed        *feed.Feed                                                      // what has been taken back
	Sign        func(tenant, typ string, claims []byte) (jwt []byte, err error) // signs a page of the feed
	Next        http.Handler                                                    // answers what is not ours; finds Of(r) in the request's context
	Door        *edge.Door                                                      // where requests come in
	Misdirected func(Misdirected)                                               // told of requests for no tenant's host; may be nil
	Metrics     *Metrics
	Log         *slog.Logger
}

// Handler answers on the public listener.
type Handler struct {
	Options
	hosts   atomic.Pointer[map[string]*tenant]
	manners atomic.Pointer[Manners]
	leaving atomic.Bool
	stay    context.Context // is done when the server leaves
	leave   context.CancelFunc
	waiting sync.Map // *atomic.Int64 by tenant: who waits for news of the feed
	fetched fetches
}

// tenant is a Tenant, made ready.
type tenant struct {
	Tenant
	endpoints map[string]*endpoint // of tokens, by path
	own       map[string]answer    // by path
	alike     map[string]string    // path by what it has in common with those that were likely meant to be it
}

// endpoint is where tokens are asked for.
type endpoint struct {
	*dialect.Endpoint
	dialect *dialect.Dialect
	meter   *meter
}

// answer is what a path of ours does.
type answer func(http.ResponseWriter, *http.Request, edge.Request)

// New makes a Handler without tenants; SetTenants gives it some.
func New(o Options) *Handler {
	h := &Handler{Options: o}
	h.stay, h.leave = context.WithCancel(context.Background())
	h.SetManners(Manners{HSTS: DefaultHSTS})
	h.SetTenants(nil)
	return h
}

// SetTenants puts a new table of tenants in the place of the old one.
func (h *Handler) SetTenants(tenants []Tenant) {
	hosts := map[string]*tenant{}
	for _, t := range tenants {
		ready := &tenant{Tenant: t, own: h.own(&t), endpoints: map[string]*endpoint{}, alike: map[string]string{}}
		for at, e := range t.Endpoints {
			ready.endpoints[at] = &endpoint{e, e.Dialect(), h.Metrics.meter(t.Name, e.Dialect().Name)}
		}
		for _, paths := range []iter.Seq[string]{maps.Keys(ready.own), maps.Keys(ready.endpoints)} {
			for p := range paths {
				ready.alike[likeness(p)] = p
			}
		}
		for _, host := range t.Hosts {
			hosts[host] = ready
		}
	}
	h.hosts.Store(&hosts)
}

// Near returns the path of ours that a request which went on to Next was likely meant for: the same but for case, doubled slashes, a
// slash at the end or needless escapes. Empty: none.
func (h *Handler) Near(r *http.Request) string {
	host, _ := edge.Host(r)
	if t := (*h.hosts.Load())[host]; t != nil {
		return t.alike[likeness(r.URL.Path)]
	}
	return ""
}

// likeness is what paths have in common that people and proxies take for each other.
func likeness(p string) string { return strings.ToLower(path.Clean(p)) }

// Leave ends each connection with its next answer: callers that keep connections find another server before this one goes. Who waits
// for news is answered now.
func (h *Handler) Leave() {
	h.leaving.Store(true)
	h.leave()
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	known := h.Door.Arrive(w, r)
	manners := h.manners.Load()
	if r.TLS != nil && manners.hsts != nil {
		w.Header()["Strict-Transport-Security"] = manners.hsts
	}
	if h.leaving.Load() {
		w.Header()["Connection"] = []string{"close"}
	}
	defer edge.Contain(func(fault error) { h.broke(w, r, known.ID, fault) })

	if len(r.RequestURI) > edge.MaxTarget {
		plain(w, http.StatusRequestURITooLong, "The request target is longer than 8 KiB.")
		return
	}
	host, problem := edge.Host(r)
	t := (*h.hosts.Load())[host]
	if t == nil && manners.Health && h.probed(r) {
		h.alive(w)
		return
	}
	if t == nil {
		h.misdirect(w, r, known, problem)
		return
	}
	known.Tenant = t.Name
	if e := t.endpoints[r.URL.Path]; e != nil && r.URL.RawPath == "" {
		h.token(w, r, t, e, known)
		return
	}
	if answer := t.own[r.URL.Path]; answer != nil && r.URL.RawPath == "" {
		answer(w, r, known)
		return
	}
	h.Next.ServeHTTP(w, edge.With(r, known))
}

// token answers a request for a token. It is the whole path of one: decode, decide, encode.
func (h *Handler) token(w http.ResponseWriter, r *http.Request, t *tenant, e *endpoint, known edge.Request) {
	began := time.Now()
	about := dialect.About{RequestID: known.ID, Path: r.URL.Path, Realm: t.Issuer}
	req, refusal := e.Decode(r)
	sentBy(&req.Asker, known)
	about.Grant = req.Grant
	if refusal != nil {
		h.Issuer.NoteRefusal(&req, refusal)
		h.refuse(w, e, &req, refusal, about)
		e.meter.refused(req.Grant, refusal.Code, began)
		return
	}
	token, err := h.Issuer.Token(r.Context(), req)
	if err != nil {
		refusal := h.explain(known.ID, err)
		h.refuse(w, e, &req, refusal, about)
		e.meter.refused(req.Grant, refusal.Code, began)
		return
	}
	e.dialect.Encode(w, &token, about)
	e.meter.issued(req.Grant, began)
}

// refuse answers a refusal and writes the one line about it.
func (h *Handler) refuse(w http.ResponseWriter, e *endpoint, req *oauth.TokenRequest, refusal *oauth.Error, about dialect.About) {
	h.Log.LogAttrs(context.Background(), slog.LevelInfo, "token refused", slog.String("request_id", req.RequestID),
		slog.String("tenant", req.Tenant), slog.String("dialect", req.Dialect), slog.String("grant", string(req.Grant)),
		slog.String("client", refusal.Client), slog.String("user", refusal.User), slog.String("code", string(refusal.Code)),
		slog.String("case", string(refusal.Case)), slog.String("reason", refusal.Reason), slog.String("source", req.From()))
	e.dialect.EncodeError(w, refusal, about)
}

// explain turns an error of the issuer into what the caller may read. A fault of ours is written down here and says nothing.
func (h *Handler) explain(requestID string, err error) *oauth.Error {
	if refusal := oauth.AsError(err); refusal != nil {
		return refusal
	}
	return Fault(h.Log, requestID, err)
}

// broke answers a request that panicked.
func (h *Handler) broke(w http.ResponseWriter, r *http.Request, id string, fault error) {
	h.Log.Error("a request broke the server", "request_id", id, "fault", fault)
	plain(w, http.StatusInternalServerError, "Something went wrong here; the operator finds it under the request id.")
}

// Fault writes a fault of ours down, once, and returns what its caller may know of it: 503 for one that passes, else 500.
func Fault(log *slog.Logger, requestID string, err error) *oauth.Error {
	code, text, after := oauth.ServerError, "Something went wrong here.", time.Duration(0)
	if isPassing(err) {
		code, text, after = oauth.Unavailable, "The service cannot answer now; ask again.", time.Second
	}
	level := slog.LevelError
	if errors.Is(err, context.Canceled) { // the caller has gone: nobody was let down
		level = slog.LevelInfo
	}
	log.Log(context.Background(), level, "a request could not be answered", "request_id", requestID, "error", err)
	return &oauth.Error{Code: code, Description: text, Reason: err.Error(), RetryAfter: after}
}

// plain answers with a problem that no dialect speaks of.
func plain(w http.ResponseWriter, status int, text string) {
	body, err := json.Marshal(map[string]string{"error": text})
	if err != nil { // a string: cannot happen
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that went away cannot be told
}

// listenerError keeps net/http's own complaints about broken connections out of the way at debug level.
type listenerError struct{ log *slog.Logger }

func (l listenerError) Write(p []byte) (int, error) {
	l.log.Debug("connection", "problem", strings.TrimSpace(string(p)))
	return len(p), nil
}
