package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inFolder are declarations against settings with tenant a in the settings file, and b, if it is given, in the folder.
func inFolder(t *testing.T, text, b string) (*tenancy, error) {
	t.Helper()
	files := map[string]string{"tenants/.keep": ""}
	if b != "" {
		files["tenants/some.yaml"] = b
	}
	s, err := folderOf(t, files)
	if err != nil {
		t.Fatal(err)
	}
	d, err := parseDeclarations("d.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	return planTenants(d, s)
}

func TestThePlanOfTenants(t *testing.T) {
	const declaredB = "tenants:\n- name: b\n  hosts: [b.localhost]\n  issuer: http://b.localhost\n"
	for _, test := range []struct{ name, text, b, want string }{
		{"a new one", declaredB, "", "create b in tenants/b.yaml hosts:<nil>→[b.localhost] issuer:<nil>→http://b.localhost algorithm:<nil>→ES256"},
		{"as it is", declaredB, tenantB, "none b in tenants/some.yaml"},
		{"as it is, with what may be left out", declaredB + "  algorithm: ES256\n", tenantB, "none b in tenants/some.yaml"},
		{"changed", declaredB + "  title: B\n", tenantB, "change b in tenants/some.yaml title:→B"},
		{"less than there was", declaredB, tenantB + "title: B\n", "change b in tenants/some.yaml title:B→"},
		{"as it is in the settings file", "tenants: [{name: a, hosts: [A.localhost], issuer: http://a.localhost}]", "", "none a in tenants/a.yaml"},
		{"an alias", "tenants:\n- &x {name: b, hosts: [b], issuer: http://b, region: &r eu}\n- {name: c, hosts: [c], issuer: http://c, region: *r}\n", "",
			"create b in tenants/b.yaml region:<nil>→eu hosts:<nil>→[b] issuer:<nil>→http://b algorithm:<nil>→ES256\ncreate c in tenants/c.yaml region:<nil>→eu hosts:<nil>→[c] issuer:<nil>→http://c algorithm:<nil>→ES256"},
		{"a host that goes from one to the other", "tenants:\n- {name: b, hosts: [c], issuer: http://b.localhost}\n- {name: c, hosts: [b.localhost], issuer: http://c}\n", tenantB,
			"change b in tenants/some.yaml hosts:[b.localhost]→[c]\ncreate c in tenants/c.yaml hosts:<nil>→[b.localhost] issuer:<nil>→http://c algorithm:<nil>→ES256"},

		{"other than in the settings file", "tenants: [{name: a, hosts: [a.localhost], issuer: http://a.localhost, title: x}]", "",
			"d.yaml:1:11: tenants[0]: tenant a is declared at f.yaml:3:18, which apply never writes to, and differs there: title: \"\" → x; change it there, or move it into the folder tenants/"},
		{"without a name", "tenants: [{hosts: [b]}]", "", `d.yaml:1:11: tenants[0].name: a tenant's name is 1 to 64 of a-z, 0-9 and -, not ""`},
		{"a name that leads elsewhere", "tenants: [{name: ../b, hosts: [b], issuer: http://b}]", "", `d.yaml:1:18: tenants[0].name: a tenant's name is 1 to 64 of a-z, 0-9 and -, not "../b"`},
		{"in two places", "tenant: b\nclients: []\n" + declaredB, "", "d.yaml:1:9: tenant: tenant b is declared under tenants too: its clients and users belong there"},
		{"a file that another tenant has", "tenants: [{name: some, hosts: [s], issuer: http://s}]", tenantB,
			"d.yaml:1:11: tenants[0]: the file of tenant some would be tenants/some.yaml, and that has another tenant; rename it"},
		{"a dialect nobody knows", declaredB + "  dialects: [oauth3]\n", tenantB, `d.yaml:5:14: tenants[0].dialects[0]: there is no dialect "oauth3"; there are [dadi nexthink nexudus oauth2]`},
		{"a path of the desk", declaredB + "  apis: [{name: x, dialect: oauth2, upstream: http://x, routes: [{method: POST, path: /oauth2/revoke, public: true}]}]\n", "",
			"d.yaml:5:66: tenants[0].apis[0].routes[0]: calls of /oauth2/revoke never get to the API: the token desk answers there itself"},
		{"an API without an upstream", declaredB + "  apis: [{name: x, dialect: oauth2}]\n", "",
			"d.yaml:5:10: tenants[0].apis[0]: where shall calls go? Give an upstream, or check, where a reverse proxy asks for decisions"},
		{"refusals", declaredB + "  apis: [{name: x, dialect: oauth2, upstream: http://x, refusals: \"### a\\n# @when x\\n\"}]\n", "",
			`d.yaml:5:67: tenants[0].apis[0].refusals: tenants[0].apis[0].refusals:1:1: the block has no message: write a request line (POST /token) or a status line (HTTP/1.1 200 OK)`},
		{"a field without a value", declaredB + "  title:\n", "", "d.yaml:5:9: here is no value: give one, or leave the field out"},
		{"a client's field without a value", declaredB + "  clients: [{id: a, name: ~}]\n", "", "d.yaml:5:27: here is no value: leave the field out to leave it as it is; [] is an empty list"},
		{"a number for a name", declaredB + "  region: 007\n", "", "d.yaml:5:11: YAML reads this as a number; put it into quotes, so that it stays what is written"},
		{"a client twice", declaredB + "  clients: [{id: a}, {id: a}]\n", "", "d.yaml:5:27: tenants[0].clients[1].id: client a is declared twice"},
		{"a secret in a URL", declaredB + "  apis: [{name: x, upstream: \"http://u:hunter2@x\"}]\n", "",
			"d.yaml:5:30: tenants[0].apis[0].upstream: no secret belongs into this file, and none into a URL"},
		{"a secret in a URL as it is", declaredB + "  apis: [{name: x, dialect: oauth2, upstream: \"http://x\"}]\n", tenantB + "apis: [{name: x, dialect: oauth2, upstream: \"http://u:hunter2@x\"}]\n",
			"change b in tenants/some.yaml apis.x.upstream:http://…@x→http://x"},
		{"a secret", declaredB + "  users: [{username: a, password: hunter2}]\n", "", "d.yaml:5:25: password: no secret belongs into this file; what apply registers gets one, which is shown once"},
	} {
		t.Run(test.name, func(t *testing.T) {
			y, err := inFolder(t, test.text, test.b)
			var got []string
			if err != nil {
				message, _, _ := strings.Cut(err.Error(), "\n")
				got = []string{message}
			} else {
				for _, s := range y.steps {
					line := s.act + " " + s.id + " in " + s.tenant.page.file
					for _, c := range s.changes {
						line += fmt.Sprintf(" %s:%v→%v", c.Field, c.Old, c.New)
					}
					got = append(got, line)
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
				t.Error(diff)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret is shown: %v", err)
			}
			if left, err := os.ReadDir("tenants"); err != nil || len(left) > 2 {
				t.Errorf("a plan has written something: %v, %v", left, err)
			}
		})
	}
}

func TestSettingsThatSomebodyElseChangedAreNoticed(t *testing.T) {
	for name, test := range map[string]struct {
		file, text, want string
	}{
		"nothing":                      {"tenants/some.yaml", "# a remark\n" + tenantB, ""},
		"the tenant itself":            {"tenants/some.yaml", tenantB + "title: x\n", "the tenants of the settings were changed since the plan was made"},
		"another one":                  {"tenants/new.yaml", "name: c\nhosts: [c]\nissuer: http://c\n", "the tenants of the settings were changed since the plan was made"},
		"the settings, with a fault":   {"tenants/new.yaml", "name: c\nhosts: [c]\n", "tenants/new.yaml:1:1: issuer: an issuer is a URL"},
		"a tenant of the same host":    {"tenants/new.yaml", strings.Replace(tenantB, "name: b", "name: c", 1), "tenants/some.yaml:2:8: hosts: host b.localhost belongs to tenant c already"},
		"the settings, without folder": {"f.yaml", "listen: 127.0.0.1:80\n" + aTenant, "the tenants of the settings were changed since the plan was made"},
	} {
		t.Run(name, func(t *testing.T) {
			y, err := inFolder(t, "tenants: [{name: b, hosts: [b2.localhost], issuer: http://b.localhost}]\n", tenantB)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(test.file, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			err = y.unmoved(y.steps[0])
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
