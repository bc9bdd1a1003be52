package sandbox

import (
	"testing"
)

func TestDeviceDeletionsAreScheduledOneByOne(t *testing.T) {
	const del = "POST /api/v1/data-management/device/deletions"
	const uid = "0b1f6d2e-7c44-4d0a-9a52-3f1f5e0c8a01"
	check(t, []exchange{
		{name: "mixed", request: del, body: `{"devices":[{"uid":"` + uid + `","name":"LAP-ZRH-0142"},{"uid":"nonsense","name":"b"}]}`, status: 202,
			want: `{"scheduledCount":1,"status":"ACCEPTED","devices":[{"uid":"` + uid + `","name":"LAP-ZRH-0142","status":"SCHEDULED"},{"uid":"nonsense","name":"b","status":"INVALID"}]}`},
		{name: "all invalid", request: del, body: `{"devices":[{"uid":"x","name":"b"}]}`, status: 202, has: []string{`"scheduledCount":0`}},
		{name: "empty", request: del, body: `{"devices":[]}`, status: 400, want: `{"code":"EMPTY_REQUEST","message":"devices is empty or missing"}`},
		{name: "missing", request: del, body: `{}`, status: 400, has: []string{`"code":"EMPTY_REQUEST"`}},
		{name: "blank uid", request: del, body: `{"devices":[{"uid":" ","name":"b"}]}`, status: 400, has: []string{`"code":"INVALID_REQUEST"`}},
		{name: "blank name", request: del, body: `{"devices":[{"uid":"` + uid + `"}]}`, status: 400, has: []string{`"code":"INVALID_REQUEST"`}},
		{name: "malformed", request: del, body: `{`, status: 400, has: []string{`"code":"INVALID_REQUEST"`}},
		{name: "100", request: del, body: `{"devices":[` + list(100, `{"uid":"x","name":"b"}`) + `]}`, status: 202},
		{name: "101", request: del, body: `{"devices":[` + list(101, `{"uid":"x","name":"b"}`) + `]}`, status: 400, has: []string{`"code":"BATCH_SIZE_EXCEEDED"`}},
		{name: "no tenant", request: del, headers: "Tokenbooth-Tenant:", body: `{}`, status: 400, has: []string{`"code":"EMPTY_TENANT"`}},
	})
}

func TestDeletionsAreCorrelated(t *testing.T) {
	const uid = "f2d1c7de-6d0b-4f6e-9b39-4f3c1f0a2b11"
	for name, x := range map[string]struct{ headers, id, trace string }{
		"echoed":         {"X-Request-Id: " + uid, uid, uid},
		"made":           {"", "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000001"},
		"not fit for it": {"X-Request-Id: <script>", "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000001"},
		"traced": {"X-Request-Id: " + uid + "\nTraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
			uid, "4bf92f3577b34da6a3ce929d0e0e4736"},
		"badly traced": {"X-Request-Id: " + uid + "\nTraceparent: 00-4bf9-1-01", uid, uid},
	} {
		for _, body := range []string{`{}`, `{"devices":[{"uid":"x","name":"y"}]}`} {
			h, _ := newSandbox()
			w := send(h, "POST /api/v1/data-management/device/deletions", x.headers, body)
			if id, trace := w.Header().Get("X-Request-Id"), w.Header().Get("X-Trace-Id"); id != x.id || trace != x.trace {
				t.Errorf("%s: %q and %q, want %q and %q", name, id, trace, x.id, x.trace)
			}
		}
	}
}

func TestADeletedDeviceLeavesTheInventoryAfterAWhile(t *testing.T) {
	h, k := newSandbox()
	const ask, all = "POST /api/v2/nql/execute", `{"queryId":"#all_devices"}`
	checkOne(t, h, exchange{request: "POST /api/v1/data-management/device/deletions", status: 202,
		body: `{"devices":[{"uid":"0B1F6D2E-7C44-4D0A-9A52-3F1F5E0C8A01","name":"LAP-ZRH-0142"}]}`})
	checkOne(t, h, exchange{request: ask, body: all, status: 200, has: []string{"LAP-ZRH-0142"}})
	k.now = k.now.Add(deletionDelay)
	checkOne(t, h, exchange{request: ask, body: all, status: 200, hasNot: []string{"LAP-ZRH-0142"}})
}

func TestAFullQueueFailsADeviceNotTheBatch(t *testing.T) {
	one := newTenant(noon)
	for i := range keptDeletions {
		one.deletions[string(rune(i))] = noon.Add(deletionDelay)
	}
	if got := one.schedule("0b1f6d2e-7c44-4d0a-9a52-3f1f5e0c8a01", noon); got != "FAILED" {
		t.Errorf("got %s", got)
	}
	one.finishDeletions(noon.Add(deletionDelay))
	if got := one.schedule("0b1f6d2e-7c44-4d0a-9a52-3f1f5e0c8a01", noon); got != "SCHEDULED" {
		t.Errorf("got %s", got)
	}
}
