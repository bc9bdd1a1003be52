package feed

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// A new epoch is begun when more than half of at least so many entries are over: who follows reads the rest once more.
const compactFrom = 1024

// line is what one tenant has taken back: a set to look tokens up in, and the same in the order in which it was heard.
type line struct {
	set       revocation.Set
	notBefore atomic.Int64 // of the whole issuer, in nanoseconds since 1970; 0: none

	mu    sync.Mutex // held by whoever adds, and for a moment by who reads
	epoch string
	order []packed      // only ever appended to, or replaced: who has a slice of it may read it without the lock
	over  int           // how many of them were over at the last sweep
	news  chan struct{} // closed at the next addition
}

// packed is an entry in half the room: its times are microseconds since 1970, 0 for none.
type packed struct {
	name          revocation.Name
	before, until int64
}

func newLine() *line { return &line{epoch: newEpoch(), news: make(chan struct{})} }

// newEpoch draws a name that no epoch had before, in this process or another.
func newEpoch() string { return secret.UUID() }

func pack(e revocation.Entry) packed {
	p := packed{name: e.Name, until: e.Until.UnixMicro()}
	if !e.Before.IsZero() {
		p.before = e.Before.UnixMicro()
	}
	return p
}

func (p packed) entry() revocation.Entry {
	e := revocation.Entry{Name: p.name, Until: time.UnixMicro(p.until)}
	if p.before != 0 {
		e.Before = time.UnixMicro(p.before)
	}
	return e
}

// add takes in what is new among entries and not over yet.
func (l *line) add(now time.Time, entries ...revocation.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh, taken := entries[:0:0], make(map[revocation.Name]time.Time, len(entries))
	for _, e := range entries {
		before, twice := taken[e.Name]
		if !now.Before(e.Until) || twice && !before.Before(e.Before) || l.covers(e) {
			continue
		}
		taken[e.Name] = e.Before
		fresh = append(fresh, e)
	}
	if len(fresh) == 0 {
		return
	}
	l.set.Add(now, fresh...)
	for _, e := range fresh {
		l.order = append(l.order, pack(e))
	}
	l.wake()
}

// covers reports whether an entry says nothing new. How long it counts follows from what it refuses, so that need not be compared.
func (l *line) covers(e revocation.Entry) bool {
	before := e.Before
	if before.IsZero() { // whenever it was issued
		before = time.UnixMicro(math.MaxInt64)
	}
	_, refused := l.set.Refuses(&revocation.Names{e.Name}, before)
	return refused
}

func (l *line) wake() {
	close(l.news)
	l.news = make(chan struct{})
}

// refuseBefore notes up to when the whole issuer's tokens are refused.
func (l *line) refuseBefore(t time.Time) {
	for at := t.UnixNano(); ; {
		old := l.notBefore.Load()
		if at <= old || l.notBefore.CompareAndSwap(old, at) {
			return
		}
	}
}

// page returns up to most entries from the one after the given one, or from the beginning where that is of another count.
func (l *line) page(epoch string, after uint64, most int) revocation.List {
	l.mu.Lock()
	now, order := l.epoch, l.order
	l.mu.Unlock()
	if epoch != now || after > uint64(len(order)) {
		after = 0
	}
	part := order[after:min(after+uint64(most), uint64(len(order)))]
	p := revocation.List{Epoch: now, After: after, Sequence: after + uint64(len(part)), Latest: uint64(len(order))}
	p.Entries = make([]revocation.Entry, len(part))
	for i := range part {
		p.Entries[i] = part[i].entry()
	}
	return p
}

// newer returns nil when there is something that the asker has not read, else what is closed as soon as there is.
func (l *line) newer(epoch string, after uint64) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if epoch != l.epoch || after != uint64(len(l.order)) {
		return nil
	}
	return l.news
}

// sweep drops from the set what is over, and from the order when that is most of it.
func (l *line) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	over, at := 0, now.UnixMicro()
	for i := range l.order {
		if at >= l.order[i].until {
			over++
		}
	}
	if over == l.over {
		return
	}
	l.over = over
	l.set.Sweep(now)
	if len(l.order) < compactFrom || over <= len(l.order)/2 {
		return
	}
	live := make([]packed, 0, len(l.order)-over)
	for _, p := range l.order {
		if at < p.until {
			live = append(live, p)
		}
	}
	l.epoch, l.order, l.over = newEpoch(), live, 0
	l.wake()
}
