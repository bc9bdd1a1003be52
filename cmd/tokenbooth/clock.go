package main

import (
	"os"
	"time"
)

// clock is the time of this process. TOKENBOOTH_TEST_CLOCK names a file whose content, a duration like 16m, is added to it: so the
// real binary can be shown what happens a quarter of an hour later. It is read at every look, and only in a build with the tag testclock.
func clock() func() time.Time { return testClock(os.Getenv("TOKENBOOTH_TEST_CLOCK")) }
