//go:build linux

package main

import (
	"fmt"
	"slices"
	"time"
)

const (
	taken         = 100_000  // revocations that are alive
	revokedWithin = 16 << 20 // bytes
	revokedRate   = 1000     // calls a second: far less than a gateway can do, so that what is measured is its pauses and not a queue
	revokedRing   = 2 * 8192 // tokens in turn: nine calls of ten look their token up among what was taken back

	// The p99 of one gateway differs by more than that from turn to turn on a machine that others use too.
	revokedRatio  = 1.25
	revokedSlower = 500 * time.Microsecond
)

// revoked measures what 100,000 live revocations cost guards that follow a real issuer: the middleware, and a gateway in a process of
// its own, beside the same gateway that follows an issuer which has taken nothing back. Of the gateway it is memory, and how long the
// slowest calls wait. Issuers and API run on the servers' core: the generator keeps to a schedule and leaves nothing of its own to
// others.
func (b *bench) revoked() error {
	api, err := b.play(b.cores.server, "api")
	if err != nil {
		return err
	}
	var sides [2]side
	for n, revocations := range []int{taken, 0} {
		desk, text, err := b.desk(revocations)
		if err != nil {
			return err
		}
		if revocations > 0 {
			if err := b.require(desk, text); err != nil {
				return err
			}
		}
		g, err := b.gate(desk, text, api.load.addr.String(), revocations)
		if err != nil {
			return err
		}
		calls, err := desk.calls(g.addr, revokedRing)
		if err != nil {
			return err
		}
		sides[n] = g.side(fmt.Sprintf("gateway, %s revocations", whole(float64(revocations))), inTurn(calls))
		sides[n].load.rate, sides[n].load.lasts = revokedRate, 4*b.turn/3
	}
	read, _, err := occupied(sides)
	if err != nil {
		return err
	}
	waits, err := b.slowest(sides)
	if err != nil {
		return err
	}
	if err := b.weigh(sides, read); err != nil {
		return err
	}
	c := compare(waits[0], waits[1])
	b.report.note("The p99s of these gateways are those of the quietest of %d turns, because whatever else runs makes them longer and never shorter; the middle turns had %.2f ms, and %.2f ms with none.",
		b.rounds, c.ours, c.floor)
	c.ours, c.floor = slices.Min(waits[0]), slices.Min(waits[1])
	c.ratio = c.ours / c.floor
	b.report.add(row{figure: fmt.Sprintf("p99 at %s calls a second, %s revocations; beside it none", whole(revokedRate), whole(taken)),
		ours: fmt.Sprintf("%.2f ms", c.ours), floor: fmt.Sprintf("%.2f ms", c.floor), ratio: fmt.Sprintf("%.2f (%.2f to %.2f)", c.ratio, c.low, c.high),
		must: fmt.Sprintf("at most %.2f, or %.1f ms more", revokedRatio, milliseconds(revokedSlower))},
		c.ratio <= revokedRatio || c.ours-c.floor <= milliseconds(revokedSlower))
	return nil
}

// slowest lets the two sides take turns, and returns the p99 of each turn of each, in milliseconds.
func (b *bench) slowest(sides [2]side) (waits [2][]float64, err error) {
	for round := range b.rounds + 1 {
		for k := range sides {
			n := (k + round) % 2
			t, err := sides[n].take()
			if err != nil {
				return waits, err
			}
			if round > 0 { // the first turn of each fills caches
				waits[n] = append(waits[n], milliseconds(quantile(t.waits, 0.99)))
			}
		}
	}
	return waits, nil
}

// occupied returns what each side occupies now and what it occupied at most, in bytes.
func occupied(sides [2]side) (now, most [2]int64, err error) {
	for n, s := range sides {
		if now[n], most[n], err = s.server.memory(); err != nil {
			return now, most, err
		}
	}
	return now, most, nil
}

// weigh puts the line about memory into the table: that of gateways that have been at work, since right after the revocations were read
// (which is what read has) a gateway still holds the pages they came in, until it has to collect.
func (b *bench) weigh(sides [2]side, read [2]int64) error {
	now, most, err := occupied(sides)
	if err != nil {
		return err
	}
	cost := now[0] - now[1]
	b.report.add(row{figure: "memory of a gateway with 100,000 revocations; beside it with none", ours: mebibytes(now[0]), floor: mebibytes(now[1]),
		ratio: mebibytes(cost) + " more", must: "at most " + mebibytes(revokedWithin) + " more"}, cost <= revokedWithin)
	b.report.note("These gateways occupied %s and %s before the first call, when the pages of revocations had just been read and not been collected; %s and %s at most.",
		mebibytes(read[0]), mebibytes(read[1]), mebibytes(most[0]), mebibytes(most[1]))
	return nil
}
