package registry

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Span is a length of time in whole seconds, 0 to 100 years. People write it like 15m, 36h, 30d, 3w or
// 1y (a year of 365 days), or as a number of seconds; programs and the store have the number.
type Span int64

const (
	day         = 24 * time.Hour
	longestSpan = Span(100 * 365 * 24 * 3600)
)

// calendar are the units that time.ParseDuration does not know, the longest first.
var calendar = []struct {
	unit string
	of   time.Duration
}{{"y", 365 * day}, {"w", 7 * day}, {"d", day}}

// ParseSpan reads a length of time.
func ParseSpan(text string) (Span, error) {
	unfit := fmt.Errorf("%.60q is no duration; write one like 15m, 1h, 30d or 900 (seconds)", text)
	if seconds, err := strconv.ParseUint(text, 10, 63); err == nil {
		text = strconv.FormatUint(seconds, 10) + "s"
	}
	rest, total := text, time.Duration(0)
	for _, c := range calendar {
		count, after, found := strings.Cut(rest, c.unit)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(count, 10, 16)
		if err != nil {
			return 0, unfit
		}
		total, rest = total+time.Duration(n)*c.of, after
		if total > time.Duration(longestSpan)*time.Second {
			return 0, fmt.Errorf("%.60s is longer than 100 years", text)
		}
	}
	if rest == "" && text == "" {
		return 0, unfit
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || strings.ContainsAny(rest, "+-") {
			return 0, unfit
		}
		total += d
	}
	return SpanOf(total, text)
}

// SpanOf is a length of time that a setting or a program has given, written as text for people.
func SpanOf(d time.Duration, text string) (Span, error) {
	s := Span(d / time.Second)
	switch {
	case d < 0 || s > longestSpan:
		return 0, fmt.Errorf("%.60s is not between 0 and 100 years", text)
	case d%time.Second != 0:
		return 0, fmt.Errorf("%.60s is not a number of whole seconds", text)
	}
	return s, nil
}

// Duration is the span as the rest of Go has it.
func (s Span) Duration() time.Duration { return time.Duration(s) * time.Second }

// String writes the span as ParseSpan reads it, in the longest units that have no rest: 15m, 36h, 90d.
func (s Span) String() string {
	for _, u := range []struct {
		unit string
		of   Span
	}{{"d", 24 * 3600}, {"h", 3600}, {"m", 60}} {
		if s != 0 && s%u.of == 0 && (u.unit != "d" || s > 2*u.of) {
			return fmt.Sprintf("%d%s", s/u.of, u.unit)
		}
	}
	return fmt.Sprintf("%ds", int64(s))
}

// UnmarshalText is ParseSpan.
func (s *Span) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSpan(string(text))
	return err
}

// UnmarshalJSON takes a number of seconds, or text as people write it.
func (s *Span) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		text = string(b)
	}
	return s.UnmarshalText([]byte(text))
}
