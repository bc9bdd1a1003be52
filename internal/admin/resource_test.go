package admin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/edge"
)

func TestTheAPISaysWhereItsTokensComeFrom(t *testing.T) {
	w := open(t)
	h := Metadata(deskURL, w.registry)
	read := func(method, path string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		return rec
	}
	rec := read(http.MethodGet, MetadataPath("acme"))
	var have map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &have); err != nil || rec.Code != 200 || rec.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v %v", rec.Code, rec.Header(), err)
	}
	want := map[string]any{"resource": deskURL + "/v1/tenants/acme", "authorization_servers": []any{"https://acme.test"},
		"scopes_supported": []any{"tokenbooth:owner", "tokenbooth:desk-owner", "tokenbooth:editor", "tokenbooth:desk-editor", "tokenbooth:auditor",
			"tokenbooth:desk-auditor", "tokenbooth:viewer", "tokenbooth:desk-viewer"},
		"bearer_methods_supported": []any{"header"}, "resource_documentation": deskURL + "/openapi"}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	for _, tenant := range []string{"closed", "none", "acme%2f", ""} {
		if rec := read(http.MethodGet, MetadataPath("")+tenant); rec.Code != 404 || strings.Contains(rec.Body.String(), "issuer") {
			t.Errorf("tenant %q: %d %s", tenant, rec.Code, rec.Body)
		}
	}
	if rec := read(http.MethodPost, MetadataPath("acme")); rec.Code != 405 {
		t.Errorf("POST: %d", rec.Code)
	}
}

func TestWhoeverShowsNoTokenIsToldWhereToGetOne(t *testing.T) {
	w := open(t)
	told := func(path, header string) string {
		return w.wants(401, "", "GET", path, "", "Authorization", header).Header.Get("WWW-Authenticate")
	}
	at := `resource_metadata="` + deskURL + `/.well-known/oauth-protected-resource/v1/tenants/acme"`
	for path, header := range map[string]string{"/v1/tenants/acme": "", "/v1/tenants/acme/clients": "Bearer made.up", "/v1/tenants/acme/keys": "Basic x"} {
		if got := told(path, header); !strings.HasPrefix(got, `Bearer realm="tokenbooth"`) || !strings.HasSuffix(got, ", "+at) || strings.Count(got, "resource_metadata") != 1 {
			t.Errorf("%s: %s", path, got)
		}
	}
	for _, path := range []string{"/v1/tenants", "/v1/tenants/none", "/v1/tenants/closed/clients"} {
		if got := told(path, ""); got != `Bearer realm="tokenbooth"` {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestTheAuditRecordHasTheCallerBehindAProxy(t *testing.T) {
	w := open(t)
	w.options.Door = &edge.Door{NewID: w.options.Door.NewID, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	w.server.Config.Handler = New(w.options)
	w.wants(403, "viewer", "POST", clients, `{"name":"x"}`, "X-Forwarded-For", "203.0.113.9")
	events, _, _, err := audit.Search(t.Context(), w.store, audit.Query{Tenant: "acme", ActorIs: "client:viewer", Outcome: audit.Refused})
	if err != nil || len(events) != 1 || events[0].Source != "203.0.113.9" {
		t.Errorf("%+v, %v", events, err)
	}
}
