package main

import "testing"

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
