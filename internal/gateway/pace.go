package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const defaultStall = 15 * time.Second

// pace bounds how long a call may stand still, in the place of the listener's bounds for a whole request: what goes on to an API may
// stream for as long as both ends like, but a caller who neither sends nor reads does not keep a connection. It begins when a call has
// been let through; until then the listener's bounds hold, or anybody could stay without a token.
type pace struct {
	conn    *http.ResponseController
	stall   time.Duration
	stalled atomic.Bool // the caller's body did not go on

	mu   sync.Mutex // the upstream's connection may still read when the call is over; it must not touch the next one's deadline
	over bool
}

// A writer that has no deadlines, as in tests, has none to move: what these setters return is no news.

func (p *pace) beforeRead()  { p.read(time.Now().Add(p.stall)) }
func (p *pace) nothingMore() { p.read(time.Time{}) } // to be read: the connection waits for the API now
func (p *pace) beforeWrite() { _ = p.conn.SetWriteDeadline(time.Now().Add(p.stall)) }

func (p *pace) read(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		_ = p.conn.SetReadDeadline(until)
	}
}

// cut stops what is being read from the caller, and what is being written where an answer has begun. There is no more time for either.
func (p *pace) cut(answered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	p.over = true
	past := time.Unix(1, 0)
	_ = p.conn.SetReadDeadline(past)
	if answered {
		_ = p.conn.SetWriteDeadline(past)
	}
}

func (p *pace) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
}

// pacedBody is the body of a call, each read of which has its own time.
type pacedBody struct {
	io.ReadCloser
	pace *pace
}

// Read reads on.
func (b pacedBody) Read(to []byte) (int, error) {
	b.pace.beforeRead()
	n, err := b.ReadCloser.Read(to)
	switch {
	case err == io.EOF:
		b.pace.nothingMore()
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.pace.stalled.Store(true)
	}
	return n, err
}
