package sqlite

import (
	"database/sql/driver"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// Bounds of the write-ahead log, in its frames of one page (4 KiB) each. Every checkpointAt frames it is moved into the file, when
// the writer has answered a group; the next write then starts the log again at its beginning, unless a reader looks at it just
// then. Where many read there may always be one, so beyond blockAt the writer waits for those that are there; new ones do not hold
// it up. A log of 64 MiB would have 16384 frames.
const (
	checkpointAt = 5000
	blockAt      = 7000
)

// logged is what the writer knows of the log.
type logged struct {
	frames  int       // since the log last started again, at most
	blocked time.Time // when waiting for readers was last in vain
}

// bound keeps the log from growing. It runs between groups, so it delays the next one but not the answers of the last.
func (w *writer) bound() {
	if w.conn == nil || w.broken() != nil {
		return
	}
	n, err := w.conn.written()
	if w.frames += n; err == nil && w.frames >= checkpointAt {
		err = w.move()
	}
	if err != nil {
		w.frames = checkpointAt / 2 // try again soon: a full disk may have room by then
		w.fail(err)
	}
}

// move moves the log into the file, and waits for readers if it must.
func (w *writer) move() error {
	frames, moved, err := w.conn.checkpoint("PASSIVE")
	if err == nil && frames > blockAt && time.Since(w.blocked) > time.Second {
		frames, moved, err = w.restart()
	}
	w.frames = 0
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
