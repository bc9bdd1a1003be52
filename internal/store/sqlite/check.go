package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// Check reads the whole file at path, whether a store has it open or not, and returns an error that says what is damaged or missing: pages,
// order, indexes, rows that are not what was written, rows that are not there, groups that its mark knows of. Of a copy without a mark it says
// when it was made of a file in use, without its log. It changes nothing, takes some ten seconds for each gigabyte and holds nobody up, but
// the log grows until it has seen all pages. done is told how many of the kinds have been read; it may be nil.
func Check(ctx context.Context, path string, done func(kinds int)) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w %s", ErrMissing, path)
	}
	m, err := openMarks(path, "")
	if err != nil {
		return err
	}
	defer m.close()
	said, err := m.read()
	if err != nil {
		return err
	}
	err = check(ctx, path, len(said) > 0, done)
	switch {
	case damaged(err), len(said) > 0 && errors.Is(err, errForeign): // whoever was marked was ours
		return fmt.Errorf("check the store %s: %w: %w", path, ErrDamaged, err)
	case err != nil:
		return fmt.Errorf("check the store %s: %w", path, err)
	}
	if len(said) == 0 {
		return nil
	}
	return holds(path, said)
}

func check(ctx context.Context, path string, marked bool, done func(kinds int)) (err error) {
	mode := "ro"
	if !marked && !left(path) {
		mode = "ro&immutable=1" // a copy: nothing is made beside it
	}
	c, err := dial(path, mode, always[0], always[4])
	if err != nil {
		return explain(path, err)
	}
	defer func() { err = cmp.Or(err, c.close()) }()
	if err := ours(c); err != nil {
		return explain(path, err)
	}
	err = c.query("PRAGMA integrity_check(1)", func(row []driver.Value) error {
		if row[0] != "ok" {
			return fmt.Errorf("%w: %v", errDamaged, row[0])
		}
		return nil
	})
	b, none := c.books()
	err = errors.Join(err, none)
	if err == nil && !marked && !b.sealed && !left(path) {
		return errors.New("the copy is incomplete: the database was in use, and its log is not here; make one with: tokenbooth backup FILE")
	}
	for n, kind := range store.Kinds {
		err = errors.Join(err, c.whole(kind, ctx.Done()))
		if done != nil {
			done(n + 1)
		}
	}
	return errors.Join(ctx.Err(), err)
}

// damaged reports whether err says that what is in a file is not what was written.
func damaged(err error) bool {
	primary := code(err) & 0xff
	return primary == sqlite3.SQLITE_CORRUPT || primary == sqlite3.SQLITE_NOTADB || errors.Is(err, errDamaged) || errors.Is(err, errIncomplete)
}

// ours checks that a file is one of ours, of this version.
func ours(c *conn) error {
	of, err := c.integer("PRAGMA application_id")
	if err != nil {
		return err
	}
	if of != application {
		return errForeign
	}
	v, err := version(c)
	if err == nil && v < int64(len(migrations)) {
		err = fmt.Errorf("it was written by an earlier version of Tokenbooth (store version %d; this one knows %d): start the server on it once, then check it", v, len(migrations))
	}
	return err
}
