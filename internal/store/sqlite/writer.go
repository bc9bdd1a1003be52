package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// change is what one call wants written. Only one of puts, removes and sweeps is set.
type change struct {
	puts []store.Record

	tenant  string
	kind    store.Kind
	removes []string

	sweeps int // how many expired rows to remove at most
	before int64

	state atomic.Int32 // waiting, then taken by the writer or withdrawn by the caller, whoever is first
	done  chan struct{}
	n     int // rows swept
	err   error
}

const (
	waiting = iota
	taken
	withdrawn
)

// How much may wait, and how much goes into one commit: a group is bounded so that the one who came first does not wait for
// thousands, and the log does not grow by much at once.
const (
	queueLength = 1024
	groupWeight = 1024
)

// weight counts a row, or 8 KiB of body, as one.
func (ch *change) weight() int {
	n := len(ch.removes) + ch.sweeps
	for i := range ch.puts {
		n += 1 + len(ch.puts[i].Body)>>13
	}
	return n
}

// writer owns the one connection that writes. Its goroutine (run) takes what is queued as a group, commits it in one transaction
// and answers; meanwhile the next group queues up. While the disk is slow groups grow, so the rate stays.
type writer struct {
	path    string
	now     func() time.Time
	pragmas []string
	queue   chan *change
	closing <-chan struct{}
	stopped chan struct{} // closed when run has returned

	conn  *conn // nil after a failure, until the next group
	group []*change
	logged
	failed atomic.Pointer[error]
}

func newWriter(path string, now func() time.Time, closing <-chan struct{}, pragmas []string) *writer {
	return &writer{
		path: path, now: now, closing: closing,
		pragmas: append(append([]string{}, writing...), pragmas...),
		queue:   make(chan *change, queueLength),
		stopped: make(chan struct{}),
	}
}

func (w *writer) connect() (err error) {
	if w.conn == nil {
		w.conn, err = connect(w.path, w.pragmas...)
	}
	return err
}

func (w *writer) close() error {
	if w.conn == nil {
		return nil
	}
	return w.conn.close()
}

// do queues ch and waits for its outcome. Until the writer has taken it the caller may go away and nothing is written.
func (w *writer) do(ctx context.Context, ch *change) (int, error) {
	if err := cmp.Or(ctx.Err(), w.broken()); err != nil {
		return 0, err
	}
	ch.done = make(chan struct{})
	select {
	case w.queue <- ch:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-w.closing:
		return 0, errClosed
	}
	select {
	case <-ch.done:
		return ch.n, ch.err
	case <-ctx.Done():
		if ch.state.CompareAndSwap(waiting, withdrawn) {
			return 0, ctx.Err()
		}
	case <-w.stopped:
		if ch.state.CompareAndSwap(waiting, withdrawn) {
			return 0, errClosed
		}
	}
	<-ch.done
	return ch.n, ch.err
}

// run is the life of the writer.
func (w *writer) run() {
	defer close(w.stopped)
	for {
		select {
		case <-w.closing:
			return
		case first := <-w.queue:
			w.serve(first)
			w.bound()
		}
	}
}

// serve commits first and whatever else is queued once the file is ours.
func (w *writer) serve(first *change) {
	err := w.begin()
	w.take(first)
	if err == nil && len(w.group) > 0 {
		err = w.commit()
	} else if err == nil {
		_, err = w.conn.exec("ROLLBACK")
	}
	if err != nil {
		w.fail(err)
	}
	for i, ch := range w.group {
		if err != nil {
			ch.n, ch.err = 0, err
		}
		close(ch.done)
		w.group[i] = nil
	}
	w.group = w.group[:0]
}

// begin takes the write lock, which another process may hold for a moment.
func (w *writer) begin() error {
	if err := w.broken(); err != nil {
		return err
	}
	if err := w.connect(); err != nil {
		return err
	}
	return insist(func() error { _, err := w.conn.exec("BEGIN IMMEDIATE"); return err })
}

// take makes a group of first and what is queued behind it, leaving out what was withdrawn.
func (w *writer) take(first *change) {
	weight := 0
	for ch := first; ch != nil; ch = w.next() {
		if ch.state.CompareAndSwap(waiting, taken) {
			w.group = append(w.group, ch)
			weight += ch.weight()
		}
		if weight >= groupWeight {
			return
		}
	}
}

// next returns what is queued next, or nil. Before it gives up it lets others run once: callers that have just been answered are
// about to come back, and a larger group costs the disk no more.
func (w *writer) next() *change {
	for range 2 {
		select {
		case ch := <-w.queue:
			return ch
		default:
			runtime.Gosched()
		}
	}
	return nil
}

// commit writes the group. Conflicts are rare, so first the whole group is tried at once; if there is one, the group is done again
// a change at a time to find out whose it is. Changes of a group were all asked for at the same time, so any order of them is as
// good as another.
func (w *writer) commit() error {
	now := w.now().UnixMicro()
	err := w.conn.apply(w.group, now)
	if errors.Is(err, store.ErrConflict) {
		if len(w.group) == 1 {
			w.group[0].err = err
			_, err := w.conn.exec("ROLLBACK")
			return err
		}
		if _, err := w.conn.exec("ROLLBACK"); err != nil {
			return err
		}
		if err := w.begin(); err != nil {
			return err
		}
		err = w.eachAlone(now)
	}
	if err != nil {
		return err
	}
	_, err = w.conn.exec("COMMIT")
	return err
}

// eachAlone applies the changes of the group one by one, undoing those that conflict.
func (w *writer) eachAlone(now int64) error {
	for i, ch := range w.group {
		if _, err := w.conn.exec("SAVEPOINT one"); err != nil {
			return err
		}
		ch.n = 0 // what the first attempt swept has been undone
		if ch.err = w.conn.apply(w.group[i:i+1], now); ch.err != nil {
			if !errors.Is(ch.err, store.ErrConflict) {
				return ch.err
			}
			if _, err := w.conn.exec("ROLLBACK TO one"); err != nil {
				return err
			}
		}
		if _, err := w.conn.exec("RELEASE one"); err != nil {
			return err
		}
	}
	return nil
}

// fail gives up the connection after err. Whether SQLite has rolled back by itself depends on the error; closing always does.
func (w *writer) fail(err error) {
	if w.conn != nil && code(err)&0xff != sqlite3.SQLITE_BUSY {
		w.conn.close() // what matters has failed already
		w.conn = nil
	}
	w.judge(err)
}

// judge ends all writing if err says that the disk does not keep what it was given. Trying again could succeed and still have lost
// what went before: the kernel reports a failed sync once and then forgets.
func (w *writer) judge(err error) {
	switch c := code(err); {
	case c == sqlite3.SQLITE_IOERR_FSYNC, c == sqlite3.SQLITE_IOERR_DIR_FSYNC,
		c&0xff == sqlite3.SQLITE_CORRUPT, c&0xff == sqlite3.SQLITE_NOTADB:
		err = fmt.Errorf("the store %s no longer writes: check its disk, then start again: %w", w.path, err)
		w.failed.CompareAndSwap(nil, &err)
	}
}

func (w *writer) broken() error {
	if p := w.failed.Load(); p != nil {
		return *p
	}
	return nil
}
