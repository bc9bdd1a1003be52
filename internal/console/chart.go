package console

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// The chart's measures, in units of its view box.
const (
	chartWidth  = 676 // of the bars
	chartHeight = 190
	chartLeft   = 44 // of the scale beside them
	chartBottom = 24 // for the times
	chartTop    = 8
)

// bar is one column of a chart.
type bar struct {
	start     time.Time
	good, bad uint64
}

// chart draws bars over time: of issued and refused for []audit.Hour, of tokens for []registry.DayUse. For who cannot see it there is a
// table. There is nothing in it that moves, so it needs no script.
func chart(of any, title ...string) (template.HTML, error) {
	name := strings.Join(title, " ")
	switch rows := of.(type) {
	case []audit.Hour:
		bars := make([]bar, len(rows))
		for i, h := range rows {
			bars[i] = bar{h.Start, h.Issued, h.Refused}
		}
		return drawing{name: name, bars: bars, form: "Mon 2 Jan, 15:04", tick: "Mon 2", good: "issued", bad: "refused"}.html(), nil
	case []registry.DayUse:
		bars := make([]bar, len(rows))
		for i, d := range rows {
			bars[i] = bar{d.Day, uint64(max(d.Tokens, 0)), 0}
		}
		return drawing{name: name, bars: bars, form: "Mon 2 Jan", tick: "2 Jan", good: "tokens"}.html(), nil
	}
	return "", fmt.Errorf("chart cannot draw %T", of)
}

// drawing is a chart about to be drawn.
type drawing struct {
	name, form, tick, good, bad string
	bars                        []bar
}

func (d drawing) html() template.HTML {
	if d.name == "" {
		d.name = "Tokens over time"
	}
	var b strings.Builder
	top := ceiling(d.most())
	b.WriteString(`<figure class="chart"><div class="chart-frame">`)
	d.scale(&b, top)
	b.WriteString(`<div class="chart-wide" tabindex="0" role="group" aria-label="` + template.HTMLEscapeString(d.name) + `">`)
	d.svg(&b, top)
	b.WriteString(`</div></div>`)
	if d.bad != "" {
		fmt.Fprintf(&b, `<figcaption class="legend"><span>%s</span> <span class="legend-bad">%s</span></figcaption>`, d.good, d.bad)
	}
	d.table(&b)
	b.WriteString(`</figure>`)
	return template.HTML(b.String())
}

// scale writes the values of the three lines, in a picture of its own: where the bars scroll, it stays.
func (d drawing) scale(b *strings.Builder, top uint64) {
	fmt.Fprintf(b, `<svg class="chart-scale" viewBox="0 0 %d %d" aria-hidden="true">`, chartLeft, chartHeight)
	for _, share := range []uint64{0, 1, 2} {
		fmt.Fprintf(b, `<text x="%d" y="%.1f" text-anchor="end">%s</text>`, chartLeft-8, d.y(top*share/2, top)+4, short(top*share/2))
	}
	b.WriteString(`</svg>`)
}

func (d drawing) svg(b *strings.Builder, top uint64) {
	fmt.Fprintf(b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s"><title>%[3]s</title><desc>%s</desc>`, chartWidth, chartHeight,
		template.HTMLEscapeString(d.name), template.HTMLEscapeString(d.summary()))
	for _, share := range []uint64{0, 1, 2} {
		y := d.y(top*share/2, top)
		fmt.Fprintf(b, `<line class="axis" x1="0" x2="%d" y1="%.1f" y2="%.1f"/>`, chartWidth, y, y)
	}
	step := float64(chartWidth) / float64(max(len(d.bars), 1))
	for i, one := range d.bars {
		x, width := float64(i)*step, max(step*.76, 1)
		fmt.Fprintf(b, `<g><rect class="slot" x="%.2f" y="%d" width="%.2f" height="%d"/>`, x, chartTop, step, chartHeight-chartTop-chartBottom)
		d.column(b, one, top, x+(step-width)/2, width)
		fmt.Fprintf(b, `<title>%s</title></g>`, d.said(one))
	}
	d.ticks(b, step)
	b.WriteString(`</svg>`)
}

// column draws one bar: refused on top of issued. What is not zero can be seen.
func (d drawing) column(b *strings.Builder, one bar, top uint64, x, width float64) {
	floor := d.y(0, top)
	for _, part := range []struct {
		class string
		n     uint64
	}{{"good", one.good}, {"bad", one.bad}} {
		if part.n == 0 {
			continue
		}
		height := max(d.y(0, top)-d.y(part.n, top), 1.5)
		floor -= height
		fmt.Fprintf(b, `<rect class="%s" x="%.2f" y="%.2f" width="%.2f" height="%.2f" rx="%.1f"/>`, part.class, x, floor, width, height, min(width/4, 2))
	}
}

// ticks writes at most eight times under the bars: where a day begins, when bars are hours.
func (d drawing) ticks(b *strings.Builder, step float64) {
	if len(d.bars) == 0 {
		return
	}
	form, every := d.tick, len(d.bars)/8+1
	hourly := d.bad != ""
	if hourly && len(d.bars) <= 48 {
		form = "15:04"
	}
	for i, one := range d.bars {
		if hourly && len(d.bars) > 48 && one.start.UTC().Hour() != 0 || (!hourly || len(d.bars) <= 48) && i%every != 0 {
			continue
		}
		x := float64(i) * step
		if x > chartWidth-42 {
			continue
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%d">%s</text>`, x, chartHeight-6, one.start.UTC().Format(form))
	}
}

func (d drawing) table(b *strings.Builder) {
	fmt.Fprintf(b, `<div class="hidden-visually"><table><caption>%s</caption><thead><tr><th>Time (UTC)</th><th>%s</th>`, template.HTMLEscapeString(d.name), d.good)
	if d.bad != "" {
		fmt.Fprintf(b, `<th>%s</th>`, d.bad)
	}
	b.WriteString(`</tr></thead><tbody>`)
	for _, one := range d.bars {
		if one.good+one.bad == 0 {
			continue // a long list of zeros is no help to anybody
		}
		fmt.Fprintf(b, `<tr><td>%s</td><td>%s</td>`, one.start.UTC().Format(d.form), num(one.good))
		if d.bad != "" {
			fmt.Fprintf(b, `<td>%s</td>`, num(one.bad))
		}
		b.WriteString(`</tr>`)
	}
	b.WriteString(`</tbody></table></div>`)
}

func (d drawing) said(one bar) string {
	text := fmt.Sprintf("%s UTC: %s %s", one.start.UTC().Format(d.form), num(one.good), d.good)
	if d.bad != "" {
		text += fmt.Sprintf(", %s %s", num(one.bad), d.bad)
	}
	return text
}

func (d drawing) summary() string {
	var good, bad uint64
	for _, one := range d.bars {
		good, bad = good+one.good, bad+one.bad
	}
	if d.bad == "" {
		return fmt.Sprintf("%s %s in all.", num(good), d.good)
	}
	return fmt.Sprintf("%s %s and %s %s in all.", num(good), d.good, num(bad), d.bad)
}

func (d drawing) most() uint64 {
	var most uint64
	for _, one := range d.bars {
		most = max(most, one.good+one.bad)
	}
	return most
}

func (d drawing) y(n, top uint64) float64 {
	return chartHeight - chartBottom - float64(n)/float64(top)*(chartHeight-chartBottom-chartTop)
}

// ceiling is the next round number whose half is whole, for the top of the scale.
func ceiling(n uint64) uint64 {
	for size := uint64(1); ; size *= 10 {
		for _, step := range []uint64{2, 3, 4, 5, 6, 8, 10} {
			if top := step * size; top%2 == 0 && top >= n || top > 1<<60 {
				return top
			}
		}
	}
}

func short(n uint64) string {
	switch {
	case n >= 1_000_000:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/1e6), ".0") + "M"
	case n >= 10_000:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/1e3), ".0") + "k"
	}
	return num(n)
}
