package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// kind is a sort of problem, as the contract lists them under x-problems.
type kind struct {
	status int
	title  string
}

var kinds = map[string]kind{
	"invalid-field":   {400, "A field is at fault"},
	"invalid-request": {400, "The request cannot be read"},
	"not-signed-in":   {401, "No valid access token"},
	"not-allowed":     {403, "Not allowed"},
	"not-found":       {404, "Not found"},
	"wrong-method":    {405, "The path has no such method"},
	"in-progress":     {409, "The same request is being answered"},
	"lost-answer":     {409, "The answer was lost"},
	"not-now":         {409, "Not possible as things are"},
	"lost-update":     {412, "Changed by somebody else meanwhile"},
	"too-large":       {413, "The request is too large"},
	"not-json":        {415, "The request is not plain JSON"},
	"key-reused":      {422, "The Idempotency-Key belongs to another request"},
	"no-if-match":     {428, "If-Match is missing"},
	"fault":           {500, "A fault of ours"},
	"unavailable":     {503, "Not available now"},
}

// problemPage is where the contract's page says what a kind of problem means.
const problemPage = "/openapi#problem-"

// refusal is a problem that this package finds by itself.
type refusal struct {
	kind, field, detail string
	header              http.Header
	faster              office.Changed // who was, of a lost update
}

// Error says what was refused, for logs.
func (r *refusal) Error() string { return r.kind + ": " + r.field + " " + r.detail }

func atField(field, detail string) error {
	return &refusal{kind: "invalid-field", field: field, detail: detail}
}

// fail answers with the problem that an error is. What is a fault of ours is written down here, and the caller learns no more than that.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	c := callOf(r.Context())
	f := problemOf(err, c.body)
	k := kinds[f.kind]
	if k.status >= 500 {
		a.Log.Error("the operators' API could not answer", "request_id", c.id, "route", r.Pattern, "error", err)
	}
	body, err := json.Marshal(Problem{Type: problemPage + f.kind, Title: k.title, Status: k.status, Detail: f.detail, Field: f.field, RequestId: c.id,
		ChangedBy: f.faster.By, ChangedAt: f.faster.At.UTC()})
	if err != nil { // texts and numbers: cannot happen
		panic(err)
	}
	h := w.Header()
	for name, values := range f.header {
		h[name] = values
	}
	if k.status == http.StatusUnauthorized {
		a.challenge(h, r)
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(k.status)
	_, _ = w.Write(append(body, '\n')) // a caller that went away cannot be told
}

// problemOf translates an error of the decisions, or of the generated server, into a problem.
func problemOf(err error, body []byte) *refusal {
	if f, ok := errors.AsType[*refusal](err); ok {
		return f
	}
	if p, ok := errors.AsType[*registry.Problem](err); ok {
		return &refusal{kind: "invalid-field", field: p.Field, detail: p.Text}
	}
	switch {
	case errors.Is(err, operator.ErrDenied), errors.Is(err, operator.ErrStale):
		return &refusal{kind: "not-allowed", detail: "It is " + err.Error() + ".",
			header: http.Header{"Www-Authenticate": {`Bearer realm="tokenbooth", error="insufficient_scope"`}}} // RFC 6750, section 3.1
	case errors.Is(err, registry.ErrNotFound), errors.Is(err, operator.ErrNotFound):
		return &refusal{kind: "not-found", detail: "There is nothing of that name or id here."}
	case errors.Is(err, office.ErrChanged):
		return lost(err)
	case errors.Is(err, oauth.ErrUnavailable):
		return unavailable()
	}
	if e := oauth.AsError(err); e != nil {
		return notNow(e)
	}
	if f := unreadable(err, body); f != nil {
		return f
	}
	return unavailable()
}

func unavailable() *refusal {
	return &refusal{kind: "unavailable", header: http.Header{"Retry-After": {"2"}}}
}

// notNow is a refusal by keys or tokens: nothing about the request is wrong, it comes at the wrong time.
func notNow(e *oauth.Error) *refusal {
	f := &refusal{kind: "not-now", detail: e.Description}
	if e.RetryAfter > 0 {
		f.header = http.Header{"Retry-After": {strconv.Itoa(int((e.RetryAfter + time.Second - 1) / time.Second))}}
	}
	return f
}

// lost says who was faster, for people and for programs.
func lost(err error) *refusal {
	f := &refusal{kind: "lost-update", field: ifMatch, detail: "Read it again and decide anew."}
	if c, ok := errors.AsType[*office.Changed](err); ok && c.By != "" {
		f.detail, f.faster = "It was changed by "+c.By+" at "+c.At.UTC().Format(time.RFC3339)+".", *c
	}
	return f
}

// unreadable says what the generated server could not read, or nothing when the error is none of its.
func unreadable(err error, body []byte) *refusal {
	if e, ok := errors.AsType[*RequiredHeaderError](err); ok && e.ParamName == ifMatch {
		return &refusal{kind: "no-if-match", field: ifMatch, detail: "Send the ETag of what you have read, or * for whatever is there."}
	}
	if e, ok := errors.AsType[*RequiredParamError](err); ok {
		return &refusal{kind: "invalid-field", field: e.ParamName, detail: "It is needed."}
	}
	if e, ok := errors.AsType[*InvalidParamFormatError](err); ok {
		return &refusal{kind: "invalid-field", field: e.ParamName, detail: "It cannot be read; the contract says what it looks like."}
	}
	if e, ok := errors.AsType[*TooManyValuesForParamError](err); ok {
		return &refusal{kind: "invalid-field", field: e.ParamName, detail: "It is given more than once."}
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return &refusal{kind: "invalid-field", field: e.Field, detail: "A JSON " + e.Value + " cannot stand here; the contract says what can."}
	}
	if e, ok := errors.AsType[*time.ParseError](err); ok {
		return &refusal{kind: "invalid-field", field: holder(body, e.Value), detail: momentForm}
	}
	_, syntax := errors.AsType[*json.SyntaxError](err)
	if syntax || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &refusal{kind: "invalid-request", detail: "The body is not one JSON value."}
	}
	if errors.Is(err, context.Canceled) {
		return &refusal{kind: "unavailable", detail: "The request was given up."}
	}
	return nil
}
