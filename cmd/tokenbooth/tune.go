package main

import (
	"os"
	"runtime/debug"
)

// tune fits Go's runtime to a token desk, where the environment does not say otherwise. A desk keeps little and throws much away, so
// collecting half as often costs some megabytes and frees a good part of a core.
func tune() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
}
