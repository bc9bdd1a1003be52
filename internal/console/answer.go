package console

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// maxAnswer bounds what is taken down of an answer's body, in bytes.
const maxAnswer = 64 << 10

// answer takes down what a handler writes instead of sending it.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newAnswer() *answer { return &answer{header: http.Header{}} }

// Header returns the header of the answer.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader begins the answer.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 { // the others go before the answer
		a.status = status
	}
}

// Write takes down a part of the body.
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body.Write(b[:min(len(b), max(0, maxAnswer-a.body.Len()))])
	return len(b), nil
}

// String is the answer as it goes over the wire, but for what a server adds.
func (a *answer) String() string { return a.text(a.body.String()) }

// text is the answer with that body in the place of its own.
func (a *answer) text(body string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\n", a.status, http.StatusText(a.status))
	_ = a.header.Write(&b) // into memory
	text := strings.ReplaceAll(b.String(), "\r\n", "\n")
	if body != "" {
		text += "\n" + body
	}
	return text
}
