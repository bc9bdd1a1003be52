package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// bodylessTenant has callers that send a credential and nothing else.
const bodylessTenant = `    allow_bodyless_token: %t
    endpoints: [{path: /api/v1/token, dialect: nexthink, as: /api/v1/token}]
`

// A client of which a surface says no more than a name and a permission is the same client whichever surface it was, and does what its
// tenant allows: also the request of seed S4, a credential without a body.
func TestS4_WhatASurfaceDoesNotSayOfAClientTheTenantDecides(t *testing.T) {
	for _, allowed := range []bool{true, false} {
		t.Run(fmt.Sprintf("allow_bodyless_token %t", allowed), func(t *testing.T) {
			b := startTable(t, fmt.Sprintf(bodylessTenant, allowed), nil)
			ids := b.registerEverywhere(t)
			var first string
			for surface, who := range ids {
				said := b.shown(t, who[0])
				if first == "" {
					first = said
				}
				if said != first || !strings.Contains(said, fmt.Sprintf(`"allow_bodyless_token":%t`, allowed)) ||
					!strings.Contains(said, `"grants":["client_credentials"]`) {
					t.Errorf("%s: %s\nelsewhere: %s", surface, said, first)
				}
				basic := "Authorization: Basic " + basicOf(who[0], who[1])
				want := map[bool]int{true: 200, false: 400}[allowed]
				within(t, freshness, surface+" is answered as the tenant allows", func() bool { return call(t, "POST", b.public+"/api/v1/token", "", basic).status == want })
			}
			if !allowed {
				b.wantBodylessAdvice(t, ids["command"])
			}
		})
	}
}

// registerEverywhere makes a client on each surface, and returns id and secret by surface.
func (b *booth) registerEverywhere(t *testing.T) map[string][2]string {
	t.Helper()
	made := map[string][2]string{}
	id, secret := b.register(t, "One", "-p", "orders.read")
	made["command"] = [2]string{id, secret}

	if _, problems, code := command(t, b.dir, "shall be weak\n", "client", "import", "imported", "--name", "One", "-p", "orders.read", "--secret-stdin",
		"-c", "tokenbooth.yaml"); code != 0 {
		t.Fatal(problems)
	}
	made["import"] = [2]string{"imported", "shall be weak"}

	file, secrets := filepath.Join(b.dir, "clients.yaml"), filepath.Join(b.dir, "secrets")
	if err := os.WriteFile(file, []byte("tenant: acme\nclients: [{id: applied, name: One, permissions: [orders.read]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.operate(t, "apply", "-f", file, "--yes", "--secrets", secrets)
	text, err := os.ReadFile(filepath.Join(secrets, "acme.applied.secret"))
	if err != nil {
		t.Fatal(err)
	}
	made["apply"] = [2]string{"applied", keepSecret(string(text))}

	editor := b.enlist(t, "editor")
	const one = `{"name":"One","permissions":["orders.read"]`
	a := editor.ask(t, "POST", "/clients", one+"}").wantStatus(t, 201).body
	made["API"] = [2]string{regexp.MustCompile(`"id":"([^"]+)","name"`).FindStringSubmatch(a)[1], keepSecret(member(a, "secret"))}
	editor.ask(t, "POST", "/clients/import", one+`,"id":"imported-far","secret":"shall be weak"}`).wantStatus(t, 201)
	made["API import"] = [2]string{"imported-far", "shall be weak"}

	v := b.hire(t, "ada@example.com", "owner")
	made["console"] = fillIn(t, v)
	return made
}

// fillIn sends the console's form for a new client as it is shown, with a name and a permission: boxes that are ticked stay ticked.
func fillIn(t *testing.T, v *visitor) [2]string {
	t.Helper()
	const at = "/t/acme/new-client"
	pairs := []string{"name", "One", "permission", "orders.read"}
	form := v.ask(t, "GET", at, "").wantStatus(t, 200).body
	for _, box := range regexp.MustCompile(`<input [^>]*type="(?:checkbox|radio)"[^>]* checked[^>]*>`).FindAllString(form, -1) {
		if name := between(box, ` name="`, `"`); name != "" {
			pairs = append(pairs, name, between(box, ` value="`, `"`))
		}
	}
	a := v.submit(t, at, at, pairs...).wantStatus(t, 200)
	text := func(id string) string {
		return regexp.MustCompile(`id="` + id + `"[^>]*>([^<]+)<`).FindStringSubmatch(a.body)[1]
	}
	return [2]string{text("client-id"), keepSecret(text("client-secret"))}
}

// shown is a client as client show has it, without what is of one client alone.
func (b *booth) shown(t *testing.T, id string) string {
	t.Helper()
	var c map[string]any
	if err := json.Unmarshal([]byte(b.operate(t, "client", "show", id, "--json")), &c); err != nil {
		t.Fatal(err)
	}
	for _, own := range []string{"client_id", "secrets", "created", "created_by", "updated", "updated_by"} {
		delete(c, own)
	}
	text, _ := json.Marshal(c)
	return string(text)
}

// wantBodylessAdvice asks once more and has it explained: the refusal says what is not allowed, and how to allow it.
func (b *booth) wantBodylessAdvice(t *testing.T, who [2]string) {
	t.Helper()
	a := call(t, "POST", b.public+"/api/v1/token", "", "Authorization: Basic "+basicOf(who[0], who[1])).wantStatus(t, 400)
	if member(a.body, "error") != "unauthorized_client" {
		t.Errorf("the caller reads %s", a.body)
	}
	var said string
	within(t, freshness, "the refusal is kept", func() bool {
		out, _, code := command(t, b.dir, "", "explain", a.header.Get("X-Request-Id"), "--json", "-c", "tokenbooth.yaml")
		said = out
		return code == 0
	})
	for _, want := range []string{"bodyless_not_allowed: tenant acme does not allow token requests without a body", "allow_bodyless_token",
		"grant_type=client_credentials", "--bodyless"} {
		if !strings.Contains(said, want) {
			t.Errorf("explain does not say %q: %s", want, said)
		}
	}
}
