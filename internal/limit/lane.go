package limit

import (
	"context"
	"errors"
	"sync/atomic"
)

// ErrFull says that a Lane has as many callers as it takes. The work was not begun; asking again later makes sense.
var ErrFull = errors.New("too much work is waiting already")

// Lane runs expensive work, a password hash above all, on a bounded number of callers at once, with a bounded number waiting. It
// keeps a storm of sign-ins from taking the processors and memory of everything else.
type Lane struct {
	run    chan struct{}
	inside atomic.Int64 // running and waiting
	most   int64
}

// NewLane makes a Lane for that many workers and a queue of that many more callers.
func NewLane(workers, queue int) *Lane {
	workers, queue = max(1, workers), max(0, queue)
	return &Lane{run: make(chan struct{}, workers), most: int64(workers) + int64(queue)}
}

// Do runs work on the calling goroutine when its turn comes. It returns ErrFull at once when the queue is full, and the cause of
// ctx when that ends before the turn comes; in both cases work has not run. Work that has begun is not interrupted.
func (l *Lane) Do(ctx context.Context, work func()) error {
	if l.inside.Add(1) > l.most {
		l.inside.Add(-1)
		return ErrFull
	}
	defer l.inside.Add(-1)
	if err := context.Cause(ctx); err != nil {
		return err
	}
	select {
	case l.run <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-l.run }() // also when work panics
	work()
	return nil
}
