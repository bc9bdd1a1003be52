package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// A store that serves reads itself through when it is opened: its rows against their sums, and all of them against the ledger. The kinds
// of which a missing row would let something pass, or be made anew, are read before the store is there at all. Of the others what is found
// is answered at once; that something is not there is answered when its kind has been read, because a damaged page hides rows. Nothing is
// answered any more of a kind that is not whole. What only operators look at is left to Check.
//
// When the log of a process that was killed lies beside the file, everything is read first: the log may be that of another file, and
// what is found may be old.
var (
	readFirst = []store.Kind{store.Revocation, store.Key}
	readSoon  = []store.Kind{store.Client, store.User, store.Login, store.Refresh, store.Token}
)

// proof is whether a kind is whole. What is not known yet is known when done is closed.
type proof struct {
	done chan struct{}
	err  error
}

// sound returns the fault of a kind that is known not to be whole.
func (s *Store) sound(kind store.Kind) error {
	if p := s.proofs[kind]; p != nil {
		select {
		case <-p.done:
			return p.err
		default:
		}
	}
	return nil
}

// absent waits until it can be said that a record of a kind is not there: nil.
func (s *Store) absent(ctx context.Context, kind store.Kind) error {
	p := s.proofs[kind]
	if p == nil {
		return nil
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
		return errors.New("the store is still being read through after its start")
	}
}

// prove reads the store through. It returns the fault of the kinds that are read first; the others go on behind it.
func (s *Store) prove(all bool) error {
	first, soon := readFirst, readSoon
	if all {
		first, soon = append(first[:len(first):len(first)], readSoon...), nil
	}
	s.proofs = make(map[store.Kind]*proof)
	c, err := connect(s.path, reading...)
	if err != nil {
		return err
	}
	for _, kind := range first {
		if err := c.whole(kind, nil); err != nil {
			return cmp.Or(err, c.close())
		}
	}
	for _, kind := range soon {
		s.proofs[kind] = &proof{done: make(chan struct{})}
	}
	s.work.Go(func() {
		defer c.close()
		for _, kind := range soon {
			p := s.proofs[kind]
			if p.err = c.whole(kind, s.closing); p.err != nil && !errors.Is(p.err, errClosed) {
				s.writer.judge(p.err)
			}
			close(p.done)
		}
	})
	return nil
}

// whole compares all rows of a kind with the ledger, as both were at one moment.
func (c *conn) whole(kind store.Kind, stop <-chan struct{}) (err error) {
	if _, err := c.exec("BEGIN"); err != nil {
		return err
	}
	defer func() {
		_, ended := c.exec("ROLLBACK")
		err = cmp.Or(err, ended)
	}()
	b, err := c.books()
	if err != nil {
		return err
	}
	want, ok := b.kinds[kind]
	if !ok {
		return fmt.Errorf("the ledger has no %s: %w", kind, errIncomplete)
	}
	got, err := c.add(kind, stop)
	if err == nil && got != want {
		err = fmt.Errorf("of %s there are %d rows, and %d were written: %w", kind, got.rows, want.rows, errIncomplete)
	}
	return err
}

// add reads all rows of a kind and adds them up. They must come in their order: a look-up relies on it.
func (c *conn) add(kind store.Kind, stop <-chan struct{}) (got account, err error) {
	var last [2]string
	err = c.query(statements[kind].check, func(row []driver.Value) error {
		tenant, ok := row[len(row)-1].(string)
		if !ok {
			return errDamaged
		}
		r, err := record(tenant, kind, row[:len(row)-1])
		if err != nil {
			return err
		}
		if got.rows > 0 && cmp.Or(cmp.Compare(last[0], tenant), cmp.Compare(last[1], r.ID)) >= 0 {
			return fmt.Errorf("rows of %s are out of order: %w", kind, errDamaged)
		}
		last = [2]string{tenant, r.ID}
		got.add(sum(&r, r.Rev))
		if got.rows%1000 == 0 {
			select {
			case <-stop:
				return errClosed
			default:
			}
		}
		return nil
	})
	return got, err
}
