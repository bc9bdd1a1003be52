package admin

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tokenbooth/tokenbooth/internal/office"
)

// dryRun is the parameter of a rehearsal.
const dryRun = "dry_run"

// deskFor is the desk that a request names, as its author may use it: on paper where the request is a rehearsal.
func (a *api) deskFor(ctx context.Context, tenant string, rehearsal bool) (*office.Desk, error) {
	d := a.desk(ctx, tenant)
	if !rehearsal {
		return d, nil
	}
	return d.Rehearsal()
}

// isRehearsal reports whether a request is one, as the generated server reads the parameter.
func isRehearsal(r *http.Request) bool {
	dry, err := strconv.ParseBool(r.URL.Query().Get(dryRun))
	return err == nil && dry
}

// Rehearsal returns a Remote that changes nothing: what the contract lets be rehearsed is asked for with dry_run, and what it makes or changes
// is returned as it would be sent, without a secret. Every other change is refused here (office.ErrNotOnPaper). It reads as before.
func (r *Remote) Rehearsal() *Remote {
	played := *r
	played.rehearsing = true
	return &played
}

// rehearse asks whether a change could be made, and returns what it would make.
func rehearse[T any](ctx context.Context, r *Remote, q request, would T) (none T, err error) {
	if q.query == nil {
		q.query = url.Values{}
	}
	q.query.Set(dryRun, "true")
	if err := r.caller.do(ctx, r.here(q), nil); err != nil {
		return none, err
	}
	return would, nil
}
