package sandbox

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// FuzzBodies: whatever is posted, the answer is one of the API's own, and it is not our fault.
func FuzzBodies(f *testing.F) {
	for _, seed := range []string{`{}`, `null`, `{"devices":[{"uid":"x","name":"y"}]}`, `{"workflowId":"license_reclamation","users":["0"]}`,
		`{"domain":"d","enrichments":[{"identification":[{"name":"device/device/uid","value":"x"}],"fields":[{"name":"device/device/virtualization/type","value":1}]}]}`,
		`{"queryId":"#all_devices","parameters":{"a":"b"}}`, `{"campaignNqlId":"x","userSid":["S-1-5-2"],"expiresInMinutes":1}`,
		`{"message":{"parts":[{"type":"TEXT","text":"x"}]}}`, `{"remoteActionId":"get_battery_status","devices":["a"]}`, `{"a":1}{`, "\xff"} {
		f.Add(seed)
	}
	h, _ := newSandbox()
	f.Fuzz(func(t *testing.T, body string) {
		for _, route := range Routes() {
			if route.Method != "POST" {
				continue
			}
			target := strings.NewReplacer("{workflow}", "6a1f0d5c-93b4-4b7e-a5a8-1c2e8f4d7b03", "{execution}", "00000000-0000-4000-8000-000000000002").Replace(route.Pattern)
			w := send(h, "POST "+target, "User-Principal-Name: alice.martin@example.com", body)
			switch w.Code {
			case 200, 202, 204, 207, 400, 403, 404, 413:
			case 500:
				if !strings.Contains(body, "#failing_query") {
					t.Errorf("%s: 500 for %q", target, body)
				}
			default:
				t.Errorf("%s: %d for %q", target, w.Code, body)
			}
			if w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s: the answer to %q is not JSON: %s", target, body, w.Body)
			}
		}
	})
}

// FuzzDecode: what is taken is one JSON object.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{}`, ` {"queryId":"#ab"} `, `{}{}`, `[]`, `{"queryId":null}`, "{\"queryId\":\"\xff\"}", `{"QUERYID":"x"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var v queryRequest
		err := decode(body, &v)
		var object map[string]json.RawMessage
		if err == nil && json.Unmarshal(body, &object) != nil {
			t.Errorf("took %q", body)
		}
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("a refusal of %d bytes", len(err.Error()))
		}
	})
}

// FuzzLinks: whatever the query of a link holds, the answer is not our fault.
func FuzzLinks(f *testing.F) {
	for _, seed := range []string{"", "queryId=%23all_users", "queryId=%23devices_by_platform&parameters={\"platform\":\"x\"}", "nqlId=x&nql-id=y", "dependency=USER", "%zz", ";"} {
		f.Add(seed)
	}
	h, _ := newSandbox()
	f.Fuzz(func(t *testing.T, query string) {
		if _, err := url.Parse("http://example.com/?" + query); err != nil || strings.ContainsAny(query, " \r\n#") {
			return
		}
		for _, path := range []string{"/api/v1/nql/export", "/api/v1/workflows", "/api/v1/workflows/details", "/api/v1/act/remote-action/details"} {
			if w := send(h, "GET "+path+"?"+query, "", ""); w.Code >= 500 {
				t.Errorf("%s?%s: %d", path, query, w.Code)
			}
		}
	})
}

// FuzzAccept: the choice of a format is one of three.
func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"", "*/*", "text/csv;q=0.1, application/json;q=0.2", ";;,,q=", "text/csv;q=1e400"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		switch got := acceptable([]string{accept}); got {
		case "", "application/json", "text/csv":
		default:
			t.Errorf("%q", got)
		}
	})
}
