//go:build linux

package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const few, many = 100, 100_000 // clients

// settle is how long it takes at most until what is written behind the answers (the first uses of secrets) is written.
const settle = 3 * time.Second

// jwt measures how many JWTs a core signs and answers.
func (b *bench) jwt() error {
	t, err := b.booth(few)
	if err != nil {
		return err
	}
	floor, err := b.jwtFloor(t)
	if err != nil {
		return err
	}
	c, err := b.contest(t.side("JWT", atRandom(t.jwts)), floor, (*turn).perCore)
	if err != nil {
		return err
	}
	b.rates["jwt"] = c.ours
	b.report.compared("JWT issue, a second of one core (goal 0.90)", c, 0.75, whole)
	return nil
}

// jwtFloor starts the floor that does what the booth does for a JWT.
func (b *bench) jwtFloor(t *booth) (side, error) {
	body, err := t.fire(t.jwts[0])
	if err != nil {
		return side{}, err
	}
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return side{}, fmt.Errorf("%q: %w", body, err)
	}
	parts := strings.Split(answer.Token, ".")
	if len(parts) != 3 {
		return side{}, fmt.Errorf("%q is not a JWT", answer.Token)
	}
	floor, err := b.play(b.cores.server, "jwt", strconv.Itoa(base64.RawURLEncoding.DecodedLen(len(parts[1]))), strconv.Itoa(len(body)))
	floor.load.next = atRandom(t.jwts)
	return floor, err
}

// opaque measures how many opaque tokens are kept, durably, and answered in a second. The disk has its part in that, so it is a second
// of time and not of a core.
func (b *bench) opaque() error {
	t, err := b.booth(few)
	if err != nil {
		return err
	}
	floor, err := b.opaqueFloor(t)
	if err != nil {
		return err
	}
	c, err := b.contest(t.side("opaque", atRandom(t.opaques)), floor, (*turn).perSecond)
	if err != nil {
		return err
	}
	b.rates["opaque"] = c.ours
	// One core waits for each sync with it: 0.40 and less by what a busy machine takes away.
	b.report.compared(fmt.Sprintf("opaque issue (DADI), durable on SQLite, a second, %d callers", conns), c, 0.33, whole)
	return b.opaqueWide(floor)
}

// opaqueWide measures the same on two cores, which the generator and the server share: what users have.
func (b *bench) opaqueWide(floor side) error {
	t, err := b.newBooth(few, "127.0.0.1:9")
	if err != nil {
		return err
	}
	t.wide = true
	if err := b.open(t); err != nil {
		return err
	}
	c, err := b.contest(t.side("opaque, two cores", atRandom(t.opaques)), floor, (*turn).perSecond)
	if err != nil {
		return err
	}
	b.report.compared(fmt.Sprintf("the same on two cores, beside that floor on one, %d callers", conns), c, 0, whole)
	return nil
}

// opaqueFloor starts the floor that does what the booth does for an opaque token, but for keeping it.
func (b *bench) opaqueFloor(t *booth) (side, error) {
	body, err := t.fire(t.opaques[0])
	if err != nil {
		return side{}, err
	}
	floor, err := b.play(b.cores.server, "opaque", strconv.Itoa(len(body)))
	floor.load.next = atRandom(t.opaques)
	return floor, err
}

// flat measures what a thousand times as many clients cost.
func (b *bench) flat() error {
	small, err := b.booth(few)
	if err != nil {
		return err
	}
	large, err := b.booth(many)
	if err != nil {
		return err
	}
	once := large.side("clients once each", inTurn(large.jwts))
	once.load.count = many
	if _, err := once.take(); err != nil { // from here on all of them are known
		return err
	}
	time.Sleep(settle)
	c, err := b.contest(large.side("flat", atRandom(large.jwts)), small.side("few clients", atRandom(small.jwts)), (*turn).perCore)
	if err != nil {
		return err
	}
	b.report.compared("JWT issue, 100,000 clients at random; beside it 100", c, 0.95, whole)
	c, err = b.contest(large.side("flat, opaque", atRandom(large.opaques)), small.side("few clients", atRandom(small.opaques)), (*turn).perSecond)
	if err != nil {
		return err
	}
	b.report.compared("opaque issue, 100,000 clients at random; beside it 100", c, 0, whole)
	return nil
}

// latency measures how long callers wait when half of what is possible is asked for, at a steady rate.
func (b *bench) latency() error {
	t, err := b.booth(few)
	if err != nil {
		return err
	}
	jwtFloor, err := b.jwtFloor(t)
	if err != nil {
		return err
	}
	opaqueFloor, err := b.opaqueFloor(t)
	if err != nil {
		return err
	}
	for _, kind := range []struct {
		name        string
		ours, floor side
	}{
		{"jwt", t.side("JWT", atRandom(t.jwts)), jwtFloor},
		{"opaque", t.side("opaque", atRandom(t.opaques)), opaqueFloor},
	} {
		if b.rates[kind.name] == 0 {
			s := kind.ours
			s.load.lasts = b.turn
			found, err := s.take()
			if err != nil {
				return err
			}
			b.rates[kind.name] = found.perSecond()
		}
		if err := b.waits(kind.name, b.rates[kind.name]/2, kind.ours, kind.floor); err != nil {
			return err
		}
	}
	return nil
}

// waits puts the line about one kind of request into the table.
func (b *bench) waits(name string, rate float64, sides ...side) error {
	var spelt []string
	for _, s := range sides {
		s.load.rate, s.load.lasts = rate, 4*time.Second
		t, err := s.take()
		if err != nil {
			return err
		}
		spelt = append(spelt, fmt.Sprintf("%.2f / %.2f ms", milliseconds(quantile(t.waits, 0.50)), milliseconds(quantile(t.waits, 0.99))))
	}
	b.report.add(row{figure: fmt.Sprintf("%s at %s a second: p50 / p99", name, whole(rate)), ours: spelt[0], floor: spelt[1]}, true)
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
