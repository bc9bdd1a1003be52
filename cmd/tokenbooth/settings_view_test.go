package main

import (
	"testing"
)

func TestSettingsAreShownWithWhereTheyComeFrom(t *testing.T) {
	s, err := parseSettings("dir/f.yaml", []byte(`listen: 127.0.0.1:80
log: {level: debug}
hsts: {max_age: 0s}
replay_window: 0s
public_health: true
scrapers: {hosts: [a.internal, b.internal], networks: [192.0.2.0/24]}
backup: {to: backups, keep: 3}
expiry_warnings: {webhook: "https://hooks.example.com/T0/secret?token=secret", secret_file: s}
tenants:
  - name: acme
    hosts: [a.example]
    issuer: https://a.example
    apis:
      - &flows
        name: flows
        upstream: http://user:password@127.0.0.1:9000
  - name: globex
    hosts: [g.example]
    issuer: https://g.example
    apis: [*flows]
`))
	if err != nil {
		t.Fatal(err)
	}
	s.over = map[string]string{"listen": "127.0.0.1:80"}
	s.Tenants[0].Algorithm = "ES256" // as the check fills it in
	if err := s.checkBackup(); err != nil {
		t.Fatal(err)
	}
	got := map[string][2]string{}
	for _, f := range s.inForce() {
		got[f.Field] = [2]string{f.Value, f.Place}
	}
	for field, want := range map[string][2]string{
		"listen":                      {"127.0.0.1:80", "--listen or $TOKENBOOTH_LISTEN"},
		"operators":                   {"127.0.0.1:8081", "default"},
		"log.level":                   {"debug", "f.yaml:2"},
		"backup.to":                   {"backups", "f.yaml:7"},
		"backup.every":                {"24h0m0s", "default"},
		"backup.keep":                 {"3", "f.yaml:7"},
		"hsts.max_age":                {"0s", "f.yaml:3"}, // nothing is something that a person said
		"replay_window":               {"0s", "f.yaml:4"},
		"public_health":               {"true", "f.yaml:5"},
		"scrapers.hosts":              {"a.internal, b.internal", "f.yaml:6"},
		"scrapers.networks":           {"192.0.2.0/24", "f.yaml:6"},
		"expiry_warnings.webhook":     {"https://hooks.example.com/…", "f.yaml:8"},
		"tenants[0].name":             {"acme", "f.yaml:10"},
		"tenants[0].algorithm":        {"ES256", "default"},
		"tenants[0].apis[0].name":     {"flows", "f.yaml:14"},
		"tenants[0].apis[0].upstream": {"http://127.0.0.1:9000", "f.yaml:14"},
		"tenants[1].apis[0].name":     {"flows", "f.yaml:20"},
	} {
		if got[field] != want {
			t.Errorf("%s: %v, want %v", field, got[field], want)
		}
	}
}
