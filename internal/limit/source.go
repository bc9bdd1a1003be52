package limit

import (
	"net/netip"
	"time"
)

const (
	knownFor    = 30 * 24 * time.Hour
	knownPlaces = 16 // remembered for one account
)

// Place is what counts as one source: an IPv4 address, or the /64 of an IPv6 one, since whoever has one address of a /64 has them
// all. The zero Addr, an unknown source, is a place like any other.
func Place(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a
	}
	return p.Addr()
}

// around are the networks that a place is in, itself first, each with what may be guessed wrongly from all of it.
type around struct {
	nets  [len(widths)]netip.Prefix
	count int
}

// widths are the networks that IPv6 addresses are given out in: whoever has one can call from all of it.
var widths = [...]struct {
	bits int
	rule rule
}{{64, perSource}, {56, perSubnet}, {48, perSite}}

func aroundOf(p netip.Addr) (n around) {
	if !p.Is6() {
		n.nets[0], n.count = netip.PrefixFrom(p, p.BitLen()), 1 // of an unknown place: one that no address is in
		return n
	}
	for i, w := range widths {
		n.nets[i] = netip.PrefixFrom(p, w.bits).Masked()
	}
	n.count = len(widths)
	return n
}

// widest is the network that shares of a Lane belong to.
func (n *around) widest() netip.Prefix { return n.nets[n.count-1] }

// known are the places an account was entered from lately, each with its own count, out of reach of whoever floods the account
// from elsewhere.
type known []*sighting

type sighting struct {
	gate
	place netip.Addr
	at    time.Duration
}

func (k known) find(p netip.Addr, now time.Duration) *sighting {
	for _, s := range k {
		if s.place == p && now-s.at < knownFor {
			return s
		}
	}
	return nil
}

// add notes that the account was entered from p. When there are too many places, the one not seen for longest goes: only who can
// enter the account can push one out.
func (k known) add(p netip.Addr, now time.Duration) known {
	stalest := 0
	for i, s := range k {
		if s.place == p {
			s.at = now
			return k
		}
		if s.at < k[stalest].at {
			stalest = i
		}
	}
	fresh := &sighting{place: p, at: now}
	if len(k) < knownPlaces {
		return append(k, fresh)
	}
	k[stalest] = fresh
	return k
}
