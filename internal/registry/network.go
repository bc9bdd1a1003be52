package registry

import (
	"fmt"
	"net/netip"
)

// Network is a range of addresses that a client may ask from. It is written as a network, 192.0.2.0/24
// or 2001:db8::/32, or as a single address, and kept as a network. An IPv4 range that was written
// within IPv6 (RFC 4291, section 2.5.5.2) is the IPv4 range: addresses of callers are compared so too.
type Network struct{ netip.Prefix }

// ParseNetwork reads a network or a single address. That a network has no bits beyond its length is a
// rule of registrations (Client.check), so that what was kept before the rule can still be read.
func ParseNetwork(text string) (Network, error) {
	p, err := netip.ParsePrefix(text)
	if addr, single := netip.ParseAddr(text); single == nil && addr.Zone() == "" {
		p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	if err != nil {
		return Network{}, fmt.Errorf("%.60q is neither an address nor a network like 192.0.2.0/24 or 2001:db8::/32", text)
	}
	if inner := p.Bits() - 96; p.Addr().Is4In6() && inner >= 0 {
		p = netip.PrefixFrom(p.Addr().Unmap(), inner)
	}
	return Network{p}, nil
}

// UnmarshalText is ParseNetwork.
func (n *Network) UnmarshalText(text []byte) (err error) {
	*n, err = ParseNetwork(string(text))
	return err
}

// check refuses a network that says less than it seems to.
func (n Network) check() error {
	if n.Prefix == n.Masked() {
		return nil
	}
	return fmt.Errorf("%s has bits beyond its length; write %s for the network, or %s for the one address", n, n.Masked(), n.Addr())
}
