// Package vfs is a layer between SQLite and the files of the system (sqlite.org/vfs.html). It changes one call: a sync is left to the
// kernel's background, and the goroutine waits for it as it would for a connection.
//
// Without it a thread waits in fsync(2) and keeps its processor of Go's until the scheduler notices. Where there is one processor others
// cannot use it meanwhile: a quarter more opaque tokens are issued with the layer. What is promised stays the same: a commit returns when
// its log is on the disk, or with an error. As in SQLite's usual builds for Linux a sync is fdatasync(2): what is needed to read the bytes.
//
// It is the one package that reaches into the engine's memory.
package vfs
