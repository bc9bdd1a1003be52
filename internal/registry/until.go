package registry

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Until is when something ends; the zero Until is never. Programs and the store have the time (RFC 3339).
type Until struct{ time.Time }

// Never is how people write that there is no end.
const Never = "never"

// ParseUntil reads when something ends, as people write it: a day, 2027-01-31, which is over at its end
// in UTC; a time, 2027-01-31T12:00:00Z; so long from now, 90d; or never, which is the zero time. now is
// zero where an end that counts from the moment of reading would be another one each time.
func ParseUntil(text string, now time.Time) (Until, error) {
	if text == Never {
		return Until{}, nil
	}
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return EndOfDay(at), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return Until{at.UTC()}, nil
	}
	if span, err := ParseSpan(text); err == nil && span > 0 && !now.IsZero() && !allDigits(text) {
		return Until{now.Add(span.Duration()).UTC()}, nil
	}
	counted := ", a duration from now (90d)"
	if now.IsZero() {
		counted = ""
	}
	return Until{}, fmt.Errorf("%.60q is no end; write the last day (2027-01-31, to its end in UTC), a time (2027-01-31T12:00:00Z)%s or %s",
		text, counted, Never)
}

// allDigits reports whether a text is a bare number, which as a distance from now could be meant in any unit.
func allDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }

// EndOfDay is the first moment after the day of t, in UTC.
func EndOfDay(t time.Time) Until {
	return Until{t.UTC().Truncate(day).AddDate(0, 0, 1)}
}

// String writes the end as ParseUntil reads it.
func (u Until) String() string {
	if u.IsZero() {
		return Never
	}
	return u.UTC().Format(time.RFC3339Nano)
}

// UnmarshalText reads an end that does not count from now.
func (u *Until) UnmarshalText(text []byte) (err error) {
	*u, err = ParseUntil(string(text), time.Time{})
	return err
}

// UnmarshalJSON is UnmarshalText; null is never.
func (u *Until) UnmarshalJSON(b []byte) error {
	text := Never
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("an end is text: %w", err)
	}
	return u.UnmarshalText([]byte(text))
}
