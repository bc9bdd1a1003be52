//go:build linux

package main

import (
	"fmt"
	"strconv"
	"strings"
)

// report is the table as far as it is known.
type report struct {
	rows   []row
	notes  []string
	missed bool
}

// row is one line of the table, as texts.
type row struct{ figure, ours, floor, ratio, must, verdict string }

// add puts a line under the others. holds only matters where there is a must.
func (r *report) add(line row, holds bool) {
	switch {
	case line.must == "":
		line.verdict = ""
	case holds:
		line.verdict = "holds"
	default:
		line.verdict, r.missed = "MISSED", true
	}
	r.rows = append(r.rows, line)
}

// compared puts a line with a ratio under the others. A must of 0 is none.
func (r *report) compared(figure string, c comparison, must float64, spell func(float64) string) {
	line := row{figure: figure, ours: spell(c.ours), floor: spell(c.floor), ratio: fmt.Sprintf("%.2f (%.2f to %.2f)", c.ratio, c.low, c.high)}
	if must > 0 {
		line.must = fmt.Sprintf("at least %.2f", must)
	}
	r.add(line, c.ratio >= must)
}

// note puts a sentence under the table, once.
func (r *report) note(format string, args ...any) {
	n := fmt.Sprintf(format, args...)
	for _, known := range r.notes {
		if known == n {
			return
		}
	}
	r.notes = append(r.notes, n)
}

// holds reports whether no must was missed.
func (r *report) holds() bool { return !r.missed }

// render writes the table in Markdown, aligned for people too.
func (r *report) render() string {
	head := row{"figure", "tokenbooth", "floor", "ratio (middle half)", "must", "verdict"}
	cells := [][6]string{cellsOf(head)}
	for _, line := range r.rows {
		cells = append(cells, cellsOf(line))
	}
	var width [6]int
	for _, line := range cells {
		for i, c := range line {
			width[i] = max(width[i], len([]rune(c)))
		}
	}
	var b strings.Builder
	for n, line := range cells {
		for i, c := range line {
			b.WriteString("| " + c + strings.Repeat(" ", width[i]-len([]rune(c))+1))
		}
		b.WriteString("|\n")
		if n > 0 {
			continue
		}
		for _, w := range width {
			b.WriteString("|" + strings.Repeat("-", w+2))
		}
		b.WriteString("|\n")
	}
	for _, n := range r.notes {
		b.WriteString("\n" + n)
	}
	if len(r.notes) > 0 {
		b.WriteByte('\n')
	}
	return b.String()
}

func cellsOf(r row) [6]string {
	return [6]string{r.figure, r.ours, r.floor, r.ratio, r.must, r.verdict}
}

// whole spells a number without fraction, with commas at the thousands.
func whole(v float64) string {
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for at := len(digits) - 3; at > 0 && digits[at-1] != '-'; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

func mebibytes(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }
