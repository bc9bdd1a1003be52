package sqlite

import (
	"cmp"
	"context"
	"errors"
	"runtime"
)

// readers are the connections that read. Reads compete for the processor and not for the file, so there are about as many as can
// run at once. Each is opened when it is first needed: opening a store costs no more than the writer.
type readers struct {
	path    string
	idle    chan *conn // nil stands for one that is not open yet
	closing <-chan struct{}
	present func() error // why the file is not the one that was opened, or nil
}

func newReaders(path string, closing <-chan struct{}, present func() error) readers {
	r := readers{path: path, idle: make(chan *conn, max(4, 2*runtime.GOMAXPROCS(0))), closing: closing, present: present}
	for range cap(r.idle) {
		r.idle <- nil
	}
	return r
}

// do runs read with a connection of its own. One that has failed is not used again: whatever state it is in ends with it.
func (r readers) do(ctx context.Context, read func(*conn) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	var c *conn
	select {
	case <-r.closing:
		return errClosed
	default:
	}
	select {
	case c = <-r.idle:
	case <-ctx.Done():
		return ctx.Err()
	case <-r.closing:
		return errClosed
	}
	if c == nil {
		if c, err = r.connect(); err != nil {
			r.idle <- nil
			return err
		}
	}
	kept := (*conn)(nil)
	defer func() { r.idle <- kept }() // also when read panics
	if err := read(c); err != nil {
		return cmp.Or(err, c.close())
	}
	kept = c
	return nil
}

// connect opens a connection to the file that the store was opened on: one that has been put in its place may say anything.
func (r readers) connect() (*conn, error) {
	c, err := connect(r.path, reading...)
	if err != nil {
		return nil, err
	}
	if err := r.present(); err != nil {
		return nil, cmp.Or(err, c.close())
	}
	return c, nil
}

// close waits for the reads that are under way.
func (r readers) close() error {
	var errs []error
	for range cap(r.idle) {
		if c := <-r.idle; c != nil {
			errs = append(errs, c.close())
		}
	}
	return errors.Join(errs...)
}
