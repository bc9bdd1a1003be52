package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// declaredOnly lets a request through that has nothing but what the contract declares for it. The generated server ignores what it does
// not know, and encoding/json takes a field in any case, twice and null: whoever mistypes a field would never learn that it did nothing.
func (a *api) declaredOnly(next StrictHandlerFunc, _ string) StrictHandlerFunc {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, request any) (any, error) {
		shape := reflect.TypeOf(request)
		if err := checkQuery(r.URL.RawQuery, shape); err != nil {
			return nil, err
		}
		if err := checkBody(callOf(ctx).body, shape); err != nil {
			return nil, err
		}
		return next(ctx, w, r, request)
	}
}

// checkQuery refuses parameters that the operation does not have, and those given twice.
func checkQuery(raw string, request reflect.Type) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return &refusal{kind: "invalid-request", detail: "The query cannot be read."}
	}
	var fields map[string]reflect.Type
	if params, ok := request.FieldByName("Params"); ok {
		fields = fieldsOf(params.Type, "form")
	}
	for name, values := range query {
		field, known := fields[name]
		switch {
		case !known:
			return atField(name, "This operation has no such parameter.")
		case len(values) > 1:
			return atField(name, "It is given more than once.")
		case field == moment && !rewritable(values[0]):
			return atField(name, momentForm)
		}
	}
	return nil
}

// fieldsOf returns the fields of a generated struct under the names they have on the wire.
func fieldsOf(t reflect.Type, tag string) map[string]reflect.Type {
	fields := make(map[string]reflect.Type, t.NumField())
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get(tag), ","); name != "" && name != "-" {
			fields[name] = t.Field(i).Type
		}
	}
	return fields
}

func checkBody(body []byte, request reflect.Type) error {
	shape, ok := request.FieldByName("Body")
	if !ok {
		if len(body) > 0 {
			return &refusal{kind: "invalid-request", detail: "This operation takes no body."}
		}
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := checkValue(dec, shape.Type, ""); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return &refusal{kind: "invalid-request", detail: "There is something behind the JSON value."}
	}
	return nil
}

var moment = reflect.TypeFor[time.Time]()

const momentForm = "A moment is written like 2026-11-22T04:09:00Z (RFC 3339)."

// rewritable reports whether a moment that could be read can be written again: package time reads zones a day away and writes none.
func rewritable(text string) bool {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return true // it was read in another form
	}
	_, err = at.MarshalText()
	return err == nil
}

// checkValue reads one JSON value, and refuses in it what its type does not have. That the value fits the type is known already.
func checkValue(dec *json.Decoder, t reflect.Type, at string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch token {
	case nil:
		return atField(at, "What does not exist is left out, never null.")
	case json.Delim('['):
		if t.Kind() != reflect.Slice {
			return atField(at, "A list cannot stand here.")
		}
		for i := 0; dec.More(); i++ {
			if err := checkValue(dec, t.Elem(), fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case json.Delim('{'):
		if err := checkObject(dec, t, at); err != nil {
			return err
		}
	default:
		if text, ok := token.(string); ok && t == moment && !rewritable(text) {
			return atField(at, momentForm)
		}
		return nil
	}
	_, err = dec.Token() // its end
	return err
}

func checkObject(dec *json.Decoder, t reflect.Type, at string) error {
	var fields map[string]reflect.Type
	free := t.Kind() == reflect.Map // of names that whoever sends it chooses
	switch {
	case free:
	case t.Kind() == reflect.Struct && t != moment:
		fields = fieldsOf(t, "json")
	default:
		return atField(at, "An object cannot stand here.")
	}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		name := token.(string) // json.Decoder takes nothing else here
		path := strings.TrimPrefix(at+"."+name, ".")
		field, known := fields[name]
		if free {
			field, known = t.Elem(), true
		}
		switch {
		case !known:
			return atField(path, "There is no such field that can be written.")
		case seen[name]:
			return atField(path, "It is given more than once.")
		}
		seen[name] = true
		if err := checkValue(dec, field, path); err != nil {
			return err
		}
	}
	return nil
}

// holder returns the field of a body that has a text as its value: the generated server does not say which it could not read.
func holder(body []byte, text string) string {
	var fields map[string]any
	if json.Unmarshal(body, &fields) == nil {
		for name, value := range fields {
			if value == text {
				return name
			}
		}
	}
	return ""
}
