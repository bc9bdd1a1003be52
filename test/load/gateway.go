//go:build linux

package main

import (
	"fmt"
	"net/netip"
)

// ring is how many tokens are called with in turn where each shall be new to the verifier, which remembers 8192: when one comes again
// it has been forgotten, but for one in three hundred.
const ring = 4 * 8192

// gateway measures calls that carry a JWT seen before through the gateway, beside calls through a proxy that checks nothing.
func (b *bench) gateway() error {
	return b.guarded("gateway, JWT seen before", 1, 0.80)
}

// fresh measures calls that carry a JWT never seen before: each costs the verification of a signature.
func (b *bench) fresh() error {
	return b.guarded("gateway, JWT never seen before", ring, 0.35)
}

// guarded measures calls through the gateway with so many tokens in turn. The API behind it and the floor runs on the generator's core.
func (b *bench) guarded(name string, tokens int, must float64) error {
	api, err := b.play(b.cores.generator, "api")
	if err != nil {
		return err
	}
	floor, err := b.play(b.cores.server, "gateway", api.load.addr.String())
	if err != nil {
		return err
	}
	t, err := b.newBooth(1, api.load.addr.String())
	if err != nil {
		return err
	}
	if err := b.open(t); err != nil {
		return err
	}
	calls, err := t.calls(t.addr, tokens)
	if err != nil {
		return err
	}
	ours := t.side(name, inTurn(calls))
	floor.load.next, floor.load.spare, ours.load.spare = inTurn(calls), true, true // the API needs the core
	c, err := b.contest(ours, floor, (*turn).perCore)
	if err != nil {
		return err
	}
	b.report.compared(name+", calls a second of one core", c, must, whole)
	return nil
}

// calls buys so many JWTs of a booth and writes a call through the gateway at addr with each.
func (t *booth) calls(addr netip.AddrPort, n int) (calls [][]byte, err error) {
	tokens, err := t.buy(n, always(t.jwts[0]))
	for _, token := range tokens {
		calls = append(calls, fmt.Appendf(nil, "GET /api/v1/workflows?dependency=USER HTTP/1.1\r\nHost: %v\r\nUser-Agent: load\r\nAccept: */*\r\nAuthorization: Bearer %s\r\n\r\n",
			addr, token))
	}
	return calls, err
}
