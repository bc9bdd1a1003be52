// Package vfs is a layer between SQLite and the files of the system (sqlite.org/vfs.html). It changes one call: a sync of the
// write-ahead log is left to the kernel's background, and the goroutine waits for it as it would for a connection.
//
// Without it a thread waits in fsync(2) and keeps its processor until Go's scheduler notices. Where there is one processor, as in a
// container with a limit of one, others cannot use it meanwhile: a fifth of the rate of opaque tokens was lost that way. What is
// promised stays the same: a commit returns when its log is on the disk, or with an error.
//
// It is the one package that reaches into the engine's memory.
package vfs
