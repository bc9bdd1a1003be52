//go:build testclock

package main

import (
	"os"
	"strings"
	"time"
)

// testClock is a wall clock that a file moves.
func testClock(file string) func() time.Time {
	return func() time.Time {
		passed, wrong := testOffsets(file)
		return time.Now().Add(passed + wrong)
	}
}

// testElapsed is a monotonic clock that a file moves.
func testElapsed(file string) func() time.Duration {
	began := time.Now()
	return func() time.Duration {
		passed, _ := testOffsets(file)
		return time.Since(began) + passed
	}
}

// testOffsets reads by how much time has passed beyond the machine's, and by how much the wall clock is wrong.
func testOffsets(file string) (passed, wrong time.Duration) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, 0
	}
	for i, field := range strings.Fields(string(text)) {
		d, err := time.ParseDuration(field)
		if err != nil || i > 1 {
			panic("test clock: " + string(text))
		}
		*[]*time.Duration{&passed, &wrong}[i] = d
	}
	return passed, wrong
}
