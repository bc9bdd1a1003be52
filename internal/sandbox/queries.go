package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// mostRows is how many rows a query answers at most. An export that had more says so with 206.
const mostRows = 1_000

// query is an NQL query that an administrator has saved: callers name it, they never send its text.
type query struct {
	id      string
	text    string                                           // a parameter is a name after a dollar sign
	columns []string                                         // headers, in order
	rows    func(t *tenant, given map[string]string) [][]any // called with t.mu held
	fails   string                                           // why it cannot be run: for callers who want to see an error
}

var (
	deviceColumns = []string{"device.name", "device.uid", "device.collector.uid", "device.operating_system.platform",
		"device.operating_system.name", "device.hardware.model", "device.hardware.memory", "device.configuration_tag", "device.last_seen"}
	userColumns   = []string{"user.name", "user.upn", "user.sid", "user.uid", "user.ad.department"}
	actionColumns = []string{"remote_action.executions.request_id", "remote_action.nql_id", "remote_action.executions.requested_by",
		"remote_action.executions.request_time", "remote_action.executions.number_of_devices"}
	executionColumns = []string{"workflow.executions.execution_id", "workflow.executions.request_id", "workflow.executions.status",
		"workflow.executions.request_time"}
	packageColumns = []string{"device.name", "package.name", "package.version"}
)

// queries returns the saved queries of every tenant.
func queries() []query {
	list := func(columns []string) string { return "\n| list " + strings.Join(columns, ", ") }
	return []query{
		{id: "#all_devices", columns: deviceColumns, rows: deviceRows,
			text: "devices" + list(deviceColumns)},
		{id: "#devices_by_platform", columns: deviceColumns, rows: platformRows,
			text: "devices\n| where device.operating_system.platform == $platform" + list(deviceColumns)},
		{id: "#number_of_crashes", columns: []string{"c1"}, rows: crashRows,
			text: "execution.crashes during past 240h\n| where device.collector.uid == $collector_uid\n" +
				"| summarize c1 = number_of_crashes.sum()"},
		{id: "#all_users", columns: userColumns, rows: userRows,
			text: "users" + list(userColumns)},
		{id: "#remote_action_requests", columns: actionColumns, rows: actionRows,
			text: "remote_action.executions during past 7d" + list(actionColumns)},
		{id: "#workflow_executions", columns: executionColumns, rows: executionRows,
			text: "workflow.executions during past 7d\n| where workflow.executions.request_id == $request_id" + list(executionColumns)},
		{id: "#installed_packages", columns: packageColumns, rows: packageRows,
			text: "package.installed_packages" + list(packageColumns)},
		{id: "#failing_query", columns: []string{"device.no_such_field"}, fails: "the field device.no_such_field does not exist",
			text: "devices\n| list device.no_such_field"},
	}
}

func findQuery(id string) (query, bool) {
	all := queries()
	at := slices.IndexFunc(all, func(q query) bool { return q.id == id })
	if at < 0 {
		return query{}, false
	}
	return all[at], true
}

// isQueryID reports whether id matches ^#[a-z0-9_]{2,255}$, the documented pattern, and its documented length of 255 at most.
func isQueryID(id string) bool {
	name, ok := strings.CutPrefix(id, "#")
	return ok && len(name) >= 2 && len(id) <= 255 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// result is what a query found.
type result struct {
	query     query
	executed  string // the text, with the parameters in
	rows      [][]any
	truncated bool
}

// fill returns the text of q with every parameter replaced.
func (q *query) fill(given map[string]string) (string, error) {
	var text strings.Builder
	rest := q.text
	for {
		before, after, found := strings.Cut(rest, "$")
		text.WriteString(before)
		if !found {
			return text.String(), nil
		}
		end := strings.IndexFunc(after, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') })
		if end < 0 {
			end = len(after)
		}
		value, ok := given[after[:end]]
		if !ok || len(value) > longestValue {
			return "", invalid("the query needs the parameter %s, of %d bytes at most", after[:end], longestValue)
		}
		text.WriteString(strconv.Quote(value))
		rest = after[end:]
	}
}

// ask runs the query for a tenant.
func (q *query) ask(t *tenant, now time.Time, given map[string]string) (result, error) {
	executed, err := q.fill(given)
	if err != nil {
		return result{}, err
	}
	if q.fails != "" {
		return result{}, refuse(http.StatusInternalServerError, "", "%s", q.fails)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finishDeletions(now)
	found := result{query: *q, executed: executed, rows: q.rows(t, given)}
	if len(found.rows) > mostRows {
		found.rows, found.truncated = found.rows[:mostRows], true
	}
	return found, nil
}

func deviceRows(t *tenant, _ map[string]string) [][]any { return rowsOf(t.devices) }

func platformRows(t *tenant, given map[string]string) [][]any {
	other := func(d *device) bool { return d.platform != given["platform"] }
	return rowsOf(slices.DeleteFunc(slices.Clone(t.devices), other))
}

func rowsOf(devices []*device) [][]any {
	rows := [][]any{}
	for _, d := range devices {
		rows = append(rows, []any{d.name, d.uid, d.collector, d.platform, d.system, d.model, d.memoryGB << 30,
			d.fields["device/device/configuration_tag"], d.lastSeen})
	}
	return rows
}

func crashRows(t *tenant, given map[string]string) [][]any {
	sum := 0
	for _, d := range t.devices {
		if strings.EqualFold(d.collector, given["collector_uid"]) {
			sum += d.crashes
		}
	}
	return [][]any{{sum}}
}

func userRows(t *tenant, _ map[string]string) [][]any {
	rows := [][]any{}
	for _, u := range t.users {
		rows = append(rows, []any{u.name, u.upn, u.sid, u.uid, u.fields["user/user/ad/department"]})
	}
	return rows
}

func actionRows(t *tenant, _ map[string]string) [][]any {
	rows := [][]any{}
	t.actions.all(func(id string, a actionRequest) { rows = append(rows, []any{id, a.action, a.by, a.at, a.devices}) })
	return rows
}

func executionRows(t *tenant, given map[string]string) [][]any {
	rows := [][]any{}
	t.executions.all(func(id string, e *execution) {
		if e.request == given["request_id"] {
			status := "completed"
			if e.waiting {
				status = "waiting"
			}
			rows = append(rows, []any{id, e.request, status, e.at})
		}
	})
	return rows
}

// packageRows is longer than mostRows, so that truncation can be seen.
func packageRows(*tenant, map[string]string) [][]any {
	names := []string{"7-Zip", "Adobe Acrobat Reader", "Google Chrome", "Microsoft Teams", "Mozilla Firefox", "Zoom Workplace"}
	rows := [][]any{}
	for i := range mostRows + 200 {
		rows = append(rows, []any{fmt.Sprintf("LAP-%04d", i/len(names)), names[i%len(names)], fmt.Sprintf("%d.%d", 1+i%9, i%4)})
	}
	return rows
}
