package server

import (
	"fmt"
	"net/http"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/hostname"
)

// Manners is how the public listener behaves where no tenant has a say.
type Manners struct {
	Health bool // GET /healthz is answered under host names that no tenant has
	HSTS   HSTS

	hsts []string // the header, made once
}

// HSTS is what browsers are told over TLS: to come by HTTPS alone from then on (RFC 6797).
type HSTS struct {
	MaxAge            time.Duration // in whole seconds; zero: they are told nothing
	IncludeSubdomains bool          // of the host as well
}

// DefaultHSTS is a year, of the host that answered alone: the public listener sets no cookies that a subdomain could fix, and
// subdomains may be somebody else's, who serves no HTTPS there.
var DefaultHSTS = HSTS{MaxAge: 365 * 24 * time.Hour}

// header is the value of Strict-Transport-Security; nil: there is none.
func (s HSTS) header() []string {
	if s.MaxAge == 0 {
		return nil
	}
	value := fmt.Sprintf("max-age=%d", s.MaxAge/time.Second)
	if s.IncludeSubdomains {
		value += "; includeSubDomains"
	}
	return []string{value}
}

// SetManners puts other manners in force, while requests are answered.
func (h *Handler) SetManners(m Manners) {
	m.hsts = m.HSTS.header()
	h.manners.Store(&m)
}

// probed reports whether a request is a health probe's: one that names no tenant's host, and maybe none (HTTP/1.0). A tenant's own
// /healthz stays the tenant's, even over a connection that was opened for another name.
func (h *Handler) probed(r *http.Request) bool {
	name, _ := hostname.Of(r.Host)
	return (*h.hosts.Load())[name] == nil && r.URL.Path == "/healthz" && (r.Method == http.MethodGet || r.Method == http.MethodHead)
}

// alive answers a health probe of strangers: that the process runs, and nothing else about it; 503 from when it stops.
func (h *Handler) alive(w http.ResponseWriter) {
	if h.leaving.Load() {
		state(w, http.StatusServiceUnavailable, "stopping", Health{})
		return
	}
	state(w, http.StatusOK, "ok", Health{})
}
