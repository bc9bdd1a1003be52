//go:build !unix

package main

import "os"

// lockFolder keeps nobody out here: two who write at once are told afterwards when it does not fit.
func lockFolder(string) (letGo func(), err error) { return func() {}, nil }

// tryFolder keeps nobody out either.
func tryFolder(string) (letGo func()) { return func() {} }

// holdFile holds nothing here.
func holdFile(*os.File) {}

// tryHold keeps nobody out here.
func tryHold(*os.File) bool { return true }

// held knows of nobody here: a command does not wait for servers, and they hear of a change within half a second.
func held(string) bool { return false }

// tryLockFolder keeps nobody out here either.
func tryLockFolder(string) (letGo func(), taken bool, err error) { return func() {}, false, nil }
