package sqlite

import (
	"cmp"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// patience is how long to wait for another process that has the file locked.
const patience = 2 * time.Second

// Pragmas of the connections. FULL makes a commit wait until the log is on the disk: what is acknowledged survives a power cut.
// Checkpoints are the writer's business (checkpoint.go), and so is waiting for the write lock (writer.go): it sets its timeout to
// zero once it is connected.
var (
	always = []string{"busy_timeout = 5000", "synchronous = FULL", "temp_store = MEMORY", "trusted_schema = OFF", "cell_size_check = ON",
		"wal_autocheckpoint = 0"}
	reading = append(always[:len(always):len(always)], "query_only = ON", "cache_size = -2000")
	writing = append(always[:len(always):len(always)], "cache_size = -16000", "journal_size_limit = 33554432", "busy_timeout = 0")
)

// secure makes sure that nobody else may read the file, nor what is kept beside it under the same mode, and makes the file if it is to.
//
// An existing file is never opened here: closing it again would drop the locks that this process holds on it through SQLite
// (POSIX record locks belong to the process, not to the descriptor).
func secure(path string, create bool) error {
	if create {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			return f.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("cannot create the store: %w; the directory must exist and be writable", err)
		}
	}
	for _, file := range Files(path) {
		info, err := os.Stat(file)
		switch {
		case errors.Is(err, fs.ErrNotExist) && file != path:
			continue // never there, or just removed by another process that closed the store
		case err != nil:
			return fmt.Errorf("cannot look at the store: %w", err)
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is not a file; name the file in which the store is to be kept", file)
		case info.Mode().Perm()&0o077 == 0:
			continue
		}
		if err := os.Chmod(file, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("others may read the store and this cannot be changed: %w; make it mode 0600 and ours", err)
		}
	}
	return nil
}

// prepare brings the file at path to the present version, whether it is new, old or in use by another process.
func prepare(path string, create bool) error {
	if err := secure(path, create); err != nil {
		return err
	}
	c, err := connect(path, always...)
	if err == nil {
		err = cmp.Or(ready(c), c.close())
	}
	return explain(path, err)
}

// ready checks that the file is ours before it changes anything in it.
func ready(c *conn) error {
	mark, err := c.integer("PRAGMA application_id")
	if err != nil {
		return err
	}
	if mark == 0 {
		n, err := c.integer("SELECT count(*) FROM sqlite_schema")
		if err != nil {
			return err
		}
		if n > 0 {
			return errForeign
		}
	} else if mark != application {
		return errForeign
	}
	if err := logAhead(c); err != nil {
		return err
	}
	return migrate(c)
}

var (
	errForeign = errors.New("it belongs to another program")
	errNoLog   = errors.New("its file system cannot hold a write-ahead log")
)

// logAhead turns the file to write-ahead logging, which it keeps. Of several processes that do so at once all but one are told
// that the file is busy, and at once, whatever the timeout.
func logAhead(c *conn) error {
	return insist(func() error {
		var mode any
		err := c.query("PRAGMA journal_mode = WAL", func(row []driver.Value) error { mode = row[0]; return nil })
		if err == nil && mode != "wal" {
			return errNoLog
		}
		return err
	})
}

// insist repeats what fails because another process has the file locked, until patience ends. The pauses are short and even, so
// that a small command finds the gaps between the commits of a busy server.
func insist(try func() error) error {
	for start := time.Now(); ; time.Sleep(500 * time.Microsecond) {
		err := try()
		if busy := code(err)&0xff == sqlite3.SQLITE_BUSY; !busy || time.Since(start) > patience {
			return err
		}
	}
}

// explain turns a failure to open into one sentence that names the file and what to do about it.
func explain(path string, err error) error {
	_, newer := errors.AsType[newerError](err)
	switch primary := code(err) & 0xff; {
	case err == nil:
		return nil
	case newer:
		return fmt.Errorf("cannot open the store %s: %w: run that version, or restore a backup made by this one", path, err)
	case errors.Is(err, errForeign):
		return fmt.Errorf("cannot open the store %s: %w: name another file, which will be created", path, err)
	case errors.Is(err, errNoLog):
		return fmt.Errorf("cannot open the store %s: %w: put it on a local disk", path, err)
	case errors.Is(err, errIncomplete), errors.Is(err, errDamaged):
		return fmt.Errorf("cannot open the store %s: %w: %w", path, ErrDamaged, err)
	case primary == sqlite3.SQLITE_NOTADB, primary == sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("cannot open the store %s: %w, or not a store: move it away, and restore it from a backup: %w", path, ErrDamaged, err)
	case primary == sqlite3.SQLITE_BUSY:
		return fmt.Errorf("cannot open the store %s: another process keeps it locked: end that process, or wait until it is done: %w", path, err)
	case primary == sqlite3.SQLITE_FULL:
		return fmt.Errorf("cannot open the store %s: the disk is full: make room: %w", path, err)
	}
	return fmt.Errorf("cannot open the store %s: %w", path, err)
}

// Files are the files of which a database at path may consist: itself, the log and its index, the mark, and the reserve.
func Files(path string) []string {
	return []string{path, path + "-wal", path + "-shm", path + markSuffix, path + reserveSuffix}
}
