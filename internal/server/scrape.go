package server

import (
	"net/http"
	"net/netip"
	"slices"

	"github.com/tokenbooth/tokenbooth/internal/edge"
)

// Scrapers are who may read the metrics, beside this machine under its own names.
type Scrapers struct {
	Hosts    []string       // names they may be asked for under; none: from elsewhere any
	Networks []netip.Prefix // where else they may be asked for from; none: from anywhere
}

// Scrape is how requests for metrics are told apart.
type Scrape struct {
	Door     *edge.Door
	Scrapers func() Scrapers // those in force
}

// only lets those pass who may read the metrics. The two rules are apart: no network waives the name for a call from this machine, since
// a web page whose own name suddenly means 127.0.0.1 must not read, in somebody's browser here, what tenants there are.
func (s Scrape) only(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, may := s.Door.Arrive(w, r), s.Scrapers()
		if !may.name(r, from) {
			http.Error(w, "Ask for localhost, or for a name in the setting scrapers.hosts.", http.StatusMisdirectedRequest)
			return
		}
		if !may.place(r, from) {
			http.Error(w, "The setting scrapers.networks does not have this address.", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// name reports whether metrics may be asked for under the name of a request.
func (s Scrapers) name(r *http.Request, from edge.Request) bool {
	host, problem := edge.Host(r)
	return !here(from.Peer) && len(s.Hosts) == 0 || problem == "" && (edge.ThisMachine(host) || slices.Contains(s.Hosts, host))
}

// place reports whether metrics may be asked for from where a request comes. Who asks from this machine may, unless a proxy here asks
// for somebody else: then it is for that one.
func (s Scrapers) place(r *http.Request, from edge.Request) bool {
	return len(s.Networks) == 0 || here(from.Peer) && r.Header["X-Forwarded-For"] == nil ||
		slices.ContainsFunc(s.Networks, func(p netip.Prefix) bool { return p.Contains(from.Source) })
}

// here reports whether the other end of a connection is on this machine: a loopback address, or none, over a unix socket.
func here(peer netip.Addr) bool { return !peer.IsValid() || peer.IsLoopback() }
