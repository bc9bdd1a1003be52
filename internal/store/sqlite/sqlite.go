// Package sqlite is the engine that keeps records in one file, for a product that runs as a single node. It is SQLite, built into
// the binary, with a write-ahead log.
//
// Writes are grouped: one goroutine commits whatever is queued in one transaction and answers when the log is on the disk, so a
// write that has been acknowledged survives the end of the process and of the power. A failed sync ends all writing until the
// process is started again, because nobody knows what such a disk has kept (Err says so). Reads run beside writes on connections
// of their own and see what was last committed.
//
// The file may be open more than once, also in another process (a command beside the server): writers take turns. It must be on a
// local disk. The file, its log, its index and its mark are readable by their owner only.
//
// Damage is noticed and refused, never answered from: each row carries a sum of its own (row.go), all rows of a kind are in the ledger
// (ledger.go, verify.go), and what was acknowledged last is in a mark outside of the file (mark.go, admit.go).
//
// A Store may be used by any number of goroutines. Cancelling a context ends the waiting, never a statement: what is found is
// found whole, and a write that was begun is finished and its outcome told.
package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// Store keeps records in a file. Make one with Open and end it with Close.
type Store struct {
	path    string
	now     func() time.Time
	readers readers
	writer  *writer
	proofs  map[store.Kind]*proof // nil where nobody relies on what is not there
	seen    time.Time

	closing chan struct{} // closed when Close begins: nothing more is taken on
	work    sync.WaitGroup
	once    sync.Once
	ended   error
}

var _ store.Store = (*Store)(nil)

var errClosed = errors.New("the store is closed")

// Options say which store to open, and how.
type Options struct {
	Path string
	Now  func() time.Time
	Safe func() time.Time // what the marks say was seen: the earliest time it can be (package clock); nil: Now

	Create bool   // make the file if there is none, and no mark of one
	Mark   string // a second mark, on another disk: whoever puts back the folder puts back the mark beside the file as well
	Serve  bool   // tokens are decided by what is not there: read it through, and answer no sooner

	pragmas []string // further ones for the writer
}

// Open opens a store. A file that is not what its mark says was written last is refused (ErrBehind), and so is one in which revocations
// are missing where Options.Serve is set (ErrDamaged). Otherwise opening takes no longer for a large file. An error is one sentence that names
// the file and says what to do.
func Open(o Options) (*Store, error) {
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, fmt.Errorf("cannot find the store: %w", err)
	}
	if o.Safe == nil {
		o.Safe = o.Now
	}
	s := &Store{path: path, now: o.Now, closing: make(chan struct{})}
	if s.seen, err = admit(path, o.Mark, o.Create); err != nil {
		return nil, err
	}
	killed := left(path)
	if err := prepare(path, o.Create); err != nil {
		return nil, err
	}
	if s.writer, err = newWriter(path, o, s.closing); err != nil {
		return nil, explain(path, err)
	}
	s.readers = newReaders(path, s.closing, s.writer.inPlace)
	if o.Serve {
		if err := s.prove(killed); err != nil {
			return nil, errors.Join(explain(path, err), s.readers.close(), s.writer.close())
		}
	}
	go s.writer.run()
	return s, nil
}

// Seen is the latest time that any process on the store had seen when it was opened; zero for a new store.
func (s *Store) Seen() time.Time { return s.seen }

// closeWithin is how long Close waits for a disk.
const closeWithin = 8 * time.Second

// Close ends the store: calls that have been begun are finished, later ones fail. The last one to close a file moves its log into
// it, so that the file alone is the whole store. It waits for a disk that does not answer for some seconds and then leaves it alone: the
// process may end, and has lost nothing that it acknowledged.
func (s *Store) Close() error {
	s.once.Do(func() {
		close(s.closing)
		ended := make(chan error, 1)
		go func() { ended <- s.end() }()
		late := time.NewTimer(closeWithin)
		defer late.Stop()
		select {
		case s.ended = <-ended:
		case <-late.C:
			s.ended = errHung
		}
	})
	if s.ended != nil {
		return fmt.Errorf("close the store %s: %w", s.path, s.ended)
	}
	return nil
}

func (s *Store) end() error {
	<-s.writer.stopped
	s.work.Wait()
	s.writer.seal()
	return errors.Join(s.readers.close(), s.writer.close())
}

// Err says why the store no longer writes, or nil while it does. It reads on either way, but for kinds of record that are not whole. It
// looks whether the file is still there.
func (s *Store) Err() error { return s.writer.present() }

// Get returns one record, or store.ErrNotFound.
func (s *Store) Get(ctx context.Context, tenant string, kind store.Kind, id string) (store.Record, error) {
	r, err := s.get(ctx, tenant, kind, id)
	if err != nil {
		return store.Record{}, fmt.Errorf("get %s: %w", kind, err)
	}
	return r, nil
}

func (s *Store) get(ctx context.Context, tenant string, kind store.Kind, id string) (r store.Record, err error) {
	if err := kind.Check(); err != nil {
		return r, err
	}
	if err := s.sound(kind); err != nil {
		return r, err
	}
	err = s.readers.do(ctx, func(c *conn) error {
		return c.query(statements[kind].get, func(row []driver.Value) (err error) {
			r, err = record(tenant, kind, row)
			return err
		}, tenant, id)
	})
	if err == nil && r.Rev == 0 {
		err = s.absent(ctx, kind)
	}
	if err == nil && (r.Rev == 0 || r.Expired(s.now())) {
		return store.Record{}, store.ErrNotFound
	}
	return r, err
}

// List returns a page of records.
func (s *Store) List(ctx context.Context, q store.Query) ([]store.Record, error) {
	if err := q.Kind.Check(); err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	if err := s.sound(q.Kind); err != nil {
		return nil, fmt.Errorf("list %s: %w", q.Kind, err)
	}
	var page []store.Record
	sql, args := list(q, s.now().UnixMicro())
	err := s.readers.do(ctx, func(c *conn) error {
		return c.query(sql, func(row []driver.Value) error {
			r, err := record(q.Tenant, q.Kind, row)
			page = append(page, r)
			return err
		}, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", q.Kind, err)
	}
	return page, nil
}

// Put writes all the records or none.
func (s *Store) Put(ctx context.Context, records ...store.Record) error {
	if err := store.Check(records); err != nil {
		return fmt.Errorf("put: %w", err)
	}
	if len(records) == 0 {
		return nil
	}
	if _, err := s.writer.do(ctx, &change{puts: records}); err != nil {
		return fmt.Errorf("put %s: %w", records[0].Kind, err)
	}
	return nil
}

// Delete removes all the named records.
func (s *Store) Delete(ctx context.Context, tenant string, kind store.Kind, ids ...string) error {
	if err := kind.Check(); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	if len(ids) == 0 {
		return nil
	}
	if _, err := s.writer.do(ctx, &change{tenant: tenant, kind: kind, removes: ids}); err != nil {
		return fmt.Errorf("delete %s: %w", kind, err)
	}
	return nil
}

// sweepStep is how many rows one transaction removes at most: others wait a few milliseconds for it.
const sweepStep = 200

// Sweep removes up to limit records that had expired at now, a step at a time.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	if limit <= 0 || limit > store.MaxLimit {
		limit = store.MaxLimit
	}
	for swept := 0; ; {
		step := min(limit-swept, sweepStep)
		n, err := s.writer.do(ctx, &change{sweeps: step, before: now.UnixMicro()})
		swept += n
		if err != nil {
			return swept, fmt.Errorf("sweep: %w", err)
		}
		if n < step || swept == limit {
			return swept, nil
		}
	}
}
