package console

import (
	"errors"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/link"
)

// funcs are what templates can call:
//
//	asset "app.css"          the address of a static file
//	icon "keys"              a picture of static/icons.svg, for the eye only
//	when .Time               the exact moment with its zone, and how long ago; "never" where there is none
//	moment .Time             the exact moment alone
//	brief .Time              day and minute, for lists: the exact moment is its title
//	day .Time                the day alone, with the exact moment as its title
//	ago .Time                "3 days ago", "in 2 hours"
//	dotted "a.b[0].c"        a field's name that breaks between its parts only
//	num 12345                12,345
//	plural 3 "token"         3 tokens; with a third argument for words that do not take an s
//	chart .Hours             bars of issued and refused over time (chart.go)
//	path "t" "acme"          "/t/acme", each part escaped
//	list "a" "b"             a list of texts, to range over
//	dict "Name" .X …         values by name, for a shared template
func (c *Console) funcs() template.FuncMap {
	return template.FuncMap{
		"asset":  func(name string) string { return c.files.address[name] },
		"icon":   c.icon,
		"when":   c.when,
		"moment": moment,
		"brief":  func(t time.Time) template.HTML { return brief(t, "2 Jan 2006, 15:04") },
		"day":    func(t time.Time) template.HTML { return brief(t, "2 Jan 2006") },
		"dotted": dotted,
		"ago":    func(t time.Time) string { return ago(c.Now(), t) },
		"num":    num,
		"plural": plural,
		"chart":  chart,
		"path":   link.Path,
		"list":   func(parts ...string) []string { return parts },
		"dict":   dict,
		"join":   strings.Join,
	}
}

func (c *Console) icon(name string) template.HTML {
	return template.HTML(`<svg class="icon" aria-hidden="true" focusable="false"><use href="` + c.files.address["icons.svg"] + "#" +
		template.HTMLEscapeString(name) + `"></use></svg>`)
}

func (c *Console) when(t time.Time) template.HTML {
	if t.IsZero() {
		return `<span class="quiet">never</span>`
	}
	return template.HTML(fmt.Sprintf(`<span class="when">%s <span class="ago">%s</span></span>`, moment(t), ago(c.Now(), t)))
}

// moment renders an exact time. The zone is part of it: an operator in Lausanne and one in Boston speak of the same log.
func moment(t time.Time) template.HTML {
	if t.IsZero() {
		return `<span class="quiet">never</span>`
	}
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t.Format(time.RFC3339Nano), t.Format("2 Jan 2006, 15:04:05 UTC")))
}

// brief renders a time in a short form, as UTC, which the foot of every page says; its title is the exact moment.
func brief(t time.Time, form string) template.HTML {
	if t.IsZero() {
		return `<span class="quiet">never</span>`
	}
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, t.Format(time.RFC3339Nano), t.Format("2 Jan 2006, 15:04:05 UTC"),
		t.Format(form)))
}

// dotted renders the name of a field with places to break it, so that a narrow page does not cut words.
func dotted(field string) template.HTML {
	return template.HTML(strings.NewReplacer(".", ".<wbr>", "[", "<wbr>[", "_", "_<wbr>").Replace(template.HTMLEscapeString(field)))
}

// ago renders the distance between two times, in the largest unit that says something.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d, form := now.Sub(t), "%s ago"
	if d < 0 {
		d, form = -d, "in %s"
	}
	for _, unit := range []struct {
		size time.Duration
		word string
	}{{365 * 24 * time.Hour, "year"}, {30 * 24 * time.Hour, "month"}, {24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if d >= unit.size {
			return fmt.Sprintf(form, plural(int(d/unit.size), unit.word))
		}
	}
	if form == "in %s" {
		return "in a moment"
	}
	return "just now"
}

// num renders a whole number with commas.
func num(n any) string {
	digits, sign := fmt.Sprint(n), ""
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		digits, sign = rest, "-"
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

func plural(n any, word string, more ...string) string {
	count := num(n)
	if count == "1" {
		return "1 " + word
	}
	if len(more) > 0 {
		return count + " " + more[0]
	}
	return count + " " + word + "s"
}

func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("dict needs a value for each name")
	}
	out := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, errors.New("dict: name " + strconv.Itoa(i/2) + " is no text")
		}
		out[name] = pairs[i+1]
	}
	return out, nil
}

// decimal renders a number with at most one digit after the point.
func decimal(f float64) string { return strings.TrimSuffix(strconv.FormatFloat(f, 'f', 1, 64), ".0") }
