//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"
	"time"
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

// tryFolder is lockFolder for a second at most: whoever may read a folder can lock it, and shall not keep a server from starting.
func tryFolder(folder string) (letGo func()) {
	d, err := os.Open(folder)
	if err != nil {
		return func() {}
	}
	for range 50 {
		if !errors.Is(syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return func() { _ = d.Close() }
}

// holdFile holds a file until it is closed or the process ends.
func holdFile(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// tryHold is holdFile, and reports false when somebody else holds the file.
func tryHold(f *os.File) bool {
	return !errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

// held reports whether somebody holds a file.
func held(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

// tryLockFolder is lockFolder for who does not wait: taken reports that somebody else holds the folder.
func tryLockFolder(folder string) (letGo func(), taken bool, err error) {
	d, err := os.Open(folder)
	if err != nil {
		return nil, false, err
	}
	if errors.Is(syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK) {
		return nil, true, d.Close()
	}
	return func() { _ = d.Close() }, false, nil
}
