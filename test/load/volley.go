//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strconv"
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
	keep  *[]byte // where the last answer goes; may be nil
}

// outcome is what came of a volley. Answers that are not a success end it with an error: they would be fast for the wrong reason.
type outcome struct {
	answers int
	took    time.Duration
	waits   []time.Duration // from when each request was due to when its answer was there
}

// connection is one of the generator's connections to the server. It has one request under way at most.
type connection struct {
	fd     int
	due    time.Duration
	answer []byte // what has come of the answer so far
}

// run fires the volley. It is one loop over non-blocking sockets without a goroutine or an allocation for a request, because all that
// the generator does not need the server gets.
func (v volley) run() (out outcome, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return out, fmt.Errorf("epoll: %w", err)
	}
	defer unix.Close(epoll)
	line := make([]connection, v.conns)
	idle := make(chan int, v.conns) // first in, first out, so that all connections are used
	for i := range line {
		if err := line[i].open(epoll, i, v.addr); err != nil {
			return out, err
		}
		defer unix.Close(line[i].fd)
		idle <- i
	}
	events := make([]unix.EpollEvent, v.conns)
	start, heard := time.Now(), time.Duration(0)
	for sent := 0; ; {
		now := time.Since(start)
		for len(idle) > 0 && v.isDue(sent, now) {
			c := &line[<-idle]
			c.due = v.due(sent, now)
			if err := c.send(v.next()); err != nil {
				return out, err
			}
			sent++
		}
		if len(idle) == v.conns && v.isOver(sent, now) {
			out.took = time.Since(start)
			return out, nil
		}
		n, err := unix.EpollWait(epoll, events, v.patience(sent, now, len(idle)))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return out, fmt.Errorf("epoll: %w", err)
		}
		now = time.Since(start)
		for k := range max(n, 0) {
			i := int(events[k].Fd)
			done, err := line[i].receive()
			if err != nil {
				return out, err
			}
			if done {
				out.answers, heard = out.answers+1, now
				out.waits = append(out.waits, now-line[i].due)
				idle <- i
				if v.keep != nil {
					*v.keep = line[i].answer
				}
			}
		}
		if len(idle) < v.conns && now-heard > silence {
			return out, fmt.Errorf("%v has not answered for %v", v.addr, silence)
		}
	}
}

// due is when request number n is to be sent: in a closed loop now, in an open one when its turn comes.
func (v *volley) due(n int, now time.Duration) time.Duration {
	if v.rate == 0 {
		return now
	}
	return time.Duration(float64(n) / v.rate * float64(time.Second))
}

// isDue reports whether request number n is to be sent now.
func (v *volley) isDue(n int, now time.Duration) bool {
	return !v.isOver(n, now) && v.due(n, now) <= now
}

// isOver reports whether request number n is one too many. In an open loop every request that was due in time is sent, however late.
func (v *volley) isOver(n int, now time.Duration) bool {
	return v.count > 0 && n >= v.count || v.lasts > 0 && v.due(n, now) >= v.lasts
}

// patience is how long to wait for answers, in milliseconds, before the next request is due. Less than two are spent asking again and
// again: a sleep would be longer than it should be, and the server would be blamed for it.
func (v *volley) patience(n int, now time.Duration, idle int) int {
	if v.rate == 0 || idle == 0 || v.isOver(n, now) {
		return int(silence / time.Millisecond)
	}
	if left := (v.due(n, now) - now) / time.Millisecond; left >= 2 {
		return int(left) - 1
	}
	return 0
}

// open connects and puts the connection under the eyes of the epoll, as number i.
func (c *connection) open(epoll, i int, addr netip.AddrPort) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	c.fd, c.answer = fd, make([]byte, 0, 16<<10)
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()})
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err == nil {
		err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)})
	}
	if err != nil {
		unix.Close(fd)
		return fmt.Errorf("connect to %v: %w", addr, err)
	}
	return nil
}

func (c *connection) send(request []byte) error {
	c.answer = c.answer[:0]
	n, err := unix.Write(c.fd, request)
	if err == nil && n < len(request) { // one request always fits into an empty socket buffer
		err = fmt.Errorf("only %d of %d bytes were taken", n, len(request))
	}
	if err != nil {
		return fmt.Errorf("send a request: %w", err)
	}
	return nil
}

// receive reads what is there and reports whether the answer is whole.
func (c *connection) receive() (done bool, err error) {
	n, err := unix.Read(c.fd, c.answer[len(c.answer):cap(c.answer)])
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read an answer: %w", err)
	case n == 0:
		return false, fmt.Errorf("the connection was closed after %q", c.answer)
	}
	c.answer = c.answer[:len(c.answer)+n]
	status, length, err := measure(c.answer)
	switch {
	case err != nil:
		return false, err
	case length == 0 || len(c.answer) < length:
		return false, nil
	case status != 200 || len(c.answer) > length:
		return false, fmt.Errorf("not the answer that was expected: %.2000q", c.answer)
	}
	return true, nil
}

var (
	headEnd   = []byte("\r\n\r\n")
	lengthKey = []byte("\r\nContent-Length: ")
)

// measure returns the status of the HTTP/1.1 answer at the start of b and its length with its body, 0 while its head is not whole.
func measure(b []byte) (status, length int, err error) {
	head := bytes.Index(b, headEnd)
	if head < 0 {
		return 0, 0, nil
	}
	at := bytes.Index(b[:head], lengthKey)
	if at < 0 || len(b) < len("HTTP/1.1 200") {
		return 0, 0, fmt.Errorf("an answer without a length: %.2000q", b)
	}
	digits, _, _ := bytes.Cut(b[at+len(lengthKey):head+2], headEnd[:2])
	body, err := strconv.Atoi(string(digits))
	if err == nil {
		status, err = strconv.Atoi(string(b[len("HTTP/1.1 "):len("HTTP/1.1 200")]))
	}
	if err != nil {
		return 0, 0, fmt.Errorf("an answer that cannot be read: %.2000q", b)
	}
	return status, head + len(headEnd) + body, nil
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
