package limit

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
)

// ErrFull says that a Lane has as many callers as it takes. The work was not begun; asking again later makes sense.
var ErrFull = errors.New("too much work is waiting already")

// Lanes are the bulkheads between those whose passwords are checked: who floods one of them leaves room in the others.
type Lanes struct {
	Operators *Lane // of this desk: what they prove themselves with, and the passwords they set
	Clients   *Lane // secrets that were imported under a slow hash
	Users     *Lane // the password grant
}

// NewLanes makes lanes for that many workers of users, and for each a queue. Operators and clients, who are seldom seen here, have
// half as many workers each.
func NewLanes(workers, queue int) *Lanes {
	return &Lanes{NewLane(workers/2, queue), NewLane(workers/2, queue), NewLane(workers, queue)}
}

// Turn is by what a caller comes to its turn in a Lane.
type Turn struct {
	Source netip.Prefix // has a share with all others of it
	Known  bool         // somebody proved itself there lately: before all others
}

// Lane runs expensive work, a password hash above all, on a bounded number of callers at once, with a bounded number waiting. It
// keeps a storm of sign-ins from taking the processors and memory of everything else.
//
// Those who wait are served by fair share: known places first, and among those, and among the rest, one of each source after the
// other. When the queue is full, the last of the source that waits with the most makes room for one whose source waits with fewer, and
// a stranger for a known place. So a source alone can have the whole queue, and cannot keep another out.
type Lane struct {
	mu      sync.Mutex // guards all below
	free    int        // workers
	queue   int        // callers that may wait
	waiting int
	known   ring
	unknown ring
}

// ring is sources that have somebody waiting, the one whose turn it is first.
type ring []*share

type share struct {
	source netip.Prefix
	line   []*place
}

// place is a caller's, in the queue.
type place struct {
	turn chan error // nil: it is its turn; ErrFull: another one's
}

// NewLane makes a Lane for that many workers and a queue of that many more callers.
func NewLane(workers, queue int) *Lane {
	return &Lane{free: max(1, workers), queue: max(0, queue)}
}

// Do runs work on the calling goroutine when its turn comes. It returns ErrFull at once when the queue is full, or later when others
// have a better right to the place, and the cause of ctx when that ends before the turn comes; in all cases work has not run. Work that
// has begun is not interrupted.
func (l *Lane) Do(ctx context.Context, t Turn, work func()) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	p, err := l.enter(t)
	if err != nil {
		return err
	}
	if p != nil {
		select {
		case err = <-p.turn:
		case <-ctx.Done():
			if l.leave(t, p) {
				return context.Cause(ctx)
			}
			err = <-p.turn // it came at the same moment
		}
	}
	if err != nil {
		return err
	}
	defer l.next() // also when work panics
	work()
	return nil
}

// Set runs work that operators ask for and nobody waits at a door for, as setting a password: with the share of one source.
func (l *Lane) Set(ctx context.Context, work func()) error { return l.Do(ctx, Turn{}, work) }

// enter returns nil when there is a worker, or the place in which to wait for one.
func (l *Lane) enter(t Turn) (*place, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free > 0 {
		l.free--
		return nil, nil
	}
	if l.waiting >= l.queue && !l.makeRoom(t) {
		return nil, ErrFull
	}
	p := &place{make(chan error, 1)}
	l.ring(t).share(t.Source).join(p)
	l.waiting++
	return p, nil
}

// makeRoom sends away one who has less right to a place than who comes now.
func (l *Lane) makeRoom(t Turn) bool {
	from := &l.unknown
	s := from.longest()
	if s == nil && t.Known {
		from = &l.known
		s = from.longest()
	}
	before := t.Known && from == &l.unknown
	if s == nil || !before && len(s.line) <= from.waiting(t.Source)+1 {
		return false
	}
	last := s.line[len(s.line)-1]
	l.remove(from, s, last)
	last.turn <- ErrFull
	return true
}

// leave gives up a place. It reports false when its turn has come.
func (l *Lane) leave(t Turn, p *place) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.ring(t)
	for _, s := range *r {
		if s.source == t.Source && slices.Contains(s.line, p) {
			l.remove(r, s, p)
			return true
		}
	}
	return false
}

func (l *Lane) remove(r *ring, s *share, p *place) {
	i := slices.Index(s.line, p)
	s.line = slices.Delete(s.line, i, i+1)
	if len(s.line) == 0 {
		i = slices.Index(*r, s)
		*r = slices.Delete(*r, i, i+1)
	}
	l.waiting--
}

// next hands a worker on: to the first of the source whose turn it is, which then goes behind the others.
func (l *Lane) next() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range []*ring{&l.known, &l.unknown} {
		if len(*r) == 0 {
			continue
		}
		s := (*r)[0]
		*r = append(slices.Delete(*r, 0, 1), s)
		p := s.line[0]
		l.remove(r, s, p)
		p.turn <- nil
		return
	}
	l.free++
}

func (l *Lane) ring(t Turn) *ring {
	if t.Known {
		return &l.known
	}
	return &l.unknown
}

// share finds or makes the share of a source.
func (r *ring) share(source netip.Prefix) *share {
	for _, s := range *r {
		if s.source == source {
			return s
		}
	}
	s := &share{source: source}
	*r = append(*r, s)
	return s
}

func (s *share) join(p *place) { s.line = append(s.line, p) }

// waiting is how many of a source wait.
func (r *ring) waiting(source netip.Prefix) int {
	for _, s := range *r {
		if s.source == source {
			return len(s.line)
		}
	}
	return 0
}

// longest is the source of which most wait, or nil.
func (r *ring) longest() (most *share) {
	for _, s := range *r {
		if most == nil || len(s.line) > len(most.line) {
			most = s
		}
	}
	return most
}
