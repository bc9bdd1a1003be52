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
	accounts *accountShard
	sources  *sourceShard

	// The gates it has to pass: from a place the account is known from only the first, and then the slots are nil.
	pair     *gate
	pairSlot *slot[netip.Addr, gate]
	account  *slot[Key, account]
	source   *slot[netip.Addr, gate]
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

// hold finds the gates and keeps them from being forgotten while a guess is at them. A guess that the source's or the account's
// gate refuses makes no new entry, so that a source at its limit cannot push out the counts of others with made-up names.
func (a *Attempt) hold() error {
	a.lock()
	defer a.unlock()
	now := a.guesses.clock()
	if s := a.accounts.entered.peek(a.key); s != nil {
		if k := s.value.find(a.place, now); k != nil {
			a.accounts.entered.touch(s)
			a.pair = &k.gate
			return nil
		}
	}
	full := &TooMany{RetryAfter: firstWait} // every count there is room for is in use
	source := a.sources.tried.take(a.place)
	if source == nil {
		return full
	}
	if v, d := source.value.judge(perSource, now); v == refuse {
		return &TooMany{RetryAfter: d}
	}
	account := a.accounts.tried.take(a.key)
	if account == nil {
		return full
	}
	if v, d := account.value.strangers.judge(perAccount, now); v == refuse {
		return &TooMany{RetryAfter: d}
	}
	pair := account.value.pair(a.place)
	if pair == nil {
		return full
	}
	a.source, a.account, a.pairSlot, a.pair = source, account, pair, &pair.value
	source.held++
	account.held++
	pair.held++
	return nil
}

func (a *Attempt) release() {
	if a.account != nil {
		a.account.held--
		a.pairSlot.held--
		a.source.held--
	}
}

// each calls do for every gate the attempt has to pass.
func (a *Attempt) each(do func(*gate, rule)) {
	do(a.pair, perPair)
	if a.account != nil {
		do(&a.account.value.strangers, perAccount)
		do(&a.source.value, perSource)
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
	if a.account == nil {
		if s := a.sources.tried.take(a.place); s != nil {
			count(&s.value, perSource, now) // counted, though not judged by it
		}
	}
	if right {
		if s := a.accounts.entered.take(a.key); s != nil {
			s.value = s.value.add(a.place, now)
		}
	}
	a.release()
}
