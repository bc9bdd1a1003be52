package main

import (
	"os"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/clock"
)

// testClockFile names a file that moves the clocks of this process, in a build with the tag testclock only: so the real binary can be
// shown what happens a quarter of an hour later. It has one duration or two, like 16m or 0s 1h, and is read at every look. By the
// first, time has passed: both clocks have moved. By the second the wall clock alone is wrong, as when somebody sets it.
const testClockFile = "TOKENBOOTH_TEST_CLOCK"

// wallClock is the time of this process.
func wallClock() func() time.Time { return testClock(os.Getenv(testClockFile)) }

// elapsed is the monotonic clock of this process: what has passed since now.
func elapsed() func() time.Duration { return testElapsed(os.Getenv(testClockFile)) }

// watchClock watches the one beside the other.
func watchClock() *clock.Watch { return clock.New(wallClock(), elapsed()) }
