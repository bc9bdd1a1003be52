//go:build unix

package main

import "syscall"

// privately does something whose files are the user's alone from the moment they are there. It holds for the whole process, so it is for the
// start.
func privately[T any](do func() (T, error)) (T, error) {
	defer syscall.Umask(syscall.Umask(0o177))
	return do()
}
