package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"

	"modernc.org/sqlite"
)

// conn is one connection with the statements it has prepared so far. It speaks to the driver directly: package database/sql would
// add its own pool, its locks and a goroutine for each cancellable call, and a cancelled call could leave a half-read answer for
// the next caller to find (GO-2025-3849). A context therefore never reaches the driver: calls here are short, and the waiting that
// is worth cancelling happens before them. A conn is used by one goroutine at a time.
type conn struct {
	raw      connection
	prepared map[string]statement
	args     []driver.NamedValue // reused from call to call
	row      []driver.Value      // reused from row to row
	values   []any               // reused by create
}

// connection and statement are what the driver offers beyond the interfaces of database/sql/driver.
type connection interface {
	driver.Conn
	sqlite.DBStatus
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// connect opens path, which must exist, and runs the pragmas. A connection that cannot keep its promises is not returned.
func connect(path string, pragmas ...string) (*conn, error) { return dial(path, "rw", pragmas...) }

// dial is connect in a mode: "rw", or "ro" for a connection that changes nothing, not even when it is the last one to close the file.
func dial(path, mode string, pragmas ...string) (*conn, error) {
	path, err := filepath.Abs(path) // in the name of a relative one the first folder would be a host
	if err != nil {
		return nil, err
	}
	name := url.URL{Scheme: "file", Path: path, RawQuery: "mode=" + mode}
	opened, err := new(sqlite.Driver).Open(name.String())
	if err != nil {
		return nil, err
	}
	raw, ok := opened.(connection)
	if !ok {
		return nil, cmp.Or(opened.Close(), errors.New("the SQLite driver no longer counts the pages it writes"))
	}
	c := &conn{raw: raw, prepared: make(map[string]statement)}
	for _, p := range pragmas {
		if err := c.once("PRAGMA " + p); err != nil {
			c.close()
			return nil, fmt.Errorf("set %s: %w", p, err)
		}
	}
	return c, nil
}

func (c *conn) close() error {
	for _, st := range c.prepared {
		st.Close() // an error here repeats what the statement's last call has already returned
	}
	return c.raw.Close()
}

func (c *conn) prepare(sql string) (statement, error) {
	if st, ok := c.prepared[sql]; ok {
		return st, nil
	}
	raw, err := c.raw.Prepare(sql)
	if err != nil {
		return nil, err
	}
	st, ok := raw.(statement)
	if !ok {
		return nil, errors.New("the SQLite driver no longer offers statements with contexts")
	}
	c.prepared[sql] = st
	return st, nil
}

// once runs sql without keeping it prepared.
func (c *conn) once(sql string) error {
	_, err := c.exec(sql)
	if st, ok := c.prepared[sql]; ok {
		delete(c.prepared, sql)
		err = cmp.Or(err, st.Close())
	}
	return err
}

func (c *conn) bind(values []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, v := range values {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return c.args
}

// exec runs one statement and returns how many rows it changed.
func (c *conn) exec(sql string, values ...any) (int, error) {
	st, err := c.prepare(sql)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(context.Background(), c.bind(values))
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// query runs one statement and calls each for every row. The row is only valid during the call; its byte slices stay valid.
func (c *conn) query(sql string, each func(row []driver.Value) error, values ...any) (err error) {
	st, err := c.prepare(sql)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(context.Background(), c.bind(values))
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, rows.Close()) }()
	c.row = append(c.row[:0], make([]driver.Value, len(rows.Columns()))...)
	for {
		switch err := rows.Next(c.row); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := each(c.row); err != nil {
			return err
		}
	}
}

// integer runs a statement whose answer is one whole number.
func (c *conn) integer(sql string) (n int64, err error) {
	err = c.query(sql, func(row []driver.Value) error {
		var ok bool
		if n, ok = row[0].(int64); !ok {
			return fmt.Errorf("%s answered %v, not a number", sql, row[0])
		}
		return nil
	})
	return n, err
}

// written returns how many pages this connection has added to the write-ahead log since it was last asked.
func (c *conn) written() (int, error) {
	n, _, err := c.raw.Status(sqlite.DBStatusCacheWrite, true)
	return n, err
}

// code returns SQLite's extended result code inside err, or 0.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}
