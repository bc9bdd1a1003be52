package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// deletionDelay is how long a device stays in the inventory after its deletion was accepted.
const deletionDelay = 5 * time.Second

// deletionRequest is the body of POST /api/v1/data-management/device/deletions.
type deletionRequest struct {
	Devices []namedDevice `json:"devices"`
}

type namedDevice struct {
	UID  string `json:"uid"`
	Name string `json:"name"`
}

type deviceStatus struct {
	UID    string `json:"uid"`
	Name   string `json:"name"`
	Status string `json:"status"`
}

// deleteDevices answers POST /api/v1/data-management/device/deletions.
func (s *sandbox) deleteDevices(c *call) error {
	s.correlate(c)
	if c.caller.tenant == "" {
		return refuse(http.StatusBadRequest, "EMPTY_TENANT", "the token names no tenant")
	}
	var request deletionRequest
	if err := readJSON(c, smallBody, &request); err != nil {
		return err
	}
	if err := request.check(); err != nil {
		return err
	}
	answer := struct {
		ScheduledCount int            `json:"scheduledCount"`
		Status         string         `json:"status"`
		Devices        []deviceStatus `json:"devices"`
	}{Status: "ACCEPTED"}
	c.tenant.mu.Lock()
	c.tenant.finishDeletions(c.now)
	for _, d := range request.Devices {
		status := c.tenant.schedule(d.UID, c.now)
		if status == "SCHEDULED" {
			answer.ScheduledCount++
		}
		answer.Devices = append(answer.Devices, deviceStatus{d.UID, d.Name, status})
	}
	c.tenant.mu.Unlock()
	writeJSON(c.w, http.StatusAccepted, answer)
	return nil
}

func (d *deletionRequest) check() error {
	if len(d.Devices) == 0 {
		return refuse(http.StatusBadRequest, "EMPTY_REQUEST", "devices is empty or missing")
	}
	if len(d.Devices) > 100 {
		return refuse(http.StatusBadRequest, "BATCH_SIZE_EXCEEDED", "a request deletes 100 devices at most")
	}
	for _, each := range d.Devices {
		if strings.TrimSpace(each.UID) == "" || strings.TrimSpace(each.Name) == "" {
			return invalid("every device needs a uid and a name")
		}
	}
	return nil
}

// schedule queues a deletion and returns its documented status. FAILED is a full queue. The caller holds t.mu.
func (t *tenant) schedule(uid string, now time.Time) string {
	if !isUUID(uid) {
		return "INVALID"
	}
	uid = strings.ToLower(uid)
	if _, queued := t.deletions[uid]; !queued {
		if len(t.deletions) >= keptDeletions {
			return "FAILED"
		}
		t.deletions[uid] = now.Add(deletionDelay)
	}
	return "SCHEDULED"
}

// finishDeletions takes the devices out whose time has come. The caller holds t.mu.
func (t *tenant) finishDeletions(now time.Time) {
	for uid, at := range t.deletions {
		if !at.After(now) {
			t.devices = slices.DeleteFunc(t.devices, func(d *device) bool { return d.uid == uid })
			delete(t.deletions, uid)
		}
	}
}

// correlate sets the two headers by which a call is found in logs: x-request-id as it was sent or else made, x-trace-id from the
// trace the caller is in (W3C Trace Context, section 3.2) or else the same as x-request-id.
func (s *sandbox) correlate(c *call) {
	id := c.r.Header.Get("X-Request-Id")
	if !isHeaderWord(id) {
		id = s.opt.NewID()
	}
	trace := id
	if parts := strings.Split(c.r.Header.Get("Traceparent"), "-"); len(parts) >= 4 && len(parts[1]) == 32 && isHeaderWord(parts[1]) {
		trace = parts[1]
	}
	c.w.Header().Set("x-request-id", id)
	c.w.Header().Set("x-trace-id", trace)
}

// isHeaderWord reports whether an identifier that a caller chose may go back in a header.
func isHeaderWord(s string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:"
	return s != "" && len(s) <= 128 && strings.Trim(s, letters) == ""
}
