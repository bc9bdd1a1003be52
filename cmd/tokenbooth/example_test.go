package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func builtin() map[string]*dialect.Dialect {
	all := map[string]*dialect.Dialect{}
	for _, d := range dialect.Builtin() {
		all[d.Name] = d
	}
	return all
}

// TestTheExampleIsTheDialectsOwn: what client create shows to paste, for each contract.
func TestTheExampleIsTheDialectsOwn(t *testing.T) {
	machine := []oauth.GrantType{oauth.ClientCredentials}
	for _, test := range []struct {
		name   string
		tenant registry.Tenant
		client registry.Client
		want   string
	}{
		{"standard", registry.Tenant{Dialects: []string{"oauth2", "dadi"}}, registry.Client{Grants: machine},
			`curl -u ID:SECRET -d grant_type=client_credentials https://a.example/oauth2/token`},
		{"nexthink, with its scope", registry.Tenant{Dialects: []string{"nexthink"}}, registry.Client{Grants: machine},
			`curl -u ID:SECRET -d 'grant_type=client_credentials&scope=service:integration' https://a.example/oauth2/default/v1/token`},
		{"dadi, in JSON", registry.Tenant{Dialects: []string{"dadi"}}, registry.Client{Grants: machine},
			`curl -H 'Content-Type: application/json' -d '{"clientId":"ID","secret":"SECRET"}' https://a.example/token`},
		{"nexudus has no use for a client's credential", registry.Tenant{Dialects: []string{"nexudus", "dadi"}}, registry.Client{Grants: machine},
			`curl -H 'Content-Type: application/json' -d '{"clientId":"ID","secret":"SECRET"}' https://a.example/token`},
		{"a person's password", registry.Tenant{Dialects: []string{"oauth2"}}, registry.Client{Grants: []oauth.GrantType{oauth.RefreshToken, oauth.Password}},
			`curl -u ID:SECRET -d 'grant_type=password&username=USERNAME&password=PASSWORD' https://a.example/oauth2/token`},
		{"the dialect it is pinned to", registry.Tenant{Dialects: []string{"oauth2", "dadi"}}, registry.Client{Grants: machine, Dialects: []string{"dadi"}},
			`curl -H 'Content-Type: application/json' -d '{"clientId":"ID","secret":"SECRET"}' https://a.example/token`},
		{"a path of the tenant's own", registry.Tenant{Endpoints: []registry.Endpoint{{Path: "/connect/token", Dialect: "oauth2"}}}, registry.Client{Grants: machine},
			`curl -u ID:SECRET -d grant_type=client_credentials https://a.example/connect/token`},
		{"another endpoint of the dialect, without a body", registry.Tenant{Endpoints: []registry.Endpoint{{Path: "/old", Dialect: "nexthink", As: "/api/v1/token"}}},
			registry.Client{Grants: machine}, `curl -u ID:SECRET -X POST https://a.example/old`},
		{"none", registry.Tenant{Dialects: []string{"nexudus"}}, registry.Client{Grants: machine}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.tenant.Issuer, test.tenant.Hosts = "https://a.example", []string{"a.example"}
			e, terms := exampleFor(&test.tenant, &test.client, builtin())
			got := ""
			if e != nil {
				got = strings.ReplaceAll(e.curl(valuesFor("ID", "SECRET", terms)), " \\\n  ", " ")
			}
			if got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestTheExampleSurvivesTheShell: an imported id may have any printable character in it.
func TestTheExampleSurvivesTheShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell")
	}
	const id = `it's "$HOME" \ & | ; #` + "`id`"
	tenant := registry.Tenant{Issuer: "https://a.example", Hosts: []string{"a.example"}, Dialects: []string{"dadi"}}
	e, terms := exampleFor(&tenant, &registry.Client{Grants: []oauth.GrantType{oauth.ClientCredentials}}, builtin())
	for _, c := range []struct{ text, want string }{
		{quoted(id), id},
		{strings.Split(e.curl(valuesFor(id, "x", terms)), " \\\n  ")[2], `-d {"clientId":"it's \"$HOME\" \\ \u0026 | ; #` + "`id`" + `","secret":"x"}`},
	} {
		out, err := exec.Command(sh, "-c", "set -- "+c.text+`; printf '%s' "$*"`).CombinedOutput()
		if err != nil || string(out) != c.want {
			t.Errorf("the shell made of %s\n     %s\nwant %s (%v)", c.text, out, c.want, err)
		}
	}
}

func TestTheExampleIsAtAHostOfTheTenant(t *testing.T) {
	for _, test := range []struct {
		issuer string
		hosts  []string
		want   string
	}{
		{"https://login.example/tenant", []string{"login.example"}, "https://login.example"},
		{"http://LOCALHOST:8080", []string{"localhost"}, "http://LOCALHOST:8080"},
		{"https://issuer.example", []string{"login.example", "api.example"}, "https://login.example"},
		{"http://issuer.example:8080", []string{"::1"}, "http://[::1]:8080"},
	} {
		if got := origin(&registry.Tenant{Issuer: test.issuer, Hosts: test.hosts}); got != test.want {
			t.Errorf("%s %v: got %s, want %s", test.issuer, test.hosts, got, test.want)
		}
	}
}
