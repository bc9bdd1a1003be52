package console

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/registry/registrytest"
)

func TestTheDeskHasALogOfItsOwn(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	ed := w.person("ed@example.com", map[string]operator.Role{"acme": operator.Editor})
	owner.signIn()
	page := owner.get("/audit")
	wants(t, page, http.StatusOK, "<h1>Desk audit log</h1>", "An operator signed in", "An operator was registered", "root (command line)", `<a href="/operators/`+ed.ID+`"`, "N. ed@example.com",
		`href="/audit/export?format=csv"`, `<option value="operator.sign-in">`, `<a href="/audit" aria-current="page">`)
	if strings.Contains(page.Body.String(), `value="client.create"`) {
		t.Error("acts are offered that are never in this log")
	}
	wants(t, owner.get("/audit?act=operator.create&subject="+ed.ID), http.StatusOK, "An operator was registered", "N. ed@example.com")
	if rest := owner.get("/audit?act=operator.create&subject=" + ed.ID).Body.String(); strings.Contains(rest, "An operator signed in") {
		t.Error("the search finds what was not asked for")
	}
	wants(t, owner.get("/audit?since=never"), http.StatusUnprocessableEntity, `id="since-error"`)
	sheet := owner.get("/audit/export?format=csv&act=operator.create")
	wants(t, sheet, http.StatusOK, "operator.create", "operator:"+ed.ID)
	if name := sheet.Header().Get("Content-Disposition"); !strings.Contains(name, `filename="audit-the-desk-2026`) {
		t.Errorf("the file is called %s", name)
	}
	events, _, _, err := w.Office.Operators(&operator.Actor{Fresh: true, Roles: map[string]operator.Role{operator.All: operator.Owner}}).Events(t.Context(), audit.Query{Act: "operator.create", Limit: 1})
	if err != nil || len(events) != 1 {
		t.Fatal(events, err)
	}
	wants(t, owner.get("/audit/"+events[0].ID), http.StatusOK, "An operator was registered", `<a href="/audit">Desk audit log</a>`, "for good", "cli:root")
	wants(t, owner.get("/audit/nothing"), http.StatusNotFound)
	wants(t, owner.get("/t/acme/audit/"+events[0].ID), http.StatusNotFound)
	for _, target := range []string{"/audit", "/audit/export", "/audit/" + events[0].ID} {
		wants(t, ed.get(target), http.StatusForbidden)
	}
	if strings.Contains(ed.get("/t/acme").Body.String(), `href="/audit"`) {
		t.Error("an editor of one tenant is shown the way to it")
	}
}

func TestARefusedSignInIsExplainedInTheLogOfTheDesk(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	w.ask(http.MethodPost, "/sign-in", "username=ada%40example.com&password=wrong&code=000000")
	page := owner.get("/audit?act=operator.sign-in.refuse")
	for deadline := time.Now().Add(2 * time.Second); !strings.Contains(page.Body.String(), "tag-bad") && time.Now().Before(deadline); page = owner.get("/audit?act=operator.sign-in.refuse") {
		time.Sleep(10 * time.Millisecond) // refusals are written in batches
	}
	wants(t, page, http.StatusOK, "A sign-in to the console was refused", "N. ada@example.com")
}

func TestPeopleInALogLeadToTheirPages(t *testing.T) {
	w := newDeskWorld(t)
	bob, err := w.registry.CreateUser(t.Context(), "cli:root", registry.User{Tenant: "acme", Username: "bob@acme.test", UserSpec: registry.UserSpec{Name: payload}}, deskPassword)
	w.must(err)
	auditor := w.signIn("anna", operator.Auditor)
	const page = `<a href="/t/acme/users/bob@acme.test"`
	w.event(audit.Event{ID: "by-name", Act: "token.refuse", Actor: "user:bob@acme.test", Outcome: audit.Refused, Reason: "invalid_grant: wrong"})
	w.event(audit.Event{Act: "token.refuse", Actor: "user:nobody@acme.test", Outcome: audit.Refused})
	w.event(audit.Event{Act: "token.refuse", Actor: "user:" + payload, Outcome: audit.Refused})
	auditor.get("/t/acme/audit?subject=user:"+bob.ID).shows(t, 200, "A user was created", page)
	auditor.get("/t/acme/audit?actor=user:bob@acme.test").shows(t, 200, page)
	auditor.get("/t/acme/audit/by-name").shows(t, 200, page, "user:bob@acme.test")
	if body := auditor.get("/t/acme/audit?act=token.refuse").body; strings.Contains(body, "/users/nobody") || !strings.Contains(body, "user:nobody@acme.test") {
		t.Error("who is not there has a page, or is not named")
	}
	const program = `<a href="/t/acme/clients/`
	for actor, linked := range map[string]bool{"program:acme/" + w.client.ID: true, "program:other/" + w.client.ID: false, "program:acme/nobody": false, "program:acme": false} {
		id := w.event(audit.Event{Act: "user.update", Actor: actor, Outcome: audit.Allowed})
		whole := auditor.get("/t/acme/audit/" + id)
		whole.shows(t, 200, actor)
		if strings.Contains(whole.body, program+w.client.ID+`"`) != linked {
			t.Errorf("%s: linked is not %v", actor, linked)
		}
	}
	for _, tenant := range []string{"acme", "other"} { // to look for somebody in a tenant of others is no attempt of the reader
		tried, _, _, err := w.office.At(&operator.Actor{Roles: map[string]operator.Role{operator.All: operator.Owner}}, tenant).Events(t.Context(), audit.Query{Act: "operator.refuse", Limit: 1})
		if err != nil || len(tried) > 0 {
			t.Errorf("written down at %s: %v %v", tenant, tried, err)
		}
	}
	w.must(registrytest.DeleteUser(t.Context(), w.registry, "cli:root", "acme", bob.Username))
	if body := auditor.get("/t/acme/audit?subject=user:" + bob.ID).body; strings.Contains(body, page) || !strings.Contains(body, "bob@acme.test") {
		t.Error("a deleted user has a page, or lost the name")
	}
}
