package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// tune fits Go's runtime to a token desk, where the environment does not say otherwise. A desk keeps little and throws much away, so
// collecting half as often costs some megabytes and frees a good part of a core. A thread that waits for the disk holds one of the
// runtime's processors for a while: where there is only one, nobody else would run meanwhile, so there are two.
func tune() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) == 1 {
		runtime.GOMAXPROCS(2)
	}
}
