package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// printer writes what a command answers: for people on a terminal, as aligned columns for pipes, as JSON where --json says so. What
// it is given may come from anywhere: no stored name can move the cursor or colour a line (ASVS 16.4.1).
type printer struct {
	out   io.Writer
	json  bool
	width int // of the terminal; 0: there is none
	now   time.Time
}

func printerOf(cmd *cobra.Command) *printer {
	p := &printer{out: cmd.OutOrStdout(), now: wallClock()()}
	if f := cmd.Flags().Lookup("json"); f != nil {
		p.json = f.Value.String() == "true"
	}
	if f, ok := p.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.width = 80
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			p.width = w
		}
	}
	return p
}

// object writes v as JSON. Characters that a terminal could obey are escaped, which JSON allows and encoding/json does not do.
func (p *printer) object(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	for _, r := range b.String() { // outside of strings all is printable ASCII, so what is escaped is within one
		if r != '\n' && !unicode.IsGraphic(r) {
			return p.write(escapeJSON(b.String()))
		}
	}
	return p.write(b.String())
}

// fact is one member of a JSON object, and facts is an object whose members stand in the order given.
type (
	fact struct {
		name  string
		value any
	}
	facts []fact
)

// factsOf are the fields of a registration.
func factsOf[S any](fields []registry.Field[S], of *S) (all facts) {
	for _, f := range fields {
		all = append(all, fact{f.Name, f.JSON(of)})
	}
	return all
}

// MarshalJSON writes an object.
func (all facts) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, f := range all {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:", f.name)
		if err := enc.Encode(f.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func escapeJSON(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || unicode.IsGraphic(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// say writes one paragraph.
func (p *printer) say(format string, args ...any) error {
	return p.write(harmlessLines(fmt.Sprintf(format, args...)) + "\n")
}

func (p *printer) write(text string) error {
	if _, err := io.WriteString(p.out, text); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// table writes rows under a head, or what there is to say when there are none.
func (p *printer) table(none string, head []string, rows [][]string) error {
	if len(rows) == 0 {
		if p.width == 0 {
			return nil
		}
		return p.say("%s", none)
	}
	for _, row := range rows {
		for i := range row {
			row[i] = harmless(row[i])
		}
	}
	if p.width > 0 {
		return p.boxed(head, rows)
	}
	return p.write(columns(append([][]string{head}, rows...)))
}

// leastColumn is how narrow the widest column of a box may become.
const leastColumn = 20

// boxed draws a table for people, without the columns that are empty. When it is wider than the terminal, the widest column but the
// first wraps, because the first is an id to be copied; when that does not do, each row becomes a sheet.
func (p *printer) boxed(head []string, rows [][]string) error {
	head, rows = withoutEmpty(head, rows)
	widths := make([]int, len(head))
	total, widest := 1, 0
	for i := range head {
		for _, row := range append(rows, head) {
			widths[i] = max(widths[i], lipgloss.Width(row[i]))
		}
		if total += widths[i] + 3; i > 0 && (widest == 0 || widths[i] > widths[widest]) {
			widest = i
		}
	}
	room := widths[widest] - max(0, total-p.width)
	if total > p.width && (widest == 0 || room < leastColumn) {
		return p.sheets(head, rows)
	}
	faint, cell := lipgloss.NewStyle().Faint(true), lipgloss.NewStyle().Padding(0, 1)
	t := table.New().Border(lipgloss.RoundedBorder()).BorderStyle(faint).Headers(head...).Rows(rows...).
		StyleFunc(func(row, col int) lipgloss.Style {
			style := cell
			if col == widest && total > p.width {
				style = style.Width(room + 2) // with the padding
			}
			return style.Bold(row == table.HeaderRow)
		})
	return p.styled(t.String() + "\n")
}

// sheets writes each row of a table as facts, one a line.
func (p *printer) sheets(head []string, rows [][]string) error {
	for i, row := range rows {
		if i > 0 {
			if err := p.write("\n"); err != nil {
				return err
			}
		}
		var lines []line
		for j := range head {
			lines = append(lines, line{head[j], row[j]})
		}
		if err := p.sheet(lines); err != nil {
			return err
		}
	}
	return nil
}

func withoutEmpty(head []string, rows [][]string) ([]string, [][]string) {
	var shown []string
	cut := make([][]string, len(rows))
	for i := range head {
		if !slices.ContainsFunc(rows, func(row []string) bool { return row[i] != "" }) {
			continue
		}
		shown = append(shown, head[i])
		for j := range rows {
			cut[j] = append(cut[j], rows[j][i])
		}
	}
	return shown, cut
}

// styled writes text with the colours that the terminal has.
func (p *printer) styled(text string) error {
	if _, err := lipgloss.Fprint(p.out, text); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// columns aligns cells with spaces. An empty one is a dash, so that the columns can be counted.
func columns(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for i := range row {
			if row[i] == "" {
				row[i] = "-"
			}
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], lipgloss.Width(row[i]))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, text := range row {
			b.WriteString(text)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-lipgloss.Width(text)+2))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// line is one fact of a sheet; without a value it is left out.
type line struct{ name, value string }

// sheet writes the facts about one thing, one a line. More lines of a value stand under its first.
func (p *printer) sheet(lines []line) error {
	wide := 0
	for i := range lines {
		lines[i].name = harmless(lines[i].name)
		wide = max(wide, lipgloss.Width(lines[i].name))
	}
	var b strings.Builder
	for _, l := range lines {
		if l.value == "" {
			continue
		}
		name := l.name + strings.Repeat(" ", wide-lipgloss.Width(l.name)+2)
		if p.width > 0 {
			name = lipgloss.NewStyle().Faint(true).Render(name)
		}
		value := strings.ReplaceAll(harmlessLines(l.value), "\n", "\n"+strings.Repeat(" ", wide+2))
		b.WriteString(name + value + "\n")
	}
	return p.styled(b.String())
}

// when writes a time: exact, and for people also how far away it is. otherwise stands for no time at all.
func (p *printer) when(t time.Time, otherwise string) string {
	if t.IsZero() {
		return otherwise
	}
	exact := t.UTC().Format(time.RFC3339)
	if p.width == 0 {
		return exact
	}
	return away(t.Sub(p.now)) + ", " + exact
}

func away(d time.Duration) string {
	form := "in %s"
	if d < 0 {
		d, form = -d, "%s ago"
	}
	switch {
	case d < 10*time.Second:
		return "now"
	case d < 2*time.Minute:
		return fmt.Sprintf(form, fmt.Sprintf("%ds", d/time.Second))
	case d < 2*time.Hour:
		return fmt.Sprintf(form, fmt.Sprintf("%dm", d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf(form, fmt.Sprintf("%dh", d/time.Hour))
	}
	return fmt.Sprintf(form, fmt.Sprintf("%dd", d/(24*time.Hour)))
}

// harmless shows what a terminal could obey as an escape: control characters, marks that turn the direction of writing, bytes that
// are no text.
func harmless(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case unicode.IsGraphic(r) && r != utf8.RuneError, strings.HasPrefix(s[i:], "\uFFFD"):
			b.WriteRune(r)
		case r == utf8.RuneError:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// harmlessLines is harmless for text that may have more than one line, and tabs.
func harmlessLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		cells := strings.Split(lines[i], "\t")
		for j := range cells {
			cells[j] = harmless(cells[j])
		}
		lines[i] = strings.Join(cells, "\t")
	}
	return strings.Join(lines, "\n")
}
