//go:build !testclock

package main

import "time"

// testClock is the real clock: in a build for use nobody can set it.
func testClock(string) func() time.Time { return time.Now }

// testElapsed is the real monotonic clock.
func testElapsed(string) func() time.Duration {
	began := time.Now()
	return func() time.Duration { return time.Since(began) }
}
