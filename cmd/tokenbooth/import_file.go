package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// maxImported is how many registrations one file has at most: all are rehearsed before the first is made.
const maxImported = 10_000

// importRow is one registration of a file: CSV with a head, or JSON, one object a line.
type importRow struct {
	line   int
	fields map[string]string // lists with a space between the words
	fault  string            // why it cannot be read
}

// importKind is what a file of registrations is about.
type importKind struct {
	word   string                                                // client or user
	key    string                                                // the field that names one
	fields []string                                              // that there are
	do     func(ctx context.Context, a acts, r *importRow) error // its error is a *registry.Problem or a *rowFault where the line is at fault
}

// importView is what became of one line. These names are a promise to programs.
type importView struct {
	Line    int    `json:"line"`
	ID      string `json:"id"`
	Outcome string `json:"outcome"` // imported, would be imported or refused
	Reason  string `json:"reason,omitempty"`
}

// addImportFlags gives an import the flags of many.
func addImportFlags(cmd *cobra.Command, file *string, dry *bool) {
	cmd.Flags().StringVarP(file, "file", "f", "", "`FILE` of many, CSV with a head or JSON, one object a line; - is standard input")
	cmd.Flags().BoolVar(dry, "dry-run", false, "with --file: say of each line what would happen, and do nothing")
}

// importFile registers all that a file has, or nothing when anything of it is refused: everything is rehearsed first.
func (e *errand) importFile(ctx context.Context, file string, dry bool, k importKind) error {
	rows, err := e.readRows(file, k)
	if err != nil {
		return err
	}
	paper, err := e.onPaper()
	if err != nil {
		return err
	}
	views, refused := make([]importView, len(rows)), 0
	seen := map[string]int{}
	for i := range rows {
		r := &rows[i]
		views[i] = importView{Line: r.line, ID: r.fields[k.key], Outcome: "would be imported"}
		err := r.readable(k, seen)
		if err == nil {
			err = k.do(ctx, paper, r)
		}
		if p, ok := errors.AsType[*registry.Problem](err); ok {
			err = fmt.Errorf("%s: %s", p.Field, p.Text)
		} else if err != nil && !errors.As(err, new(*rowFault)) {
			return fmt.Errorf("line %d: %w; nothing was imported", r.line, err)
		}
		if err != nil {
			views[i].Outcome, views[i].Reason = "refused", err.Error()
			refused++
		}
	}
	if dry || refused > 0 {
		err := e.showImported(views)
		if refused > 0 {
			err = errors.Join(err, fmt.Errorf("%d of %d lines are refused; nothing was imported", refused, len(rows)))
		}
		return err
	}
	for i := range rows {
		if err := k.do(ctx, e.acts, &rows[i]); err != nil {
			return errors.Join(e.showImported(views[:i]), fmt.Errorf("line %d: %w; the lines before it are imported, the rest is not: take them out and go on", rows[i].line, err))
		}
		views[i].Outcome = "imported"
	}
	return e.showImported(views)
}

// rowFault is a line that cannot be read.
type rowFault struct{ text string }

// Error says why.
func (f *rowFault) Error() string { return f.text }

// readable refuses a line that could not be read, and one whose name stood on a line before.
func (r *importRow) readable(k importKind, seen map[string]int) error {
	if r.fault != "" {
		return &rowFault{r.fault}
	}
	name := r.fields[k.key]
	if canonical, ok := registry.CanonicalName(name); ok && k.word == "user" {
		name = canonical
	}
	if before, twice := seen[name]; twice {
		return &rowFault{fmt.Sprintf("%s: line %d has it already", k.key, before)}
	}
	seen[name] = r.line
	return nil
}

func (e *errand) showImported(views []importView) error {
	if e.json {
		return e.object(views)
	}
	var rows [][]string
	for _, v := range views {
		rows = append(rows, []string{strconv.Itoa(v.Line), v.ID, v.Outcome, v.Reason})
	}
	return e.table("The file has no registrations.", []string{"LINE", "ID", "OUTCOME", "REASON"}, rows)
}

// readRows reads a file of registrations.
func (e *errand) readRows(file string, k importKind) ([]importRow, error) {
	read := func() ([]byte, error) { return readText(file) }
	if file == "-" {
		read = func() ([]byte, error) { return textFrom("standard input", e.cmd.InOrStdin()) }
	}
	text, err := read()
	if err != nil {
		return nil, fmt.Errorf("--file: %w", err)
	}
	if len(text) > maxSettings {
		return nil, fmt.Errorf("--file: it is larger than %d KiB: cut it into several", maxSettings>>10)
	}
	rows, err := parseRows(text, k)
	switch {
	case err != nil:
		return nil, fmt.Errorf("--file: %w", err)
	case len(rows) > maxImported:
		return nil, fmt.Errorf("--file: it has more than %d registrations: cut it into several", maxImported)
	}
	return rows, nil
}

// parseRows reads CSV, or JSON lines where the text begins with a brace.
func parseRows(text []byte, k importKind) ([]importRow, error) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return jsonRows(text, k), nil
	}
	return csvRows(text, k)
}

func csvRows(text []byte, k importKind) (rows []importRow, err error) {
	in := csv.NewReader(bytes.NewReader(text))
	in.FieldsPerRecord = -1
	if first, _, _ := bytes.Cut(text, []byte("\n")); bytes.ContainsRune(first, ';') && !bytes.ContainsRune(first, ',') {
		in.Comma = ';' // as Excel writes it where the comma stands in numbers
	}
	head, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty: its first line names the fields, like " + strings.Join(k.fields, ","))
	}
	if err != nil {
		return nil, err
	}
	for i, name := range head {
		if !slices.Contains(k.fields, name) {
			return nil, fmt.Errorf("its first line: there is no field %q; there are %s%s", name, strings.Join(k.fields, ", "), didYouMean(name, k.fields))
		}
		if slices.Contains(head[:i], name) {
			return nil, fmt.Errorf("its first line names %s twice", name)
		}
	}
	for {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err // with the line: what follows it could be read as anything
		}
		line, _ := in.FieldPos(0)
		r := importRow{line: line, fields: map[string]string{}}
		if len(cells) != len(head) {
			r.fault = fmt.Sprintf("it has %d fields, and the first line names %d", len(cells), len(head))
		}
		for i := range min(len(cells), len(head)) {
			if cells[i] != "" {
				r.fields[head[i]] = cells[i]
			}
		}
		rows = append(rows, r)
	}
}

func jsonRows(text []byte, k importKind) (rows []importRow) {
	line := 0
	for raw := range bytes.Lines(text) {
		line++
		if raw = bytes.TrimSpace(raw); len(raw) == 0 {
			continue
		}
		r := importRow{line: line, fields: map[string]string{}}
		var object map[string]any
		if err := json.Unmarshal(raw, &object); err != nil {
			r.fault = "it is not one JSON object"
		}
		for name, v := range object {
			text, ok := plainValue(v)
			switch {
			case !slices.Contains(k.fields, name):
				r.fault = fmt.Sprintf("there is no field %q; there are %s%s", name, strings.Join(k.fields, ", "), didYouMean(name, k.fields))
			case !ok:
				r.fault = name + ": it is a text, true or false, or a list of texts"
			case text != "":
				r.fields[name] = text
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// plainValue returns a value of JSON as it would stand in a cell.
func plainValue(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case []any:
		var words []string
		for _, w := range v {
			word, ok := w.(string)
			if !ok {
				return "", false
			}
			words = append(words, word)
		}
		return strings.Join(words, " "), true
	}
	return "", false
}

// fieldColumns are the columns of a file: what names a registration and proves it, and its fields.
func fieldColumns[S any](fields []registry.Field[S], more ...string) []string {
	for _, f := range fields {
		more = append(more, f.Name)
	}
	return more
}

// putRow writes what the flags say of all lines, and then what this one says.
func putRow[S any](e *errand, flags *fieldFlags[S], r *importRow, to *S) error {
	if err := flags.put(e, to); err != nil {
		return &rowFault{err.Error()}
	}
	if r.fields["permissions"] == "" && needPermissions(e) != nil {
		return &rowFault{"permissions: say what it may do, in the file or with --permission; none is a word too"}
	}
	for _, f := range flags.fields(e.now) {
		value, ok := r.fields[f.Name]
		if !ok {
			continue
		}
		words := []string{value}
		if f.Kind == registry.List {
			words = strings.FieldsFunc(value, func(c rune) bool { return c == ' ' || c == ',' || c == ';' })
		}
		if f.Name == "permissions" {
			words = wholeWords(e.tenant, words)
		}
		if err := f.Set(to, words); err != nil {
			return err
		}
	}
	return nil
}
