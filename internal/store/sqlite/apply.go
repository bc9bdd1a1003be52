package sqlite

import (
	"fmt"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// apply writes what the changes ask for into the open transaction. After an error, a conflict too, some of it may have been
// written: the caller undoes it.
func (c *conn) apply(group []*change, now int64) error {
	var creates map[store.Kind][]*store.Record
	for _, ch := range group {
		for i := range ch.puts {
			r := &ch.puts[i]
			if r.Rev == 0 {
				if creates == nil {
					creates = make(map[store.Kind][]*store.Record)
				}
				creates[r.Kind] = append(creates[r.Kind], r)
			} else if err := c.update(r, now); err != nil {
				return err
			}
		}
		for _, id := range ch.removes {
			if _, err := c.exec(statements[ch.kind].remove, ch.tenant, id); err != nil {
				return err
			}
		}
		if err := c.sweep(ch); err != nil {
			return err
		}
	}
	for kind, records := range creates {
		if err := c.create(kind, records, now); err != nil {
			return err
		}
	}
	return nil
}

// create writes new rows, as many as possible with each statement. A row that is there and has not expired is left alone, which
// shows in the count.
func (c *conn) create(kind store.Kind, records []*store.Record, now int64) error {
	for _, size := range bundles {
		for len(records) >= size {
			values := c.values[:0]
			for _, r := range records[:size] {
				values = append(values, r.Tenant, r.ID, r.Parent, r.Label, expiry(r.Expires), sum(r, 1), body(r))
			}
			c.values = append(values, now)
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

func (c *conn) update(r *store.Record, now int64) error {
	next := r.Rev + 1
	n, err := c.exec(statements[r.Kind].update, int64(next), r.Parent, r.Label, expiry(r.Expires), sum(r, next), body(r),
		r.Tenant, r.ID, int64(r.Rev), now)
	if err == nil && n != 1 {
		err = fmt.Errorf("replace %s: %w", r.Kind, store.ErrConflict)
	}
	return err
}

// sweep removes the rows that expired first, kind by kind, until ch has its fill.
func (c *conn) sweep(ch *change) error {
	for _, kind := range store.Kinds {
		if ch.n >= ch.sweeps {
			return nil
		}
		n, err := c.exec(statements[kind].sweep, ch.before, int64(ch.sweeps-ch.n))
		if err != nil {
			return err
		}
		ch.n += n
	}
	return nil
}

// body is the kept form of a body: NULL when it is empty.
func body(r *store.Record) any {
	if len(r.Body) == 0 {
		return nil
	}
	return r.Body
}
