package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// The ledger is a table of one row for each kind: how many rows of it there are, and the sum of their own sums, in any order. It is
// changed in the transaction that changes the rows. A row says by its sum that it is what was written; the ledger says that all that
// were written are there, and nothing else is.
//
// Two more rows are about the store as a whole. "groups" counts what was committed. Its total is one when the last process that had
// written has closed the store, and nothing since: the file alone is then all there is, and a copy of it is whole.
const (
	ledgerTable = `CREATE TABLE "ledger" (name TEXT PRIMARY KEY, n BIGINT NOT NULL, total BIGINT NOT NULL) WITHOUT ROWID`
	identity    = `CREATE TABLE "identity" (store TEXT NOT NULL)`

	bookSQL  = `UPDATE "ledger" SET n = n + $1, total = (total + $2) & 4611686018427387903 WHERE name = $3`
	countSQL = `UPDATE "ledger" SET n = n + 1, total = $1 WHERE name = 'groups' RETURNING n`
	booksSQL = `SELECT name, n, total FROM "ledger"`
)

// sumMask keeps totals below 2^62: SQLite would turn a sum beyond 2^63 into a fraction.
const sumMask = 1<<62 - 1

var errIncomplete = errors.New("rows are missing, or are not the ones that were written: restore a backup, or let tokenbooth store repair do so")

// account is what is written in the ledger about a kind: or, of a transaction, by how much that changes.
type account struct {
	rows  int64
	total int64
}

func (a *account) add(sum int64)    { a.rows, a.total = a.rows+1, (a.total+sum)&sumMask }
func (a *account) remove(sum int64) { a.rows, a.total = a.rows-1, (a.total-sum)&sumMask }

// accounts are those of all kinds that a transaction has changed.
type accounts map[store.Kind]*account

func (a accounts) of(kind store.Kind) *account {
	if a[kind] == nil {
		a[kind] = &account{}
	}
	return a[kind]
}

func (a accounts) merge(b accounts) {
	for kind, d := range b {
		at := a.of(kind)
		at.rows, at.total = at.rows+d.rows, (at.total+d.total)&sumMask
	}
}

// book writes into the ledger what the open transaction has changed, and returns the number of its group: 0 when it has changed nothing.
func (c *conn) book(changed accounts) (group int64, err error) {
	for kind, d := range changed {
		n, err := c.exec(bookSQL, d.rows, d.total, string(kind))
		if err != nil {
			return 0, err
		}
		if n != 1 {
			return 0, fmt.Errorf("the ledger has no %s: %w", kind, errIncomplete)
		}
	}
	if len(changed) == 0 {
		return 0, nil
	}
	return c.count(0)
}

// count gives the open transaction its number. sealed is 1 for the last one before the file is left alone.
func (c *conn) count(sealed int64) (group int64, err error) {
	err = c.query(countSQL, func(row []driver.Value) error {
		group, _ = row[0].(int64)
		return nil
	}, sealed)
	if err == nil && group == 0 {
		err = fmt.Errorf("the ledger has no groups: %w", errIncomplete)
	}
	return group, err
}

// books are the whole ledger.
type books struct {
	kinds  map[store.Kind]account
	groups int64
	sealed bool
}

func (c *conn) books() (books, error) {
	b := books{kinds: make(map[store.Kind]account)}
	counted := false
	err := c.query(booksSQL, func(row []driver.Value) error {
		name, ok := row[0].(string)
		n, okN := row[1].(int64)
		total, okTotal := row[2].(int64)
		if !ok || !okN || !okTotal {
			return errDamaged
		}
		if name == "groups" {
			b.groups, b.sealed, counted = n, total == 1, true
		} else {
			b.kinds[store.Kind(name)] = account{n, total}
		}
		return nil
	})
	if err == nil && !counted {
		err = fmt.Errorf("the ledger has no groups: %w", errIncomplete)
	}
	return b, err
}

// name returns what the store is called, in its mark too.
func (c *conn) name() (name string, err error) {
	err = c.query(`SELECT store FROM "identity"`, func(row []driver.Value) error {
		name, _ = row[0].(string)
		return nil
	})
	return name, err
}

// openBooks begins the ledger of a store that has none yet, or of kinds that are new in it, by what is there.
func openBooks(c *conn) error {
	for _, k := range store.Kinds {
		err := c.once(fmt.Sprintf(`INSERT INTO "ledger" SELECT '%[1]s', count(*), coalesce(sum(sum), 0) & %[2]d FROM "%[1]s" WHERE true ON CONFLICT DO NOTHING`,
			k, sumMask))
		if err != nil {
			return err
		}
	}
	return nil
}
