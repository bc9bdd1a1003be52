// Package local knows which host names mean this machine: there nobody listens on the way, so http:// does where https:// is asked for
// everywhere else.
//
// It decides by the name alone and resolves nothing, because what a name server says could be wrong; who dials such a name has Address say
// what to dial, or a name server would be asked all the same. Settings, the issuer's warnings, the operators' API from afar and webhooks use
// it. Its functions may be called concurrently.
package local

import (
	"net"
	"net/netip"
	"strings"
)

// Host reports whether a host, a name or an address without a port, is this machine whatever a name server says: a loopback address
// (RFC 8252, section 8.3), localhost, or a name below it (RFC 6761, section 6.3).
func Host(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// Address returns what to dial in the place of a HOST:PORT: localhost for every name of this machine, since many resolvers know only that one,
// and anything else as it is.
func Address(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if _, number := netip.ParseAddr(host); err != nil || number == nil || !Host(host) {
		return addr
	}
	return net.JoinHostPort("localhost", port)
}
