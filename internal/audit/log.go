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

// Bounds of the queue of refusals: whoever floods us with refused requests may fill it, but neither our memory nor our store.
const (
	queueEvents = 4096
	batchEvents = 64
	writeWithin = 5 * time.Second
)

// Log keeps refusals. It writes behind the answer, in batches; when more come than the store takes, the surplus is counted and dropped.
type Log struct {
	store   store.Store
	log     *slog.Logger
	queue   chan Event
	dropped atomic.Uint64
	done    sync.WaitGroup
}

// NewLog starts a log. Close ends it.
func NewLog(s store.Store, log *slog.Logger) *Log {
	l := &Log{store: s, log: log, queue: make(chan Event, queueEvents)}
	l.done.Go(l.write)
	return l
}

// Refused keeps a refusal. It never waits. e.ID is the request id.
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

// Close writes what is queued and ends the log. No Refused may follow.
func (l *Log) Close() {
	close(l.queue)
	l.done.Wait()
}

func (l *Log) write() {
	for first := range l.queue {
		batch := []store.Record{Record(first)}
		for len(batch) < batchEvents && len(l.queue) > 0 {
			e, ok := <-l.queue
			if !ok {
				break
			}
			batch = append(batch, Record(e))
		}
		l.put(batch)
	}
}

// put writes a batch. Two refusals with one id conflict: then each is tried alone, and the later of the two gives way.
func (l *Log) put(batch []store.Record) {
	ctx, cancel := context.WithTimeout(context.Background(), writeWithin)
	defer cancel()
	err := l.store.Put(ctx, batch...)
	switch {
	case err == nil:
	case errors.Is(err, store.ErrConflict) && len(batch) > 1:
		for _, r := range batch {
			l.put([]store.Record{r})
		}
	default:
		l.dropped.Add(uint64(len(batch)))
		l.log.Error("refusals were not recorded", "count", len(batch), "error", err)
	}
}
