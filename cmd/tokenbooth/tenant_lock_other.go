//go:build !unix

package main

// lockFolder keeps nobody out here: two who write at once are told afterwards when it does not fit.
func lockFolder(string) (letGo func(), err error) { return func() {}, nil }
