package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// enrichment is the body of POST /api/v1/enrichment/data/fields.
type enrichment struct {
	Enrichments []enrichedObject `json:"enrichments"`
	Domain      string           `json:"domain"`
}

type enrichedObject struct {
	Identification []identification `json:"identification"`
	Fields         []enrichedField  `json:"fields"`
}

type identification struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type enrichedField struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"` // a string or a whole number
}

type objectError struct {
	Message string `json:"message"`
	Code    string `json:"code"`
}

type objectErrors struct {
	Identification []identification `json:"identification"`
	Errors         []objectError    `json:"errors"`
}

// Bounds the documents do not give: on what is kept, and on how much longer than its request an answer may become.
const (
	longestValue = 1_024
	mostErrors   = 20 // an object
)

// identifiers are the fields by which an object may be called.
var identifiers = []string{"device/device/name", "device/device/uid", "user/user/sid", "user/user/uid", "user/user/upn",
	"binary/binary/uid", "package/package/uid"}

// enrichable matches every field that may be written; the custom ones have a name with a number sign.
var enrichable = regexp.MustCompile(`^(device/device/(configuration_tag|virtualization/(desktop_broker|desktop_pool|disk_image|` +
	`environment_name|hostname|hypervisor_name|instance_size|last_update|region|type))|` +
	`user/user/ad/(city|country_code|department|distinguished_name|email_address|full_name|job_title|last_update|office|` +
	`organizational_unit|username)|user/user/organization/#\w{1,255}|(device/device|user/user|binary/binary|package/package)/#\w{1,255})$`)

// enrich answers POST /api/v1/enrichment/data/fields: 200 when every object is right, 207 when some are, 400 when none is. An
// object that the inventory does not know is no error, since the documents name none; nothing is kept of it.
func (s *sandbox) enrich(c *call) error {
	c.w.Header().Set("x-enrichment-trace-id", s.opt.NewID())
	var e enrichment
	if err := readJSON(c, largeBody, &e); err != nil {
		return err
	}
	if err := e.check(); err != nil {
		return err
	}
	var wrong []objectErrors
	c.tenant.mu.Lock()
	c.tenant.finishDeletions(c.now)
	for _, object := range e.Enrichments {
		if found := c.tenant.apply(object); len(found) > 0 {
			wrong = append(wrong, objectErrors{object.Identification, found})
		}
	}
	c.tenant.mu.Unlock()
	type outcome struct {
		Status string         `json:"status"`
		Errors []objectErrors `json:"errors,omitempty"`
	}
	switch len(wrong) {
	case 0:
		writeJSON(c.w, http.StatusOK, outcome{Status: "success"})
	case len(e.Enrichments):
		writeJSON(c.w, http.StatusBadRequest, outcome{"error", wrong})
	default:
		writeJSON(c.w, http.StatusMultiStatus, outcome{"partial_success", wrong})
	}
	return nil
}

// check looks at the request as a whole: what it refuses leaves no object to name in an answer.
func (e *enrichment) check() error {
	if e.Domain == "" {
		return invalid("domain is required")
	}
	if len(e.Enrichments) == 0 || len(e.Enrichments) > 10_000 {
		return invalid("enrichments must hold 1 to 10000 objects")
	}
	for _, object := range e.Enrichments {
		if len(object.Identification) != 1 {
			return invalid("every enrichment needs exactly one identification")
		}
		if len(object.Fields) == 0 {
			return invalid("every enrichment needs at least one field")
		}
	}
	return nil
}

// apply writes the fields of one object, all or none of them, and returns what is wrong. The caller holds t.mu.
func (t *tenant) apply(object enrichedObject) []objectError {
	id := object.Identification[0]
	var wrong []objectError
	if !slices.Contains(identifiers, id.Name) {
		wrong = append(wrong, objectError{"no object is identified by this field", "INVALID_IDENTIFICATION_NAME"})
	}
	if id.Value == "" {
		wrong = append(wrong, objectError{"the identification needs a value", "INVALID_IDENTIFICATION_VALUE"})
	}
	kind, _, _ := strings.Cut(id.Name, "/")
	written := map[string]string{}
	for _, field := range object.Fields {
		if len(wrong) == mostErrors {
			break
		}
		value, bad := field.read(kind)
		if bad != nil {
			wrong = append(wrong, *bad)
		}
		written[field.Name] = value
	}
	if len(wrong) > 0 {
		return wrong
	}
	known, ok := t.fieldsOf(id.Name, id.Value)
	if !ok {
		return nil
	}
	for name, value := range written {
		_, there := known[name]
		switch {
		case value == "": // the documents: an empty string clears the field
			delete(known, name)
		case there || len(known) < keptFields:
			known[name] = value
		}
	}
	return nil
}

// read returns the value of a field of an object of this kind as text.
func (f *enrichedField) read(kind string) (string, *objectError) {
	if !enrichable.MatchString(f.Name) || !strings.HasPrefix(f.Name, kind+"/") {
		return "", &objectError{"this object has no such field to enrich", "INVALID_FIELD_NAME"}
	}
	badValue := &objectError{"the value does not fit the field " + f.Name, "INVALID_FIELD_VALUE"}
	value := string(bytes.TrimSpace(f.Value))
	if strings.HasPrefix(value, `"`) {
		if json.Unmarshal(f.Value, &value) != nil {
			return "", badValue
		}
	} else if _, err := strconv.ParseInt(value, 10, 64); err != nil {
		return "", badValue
	}
	switch {
	case value == "":
		return "", nil
	case len(value) > longestValue,
		strings.HasSuffix(f.Name, "/virtualization/desktop_broker") && !within(value, 0, 7),
		strings.HasSuffix(f.Name, "/virtualization/type") && !within(value, 1, 3),
		strings.HasSuffix(f.Name, "/last_update") && !isTime(value):
		return "", badValue
	}
	return value, nil
}

func within(value string, low, high int) bool {
	n, err := strconv.Atoi(value)
	return err == nil && n >= low && n <= high
}

func isTime(value string) bool {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if _, err := time.Parse(layout, value); err == nil {
			return true
		}
	}
	return false
}
