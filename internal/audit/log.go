package audit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// Bounds of the queue of refusals: whoever floods us with refused requests may fill it, but neither our memory nor our disk.
const (
	queueEvents   = 4096
	batchEvents   = 64
	writeWithin   = 5 * time.Second
	keepPerSecond = 200 // in the long run
	keepAtOnce    = 5000
)

// Log keeps refusals. It writes behind the answer, in batches; when more come than it may write, the surplus is counted and dropped.
// What a tenant has no room for is added up by what was refused and from where (budget.go).
type Log struct {
	store   store.Store
	log     *slog.Logger
	queue   chan Event
	dropped atomic.Uint64
	stop    chan struct{}
	done    sync.WaitGroup

	// Only the writer touches these.
	budget     int // bytes of refusals of one tenant
	allowances map[string]*allowance
}

// NewLog starts a log. Close ends it.
func NewLog(s store.Store, log *slog.Logger) *Log {
	l := &Log{store: s, log: log, queue: make(chan Event, queueEvents), stop: make(chan struct{}), budget: keepBytes,
		allowances: map[string]*allowance{}}
	l.done.Go(l.write)
	return l
}

// Refused keeps a refusal. It never waits. e.ID is the request id. After Close it keeps nothing.
func (l *Log) Refused(e Event) {
	e.Outcome, e.RequestID = Refused, e.ID
	select {
	case l.queue <- e:
	default:
		l.dropped.Add(1)
	}
}

// Dropped returns how many refusals were not kept, because there were too many or the store could not be reached.
func (l *Log) Dropped() uint64 { return l.dropped.Load() }

// Close writes what is queued and ends the log.
func (l *Log) Close() {
	close(l.stop)
	l.done.Wait()
}

func (l *Log) write() {
	hourly := time.NewTicker(sumUpEvery)
	defer hourly.Stop()
	for p := (pace{}); ; {
		select {
		case first := <-l.queue:
			ctx, cancel := context.WithTimeout(context.Background(), writeWithin)
			n := l.keep(ctx, first)
			cancel()
			l.rest(p.after(n, time.Now()))
		case <-hourly.C:
			ctx, cancel := context.WithTimeout(context.Background(), writeWithin)
			l.sumUp(ctx)
			cancel()
		case <-l.stop:
			ctx, cancel := context.WithTimeout(context.Background(), writeWithin) // for all that is left: nobody waits for minutes
			for len(l.queue) > 0 {
				l.keep(ctx, <-l.queue)
			}
			l.sumUp(ctx)
			cancel()
			return
		}
	}
}

// keep writes the first event and what else is queued, but for what a tenant has no room for, and returns how many it wrote.
func (l *Log) keep(ctx context.Context, first Event) int {
	var batch []store.Record
	for e := first; ; e = <-l.queue {
		if r := Record(e); l.keeps(ctx, e, r) {
			batch = append(batch, r)
		}
		if len(batch) == batchEvents || len(l.queue) == 0 {
			break
		}
	}
	if len(batch) == 0 {
		return 0
	}
	return l.put(ctx, batch)
}

// put writes a batch and returns how many it was. Two refusals with one id conflict: then each is tried alone, and the later of the
// two gives way.
func (l *Log) put(ctx context.Context, batch []store.Record) int {
	err := l.store.Put(ctx, batch...)
	switch {
	case err == nil:
	case errors.Is(err, store.ErrConflict) && len(batch) > 1:
		for _, r := range batch {
			l.put(ctx, []store.Record{r})
		}
	default:
		l.dropped.Add(uint64(len(batch)))
		l.log.Error("refusals were not recorded", "count", len(batch), "error", err)
	}
	return len(batch)
}

func (l *Log) rest(d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-l.stop:
	}
}

// pace lets a burst through and slows a flood to keepPerSecond.
type pace struct{ due time.Time }

// after says how long to rest after n events have been written.
func (p *pace) after(n int, now time.Time) time.Duration {
	const each = time.Second / keepPerSecond
	if full := now.Add(-keepAtOnce * each); p.due.Before(full) {
		p.due = full
	}
	p.due = p.due.Add(time.Duration(n) * each)
	return p.due.Sub(now)
}
