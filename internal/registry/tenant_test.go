package registry

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestTenantsThatCouldNotWorkAreRefusedWithTheirField(t *testing.T) {
	for name, c := range map[string]struct {
		change func([]Tenant)
		field  string
	}{
		"a bad name":      {func(ts []Tenant) { ts[0].Name = "Acme" }, "tenants[0].name"},
		"two of one name": {func(ts []Tenant) { ts[1].Name = "acme" }, "tenants[1].name"},
		"a host of two":   {func(ts []Tenant) { ts[1].Hosts = []string{"LOGIN.acme.test."} }, "tenants[1].hosts"},
		"Req 13: an issuer of two": {func(ts []Tenant) {
			ts[1].Issuer = ts[0].Issuer
		}, "tenants[1].issuer"},
		"no host":            {func(ts []Tenant) { ts[1].Hosts = nil }, "tenants[1].hosts"},
		"an empty host":      {func(ts []Tenant) { ts[1].Hosts = []string{""} }, "tenants[1].hosts"},
		"a dot for a host":   {func(ts []Tenant) { ts[1].Hosts = []string{"."} }, "tenants[1].hosts"},
		"a host with a port": {func(ts []Tenant) { ts[1].Hosts = []string{"login.other.test:443"} }, "tenants[1].hosts"},
		"a wildcard":         {func(ts []Tenant) { ts[1].Hosts = []string{"*.other.test"} }, "tenants[1].hosts"},
		"an issuer of ftp":   {func(ts []Tenant) { ts[0].Issuer = "ftp://login.acme.test" }, "tenants[0].issuer"},
		"an issuer with a ?": {func(ts []Tenant) { ts[0].Issuer = "https://login.acme.test/?a=b" }, "tenants[0].issuer"},
		"an issuer with a #": {func(ts []Tenant) { ts[0].Issuer = "https://login.acme.test/#a" }, "tenants[0].issuer"},
		"an issuer with a @": {func(ts []Tenant) { ts[0].Issuer = "https://bob@login.acme.test" }, "tenants[0].issuer"},
		"an issuer with a path, which its metadata would lose": {func(ts []Tenant) { ts[0].Issuer = "https://login.acme.test/tenants/acme" }, "tenants[0].issuer"},
		"a bad algorithm":     {func(ts []Tenant) { ts[0].Algorithm = "HS256" }, "tenants[0].algorithm"},
		"no algorithm":        {func(ts []Tenant) { ts[0].Algorithm = "none" }, "tenants[0].algorithm"},
		"a bad API":           {func(ts []Tenant) { ts[0].APIs[0].Name = "" }, "tenants[0].apis[0].name"},
		"two words of scope":  {func(ts []Tenant) { ts[0].APIs[0].Permissions[0].Name = "a b" }, "tenants[0].apis[0].permissions"},
		"a permission of two": {func(ts []Tenant) { ts[0].APIs[1].Permissions[0].Name = "workflows" }, "tenants[0].apis[1].permissions"},
		"Req 39: a route that says nothing": {func(ts []Tenant) {
			ts[0].APIs[0].Routes = []Route{{Method: "GET", Path: "/"}}
		}, "tenants[0].apis[0].routes[0]"},
		"a route with another API's permission": {func(ts []Tenant) {
			ts[0].APIs[0].Routes = []Route{{Method: "GET", Path: "/", Permission: "nql"}}
		}, "tenants[0].apis[0].routes[0]"},
		"a route that is public and not": {func(ts []Tenant) {
			ts[0].APIs[0].Routes = []Route{{Method: "GET", Path: "/", Permission: "workflows", Public: true}}
		}, "tenants[0].apis[0].routes[0]"},
		"a route without a path": {func(ts []Tenant) {
			ts[0].APIs[0].Routes = []Route{{Method: "GET", Path: "a", Public: true}}
		}, "tenants[0].apis[0].routes[0]"},
	} {
		ts := tenants()
		c.change(ts)
		if err := CheckTenants(ts); field(err) != c.field {
			t.Errorf("%s: %v, want a problem at %s", name, err, c.field)
		}
	}
}

func TestReq37_hosts_are_kept_in_the_one_spelling_requests_are_found_by(t *testing.T) {
	ts := tenants()
	ts[0].Hosts = []string{"Login.ACME.test.", "[::1]", "127.0.0.1", "0:0::2", "under_score.test"}
	if err := CheckTenants(ts); err != nil {
		t.Fatal(err)
	}
	if want := []string{"login.acme.test", "::1", "127.0.0.1", "::2", "under_score.test"}; !slices.Equal(ts[0].Hosts, want) {
		t.Errorf("%q", ts[0].Hosts)
	}
}

func TestWhatIsLeftOutIsFilledIn(t *testing.T) {
	r, _, _ := world(t)
	acme, ok := r.Tenant("acme")
	if !ok || acme.Algorithm != "ES256" || acme.APIs[1].Audience != "https://login.acme.test" {
		t.Errorf("%+v", acme)
	}
	if names := acme.PermissionNames(); !slices.Equal(names, []string{"workflows", "campaigns", "nql"}) {
		t.Errorf("%v", names)
	}
	if all := r.Tenants(); len(all) != 2 || all[0].Name != "acme" || all[1].Name != "other" {
		t.Errorf("%v", all)
	}
}

func TestTenantsAreSwappedWholeOrNotAtAll(t *testing.T) {
	r, _, _ := world(t)
	create(t, r, postman())
	bad := tenants()
	bad[1].Issuer = ""
	if err := r.SetTenants(bad); field(err) != "tenants[1].issuer" || !strings.Contains(err.Error(), "tenants[1].issuer") {
		t.Errorf("%v", err)
	}
	if _, ok := r.Tenant("other"); !ok {
		t.Error("faulty settings were applied")
	}

	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				c, err := r.Client(ctx, "acme", "postman")
				if err != nil || c.Audiences[0] == "" {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 100 {
		next := tenants()
		next[0].APIs[0].Audience = "https://new.acme.test"
		if err := r.SetTenants(next); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	readers.Wait()
	if c, err := r.Client(ctx, "acme", "postman"); err != nil || c.Audiences[0] != "https://new.acme.test" {
		t.Errorf("a client still has the audience of old settings: %+v %v", c, err)
	}
	if err := r.SetTenants(tenants()[1:]); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Client(ctx, "acme", "postman"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a client of a tenant that is gone: %v", err)
	}
}
