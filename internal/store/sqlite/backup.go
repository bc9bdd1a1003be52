package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// Backup writes the store at path, as it is at one moment and whether it is in use or not, to a new file, and reads that back: nil says that
// the copy is whole. done is told how many bytes of about how many have been written. It holds up nobody, but the log of a busy store grows
// until it has ended.
func Backup(ctx context.Context, path, to string, done func(written, of int64)) (err error) {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make the backup: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("make the backup: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(to) // what is left of it is no backup
		}
	}()
	if err := snapshot(path, to, done); err != nil {
		return fmt.Errorf("back up the store %s: %w", path, err)
	}
	if err := check(ctx, to, false, nil); err != nil {
		return fmt.Errorf("read the backup %s: %w", to, err)
	}
	return nil
}

func snapshot(path, to string, done func(written, of int64)) (err error) {
	c, err := dial(path, "ro", always[0], always[2])
	if err != nil {
		return explain(path, err)
	}
	defer func() { err = cmp.Or(err, c.close()) }()
	if err := ours(c); err != nil {
		return explain(path, err)
	}
	pages, err := c.integer("PRAGMA page_count")
	if err != nil {
		return err
	}
	written, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		watch(to, pages*pageSize, done, written)
	}()
	_, err = c.exec("VACUUM INTO $1", to)
	close(written)
	<-watched
	if err == nil {
		err = finish(to)
	}
	return err
}

// pageSize is SQLite's, in bytes.
const pageSize = 4096

// finish notes in a copy that nothing is missing from it.
func finish(path string) error {
	c, err := connect(path, always[1])
	if err != nil {
		return err
	}
	return cmp.Or(c.once(`UPDATE "ledger" SET total = 1 WHERE name = 'groups'`), c.close())
}

// watch tells how much of a file has been written, until all of it is.
func watch(path string, of int64, done func(written, of int64), written <-chan struct{}) {
	for tick := time.NewTicker(100 * time.Millisecond); ; {
		select {
		case <-written:
			tick.Stop()
			return
		case <-tick.C:
		}
		if info, err := os.Stat(path); err == nil && done != nil {
			done(info.Size(), of)
		}
	}
}

// Accept takes the file at path for the latest from now on, whatever its marks say: rows that are missing are no longer missed, and its
// count of groups goes on beyond that of the marks. Nobody else may have the store open. It returns what the marks knew of.
func Accept(path, second string, now time.Time) (groups int64, seen time.Time, err error) {
	m, err := openMarks(path, second)
	if err != nil {
		return 0, seen, err
	}
	defer m.close()
	for _, f := range m {
		one, err := f.read()
		if err != nil && !errors.Is(err, errBadMark) {
			return 0, seen, err
		}
		if groups = max(groups, one.groups); one.seen.After(seen) {
			seen = one.seen
		}
	}
	if err := prepare(path, false); err != nil {
		return 0, seen, err
	}
	c, err := connect(path, writing...)
	if err != nil {
		return 0, seen, explain(path, err)
	}
	last, err := c.recount(groups)
	if err == nil {
		var name string
		if name, err = c.name(); err == nil {
			err = m.create(mark{name, last, now})
		}
	}
	return groups, seen, explain(path, cmp.Or(err, c.close()))
}

// recount begins the ledger anew by what is there, behind so many groups.
func (c *conn) recount(groups int64) (last int64, err error) {
	if err := insist(func() error { return c.once("BEGIN IMMEDIATE") }); err != nil {
		return 0, err
	}
	for _, sql := range []string{
		`DELETE FROM "ledger" WHERE name <> 'groups'`,
		fmt.Sprintf(`INSERT INTO "ledger" VALUES ('groups', %[1]d, 0) ON CONFLICT DO UPDATE SET n = max(n, %[1]d)`, groups),
	} {
		if err := c.once(sql); err != nil {
			return 0, err
		}
	}
	if err := openBooks(c); err != nil {
		return 0, err
	}
	if last, err = c.count(0); err != nil {
		return 0, err
	}
	return last, c.once("COMMIT")
}

// Rows reads all rows of a kind from a file that may be damaged: in their order until one cannot be read, and then from the last one
// backwards. The error is that of the first that could not be read, or that of each. It changes nothing.
func Rows(path string, kind store.Kind, each func(store.Record) error) error {
	var last [2]string
	stopped := false
	read := func(sql string, fresh func(at [2]string) bool) error {
		c, err := dial(path, "ro", always[0])
		if err != nil {
			return explain(path, err)
		}
		defer c.close() // nothing was written
		return c.query(sql, func(row []driver.Value) error {
			tenant, _ := row[len(row)-1].(string)
			r, err := record(tenant, kind, row[:len(row)-1])
			if err != nil {
				return err
			}
			if !fresh([2]string{tenant, r.ID}) {
				return io.EOF
			}
			err = each(r)
			stopped = err != nil
			return err
		})
	}
	err := read(statements[kind].check, func(at [2]string) bool { last = at; return true })
	if err != nil && !stopped {
		backwards := read(statements[kind].back, func(at [2]string) bool { return at[0] > last[0] || at[0] == last[0] && at[1] > last[1] })
		if stopped {
			return backwards
		}
	}
	return err
}

// Compact gives the room of removed rows back to the disk. It holds up all writing while it works, some ten seconds for each gigabyte.
func Compact(path string) (before, after int64, err error) {
	size := func() int64 {
		info, err := os.Stat(path)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	before = size()
	c, err := connect(path, writing...)
	if err != nil {
		return before, before, explain(path, err)
	}
	err = insist(func() error { return c.once("VACUUM") })
	if err == nil {
		_, _, err = c.checkpoint("TRUNCATE")
	}
	err = explain(path, cmp.Or(err, c.close()))
	return before, size(), err
}
