package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// once checks that an answer shows one secret, and returns it.
func (a answer) once(t *testing.T, status int) string {
	t.Helper()
	a.wantStatus(t, status)
	found := a.secrets()
	slices.Sort(found)
	if found = slices.Compact(found); len(found) != 1 {
		t.Fatalf("%d secrets in the answer: %s", len(found), a.body)
	}
	return found[0]
}

// wantNoSecret checks answers that must not show any.
func wantNoSecret(t *testing.T, answers ...answer) {
	t.Helper()
	for _, a := range answers {
		if a.status >= 500 || len(a.secrets()) > 0 {
			t.Errorf("%d, with %d secrets: %s", a.status, len(a.secrets()), a.body)
		}
	}
}

func TestReq105_ASecretIsInOneAnswerOfTheAPIAndTwoLiveThroughARotation(t *testing.T) {
	t.Parallel()
	b := startTable(t, "", nil)
	p := b.enlist(t, "owner")
	const body = `{"name":"Warehouse","permissions":["orders.read"],"grants":["client_credentials"]}`
	key := "Idempotency-Key: " + keepSecret(fmt.Sprint("a-key-nobody-guesses-", time.Now().UnixNano()))
	made := p.ask(t, "POST", "/clients", body, key)
	old := made.once(t, 201)
	at := strings.TrimPrefix(made.header.Get("Location"), "/v1/tenants/acme")
	id := strings.TrimPrefix(at, "/clients/")
	again := p.ask(t, "POST", "/clients", body, key).want(t, 201, made.body) // for who lost the answer, and has the key
	again.wantHeader(t, "Idempotency-Replayed", "true").wantHeader(t, "Location", made.header.Get("Location"))
	p.ask(t, "POST", "/clients", strings.Replace(body, "Warehouse", "Other", 1), key).wantStatus(t, 422)
	p.ask(t, "POST", at+"/rotate", `{"overlap":3600}`).wantStatus(t, 428)
	p.ask(t, "POST", at+"/rotate", `{"overlap":3600}`, `If-Match: "7"`).wantStatus(t, 412)
	reads := func() {
		t.Helper()
		for _, path := range []string{at, "/clients", at + "/usage", "/events", "/overview", ""} {
			wantNoSecret(t, p.ask(t, "GET", path, ""))
		}
	}
	reads()
	rotated := p.ask(t, "POST", at+"/rotate", `{"overlap":3600}`, `If-Match: "1"`)
	fresh := rotated.once(t, 200)
	wantNoSecret(t, p.ask(t, "POST", at+"/rotate", `{"overlap":3600}`, "If-Match: *")) // a third would end one that is in use
	reads()
	if !b.buys(t, id, old) || !b.buys(t, id, fresh) {
		t.Error("during a rotation one of the two secrets does not work")
	}
	b.later(t, time.Hour+time.Second)
	p.buy(t).wantStatus(t, 200)
	if b.buys(t, id, old) || !b.buys(t, id, fresh) {
		t.Error("after a rotation the old secret works, or the new one does not")
	}

	ends := b.now().Add(time.Hour).UTC().Format(time.RFC3339)
	etag := p.ask(t, "GET", at, "").header.Get("ETag")
	put := p.ask(t, "PUT", at, strings.TrimSuffix(body, "}")+`,"expires":"`+ends+`"}`, "If-Match: "+etag)
	wantNoSecret(t, put.wantStatus(t, 200))
	b.later(t, time.Hour+2*time.Second)
	if b.buys(t, id, fresh) {
		t.Error("a client gets a token after its end")
	}
}

func TestReq105_ASecretIsInOneAnswerOfTheConsole(t *testing.T) {
	t.Parallel()
	b := startTable(t, "", nil)
	v := b.hire(t, "ada@example.com", "editor@acme") // a link will do: nothing here is dangerous
	made := v.submit(t, "/t/acme/new-client", "/t/acme/new-client", "name", "Warehouse", "permission", "orders.read", "grant", "client_credentials", "ends", "never")
	old := made.once(t, 200)
	id := regexp.MustCompile(`-u ([\w-]+):` + old).FindStringSubmatch(made.body)
	if id == nil {
		t.Fatalf("no command is shown with the secret: %s", made.body)
	}
	at := "/t/acme/clients/" + id[1]
	reads := func() {
		t.Helper()
		for _, page := range []string{at, at + "/edit", at + "/try", "/t/acme/clients", "/t/acme", "/t/acme/audit", "/t/acme/audit/export?format=csv"} {
			wantNoSecret(t, v.ask(t, "GET", page, ""))
		}
	}
	reads()
	wantNoSecret(t, v.post(t, at+"/rotate", "rev", "7", "overlap", "1h"))
	fresh := v.submit(t, at, at+"/rotate", "overlap", "1h").once(t, 200)
	wantNoSecret(t, v.post(t, at+"/rotate", "rev", "1", "overlap", "1h")) // the same form once more: the page was loaded anew
	reads()
	if !b.buys(t, id[1], old) || !b.buys(t, id[1], fresh) {
		t.Error("during a rotation one of the two secrets does not work")
	}
	b.later(t, 61*time.Minute)
	if b.buys(t, id[1], old) || !b.buys(t, id[1], fresh) {
		t.Error("after a rotation the old secret works, or the new one does not")
	}
}

// afar runs the program in a folder without settings: all it knows of the desk is its address and a credential.
func afar(t *testing.T, b *booth, id, secret string, args ...string) string {
	t.Helper()
	return tool(t, []string{"TOKENBOOTH_SERVER=" + b.operators, "TOKENBOOTH_CLIENT_ID=" + id, "TOKENBOOTH_CLIENT_SECRET=" + secret, "PWD=" + t.TempDir()},
		plainProgram, append(args, "-t", "demo")...)
}

func TestTheCommandsWorkAtAServerElsewhere(t *testing.T) {
	t.Parallel()
	b := ownDemo(t)
	var op, made, turned struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	parse := func(out string, v any) {
		t.Helper()
		if err := json.Unmarshal([]byte(out), v); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	parse(b.tell(t, "", "client", "create", "-t", "demo", "--name", "Pipeline", "-p", "tokenbooth:editor", "--json"), &op)
	far := func(args ...string) string { t.Helper(); return afar(t, b, op.ID, keepSecret(op.Secret), args...) }
	within(t, freshness, "the program gets a token", func() bool { return b.buys(t, op.ID, op.Secret) })

	parse(far("client", "create", "--name", "Warehouse", "-p", "nql", "--json"), &made)
	parse(far("client", "rotate", made.ID, "--overlap", "1h", "--json"), &turned)
	if !b.buys(t, made.ID, keepSecret(made.Secret)) || !b.buys(t, made.ID, keepSecret(turned.Secret)) {
		t.Error("of a client made and rotated from afar, one secret does not work")
	}
	within(t, freshness, "a client is shown here as it is from afar", func() bool { // the server writes down uses a moment later
		return b.tell(t, "", "client", "show", made.ID, "-t", "demo", "--json") == far("client", "show", made.ID, "--json")
	})
	if here, there := b.tell(t, "", "audit", "list", "-t", "demo", "--json"), far("audit", "list", "--json"); here != there || !strings.Contains(here, `"client:`+op.ID+`"`) {
		t.Errorf("the audit record is shown here as\n%s\nand from afar as\n%s", here, there)
	}
	refused := call(t, "GET", b.public+"/api/v1/workflows", "", "Authorization: Bearer x").wantStatus(t, 401).header.Get("X-Request-Id")
	within(t, freshness, "the refusal is explained", func() bool {
		return strings.Contains(b.tell(t, "", "audit", "list", "-t", "demo", "--refusals"), refused)
	})
	if out := far("explain", refused); !strings.Contains(out, "no such opaque token") {
		t.Errorf("explained from afar as %s", out)
	}
	file := filepath.Join(t.TempDir(), "clients.yaml")
	writeFile(t, file, "tenant: demo\nclients:\n  - {id: declared, name: Declared, permissions: [nql]}\n")
	secrets := t.TempDir()
	far("apply", "-f", file, "--yes", "--secrets", secrets)
	secret, err := os.ReadFile(filepath.Join(secrets, "demo.declared.secret"))
	if err != nil || !b.buys(t, "declared", keepSecret(string(secret))) {
		t.Errorf("what was declared from afar gets no token: %v", err)
	}
	if out := far("apply", "-f", file, "--check"); !strings.Contains(out, "1 unchanged") {
		t.Errorf("applied twice from afar: %s", out)
	}
	far("client", "disable", made.ID)
	if b.buys(t, made.ID, turned.Secret) {
		t.Error("disabled from afar, it gets tokens")
	}
	out, problems, code := command(t, t.TempDir(), "", "client", "list", "-t", "demo", "--server", b.operators)
	if code != 1 || !strings.Contains(problems, "TOKENBOOTH_CLIENT_ID") {
		t.Errorf("without a credential it ends with %d: %s%s", code, out, problems)
	}
}
