package sandbox

import (
	"strings"
	"testing"
)

func TestRemoteActionsAreExecutedAsDocumented(t *testing.T) {
	const execute = "POST /api/v1/act/execute"
	check(t, []exchange{
		{name: "least", request: execute, body: `{"remoteActionId":"get_battery_status","devices":["5c1e7a90-2f0b-4c7e-8d35-91b6f0a4d201"]}`,
			status: 200, want: `{"requestId":"00000000-0000-4000-8000-000000000001","expiresInMinutes":10080}`},
		{name: "everything", request: execute, body: `{"remoteActionId":"set_service_state","params":{"StartType":"Automatic","StatusChange":"On"},
			"devices":["a","b"],"expiresInMinutes":60,"triggerInfo":{"externalSource":"ServiceNow","reason":"slow","externalReference":"INC1"}}`,
			status: 200, want: `{"requestId":"00000000-0000-4000-8000-000000000001","expiresInMinutes":60}`},
		{name: "10,000 devices", request: execute, body: `{"remoteActionId":"get_battery_status","devices":[` + list(10_000, `"d%d"`) + `]}`, status: 200},
		{name: "10,001 devices", request: execute, body: `{"remoteActionId":"get_battery_status","devices":[` + list(10_001, `"d%d"`) + `]}`,
			status: 400, want: `{"code":"INVALID_REQUEST","message":"devices must hold 1 to 10000 Collector IDs"}`},
		{name: "no devices", request: execute, body: `{"remoteActionId":"get_battery_status","devices":[]}`, status: 400},
		{name: "blank device", request: execute, body: `{"remoteActionId":"get_battery_status","devices":[" "]}`, status: 400},
		{name: "no action", request: execute, body: `{"devices":["a"]}`, status: 400, has: []string{"remoteActionId is required"}},
		{name: "unknown action", request: execute, body: `{"remoteActionId":"x","devices":["a"]}`, status: 400, has: []string{`"code":"REMOTE_ACTION_NOT_FOUND"`, `"message":`}},
		{name: "not open to the API", request: execute, body: `{"remoteActionId":"restart_device","devices":["a"]}`, status: 403, has: []string{`"code":`, `"message":`}},
		{name: "expires too soon", request: execute, body: `{"remoteActionId":"get_battery_status","devices":["a"],"expiresInMinutes":59}`, status: 400},
		{name: "expires too late", request: execute, body: `{"remoteActionId":"get_battery_status","devices":["a"],"expiresInMinutes":10081}`, status: 400},
		{name: "reason of 500", request: execute, body: `{"remoteActionId":"get_battery_status","devices":["a"],"triggerInfo":{"reason":"` + strings.Repeat("é", 500) + `"}}`, status: 200},
		{name: "reason of 501", request: execute, body: `{"remoteActionId":"get_battery_status","devices":["a"],"triggerInfo":{"reason":"` + strings.Repeat("é", 501) + `"}}`, status: 400},
		{name: "parameter that is no string", request: execute, body: `{"remoteActionId":"get_battery_status","devices":["a"],"params":{"a":1}}`, status: 400},
	})
}

func TestRemoteActionsAreListedWithEveryMember(t *testing.T) {
	const one = `{"id":"get_battery_status","uuid":"3f0c9a51-4b7d-4e19-8a66-0d2b7c5e1f10","name":"Get battery status",` +
		`"description":"Reads the health and the number of charge cycles of the battery.","origin":"LIBRARY","builtInContentVersion":"3.1.0",` +
		`"purpose":["DATA_COLLECTION"],"targeting":{"apiEnabled":true,"manualEnabled":true,"workflowEnabled":true,"manualAllowMultipleDevices":true},` +
		`"scriptInfo":{"executionServiceDelegate":"","runAs":"LOCAL_SYSTEM","timeoutSeconds":120,"hasScriptWindows":true,"hasScriptMacOs":true,` +
		`"inputs":[],"outputs":[{"id":"BatteryHealth","name":"Battery health","type":"PERCENTAGE","description":"Full charge against design capacity.",` +
		`"usedByWindows":true,"usedByMacOs":true},{"id":"CycleCount","name":"Charge cycles","type":"INT","description":"How often the battery was charged.",` +
		`"usedByWindows":true,"usedByMacOs":true}]}}`
	const details = "GET /api/v1/act/remote-action/details"
	check(t, []exchange{
		{name: "list", request: "GET /api/v1/act/remote-action", status: 200,
			has: []string{"[" + one + ",", `"id":"set_service_state"`, `"options":["Automatic","Manual","Disabled"],"allowCustomValue":false`, `"id":"restart_device"`}, hasNot: []string{"null"}},
		{name: "details", request: details + "?nql-id=get_battery_status", status: 200, want: one},
		{name: "details with a number sign", request: details + "?nql-id=%23get_battery_status", status: 200, want: one},
		{name: "details of an unknown one", request: details + "?nql-id=x", status: 404, want: `{"code":"REMOTE_ACTION_NOT_FOUND","message":"no remote action has this NQL ID"}`},
		{name: "details of none", request: details, status: 400, has: []string{"nql-id is required"}},
		{name: "details of two", request: details + "?nql-id=a&nql-id=b", status: 400},
	})
}

func TestWhatWasExecutedIsFoundWithNQL(t *testing.T) {
	h, _ := newSandbox()
	checkOne(t, h, exchange{request: "POST /api/v1/act/execute", headers: "Tokenbooth-Client-Id: servicenow", body: `{"remoteActionId":"get_battery_status","devices":["a","b"]}`, status: 200})
	checkOne(t, h, exchange{request: "POST /api/v1/nql/execute", headers: "X-Utc-Times: true", body: `{"queryId":"#remote_action_requests"}`, status: 200,
		has: []string{`"data":[["00000000-0000-4000-8000-000000000001","get_battery_status","servicenow","2026-03-14T12:00:00Z",2]]`}})
}
