package console

import (
	"net/http"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/directory"
)

// patience is how long a page waits for the clients of a tenant to be read. With all else that a page does it stays below a tenth of a second.
const patience = 30 * time.Millisecond

// hurried is a request as a page asks for what it shows: whoever looks is told that something is being read, and not left without an answer.
// A form that was sent is done whatever it waits for.
func hurried(r *http.Request) *http.Request {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return r
	}
	return r.WithContext(directory.WithPatience(r.Context(), patience))
}

// readingPage stands in the place of a page that cannot be shown before all clients of the tenant are read.
type readingPage struct {
	Text string // how far it is
}

// beingRead answers for a page that is not there yet. It is 503, not 200: a program that reads the list must not take this for an empty one.
// waiting.js puts the page in its place once it is there.
func (v *visit) beingRead(how *directory.Reading) {
	v.w.Header().Set("Retry-After", "1")
	page := readingPage{readingText(how)}
	if err := v.render(http.StatusServiceUnavailable, "reading", "One moment", page); err != nil {
		v.Log.Error("cannot render that clients are being read", "request_id", v.id, "error", err)
		http.Error(v.w, page.Text, http.StatusServiceUnavailable)
	}
}

// readingText says how far the reading is; "" where nothing is being read.
func readingText(how *directory.Reading) string {
	switch {
	case how == nil:
		return ""
	case how.Uses > 0:
		return "The clients of this tenant are read, " + num(how.Clients) + " of them; when they were last used is being read: " + num(how.Uses) + " notes so far."
	}
	return "The clients of this tenant are being read: " + num(how.Clients) + " so far."
}
