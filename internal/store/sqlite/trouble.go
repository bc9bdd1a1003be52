package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// Causes are the words of Cause.
var Causes = []string{"full", "read_only", "locked", "hung", "gone", "log_full", "damaged", "failed"}

var (
	errHung     = errors.New("the disk does not answer: nothing is written until it does")
	errReplaced = errors.New("another file has been put in the place of the database")
)

// hungAfter is how long the disk may take for one step of the writer. Waiting for another process's lock ends a little sooner.
const hungAfter = patience + 50*time.Millisecond

// Cause says in a word why something could not be written: the disk is full or read_only, another process keeps the database locked, the
// disk does not answer (hung), the file is gone, a reader keeps the log full, what is there is damaged, or the disk failed otherwise.
func Cause(err error) string {
	switch primary := code(err) & 0xff; {
	case errors.Is(err, errHung):
		return "hung"
	case errors.Is(err, errReplaced), errors.Is(err, fs.ErrNotExist):
		return "gone"
	case errors.Is(err, errLogFull):
		return "log_full"
	case damaged(err):
		return "damaged"
	case primary == sqlite3.SQLITE_FULL, errors.Is(err, syscall.ENOSPC):
		return "full"
	case primary == sqlite3.SQLITE_READONLY, errors.Is(err, syscall.EROFS):
		return "read_only"
	case primary == sqlite3.SQLITE_BUSY:
		return "locked"
	}
	return "failed"
}

// Probe reports whether the store can be written: by a group that changes no record, unless one was written within so long. It returns
// within a few seconds, also when the disk does not answer.
func (s *Store) Probe(ctx context.Context, within time.Duration) error {
	if err := s.Err(); err != nil || s.writer.pulse.wroteWithin(within) {
		return err
	}
	_, err := s.writer.do(ctx, &change{probe: true})
	return err
}

// pulse is by what others see whether the writer, which may wait for a disk for ever, is alive.
type pulse struct {
	birth time.Time
	step  atomic.Int64 // when the step that it is at began, after birth; 0: it is at none
	wrote atomic.Int64 // when it last wrote a group, after birth; 0: never
}

func (p *pulse) begin()   { p.step.Store(max(1, int64(time.Since(p.birth)))) }
func (p *pulse) end()     { p.step.Store(0) }
func (p *pulse) written() { p.wrote.Store(max(1, int64(time.Since(p.birth)))) }

func (p *pulse) wroteWithin(d time.Duration) bool {
	at := p.wrote.Load()
	return at != 0 && time.Since(p.birth)-time.Duration(at) < d
}

// hung returns errHung when a step takes too long.
func (p *pulse) hung() error {
	if at := p.step.Load(); at != 0 && time.Since(p.birth)-time.Duration(at) >= hungAfter {
		return errHung
	}
	return nil
}

// present ends all writing when the file is no longer where it was: what is written then is lost.
func (w *writer) present() error {
	if err := w.broken(); err != nil {
		return err
	}
	if err := w.inPlace(); err != nil {
		return w.give(err)
	}
	return nil
}

// inPlace reports whether the file is the one that was opened.
func (w *writer) inPlace() error {
	now, err := os.Stat(w.path)
	if err == nil && !os.SameFile(now, w.file) {
		err = errReplaced
	}
	return err
}

// give ends all writing.
func (w *writer) give(err error) error {
	err = fmt.Errorf("the store %s no longer writes: check its disk, then start again: %w", w.path, err)
	w.failed.CompareAndSwap(nil, &err)
	return w.broken()
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
	if c := code(err); c == sqlite3.SQLITE_IOERR_FSYNC || c == sqlite3.SQLITE_IOERR_DIR_FSYNC || damaged(err) {
		_ = w.give(err) // which says the same to everybody from now on
	}
}

func (w *writer) broken() error {
	if p := w.failed.Load(); p != nil {
		return *p
	}
	return nil
}
