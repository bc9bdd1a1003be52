// Package hostname knows the one spelling in which host names are compared: in lower case, without port, brackets and the dot at the end, an
// address as RFC 5952 writes it.
//
// It reads what a request says (Of) and what settings say (Canonical) by the same rules, so that no two readers can disagree about which
// host is meant. It resolves nothing and decides nothing. Surfaces, settings and rules of tenants use it; its functions may be called
// concurrently. RFC 3986 (section 3.2.2), RFC 9110 (section 7.2).
package hostname

import (
	"net/netip"
	"strings"
)

const (
	letters = "abcdefghijklmnopqrstuvwxyz0123456789-_."
	longest = 253 // RFC 1035, section 2.3.4, without the dot at the end
)

// Of returns the host name that a Host header or the authority of a URL names, with or without a port. An IPv6 address has brackets there.
// The name is empty, and ok false, where there is none or it could be read in two ways.
func Of(host string) (name string, ok bool) {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.Trim(host[i+1:], "0123456789") == "" {
		host = host[:i]
	}
	if strings.HasPrefix(host, "[") {
		return literal(host)
	}
	if strings.IndexByte(host, ':') >= 0 { // an IPv6 address needs its brackets, or its end could be a port
		return "", false
	}
	return Canonical(host)
}

// Canonical returns the spelling of a host name that has no port, as settings name one: an IPv6 address may stand there without brackets.
func Canonical(host string) (name string, ok bool) {
	if strings.HasPrefix(host, "[") {
		return literal(host)
	}
	name = strings.TrimSuffix(strings.ToLower(host), ".")
	if strings.IndexByte(name, ':') >= 0 {
		return address(name)
	}
	if name == "" || len(name) > longest || strings.Trim(name, letters) != "" {
		return "", false
	}
	return name, true
}

// literal reads an IPv6 address in brackets, and nothing else (RFC 3986, section 3.2.2).
func literal(host string) (string, bool) {
	inner, closed := strings.CutSuffix(host[1:], "]")
	if !closed || strings.IndexByte(inner, ':') < 0 {
		return "", false
	}
	return address(inner)
}

func address(text string) (string, bool) {
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return "", false
	}
	return addr.String(), true
}
