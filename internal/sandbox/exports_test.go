package sandbox

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const startURL = "GET /api/v1/nql/export?queryId=%23all_users"

// start starts an export and returns the request for its status.
func start(t *testing.T, h http.Handler, request, body string) string {
	t.Helper()
	w := checkOne(t, h, exchange{request: request, body: body, status: 200})
	var answer struct{ ExportID string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.ExportID == "" {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return "GET /api/v1/nql/status/" + answer.ExportID
}

// results asks for a status and returns the request for the results.
func results(t *testing.T, h http.Handler, status string, code int) string {
	t.Helper()
	w := checkOne(t, h, exchange{request: status, status: code, has: []string{`"status":"COMPLETED"`, `"errorDescription":null`}})
	var answer struct{ ResultsFileURL string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(answer.ResultsFileURL)
	if err != nil || at.Host == "" {
		t.Fatalf("link %q: %v", answer.ResultsFileURL, err)
	}
	return "GET " + answer.ResultsFileURL
}

func TestAnExportGetsOnWithTheClock(t *testing.T) {
	h, k := newSandbox()
	status := start(t, h, "POST /api/v1/nql/export", `{"queryId":"#all_users","compression":null}`)
	checkOne(t, h, exchange{request: status, status: 200, want: `{"status":"SUBMITTED","resultsFileUrl":null,"errorDescription":null}`})
	k.now = k.now.Add(submittedFor)
	checkOne(t, h, exchange{request: status, status: 200, want: `{"status":"IN_PROGRESS","resultsFileUrl":null,"errorDescription":null}`})
	k.now = k.now.Add(completeAt)
	file := results(t, h, status, 200)
	w := checkOne(t, h, exchange{request: file, status: 200, has: []string{"user.name,user.upn", "Deepak Rao"}})
	if kind := w.Header().Get("Content-Type"); kind != "text/csv" {
		t.Errorf("Content-Type %q", kind)
	}
	checkOne(t, h, exchange{request: status, headers: "Tokenbooth-Tenant: other", status: 404, want: "-"})
	checkOne(t, h, exchange{request: "GET /api/v1/nql/status/unknown", status: 404, want: "-"})
}

func TestALinkToResultsOpensForAQuarterOfAnHourAndNobodyElse(t *testing.T) {
	h, k := newSandbox()
	status := start(t, h, startURL, "")
	k.now = k.now.Add(completeAt)
	file := results(t, h, status, 200)
	if again := results(t, h, status, 200); again != file {
		t.Errorf("a second link, %s after %s, while the first opens", again, file)
	}
	checkOne(t, h, exchange{request: file, headers: "Tokenbooth-Tenant: other", status: 404, want: "-"})
	checkOne(t, h, exchange{request: file, headers: "Tokenbooth-Tenant:", status: 404, want: "-"}) // identifiers that count upwards
	checkOne(t, h, exchange{request: "GET /api/v1/nql/results/unknown", status: 404, want: "-"})
	k.now = k.now.Add(linkLives - time.Second)
	checkOne(t, h, exchange{request: file, status: 200})
	k.now = k.now.Add(time.Second)
	checkOne(t, h, exchange{request: file, status: 403})
	if again := results(t, h, status, 200); again == file {
		t.Error("the link of an export stays the same after it has closed")
	} else {
		checkOne(t, h, exchange{request: again, status: 200})
	}
}

func TestALinkThatCannotBeGuessedOpensWithoutAToken(t *testing.T) {
	k := &clock{noon}
	next := counter()
	h := New(Options{Now: k.Now, NewID: func() string { return "random-" + next() }, BaseURL: "https://acme.example.com/"})
	status := start(t, h, startURL, "")
	k.now = k.now.Add(completeAt)
	file := results(t, h, status, 200)
	if !strings.HasPrefix(file, "GET https://acme.example.com/api/v1/nql/results/random-") {
		t.Errorf("link %s", file)
	}
	checkOne(t, h, exchange{request: file, headers: "Tokenbooth-Tenant:", status: 200})
	checkOne(t, h, exchange{request: file, headers: "Tokenbooth-Tenant: other", status: 404})
}

func TestTheLinkLeadsToWhereTheCallerAsked(t *testing.T) {
	for headers, want := range map[string]string{
		"": "http://example.com/",
		"X-Forwarded-Proto: https\nX-Forwarded-Host: acme.api.eu.example.com": "https://acme.api.eu.example.com/",
		"X-Forwarded-Proto: javascript":                                       "http://example.com/",
	} {
		h, k := newSandbox()
		status := start(t, h, startURL, "")
		k.now = k.now.Add(completeAt)
		checkOne(t, h, exchange{request: status, headers: headers, status: 200, has: []string{`"resultsFileUrl":"` + want + `api/v1/nql/results/`}})
	}
}

func TestExportsAreRefusedAsDocumented(t *testing.T) {
	const export, body = "GET /api/v1/nql/export", "POST /api/v1/nql/export"
	check(t, []exchange{
		{name: "unknown query", request: body, body: `{"queryId":"#nothing_here"}`, status: 404, want: "-"},
		{name: "no query", request: export, status: 400, has: []string{`"code":400`}},
		{name: "unknown compression", request: body, body: `{"queryId":"#all_users","compression":"ZIP"}`, status: 400, has: []string{"NONE, ZSTD, GZIP"}},
		{name: "empty compression", request: body, body: `{"queryId":"#all_users","compression":""}`, status: 400},
		{name: "unknown compression in the link", request: export + "?queryId=%23all_users&compression=zip", status: 400},
		{name: "parameter missing", request: body, body: `{"queryId":"#number_of_crashes"}`, status: 400, has: []string{"collector_uid"}},
		{name: "parameters that are no object", request: export + "?queryId=%23all_users&parameters=x", status: 400},
		{name: "query twice", request: export + "?queryId=%23all_users&queryId=%23all_users", status: 400},
		{name: "parameters as JSON", request: export + "?queryId=%23devices_by_platform&parameters=%7B%22platform%22%3A%22macOS%22%7D", status: 200},
		{name: "parameters by name", request: export + "?queryId=%23devices_by_platform&platform=macOS", status: 200},
	})
}

func TestTruncatedAndFailedExportsSaySo(t *testing.T) {
	h, k := newSandbox()
	long := start(t, h, "POST /api/v1/nql/export", `{"queryId":"#installed_packages"}`)
	failing := start(t, h, "POST /api/v1/nql/export", `{"queryId":"#failing_query"}`)
	k.now = k.now.Add(completeAt)
	w := checkOne(t, h, exchange{request: results(t, h, long, 206), status: 200})
	if n := strings.Count(w.Body.String(), "\n"); n != mostRows+1 {
		t.Errorf("%d lines", n)
	}
	checkOne(t, h, exchange{request: failing, status: 200, want: `{"status":"ERROR","resultsFileUrl":null,"errorDescription":"the field device.no_such_field does not exist"}`})
}

func TestResultsAreCompressedAsAsked(t *testing.T) {
	for compression, unpack := range map[string]func(t *testing.T, b []byte) []byte{
		"NONE": func(_ *testing.T, b []byte) []byte { return b },
		"GZIP": func(t *testing.T, b []byte) []byte {
			r, err := gzip.NewReader(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return plain
		},
		"ZSTD": func(t *testing.T, b []byte) []byte { return unzstd(t, b) },
	} {
		h, k := newSandbox()
		status := start(t, h, "POST /api/v1/nql/export", `{"queryId":"#all_users","compression":"`+compression+`"}`)
		k.now = k.now.Add(completeAt)
		w := checkOne(t, h, exchange{request: results(t, h, status, 200), status: 200})
		if plain := unpack(t, w.Body.Bytes()); !bytes.HasPrefix(plain, []byte("user.name,")) {
			t.Errorf("%s: %q", compression, plain)
		}
	}
}

// unzstd unpacks with the program zstd where there is one.
func unzstd(t *testing.T, frame []byte) []byte {
	t.Helper()
	program, err := exec.LookPath("zstd")
	if err != nil {
		t.Skip("there is no zstd to check with")
	}
	cmd := exec.Command(program, "-dc")
	cmd.Stdin = bytes.NewReader(frame)
	plain, err := cmd.Output()
	if err != nil {
		t.Fatalf("zstd: %v", err)
	}
	return plain
}

func TestZstandardFramesOfEverySizeUnpack(t *testing.T) {
	for _, size := range []int{0, 1, 1<<17 - 1, 1 << 17, 1<<17 + 1, 300_000} {
		plain := bytes.Repeat([]byte("x"), size)
		if got := unzstd(t, zstandard(plain)); !bytes.Equal(got, plain) {
			t.Errorf("%d bytes became %d", size, len(got))
		}
	}
}

func TestADailyLimitOfExportCallsIsKeptPerTenant(t *testing.T) {
	k := &clock{noon}
	h := New(Options{Now: k.Now, DailyExportCalls: 2})
	status := start(t, h, startURL, "")
	checkOne(t, h, exchange{request: status, status: 200})
	w := checkOne(t, h, exchange{request: status, status: 429, want: "-"})
	if got := w.Header().Get("Retry-After"); got != "Sun, 15 Mar 2026 00:00:00 GMT" {
		t.Errorf("Retry-After %q", got)
	}
	checkOne(t, h, exchange{request: startURL, status: 429, want: "-"})
	checkOne(t, h, exchange{request: startURL, headers: "Tokenbooth-Tenant: other", status: 200})
	k.now = k.now.Add(12 * time.Hour)
	checkOne(t, h, exchange{request: startURL, status: 200})
}
