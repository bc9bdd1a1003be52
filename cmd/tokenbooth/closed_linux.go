package main

import "golang.org/x/sys/unix"

// closeMemory keeps secrets in memory from core dumps and from other processes of the same user (prctl(2), PR_SET_DUMPABLE). Where the
// kernel refuses, everything works as before.
func closeMemory() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
