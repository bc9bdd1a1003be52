package main

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/hostname"
	"github.com/tokenbooth/tokenbooth/internal/server"
)

// hsts is what browsers are told over TLS, on the public listener, to do from then on.
type hsts struct {
	MaxAge            *time.Duration `yaml:"max_age,omitempty"` // zero: they are told nothing
	IncludeSubdomains bool           `yaml:"include_subdomains,omitempty"`
}

// longestHSTS is how long browsers may be bound at most: what they were told cannot be taken back from here.
const longestHSTS = 2 * 365 * 24 * time.Hour

// scrapers are who may read the metrics, beside this machine under its own names.
type scrapers struct {
	Hosts    []string       `yaml:"hosts,omitempty"`
	Networks []netip.Prefix `yaml:"networks,omitempty"`
}

// checkPublic refuses what browsers and collectors could not make sense of.
func (s *settings) checkPublic() error {
	for i, host := range s.Scrapers.Hosts {
		name, ok := hostname.Canonical(host)
		if !ok {
			return s.fault(fmt.Sprintf("scrapers.hosts[%d]", i), fmt.Sprintf("%q is no host name; one has neither port nor path", host))
		}
		s.Scrapers.Hosts[i] = name
	}
	if s.HSTS == nil {
		return nil
	}
	switch age := s.manners().HSTS.MaxAge; {
	case s.TLS == nil:
		return s.fault("hsts", "it is sent over TLS alone: give tls, or say it where TLS ends, in the proxy in front")
	case age < 0 || age > longestHSTS || age%time.Second != 0:
		return s.fault("hsts.max_age", fmt.Sprintf("browsers are bound for whole seconds from 0s (not at all) to %s, not %s", hours(longestHSTS), age))
	case age == 0 && s.HSTS.IncludeSubdomains:
		return s.fault("hsts.include_subdomains", "with max_age: 0s browsers are told nothing, of subdomains neither")
	}
	return nil
}

// hours is a long time as settings would say it.
func hours(d time.Duration) string { return fmt.Sprintf("%dh", d/time.Hour) }

// manners are those of the public listener.
func (s *settings) manners() server.Manners {
	m := server.Manners{Health: s.PublicHealth, HSTS: server.DefaultHSTS}
	if h := s.HSTS; h != nil {
		m.HSTS.IncludeSubdomains = h.IncludeSubdomains
		if h.MaxAge != nil {
			m.HSTS.MaxAge = *h.MaxAge
		}
	}
	return m
}
