package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// neverWord takes an end away.
const neverWord = "never"

// span reads a length of time: 10m, 24h, or days: 90d.
func span(flag, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		if n > 36500 {
			err = strconv.ErrRange
		}
		d = time.Duration(n) * 24 * time.Hour
	}
	if text == "0" {
		return 0, nil
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%s: a length of time is a number and s, m, h or d, like 90s, 10m, 24h, 30d; not %q", flag, text)
	}
	return d, nil
}

// instant reads when something ends: so long from now, at a day, or at a time.
func instant(flag, text string, now time.Time) (time.Time, error) {
	if text == neverWord {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		at, err = time.Parse(time.DateOnly, text)
	}
	if err != nil {
		var d time.Duration
		if d, err = span(flag, text); err == nil {
			at = now.Add(d)
		}
	}
	if err != nil {
		return at, fmt.Errorf("%s: an end is a length of time (90d), a day (2027-01-31, at 00:00 UTC), a time (2027-01-31T12:00:00Z) or %s; not %q", flag, neverWord, text)
	}
	if !at.After(now) {
		return at, fmt.Errorf("%s: %s is over already; it is %s", flag, at.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return at.UTC(), nil
}
