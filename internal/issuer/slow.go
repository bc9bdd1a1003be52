package issuer

import (
	"context"
	"maps"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/limit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// How long after its turn a failed authentication is answered in a tenant where some secrets are kept under slow hashes, or some
// passwords under foreign ones: as long as the longest check of one has taken lately, so that the time does not tell whose those are.
const (
	slowAnswer    = 250 * time.Millisecond // at least
	slowestAnswer = 2 * time.Second        // at most
	halfLife      = time.Minute            // of what a busy machine took longer
	maxCosts      = 64                     // kinds of slow hashes that are told apart
)

// slowest is how long checks of slow hashes take.
type slowest struct {
	mu    sync.Mutex
	least map[string]time.Duration // of each kind, what it takes when nothing else runs: this is never forgotten
	long  time.Duration            // the longest of late, as it was at a time
	at    time.Time
}

// saw remembers how long a check took that began at its turn and ends now.
func (s *slowest) saw(cost string, turn, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	took := now.Sub(turn)
	if took > s.lately(now) {
		s.long, s.at = took, now
	}
	before, seen := s.least[cost]
	if s.least == nil {
		s.least = map[string]time.Duration{}
	}
	if seen && took < before || !seen && len(s.least) < maxCosts {
		s.least[cost] = took
	}
}

// lately is the longest check, which counts half as much after each half-life. The caller holds the lock.
func (s *slowest) lately(now time.Time) time.Duration {
	return time.Duration(float64(s.long) * math.Exp2(-float64(now.Sub(s.at))/float64(halfLife)))
}

// answer says how long after its turn a failure is answered.
func (s *slowest) answer(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	long := max(slowAnswer, s.lately(now))
	for least := range maps.Values(s.least) {
		long = max(long, least)
	}
	return min(long, slowestAnswer)
}

// holdBack waits until the slowest check would have been made of what had its turn.
func (s *slowest) holdBack(ctx context.Context, turn time.Time) {
	now := time.Now()
	pause(ctx, s.answer(now)-now.Sub(turn))
}

// costOf names what a check of a client's slow secrets costs; of one that has none, nothing.
func costOf(c *registry.Client) string {
	var costs []string
	for k := range c.Credentials {
		if h := c.Credentials[k].Hash; h.Slow() {
			costs = append(costs, h.Cost())
		}
	}
	return strings.Join(costs, " ")
}

// check runs the check of a client's secret when its turn comes, and says when that was. One that is not slow has nothing left to do by
// then but to come to its turn as the slow ones do.
func (i *Issuer) check(ctx context.Context, tenant string, guess *limit.Attempt, cost string, match func()) (turn time.Time, err error) {
	if !i.Registry.HasSlowSecrets(tenant) {
		match()
		return turn, nil
	}
	err = hash(ctx, i.Hashing.Clients, guess, func() {
		turn = time.Now()
		match()
		if cost != "" {
			i.slowSecrets.saw(cost, turn, time.Now())
		}
	})
	return turn, err
}

// fail ends a wrong guess at a client's secret that had its turn, and says no when the slowest would have been checked.
func (i *Issuer) fail(ctx context.Context, guess *limit.Attempt, turn time.Time) {
	guess.End(false) // before the wait: it holds up other guesses no longer
	if !turn.IsZero() {
		i.slowSecrets.holdBack(ctx, turn)
	}
}

// hash runs an expensive check in its lane, which refuses at once when too many wait (Req 111).
func hash(ctx context.Context, lane *limit.Lane, guess *limit.Attempt, check func()) error {
	err := lane.Do(ctx, guess.Turn(), check)
	if err == nil {
		return nil
	}
	e := oauth.Refuse(oauth.BusyHashing, "Too many sign-ins at this moment.", "hashing lane: %v", err)
	e.RetryAfter = time.Second
	return e
}

// pause waits, unless there is nothing to wait for or nobody any more.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
