package sandbox

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// How an export gets on, counted from its start, and how long a link to its results opens (documented: 15 minutes).
const (
	submittedFor = 1 * time.Second
	completeAt   = 3 * time.Second
	linkLives    = 15 * time.Minute
)

// export is a query on its way to a file. The file is written when it is fetched: until then only the question is kept.
type export struct {
	id, tenant  string
	query       query
	given       map[string]string
	compression string
	started     time.Time
	key         string    // of the latest link
	opensUntil  time.Time // when that link closes
}

// exportByBody answers POST /api/v1/nql/export.
func (s *sandbox) exportByBody(c *call) error {
	var request struct {
		queryRequest
		Compression *string `json:"compression"`
	}
	if err := readJSON(c, smallBody, &request); err != nil {
		return err
	}
	compression := ""
	if request.Compression != nil {
		compression = *request.Compression
		if compression == "" {
			return invalid("compression must be one of NONE, ZSTD, GZIP")
		}
	}
	return s.startExport(c, request.QueryID, request.Parameters, compression)
}

// exportByLink answers GET /api/v1/nql/export. The documents show the query's parameters as one JSON object, while their schema
// spreads them over the link under their own names; both are taken.
func (s *sandbox) exportByLink(c *call) error {
	query := c.r.URL.Query()
	given := map[string]string{}
	if text := query.Get("parameters"); text != "" {
		if len(text) > smallBody {
			return invalid("parameters is too long")
		}
		if err := decode([]byte(text), &given); err != nil {
			return err
		}
	}
	for name, values := range query {
		if len(values) != 1 {
			return invalid("a query parameter must be there once")
		}
		if name != "queryId" && name != "parameters" && name != "compression" {
			given[name] = values[0]
		}
	}
	return s.startExport(c, query.Get("queryId"), given, query.Get("compression"))
}

func (s *sandbox) startExport(c *call, id string, given map[string]string, compression string) error {
	if err := s.count(c); err != nil {
		return err
	}
	q, err := saved(id)
	if err != nil {
		return err
	}
	switch compression {
	case "":
		compression = "NONE"
	case "NONE", "ZSTD", "GZIP":
	default:
		return invalid("compression must be one of NONE, ZSTD, GZIP")
	}
	kept := map[string]string{} // only what the query asks for: what a caller adds to it is not ours to keep
	for name, value := range given {
		if strings.Contains(q.text, "$"+name) {
			kept[name] = value
		}
	}
	if _, err := q.fill(kept); err != nil {
		return err
	}
	x := &export{id: s.opt.NewID(), tenant: c.caller.tenant, query: q, given: kept, compression: compression, started: c.now}
	c.tenant.mu.Lock()
	c.tenant.exports.put(x.id, x)
	c.tenant.mu.Unlock()
	writeJSON(c.w, http.StatusOK, struct {
		ExportID string `json:"exportId"`
	}{x.id})
	return nil
}

// count counts a call about exports, and refuses it when the tenant had its number for the day. The documents describe
// Retry-After here as a date and time (RFC 9110, section 10.2.3 allows both).
func (s *sandbox) count(c *call) error {
	c.tenant.mu.Lock()
	defer c.tenant.mu.Unlock()
	today := c.now.UTC().Truncate(24 * time.Hour)
	if day := today.Format(time.DateOnly); day != c.tenant.day {
		c.tenant.day, c.tenant.calls = day, 0
	}
	if c.tenant.calls >= s.opt.DailyExportCalls {
		c.w.Header().Set("Retry-After", today.Add(24*time.Hour).Format(http.TimeFormat))
		return refuse(http.StatusTooManyRequests, "", "the daily limit is reached")
	}
	c.tenant.calls++
	return nil
}

// exportState is the answer of GET /api/v1/nql/status/{export}.
type exportState struct {
	Status           string  `json:"status"`
	ResultsFileURL   *string `json:"resultsFileUrl"`
	ErrorDescription *string `json:"errorDescription"`
}

// exportStatus answers GET /api/v1/nql/status/{export}: 206 when the results were cut.
func (s *sandbox) exportStatus(c *call) error {
	if err := s.count(c); err != nil {
		return err
	}
	c.tenant.mu.Lock()
	x, ok := c.tenant.exports.get(c.r.PathValue("export"))
	c.tenant.mu.Unlock()
	if !ok {
		return refuse(http.StatusNotFound, "", "no export has this ID")
	}
	state, status := exportState{}, http.StatusOK
	switch age := c.now.Sub(x.started); {
	case age < submittedFor:
		state.Status = "SUBMITTED"
	case age < completeAt:
		state.Status = "IN_PROGRESS"
	case x.query.fails != "":
		state.Status, state.ErrorDescription = "ERROR", &x.query.fails
	default:
		found, err := x.query.ask(c.tenant, c.now, x.given)
		if err != nil {
			return err
		}
		if found.truncated {
			status = http.StatusPartialContent
		}
		link := s.address(c.r) + "/api/v1/nql/results/" + s.open(c, x)
		state.Status, state.ResultsFileURL = "COMPLETED", &link
	}
	writeJSON(c.w, status, state)
	return nil
}

// open returns the key of a link to the results: the present one while it opens, else a new one.
func (s *sandbox) open(c *call, x *export) string {
	c.tenant.mu.Lock()
	defer c.tenant.mu.Unlock()
	if !x.opensUntil.After(c.now) {
		x.key, x.opensUntil = s.opt.NewID(), c.now.Add(linkLives)
		s.links.put(x.key, link{x, c.tenant, x.opensUntil})
	}
	return x.key
}

// address returns where this request reached the gateway.
func (s *sandbox) address(r *http.Request) string {
	if s.opt.BaseURL != "" {
		return strings.TrimSuffix(s.opt.BaseURL, "/")
	}
	at := url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		at.Scheme = "https"
	}
	if host := r.Header.Get("X-Forwarded-Host"); host != "" {
		at.Host = host
	}
	return at.String()
}

// link is a link to the results of an export.
type link struct {
	export *export
	tenant *tenant
	until  time.Time
}

// links finds a link by its key, whoever asks: as with the vendor's links, the key is all one needs.
type links struct {
	mu    sync.Mutex
	byKey *shelf[link]
}

func newLinks() *links { return &links{byKey: newShelf[link](keptLinks)} }

func (ls *links) put(key string, l link) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.byKey.put(key, l)
}

func (ls *links) get(key string) (link, bool) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return ls.byKey.get(key)
}

// exportResults answers GET /api/v1/nql/results/{key}: the file. It needs no token; one of another tenant finds nothing.
func (s *sandbox) exportResults(c *call) error {
	l, ok := s.links.get(c.r.PathValue("key"))
	if !ok || c.caller.tenant != l.export.tenant && (c.caller.tenant != "" || s.guessable) {
		return refuse(http.StatusNotFound, "", "no such results")
	}
	if !l.until.After(c.now) {
		const text = "This link has expired. Ask for the status of the export again.\n"
		writeBytes(c.w, http.StatusForbidden, "text/plain; charset=utf-8", []byte(text))
		return nil
	}
	found, err := l.export.query.ask(l.tenant, c.now, l.export.given)
	if err != nil {
		return err
	}
	found.tell(region)
	table, err := found.csv()
	if err != nil {
		return err
	}
	contentType, suffix := "text/csv", ""
	switch l.export.compression {
	case "GZIP":
		contentType, suffix = "application/gzip", ".gz"
		if table, err = gzipped(table); err != nil {
			return err
		}
	case "ZSTD":
		contentType, suffix, table = "application/zstd", ".zst", zstandard(table)
	}
	c.w.Header().Set("Content-Disposition", `attachment; filename="`+l.export.id+".csv"+suffix+`"`)
	writeBytes(c.w, http.StatusOK, contentType, table)
	return nil
}

func gzipped(plain []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("compressing results: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing results: %w", err)
	}
	return b.Bytes(), nil
}

// zstandard returns a Zstandard frame of raw blocks: a reader sees the format it asked for, and no compressor is needed, which
// the standard library lacks (RFC 8878, section 3.1.1).
func zstandard(plain []byte) []byte {
	const largest = 1 << 17                             // of a block: section 3.1.1.2.4
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0b10100000} // magic number; four bytes of content size, one segment
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(plain)))
	for {
		block := plain[:min(len(plain), largest)]
		plain = plain[len(block):]
		head := uint32(len(block)) << 3 // type 0, raw
		if len(plain) == 0 {
			head |= 1 // the last
		}
		frame = append(frame, byte(head), byte(head>>8), byte(head>>16))
		frame = append(frame, block...)
		if len(plain) == 0 {
			return frame
		}
	}
}
