package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// Check reads the whole file and returns an error that says what is damaged: pages, order, indexes, or rows that are not what was
// written. It takes some ten seconds for each gigabyte and holds nobody up, but the log grows until it has seen all pages.
func (s *Store) Check(ctx context.Context) error {
	err := s.readers.do(ctx, func(c *conn) error {
		return c.query("PRAGMA integrity_check(1)", func(row []driver.Value) error {
			if row[0] != "ok" {
				return fmt.Errorf("%v: restore the file from a backup", row[0])
			}
			return nil
		})
	})
	for _, kind := range store.Kinds {
		err = errors.Join(err, s.checkRows(ctx, kind))
	}
	if err != nil {
		return fmt.Errorf("check the store %s: %w", s.path, err)
	}
	return nil
}

// checkRows reads every row of a kind, in pages so that the log is not held for long.
func (s *Store) checkRows(ctx context.Context, kind store.Kind) error {
	tenant, id, rows := "", "", 1
	for rows > 0 {
		rows = 0
		err := s.readers.do(ctx, func(c *conn) error {
			return c.query(statements[kind].check, func(row []driver.Value) error {
				var ok bool
				if tenant, ok = row[len(row)-1].(string); !ok {
					return errDamaged
				}
				r, err := record(tenant, kind, row[:len(row)-1])
				id = r.ID
				rows++
				return err
			}, tenant, id)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
