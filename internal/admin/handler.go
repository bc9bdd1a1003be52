package admin

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Options are what the operators' API works with. All are needed but where nil or nothing is said to do.
type Options struct {
	Office   *office.Office
	Issuer   *issuer.Issuer // says whose an access token is
	Registry *registry.Registry
	Store    store.Store    // keeps answers that may be asked for again
	Sealer   *secret.Sealer // seals them, and makes cursors
	Now      func() time.Time
	Door     *edge.Door // where requests come in
	Log      *slog.Logger
	// URL is that of the operators' listener, as its callers have it: whoever shows no token that counts is sent to the description of the
	// API below it (Metadata). "": nowhere.
	URL string
	// TokenEndpoints says where a tenant gives out tokens, and in which dialect. nil: nobody is told.
	TokenEndpoints func(*registry.Tenant) []TokenEndpoint
	// Dialect returns a dialect in force by its name. nil: there is none.
	Dialect func(name string) (Dialect, bool)
	// Fetches says who has asked for a tenant's key set lately, the latest first. nil: nobody knows.
	Fetches func(tenant string) []KeySetFetch
}

// api is the handler, and the server that the contract asks for.
type api struct {
	Options
	mux *http.ServeMux
}

var _ StrictServerInterface = (*api)(nil)

// New makes the handler of everything under /v1/. It asks for an access token itself, and for nothing else: neither cookies nor the
// origin of a web page count.
func New(o Options) http.Handler {
	a := &api{o, http.NewServeMux()}
	strict := NewStrictHandlerWithOptions(a, []StrictMiddlewareFunc{a.declaredOnly},
		StrictHTTPServerOptions{RequestErrorHandlerFunc: a.fail, ResponseErrorHandlerFunc: a.fail})
	HandlerWithOptions(strict, StdHTTPServerOptions{BaseRouter: a.mux, ErrorHandlerFunc: a.fail})
	return a
}

// call is one request: who asks, and what was sent.
type call struct {
	id     string
	from   oauth.Caller
	actor  operator.Actor
	tenant string // of the token
	body   []byte
}

type callKey struct{}

func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// ServeHTTP answers one request.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	known := a.Door.Arrive(w, r)
	c := &call{id: known.ID, from: known.Caller}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	r = r.WithContext(audit.WithOrigin(context.WithValue(r.Context(), callKey{}, c), audit.Origin{RequestID: c.id, Source: c.from.From()}))
	defer edge.Contain(func(fault error) {
		a.Log.Error("the operators' API has panicked", "request_id", c.id, "fault", fault)
		a.fail(w, r, &refusal{kind: "fault"})
	})
	if err := a.serve(w, r, c); err != nil {
		a.fail(w, r, err)
	}
}

func (a *api) serve(w http.ResponseWriter, r *http.Request, c *call) (err error) {
	// 1 is there such an operation?
	pattern, err := a.route(r)
	if err != nil {
		return err
	}
	// 2 who asks?
	tenant := tenantIn(r)
	if err := a.authenticate(r, c, tenant); err != nil {
		return err
	}
	// 3 where the token gives a role? That somebody wanted to be elsewhere is written down.
	if err := a.admit(c, tenant, pattern); err != nil {
		return err
	}
	// 4 what was sent?
	if c.body, err = readBody(w, r); err != nil {
		return err
	}
	// 5 do it, once
	if key := r.Header.Get(idempotencyKey); key != "" && takesKey[pattern] {
		return a.once(w, r, c, pattern, key)
	}
	a.mux.ServeHTTP(w, r)
	return nil
}

// admit lets in whoever has any role in the tenant that is named; and to what is of the desk itself, whoever has the right to it there. So
// nobody else learns what would be wrong with a request. The list of tenants is for all: it has those of the caller.
func (a *api) admit(c *call, tenant, pattern string) (err error) {
	desk := a.Office.Operators(&c.actor)
	switch {
	case tenant != "":
		_, err = a.Office.At(&c.actor, tenant).Tenant()
	case pattern == "GET /v1/tenants":
	case pattern == "GET /v1/settings":
		err = desk.May(operator.ReadSettings)
	case strings.HasPrefix(pattern, "GET "):
		err = desk.May(operator.ReadOperators)
	default:
		err = desk.May(operator.ChangeOperators)
	}
	return err
}

// route finds the operation of a request. A path that is not in its one spelling is none: it must not be redirected to another.
func (a *api) route(r *http.Request) (pattern string, err error) {
	unknown := &refusal{kind: "not-found", detail: "There is no such path. The contract is at /openapi."}
	if p := r.URL.EscapedPath(); strings.Contains(p, "//") || dotted(p) {
		return "", unknown
	}
	if _, pattern := a.mux.Handler(r); pattern != "" {
		if !literally(r.URL.EscapedPath(), pattern) {
			return "", unknown
		}
		return pattern, nil
	}
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.mux.Handler(other); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return "", unknown
	}
	return "", &refusal{kind: "wrong-method", header: http.Header{"Allow": {strings.Join(allowed, ", ")}}}
}

// literally reports whether the words of a pattern stand in a path as they are: the multiplexer takes them escaped as well, and what looks at
// paths by their beginning would not know them.
func literally(path, pattern string) bool {
	_, pattern, _ = strings.Cut(pattern, " ")
	segments := strings.Split(path, "/")
	for i, word := range strings.Split(pattern, "/") {
		if !strings.HasPrefix(word, "{") && segments[i] != word {
			return false
		}
	}
	return true
}

// dotted reports whether a path has a segment that means another place.
func dotted(path string) bool {
	for s := range strings.SplitSeq(path, "/") {
		if s == "." || s == ".." {
			return true
		}
	}
	return false
}

// tenantIn returns the tenant that a path names, or nothing.
func tenantIn(r *http.Request) string {
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/v1/tenants/")
	if !ok {
		return ""
	}
	segment, _, _ := strings.Cut(rest, "/")
	name, err := url.PathUnescape(segment)
	if err != nil {
		return segment // no tenant has a % in its name
	}
	return name
}

// desk is the tenant that a request names, as its author may use it.
func (a *api) desk(ctx context.Context, tenant string) *office.Desk {
	return a.Office.At(&callOf(ctx).actor, tenant)
}

func etag(rev uint64) string { return fmt.Sprintf("%q", fmt.Sprint(rev)) }
