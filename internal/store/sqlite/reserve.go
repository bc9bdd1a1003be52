package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// The reserve is a file beside the store that is there to be given up: on a full disk it makes room for what takes something back, when
// the first such write fails. From then on nothing else is written, until there is room for a reserve again.
const (
	reserveSuffix = "-reserve"
	reserveBytes  = 32 << 20 // more than the log has between two moves, and some tens of thousands of revocations
	refillEvery   = 5 * time.Second
)

// errDiskFull is the answer while the reserve is given up.
var errDiskFull = fmt.Errorf("%w: make room; what is left of the store's disk is kept for taking back", syscall.ENOSPC)

type reserve struct {
	path  string
	keep  bool        // of a server: make one where there is none
	gone  atomic.Bool // there is none, and there should be
	tried time.Time   // when there was last no room for one
	freed func()      // what a test has happen when room is made; nil: nothing
}

// refill makes the reserve where it is missing, if there is room.
func (r *reserve) refill(now time.Time) {
	if !r.keep || now.Sub(r.tried) < refillEvery {
		return
	}
	if info, err := os.Stat(r.path); err == nil && info.Size() == reserveBytes {
		r.gone.Store(false)
		return
	}
	r.gone.Store(true)
	if err := r.fill(); err != nil {
		r.tried = now
		_ = os.Remove(r.path) // what there is of it is worth more as room
		return
	}
	r.gone.Store(false)
}

func (r *reserve) fill() error {
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	piece := make([]byte, 1<<20)
	for n := 0; err == nil && n < reserveBytes; n += len(piece) {
		_, err = f.Write(piece) // written and not only measured out: a hole has no room
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// give gives the reserve up. It reports false where there is none.
func (r *reserve) give() bool {
	if err := os.Remove(r.path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return false
		}
		if err := os.Truncate(r.path, 0); err != nil { // a folder that cannot be written to may still have a file that can
			return false
		}
	}
	r.gone.Store(r.keep)
	r.tried = time.Now()
	if r.freed != nil {
		r.freed()
	}
	return true
}

// takesBack reports whether a change says of something that it is no longer good.
func (ch *change) takesBack() bool {
	return slices.ContainsFunc(ch.puts, func(r store.Record) bool { return r.Kind == store.Revocation })
}

// squeeze writes what a full disk did not take of a group, if the reserve makes room: what takes something back, and that alone.
func (w *writer) squeeze(g *group, full error) error {
	if code(full)&0xff != sqlite3.SQLITE_FULL || !slices.ContainsFunc(g.changes, (*change).takesBack) || !w.reserve.give() {
		return full
	}
	w.fail(full)
	var back []*change
	for _, ch := range g.changes {
		if ch.takesBack() {
			back = append(back, ch)
		} else {
			ch.n, ch.err = 0, full
		}
	}
	if err := w.begin(); err != nil {
		return err
	}
	return w.commit(back)
}

// Tight reports whether the disk is full, and the reserve given up: who writes beside the store leaves the room that there is to what is
// taken back.
func (s *Store) Tight() bool { return s.writer.reserve.gone.Load() }
