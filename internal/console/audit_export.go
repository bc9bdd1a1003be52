package console

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/tokenbooth/tokenbooth/internal/audit"
)

// maxExport bounds how many events one export has.
const maxExport = 100_000

// eventSheet writes events for another program. Write is called for each in turn, then end once; cut says that there are more than
// were written. Flush hands on what was written so far.
type eventSheet interface {
	write(audit.Event) error
	flush() error
	end(cut bool) error
}

// csvSheet writes RFC 4180, for spreadsheets. No cell begins with what a spreadsheet takes for a formula: names and reasons in the log
// are partly what strangers sent. A byte order mark goes before the first: without it Excel takes UTF-8 for what its country wrote last century.
type csvSheet struct {
	out  *csv.Writer
	rows int
}

var csvColumns = []string{"time", "act", "outcome", "actor", "subject", "reason", "request_id", "source", "detail", "changes", "id"}

func newCSVSheet(w io.Writer) (*csvSheet, error) {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	s := &csvSheet{out: csv.NewWriter(w)}
	s.out.UseCRLF = true
	return s, s.out.Write(csvColumns)
}

func (s *csvSheet) write(e audit.Event) error {
	cells := []string{e.Time.UTC().Format(time.RFC3339Nano), e.Act, e.Outcome, e.Actor, e.Subject, e.Reason, e.RequestID, e.Source, detailText(e.Detail), changesText(e.Changes), e.ID}
	for i, c := range cells {
		cells[i] = defused(plainly(c))
	}
	s.rows++
	return s.out.Write(cells)
}

func (s *csvSheet) flush() error {
	s.out.Flush()
	return s.out.Error()
}

func (s *csvSheet) end(cut bool) error {
	if cut { // a table that silently ends would be taken for the whole
		if err := s.out.Write([]string{fmt.Sprintf("Cut off after %d events: narrow the search.", s.rows), "", "", "", "", "", "", "", "", "", ""}); err != nil {
			return err
		}
	}
	return s.flush()
}

// jsonSheet writes one object with the events in a list.
type jsonSheet struct {
	out  io.Writer
	some bool
}

// exportedEvent is an event for programs. These names are a promise to them.
type exportedEvent struct {
	ID        string            `json:"id"`
	Time      time.Time         `json:"time"`
	Act       string            `json:"act"`
	Outcome   string            `json:"outcome"`
	Actor     string            `json:"actor"`
	Subject   string            `json:"subject,omitempty"`
	Reason    string            `json:"reason,omitempty"`
	RequestID string            `json:"request_id,omitempty"`
	Source    string            `json:"source,omitempty"`
	Detail    map[string]string `json:"detail,omitempty"`
	Changes   []audit.Change    `json:"changes,omitempty"`
}

func (s *jsonSheet) write(e audit.Event) error {
	line, err := json.Marshal(exportedEvent{e.ID, e.Time.UTC(), e.Act, e.Outcome, e.Actor, e.Subject, e.Reason, e.RequestID, e.Source, e.Detail, e.Changes})
	if err != nil {
		return err
	}
	before := ",\n"
	if !s.some {
		before, s.some = "{\"events\":[\n", true
	}
	_, err = fmt.Fprintf(s.out, "%s%s", before, line)
	return err
}

func (*jsonSheet) flush() error { return nil }

func (s *jsonSheet) end(cut bool) error {
	before := "\n"
	if !s.some {
		before = "{\"events\":["
	}
	_, err := fmt.Fprintf(s.out, "%s],\"cut_off\":%t}\n", before, cut)
	return err
}

// defused puts an apostrophe before what a spreadsheet would calculate.
func defused(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// plainly spells control characters out, and those that turn the direction of writing: neither can make a line look like another.
func plainly(s string) string {
	if !strings.ContainsFunc(s, isUnruly) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if isUnruly(r) {
			fmt.Fprintf(&out, "\\u%04x", r)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

func isUnruly(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029
}

// changesText writes what an event has changed.
func changesText(all []audit.Change) string {
	var parts []string
	for _, c := range all {
		parts = append(parts, c.String())
	}
	return strings.Join(parts, "; ")
}

// detailText writes what an event says beyond its columns.
func detailText(detail map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(detail)) {
		parts = append(parts, name+"="+detail[name])
	}
	return strings.Join(parts, "; ")
}
