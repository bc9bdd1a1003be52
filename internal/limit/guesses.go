package limit

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// TooMany refuses a guess that has not been looked at, right or wrong.
type TooMany struct{ RetryAfter time.Duration }

// Error says how long to wait.
func (e *TooMany) Error() string {
	return fmt.Sprintf("too many wrong guesses; try again in %v", e.RetryAfter.Round(time.Second))
}

// Guesses counts wrong guesses at secrets, by account and by source:
//
//   - an account from one source: 10 in a row, then each further one must wait, 1 s at first and up to 15 min;
//   - an account from all sources it is not known from: 100 in a row, then likewise;
//   - a source at all accounts: 300 in 15 minutes; an IPv6 /56 600, a /48 1200.
//
// A source the account was entered from in the last 30 days is judged by the first rule alone: otherwise anybody who knows a
// name could keep its owner out. From a new source the owner may have to wait while an attack lasts.
type Guesses struct {
	now      func() time.Time
	start    time.Time
	seed     maphash.Seed
	accounts [shards]accountShard
	sources  [shards]sourceShard
}

type accountShard struct {
	sync.Mutex
	tried capped[Key, account]
	apart capped[Key, account] // of keys that are to be counted apart
	// entered outlives tried: only a right guess makes an entry here, so a flood of wrong ones pushes none out.
	entered capped[Key, known]
	_       [64]byte
}

// of returns where the counts of a key are.
func (s *accountShard) of(k Key) *capped[Key, account] {
	if k.Apart {
		return &s.apart
	}
	return &s.tried
}

type account struct {
	strangers gate // all sources the account is not known from
	pairs     capped[netip.Addr, gate]
}

func (a *account) pair(p netip.Addr, most int) *slot[netip.Addr, gate] {
	a.pairs.max = most
	return a.pairs.take(p)
}

type sourceShard struct {
	sync.Mutex
	tried   capped[netip.Prefix, gate]
	entered capped[netip.Addr, time.Duration] // places, and when somebody last made a right guess there
	_       [64]byte
}

const (
	// pairsPerAccount is how many sources are told apart for one account. More than 100 need not be: by then the second rule holds.
	pairsPerAccount = 256
	// pairsPerRandom is the same where the second rule does not apply. Nothing is lost with one that is forgotten.
	pairsPerRandom = 16
	// apartShare is how many times more accounts are remembered than are counted apart.
	apartShare = 16
)

// NewGuesses makes a Guesses that remembers about capacity accounts and as many sources.
func NewGuesses(now func() time.Time, capacity int) *Guesses {
	g := &Guesses{now: now, start: now(), seed: maphash.MakeSeed()}
	for i := range shards {
		g.accounts[i].tried.max = perShard(capacity)
		g.accounts[i].apart.max = perShard(capacity / apartShare)
		g.accounts[i].entered.max = perShard(capacity)
		g.sources[i].tried.max = max(len(widths), perShard(capacity))
		g.sources[i].entered.max = perShard(capacity)
	}
	return g
}

func (g *Guesses) clock() time.Duration { return g.now().Sub(g.start) }

// shardsOf returns where an account's counts are, and those of a place and of all networks around it.
func (g *Guesses) shardsOf(k Key, near *around) (*accountShard, *sourceShard) {
	return &g.accounts[maphash.String(g.seed, k.Name)%shards], &g.sources[maphash.Comparable(g.seed, near.widest())%shards]
}

// Begin counts a guess before it is checked. It waits, as long as ctx lasts, for guesses that are being checked when nothing else
// stands in the way, so that honest sign-ins at the same moment all pass. It returns a *TooMany when the guess must not be
// checked; otherwise the caller checks it and calls End, or Void when it could not be checked.
func (g *Guesses) Begin(ctx context.Context, accountKey Key, source netip.Addr) (*Attempt, error) {
	a := &Attempt{guesses: g, key: accountKey, place: Place(source)}
	a.near = aroundOf(a.place)
	a.accounts, a.sources = g.shardsOf(a.key, &a.near)
	if err := a.hold(); err != nil {
		return nil, err
	}
	var w *waiter
	for {
		var err error
		if w, err = a.enter(w); err != nil {
			return nil, err
		}
		if w == nil {
			return a, nil
		}
		select {
		case <-w.ready:
		case <-ctx.Done():
			a.giveUp(w)
			return nil, context.Cause(ctx)
		}
	}
}

// Failed counts a wrong guess at a secret too random to be guessed, which was checked without Begin because checking it is cheap
// and a right one is never refused for the sake of counting exactly. Such a secret cannot be found from many sources either, so
// the second rule, which would let strangers shut out a client that changes its address, does not apply. Counts of Failed, Throttled and
// Succeeded are kept apart, whatever the key says.
func (g *Guesses) Failed(accountKey Key, source netip.Addr) {
	accountKey.Apart = true
	p, now := Place(source), g.clock()
	near := aroundOf(p)
	as, ss := g.shardsOf(accountKey, &near)
	as.Lock()
	if s := as.apart.take(accountKey); s != nil {
		if pair := s.value.pair(p, pairsPerRandom); pair != nil {
			pair.value.failed(perPair, now)
		}
	}
	as.Unlock()
	ss.Lock()
	ss.failed(&near, now)
	ss.Unlock()
}

// failed counts a wrong guess against a place and the networks around it.
func (s *sourceShard) failed(near *around, now time.Duration) {
	for i, net := range near.nets[:near.count] {
		if t := s.tried.take(net); t != nil {
			t.value.failed(widths[i].rule, now)
			s.tried.lock(t, t.value.wrong >= widths[i].rule.limit)
		}
	}
}

// refuses says until when nobody at a place may guess.
func (s *sourceShard) refuses(near *around) (until time.Duration) {
	for i, net := range near.nets[:near.count] {
		if t := s.tried.peek(net); t != nil && t.value.wrong >= widths[i].rule.limit {
			until = max(until, t.value.until)
		}
	}
	return until
}

// Throttled reports whether a guess counted by Failed would have to wait, and how long.
func (g *Guesses) Throttled(accountKey Key, source netip.Addr) (retryAfter time.Duration, yes bool) {
	accountKey.Apart = true
	p := Place(source)
	near := aroundOf(p)
	as, ss := g.shardsOf(accountKey, &near)
	var until time.Duration
	as.Lock()
	if s := as.apart.peek(accountKey); s != nil {
		if pair := s.value.pairs.peek(p); pair != nil && pair.value.wrong >= perPair.limit {
			until = pair.value.until
		}
	}
	as.Unlock()
	ss.Lock()
	until = max(until, ss.refuses(&near))
	ss.Unlock()
	if until == 0 {
		return 0, false // nearly always, and then the time need not be asked
	}
	retryAfter = until - g.clock()
	return max(0, retryAfter), retryAfter > 0
}

// Succeeded ends a row of wrong guesses that Failed counted. Without it a client that first tries another way of carrying its
// secret, as some do with every request, would be shut out in the end.
func (g *Guesses) Succeeded(accountKey Key, source netip.Addr) {
	accountKey.Apart = true
	as := &g.accounts[maphash.String(g.seed, accountKey.Name)%shards]
	as.Lock()
	defer as.Unlock()
	if s := as.apart.peek(accountKey); s != nil {
		s.value.strangers.succeeded(perAccount)
		if pair := s.value.pairs.peek(Place(source)); pair != nil {
			pair.value.succeeded(perPair)
		}
	}
}
