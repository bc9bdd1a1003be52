// Package console is the surface for people: pages for operators in a browser, on the operators' listener. It translates between HTML
// and package office, which decides who may do what and writes down who did it; a page cannot forget either. Nothing is kept here but
// the notices that a person is about to read.
//
// Every route is a line of a table (routes.go and routes_*.go). Each page is one file, one struct and one template of the same name; the
// struct holds all that the page shows. An action returns an error and ServeHTTP speaks for it: sign in first, 403, 404, 409, 503, 500,
// always with the request id.
//
// All answers carry the same headers, errors and static files too (headers.go): no inline script or style, no frame, no other site. A
// change is a POST from a page of our own (csrf.go), answered with a redirect; a secret is shown once, on the answer to the POST that made
// it. No page waits until all clients of a tenant are read (reading.go). Everything works without JavaScript but passkeys and copy buttons.
// Handlers may be called concurrently.
//
// RFC 6265bis (section 4.1.3), RFC 9110 (sections 7.4, 15.5.20), W3C Content Security Policy Level 3, WCAG 2.2 AA.
package console

import (
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/internal/hostname"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
)

// Options are what a console works with.
type Options struct {
	Office    *office.Office
	Operators *operator.Operators
	Dialects  func() map[string]*dialect.Dialect // by name, as loaded
	Public    http.Handler                       // of the public listener: Try it asks there what a program would ask
	Fetches   func(tenant string) []Fetch        // who fetched the tenant's key set lately; nil: nobody knows
	Health    func(*http.Request) []Fact         // of the store, the feed and what else can fail; nil: not shown
	Now       func() time.Time
	Home      func() string // the tenant whose overview is the first page, for who may see it; nil or "": the first by name
	URL       string        // of the console, like https://desk.example.com; pages answer to its host and to loopback hosts only
	Log       *slog.Logger
	Door      *edge.Door // where requests come in
	Version   string
}

// Fetch is somebody who fetched a key set.
type Fetch struct {
	From    string // the caller's address
	Agent   string // what it calls itself
	Tag     string // of the set it has
	At      time.Time
	Current bool // that set is the one published now
}

// State says how well something does.
type State string

// States of a fact.
const (
	OK      State = "ok"
	Warning State = "warning"
	Failing State = "problem"
)

// Fact is one line about health.
type Fact struct {
	Name  string
	State State
	Text  string
}

// Console answers all paths of the operators' listener that nothing else answers.
type Console struct {
	Options
	host    string // of URL, in lower case, without port
	mux     *http.ServeMux
	csrf    *http.CrossOriginProtection
	pages   map[string]*template.Template
	files   *files
	notices *notices
	reports *pace // of what browsers report, which anybody can send
	strange *pace // of requests from other sites, likewise
	outages *pace // of what a store that is down makes of each request
}

// New makes a console. It panics when a template does not parse or a route contradicts another: both are faults of the build.
func New(o Options) http.Handler {
	c, err := build(o)
	if err != nil {
		panic(err)
	}
	return c
}

func build(o Options) (*Console, error) {
	at, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("the console's URL: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	host, ok := hostname.Of(at.Host)
	if !ok {
		return nil, fmt.Errorf("the console's URL %q names no host", o.URL)
	}
	c := &Console{Options: o, host: host, mux: http.NewServeMux(), notices: newNotices(), reports: newPace(o.Now),
		strange: newPace(o.Now), outages: newPace(o.Now)}
	c.csrf = http.NewCrossOriginProtection()
	if c.files, err = loadFiles(); err != nil {
		return nil, err
	}
	if c.pages, err = c.parse(); err != nil {
		return nil, err
	}
	for _, r := range routes() {
		c.mux.HandleFunc(r.pattern, func(w http.ResponseWriter, req *http.Request) { c.serve(r, w, req) })
	}
	return c, nil
}
