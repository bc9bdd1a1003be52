package sandbox

import (
	"fmt"
	"strings"
	"testing"
)

// enrichOne is an enrichment of one object with one field.
func enrichOne(id, value, field, content string) string {
	return fmt.Sprintf(`{"identification":[{"name":%q,"value":%q}],"fields":[{"name":%q,"value":%s}]}`, id, value, field, content)
}

func TestEnrichmentAnswersForEveryObject(t *testing.T) {
	const enrich = "POST /api/v1/enrichment/data/fields"
	request := func(objects ...string) string {
		return `{"enrichments":[` + strings.Join(objects, ",") + `],"domain":"servicenow"}`
	}
	right := enrichOne("device/device/name", "LAP-ZRH-0142", "device/device/configuration_tag", `"Geneva"`)
	wrong := enrichOne("user/user/upn", "alice.martin@example.com", "user/user/ad/shoe_size", `"43"`)
	const wrongAnswer = `{"identification":[{"name":"user/user/upn","value":"alice.martin@example.com"}],` +
		`"errors":[{"message":"this object has no such field to enrich","code":"INVALID_FIELD_NAME"}]}`
	value := func(field, content string) string {
		return request(enrichOne("device/device/uid", "x", "device/device/virtualization/"+field, content))
	}
	check(t, []exchange{
		{name: "all right", request: enrich, body: request(right), status: 200, want: `{"status":"success"}`},
		{name: "some right", request: enrich, body: request(right, wrong), status: 207, want: `{"status":"partial_success","errors":[` + wrongAnswer + `]}`},
		{name: "none right", request: enrich, body: request(wrong, wrong), status: 400, want: `{"status":"error","errors":[` + wrongAnswer + `,` + wrongAnswer + `]}`},
		{name: "an unknown object is no error", request: enrich, body: request(enrichOne("binary/binary/uid", "x", "binary/binary/#test_binary", `"y"`)), status: 200},
		{name: "unknown identification", request: enrich, body: request(enrichOne("device/device/serial", "x", "device/device/#a", `"y"`)), status: 400, has: []string{"INVALID_IDENTIFICATION_NAME"}},
		{name: "empty identification", request: enrich, body: request(enrichOne("device/device/uid", "", "device/device/#a", `"y"`)), status: 400, has: []string{"INVALID_IDENTIFICATION_VALUE"}},
		{name: "field of another kind", request: enrich, body: request(enrichOne("device/device/uid", "x", "user/user/ad/city", `"y"`)), status: 400, has: []string{"INVALID_FIELD_NAME"}},
		{name: "organization", request: enrich, body: request(enrichOne("user/user/sid", "0", "user/user/organization/#team", `"y"`)), status: 200},
		{name: "broker 7", request: enrich, body: value("desktop_broker", "7"), status: 200},
		{name: "broker 8", request: enrich, body: value("desktop_broker", "8"), status: 400, has: []string{"INVALID_FIELD_VALUE"}},
		{name: "type 0", request: enrich, body: value("type", "0"), status: 400},
		{name: "type as text", request: enrich, body: value("type", `"3"`), status: 200},
		{name: "cleared", request: enrich, body: value("type", `""`), status: 200},
		{name: "time", request: enrich, body: value("last_update", `"2026-03-14T12:00:00Z"`), status: 200},
		{name: "no time", request: enrich, body: value("last_update", `"yesterday"`), status: 400},
		{name: "fraction", request: enrich, body: value("region", "1.5"), status: 400},
		{name: "object", request: enrich, body: value("region", "{}"), status: 400},
		{name: "null", request: enrich, body: value("region", "null"), status: 400},
		{name: "too long", request: enrich, body: value("region", `"`+strings.Repeat("x", longestValue+1)+`"`), status: 400},
		{name: "no domain", request: enrich, body: `{"enrichments":[` + right + `]}`, status: 400, want: `{"message":"domain is required","code":"INVALID_REQUEST"}`},
		{name: "no enrichments", request: enrich, body: request(), status: 400, has: []string{"1 to 10000"}},
		{name: "10,000", request: enrich, body: request(list(10_000, right)), status: 200},
		{name: "10,001", request: enrich, body: request(list(10_001, right)), status: 400, has: []string{"1 to 10000"}},
		{name: "two identifications", request: enrich, body: request(`{"identification":[{"name":"a","value":"b"},{"name":"a","value":"b"}],"fields":[{"name":"a","value":"b"}]}`), status: 400, has: []string{"exactly one identification"}},
		{name: "no field", request: enrich, body: request(`{"identification":[{"name":"a","value":"b"}],"fields":[]}`), status: 400, has: []string{"at least one field"}},
	})
}

func TestEnrichmentIsSeenByNQLAllOrNoneOfAnObject(t *testing.T) {
	h, _ := newSandbox()
	ask := func(want string) {
		t.Helper()
		checkOne(t, h, exchange{request: "POST /api/v2/nql/execute", body: `{"queryId":"#all_devices"}`, status: 200, has: []string{`"device.configuration_tag":` + want}})
	}
	set := func(fields string, status int) {
		t.Helper()
		w := checkOne(t, h, exchange{request: "POST /api/v1/enrichment/data/fields", status: status,
			body: `{"domain":"d","enrichments":[{"identification":[{"name":"device/device/uid","value":"0B1F6D2E-7C44-4D0A-9A52-3F1F5E0C8A01"}],"fields":[` + fields + `]}]}`})
		if w.Header().Get("X-Enrichment-Trace-Id") == "" {
			t.Error("no trace id")
		}
	}
	const tag = `{"name":"device/device/configuration_tag","value":`
	set(tag+`"Geneva <1>"}`, 200)
	ask(`"Geneva <1>"`)
	set(tag+`"Basel"},{"name":"nonsense","value":"x"}`, 400)
	ask(`"Geneva <1>"`)
	set(tag+`""}`, 200)
	ask(`""`)
}

func TestErrorsOfAnObjectAreBounded(t *testing.T) {
	h, _ := newSandbox()
	body := `{"domain":"d","enrichments":[{"identification":[{"name":"device/device/uid","value":"x"}],"fields":[` + list(10_000, `{"name":"x","value":0}`) + `]}]}`
	if w := send(h, "POST /api/v1/enrichment/data/fields", "", body); w.Code != 400 || w.Body.Len() > 10_000 {
		t.Errorf("%d with %d bytes", w.Code, w.Body.Len())
	}
}
