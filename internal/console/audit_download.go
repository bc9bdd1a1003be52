package console

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// How an export reads: in large pages, each with time to look at many events that do not match, all together bounded.
const (
	exportPage   = 1000
	exportBudget = 2 * time.Second
	exportWithin = 5 * time.Minute
)

// auditExport streams the events of a search as a file. The first page is read before the answer begins, so that who may not, and a store
// that fails, get an answer of their own; a fault after that cuts the connection, so that nobody takes a part for the whole.
func auditExport(v *visit) error {
	in := v.r.URL.Query()
	q, problems := readAuditFilter(in).query(v.desk == nil)
	for field, text := range problems {
		return &registry.Problem{Field: field, Text: text}
	}
	q.RequestID, q.Limit, q.Budget = in.Get("request"), exportPage, exportBudget
	events, next, _, err := v.record().Events(v.r.Context(), q)
	if err != nil {
		return err
	}
	sheet, out, err := v.beginExport(in.Get("format"))
	if err != nil {
		return err
	}
	tells := in.Get("progress") == "yes"
	written, end := 0, v.Now().Add(exportWithin)
	for {
		taken := min(len(events), maxExport-written)
		for _, e := range events[:taken] {
			if err := sheet.write(e); err != nil {
				return nil // the browser went away
			}
		}
		written += taken
		if more := next != "" || taken < len(events); !more || written == maxExport || v.Now().After(end) {
			if err := sheet.end(more); err == nil && tells {
				writeProgress(out, exportProgress{Events: written, CutOff: more, Whole: true})
			}
			_ = out.Flush() // a browser that went away cannot be told
			return nil
		}
		if tells {
			if err := v.sendProgress(sheet, out, exportProgress{Events: written}, next); err != nil {
				return nil // likewise
			}
		}
		_ = http.NewResponseController(v.w).SetWriteDeadline(time.Now().Add(time.Minute)) // each page has its time; a writer without deadlines needs none
		q.Before = next
		if events, next, _, err = v.record().Events(v.r.Context(), q); err != nil {
			v.Log.Error("export broke off", "request_id", v.id, "error", err)
			panic(http.ErrAbortHandler)
		}
	}
}

var (
	_ eventSheet = (*csvSheet)(nil)
	_ eventSheet = (*jsonSheet)(nil)
)

// exportProgress is how far an export is. It stands on a line of its own within the file that begins with progressMark, which nothing else in
// a file does: both formats spell control characters out. waiting.js asks for such lines, shows them and leaves them out of what it saves.
type exportProgress struct {
	Events  int       `json:"events"`
	Reached time.Time `json:"reached,omitzero"` // the log has been looked through back to there
	CutOff  bool      `json:"cut_off"`          // there is more than was written
	Whole   bool      `json:"whole,omitempty"`  // and that was all: on the last line only
}

const progressMark = '\x1e'

// sendProgress sends what was written so far and how far that is: to the event that the search goes on from, whether it fits or not, since of ten
// million events few may.
func (v *visit) sendProgress(sheet eventSheet, out *bufio.Writer, at exportProgress, next string) error {
	if err := sheet.flush(); err != nil {
		return err
	}
	if e, err := v.record().Event(v.r.Context(), next); err == nil { // without it the count tells something still
		at.Reached = e.Time.UTC().Truncate(time.Second)
	}
	writeProgress(out, at)
	if err := out.Flush(); err != nil {
		return err
	}
	_ = http.NewResponseController(v.w).Flush() // a writer that keeps nothing back has nothing to flush
	return nil
}

// writeProgress writes one such line. A fault is seen when the writer is flushed.
func writeProgress(out *bufio.Writer, at exportProgress) {
	line, err := json.Marshal(at)
	if err != nil { // our own type, all plain: cannot happen
		panic(err)
	}
	_, _ = fmt.Fprintf(out, "%c%s\n", progressMark, line)
}

// beginExport writes the head of the answer.
func (v *visit) beginExport(format string) (eventSheet, *bufio.Writer, error) {
	kind, media := "csv", "text/csv; charset=utf-8; header=present"
	if format == "json" {
		kind, media = "json", "application/json"
	}
	of := "the-desk"
	if v.tenant != nil {
		of = v.tenant.Name
	}
	name := fmt.Sprintf("audit-%s-%s.%s", of, v.Now().UTC().Format("20060102T150405Z"), kind)
	h := v.w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`) // a tenant's name is a-z, 0-9 and -
	out := bufio.NewWriterSize(v.w, 32<<10)
	if kind == "json" {
		return &jsonSheet{out: out}, out, nil
	}
	sheet, err := newCSVSheet(out)
	return sheet, out, err
}
