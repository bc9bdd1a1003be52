package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

// noon is when every test takes place.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (k *clock) Now() time.Time { return k.now }

func newSandbox() (http.Handler, *clock) {
	k := &clock{noon}
	return New(Options{Now: k.Now}), k
}

// exchange is a request and the answer it must have.
type exchange struct {
	name    string
	request string // method and target
	headers string // "Name: value", one a line
	body    string
	status  int
	want    string   // the whole body; empty: whatever it is; -: none
	has     []string // what the body must hold
	hasNot  []string
}

// send makes the request of x and returns the answer.
func send(h http.Handler, request, headers, body string) *httptest.ResponseRecorder {
	method, target, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Tokenbooth-Tenant", "acme")
	if method == "POST" {
		r.Header.Set("Content-Type", "application/json")
	}
	for line := range strings.SplitSeq(headers, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			r.Header.Set(strings.TrimSpace(name), value)
		} else if name, ok := strings.CutSuffix(strings.TrimSpace(line), ":"); ok {
			r.Header.Del(name)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// check makes every exchange with a sandbox of its own.
func check(t *testing.T, exchanges []exchange) {
	t.Helper()
	for _, x := range exchanges {
		t.Run(x.name, func(t *testing.T) {
			h, _ := newSandbox()
			checkOne(t, h, x)
		})
	}
}

func checkOne(t *testing.T, h http.Handler, x exchange) *httptest.ResponseRecorder {
	t.Helper()
	w := send(h, x.request, x.headers, x.body)
	got := w.Body.String()
	if w.Code != x.status {
		t.Errorf("%s: status %d, want %d; body %s", x.request, w.Code, x.status, got)
	}
	if x.want != "" && got != strings.TrimPrefix(x.want, "-") {
		t.Errorf("%s: body\n%s\nwant\n%s", x.request, got, x.want)
	}
	for _, part := range x.has {
		if !strings.Contains(got, part) {
			t.Errorf("%s: body lacks %s:\n%s", x.request, part, got)
		}
	}
	for _, part := range x.hasNot {
		if strings.Contains(got, part) {
			t.Errorf("%s: body has %s:\n%s", x.request, part, got)
		}
	}
	if kind := w.Header().Get("Content-Type"); kind == "application/json" && !json.Valid([]byte(got)) {
		t.Errorf("%s: not JSON: %s", x.request, got)
	}
	return w
}

// list returns n times text, with commas between; a %d in it is the number.
func list(n int, text string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = strings.ReplaceAll(text, "%d", fmt.Sprint(i))
	}
	return strings.Join(parts, ",")
}

func TestUnknownPathsAreNotFoundWithoutABody(t *testing.T) {
	check(t, []exchange{
		{name: "unknown", request: "GET /api/v9/anything", status: 404, want: "-"},
		{name: "root", request: "GET /", status: 404, want: "-"},
		{name: "trailing slash", request: "GET /api/collections/", status: 404, want: "-"},
		{name: "doubled slash is not redirected", request: "GET /api//collections", status: 404, want: "-"},
		{name: "dots are not redirected", request: "GET /api/v1/../collections", status: 404, want: "-"},
		{name: "encoded dots", request: "GET /api/v1/nql/status/%2e%2e/x", status: 404, want: "-"},
		{name: "other case", request: "GET /api/Collections", status: 404, want: "-"},
	})
}

func TestAWrongMethodIsRefusedInTheWordsOfItsAPI(t *testing.T) {
	check(t, []exchange{
		{name: "remote actions", request: "GET /api/v1/act/execute", status: 405, want: `{"code":"METHOD_NOT_ALLOWED","message":"this path answers to POST"}`},
		{name: "workflows", request: "DELETE /api/v1/workflows", status: 405, want: `{"code":"METHOD_NOT_ALLOWED","details":"this path answers to GET, HEAD"}`},
		{name: "nql", request: "PUT /api/v1/nql/export", status: 405, has: []string{`"code":405`, `"source":"nql-api"`, "GET, HEAD, POST"}},
		{name: "spark", request: "GET /api/v1/spark/handoff", status: 405, want: "-"},
		{name: "me", request: "POST /api/auth/me", status: 405, want: "-"},
	})
}

func TestTheRouteListIsWhatIsServed(t *testing.T) {
	h, _ := newSandbox()
	permissions := map[string]bool{"remote-actions": false, "enrichment": false, "data-management": false, "workflows": false,
		"campaigns": false, "nql": false, "spark": false, "collections": false, "me": false}
	hole := regexp.MustCompile(`\{\w+\}`)
	for _, route := range Routes() {
		if _, ok := permissions[route.Permission]; !ok {
			t.Errorf("%s: unknown permission %q", route.Pattern, route.Permission)
		}
		permissions[route.Permission] = true
		method := route.Method
		if method == "" {
			method = "GET"
		}
		w := send(h, method+" "+hole.ReplaceAllString(route.Pattern, "6a1f0d5c-93b4-4b7e-a5a8-1c2e8f4d7b01"), "", "{}")
		if w.Code == 405 || w.Code == 404 && w.Body.Len() == 0 && !strings.Contains(route.Pattern, "{") {
			t.Errorf("%s %s: %d, is it served?", route.Method, route.Pattern, w.Code)
		}
	}
	for name, seen := range permissions {
		if !seen {
			t.Errorf("no route needs the permission %s", name)
		}
	}
}

func TestReq69_ABodyIsBoundedTypedAndWhole(t *testing.T) {
	const ra = "POST /api/v1/act/execute"
	check(t, []exchange{
		{name: "too large", request: "POST /api/v1/nql/execute", body: `{"queryId":"` + strings.Repeat("x", smallBody) + `"}`, status: 413, has: []string{`"code":413`}},
		{name: "no JSON", request: ra, headers: "Content-Type: text/plain", body: `{}`, status: 415, has: []string{"UNSUPPORTED_MEDIA_TYPE"}},
		{name: "form", request: ra, headers: "Content-Type: application/x-www-form-urlencoded", body: `a=b`, status: 415},
		{name: "compressed", request: ra, headers: "Content-Encoding: gzip", body: `{}`, status: 415},
		{name: "charset is fine", request: ra, headers: "Content-Type: application/json; charset=utf-8", body: `{}`, status: 400, has: []string{"remoteActionId is required"}},
		{name: "no type is fine", request: ra, headers: "Content-Type:", body: `{}`, status: 400, has: []string{"remoteActionId is required"}},
		{name: "empty", request: ra, status: 400, want: `{"code":"INVALID_REQUEST","message":"the body must be a JSON object"}`},
		{name: "null", request: ra, body: `null`, status: 400, has: []string{"must be a JSON object"}},
		{name: "array", request: ra, body: `[]`, status: 400, has: []string{"must be a JSON object"}},
		{name: "broken", request: ra, body: `{"a`, status: 400, has: []string{"not well-formed"}},
		{name: "two objects", request: ra, body: `{} {}`, status: 400, has: []string{"something follows"}},
		{name: "trailing bracket", request: ra, body: `{}]`, status: 400, has: []string{"something follows"}},
		{name: "unknown member", request: ra, body: `{"remoteActionID":"x","surprise":1}`, status: 400, has: []string{"unknown member"}},
		{name: "wrong type", request: ra, body: `{"devices":7}`, status: 400, want: `{"code":"INVALID_REQUEST","message":"devices cannot be a number"}`},
		{name: "not UTF-8", request: ra, body: "{\"remoteActionId\":\"\xff\"}", status: 400, has: []string{"not UTF-8"}},
		{name: "a long name is not echoed", request: ra, body: `{"` + strings.Repeat("y", 5000) + `":1}`, status: 400, hasNot: []string{strings.Repeat("y", 100)}},
	})
}

func TestReq36_TenantsDoNotSeeEachOther(t *testing.T) {
	h, k := newSandbox()
	device := newDevices(noon)[0]
	send(h, "POST /api/v1/data-management/device/deletions", "", `{"devices":[{"uid":"`+device.uid+`","name":"`+device.name+`"}]}`)
	k.now = k.now.Add(deletionDelay)
	ask := "POST /api/v2/nql/execute"
	checkOne(t, h, exchange{request: ask, body: `{"queryId":"#all_devices"}`, status: 200, has: []string{`"rows":4`}, hasNot: []string{device.name}})
	checkOne(t, h, exchange{request: ask, headers: "Tokenbooth-Tenant: other", body: `{"queryId":"#all_devices"}`, status: 200, has: []string{`"rows":5`, device.name}})
}

func TestB29_EveryMapHasACap(t *testing.T) {
	s := newShelf[int](3)
	for i := range 10 {
		s.put(fmt.Sprint(i), i)
	}
	var order []string
	s.all(func(name string, _ int) { order = append(order, name) })
	if got := strings.Join(order, " "); got != "7 8 9" || len(s.values) != 3 {
		t.Errorf("kept %q, %d values; want the last three, oldest first", got, len(s.values))
	}
	s.put("8", 80)
	if v, ok := s.get("8"); !ok || v != 80 || len(s.values) != 3 {
		t.Errorf("putting again under a name: %d %v, %d values", v, ok, len(s.values))
	}

	ts := newTenants()
	for i := range 10 * keptTenants {
		ts.get(fmt.Sprint(i), noon)
	}
	if n := len(ts.byName.values); n != keptTenants {
		t.Errorf("%d tenants kept, want %d", n, keptTenants)
	}

	one := newTenant(noon)
	for i := range 2 * keptDeletions {
		one.schedule(fmt.Sprintf("00000000-0000-4000-8000-%012d", i), noon)
	}
	if n := len(one.deletions); n != keptDeletions {
		t.Errorf("%d deletions wait, want %d", n, keptDeletions)
	}
	for i := range 10 * keptFields {
		one.apply(enrichedObject{Identification: []identification{{"user/user/upn", "alice.martin@example.com"}},
			Fields: []enrichedField{{fmt.Sprintf("user/user/#f%d", i), json.RawMessage(`"x"`)}}})
	}
	if n := len(one.users[0].fields); n != keptFields {
		t.Errorf("%d fields kept of an object, want %d", n, keptFields)
	}
}

func TestCallsMayBeConcurrent(t *testing.T) {
	h := New(Options{})
	done := make(chan bool)
	for i := range 8 {
		go func() {
			defer func() { done <- true }()
			for range 50 {
				send(h, "POST /api/v1/workflows/execute", "", `{"workflowId":"vpn_repair"}`)
				send(h, "POST /api/v1/workflows/execute", "", `{"workflowId":"device_onboarding","devices":["5c1e7a90-2f0b-4c7e-8d35-91b6f0a4d201"]}`)
				send(h, "POST /api/v1/act/execute", "", `{"remoteActionId":"get_battery_status","devices":["a"]}`)
				send(h, "POST /api/v1/enrichment/data/fields", "", `{"domain":"d","enrichments":[{"identification":[{"name":"device/device/name","value":"LAP-ZRH-0142"}],"fields":[{"name":"device/device/configuration_tag","value":"T"}]}]}`)
				send(h, "POST /api/v2/nql/execute", "", `{"queryId":"#all_devices"}`)
				send(h, "GET /api/v1/nql/export?queryId=%23all_devices", fmt.Sprintf("Tokenbooth-Tenant: t%d", i%3), "")
				send(h, "GET /api/v1/nql/status/00000000-0000-4000-8000-000000000001", "", "")
			}
		}()
	}
	for range 8 {
		<-done
	}
}
