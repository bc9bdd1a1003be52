//go:build testclock

package main

import (
	"os"
	"strings"
	"time"
)

// testClock is a clock that a file moves.
func testClock(file string) func() time.Time {
	if file == "" {
		return time.Now
	}
	return func() time.Time {
		text, err := os.ReadFile(file)
		if err != nil {
			return time.Now()
		}
		ahead, err := time.ParseDuration(strings.TrimSpace(string(text)))
		if err != nil {
			panic("test clock: " + err.Error())
		}
		return time.Now().Add(ahead)
	}
}
