// Package sandbox is a small stand-in for the APIs that callers reach with a token: Nexthink's seven, DADI's list of collections
// and the Nexudus answer to "who am I". It stands behind our gateway, for `demo` and for tests.
//
// It keeps a fixed inventory and whatever callers did with it, in memory, apart for every tenant, all of it bounded. It decides
// nothing about access: it believes the identity headers (Tokenbooth-Tenant, -Client-Id, -Subject, -Username, -Name) as they come,
// so it must never be reachable other than through a gateway that strips a caller's own copies of them.
//
// A request that the vendor's documents allow is answered as they say, with sample content; one that they do not allow is refused
// in the words of that API, because the seven APIs have five shapes of error between them. Where the documents are silent
// (error codes above all) the choice is ours and marked so.
//
// The handler may be called concurrently. Time and identifiers come from outside, so a test can say what they are.
package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"time"
)

// Options says what a sandbox cannot know by itself. The zero value works, with the warning at NewID.
type Options struct {
	Now func() time.Time // nil: time.Now

	// NewID makes the identifiers of requests, executions and exports, in the form of a UUID. The link to an export's results is
	// such an identifier and opens without a token, as the vendor's do, so a server must pass a random source. Nil counts upwards,
	// for tests; then a link opens for its own tenant only.
	NewID func() string

	// BaseURL is where callers reach the gateway, for links in answers: "https://acme.api.eu.example.com". Empty: as the request
	// says, in X-Forwarded-Proto, X-Forwarded-Host and Host.
	BaseURL string

	// DailyExportCalls is how many calls about exports, to start one or ask after it, a tenant has in a day of UTC before it is
	// told to wait. 0: 10,000.
	DailyExportCalls int
}

// sandbox is what all calls share.
type sandbox struct {
	opt     Options
	tenants *tenants
	links   *links

	guessable bool // the identifiers are
}

// New returns the sandbox as a handler.
func New(opt Options) http.Handler {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	guessable := opt.NewID == nil
	if guessable {
		opt.NewID = counter()
	}
	if opt.DailyExportCalls == 0 {
		opt.DailyExportCalls = 10_000
	}
	s := &sandbox{opt: opt, tenants: newTenants(), links: newLinks(), guessable: guessable}
	mux := http.NewServeMux()
	for _, a := range apis() {
		allow := map[string][]string{}
		for _, e := range a.endpoints {
			mux.Handle(strings.TrimSpace(e.method+" "+e.pattern), s.handler(a, e))
			switch e.method {
			case "":
			case http.MethodGet: // ServeMux answers HEAD with the function for GET
				allow[e.pattern] = append(allow[e.pattern], e.method, http.MethodHead)
			default:
				allow[e.pattern] = append(allow[e.pattern], e.method)
			}
		}
		for pattern, methods := range allow {
			mux.Handle(pattern, wrongMethod(a, strings.Join(methods, ", ")))
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	return exactPath(mux)
}

// counter returns a source of identifiers that only a test may use: each is the one before plus one.
func counter() func() string {
	var n atomic.Uint64
	return func() string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n.Add(1)) }
}

// handler wraps an endpoint: it finds the tenant, and it is the one place where an error becomes an answer.
func (s *sandbox) handler(a api, e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r, now: s.opt.Now(), caller: callerOf(r.Header)}
		c.tenant = s.tenants.get(c.caller.tenant, c.now)
		err := e.serve(s, c)
		if err == nil {
			return
		}
		no, ok := errors.AsType[*refusal](err)
		if !ok {
			no = refuse(http.StatusInternalServerError, "INTERNAL_ERROR", "the sandbox could not answer this request")
		}
		a.refuse(w, no)
	})
}

// wrongMethod answers a known path that was asked with a method it does not have (RFC 9110, section 15.5.6).
func wrongMethod(a api, allow string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", allow)
		a.refuse(w, refuse(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "this path answers to "+allow))
	})
}

// exactPath answers 404 to a path that is not in its shortest form. ServeMux would redirect it, and behind a gateway a redirect
// shows the caller a path that the gateway did not decide about.
func exactPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		next.ServeHTTP(w, r)
	})
}
