package main

import (
	"testing"
	"time"
)

func TestATypingErrorFindsWhatWasMeant(t *testing.T) {
	names := []string{"acme", "globex", "0oa1b2c3", "Power BI"}
	for written, want := range map[string]string{
		"amce": "acme", "ACME": "acme", "acm": "acme", "glob": "globex", "0oa1b2c4": "0oa1b2c3", "power bi": "Power BI", "x": "", "initech": "", "": "",
	} {
		if got := nearest(written, names); got != want {
			t.Errorf("%q: got %q, want %q", written, got, want)
		}
	}
}

func TestDistanceCountsTypingErrors(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"éa", "ea", 1}, {"abcd", "", 4}} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("%q %q: got %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestAnEndIsALengthOfTimeADayOrATime(t *testing.T) {
	now := time.Date(2026, 11, 22, 4, 9, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"90d": now.AddDate(0, 0, 90), "12h": now.Add(12 * time.Hour), "2027-01-31": time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC),
		"2027-01-31T12:00:00+01:00": time.Date(2027, 1, 31, 11, 0, 0, 0, time.UTC), "never": {},
	} {
		if got, err := instant("--expires", text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1h", "90", "d", "-3d", "1.5d", "99999999d", "2026-11-22", "2027-02-30", "soon"} {
		if got, err := instant("--expires", text, now); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}
