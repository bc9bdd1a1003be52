package sqlite

import (
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// Bounds of the write-ahead log, in its frames of one page (4 KiB) each. Every checkpointAt frames it is moved into the file, when
// the writer has answered a group; the next write then starts the log again at its beginning, unless a reader looks at it just
// then. Where many read there may always be one, so beyond blockAt the writer waits for those that are there; new ones do not hold
// it up. A reader that stays, in another process perhaps, can be waited for no longer than that: at fullAt nothing is written until it
// has gone, but for what takes something back, which has as much room again.
const (
	checkpointAt = 5000
	blockAt      = 7000
	fullAt       = 65536 // 256 MiB
)

// idleAfter is how often it is looked whether there is nothing to do. Then the log is emptied: what was acknowledged is in the file.
const idleAfter = time.Second

// logged is what the writer knows of the log.
type logged struct {
	frames  int          // since the log last started again, at most
	length  atomic.Int64 // frames that it has in all, at most
	blocked time.Time    // when waiting for readers was last in vain
	strange bool         // the last group came after one of somebody else's
	busy    bool         // something was written since it was last looked
}

// errLogFull is the answer while a reader keeps the log from being moved.
var errLogFull = errors.New("the log of the store is full: something has been reading the database for long, a backup or a shell perhaps; it must end")

// room reports whether the log may grow by a change.
func (w *writer) room(ch *change) error {
	limit, back := int64(fullAt), ch.takesBack()
	if back {
		limit = 2 * fullAt
	}
	if !back && (len(ch.puts) > 0 || ch.probe) && w.reserve.gone.Load() {
		return errDiskFull
	}
	if w.length.Load() > limit {
		return errLogFull
	}
	return nil
}

// bound keeps the log from growing. It runs between groups, so it delays the next one but not the answers of the last.
//
// After a group of somebody else's, who may have sealed the file, the next one is moved at once: a copy of the file then says that it is
// not all there is.
func (w *writer) bound() {
	if w.conn == nil || w.broken() != nil {
		return
	}
	n, err := w.conn.written()
	w.frames += n
	w.length.Add(int64(n))
	w.busy = w.busy || n > 0
	if err == nil && (w.frames >= checkpointAt || w.strange) {
		w.strange = false
		err = w.move("PASSIVE")
	}
	w.moved(err)
}

// idle empties the log when there has been nothing to write for a while, and raises the time of the mark.
func (w *writer) idle() {
	w.reserve.refill(time.Now())
	if w.conn == nil || w.present() != nil {
		return
	}
	if w.raise(w.last) != nil { // which has said so
		return
	}
	if !w.busy && w.length.Load() > 0 {
		w.moved(w.move("TRUNCATE"))
	}
	w.busy = false
}

func (w *writer) moved(err error) {
	if err != nil {
		w.frames = checkpointAt / 2 // try again soon: a full disk may have room by then
		w.fail(err)
	}
}

// move moves the log into the file, and waits for readers if it must.
func (w *writer) move(mode string) error {
	frames, moved, err := w.conn.checkpoint(mode)
	if err == nil && frames > blockAt && time.Since(w.blocked) > time.Second {
		frames, moved, err = w.restart()
	}
	w.frames = 0
	if frames >= 0 {
		w.length.Store(int64(frames))
	}
	if moved == frames && mode != "TRUNCATE" {
		w.length.Store(1) // the next write starts it again; it is still to be emptied
	}
	if moved < frames || frames < 0 { // readers, or another process, are in the way: look again before long
		w.frames = checkpointAt - checkpointAt/8
	}
	return err
}

// restart waits for the readers of the log, but not for long: a reader that stays (a backup, a shell) would stop all writing.
func (w *writer) restart() (frames, moved int, err error) {
	if _, err := w.conn.exec("PRAGMA busy_timeout = 100"); err != nil {
		return 0, 0, err
	}
	if frames, moved, err = w.conn.checkpoint("RESTART"); err == nil && moved < frames {
		w.blocked = time.Now()
	}
	if err == nil {
		_, err = w.conn.exec("PRAGMA busy_timeout = 0")
	}
	return frames, moved, err
}

// checkpoint moves the log into the file as far as readers allow and returns its frames and how many of them were moved.
func (c *conn) checkpoint(mode string) (frames, moved int, err error) {
	err = c.query("PRAGMA wal_checkpoint("+mode+")", func(row []driver.Value) error {
		n, _ := row[1].(int64)
		m, _ := row[2].(int64)
		frames, moved = int(n), int(m)
		return nil
	})
	if code(err)&0xff == sqlite3.SQLITE_BUSY {
		err = nil // another process is at it
	}
	return frames, moved, err
}
