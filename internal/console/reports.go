package console

import (
	"io"
	"net/http"
	"sync"
	"time"
)

const reportsPerMinute = 30

// reports paces what browsers report about our content policy: anybody can send them.
type reports struct {
	now    func() time.Time
	mu     sync.Mutex
	minute time.Time
	kept   int
	count  uint64 // all that came
}

func newReports(now func() time.Time) *reports { return &reports{now: now} }

// admit counts a report and says whether it may be written down.
func (r *reports) admit() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if minute := r.now().Truncate(time.Minute); !minute.Equal(r.minute) {
		r.minute, r.kept = minute, 0
	}
	r.kept++
	return r.kept <= reportsPerMinute
}

// cspReport takes what a browser reports when a page tried something that the policy forbids: a mistake of ours, or an attack.
func cspReport(v *visit) error {
	body, err := io.ReadAll(http.MaxBytesReader(v.w, v.r.Body, 16<<10))
	if err != nil {
		return err
	}
	if v.reports.admit() {
		v.Log.Warn("content policy violated", "request_id", v.id, "source", v.source(), "report", clip(string(body), 2000))
	}
	v.w.WriteHeader(http.StatusNoContent)
	return nil
}
