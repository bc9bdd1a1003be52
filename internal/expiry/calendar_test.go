package expiry

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestACalendarIsAsShown(t *testing.T) {
	var out strings.Builder
	err := Calendar(&out, "Tokenbooth, acme", noon, []Entry{
		{Tenant: "acme", Client: "q2tj2fvy", Name: "Nightly; export, Zürich\n2", Credential: "c1", At: time.Date(2026, 12, 1, 9, 30, 0, 5, time.FixedZone("", 3600)),
			URL: "https://desk.example/t/acme/clients/q2tj2fvy"},
		{Tenant: "acme", Client: "q2tj2fvy", Name: "Postman", At: noon.AddDate(1, 0, 0)},
		{Tenant: "acme", Client: "never"},
		{Tenant: "acme", Client: "far", At: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Tokenbooth//Expiry//EN
CALSCALE:GREGORIAN
METHOD:PUBLISH
NAME:Tokenbooth\, acme
X-WR-CALNAME:Tokenbooth\, acme
REFRESH-INTERVAL;VALUE=DURATION:PT1H
X-PUBLISHED-TTL:PT1H
BEGIN:VEVENT
UID:UID1@tokenbooth
DTSTAMP:20261122T120000Z
DTSTART:20261201T083000Z
SUMMARY:A secret of Nightly\; export\, Zürich\n2 expires
DESCRIPTION:Tenant: acme\nClient: q2tj2fvy\nSecret: c1\nRotate it before\, 
 and give its owner the new one.
URL:https://desk.example/t/acme/clients/q2tj2fvy
TRANSP:TRANSPARENT
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:A secret of Nightly\; export\, Zürich\n2 expires
TRIGGER:-P7D
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:UID2@tokenbooth
DTSTAMP:20261122T120000Z
DTSTART:20271122T120000Z
SUMMARY:The client Postman expires
DESCRIPTION:Tenant: acme\nClient: q2tj2fvy
TRANSP:TRANSPARENT
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:The client Postman expires
TRIGGER:-P7D
END:VALARM
END:VEVENT
END:VCALENDAR
`, "\n", "\r\n")
	secretOf, itself := Entry{Tenant: "acme", Client: "q2tj2fvy", Credential: "c1"}, Entry{Tenant: "acme", Client: "q2tj2fvy"}
	want = strings.Replace(strings.Replace(want, "UID1", secretOf.key(""), 1), "UID2", itself.key(""), 1)
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// TestAnEventKeepsItsUIDWhenItMoves, and no two things that end share one.
func TestAnEventKeepsItsUIDWhenItMoves(t *testing.T) {
	a := Entry{Tenant: "acme", Client: "a", Credential: "c", At: noon}
	moved := a
	moved.At, moved.Name = noon.AddDate(0, 1, 0), "renamed"
	if a.key("") != moved.key("") {
		t.Error("a moved event is another one")
	}
	seen := map[string]bool{}
	for _, e := range []Entry{a, {Tenant: "other", Client: "a", Credential: "c"}, {Tenant: "acme", Client: "ac"}, {Tenant: "acme", Client: "a"}, {Tenant: "acmea", Client: "c"}} {
		if seen[e.key("")] {
			t.Errorf("%+v shares its UID", e)
		}
		seen[e.key("")] = true
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestAReaderThatWentAwayIsAnError(t *testing.T) {
	if err := Calendar(broken{}, "x", noon, nil); err == nil {
		t.Error("nothing was said")
	}
}

// FuzzNoNameLeavesItsLine: whatever a client is called, the calendar has the lines it should have, and a reader gets the name back.
func FuzzNoNameLeavesItsLine(f *testing.F) {
	f.Add("Nightly export", "https://desk.example/t/acme")
	f.Add("a\r\nEND:VEVENT\r\nBEGIN:VEVENT\nSUMMARY:b", "https://x/\r\nATTACH:y")
	f.Add(strings.Repeat("漢", 60)+`\n;,\`, "javascript:alert(1)")
	f.Fuzz(func(t *testing.T, name, link string) {
		var out strings.Builder
		if err := Calendar(&out, name, noon, []Entry{{Tenant: "acme", Client: "a", Name: name, Credential: "c", At: noon, URL: link}}); err != nil {
			t.Fatal(err)
		}
		if !utf8.ValidString(out.String()) {
			t.Fatal("not UTF-8")
		}
		folded := strings.Split(strings.TrimSuffix(out.String(), "\r\n"), "\r\n")
		for _, l := range folded {
			if len(l) > 75 || strings.ContainsAny(l, "\r\n") || !utf8.ValidString(l) {
				t.Fatalf("a line of %d bytes: %q", len(l), l)
			}
		}
		lines := strings.Split(strings.ReplaceAll(strings.Join(folded, "\r\n"), "\r\n ", ""), "\r\n")
		if lines[0] != "BEGIN:VCALENDAR" || lines[len(lines)-1] != "END:VCALENDAR" || count(lines, "BEGIN:VEVENT") != 1 || count(lines, "END:VEVENT") != 1 {
			t.Fatalf("%q", lines)
		}
		for _, l := range lines {
			if summary, ok := strings.CutPrefix(l, "SUMMARY:"); ok && read(summary) != "A secret of "+plainName(name)+" expires" {
				t.Errorf("%q came back as %q", name, read(summary))
			}
			if property, _, ok := strings.Cut(l, ":"); !ok || strings.Trim(property, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-;=") != "" {
				t.Errorf("no property: %q", l)
			}
		}
	})
}

func count(lines []string, line string) (n int) {
	for _, l := range lines {
		if l == line {
			n++
		}
	}
	return n
}

// read is what a calendar makes of a TEXT.
func read(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\;`, `;`, `\,`, `,`, `\n`, "\n").Replace(s)
}

// plainName is what of a name a calendar can hold.
func plainName(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}
