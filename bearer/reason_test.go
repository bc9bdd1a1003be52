package bearer_test

import (
	"strings"
	"testing"
	"time"
)

func TestARefusalTellsTheOperatorBothValues(t *testing.T) {
	at := func(d time.Duration) int64 { return epoch.Add(d).Unix() }
	for name, c := range map[string]struct {
		claims object
		want   []string
	}{
		"the audience":         {object{"aud": "https://other.example"}, []string{`"https://other.example"`, audience}},
		"the issuer":           {object{"iss": "https://other.example"}, []string{`"https://other.example"`, issuer}},
		"a clock that is late": {object{"iat": at(time.Minute)}, []string{"1m0s ahead of the clock here", "allows 10s"}},
		"not yet":              {object{"nbf": at(time.Minute)}, []string{"1m0s ahead of the clock here", "allows 10s"}},
		"expired":              {object{"exp": at(-time.Hour)}, []string{epoch.Add(-time.Hour).UTC().Format(time.RFC3339), "1h0m0s ago"}},
	} {
		v, _ := verifier(t, nil)
		reason := refuses(t, v, mint("ES256", c.claims))
		for _, w := range c.want {
			if !strings.Contains(reason, w) {
				t.Errorf("%s: %q does not say %q", name, reason, w)
			}
		}
	}
}
