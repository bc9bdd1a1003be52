package audit

import (
	"context"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
)

// Change is one field of a registration that an act has changed, in the words in which people write its values. No secret is ever among
// them: of a password it is told that it changed, of a client's secrets their ids.
type Change struct {
	Field string   `json:"field"`
	Old   []string `json:"old,omitempty"` // none: it had no value
	New   []string `json:"new,omitempty"`
}

// String writes a change for people and for tables: permissions: nql → nql, workflows.
func (c Change) String() string {
	if len(c.Old)+len(c.New) == 0 {
		return c.Field
	}
	return c.Field + ": " + said(c.Old) + " → " + said(c.New)
}

func said(words []string) string {
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

// Origin is where a request came from, for the events of what it changes.
type Origin struct {
	RequestID string
	Source    string // the caller's address
}

type originKey struct{}

// WithOrigin returns a context whose changes are recorded with where they came from. Each surface that answers requests makes one for
// each; the command line, which works on the machine itself, has none.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// Done completes the event of a change that was allowed, as of now: its id, its time, and where ctx's request came from, unless the event
// says that itself.
func Done(ctx context.Context, now time.Time, e Event) Event {
	e.ID, e.Time, e.Outcome = secret.NewID(now), now, Allowed
	if o, ok := ctx.Value(originKey{}).(Origin); ok && e.RequestID == "" {
		e.RequestID, e.Source = o.RequestID, o.Source
	}
	return e
}
