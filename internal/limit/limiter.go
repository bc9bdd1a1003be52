package limit

import (
	"hash/maphash"
	"sync"
	"time"
)

// Key names whom a count belongs to. It is a struct and never a concatenation, so that no tenant, kind or name can be chosen to
// share another's count. Names must be canonical before they come here.
type Key struct {
	Tenant string
	Kind   string // what Name is a name of: "client", "user", "source" …
	Name   string

	// Apart counts it apart from the rest: a name that nobody has, or whose secret is too random to be guessed. However many of those
	// are made up, they push out no count of a secret that can be guessed.
	Apart bool
}

// Rate is how often one key may ask: Burst at once, PerSecond in the long run. The zero Rate is no limit.
type Rate struct {
	PerSecond float64
	Burst     int // less than 1 counts as 1
}

// shards keeps processors from waiting for one another. A power of two.
const shards = 64

// longest bounds every wait, whatever the rate.
const longest = 365 * 24 * time.Hour

// Limiter counts requests by key with the generic cell rate algorithm: one time per key, no timers, and a wait that is exact.
type Limiter struct {
	now   func() time.Time
	start time.Time // the monotonic clock counts from here; a step of the wall clock grants and takes nothing
	seed  maphash.Seed
	shard [shards]limiterShard
}

type limiterShard struct {
	sync.Mutex
	due capped[Key, time.Duration] // when the key's bucket will be full again
	_   [64]byte                   // a cache line of its own
}

// NewLimiter makes a Limiter that remembers about capacity keys. One too many makes it forget the key that has been idle longest.
func NewLimiter(now func() time.Time, capacity int) *Limiter {
	l := &Limiter{now: now, start: now(), seed: maphash.MakeSeed()}
	for i := range l.shard {
		l.shard[i].due.max = perShard(capacity)
	}
	return l
}

func perShard(capacity int) int { return max(1, (capacity+shards-1)/shards) }

// Allow counts one request of k. When it is one too many, nothing is counted and retryAfter says when the next will be let on.
func (l *Limiter) Allow(k Key, r Rate) (retryAfter time.Duration, ok bool) {
	if !(r.PerSecond > 0) { // zero, negative, not a number
		return 0, true
	}
	every := bounded(float64(time.Second) / r.PerSecond)
	room := bounded(float64(every) * float64(max(1, r.Burst)))
	now := l.now().Sub(l.start)

	s := &l.shard[maphash.String(l.seed, k.Name)%shards]
	s.Lock()
	defer s.Unlock()
	due := &s.due.take(k).value // nothing is ever held here, so there always is room
	// A bucket can be emptier than this rate allows only if the rate has changed meanwhile.
	full := min(max(*due, now), now+room)
	if wait := full + every - now - room; wait > 0 {
		return wait, false
	}
	*due = full + every
	return 0, true
}

func bounded(d float64) time.Duration {
	if d < float64(longest) {
		return time.Duration(d)
	}
	return longest
}
