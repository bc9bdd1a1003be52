//go:build unix

package main

import (
	"os"
	"syscall"
)

// lockFolder waits until nobody else holds a folder, and holds it until it is let go or the process ends. Where the file system has no
// locks nobody is kept out.
func lockFolder(folder string) (letGo func(), err error) {
	d, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	_ = syscall.Flock(int(d.Fd()), syscall.LOCK_EX)
	return func() { _ = d.Close() }, nil
}
