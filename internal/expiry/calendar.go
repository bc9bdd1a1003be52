package expiry

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Calendar writes the entries as an iCalendar feed (RFC 5545) that calendars poll: an event at the moment each ends, with an alarm a week
// before. now is when the feed was made. An entry that moves, as a rotated secret's end does, keeps its UID, so calendars move it too.
// Entries whose time no calendar can write (before the year 1 or after 9999) are left out. The error is the writer's.
func Calendar(w io.Writer, title string, now time.Time, entries []Entry) error {
	c := calendar{w: w}
	c.lines("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Tokenbooth//Expiry//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH",
		"NAME:"+text(title), "X-WR-CALNAME:"+text(title), // RFC 7986, section 5.1, and what was used before it
		"REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H")
	for i := range entries {
		if at := entries[i].At.UTC(); at.Year() >= 1 && at.Year() <= 9999 && !at.IsZero() {
			c.event(&entries[i], now)
		}
	}
	c.lines("END:VCALENDAR")
	return c.err
}

// calendar writes lines until one fails.
type calendar struct {
	w   io.Writer
	err error
}

func (c *calendar) event(e *Entry, now time.Time) {
	summary := "The client " + e.Name + " expires"
	what := "Client: " + e.Client
	if e.Credential != "" {
		summary = "A secret of " + e.Name + " expires"
		what += "\nSecret: " + e.Credential + "\nRotate it before, and give its owner the new one."
	}
	c.lines("BEGIN:VEVENT", "UID:"+e.key("")+"@tokenbooth", "DTSTAMP:"+stamp(now), "DTSTART:"+stamp(e.At),
		"SUMMARY:"+text(summary), "DESCRIPTION:"+text("Tenant: "+e.Tenant+"\n"+what))
	if u, err := url.Parse(e.URL); err == nil && u.Host != "" {
		c.lines("URL:" + u.String()) // a URI is written as it is; String leaves nothing in it that ends a line
	}
	c.lines("TRANSP:TRANSPARENT", "BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:"+text(summary), "TRIGGER:-P7D", "END:VALARM", "END:VEVENT")
}

// stamp is a moment in UTC (RFC 5545, section 3.3.5, form 2).
func stamp(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// text escapes a value of type TEXT (RFC 5545, section 3.3.11). Control characters cannot be written, save the line end.
func text(s string) string {
	var out strings.Builder
	for _, r := range strings.ReplaceAll(s, "\r\n", "\n") {
		switch {
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\\' || r == ';' || r == ',':
			out.WriteByte('\\')
			out.WriteRune(r)
		case unicode.IsControl(r):
			out.WriteByte(' ')
		default:
			out.WriteRune(r) // what is not UTF-8 has become U+FFFD
		}
	}
	return out.String()
}

// lines writes content lines, each folded so that no line has more than 75 octets and no character is cut (RFC 5545, section 3.1).
func (c *calendar) lines(lines ...string) {
	const most = 75
	for _, l := range lines {
		for room := most; len(l) > room; room = most - 1 { // a line that goes on begins with a space
			end := room
			for !utf8.RuneStart(l[end]) {
				end--
			}
			c.write(l[:end] + "\r\n ")
			l = l[end:]
		}
		c.write(l + "\r\n")
	}
}

func (c *calendar) write(s string) {
	if c.err != nil {
		return
	}
	if _, err := io.WriteString(c.w, s); err != nil {
		c.err = fmt.Errorf("write the calendar: %w", err)
	}
}
