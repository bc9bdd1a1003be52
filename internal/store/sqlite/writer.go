package sqlite

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// change is what one call wants written. Only one of puts, removes, sweeps and probe is set.
type change struct {
	puts []store.Record

	tenant  string
	kind    store.Kind
	removes []string

	sweeps int // how many expired rows to remove at most
	before int64

	probe bool // write a group even if there is nothing in it

	n   int // rows swept
	err error
}

// weight counts a row, or 8 KiB of body, as one.
func (ch *change) weight() int {
	n := len(ch.removes) + ch.sweeps
	for i := range ch.puts {
		n += 1 + len(ch.puts[i].Body)>>13
	}
	return n
}

// group is what goes into one commit. It is bounded so that the one who came first does not wait for thousands, and the log does not
// grow by much at once.
type group struct {
	changes []*change
	weight  int
	taken   bool          // by the writer: nobody joins or leaves any more
	done    chan struct{} // closed when each change has its outcome
}

const groupWeight = 1024

func newGroup() *group { return &group{done: make(chan struct{})} }

// writer owns the one connection that writes. Its goroutine (run) commits the first group of the queue in one transaction and answers;
// meanwhile the next one fills. While the disk is slow groups grow, so the rate stays.
type writer struct {
	path    string
	now     func() time.Time
	safe    func() time.Time // see Options
	pragmas []string
	closing <-chan struct{}
	stopped chan struct{} // closed when run has returned

	mu    sync.Mutex // guards queue and what it holds
	queue []*group   // none is empty; each change has a caller that waits, so their number is its bound
	bell  chan struct{}

	conn *conn // nil after a failure, until the next group
	logged
	failed atomic.Pointer[error]
	pulse  pulse

	reserve reserve

	file  os.FileInfo // as it was opened
	marks marks
	store string // what it is called
	last  int64  // group of this process; -1 before its first one
}

// newWriter connects to the file and makes its marks where there are none.
func newWriter(path string, o Options, closing <-chan struct{}) (w *writer, err error) {
	w = &writer{
		path: path, now: o.Now, safe: o.Safe, closing: closing, last: -1, pulse: pulse{birth: time.Now()},
		pragmas: append(append([]string{}, writing...), o.pragmas...),
		bell:    make(chan struct{}, 1),
		stopped: make(chan struct{}),
	}
	w.reserve.path, w.reserve.keep = path+reserveSuffix, o.Serve
	w.reserve.refill(time.Now())
	if left(path) {
		w.length.Store(1) // there is something to be emptied
	}
	if w.file, err = os.Stat(path); err != nil {
		return nil, err
	}
	if w.marks, err = openMarks(path, o.Mark); err != nil {
		return nil, err
	}
	if err = w.connect(); err == nil {
		err = w.begun()
	}
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// begun makes sure that there is a mark before there is anything to be marked.
func (w *writer) begun() (err error) {
	if w.store, err = w.conn.name(); err != nil {
		return err
	}
	b, err := w.conn.books()
	if err != nil {
		return err
	}
	return w.marks.create(mark{w.store, b.groups, w.safe()})
}

func (w *writer) connect() (err error) {
	if w.conn == nil {
		w.conn, err = connect(w.path, w.pragmas...)
	}
	return err
}

func (w *writer) close() error {
	if w.conn == nil {
		return w.marks.close()
	}
	return errors.Join(w.conn.close(), w.marks.close())
}

// seal notes in the file that nothing is missing from it, for whoever copies it. The next group, of any process, takes that back.
func (w *writer) seal() {
	if w.last < 0 || w.broken() != nil {
		return
	}
	err := w.begin()
	if err == nil {
		err = w.settle(func() (int64, error) { return w.conn.count(1) })
	}
	if err != nil {
		w.fail(err) // nothing is lost by it, and a copy will be said to be incomplete
	}
}

// do queues ch and waits for its outcome. Until the writer has taken its group the caller may go away and nothing is written. When the
// disk does not answer the caller gets errHung, and what was taken may or may not be there when it does again, as after a crash.
func (w *writer) do(ctx context.Context, ch *change) (int, error) {
	if err := cmp.Or(ctx.Err(), w.broken(), w.pulse.hung(), w.room(ch)); err != nil {
		return 0, err
	}
	g, err := w.join(ch)
	if err != nil {
		return 0, err
	}
	gone := ctx.Done()
	late := time.NewTimer(hungAfter)
	defer late.Stop()
	for {
		select {
		case <-g.done:
			return ch.n, ch.err
		case <-gone:
			if w.withdraw(g, ch) {
				return 0, ctx.Err()
			}
			gone = nil
		case <-late.C:
			if err := w.pulse.hung(); err != nil {
				w.withdraw(g, ch)
				return 0, err
			}
			late.Reset(hungAfter / 10)
		}
	}
}

// join puts ch into the last group of the queue, or behind it when that is full.
func (w *writer) join(ch *change) (*group, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.closing:
		return nil, errClosed
	default:
	}
	last := len(w.queue) - 1
	if last < 0 || w.queue[last].weight >= groupWeight {
		w.queue = append(w.queue, newGroup())
		last++
	}
	g := w.queue[last]
	g.changes, g.weight = append(g.changes, ch), g.weight+ch.weight()
	if len(g.changes) == 1 {
		select {
		case w.bell <- struct{}{}:
		default: // it has been rung and not been heard yet
		}
	}
	return g, nil
}

// withdraw takes ch back, unless it is too late for that. Nothing is left of it: callers that give up while the disk does not answer
// cost no memory, and a group of theirs no commit.
func (w *writer) withdraw(g *group, ch *change) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if g.taken {
		return false
	}
	i := slices.Index(g.changes, ch)
	g.changes, g.weight = slices.Delete(g.changes, i, i+1), g.weight-ch.weight()
	if len(g.changes) == 0 {
		i = slices.Index(w.queue, g)
		w.queue = slices.Delete(w.queue, i, i+1)
	}
	return true
}

// run is the life of the writer. What was queued when the store is closed is still written.
func (w *writer) run() {
	defer close(w.stopped)
	rest := time.NewTicker(idleAfter)
	defer rest.Stop()
	for closing := false; !closing; {
		select {
		case <-w.bell:
		case <-rest.C:
			w.pulse.begin()
			w.idle()
			w.pulse.end()
		case <-w.closing:
			closing = true
		}
		for w.queued() {
			w.pulse.begin()
			w.serve()
			w.pulse.begin()
			w.bound()
			w.pulse.end()
		}
	}
}

func (w *writer) queued() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue) > 0
}

// serve commits the first group of the queue, as it is once the file is ours.
func (w *writer) serve() {
	err := w.begin()
	g := w.take()
	if err == nil && len(g.changes) > 0 {
		err = w.commit(g.changes)
	} else if err == nil {
		_, err = w.conn.exec("ROLLBACK")
	}
	if err != nil {
		err = w.squeeze(g, err)
	}
	if err != nil {
		w.fail(err)
		for _, ch := range g.changes {
			ch.n, ch.err = 0, err
		}
	}
	close(g.done)
}

// begin takes the write lock, which another process may hold for a moment.
func (w *writer) begin() error {
	if err := w.broken(); err != nil {
		return err
	}
	if err := w.connect(); err != nil {
		return err
	}
	err := insist(func() error { _, err := w.conn.exec("BEGIN IMMEDIATE"); return err })
	w.pulse.begin() // the lock is another's affair, the disk begins here
	return err
}

// take removes the first group from the queue. All that was queued may have been withdrawn meanwhile: then it is an empty one.
func (w *writer) take() *group {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return newGroup()
	}
	g := w.queue[0]
	w.queue = slices.Delete(w.queue, 0, 1)
	g.taken = true
	return g
}

// commit writes the changes of a group. Conflicts are rare, so first all are tried at once; if there is one, or what looks like one, the
// group is done again a change at a time to find out whose it is. Changes of a group were all asked for at the same time, so any order
// of them is as good as another.
func (w *writer) commit(changes []*change) error {
	now := w.now().UnixMicro()
	changed := make(accounts)
	err := w.conn.apply(changes, now, changed)
	if errors.Is(err, store.ErrConflict) {
		if _, err := w.conn.exec("ROLLBACK"); err != nil {
			return err
		}
		if err := w.begin(); err != nil {
			return err
		}
		changed = make(accounts)
		err = w.eachAlone(changes, now, changed)
	}
	if err != nil {
		return err
	}
	return w.settle(func() (int64, error) {
		if len(changed) == 0 && slices.ContainsFunc(changes, func(ch *change) bool { return ch.probe }) {
			return w.conn.count(0)
		}
		return w.conn.book(changed)
	})
}

// settle ends the open transaction with its number in the ledger, and marks it. Nothing of it has been acknowledged if that fails.
func (w *writer) settle(book func() (group int64, err error)) error {
	group, err := book()
	if err == nil {
		_, err = w.conn.exec("COMMIT")
	}
	if err != nil || group == 0 {
		return err
	}
	if err := w.present(); err != nil {
		return err
	}
	w.strange = group != w.last+1 // somebody else has written as well, or nobody yet
	w.last = group
	if err := w.raise(group); err != nil {
		return err
	}
	w.pulse.written()
	return nil
}

// raise writes the mark. On a full disk, of a kind that writes elsewhere what is written over, it stays behind and the group is not
// acknowledged; the next one raises it for both.
func (w *writer) raise(group int64) error {
	err := w.marks.raise(mark{w.store, group, w.safe()})
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		err = w.give(err)
	}
	return err
}

// eachAlone applies the changes of a group one by one, undoing those that conflict.
func (w *writer) eachAlone(changes []*change, now int64, changed accounts) error {
	for i, ch := range changes {
		if _, err := w.conn.exec("SAVEPOINT one"); err != nil {
			return err
		}
		ch.n = 0 // what the first attempt swept has been undone
		own := make(accounts)
		if ch.err = w.conn.clear(ch, now, own); ch.err == nil {
			ch.err = w.conn.apply(changes[i:i+1], now, own)
		}
		if ch.err == nil {
			changed.merge(own)
		} else {
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
