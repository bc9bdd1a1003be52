package main

import (
	"os"
	"strings"
	"testing"
)

// TestEachFaultOfDeclarationsHasAPlace: what can be said of a file without knowing what is registered.
func TestEachFaultOfDeclarationsHasAPlace(t *testing.T) {
	const first = "clients:\n  - id: a\n"
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "f.yaml:1:1: the declarations are empty; tokenbooth apply --help shows some"},
		{"null", "~\n", "f.yaml:1:1: here belongs a group of fields, not nothing"},
		{"two documents", "tenant: a\n---\ntenant: b\n", "f.yaml:2:1: the declarations are one document: what comes after --- would not be read"},
		{"a misspelt field", first + "    grant: [password]\n", `f.yaml:3:5: there is no field "grant"; did you mean grants?`},
		{"a misspelt field above", "user: []\n", `f.yaml:1:1: there is no field "user"; did you mean users?`},
		{"the word of the command line", first + "    bodyless: true\n", `f.yaml:3:5: there is no field "bodyless"; here it is called allow_bodyless_token`},
		{"the word of the JSON", "clients: [{client_id: a}]\n", `f.yaml:1:12: there is no field "client_id"; here it is called id`},
		{"a text for a list", first + "    permissions: nql\n", "f.yaml:3:18: here belongs a list, not a text"},
		{"no value", first + "    permissions:\n", "f.yaml:3:17: here is no value: leave the field out to leave it as it is; [] is an empty list"},
		{"no value in a list", first + "    permissions: [a, ~]\n", "f.yaml:3:22: here is no value: leave the field out to leave it as it is; [] is an empty list"},
		{"a list entry of nothing", "clients:\n  -\n", "f.yaml:2:4: here is no value: leave the field out to leave it as it is; [] is an empty list"},
		{"an id that YAML would change", "clients:\n  - id: 007\n", "f.yaml:2:9: YAML reads this as a number; put it into quotes, so that it stays what is written"},
		{"an id in another base", "clients:\n  - id: 0x1F\n", "f.yaml:2:9: YAML reads this as a number; put it into quotes, so that it stays what is written"},
		{"an id with a point", "clients:\n  - id: 1.50\n", "f.yaml:2:9: YAML reads this as a number; put it into quotes, so that it stays what is written"},
		{"a client without an id", "clients:\n  - name: a\n", "f.yaml:2:5: clients[0].id: which client is it? A declaration is matched by its id"},
		{"a client twice", "clients:\n  - id: a\n  - id: a\n", "f.yaml:3:9: clients[1].id: client a is declared twice"},
		{"a user without a name", "users:\n  - name: a\n", "f.yaml:2:5: users[0].username: which user is it? A declaration is matched by its user name"},
		{"a user name of two words", "users:\n  - username: a b\n", `f.yaml:2:15: users[0].username: "a b" has spaces or control characters, or is not 1 to 254 bytes; an e-mail address serves best`},
		{"a user twice, in two spellings", "users:\n  - username: Ada\n  - username: ada\n", "f.yaml:3:15: users[1].username: user ada is declared twice"},
		{"an end that moves", first + "    expires: 90d\n", `f.yaml:3:14: "90d" is no end; write the last day (2027-01-31, to its end in UTC), a time (2027-01-31T12:00:00Z) or never`},
		{"a lifetime that is none", first + "    lifetime: soon\n", `f.yaml:3:15: "soon" is no duration; write one like 15m, 1h, 30d or 900 (seconds)`},
		{"a part of a second", first + "    lifetime: 10500ms\n", "f.yaml:3:15: 10500ms is not a number of whole seconds"},
		{"a name for a network", first + "    allow_from: [here]\n", `f.yaml:3:18: "here" is neither an address nor a network like 192.0.2.0/24 or 2001:db8::/32`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseDeclarations("f.yaml", []byte(test.text))
			if err == nil {
				t.Fatal("no fault was found")
			}
			message, excerpt, _ := strings.Cut(err.Error(), "\n")
			if message != test.want {
				t.Errorf("message\n got %s\nwant %s", message, test.want)
			}
			checkExcerpt(t, message, excerpt)
		})
	}
}

func TestASecretInDeclarationsIsRefusedAndNotRepeated(t *testing.T) {
	for _, word := range []string{"secret", "client_secret", "password", "hash", "totp_secret", `"password"`} {
		for _, text := range []string{
			"users:\n  - username: a\n    " + word + ": hunter2\n",
			"users: [{" + word + ": hunter2, name: [}\n",
			"clients:\n  - id: a\n    name: [b]\n    " + word + ": hunter2\n",
		} {
			_, err := parseDeclarations("f.yaml", []byte(text))
			if err == nil || !strings.Contains(err.Error(), "no secret belongs into this file") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s\n%v", text, err)
			}
		}
	}
	if _, err := parseDeclarations("f.yaml", []byte("clients: [{id: a, grants: [password], description: \"secret: none\"}]\n")); err != nil {
		t.Errorf("a grant, and a description, are taken for a secret: %v", err)
	}
}

func TestDeclarationsNameTheirTenant(t *testing.T) {
	s, err := parseSettings("s.yaml", []byte("listen: 127.0.0.1:80\ntenants:\n"+
		"  - {name: globex, hosts: [g.localhost], issuer: http://g.localhost}\n  - {name: acme, hosts: [a.localhost], issuer: http://a.localhost}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ text, flag, tenant, fault string }{
		{"tenant: acme\n", "", "acme", ""},
		{"tenant: acme\n", "acme", "acme", ""},
		{"clients: []\n", "globex", "globex", ""},
		{"clients: []\n", "", "", "s.yaml has 2 tenants: say which with tenant: NAME in f.yaml, or with --tenant NAME; there are acme, globex"},
		{"tenant: acme\n", "globex", "", "f.yaml:1:9: tenant: these are declarations for tenant acme, and --tenant says globex"},
		{"tenant: acne\n", "", "", `f.yaml:1:9: tenant: s.yaml has no tenant "acne"; there are acme, globex; did you mean acme?`},
	} {
		d, err := parseDeclarations("f.yaml", []byte(test.text))
		if err != nil {
			t.Fatal(err)
		}
		at, err := d.pickTenant(s, test.flag)
		if test.fault == "" && (err != nil || at.Name != test.tenant) || test.fault != "" && (err == nil || !strings.HasPrefix(err.Error(), test.fault)) {
			t.Errorf("%q with --tenant %q: %v, %v", test.text, test.flag, at, err)
		}
	}
}

// TestTheExamplesOfHelpAndDocumentsCanBeRead: whoever copies them gets a file that works.
func TestTheExamplesOfHelpAndDocumentsCanBeRead(t *testing.T) {
	doc, err := os.ReadFile("../../docs/apply.md")
	if err != nil {
		t.Fatal(err)
	}
	_, written, _ := strings.Cut(string(doc), "```yaml\n")
	written, _, _ = strings.Cut(written, "```")
	_, helped, _ := strings.Cut(applyCommand().Long, "\n\n")
	helped, more, _ := strings.Cut(helped, "\n\n")
	for name, text := range map[string]string{"docs/apply.md": written, "help": helped} {
		d, err := parseDeclarations(name, []byte(text+"\n"))
		if err != nil || d.Tenant != "demo" || len(d.Clients) != 1 || len(d.Users) != 1 {
			t.Errorf("%s: %+v, %v\n%s", name, d, err, text)
		}
	}
	_, more, _ = strings.Cut(more, "settings, with its clients and users:\n\n")
	more, _, _ = strings.Cut(more, "\n\n")
	_, tenants, _ := strings.Cut(string(doc), "```yaml\ntenants:")
	tenants, _, _ = strings.Cut(tenants, "```")
	for name, text := range map[string]string{"docs/apply.md": "tenants:" + tenants, "help": more} {
		y, err := inFolder(t, text+"\n", "")
		if err != nil || len(y.steps) != 1 || y.steps[0].act != toCreate || len(y.declared.of(0).Clients) != 1 {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

func FuzzDeclarations(f *testing.F) {
	f.Add("tenant: a\nclients:\n  - id: a\n    permissions: [b, b]\n    lifetime: 10m\n    expires: 2027-01-31\nusers:\n  - username: A\n")
	f.Add("clients: [&x {id: a, p: [q]}, {<<: *x}]\n")
	f.Add("clients:\n -\n - id: 007\n - ~\n---\n\t!x")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDeclarations("f.yaml", []byte(text))
		if err != nil {
			if err.Error() == "" {
				t.Error("a fault without a message")
			}
			return
		}
		tenant := planTenant()
		steps, err := d.plan(&tenant, &registered{}, planNow)
		if err != nil {
			return
		}
		if len(steps) != len(d.Clients)+len(d.Users) {
			t.Errorf("%d steps for %d declarations", len(steps), len(d.Clients)+len(d.Users))
		}
		is := bringAbout(&tenant, steps)
		if steps, err = d.plan(&tenant, is, planNow); err != nil {
			t.Fatalf("the second plan: %v", err)
		}
		for _, s := range steps {
			if s.act != toDoNone {
				t.Errorf("done once, there is still to do: %s %s %s %v", s.act, s.kind, s.id, s.changes)
			}
		}
	})
}
