package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

func fullTenant() *registry.Tenant {
	return &registry.Tenant{Name: "acme", Title: "Acme", Instance: "acme", Region: "eu", Hosts: []string{"a", "b"}, Issuer: "http://a", Dialects: []string{"oauth2"},
		Endpoints: []registry.Endpoint{{Path: "/t", Dialect: "oauth2", As: "/oauth2/token"}}, Algorithm: "ES256", AllowPasswordGrant: true, AllowBodylessToken: true,
		Disabled: true, ClientRate: registry.Rate{PerSecond: 1, Burst: 2}, Rate: registry.Rate{PerSecond: 0.5, Burst: 2}, RotateKeysEvery: time.Hour, OperatorsAPI: true,
		Follow: &registry.Follow{ClientID: "c", ClientSecretFile: "s", StaleAfter: time.Minute, WhenStale: "serve", SnapshotFor: time.Hour, NoSnapshot: true},
		APIs: []registry.API{{Name: "orders", Title: "Orders", Audience: "http://o", Upstream: "http://u", Dialect: "oauth2", Refusals: "r",
			Permissions: []registry.Permission{{Name: "orders.read", Label: "Read", Description: "see"}},
			Routes:      []registry.Route{{Method: "GET", Path: "/o", Permission: "orders.read", Rate: registry.Rate{PerSecond: 1, Burst: 1}, MaxBody: 9}},
			CORS:        &registry.CORS{Origins: []string{"*"}, Headers: []string{"x"}, ExposeHeaders: []string{"y"}, MaxAge: time.Second, Credentials: true}}}}
}

// TestNoChangeOfATenantGoesUnsaid: whatever field is added to the settings of a tenant, apply shows when it changes.
func TestNoChangeOfATenantGoesUnsaid(t *testing.T) {
	var fields []string
	var walk func(path string, at func(*registry.Tenant) reflect.Value)
	walk = func(path string, at func(*registry.Tenant) reflect.Value) {
		v := at(fullTenant())
		switch v.Kind() {
		case reflect.Pointer:
			walk(path, func(t *registry.Tenant) reflect.Value { return at(t).Elem() })
			return
		case reflect.Slice:
			walk(path+"[0]", func(t *registry.Tenant) reflect.Value { return at(t).Index(0) })
			return
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					walk(path+"."+v.Type().Field(i).Name, func(t *registry.Tenant) reflect.Value { return at(t).Field(i) })
				}
			}
			return
		}
		fields = append(fields, path)
		if v.IsZero() && path != ".APIs[0].Routes[0].Public" {
			t.Errorf("%s: fullTenant does not have it", path)
		}
		other := fullTenant()
		switch v := at(other); v.Kind() {
		case reflect.String:
			v.SetString(v.String() + "x")
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Int, reflect.Int64:
			v.SetInt(v.Int() + 1)
		case reflect.Float64:
			v.SetFloat(v.Float() + 1)
		default:
			t.Fatalf("%s is a %s", path, v.Kind())
		}
		if d := differ(traitsOf(fullTenant()), traitsOf(other)); len(d) == 0 && path != ".Name" {
			t.Errorf("%s changes, and nothing is said", path)
		}
	}
	walk("", func(t *registry.Tenant) reflect.Value { return reflect.ValueOf(t).Elem() })
	if len(fields) < 40 {
		t.Errorf("only %d fields were found", len(fields))
	}
}

func TestWhatChangesInATenantIsSaidOneByOne(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*registry.Tenant)
		want   string
	}{
		{"nothing", func(*registry.Tenant) {}, ""},
		{"a title", func(t *registry.Tenant) { t.Title = "Acme Ltd" }, `title: Acme → "Acme Ltd"`},
		{"a title taken away", func(t *registry.Tenant) { t.Title = "" }, `title: Acme → ""`},
		{"the order of hosts", func(t *registry.Tenant) { t.Hosts = []string{"b", "a"} }, "hosts: [a, b] → [b, a]"},
		{"a permission more", func(t *registry.Tenant) {
			t.APIs[0].Permissions = append(t.APIs[0].Permissions, registry.Permission{Name: "orders.delete"})
		},
			"apis.orders.permissions: + orders.delete"},
		{"a permission gone", func(t *registry.Tenant) { t.APIs[0].Permissions = nil }, "apis.orders.permissions: - orders.read"},
		{"a permission's label", func(t *registry.Tenant) { t.APIs[0].Permissions[0].Label = "Look" }, "apis.orders.permissions.orders.read.label: Read → Look"},
		{"a route made public", func(t *registry.Tenant) {
			t.APIs[0].Routes[0] = registry.Route{Method: "GET", Path: "/o", Public: true}
		},
			"apis.orders.routes: + GET /o is public\napis.orders.routes: - GET /o needs orders.read, 1/s, burst 1, at most 9 bytes"},
		{"an API more", func(t *registry.Tenant) { t.APIs = append(t.APIs, registry.API{Name: "bills", Upstream: "http://b"}) },
			"apis: + bills\napis.bills.upstream: \"\" → http://b"},
		{"an API gone", func(t *registry.Tenant) { t.APIs = nil }, "apis: - orders"},
		{"an API renamed", func(t *registry.Tenant) { t.APIs = []registry.API{{Name: "bills"}} }, "apis: + bills\napis: - orders"},
		{"cross-origin calls no more", func(t *registry.Tenant) { t.APIs[0].CORS = nil },
			"apis.orders.cors.origins: [*] → []\napis.orders.cors.headers: [x] → []\napis.orders.cors.expose_headers: [y] → []\napis.orders.cors.max_age: 1s → \"\"\napis.orders.cors.credentials: true → false"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, after := fullTenant(), fullTenant()
			test.change(after)
			var got []string
			for _, d := range differ(traitsOf(before), traitsOf(after)) {
				got = append(got, d.text(toChange))
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTwoAPIsOfOneNameAreTwo(t *testing.T) {
	before, after := fullTenant(), fullTenant()
	before.APIs = append(before.APIs, registry.API{Name: "orders", Upstream: "http://1"})
	after.APIs = append(after.APIs, registry.API{Name: "orders", Upstream: "http://2"})
	if got := fmt.Sprint(differ(traitsOf(before), traitsOf(after))); got != "[{apis.orders#2.upstream http://1 http://2}]" {
		t.Error(got)
	}
}

func TestWhatIsNotDeclaredIsNoTrait(t *testing.T) {
	with := []registry.Tenant{{Name: "a", Hosts: []string{"a"}, Issuer: "http://a", OperatorsAPI: true, APIs: []registry.API{}}}
	if err := registry.CheckTenants(with); err != nil {
		t.Fatal(err)
	}
	without := &registry.Tenant{Name: "b", Hosts: []string{"a"}, Issuer: "http://a", OperatorsAPI: true, Algorithm: "ES256"}
	if d := differ(traitsOf(&with[0]), traitsOf(without)); d != nil {
		t.Errorf("the built-in API, an empty list and the name count: %v", d)
	}
}
