package limit

import (
	"slices"
	"time"
)

// rule says how many wrong guesses a gate lets through.
type rule struct {
	limit  int
	window time.Duration // the limit holds for a span this long; 0: for guesses in a row, and after it each must wait longer
}

// The rules of Guesses.
var (
	perPair    = rule{limit: 10}                             // one account from one source
	perAccount = rule{limit: 100}                            // one account from all sources it is not known from
	perSource  = rule{limit: 300, window: 15 * time.Minute}  // one source at all accounts
	perSubnet  = rule{limit: 600, window: 15 * time.Minute}  // all of an IPv6 /56: what a home is given
	perSite    = rule{limit: 1200, window: 15 * time.Minute} // all of an IPv6 /48: what a company is given
)

const (
	firstWait  = time.Second
	lastWait   = 15 * time.Minute
	maxWaiting = 256 // at one gate
)

// gate counts the wrong guesses of one kind. A guess being checked counts as wrong until it is known to be right; so however many
// are checked at once, no more are wrong than the rule allows. The caller holds its lock.
type gate struct {
	wrong    int
	checking int
	until    time.Duration // of a window: when it ends; otherwise: when the next guess may be made
	waiting  []*waiter
}

// waiter is a guess that may still be let on, once one that is being checked turns out right.
type waiter struct {
	gate  *gate
	rule  rule
	ready chan struct{} // closed when it is time to try again
}

type verdict int

const (
	pass verdict = iota
	wait         // only guesses being checked stand in the way
	refuse
)

func (g *gate) judge(r rule, now time.Duration) (verdict, time.Duration) {
	if r.window > 0 && now >= g.until {
		g.wrong = 0
	}
	switch {
	case g.wrong < r.limit && g.wrong+g.checking < r.limit, g.wrong >= r.limit && now >= g.until && g.checking == 0:
		return pass, 0
	case g.wrong >= r.limit && now < g.until:
		return refuse, g.until - now
	}
	return wait, 0
}

// failed counts one wrong guess.
func (g *gate) failed(r rule, now time.Duration) {
	if r.window > 0 {
		if now >= g.until {
			g.wrong, g.until = 0, now+r.window
		}
		g.wrong++
		return
	}
	g.wrong++
	if over := g.wrong - r.limit; over >= 0 {
		g.until = now + min(lastWait, firstWait<<min(over, 30))
	}
}

// succeeded ends a row of wrong guesses. A window is not ended: who guesses at many accounts may well own one of them.
func (g *gate) succeeded(r rule) {
	if r.window == 0 {
		g.wrong, g.until = 0, 0
	}
}

// queue lets the caller wait; nil when too many do.
func (g *gate) queue(r rule) *waiter {
	if len(g.waiting) >= maxWaiting {
		return nil
	}
	w := &waiter{gate: g, rule: r, ready: make(chan struct{})}
	g.waiting = append(g.waiting, w)
	return w
}

// wake tells as many waiters as may be let on now to try again, and all of them when they are to be refused.
func (g *gate) wake(r rule, now time.Duration) {
	n := r.limit - g.wrong - g.checking
	switch v, _ := g.judge(r, now); v {
	case refuse:
		n = len(g.waiting)
	case pass:
		n = max(1, n)
	}
	for range min(n, len(g.waiting)) {
		close(g.waiting[0].ready)
		g.waiting[0] = nil
		g.waiting = g.waiting[1:]
	}
}

// leave takes a waiter that has lost patience out of the queue.
func (g *gate) leave(w *waiter) {
	if i := slices.Index(g.waiting, w); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
}
