package sqlite

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Why a store is not opened. Each error that wraps one of them says what to do.
var (
	// ErrMissing: there is no file, and none was to be made.
	ErrMissing = errors.New("there is no database")
	// ErrBehind: the file is not what its mark says was acknowledged last.
	ErrBehind = errors.New("the database is not the one that was last written")
	// ErrDamaged: what is in the file is not what was written.
	ErrDamaged = errors.New("the database is damaged")
)

const wayOut = "put the right file back, or take this one as it is with: tokenbooth restore --accept"

// marks are the mark beside a store, and a second one where there is one.
type marks []*markFile

// openMarks opens the marks of a store. A mark that is not there is one without a file.
func openMarks(path, second string) (all marks, err error) {
	places := []string{path + markSuffix}
	if second != "" {
		places = append(places, second)
	}
	for _, place := range places {
		f, err := openMark(place)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("cannot open the mark of the store: %w", err), all.close())
		}
		all = append(all, f)
	}
	return all, nil
}

func (m marks) close() error {
	var errs []error
	for _, f := range m {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}

// read returns what the marks say that are there.
func (m marks) read() (said []mark, err error) {
	for _, f := range m {
		one, err := f.read()
		if errors.Is(err, errBadMark) {
			return nil, fmt.Errorf("%w: its mark %s cannot be read: %w: %s", ErrBehind, f.path, err, wayOut)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the mark of the store: %w", err)
		}
		if one != (mark{}) {
			said = append(said, one)
		}
	}
	return said, nil
}

// raise makes all marks at least m.
func (m marks) raise(to mark) error {
	for _, f := range m {
		if err := f.raise(to); err != nil {
			return fmt.Errorf("write the mark %s: %w", f.path, err)
		}
	}
	return nil
}

// create makes those marks that are not there.
func (m marks) create(to mark) error {
	for _, f := range m {
		if err := f.create(to); err != nil {
			return fmt.Errorf("make the mark %s: %w", f.path, err)
		}
	}
	return nil
}

// admit compares the file at path with its marks before anything is written to either. It returns the latest time that the marks know of.
// Another process may be making both, so what does not hold is looked at twice.
func admit(path, second string, create bool) (seen time.Time, err error) {
	for range 2 {
		if seen, err = compare(path, second, create); err == nil {
			break
		}
	}
	return seen, err
}

func compare(path, second string, create bool) (seen time.Time, err error) {
	m, err := openMarks(path, second)
	if err != nil {
		return seen, err
	}
	defer m.close()
	said, err := m.read()
	if err != nil {
		return seen, err
	}
	for _, one := range said {
		if one.seen.After(seen) {
			seen = one.seen
		}
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if len(said) > 0 {
			return seen, fmt.Errorf("%w: %s is gone, though its mark knows of %d groups of changes: put it back, or restore a backup with: tokenbooth restore FILE",
				ErrBehind, path, said[0].groups)
		}
		if !create {
			return seen, fmt.Errorf("%w %s: make one with: tokenbooth init, or with: tokenbooth serve --first-start", ErrMissing, path)
		}
		return seen, nil
	}
	if err != nil || !info.Mode().IsRegular() {
		return seen, nil // whoever opens it says so
	}
	return seen, holds(path, said)
}

// holds checks that the file is at least what its marks say.
func holds(path string, said []mark) error {
	name, b, err := look(path)
	if err != nil {
		return explain(path, err)
	}
	if len(said) == 0 && b.groups > 0 {
		return fmt.Errorf("%w: %s has no mark beside it (%s), so nobody knows whether it is the latest: %s",
			ErrBehind, path, filepath.Base(path)+markSuffix, wayOut)
	}
	for _, one := range said {
		switch {
		case name != one.store:
			return fmt.Errorf("%w: %s is another one than its mark was made for: %s", ErrBehind, path, wayOut)
		case b.groups < one.groups:
			return fmt.Errorf("%w: %s knows of %d groups of changes, and %d were acknowledged (an older file was put back, or the log beside it was damaged): %s",
				ErrBehind, path, b.groups, one.groups, wayOut)
		}
	}
	return nil
}

// look reads who a store is and how far it has come, without writing to it. A file of an earlier version, or of somebody else, is nobody.
func look(path string) (name string, b books, err error) {
	c, err := dial(path, "ro", always[:1]...)
	if err != nil {
		return "", b, err
	}
	defer func() { err = cmp.Or(err, c.close()) }()
	of, err := c.integer("PRAGMA application_id")
	if err == nil && of != 0 && of != application {
		err = errForeign
	}
	if err != nil || of == 0 {
		return "", b, err
	}
	n, err := c.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'ledger'")
	if err != nil || n == 0 {
		return "", b, err
	}
	if name, err = c.name(); err == nil {
		b, err = c.books()
	}
	return name, b, err
}

// left reports whether a log lies beside the file, of a process that was killed or that is at work.
func left(path string) bool {
	info, err := os.Stat(path + "-wal")
	return err == nil && info.Size() > 0
}
