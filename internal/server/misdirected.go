package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/edge"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Misdirected is a request that was sent to no host of a tenant (RFC 9110, section 15.5.20).
type Misdirected struct {
	edge.Request
	Case    oauth.Case     // UnknownHost or OtherTLSName
	Host    oauth.Unproven // it was sent to
	TLSName oauth.Unproven // in the handshake, where that is another
	Reason  string
}

// misdirect answers 421, and writes it down: whoever set up a proxy, a probe or a certificate looks for it. problem says why the request
// names no host; "" where no tenant has the one it names.
func (h *Handler) misdirect(w http.ResponseWriter, r *http.Request, known edge.Request, problem string) {
	host, _ := edge.Host(&http.Request{Host: r.Host}) // whatever the handshake was for
	m := Misdirected{Request: known, Case: oauth.UnknownHost, Host: oauth.Unproven(host)}
	text := "No tenant has this host name."
	m.Reason = "no tenant has the host " + shownHost(m.Host)
	switch {
	case host == "" && problem != "":
		text, m.Reason = "The request names no host.", problem
	case problem != "":
		text, m.Reason = "This connection is not for this host: "+problem+".", problem
	}
	if problem != "" && host != "" && r.TLS != nil {
		m.Case, m.TLSName = oauth.OtherTLSName, oauth.Unproven(r.TLS.ServerName)
		m.Reason = "the request is for " + h.hostShown(m.Host) + ", the TLS handshake was for " + h.hostShown(m.TLSName)
	}
	h.Log.LogAttrs(context.Background(), slog.LevelInfo, "request misdirected", slog.String("request_id", known.ID), slog.String("case", string(m.Case)),
		slog.String("reason", m.Reason), slog.String("source", known.From()))
	if h.Misdirected != nil {
		h.Misdirected(m)
	}
	plain(w, http.StatusMisdirectedRequest, text)
}

// hostShown is a host name as it may be written down: that of a tenant as it is.
func (h *Handler) hostShown(host oauth.Unproven) string {
	if (*h.hosts.Load())[strings.ToLower(host.Reveal())] != nil {
		return strings.ToLower(host.Reveal())
	}
	return shownHost(host)
}

// shownHost is what may be shown of a host that no tenant has. An IP address is nobody's secret.
func shownHost(host oauth.Unproven) string {
	if at, err := netip.ParseAddr(host.Reveal()); err == nil {
		return at.String()
	}
	if host == "" {
		return "of no readable name"
	}
	return host.String()
}
