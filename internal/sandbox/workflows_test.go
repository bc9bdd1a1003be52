package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestWorkflowsAreListedAndTheFiltersReallyFilter(t *testing.T) {
	for _, x := range []struct{ query, want string }{
		{"", "license_reclamation device_onboarding password_expiry_notice weekly_fleet_report vpn_repair"},
		{"?fetchOnlyActiveWorkflows=true", "license_reclamation device_onboarding password_expiry_notice weekly_fleet_report"},
		{"?fetchOnlyActiveWorkflows=false", "license_reclamation device_onboarding password_expiry_notice weekly_fleet_report vpn_repair"},
		{"?dependency=DEVICE", "device_onboarding vpn_repair"},
		{"?dependency=USER", "password_expiry_notice"},
		{"?dependency=USER_AND_DEVICE", "license_reclamation"},
		{"?dependency=NONE", "weekly_fleet_report"},
		{"?triggerMethod=SCHEDULER", "license_reclamation password_expiry_notice weekly_fleet_report"},
		{"?triggerMethod=MANUAL_MULTIPLE", "device_onboarding"},
		{"?dependency=DEVICE&triggerMethod=API&fetchOnlyActiveWorkflows=true", "device_onboarding"},
		{"?dependency=NONE&triggerMethod=API", ""},
		{"?dependency=&triggerMethod=", "license_reclamation device_onboarding password_expiry_notice weekly_fleet_report vpn_repair"},
	} {
		h, _ := newSandbox()
		w := send(h, "GET /api/v1/workflows"+x.query, "Accept: application/json", "")
		var found []workflow
		if err := json.Unmarshal(w.Body.Bytes(), &found); err != nil || w.Code != 200 {
			t.Fatalf("%s: %d %v", x.query, w.Code, err)
		}
		var ids []string
		for _, f := range found {
			ids = append(ids, f.ID)
		}
		if got := strings.Join(ids, " "); got != x.want {
			t.Errorf("%q: %s; want %s", x.query, got, x.want)
		}
	}
}

func TestAWorkflowLooksAsInTheGuide(t *testing.T) {
	const one = `{"id":"license_reclamation","lastUpdateTime":"2023-12-07T16:26:36Z","name":"License reclamation","status":"ACTIVE",` +
		`"description":"Asks employees who do not use a licensed application and takes the licence back.","triggerMethods":["API","MANUAL","SCHEDULER"],` +
		`"uuid":"6a1f0d5c-93b4-4b7e-a5a8-1c2e8f4d7b01","versions":[{"versionNumber":1,"isActive":false},{"versionNumber":2,"isActive":true}]}`
	const details = "GET /api/v1/workflows/details"
	check(t, []exchange{
		{name: "first of the list", request: "GET /api/v1/workflows", status: 200, has: []string{"[" + one + ","}},
		{name: "details", request: details + "?nqlId=license_reclamation", status: 200, want: "[" + one + "]"},
		{name: "details, the other spelling", request: details + "?nql-id=license_reclamation", status: 200, want: "[" + one + "]"},
		{name: "details of an unknown one", request: details + "?nqlId=x", status: 400, want: `{"code":"WORKFLOW_NOT_FOUND","details":"no workflow has this NQL ID"}`},
		{name: "details of none", request: details, status: 400, has: []string{`"details":"the query parameter nqlId is required, once"`}},
		{name: "details by both names", request: details + "?nqlId=a&nql-id=b", status: 400},
		{name: "unknown dependency", request: "GET /api/v1/workflows?dependency=user", status: 400, has: []string{`"code":"INVALID_REQUEST"`, `"details":"dependency must be one of`}},
		{name: "unknown method", request: "GET /api/v1/workflows?triggerMethod=X", status: 400},
		{name: "no boolean", request: "GET /api/v1/workflows?fetchOnlyActiveWorkflows=yes", status: 400},
		{name: "twice", request: "GET /api/v1/workflows?dependency=USER&dependency=USER", status: 400},
	})
}

func TestWorkflowsAreExecutedOncePerTarget(t *testing.T) {
	const device, sid = "5c1e7a90-2f0b-4c7e-8d35-91b6f0a4d201", "S-1-5-21-3623811015-3361044348-30300820-1013"
	const v1, v2 = "POST /api/v1/workflows/execute", "POST /api/v2/workflows/execute"
	const two = `{"requestUuid":"00000000-0000-4000-8000-000000000001","executionsUuids":["00000000-0000-4000-8000-000000000002","00000000-0000-4000-8000-000000000003"]}`
	check(t, []exchange{
		{name: "v1 device and user", request: v1, headers: "Source: portal", body: `{"workflowId":"license_reclamation","devices":["` + device + `"],"users":["` + sid + `"],"params":{"a":"b"}}`, status: 200, want: two},
		{name: "v1 user alone", request: v1, body: `{"workflowId":"#password_expiry_notice","users":["0","` + sid + `"]}`, status: 200, want: two},
		{name: "v1 no UUID", request: v1, body: `{"workflowId":"device_onboarding","devices":["LAP-1"]}`, status: 400, has: []string{`"details":"every device`}},
		{name: "v1 no SID", request: v1, body: `{"workflowId":"password_expiry_notice","users":["S-1"]}`, status: 400},
		{name: "v1 no workflow", request: v1, body: `{"users":["0"]}`, status: 400, has: []string{"workflowId is required"}},
		{name: "v1 unknown", request: v1, body: `{"workflowId":"x","users":["0"]}`, status: 400, has: []string{"WORKFLOW_NOT_FOUND"}},
		{name: "v1 not open to the API", request: v1, body: `{"workflowId":"weekly_fleet_report"}`, status: 403, has: []string{`"code":`, `"details":`}},
		{name: "v1 inactive", request: v1, body: `{"workflowId":"vpn_repair","devices":["` + device + `"]}`, status: 400, has: []string{"WORKFLOW_INACTIVE"}},
		{name: "v1 device needed", request: v1, body: `{"workflowId":"device_onboarding","users":["0"]}`, status: 400, has: []string{"needs devices"}},
		{name: "v1 user needed", request: v1, body: `{"workflowId":"password_expiry_notice","devices":["` + device + `"]}`, status: 400, has: []string{"needs users"}},
		{name: "v1 anything needed", request: v1, body: `{"workflowId":"license_reclamation","devices":[],"users":[]}`, status: 400, has: []string{"devices or users"}},
		{name: "v1 10,000", request: v1, body: `{"workflowId":"password_expiry_notice","users":[` + list(10_000, `"0"`) + `]}`, status: 200},
		{name: "v1 10,001", request: v1, body: `{"workflowId":"password_expiry_notice","users":[` + list(10_001, `"0"`) + `]}`, status: 400, has: []string{"10000"}},
		{name: "v2 by name and principal name", request: v2, body: `{"workflowId":"license_reclamation","devices":[{"name":"LAP-ZRH-0142"}],"users":[{"upn":"alice.martin@example.com"}]}`, status: 200, want: two},
		{name: "v2 everything", request: v2, body: `{"workflowId":"license_reclamation","devices":[{"name":"a","uid":"` + device + `","collectorUid":"` + device + `"}],"users":[{"uid":"` + device + `","upn":"a@b.cd","sid":"0"}]}`, status: 200, want: two},
		{name: "v2 no identifier of a device", request: v2, body: `{"workflowId":"license_reclamation","devices":[{}]}`, status: 400, has: []string{"at least one of collectorUid"}},
		{name: "v2 no identifier of a user", request: v2, body: `{"workflowId":"license_reclamation","users":[{}]}`, status: 400, has: []string{"at least one of sid"}},
		{name: "v2 bad uid", request: v2, body: `{"workflowId":"license_reclamation","devices":[{"uid":"x"}]}`, status: 400},
		{name: "v2 bad upn", request: v2, body: `{"workflowId":"license_reclamation","users":[{"upn":"alice"}]}`, status: 400},
		{name: "v2 strings instead of objects", request: v2, body: `{"workflowId":"license_reclamation","devices":["` + device + `"]}`, status: 400},
	})
}

func TestAWaitingExecutionIsTriggeredOnce(t *testing.T) {
	h, _ := newSandbox()
	checkOne(t, h, exchange{request: "POST /api/v1/workflows/execute", body: `{"workflowId":"password_expiry_notice","users":["0"]}`, status: 200})
	path := func(flow, run string) string {
		return fmt.Sprintf("POST /api/v1/workflows/workflows/%s/execution/%s/trigger", flow, run)
	}
	const flow, run = "6a1f0d5c-93b4-4b7e-a5a8-1c2e8f4d7b03", "00000000-0000-4000-8000-000000000002"
	for _, x := range []exchange{
		{request: path("x", run), body: `{}`, status: 400, has: []string{"must be UUIDs"}},
		{request: path(flow, run), status: 400, has: []string{"JSON object"}},
		{request: path(flow, run), body: `{"parameters":{"a":""}}`, status: 400, has: []string{"must not be empty"}},
		{request: path("6a1f0d5c-93b4-4b7e-a5a8-1c2e8f4d7b01", run), body: `{}`, status: 400, has: []string{"EXECUTION_NOT_FOUND"}},
		{request: path(flow, run), headers: "Tokenbooth-Tenant: other", body: `{}`, status: 400, has: []string{"EXECUTION_NOT_FOUND"}},
		{request: path(flow, run), body: `{"parameters":{"approved":"yes"}}`, status: 200, want: `[{"requestUuid":"00000000-0000-4000-8000-000000000001"}]`},
		{request: path(flow, run), body: `{}`, status: 400, want: `{"code":"EXECUTION_NOT_WAITING","details":"this execution does not wait for an event any more"}`},
	} {
		checkOne(t, h, x)
	}
	checkOne(t, h, exchange{request: "POST /api/v1/nql/execute", body: `{"queryId":"#workflow_executions","parameters":{"request_id":"00000000-0000-4000-8000-000000000001"}}`,
		status: 200, has: []string{`"rows":1`, `"completed"`}})
}

func TestUUIDsHaveTheDocumentedForm(t *testing.T) {
	for text, want := range map[string]bool{
		"6a1f0d5c-93b4-4b7e-a5a8-1c2e8f4d7b03": true, "6A1F0D5C-93B4-4B7E-A5A8-1C2E8F4D7B03": true, "": false,
		"6a1f0d5c-93b4-4b7e-a5a8-1c2e8f4d7b0g": false, "6a1f0d5c093b4-4b7e-a5a8-1c2e8f4d7b03": false,
		"6a1f0d5c-93b4-4b7e-a5a8-1c2e8f4d7b033": false, "-a1f0d5c-93b4-4b7e-a5a8-1c2e8f4d7b03": false,
	} {
		if isUUID(text) != want {
			t.Errorf("isUUID(%q) = %v", text, !want)
		}
	}
	if !slices.ContainsFunc(workflows(), func(f workflow) bool { return isUUID(f.UUID) }) {
		t.Error("workflows have no UUIDs")
	}
}
