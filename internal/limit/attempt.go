package limit

import (
	"net/netip"
	"time"
)

// Attempt is a guess that is being checked. Until it ends it counts as wrong.
type Attempt struct {
	guesses  *Guesses
	key      Key
	place    netip.Addr
	near     around
	accounts *accountShard
	sources  *sourceShard
	known    bool // a right guess was made here lately

	// The gates it has to pass: from a place the account is known from only the first, and then the slots are nil.
	pair     *gate
	pairSlot *slot[netip.Addr, gate]
	account  *slot[Key, account]
	source   [len(widths)]*slot[netip.Prefix, gate]
	ended    bool
}

// End says whether the guess was right. Only the first End or Void of an Attempt counts, so a deferred End(false) after Begin
// makes sure that no way out of a check, a panic included, leaves a guess uncounted.
func (a *Attempt) End(right bool) {
	a.end(right, func(g *gate, r rule, now time.Duration) {
		if right {
			g.succeeded(r)
		} else {
			g.failed(r, now)
		}
	})
}

// Void says that the guess could not be checked, through a fault of ours. It counts as nothing. A caller that voids a guess after
// it has learnt anything about the secret gives away free guesses.
func (a *Attempt) Void() {
	a.end(false, func(*gate, rule, time.Duration) {})
}

func (a *Attempt) lock()   { a.accounts.Lock(); a.sources.Lock() } // always in this order
func (a *Attempt) unlock() { a.sources.Unlock(); a.accounts.Unlock() }

// Turn is what a Lane is told of the guess.
func (a *Attempt) Turn() Turn { return Turn{a.near.widest(), a.known} }

// hold finds the gates and keeps them from being forgotten while a guess is at them. A guess that one of them refuses makes no new
// entry, so that nobody who is at a limit can push out the counts of others with made-up names or addresses.
func (a *Attempt) hold() error {
	a.lock()
	defer a.unlock()
	now := a.guesses.clock()
	if s := a.accounts.entered.peek(a.key); s != nil {
		if k := s.value.find(a.place, now); k != nil {
			a.accounts.entered.touch(s)
			a.pair, a.known = &k.gate, true
			return nil
		}
	}
	if s := a.sources.entered.peek(a.place); s != nil {
		a.known = now-s.value < knownFor
	}
	if err := a.refused(now); err != nil {
		return err
	}
	if !a.take() {
		a.release()
		return &TooMany{RetryAfter: firstWait} // every count there is room for is in use
	}
	return nil
}

// refused judges by the counts there are.
func (a *Attempt) refused(now time.Duration) error {
	for i, net := range a.near.nets[:a.near.count] {
		if s := a.sources.tried.peek(net); s != nil {
			if v, d := s.value.judge(widths[i].rule, now); v == refuse {
				return &TooMany{RetryAfter: d}
			}
		}
	}
	if s := a.accounts.of(a.key).peek(a.key); s != nil {
		if v, d := s.value.strangers.judge(perAccount, now); v == refuse {
			return &TooMany{RetryAfter: d}
		}
	}
	return nil
}

// take finds or makes every gate, and holds it.
func (a *Attempt) take() bool {
	for i, net := range a.near.nets[:a.near.count] {
		if a.source[i] = a.sources.tried.take(net); a.source[i] == nil {
			return false
		}
		a.source[i].held++
	}
	if a.account = a.accounts.of(a.key).take(a.key); a.account == nil {
		return false
	}
	a.account.held++
	if a.pairSlot = a.account.value.pair(a.place, pairsPerAccount); a.pairSlot == nil {
		return false
	}
	a.pairSlot.held++
	a.pair = &a.pairSlot.value
	return true
}

func (a *Attempt) release() {
	for _, s := range a.source {
		if s != nil {
			s.held--
		}
	}
	if a.account != nil {
		a.account.held--
	}
	if a.pairSlot != nil {
		a.pairSlot.held--
	}
}

// each calls do for every gate the attempt has to pass.
func (a *Attempt) each(do func(*gate, rule)) {
	do(a.pair, perPair)
	if a.account == nil {
		return
	}
	do(&a.account.value.strangers, perAccount)
	for i := range a.near.count {
		do(&a.source[i].value, widths[i].rule)
	}
}

// keep has those counts pushed out last that keep somebody out.
func (a *Attempt) keep() {
	if a.account == nil {
		return
	}
	pair := a.pair.wrong >= perPair.limit
	a.account.value.pairs.lock(a.pairSlot, pair)
	a.accounts.of(a.key).lock(a.account, pair || a.account.value.strangers.wrong >= perAccount.limit)
	for i := range a.near.count {
		a.sources.tried.lock(a.source[i], a.source[i].value.wrong >= widths[i].rule.limit)
	}
}

// enter passes all gates at once or none. It returns a waiter when the attempt has to wait at one of them. From is the waiter it
// was woken through, if any.
func (a *Attempt) enter(from *waiter) (*waiter, error) {
	a.lock()
	defer a.unlock()
	now := a.guesses.clock()
	if from != nil {
		// Whatever becomes of this attempt, room that it leaves is another's; it was woken alone.
		defer from.gate.wake(from.rule, now)
	}
	var (
		refused bool
		long    time.Duration
		at      *gate
		atRule  rule
	)
	a.each(func(g *gate, r rule) {
		switch v, d := g.judge(r, now); {
		case v == refuse:
			refused, long = true, max(long, d)
		case v == wait && at == nil:
			at, atRule = g, r
		}
	})
	if !refused && at == nil {
		a.each(func(g *gate, _ rule) { g.checking++ })
		return nil, nil
	}
	if !refused {
		if w := at.queue(atRule); w != nil {
			return w, nil
		}
	}
	a.release()
	return nil, &TooMany{RetryAfter: max(long, firstWait)}
}

// giveUp ends an attempt that was still waiting. If it had been woken already, another is woken in its stead.
func (a *Attempt) giveUp(w *waiter) {
	a.lock()
	defer a.unlock()
	w.gate.leave(w)
	w.gate.wake(w.rule, a.guesses.clock())
	a.release()
}

func (a *Attempt) end(right bool, count func(*gate, rule, time.Duration)) {
	a.lock()
	defer a.unlock()
	if a.ended {
		return
	}
	a.ended = true
	now := a.guesses.clock()
	a.each(func(g *gate, r rule) {
		g.checking--
		count(g, r, now)
		g.wake(r, now)
	})
	a.keep()
	if a.account == nil {
		for i, net := range a.near.nets[:a.near.count] { // counted, though not judged by it
			if s := a.sources.tried.take(net); s != nil {
				count(&s.value, widths[i].rule, now)
			}
		}
	}
	if right {
		if s := a.accounts.entered.take(a.key); s != nil {
			s.value = s.value.add(a.place, now)
		}
		if s := a.sources.entered.take(a.place); s != nil {
			s.value = now
		}
	}
	a.release()
}
