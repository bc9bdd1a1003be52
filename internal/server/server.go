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
// (section 7.4), RFC 9728.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
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
	Issuer         *issuer.Issuer                                                  // nil: tokens are issued elsewhere, and nothing but Resources is answered here; then neither Keys, Feed nor Sign is needed
	Keys           func(tenant string) (set []byte, tag string, err error)         // the key set of a tenant, and a tag that is another when the set is
	Feed           *feed.Feed                                                      // what has been taken back
	Sign           func(tenant, typ string, claims []byte) (jwt []byte, err error) // signs a page of the feed
	Next           http.Handler                                                    // answers what is not ours; finds Of(r) in the request's context
	NewID          func() string                                                   // makes request ids
	TrustedProxies []netip.Prefix                                                  // whose X-Forwarded-For is believed; empty: nobody's
	Metrics        *Metrics
	Log            *slog.Logger
}

// Handler answers on the public listener.
type Handler struct {
	Options
	hosts   atomic.Pointer[map[string]*tenant]
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
}

// endpoint is where tokens are asked for.
type endpoint struct {
	*dialect.Endpoint
	dialect *dialect.Dialect
	meter   *meter
}

// answer is what a path of ours does.
type answer func(http.ResponseWriter, *http.Request, Request)

// New makes a Handler without tenants; SetTenants gives it some.
func New(o Options) *Handler {
	h := &Handler{Options: o}
	h.stay, h.leave = context.WithCancel(context.Background())
	h.SetTenants(nil)
	return h
}

// SetTenants puts a new table of tenants in the place of the old one.
func (h *Handler) SetTenants(tenants []Tenant) {
	hosts := map[string]*tenant{}
	for _, t := range tenants {
		ready := &tenant{Tenant: t, own: h.own(&t), endpoints: map[string]*endpoint{}}
		for path, e := range t.Endpoints {
			ready.endpoints[path] = &endpoint{e, e.Dialect(), h.Metrics.meter(t.Name, e.Dialect().Name)}
		}
		for _, host := range t.Hosts {
			hosts[host] = ready
		}
	}
	h.hosts.Store(&hosts)
}

// Leave ends each connection with its next answer: callers that keep connections find another server before this one goes. Who waits
// for news is answered now.
func (h *Handler) Leave() {
	h.leaving.Store(true)
	h.leave()
}

// Request is what the surface knows of a request beyond its bytes.
type Request struct {
	ID     string
	Tenant string
	Source netip.Addr
}

type requestKey struct{}

// Of returns what is known of a request that was handed on to Next.
func Of(r *http.Request) Request {
	known, _ := r.Context().Value(requestKey{}).(Request)
	return known
}

// Identified gives each request an id, in its answer and for Of, on listeners that know no tenants.
func Identified(next http.Handler, newID func() string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := Request{ID: newID()}
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			known.Source = peer.Addr().Unmap()
		}
		w.Header()["X-Request-Id"] = []string{known.ID}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, known)))
	})
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	known := Request{ID: h.NewID()}
	w.Header()["X-Request-Id"] = []string{known.ID}
	if r.TLS != nil {
		w.Header()["Strict-Transport-Security"] = hsts
	}
	if h.leaving.Load() {
		w.Header()["Connection"] = []string{"close"}
	}
	defer h.contain(w, r, known.ID)

	if len(r.RequestURI) > maxTarget {
		plain(w, http.StatusRequestURITooLong, "The request target is longer than 8 KiB.")
		return
	}
	t := (*h.hosts.Load())[hostOf(r)]
	if t == nil { // RFC 9110, section 15.5.20
		plain(w, http.StatusMisdirectedRequest, "No tenant has this host name.")
		return
	}
	known.Tenant, known.Source = t.Name, Source(r, h.TrustedProxies)
	if e := t.endpoints[r.URL.Path]; e != nil && r.URL.RawPath == "" {
		h.token(w, r, t, e, known)
		return
	}
	if answer := t.own[r.URL.Path]; answer != nil && r.URL.RawPath == "" {
		answer(w, r, known)
		return
	}
	h.Next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, known)))
}

// token answers a request for a token. It is the whole path of one: decode, decide, encode.
func (h *Handler) token(w http.ResponseWriter, r *http.Request, t *tenant, e *endpoint, known Request) {
	began := time.Now()
	about := dialect.About{RequestID: known.ID, Path: r.URL.Path, Realm: t.Issuer}
	req, refusal := e.Decode(r)
	req.Tenant, req.RequestID, req.Source = t.Name, known.ID, known.Source
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
		slog.String("client", req.Client.ID), slog.String("user", req.Username), slog.String("code", string(refusal.Code)),
		slog.String("reason", refusal.Reason), slog.String("source", req.Source.String()))
	e.dialect.EncodeError(w, refusal, about)
}

// explain turns an error of the issuer into what the caller may read. A fault of ours is written down here and says nothing.
func (h *Handler) explain(requestID string, err error) *oauth.Error {
	if refusal := oauth.AsError(err); refusal != nil {
		return refusal
	}
	return Fault(h.Log, requestID, err)
}

// contain keeps a panic to its request.
func (h *Handler) contain(w http.ResponseWriter, r *http.Request, id string) {
	fault := recover()
	if fault == nil {
		return
	}
	if fault == http.ErrAbortHandler {
		panic(fault)
	}
	h.Log.Error("a request broke the server", "request_id", id, "path", r.URL.Path, "fault", fault, "stack", string(debug.Stack()))
	plain(w, http.StatusInternalServerError, "Something went wrong here; the operator finds it under the request id.")
}

var hsts = []string{"max-age=31536000; includeSubDomains"}

// hostOf returns the host name a request was sent to, without port and in lower case. With TLS the name in the handshake must agree:
// otherwise a connection for one tenant could be used for another (RFC 9110, section 7.4).
func hostOf(r *http.Request) string {
	host := r.Host
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.Trim(host[i+1:], "0123456789") == "" {
		host = host[:i]
	}
	if literal, ok := strings.CutPrefix(host, "["); ok { // an IPv6 address, and nothing else (RFC 3986, section 3.2.2)
		if host, ok = strings.CutSuffix(literal, "]"); !ok || !strings.Contains(host, ":") {
			return ""
		}
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if r.TLS != nil && r.TLS.ServerName != "" && !strings.EqualFold(r.TLS.ServerName, host) {
		return ""
	}
	return host
}

// Source returns the caller's address: the connection's, or what trusted proxies say of it in X-Forwarded-For.
func Source(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap()
	if len(trusted) == 0 || !trusts(trusted, addr) {
		return addr
	}
	lines := r.Header["X-Forwarded-For"]
	for hops := strings.Split(strings.Join(lines, ","), ","); len(hops) > 0; hops = hops[:len(hops)-1] {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[len(hops)-1]))
		if err != nil {
			break
		}
		if addr = hop.Unmap(); !trusts(trusted, addr) {
			break
		}
	}
	return addr
}

func trusts(trusted []netip.Prefix, addr netip.Addr) bool {
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
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
