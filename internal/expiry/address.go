package expiry

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// errAddress is an address that no webhook may lead to.
var errAddress = errors.New("the address is not one of the public Internet")

// Addresses that lead into the house, which a webhook may reach when that was allowed (RFC 1918, RFC 4193, RFC 6598, loopback).
var inHouse = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "::1/128", "fc00::/7")

// Addresses that are nobody's to be told anything: of this network, link-local (where clouds keep the metadata and credentials of a
// machine), multicast, reserved, for documentation, and those of metadata services elsewhere (RFC 6890 and the registries it founded).
var nowhere = prefixes("0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"168.63.129.16/32", "100.100.100.200/32", "fd00:ec2::254/128", // Azure's, Alibaba's, Amazon's
	"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20") // of global unicast: tunnels hide another address in theirs

var (
	globalUnicast = netip.MustParsePrefix("2000::/3") // all else of IPv6 is special (RFC 4291, section 2.4)
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, t := range texts {
		out = append(out, netip.MustParsePrefix(t))
	}
	return out
}

// mayReach says why a webhook may not reach an address, or nil. An IPv4 address is judged alike in each form it can be written in: as
// itself, mapped (RFC 4291, section 2.5.5.2), or behind a translator (RFC 6052).
func mayReach(addr netip.Addr, allowPrivate bool) error {
	if addr.Zone() != "" {
		return errAddress
	}
	addr = addr.Unmap()
	if nat64.Contains(addr) {
		bytes := addr.As16()
		addr = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	switch {
	case !addr.IsValid() || within(nowhere, addr):
		return errAddress
	case within(inHouse, addr):
		if allowPrivate {
			return nil
		}
		return errAddress
	case addr.Is6() && !globalUnicast.Contains(addr):
		return errAddress
	}
	return nil
}

func within(all []netip.Prefix, addr netip.Addr) bool {
	for _, p := range all {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// control is called with the address that is really dialled, after names have been looked up: what a name meant a moment before does
// not count, so a name that changes its meaning gains nothing.
func control(allowPrivate bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %w", errAddress, err)
		}
		return mayReach(to.Addr(), allowPrivate)
	}
}
