package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// declare gives acme everything that settings can say of what the contract shows, and has the server know token endpoints.
func (w *world) declare() *registry.Tenant {
	w.t.Helper()
	all := tenants()
	t := &all[0]
	t.Title, t.Instance, t.Region, t.AllowBodylessToken = "Acme", "acme-one", "eu", true
	t.Dialects, t.Endpoints = []string{"oauth2"}, []registry.Endpoint{{Path: "/own/token", Dialect: "nexthink", As: "/api/v1/token"}}
	a := &t.APIs[0]
	a.Title, a.Dialect, a.Upstream = "Flows", "nexthink", "http://inside.acme.test:9000"
	a.Permissions[0] = registry.Permission{Name: "workflows", Label: "Workflows", Description: "Run them."}
	a.Routes = []registry.Route{{Method: "GET", Path: "/flows/{id}", Permission: "workflows", Rate: registry.Rate{PerSecond: 2.5}, MaxBody: 1 << 20},
		{Method: "GET", Path: "/status", Public: true}}
	w.must(w.registry.SetTenants(all))
	w.options.TokenEndpoints = func(t *registry.Tenant) []TokenEndpoint {
		return []TokenEndpoint{{Dialect: "oauth2", Url: t.Issuer + "/oauth2/token"}}
	}
	w.server.Config.Handler = New(w.options)
	return t
}

func TestWhereCallsGoIsShownToWhoeverMayReadSettingsAndNothingElseIsKeptBack(t *testing.T) {
	w := open(t)
	w.declare()
	var shown []Tenant
	for role, inside := range map[operator.Role]bool{operator.Owner: true, operator.Auditor: true, operator.Editor: false, operator.Viewer: false} {
		a := w.wants(200, string(role), "GET", "/v1/tenants/acme", "")
		one := read[Tenant](t, a)
		all := read[TenantList](t, w.wants(200, string(role), "GET", "/v1/tenants", ""))
		if len(all.Tenants) != 1 || !reflect.DeepEqual(all.Tenants[0], one) {
			t.Errorf("%s: the list has %+v, the tenant is %+v", role, all, one)
		}
		if got := strings.Contains(a.body, "inside.acme.test"); got != inside {
			t.Errorf("%s is shown the upstream: %v, want %v: %s", role, got, inside, a.body)
		}
		if string(one.Role) != string(role) {
			t.Errorf("%s is told its role is %s", role, one.Role)
		}
		one.Role, one.Apis[0].Upstream = "", ""
		shown = append(shown, one)
	}
	for _, other := range shown[1:] {
		if !reflect.DeepEqual(other, shown[0]) {
			t.Errorf("two roles are shown %+v and %+v", shown[0], other)
		}
	}
	events, _, _, err := audit.Search(t.Context(), w.store, audit.Query{Tenant: "acme", Act: office.Refused})
	if err != nil || len(events) != 0 {
		t.Errorf("to look at a tenant has left %+v, %v", events, err)
	}
}

func TestATenantIsTheSameFromAfar(t *testing.T) {
	w := open(t)
	here := w.declare()
	there, err := w.remote("owner", nil).Tenant()
	w.must(err)
	want := *here
	want.APIs = append([]registry.API(nil), here.APIs...)
	if len(there.APIs) != 2 || there.APIs[1].Name != registry.OperatorsAPIName || !reflect.DeepEqual(there.PermissionNames(), here.PermissionNames()) {
		t.Fatalf("the APIs are %+v", there.APIs)
	}
	want.APIs = want.DeclaredAPIs()
	there.APIs = there.DeclaredAPIs()
	if !reflect.DeepEqual(*there, want) {
		t.Errorf("the tenant is\n%+v, from afar\n%+v", want, *there)
	}
	shown, err := w.remote("owner", nil).Shown(t.Context())
	w.must(err)
	if len(shown.TokenEndpoints) != 1 || shown.TokenEndpoints[0] != (TokenEndpoint{Dialect: "oauth2", Url: "https://acme.test/oauth2/token"}) {
		t.Errorf("tokens are given out at %+v", shown.TokenEndpoints)
	}
}

func TestADisabledTenantIsShownAsOneToAProgramOfTheDesk(t *testing.T) {
	w := open(t)
	w.tokens["desk"] = w.program("other", "desk", registry.DeskPrefix+"viewer")
	all := tenants()
	all[0].Disabled = true
	w.must(w.registry.SetTenants(all))
	staff, err := DialStaff(w.server.URL, func(context.Context) (string, error) { return w.tokens["desk"], nil }, nil)
	w.must(err)
	found, err := staff.Tenants(t.Context())
	w.must(err)
	var names []string
	for _, one := range found {
		names = append(names, one.Name)
		if one.Disabled != (one.Name == "acme") || one.Registered().Disabled != one.Disabled || one.Role != Role(operator.Viewer) {
			t.Errorf("%+v", one)
		}
		if one.Registered().OperatorsAPI != (one.Name != "closed") {
			t.Errorf("%s: programs of operators may be registered: %v", one.Name, one.Registered().OperatorsAPI)
		}
	}
	if strings.Join(names, " ") != "acme closed other" {
		t.Errorf("a program of the desk sees %v", names)
	}
}

func TestATenantOfAnotherNameIsNotTakenForTheOneThatWasAskedFor(t *testing.T) {
	for _, name := range []string{"", "other", "x/../../acme", "ACME"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(Tenant{Name: name, Issuer: "https://acme.test"})
		}))
		r, err := Dial(t.Context(), server.URL, "acme", func(context.Context) (string, error) { return "x", nil }, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Tenant(); err == nil {
			t.Errorf("%q is taken for acme: %+v", name, got)
		}
		server.Close()
	}
}

func TestADialectAndWhoHasFetchedTheKeysAreReadByEveryRole(t *testing.T) {
	w := open(t)
	for _, role := range operator.Roles() {
		d := read[Dialect](t, w.wants(200, string(role), "GET", "/v1/tenants/acme/dialects/oauth2", ""))
		if d.Source != "# a contract" || len(d.Transcripts) != 1 {
			t.Errorf("%s: %+v", role, d)
		}
		w.wants(404, string(role), "GET", "/v1/tenants/acme/dialects/nobodys", "")
		keys := read[KeyList](t, w.wants(200, string(role), "GET", "/v1/tenants/acme/keys", ""))
		if len(keys.Fetches) != 1 || keys.Fetches[0].Agent != "acme" || !keys.Fetches[0].Current {
			t.Errorf("%s: %+v", role, keys.Fetches)
		}
	}
	w.wants(403, "stranger", "GET", "/v1/tenants/acme/dialects/oauth2", "")
	w.wants(401, "", "GET", "/v1/tenants/acme/dialects/oauth2", "")
}
