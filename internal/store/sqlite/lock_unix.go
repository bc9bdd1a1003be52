//go:build unix

package sqlite

import (
	"os"
	"syscall"
)

// lockFile waits until no other process writes to a mark, which takes microseconds, and keeps others out until unlock.
func lockFile(f *os.File) (unlock func(), err error) {
	for {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			break
		}
	}
	return func() { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }, err
}
