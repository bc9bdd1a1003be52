package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// Largest bodies taken. The large one holds 10,000 devices and 10,000 users with every identifier the documents allow.
const (
	smallBody = 64 << 10
	largeBody = 8 << 20
)

// call is one request on its way through an endpoint.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	now    time.Time
	caller caller
	tenant *tenant
}

// caller is whom the gateway says is calling.
type caller struct {
	tenant, client, subject, username, name string
}

func callerOf(h http.Header) caller {
	return caller{
		tenant:   headerText(h, "Tokenbooth-Tenant"),
		client:   headerText(h, "Tokenbooth-Client-Id"),
		subject:  headerText(h, "Tokenbooth-Subject"),
		username: headerText(h, "Tokenbooth-Username"),
		name:     headerText(h, "Tokenbooth-Name"),
	}
}

func headerText(h http.Header, name string) string {
	return strings.ToValidUTF8(h.Get(name), "\uFFFD")
}

// refusal is an answer other than the one the caller hoped for. Which of its parts go on the wire is for the API to say.
type refusal struct {
	status     int
	code, text string
}

func refuse(status int, code, text string, args ...any) *refusal {
	if len(args) > 0 {
		text = fmt.Sprintf(text, args...)
	}
	return &refusal{status: status, code: code, text: text}
}

// invalid is the refusal of a request that does not keep to the documents. The code is the one that Data management documents for
// this; the other APIs publish none.
func invalid(text string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, "INVALID_REQUEST", text, args...)
}

// Error renders the refusal for logs.
func (no *refusal) Error() string { return fmt.Sprintf("%d %s: %s", no.status, no.code, no.text) }

// refuseCodeMessage is the error of Remote Actions, Data management and Campaigns.
func refuseCodeMessage(w http.ResponseWriter, no *refusal) {
	writeJSON(w, no.status, struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}{no.code, no.text})
}

// refuseCodeDetails is the error of Workflows.
func refuseCodeDetails(w http.ResponseWriter, no *refusal) {
	writeJSON(w, no.status, struct {
		Code    string `json:"code"`
		Details string `json:"details"`
	}{no.code, no.text})
}

// refuseMessageCode is the error of Enrichment for a request as a whole.
func refuseMessageCode(w http.ResponseWriter, no *refusal) {
	writeJSON(w, no.status, struct {
		Message string `json:"message"`
		Code    string `json:"code"`
	}{no.text, no.code})
}

// refuseNQL is the error of NQL, whose code is a number and which says nothing at all for 404, 406 and 429.
func refuseNQL(w http.ResponseWriter, no *refusal) {
	switch no.status {
	case http.StatusNotFound, http.StatusNotAcceptable, http.StatusTooManyRequests:
		refuseBare(w, no)
		return
	}
	writeJSON(w, no.status, struct {
		Message string `json:"message"`
		Code    int    `json:"code"`
		Source  string `json:"source"`
	}{no.text, no.status, "nql-api"})
}

// refuseSpark is the error of Spark: a message for 403 and 404, nothing otherwise.
func refuseSpark(w http.ResponseWriter, no *refusal) {
	if no.status != http.StatusForbidden && no.status != http.StatusNotFound {
		refuseBare(w, no)
		return
	}
	writeJSON(w, no.status, struct {
		Message string `json:"message"`
	}{no.text})
}

// refuseError is the error of DADI API.
func refuseError(w http.ResponseWriter, no *refusal) {
	writeJSON(w, no.status, struct {
		Error string `json:"error"`
	}{no.text})
}

// refuseBare is an error without a body.
func refuseBare(w http.ResponseWriter, no *refusal) { w.WriteHeader(no.status) }

// writeJSON answers with v, without the line end that json.Encoder adds and without its escapes for HTML.
func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := encode(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	writeBytes(w, status, "application/json", b)
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding an answer: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// writeBytes answers with a body as it is. A failure to write is the caller's going away, about which nothing can be done.
func writeBytes(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// readJSON reads the body into v: one JSON object in UTF-8, every member known and of its type, nothing after it. A request
// without a Content-Type is taken at its word.
func readJSON(c *call, limit int64, v any) error {
	if kind := c.r.Header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/json" {
			return refuse(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "send the body as application/json")
		}
	}
	if coding := c.r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return refuse(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "send the body without a content encoding")
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, limit))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return refuse(http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE", "the body has more than %d bytes", limit)
	}
	if err != nil {
		return invalid("the body could not be read")
	}
	return decode(body, v)
}

// decode is readJSON for bytes in hand.
func decode(body []byte, v any) error {
	if !utf8.Valid(body) {
		return invalid("the body is not UTF-8")
	}
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return invalid("the body must be a JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return invalid("%s", plain(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return invalid("something follows the JSON object")
	}
	return nil
}

// plain says what is wrong with a body in words that hold no more than a name of what was sent.
func plain(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		kind, _, _ := strings.Cut(wrong.Value, " ") // "number 12.5": the number is the caller's
		return fmt.Sprintf("%s cannot be a %s", clip(wrong.Field), kind)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return "unknown member " + clip(name)
	}
	return "the body is not well-formed JSON"
}

// clip shortens text for a message, so that an answer never grows with what was sent.
func clip(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
