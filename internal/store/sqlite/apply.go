package sqlite

import (
	"database/sql/driver"
	"fmt"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// apply writes what the changes ask for into the open transaction, and into changed by how much that changes the ledger. After an error,
// a conflict too, some of it may have been written: the caller undoes it.
func (c *conn) apply(group []*change, now int64, changed accounts) error {
	var creates map[store.Kind][]*store.Record
	for _, ch := range group {
		for i := range ch.puts {
			r := &ch.puts[i]
			if r.Rev == 0 {
				if creates == nil {
					creates = make(map[store.Kind][]*store.Record)
				}
				creates[r.Kind] = append(creates[r.Kind], r)
			} else if err := c.update(r, now, changed); err != nil {
				return err
			}
		}
		for _, id := range ch.removes {
			if _, err := c.remove(changed, ch.kind, statements[ch.kind].remove, ch.tenant, id); err != nil {
				return err
			}
		}
		if err := c.sweep(ch, changed); err != nil {
			return err
		}
	}
	for kind, records := range creates {
		if err := c.create(kind, records, changed); err != nil {
			return err
		}
	}
	return nil
}

// clear removes the rows that a change is to create anew and that have expired, which create takes for conflicts.
func (c *conn) clear(ch *change, now int64, changed accounts) error {
	for i := range ch.puts {
		if r := &ch.puts[i]; r.Rev == 0 {
			if _, err := c.remove(changed, r.Kind, statements[r.Kind].clear, r.Tenant, r.ID, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// create writes new rows, as many as possible with each statement. A row that is there is left alone, which shows in the count.
func (c *conn) create(kind store.Kind, records []*store.Record, changed accounts) error {
	of := changed.of(kind)
	for _, size := range bundles {
		for len(records) >= size {
			values := c.values[:0]
			for _, r := range records[:size] {
				s := sum(r, 1)
				of.add(s)
				values = append(values, r.Tenant, r.ID, r.Parent, r.Label, expiry(r.Expires), s, body(r))
			}
			c.values = values
			n, err := c.exec(statements[kind].create[size], c.values...)
			clear(c.values)
			if err == nil && n != size {
				err = fmt.Errorf("create %s: %w", kind, store.ErrConflict)
			}
			if err != nil {
				return err
			}
			records = records[size:]
		}
	}
	return nil
}

func (c *conn) update(r *store.Record, now int64, changed accounts) error {
	next := r.Rev + 1
	var before, found int64
	err := c.query(statements[r.Kind].before, func(row []driver.Value) (err error) {
		found++
		before, err = sumIn(row)
		return err
	}, r.Tenant, r.ID, int64(r.Rev), now)
	if err == nil && found == 0 {
		err = fmt.Errorf("replace %s: %w", r.Kind, store.ErrConflict)
	}
	if err != nil {
		return err
	}
	after := sum(r, next)
	n, err := c.exec(statements[r.Kind].update, int64(next), r.Parent, r.Label, expiry(r.Expires), after, body(r), r.Tenant, r.ID)
	if err == nil && n != 1 {
		err = fmt.Errorf("replace %s: %w", r.Kind, errDamaged)
	}
	of := changed.of(r.Kind)
	of.remove(before)
	of.add(after)
	return err
}

// sweep removes the rows that expired first, kind by kind, until ch has its fill.
func (c *conn) sweep(ch *change, changed accounts) error {
	for _, kind := range store.Kinds {
		if ch.n >= ch.sweeps {
			return nil
		}
		n, err := c.remove(changed, kind, statements[kind].sweep, ch.before, int64(ch.sweeps-ch.n))
		if err != nil {
			return err
		}
		ch.n += n
	}
	return nil
}

// remove runs a statement that removes rows and returns their sums. It returns how many they were.
func (c *conn) remove(changed accounts, kind store.Kind, sql string, values ...any) (n int, err error) {
	err = c.query(sql, func(row []driver.Value) error {
		s, err := sumIn(row)
		changed.of(kind).remove(s)
		n++
		return err
	}, values...)
	return n, err
}

// sumIn is the sum of a row, which is all that was asked for.
func sumIn(row []driver.Value) (int64, error) {
	if s, ok := row[0].(int64); ok {
		return s, nil
	}
	return 0, errDamaged
}

// body is the kept form of a body: NULL when it is empty.
func body(r *store.Record) any {
	if len(r.Body) == 0 {
		return nil
	}
	return r.Body
}
