package sandbox

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// region is the time zone that stands for the regional one, which callers get unless they ask for UTC.
var region = time.FixedZone("", 3600)

// queryRequest is the body of POST /api/v1/nql/execute and /api/v2/nql/execute.
type queryRequest struct {
	QueryID    string            `json:"queryId"`
	Parameters map[string]string `json:"parameters"`
}

// executeQuery answers POST /api/v1/nql/execute: rows are arrays, under a list of headers.
func (s *sandbox) executeQuery(c *call) error {
	return s.execute(c, func(found result, at time.Time) any {
		type dateTime struct {
			Year   int `json:"year"`
			Month  int `json:"month"`
			Day    int `json:"day"`
			Hour   int `json:"hour"`
			Minute int `json:"minute"`
			Second int `json:"second"`
		}
		return struct {
			QueryID           string   `json:"queryId"`
			ExecutedQuery     string   `json:"executedQuery"`
			Rows              int      `json:"rows"`
			ExecutionDateTime dateTime `json:"executionDateTime"`
			Headers           []string `json:"headers"`
			Data              [][]any  `json:"data"`
		}{found.query.id, found.executed, len(found.rows),
			dateTime{at.Year(), int(at.Month()), at.Day(), at.Hour(), at.Minute(), at.Second()}, found.query.columns, found.rows}
	})
}

// executeQueryV2 answers POST /api/v2/nql/execute: rows are objects.
func (s *sandbox) executeQueryV2(c *call) error {
	return s.execute(c, func(found result, at time.Time) any {
		rows := make([]record, len(found.rows))
		for i, cells := range found.rows {
			rows[i] = record{found.query.columns, cells}
		}
		return struct {
			QueryID           string   `json:"queryId"`
			ExecutedQuery     string   `json:"executedQuery"`
			Rows              int      `json:"rows"`
			ExecutionDateTime string   `json:"executionDateTime"`
			Data              []record `json:"data"`
		}{found.query.id, found.executed, len(found.rows), at.Format(time.RFC3339), rows}
	})
}

// execute runs the query a body names and answers as JSON, in the shape given, or as CSV.
func (s *sandbox) execute(c *call, shape func(result, time.Time) any) error {
	format := acceptable(c.r.Header.Values("Accept"))
	if format == "" {
		return refuse(http.StatusNotAcceptable, "", "Accept must be application/json, text/csv or empty")
	}
	var request queryRequest
	if err := readJSON(c, smallBody, &request); err != nil {
		return err
	}
	q, err := saved(request.QueryID)
	if err != nil {
		return err
	}
	found, err := q.ask(c.tenant, c.now, request.Parameters)
	if err != nil {
		return err
	}
	zone := region
	if c.r.Header.Get("X-Utc-Times") == "true" {
		zone = time.UTC
	}
	found.tell(zone)
	if format == "text/csv" {
		table, err := found.csv()
		if err != nil {
			return err
		}
		writeBytes(c.w, http.StatusOK, "text/csv", table)
		return nil
	}
	writeJSON(c.w, http.StatusOK, shape(found, c.now.In(zone)))
	return nil
}

// saved returns the query of that identifier.
func saved(id string) (query, error) {
	if !isQueryID(id) {
		return query{}, invalid("queryId must match ^#[a-z0-9_]{2,255}$")
	}
	q, ok := findQuery(id)
	if !ok {
		return query{}, refuse(http.StatusNotFound, "", "no query has this ID")
	}
	return q, nil
}

// tell writes every time in the rows as text of that zone.
func (found *result) tell(zone *time.Location) {
	for _, row := range found.rows {
		for i, cell := range row {
			if at, ok := cell.(time.Time); ok {
				row[i] = at.In(zone).Format(time.RFC3339)
			}
		}
	}
}

// csv returns the rows under their headers (RFC 4180, with line feeds).
func (found *result) csv() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	lines := [][]string{found.query.columns}
	for _, row := range found.rows {
		line := make([]string, len(row))
		for i, cell := range row {
			line[i] = fmt.Sprint(cell)
		}
		lines = append(lines, line)
	}
	if err := w.WriteAll(lines); err != nil {
		return nil, fmt.Errorf("writing rows as CSV: %w", err)
	}
	return b.Bytes(), nil
}

// record is a row as an object whose members keep the order of the columns.
type record struct {
	names []string
	cells []any
}

// MarshalJSON writes the members in order.
func (r record) MarshalJSON() ([]byte, error) {
	b := []byte("{")
	for i, name := range r.names {
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		value, err := encode(r.cells[i])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, key...), ':'), value...)
	}
	return append(b, '}'), nil
}

// acceptable chooses between the two formats of an answer (RFC 9110, section 12.5.1): the one with the highest weight, the first
// of equals, JSON for whoever takes anything or says nothing, none for whoever takes neither.
func acceptable(accept []string) string {
	header := strings.Join(accept, ",")
	if strings.TrimSpace(header) == "" {
		return "application/json"
	}
	best, weight := "", 0.0
	for entry := range strings.SplitSeq(header, ",") {
		media, rest, _ := strings.Cut(entry, ";")
		var format string
		switch strings.ToLower(strings.TrimSpace(media)) {
		case "application/json", "application/*", "*/*":
			format = "application/json"
		case "text/csv", "text/*":
			format = "text/csv"
		}
		if q := quality(rest); format != "" && q > weight {
			best, weight = format, q
		}
	}
	return best
}

// quality returns the weight among the parameters of a media type: 1 unless it says otherwise, 0 when it says nonsense.
func quality(parameters string) float64 {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || !(q >= 0 && q <= 1) {
				return 0
			}
			return q
		}
	}
	return 1
}
