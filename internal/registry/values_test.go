package registry

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestANetworkIsANetworkOrOneAddress(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.0/24": "192.0.2.0/24", "192.0.2.7": "192.0.2.7/32", "2001:db8::/32": "2001:db8::/32", "2001:db8::1": "2001:db8::1/128",
		"::ffff:127.0.0.0/104": "127.0.0.0/8", "::ffff:192.0.2.7": "192.0.2.7/32", "0.0.0.0/0": "0.0.0.0/0", "::/0": "::/0",
	} {
		n, err := ParseNetwork(text)
		if err != nil || n.String() != want || n.check() != nil {
			t.Errorf("%s: %v, %v, %v", text, n, err, n.check())
		}
	}
	for _, text := range []string{"", "192.0.2", "192.0.2.0/33", "192.0.2.0/-1", "fe80::1%eth0", "fe80::/10%eth0", "192.0.2.0/024", "example.com", " 192.0.2.1"} {
		if n, err := ParseNetwork(text); err == nil {
			t.Errorf("%q is taken for %v", text, n)
		}
	}
	for _, text := range []string{"192.0.2.7/24", "2001:db8::1/32", "::ffff:192.0.2.7/120"} { // kept once, never registered again
		if n, err := ParseNetwork(text); err != nil || n.check() == nil {
			t.Errorf("%s: %v, %v", text, n, err)
		}
	}
	mapped := Client{ClientSpec: ClientSpec{AllowFrom: []Network{{netip.MustParsePrefix("127.0.0.0/8")}}}}
	if !mapped.MayCallFrom(netip.MustParseAddr("127.0.0.1")) || mapped.MayCallFrom(netip.MustParseAddr("128.0.0.1")) {
		t.Error("an IPv4 range that was written within IPv6 is not that range")
	}
}

func TestASpanIsADurationInOneForm(t *testing.T) {
	for text, want := range map[string]Span{
		"0": 0, "0s": 0, "900": 900, "15m": 900, "1h30m": 5400, "36h": 36 * 3600, "30d": 30 * 86400, "3w": 21 * 86400, "1y": 365 * 86400,
		"1d12h": 36 * 3600, "1y1w1d": 373 * 86400, "100y": longestSpan,
	} {
		if s, err := ParseSpan(text); err != nil || s != want {
			t.Errorf("%s: %d, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "d", "-3d", "-1h", "+1h", "1.5d", "99999d", "101y", "1h1d", "500ms", "1.5s", "soon", "99999999999999999999", "1d-1h"} {
		if s, err := ParseSpan(text); err == nil {
			t.Errorf("%q is taken for %s", text, s)
		}
	}
	for s, want := range map[Span]string{0: "0s", 1: "1s", 90: "90s", 900: "15m", 5400: "90m", 86400: "24h", 90 * 86400: "90d"} {
		if again, err := ParseSpan(s.String()); s.String() != want || err != nil || again != s {
			t.Errorf("%d is written %s, and read again %d, %v", s, s, again, err)
		}
	}
}

func TestAnEndIsADayToItsEndATimeOrSoLongFromNow(t *testing.T) {
	for text, want := range map[string]time.Time{
		"90d": noon.AddDate(0, 0, 90), "12h": noon.Add(12 * time.Hour), "2027-01-31": time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC),
		"2027-01-31T12:00:00+01:00": time.Date(2027, 1, 31, 11, 0, 0, 0, time.UTC), "never": {},
	} {
		if got, err := ParseUntil(text, noon); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "-1h", "90", "d", "1.5d", "2027-02-30", "soon"} {
		if got, err := ParseUntil(text, noon); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
	if got, err := ParseUntil("90d", time.Time{}); err == nil {
		t.Errorf("where nothing counts from now, 90d is taken for %v", got)
	}
}

func TestWhatWasStoredBeforeIsReadAsItWas(t *testing.T) {
	const before = `{"name":"x","permissions":[],"grants":[],"lifetime":600,"allow_from":["192.0.2.7/24"],"expires":"2027-01-31T00:00:00Z"}`
	var c Client
	if err := json.Unmarshal([]byte(before), &c); err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(c.ClientSpec); err != nil || string(again) != before {
		t.Errorf("written again as %s", again)
	}
	if err := c.check(&Tenant{}, &c, noon); err != nil && !strings.Contains(err.Error(), "id") {
		t.Errorf("it may not be kept: %v", err)
	}
}

func FuzzValuesAreWrittenAsTheyAreRead(f *testing.F) {
	for _, seed := range []string{"192.0.2.7", "::ffff:1.2.3.4/100", "15m", "1y1d", "900", "2027-01-31", "never", "90d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := ParseNetwork(text); err == nil {
			if again, err := ParseNetwork(n.String()); err != nil || again != n {
				t.Errorf("network %q: %v, again %v, %v", text, n, again, err)
			}
		}
		if s, err := ParseSpan(text); err == nil {
			if again, err := ParseSpan(s.String()); err != nil || again != s || s < 0 || s > longestSpan {
				t.Errorf("span %q: %v, again %v, %v", text, s, again, err)
			}
		}
		if u, err := ParseUntil(text, noon); err == nil {
			if again, err := ParseUntil(u.String(), noon); err != nil || !again.Equal(u.Time) {
				t.Errorf("end %q: %v, again %v, %v", text, u, again, err)
			}
		}
	})
}
