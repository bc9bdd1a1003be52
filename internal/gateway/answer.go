package gateway

import (
	"maps"
	"net/http"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// answer is the way back to the caller. It remembers the status, and keeps what the server in front had put into the header from
// being replaced or doubled by an API.
type answer struct {
	http.ResponseWriter
	front  http.Header // nil while the answer is our own
	status int         // 0 until the answer has begun
	pace   *pace       // nil until the call is let through
}

// WriteHeader begins the answer. Interim answers of an API end here: they carry headers that nobody tidied.
func (a *answer) WriteHeader(status int) {
	if status < http.StatusOK {
		return
	}
	if a.status == 0 {
		a.status = status
		maps.Copy(a.Header(), a.front)
	}
	if a.pace != nil {
		a.pace.beforeWrite()
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write passes bytes on.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.pace != nil {
		a.pace.beforeWrite()
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController flush and take over the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// refuse answers where no dialect has words of its own, and tells the owner.
func (c *call) refuse(status int, kind oauth.Case, description, reason string) {
	c.write(status, string(kind.Code()), description)
	c.tell(Refusal{Case: kind, Reason: reason})
}

// write answers in JSON. Nothing a caller or an API sent is in the texts: they are constants of this package, and paths of the settings.
func (c *call) write(status int, code, description string) {
	h := c.w.Header()
	maps.Copy(h, c.w.front)
	c.w.front = nil
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	c.w.WriteHeader(status)
	body := oauth.AppendJSON([]byte(`{"error":"`+code+`","error_description":`), description)
	_, _ = c.w.Write(append(body, '}')) // a caller that went away cannot be told
}

// tell passes the outcome to the owner.
func (c *call) tell(r Refusal) {
	if c.gateway.o.Refused == nil {
		return
	}
	r.API, r.Route = c.names()
	r.Code, r.Method = string(r.Case.Code()), oauth.Unproven(c.r.Method).AmongWords(c.gateway.words...)
	if c.to == nil {
		r.Path = c.gateway.pathShown(c.r)
	}
	r.Status, r.Token, r.Caller, r.RequestID = c.w.status, c.token, c.caller, c.id
	c.gateway.o.Refused(c.r.Context(), c.r, r)
}
