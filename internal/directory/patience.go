package directory

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Reading says that all clients of a tenant are being read, which takes longer than the caller wants to wait (WithPatience): the search is
// to be asked for again. How many there are is known when they have been read.
type Reading struct {
	Clients int // read so far
	Uses    int // notes of when they were last used, which are read behind them
}

// Error says how far it is.
func (r *Reading) Error() string {
	return fmt.Sprintf("the clients of the tenant are being read: %d so far", r.Clients)
}

type patienceKey struct{}

// WithPatience makes searches wait no longer than that for all clients of a tenant to be read: while they are, the error is a *Reading, and
// they go on being read for the next who asks. Once they were, a search waits for those that were changed since, as ever. Without it a search waits until it has its answer, as it does where no Survey runs, since
// then nobody else would read them.
func WithPatience(ctx context.Context, most time.Duration) context.Context {
	return context.WithValue(ctx, patienceKey{}, most)
}

// progress is how far a section is read.
type progress struct{ clients, uses atomic.Int64 }

func (p *progress) begin() {
	p.clients.Store(0)
	p.uses.Store(0)
}

func (p *progress) reading() *Reading {
	return &Reading{Clients: int(p.clients.Load()), Uses: int(p.uses.Load())}
}

// behind does what no caller waits for, while somebody lets it: the context of that work is theirs.
type behind struct {
	mu sync.Mutex
	do func(work func(context.Context)) // nil: nobody
}

// open lets work be done until ctx is, and returns when what has begun has ended.
func (b *behind) open(ctx context.Context, meanwhile func()) {
	var all sync.WaitGroup
	b.set(func(work func(context.Context)) { all.Go(func() { work(ctx) }) })
	meanwhile()
	<-ctx.Done()
	b.set(nil)
	all.Wait()
}

func (b *behind) set(do func(func(context.Context))) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.do = do
}

// begin begins some work, and reports whether there is somebody to do it.
func (b *behind) begin(work func(context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.do == nil {
		return false
	}
	b.do(work)
	return true
}

// faultTold is how long somebody is told of a fault for which nobody waited. What is read later may find it gone.
const faultTold = 10 * time.Second

// freshWithin is fresh for a caller who does not wait until everything is read. Whoever goes on reading holds the turn meanwhile, so there is
// one of them, whoever else comes.
func (s *section) freshWithin(ctx context.Context, patience time.Duration) error {
	over := time.NewTimer(patience)
	defer over.Stop()
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-over.C:
		return s.progress.reading()
	}
	if err := s.fault; err != nil && s.of.now().Sub(s.faultAt) < faultTold {
		s.fault = nil
		<-s.turn
		return err
	}
	read, gone := make(chan error), make(chan struct{})
	defer close(gone)
	begun := s.of.behind.begin(func(behind context.Context) {
		defer func() { <-s.turn }()
		err := s.readContained(behind)
		if behind.Err() != nil { // the process ends: that is no fault of the store's
			return
		}
		select {
		case read <- err:
		case <-gone:
			s.fault, s.faultAt = err, s.of.now() // or it would be read again and again, and nobody be told why it never comes
		}
	})
	if !begun {
		defer func() { <-s.turn }()
		return s.read(ctx)
	}
	select {
	case err := <-read:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-over.C:
		return s.progress.reading()
	}
}

// readContained is read where no caller is there to contain a panic: it must not end the process.
func (s *section) readContained(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read the clients of tenant %s: panic: %v\n%s", s.tenant, p, debug.Stack())
		}
	}()
	return s.read(ctx)
}
