//go:build linux

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// silence is how long a server may say nothing while requests wait for their answers.
const silence = 10 * time.Second

// volley is one run of the generator against one server. It ends after a time or a number of requests, whichever is set.
type volley struct {
	addr  netip.AddrPort
	conns int
	next  func() []byte // the next request, whole
	lasts time.Duration
	count int
	rate  float64 // requests a second; 0: as many as the server answers
	spare bool    // leave the core to others while there is nothing to do, although the server then has to wake us
	keep  *[]byte // where the last answer goes; may be nil
}

// outcome is what came of a volley. Answers that are not a success end it with an error: they would be fast for the wrong reason.
type outcome struct {
	answers int
	took    time.Duration
	idle    time.Duration   // what the generator spent waiting for answers
	waits   []time.Duration // from when each request was due to when its answer was there
}

// generator is a volley on its way.
type generator struct {
	volley
	epoll int
	line  []connection
	free  chan int // numbers of connections that have no request under way: first in, first out, so that all are used
	ready []unix.EpollEvent
	start time.Time
	sent  int
	heard time.Duration // when an answer came last
	out   outcome
}

// run fires the volley. It is one loop over non-blocking sockets without a goroutine or an allocation for a request, because all that
// the generator does not need is left for the server and the kernel.
func (v volley) run() (outcome, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	g := &generator{volley: v, free: make(chan int, v.conns), ready: make([]unix.EpollEvent, v.conns)}
	defer g.close()
	if err := g.open(); err != nil {
		return g.out, err
	}
	for g.start = time.Now(); ; {
		now := time.Since(g.start)
		if err := g.send(now); err != nil {
			return g.out, err
		}
		if len(g.free) == g.conns && g.isOver(g.sent, now) {
			g.out.took = now
			return g.out, nil
		}
		if err := g.listen(now); err != nil {
			return g.out, err
		}
	}
}

// open makes all connections.
func (g *generator) open() (err error) {
	if g.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	for i := range g.conns {
		c, err := connect(g.epoll, i, g.addr)
		if err != nil {
			return err
		}
		g.line = append(g.line, c)
		g.free <- i
	}
	return nil
}

func (g *generator) close() {
	for i := range g.line {
		_ = unix.Close(g.line[i].fd) // nothing was written that has not been answered
	}
	_ = unix.Close(g.epoll)
}

// send sends what is due, as far as there are connections for it.
func (g *generator) send(now time.Duration) error {
	for len(g.free) > 0 && !g.isOver(g.sent, now) && g.due(g.sent, now) <= now {
		c := &g.line[<-g.free]
		c.due = g.due(g.sent, now)
		if err := c.send(g.next()); err != nil {
			return err
		}
		g.sent++
	}
	return nil
}

// listen takes the answers that are there, or waits for one.
func (g *generator) listen(now time.Duration) error {
	n, err := unix.EpollWait(g.epoll, g.ready, g.patience(g.sent, now, len(g.free)))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("epoll: %w", err)
	}
	began := now
	now = time.Since(g.start)
	if n <= 0 {
		g.out.idle += now - began
	}
	for k := range max(n, 0) {
		i := int(g.ready[k].Fd)
		c := &g.line[i]
		done, err := c.receive()
		if err != nil {
			return err
		}
		if !done {
			continue
		}
		g.out.answers, g.heard = g.out.answers+1, now
		g.out.waits = append(g.out.waits, now-c.due)
		g.free <- i
		if g.keep != nil {
			*g.keep = c.answer
		}
	}
	if len(g.free) < g.conns && now-g.heard > silence {
		return fmt.Errorf("%v has not answered for %v", g.addr, silence)
	}
	return nil
}

// due is when request number n is to be sent: in a closed loop now, in an open one when its turn comes.
func (v *volley) due(n int, now time.Duration) time.Duration {
	if v.rate == 0 {
		return now
	}
	return time.Duration(float64(n) / v.rate * float64(time.Second))
}

// isOver reports whether request number n is one too many. In an open loop every request that was due in time is sent, however late.
func (v *volley) isOver(n int, now time.Duration) bool {
	return v.count > 0 && n >= v.count || v.lasts > 0 && v.due(n, now) >= v.lasts
}

// patience is how long to wait for answers, in milliseconds. It is no time at all where the server would have to wake us, which is not
// its work when callers are on other machines, or where the next request is due so soon that a sleep would be longer than it should be.
func (v *volley) patience(n int, now time.Duration, idle int) int {
	if v.rate == 0 || idle == 0 || v.isOver(n, now) {
		if v.spare {
			return int(silence / time.Millisecond)
		}
		return 0
	}
	if left := (v.due(n, now) - now) / time.Millisecond; left >= 2 {
		return int(left) - 1
	}
	return 0
}

// always sends the one request.
func always(request []byte) func() []byte { return func() []byte { return request } }

// atRandom draws each request.
func atRandom(requests [][]byte) func() []byte {
	draw := rand.New(rand.NewPCG(1, 2)) // the same for both sides of a comparison
	return func() []byte { return requests[draw.IntN(len(requests))] }
}

// inTurn sends one after the other, and begins again.
func inTurn(requests [][]byte) func() []byte {
	n := -1
	return func() []byte { n++; return requests[n%len(requests)] }
}
