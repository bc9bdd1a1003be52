//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// connection is one of the generator's connections to the server. It has one request under way at most.
type connection struct {
	fd     int
	due    time.Duration
	answer []byte // what has come of the answer so far
}

// connect opens a connection and puts it under the eyes of the epoll, as number i.
func connect(epoll, i int, addr netip.AddrPort) (connection, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return connection{}, fmt.Errorf("socket: %w", err)
	}
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
		return connection{}, errors.Join(fmt.Errorf("connect to %v: %w", addr, err), unix.Close(fd))
	}
	return connection{fd: fd, answer: make([]byte, 0, 16<<10)}, nil
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
