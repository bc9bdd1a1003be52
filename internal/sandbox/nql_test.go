package sandbox

import (
	"strings"
	"testing"
)

func TestQueriesAreExecutedInBothVersionsAndFormats(t *testing.T) {
	const v1, v2 = "POST /api/v1/nql/execute", "POST /api/v2/nql/execute"
	const crashes = `{"queryId":"#number_of_crashes","parameters":{"collector_uid":"5c1e7a90-2f0b-4c7e-8d35-91b6f0a4d204"}}`
	const executed = `"executedQuery":"execution.crashes during past 240h\n| where device.collector.uid == \"5c1e7a90-2f0b-4c7e-8d35-91b6f0a4d204\"\n| summarize c1 = number_of_crashes.sum()"`
	check(t, []exchange{
		{name: "v1", request: v1, headers: "X-Utc-Times: true", body: crashes, status: 200,
			want: `{"queryId":"#number_of_crashes",` + executed + `,"rows":1,"executionDateTime":{"year":2026,"month":3,"day":14,"hour":12,"minute":0,"second":0},"headers":["c1"],"data":[[7]]}`},
		{name: "v2", request: v2, headers: "X-Utc-Times: true", body: crashes, status: 200,
			want: `{"queryId":"#number_of_crashes",` + executed + `,"rows":1,"executionDateTime":"2026-03-14T12:00:00Z","data":[{"c1":7}]}`},
		{name: "v1 regional time", request: v1, body: crashes, status: 200, has: []string{`"hour":13`}},
		{name: "v2 regional time", request: v2, headers: "X-Utc-Times: yes", body: crashes, status: 200, has: []string{`"2026-03-14T13:00:00+01:00"`}},
		{name: "v2 times in rows", request: v2, headers: "X-Utc-Times: true", body: `{"queryId":"#all_devices"}`, status: 200, has: []string{`"device.last_seen":"2026-03-14T11:56:00Z"}`}},
		{name: "v1 CSV", request: v1, headers: "Accept: text/csv", body: crashes, status: 200, want: "c1\n7\n"},
		{name: "v2 CSV", request: v2, headers: "Accept: text/csv", body: `{"queryId":"#all_users"}`, status: 200, has: []string{"user.name,user.upn,user.sid,user.uid,user.ad.department\nAlice Martin,alice.martin@"}},
		{name: "columns keep their order", request: v2, body: `{"queryId":"#all_users"}`, status: 200, has: []string{`{"user.name":"Chloé Dubois","user.upn":"chloe.dubois@example.com","user.sid":`}},
		{name: "filtered", request: v2, body: `{"queryId":"#devices_by_platform","parameters":{"platform":"macOS"}}`, status: 200, has: []string{`"rows":1`, "MAC-LON-0031"}, hasNot: []string{"LAP-"}},
		{name: "nothing found", request: v1, body: `{"queryId":"#devices_by_platform","parameters":{"platform":"x\" or \"1"}}`, status: 200, has: []string{`"rows":0`, `"data":[]`, `== \"x\\\" or \\\"1\"`}},
		{name: "at most a thousand", request: v1, body: `{"queryId":"#installed_packages"}`, status: 200, has: []string{`"rows":1000`}},
		{name: "PDF", request: v1, headers: "Accept: application/pdf", body: crashes, status: 406, want: "-"},
		{name: "unknown query", request: v1, body: `{"queryId":"#nothing_here"}`, status: 404, want: "-"},
		{name: "badly named query", request: v1, body: `{"queryId":"all_devices"}`, status: 400, want: `{"message":"queryId must match ^#[a-z0-9_]{2,255}$","code":400,"source":"nql-api"}`},
		{name: "parameter missing", request: v2, body: `{"queryId":"#number_of_crashes"}`, status: 400, has: []string{"needs the parameter collector_uid", `"code":400`}},
		{name: "failing query", request: v2, body: `{"queryId":"#failing_query"}`, status: 500, want: `{"message":"the field device.no_such_field does not exist","code":500,"source":"nql-api"}`},
	})
}

func TestTheAnswerIsInTheFormatThatIsAcceptable(t *testing.T) {
	for accept, want := range map[string]string{
		"": "application/json", "application/json": "application/json", "*/*": "application/json", "text/csv": "text/csv",
		"application/json, text/plain, */*": "application/json", "text/html, */*;q=0.8": "application/json",
		"application/json;q=0.5, text/csv": "text/csv", "text/*": "text/csv", "TEXT/CSV; charset=utf-8": "text/csv",
		"text/html": "", "application/xml, image/*": "", "application/json;q=0": "", "text/csv;q=x": "", "text/csv;q=NaN": "",
	} {
		if got := acceptable([]string{accept}); got != want {
			t.Errorf("Accept: %s: %q, want %q", accept, got, want)
		}
	}
}

func TestQueryIDsHaveTheDocumentedForm(t *testing.T) {
	for id, want := range map[string]bool{
		"#ab": true, "#a_9": true, "#a": false, "": false, "#": false, "ab": false, "#Ab": false, "#a b": false, "#é_": false,
		"#" + strings.Repeat("a", 254): true, "#" + strings.Repeat("a", 255): false,
	} {
		if isQueryID(id) != want {
			t.Errorf("isQueryID(%q) = %v", id, !want)
		}
	}
}

func TestEverySavedQueryRunsOrSaysWhyNot(t *testing.T) {
	one := newTenant(noon)
	given := map[string]string{"platform": "Windows", "collector_uid": "x", "request_id": "y"}
	for _, q := range queries() {
		if !isQueryID(q.id) {
			t.Errorf("%s is not a query ID", q.id)
		}
		found, err := q.ask(one, noon, given)
		if (err != nil) != (q.fails != "") {
			t.Errorf("%s: %v", q.id, err)
		}
		if strings.Contains(found.executed, "$") {
			t.Errorf("%s: a parameter stays in %s", q.id, found.executed)
		}
		for _, row := range found.rows {
			if len(row) != len(q.columns) {
				t.Errorf("%s: %d cells for %d columns", q.id, len(row), len(q.columns))
			}
		}
	}
}
