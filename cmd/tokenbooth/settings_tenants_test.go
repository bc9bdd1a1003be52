package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// folderOf writes settings with a folder of tenants, and loads them.
func folderOf(t *testing.T, files map[string]string) (*settings, error) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	all := map[string]string{"f.yaml": "listen: 127.0.0.1:80\ntenant_files: tenants/\n" + aTenant}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return loadSettings("f.yaml", nil)
}

const tenantB = "name: b\nhosts: [b.localhost]\nissuer: http://b.localhost\n"

func TestTenantsOfTheFolderComeBehindThoseOfTheSettingsFile(t *testing.T) {
	s, err := folderOf(t, map[string]string{"tenants/2.yaml": tenantB, "tenants/1.yaml": strings.ReplaceAll(tenantB, "b", "c"),
		"tenants/.b.yaml": tenantB, "tenants/.b.yaml-123": "x", "tenants/b.yaml~": tenantB, "tenants/README": "x", "tenants/old/b.txt": tenantB})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.tenantNames(), " "); got != "a c b" || s.own() != 1 {
		t.Errorf("there are %s, %d of them its own", got, s.own())
	}
	places := map[string]string{}
	for _, f := range s.inForce() {
		places[f.Field] = f.Place
	}
	for field, want := range map[string]string{"tenants[0].name": "f.yaml:3", "tenants[1].name": "tenants/1.yaml:1", "tenants[2].issuer": "tenants/2.yaml:3",
		"tenants[2].algorithm": "default", "tenant_files": "f.yaml:2"} {
		if places[field] != want {
			t.Errorf("%s is said to be decided by %s, want %s", field, places[field], want)
		}
	}
}

func TestEachFaultOfATenantsFileHasAPlace(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "tenants/b.yaml:1:1: the settings of a tenant are empty; they are what an entry of tenants has in the settings file"},
		{"null", "~\n", "tenants/b.yaml:1:1: here belongs a group of fields, not nothing"},
		{"two of them", tenantB + "---\n" + tenantB, "tenants/b.yaml:4:1: the settings of a tenant are one document: what comes after --- would not be read"},
		{"a misspelt field", "name: b\nhost: [b]\n", `tenants/b.yaml:2:1: there is no setting "host"; did you mean hosts?`},
		{"a field of the settings", "name: b\nlisten: x\n", `tenants/b.yaml:2:1: there is no setting "listen"`},
		{"no name", "hosts: [b]\n", `tenants/b.yaml:1:1: name: a tenant's name is 1 to 64 of a-z, 0-9 and -, not ""`},
		{"no hosts", "name: b\nissuer: http://b\n", "tenants/b.yaml:1:1: hosts: a tenant needs a host name to be found by"},
		{"a name of the settings file", strings.Replace(tenantB, "name: b", "name: a", 1), "tenants/b.yaml:1:7: name: tenant a is declared at f.yaml:3:18 already; one of the two has to go"},
		{"a host of the settings file", "name: b\nissuer: http://b\nhosts: [b, a.localhost]\n", "tenants/b.yaml:3:8: hosts: host a.localhost belongs to tenant a already"},
		{"an issuer of the settings file", "name: b\nissuer: http://a.localhost\nhosts: [b]\n", "tenants/b.yaml:2:9: issuer: issuer http://a.localhost belongs to tenant a already"},
		{"a length of time", tenantB + "rotate_keys_every: 1d\n", `tenants/b.yaml:4:20: a length of time is like 30s or 5m, not "1d"`},
		{"a route", tenantB + "apis:\n  - name: x\n    routes:\n      - {method: GET, path: x}\n", `tenants/b.yaml:7:9: apis[0].routes[0]: a route is a method and a path that starts with /, not "GET" "x"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := folderOf(t, map[string]string{"tenants/b.yaml": test.text})
			if err == nil {
				t.Fatal("no fault was found")
			}
			if message, _, _ := strings.Cut(err.Error(), "\n"); message != test.want {
				t.Errorf("message\n got %s\nwant %s", message, test.want)
			}
		})
	}
}

func TestTheFolderOfTenantsHasBounds(t *testing.T) {
	if _, err := folderOf(t, map[string]string{"tenants/b.yaml": tenantB + "#" + strings.Repeat("x", maxSettings)}); err == nil || !strings.HasPrefix(err.Error(), "tenants/b.yaml:1:1: the settings of a tenant are larger than 1024 KiB") {
		t.Errorf("a large file: %v", err)
	}
	files := map[string]string{}
	for i := range maxTenantFiles + 1 {
		files[fmt.Sprintf("tenants/%04d.yaml", i)] = "name: b\n"
	}
	if _, err := folderOf(t, files); err == nil || !strings.HasPrefix(err.Error(), "f.yaml:2:15: tenant_files: tenants has more than 1000 files") {
		t.Errorf("many files: %v", err)
	}
	if _, err := folderOf(t, nil); err == nil || !strings.HasPrefix(err.Error(), "f.yaml:2:15: tenant_files: there is no folder tenants; ") {
		t.Errorf("no folder: %v", err)
	}
	if _, err := folderOf(t, map[string]string{"tenants/b.yaml/x": ""}); err == nil || err.Error() != "read the tenant of tenants/b.yaml: it is no file" {
		t.Errorf("a folder for a file: %v", err)
	}
}

// FuzzTenantFile: what can be read can be written so that it is read again as the same, and differs from itself in nothing.
func FuzzTenantFile(f *testing.F) {
	f.Add(tenantB + "title: \"a\\tb: c # d\\n e \"\nrate: {per_second: 0.5, burst: 2}\nrotate_keys_every: 720h\n")
	f.Add(tenantB + "apis:\n  - &x\n    name: x\n    refusals: |\n      ### a\n      # @when b\n\n      {{c}}\n    permissions: [{name: p, label: ~}]\n    cors: {origins: [\"*\"], max_age: 1s}\n")
	f.Add("name: \"007\"\nhosts: [~, yes, 0x1F, '::1']\nfollow: {client_id: 1.50}\n")
	f.Add("- name: b\n---\n\t!x")
	f.Fuzz(func(t *testing.T, text string) {
		is, err := tenantPage("t.yaml", []byte(text)).tenant()
		if err != nil {
			if err.Error() == "" {
				t.Error("a fault without a message")
			}
			return
		}
		p, again, err := tenantText("t.yaml", is)
		if err != nil {
			return // it is refused, and not written otherwise than it was meant
		}
		if d := differ(traitsOf(is), traitsOf(again)); d != nil {
			t.Errorf("written and read again it differs: %v\n%s", d, p.text)
		}
		if err := registry.CheckTenants([]registry.Tenant{*is}); (err == nil) != (registry.CheckTenants([]registry.Tenant{*again}) == nil) {
			t.Errorf("written and read again it is judged otherwise: %v\n%s", err, p.text)
		}
		if d := differ(nil, traitsOf(is)); (len(d) == 0) != (len(traitsOf(is)) == 0) {
			t.Errorf("new, it has no differences: %v", traitsOf(is))
		}
		if !reflect.DeepEqual(traitsOf(is), traitsOf(again)) {
			t.Error("the traits differ")
		}
	})
}
