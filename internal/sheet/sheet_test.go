package sheet

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

var machine = []oauth.GrantType{oauth.ClientCredentials}

// TestTheExampleIsTheDialectsOwn: what client create shows to paste, for each contract.
func TestTheExampleIsTheDialectsOwn(t *testing.T) {
	for _, test := range []struct {
		name   string
		tenant registry.Tenant
		client registry.Client
		want   string
	}{
		{"standard", registry.Tenant{Dialects: []string{"oauth2", "dadi"}}, registry.Client{ClientSpec: registry.ClientSpec{Grants: machine}},
			`curl -u ID:SECRET -d grant_type=client_credentials https://a.example/oauth2/token`},
		{"nexthink, with its scope", registry.Tenant{Dialects: []string{"nexthink"}}, registry.Client{ClientSpec: registry.ClientSpec{Grants: machine}},
			`curl -u ID:SECRET -d 'grant_type=client_credentials&scope=service:integration' https://a.example/oauth2/default/v1/token`},
		{"dadi, in JSON", registry.Tenant{Dialects: []string{"dadi"}}, registry.Client{ClientSpec: registry.ClientSpec{Grants: machine}},
			`curl -H 'Content-Type: application/json' -d '{"clientId":"ID","secret":"SECRET"}' https://a.example/token`},
		{"nexudus has no use for a client's credential", registry.Tenant{Dialects: []string{"nexudus", "dadi"}}, registry.Client{ClientSpec: registry.ClientSpec{Grants: machine}},
			`curl -H 'Content-Type: application/json' -d '{"clientId":"ID","secret":"SECRET"}' https://a.example/token`},
		{"a person's password", registry.Tenant{Dialects: []string{"oauth2"}, AllowPasswordGrant: true},
			registry.Client{ClientSpec: registry.ClientSpec{Grants: []oauth.GrantType{oauth.RefreshToken, oauth.Password}}},
			`curl -u ID:SECRET -d 'grant_type=password&username=USERNAME&password=PASSWORD' https://a.example/oauth2/token`},
		{"a person's password, which the tenant allows no more", registry.Tenant{Dialects: []string{"oauth2"}},
			registry.Client{ClientSpec: registry.ClientSpec{Grants: []oauth.GrantType{oauth.Password}}}, ""},
		{"the dialect it is pinned to", registry.Tenant{Dialects: []string{"oauth2", "dadi"}}, registry.Client{ClientSpec: registry.ClientSpec{Grants: machine, Dialects: []string{"dadi"}}},
			`curl -H 'Content-Type: application/json' -d '{"clientId":"ID","secret":"SECRET"}' https://a.example/token`},
		{"a path of the tenant's own", registry.Tenant{Endpoints: []registry.Endpoint{{Path: "/connect/token", Dialect: "oauth2"}}}, registry.Client{ClientSpec: registry.ClientSpec{Grants: machine}},
			`curl -u ID:SECRET -d grant_type=client_credentials https://a.example/connect/token`},
		{"another endpoint of the dialect, without a body", registry.Tenant{AllowBodylessToken: true,
			Endpoints: []registry.Endpoint{{Path: "/old", Dialect: "nexthink", As: "/api/v1/token"}}},
			registry.Client{ClientSpec: registry.ClientSpec{Grants: machine, AllowBodylessToken: true}}, `curl -u ID:SECRET -X POST https://a.example/old`},
		{"the same, where a request without a body would be refused", registry.Tenant{
			Endpoints: []registry.Endpoint{{Path: "/old", Dialect: "nexthink", As: "/api/v1/token"}}},
			registry.Client{ClientSpec: registry.ClientSpec{Grants: machine}}, `curl -u ID:SECRET -X POST 'https://a.example/old?grant_type=client_credentials'`},
		{"a client that may not use a header", registry.Tenant{Dialects: []string{"oauth2"}},
			registry.Client{ClientSpec: registry.ClientSpec{Grants: machine, AuthMethods: []oauth.AuthMethod{oauth.AuthPost}}},
			`curl -d 'grant_type=client_credentials&client_id=ID&client_secret=SECRET' https://a.example/oauth2/token`},
		{"a client that may not use a body", registry.Tenant{Dialects: []string{"dadi"}},
			registry.Client{ClientSpec: registry.ClientSpec{Grants: machine, AuthMethods: []oauth.AuthMethod{oauth.AuthBasic}}}, ""},
		{"none", registry.Tenant{Dialects: []string{"nexudus"}}, registry.Client{ClientSpec: registry.ClientSpec{Grants: machine}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.tenant.Issuer, test.tenant.Hosts = "https://a.example", []string{"a.example"}
			got := ""
			if all := For(&test.tenant, &test.client, builtin()); len(all) > 0 {
				got = strings.ReplaceAll(all[0].Command("ID", "SECRET"), " \\\n  ", " ")
			}
			if got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestEachContractIsThereOnce: every endpoint and grant, in the tenant's order.
func TestEachContractIsThereOnce(t *testing.T) {
	tenant := registry.Tenant{Issuer: "https://a.example", Hosts: []string{"a.example"}, Dialects: []string{"nexthink", "oauth2", "gone"}, AllowPasswordGrant: true,
		Endpoints: []registry.Endpoint{{Path: "/own", Dialect: "dadi"}}}
	client := registry.Client{ClientSpec: registry.ClientSpec{Grants: []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken}}}
	var got []string
	for _, c := range For(&tenant, &client, builtin()) {
		got = append(got, c.Title+" "+c.URL)
	}
	want := []string{
		"nexthink: client credentials at /oauth2/default/v1/token https://a.example/oauth2/default/v1/token",
		"nexthink: client credentials at /api/v1/token https://a.example/api/v1/token?grant_type=client_credentials",
		"oauth2: client credentials at /oauth2/token https://a.example/oauth2/token",
		"oauth2: password at /oauth2/token https://a.example/oauth2/token",
		"dadi: client credentials at /own https://a.example/own",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
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
	c := For(&tenant, &registry.Client{ClientSpec: registry.ClientSpec{Grants: machine}}, builtin())[0]
	for _, c := range []struct{ text, want string }{
		{Word(id), id}, {Word("=ls"), "=ls"}, {Word(""), ""},
		{strings.Split(c.Command(id, "x"), " \\\n  ")[2], `-d {"clientId":"it's \"$HOME\" \\ \u0026 | ; #` + "`id`" + `","secret":"x"}`},
	} {
		out, err := exec.Command(sh, "-c", "set -- "+c.text+`; printf '%s' "$*"`).CombinedOutput()
		if err != nil || string(out) != c.want {
			t.Errorf("the shell made of %s\n     %s\nwant %s (%v)", c.text, out, c.want, err)
		}
	}
	if Word("=ls") != "'=ls'" {
		t.Error("zsh would take =ls for the path of a command")
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
		if got := Origin(&registry.Tenant{Issuer: test.issuer, Hosts: test.hosts}); got != test.want {
			t.Errorf("%s %v: got %s, want %s", test.issuer, test.hosts, got, test.want)
		}
	}
}
