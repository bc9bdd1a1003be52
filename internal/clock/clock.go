// Package clock says which time it is for good, for whoever forgets something because its time is over: the wall clock of a machine can
// be set wrong for a while, and what was forgotten in that while is not there when it is right again.
//
// A Watch looks at the wall clock beside the monotonic one, which nobody can set. Safe is the earliest time it can be by what the two have
// said in the last day: it goes on while they agree, and does not follow a wall clock that jumps ahead before that has stood for a day.
// Whoever refuses something because it has expired asks the wall clock, as everybody does; whoever removes something asks Safe. What the
// clock said in an earlier process (Remember) counts likewise, so a jump while nothing ran is no different.
//
// A Watch decides nothing and removes nothing. It may be used concurrently.
package clock

import (
	"sync"
	"time"
)

// Day is how long a wall clock must have stood where it is before something is removed on its word alone.
const Day = 24 * time.Hour

// Tolerance is by how much the clocks may differ and still agree: corrections of a network clock are smaller, or come one by one.
const Tolerance = 2 * time.Second

// Watch looks at two clocks. Make one with New.
type Watch struct {
	now     func() time.Time
	elapsed func() time.Duration

	mu     sync.Mutex
	since  time.Duration // by the monotonic clock: when the present day began
	least  int64         // of the lead of the wall clock over the monotonic one, in this day, in nanoseconds
	before int64         // the same of the day before

	last  time.Time // see Remember; zero: nothing is remembered
	told  time.Duration
	marks int64 // the lead that follows from it
}

// New makes a Watch of a wall clock and a monotonic one, which counts from anywhere; nil: the time since New.
func New(now func() time.Time, elapsed func() time.Duration) *Watch {
	if elapsed == nil {
		began := time.Now()
		elapsed = func() time.Duration { return time.Since(began) }
	}
	w := &Watch{now: now, elapsed: elapsed}
	_, passed, lead := w.look()
	w.since, w.least, w.before = passed, lead, lead
	return w
}

// look reads both clocks. The monotonic reading of now is not used: it may be that of a test.
func (w *Watch) look() (now time.Time, passed time.Duration, lead int64) {
	now, passed = w.now(), w.elapsed()
	return now, passed, now.UnixNano() - int64(passed)
}

// Safe returns the earliest time it can be: never later than the wall clock, and never later than any time it has shown within the last
// day and what has passed since.
func (w *Watch) Safe() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, passed, least := w.read()
	return time.Unix(0, int64(passed)+least)
}

// Ahead returns how far the wall clock has jumped ahead of the monotonic one within a day; 0: they agree. What is removed waits meanwhile.
// Of what was remembered it says nothing: time that passed while nothing ran is no jump.
func (w *Watch) Ahead() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, passed, _ := w.read()
	return beyond(now.Sub(time.Unix(0, int64(passed)+min(w.least, w.before))))
}

// read must be called with the lock held. It returns the time, what has passed, and the least lead that counts.
func (w *Watch) read() (now time.Time, passed time.Duration, least int64) {
	now, passed, lead := w.look()
	if passed-w.since >= Day {
		w.since, w.before, w.least = passed, w.least, lead
	}
	w.least = min(w.least, lead)
	least = min(w.least, w.before)
	if !w.last.IsZero() && passed-w.told < Day {
		least = min(least, w.marks)
	}
	return now.Round(0), passed, least
}

// Remember tells the Watch of the latest time that an earlier process saw. Where that lies in the past, nothing that ended in between is
// removed for a day; where it lies ahead, Behind says so.
func (w *Watch) Remember(latest time.Time) {
	if latest.IsZero() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, passed, _ := w.look()
	w.last, w.told, w.marks = latest.Round(0), passed, latest.UnixNano()-int64(passed)
}

// Behind returns how far the wall clock is behind the latest time that an earlier process saw; 0: it is not.
func (w *Watch) Behind() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last.IsZero() {
		return 0
	}
	return beyond(w.last.Sub(w.now()))
}

// beyond returns a difference that is more than the tolerance, or 0.
func beyond(d time.Duration) time.Duration {
	if d <= Tolerance {
		return 0
	}
	return d
}
