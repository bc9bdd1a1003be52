package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
)

// evil has what a terminal obeys: escapes of seven and eight bits, a bell, a carriage return, marks that turn the direction, and
// bytes that are no text.
const evil = "a\x1b[31m\x07\r\u009b2J\u202e\u2066\x9b\xff\u200b\U000e0041"

func TestReq101_NothingStoredCanWriteOnTheTerminal(t *testing.T) {
	obeyed := func(s string) bool {
		return strings.ContainsAny(s, "\x07\r\u009b\u202e\u2066\u200b\U000e0041") || !utf8.ValidString(s)
	}
	if got, want := harmless(evil), `a\x1b[31m\x07\x0d\u009b2J\u202e\u2066\x9b\xff\u200b\ue0041`; got != want {
		t.Errorf("harmless\n got %q\nwant %q", got, want)
	}
	if got := harmless("Zoë 東京 \uFFFD ok"); got != "Zoë 東京 \uFFFD ok" {
		t.Errorf("plain text has changed: %q", got)
	}
	for _, width := range []int{0, 120} {
		var b bytes.Buffer
		p := &printer{out: &b, width: width}
		for name, err := range map[string]error{
			"table": p.table("", []string{"NAME"}, [][]string{{evil}}), "sheet": p.sheet([]line{{"Name", evil}, {evil, "value"}}), "say": p.say("%s", evil),
			"object": p.object(map[string]string{evil: evil}),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if text := b.String(); obeyed(text) || width == 0 && strings.Contains(text, "\x1b") {
			t.Errorf("width %d: something got through:\n%q", width, text)
		}
	}
}

func TestJSONStaysWhatItWasWhenItIsMadeHarmless(t *testing.T) {
	const text = "a\x1b\u009b\u202e\U000e0041 東京"
	var b bytes.Buffer
	if err := (&printer{out: &b}).object(map[string]string{"name": text}); err != nil {
		t.Fatal(err)
	}
	var back map[string]string
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if back["name"] != text {
		t.Errorf("got %q, want %q", back["name"], text)
	}
}

func TestAPipeGetsColumnsAndATerminalABox(t *testing.T) {
	rows := func() [][]string { return [][]string{{"q2tj", "東京"}, {"x", ""}} }
	var b bytes.Buffer
	if err := (&printer{out: &b}).table("none", []string{"ID", "NAME", "STATE"}, [][]string{{"q2tj", "東京", "active"}, {"x", "", "disabled"}}); err != nil {
		t.Fatal(err)
	}
	if want := "ID    NAME  STATE\nq2tj  東京  active\nx     -     disabled\n"; b.String() != want {
		t.Errorf("columns\n got %q\nwant %q", b.String(), want)
	}
	b.Reset()
	p := &printer{out: &b, width: 80}
	if err := p.table("none", []string{"ID", "NAME"}, rows()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "╭") || !strings.Contains(b.String(), "東京") {
		t.Errorf("no box:\n%s", b.String())
	}
	b.Reset()
	if err := p.table("there is none", []string{"ID"}, nil); err != nil || b.String() != "there is none\n" {
		t.Errorf("empty table: %q, %v", b.String(), err)
	}
}

func TestATableIsNoWiderThanTheTerminal(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("many words ", 20))
	for _, test := range []struct {
		name, shape string
		width       int
		row         []string
	}{
		{"fits", "│ id ", 40, []string{"id", "short", ""}},
		{"wraps", "│ id ", 60, []string{"id", long, "x"}},
		{"too narrow for a box", "ID     id\n", 30, []string{"id", "nineteen letters...", "x"}},
		{"an id is never broken", "ID     an-id-of-forty-letters-that-is-to-be-copied\n", 60, []string{"an-id-of-forty-letters-that-is-to-be-copied", "name", "another"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b bytes.Buffer
			p := &printer{out: &b, width: test.width}
			if err := p.table("", []string{"ID", "NAME", "STATE"}, [][]string{test.row, test.row}); err != nil {
				t.Fatal(err)
			}
			text := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(b.String(), "")
			for l := range strings.Lines(text) {
				if n := lipgloss.Width(strings.TrimRight(l, "\n")); n > test.width {
					t.Errorf("a line is %d wide: %q", n, l)
				}
			}
			if !strings.Contains(text, test.shape) {
				t.Errorf("it does not look like %q:\n%s", test.shape, text)
			}
			if strings.Contains(text, "STATE") != (test.row[2] != "") {
				t.Errorf("an empty column is shown, or a full one is not:\n%s", text)
			}
		})
	}
}

func TestTimesAreExactAndForPeopleAlsoRelative(t *testing.T) {
	now := time.Date(2026, 11, 22, 4, 9, 0, 0, time.UTC)
	zone := time.FixedZone("", 3600)
	pipe, screen := &printer{now: now}, &printer{now: now, width: 80}
	for _, test := range []struct {
		at   time.Time
		want string
	}{
		{now.Add(5 * time.Second), "now, 2026-11-22T04:09:05Z"},
		{now.Add(-90 * time.Second), "90s ago, 2026-11-22T04:07:30Z"},
		{now.Add(-90 * time.Minute).In(zone), "90m ago, 2026-11-22T02:39:00Z"},
		{now.Add(30 * time.Hour), "in 30h, 2026-11-23T10:09:00Z"},
		{now.AddDate(0, 0, 90), "in 90d, 2027-02-20T04:09:00Z"},
		{time.Time{}, "never"},
	} {
		if got := screen.when(test.at, "never"); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
		exact := test.want[strings.LastIndex(test.want, " ")+1:]
		if got := pipe.when(test.at, "never"); got != exact {
			t.Errorf("in a pipe: got %s, want %s", got, exact)
		}
	}
}

func TestAnInterruptEndsAQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, w := io.Pipe()
		defer w.Close()
		a := &asker{in: in, prompt: io.Discard, terminal: 0}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(time.Minute)
			cancel()
		}()
		if err := a.confirm(ctx, "All will be gone."); err == nil || err.Error() != "interrupted; nothing was changed" {
			t.Errorf("got %v", err)
		}
		w.Close()
	})
}
