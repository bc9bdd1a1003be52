package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// tune fits Go's runtime to a token desk, where the environment does not say otherwise. A desk keeps little and throws much away, so
// collecting half as often costs some megabytes and frees a good part of a core. And who waits for the disk holds a processor of the
// runtime's for a while: where there is only one, nobody else would run meanwhile.
func tune() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) == 1 {
		runtime.GOMAXPROCS(2)
	}
}
