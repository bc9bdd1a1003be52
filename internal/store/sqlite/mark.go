package sqlite

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// markSuffix names the mark that lies beside every store.
const markSuffix = ".mark"

// mark is what is known of a store outside of it. It is one line of fixed length in a file of its own, written over in place:
//
//	tokenbooth STORE GROUPS SEEN SUM
//
// where STORE is the 32 hexadecimal digits that name the store, GROUPS the number of the last group of changes that was acknowledged,
// SEEN the latest time any process on the store has seen, in microseconds since 1970, and SUM the CRC-32C of what stands before it.
//
// It is written after a group is on the disk and before anybody is told so, and is never lowered. So a store that knows of fewer groups
// than its mark has lost some: its log was damaged, or an older file was put in its place. A mark is synced when it is made and not
// again, so after a power cut it may lag behind the store, which is harmless; it is never ahead of it.
type mark struct {
	store  string
	groups int64
	seen   time.Time
}

const markForm = "tokenbooth %s %016x %016x %08x\n"

// length of a mark's line.
const markLength = 10 + 1 + 32 + 1 + 16 + 1 + 16 + 1 + 8 + 1

var errBadMark = errors.New("it is not what was written there")

func (m mark) line() []byte {
	sum := crc32.Checksum(fmt.Appendf(nil, "%s %x %x", m.store, m.groups, m.seen.UnixMicro()), castagnoli)
	return fmt.Appendf(nil, markForm, m.store, m.groups, m.seen.UnixMicro(), sum)
}

// parseMark reads a mark. The line must be exactly as line writes it.
func parseMark(line []byte) (m mark, err error) {
	var us int64
	var sum uint32
	if _, err := fmt.Sscanf(string(line), markForm, &m.store, &m.groups, &us, &sum); err != nil {
		return mark{}, errBadMark
	}
	m.seen = time.UnixMicro(us)
	if _, err := hex.DecodeString(m.store); err != nil || string(m.line()) != string(line) {
		return mark{}, errBadMark
	}
	return m, nil
}

// markFile is a mark and where it is kept. It may be used by one goroutine at a time, and by any number of processes.
type markFile struct {
	path string
	file *os.File // nil: there is none
}

// openMark opens the mark at path if there is one.
func openMark(path string) (*markFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return &markFile{path: path}, nil
	}
	return &markFile{path, f}, err
}

// read returns the mark, or a zero one where there is none.
func (f *markFile) read() (mark, error) {
	if f.file == nil {
		return mark{}, nil
	}
	unlock, err := lockFile(f.file)
	if err != nil {
		return mark{}, err
	}
	defer unlock()
	return f.look()
}

// look reads the mark of a file that is locked. One that nobody has written to yet is none.
func (f *markFile) look() (mark, error) {
	line := make([]byte, markLength+1)
	n, err := f.file.ReadAt(line, 0)
	switch {
	case n == 0 && err == io.EOF:
		return mark{}, nil
	case err != nil && err != io.EOF:
		return mark{}, err
	}
	return parseMark(line[:n])
}

// raise makes the mark at least m. It costs two calls to lock, one to read and one to write, and no sync.
func (f *markFile) raise(m mark) error {
	unlock, err := lockFile(f.file)
	if err != nil {
		return err
	}
	defer unlock()
	old, err := f.look()
	if err != nil {
		return err
	}
	if old.store == m.store {
		m.groups = max(m.groups, old.groups)
		if old.seen.After(m.seen) {
			m.seen = old.seen
		}
		if m == old {
			return nil
		}
	}
	_, err = f.file.WriteAt(m.line(), 0)
	return err
}

// create makes the mark where there is none, or of a store that was accepted in the place of another, durably.
func (f *markFile) create(m mark) (err error) {
	if f.file == nil {
		if f.file, err = os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
			return err
		}
	}
	unlock, err := lockFile(f.file)
	if err != nil {
		return err
	}
	defer unlock()
	if old, err := f.look(); err == nil && old.store == m.store && old.groups >= m.groups {
		return nil // another process has made it
	}
	if err := f.file.Truncate(0); err != nil {
		return err
	}
	_, err = f.file.WriteAt(m.line(), 0)
	return cmp.Or(err, f.file.Sync(), syncFolder(filepath.Dir(f.path)))
}

func (f *markFile) close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// syncFolder makes durable that files were made in a folder, or renamed.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return cmp.Or(d.Sync(), d.Close())
}
