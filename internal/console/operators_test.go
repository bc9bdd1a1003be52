package console

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/operator"
)

func (p *person) operatorRev(id string) string {
	p.t.Helper()
	o, err := p.people.Get(p.t.Context(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	return strconv.FormatUint(o.Edition, 10)
}

func TestAnOperatorIsInvitedByALinkThatIsShownOnce(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	if rec := owner.get("/operators/new"); rec.Code != http.StatusOK {
		t.Fatalf("the form: %d", rec.Code)
	}
	rec := owner.post("/operators", "username", "Joan@Example.com", "name", hostile, "role:acme", "editor", "role:other", "")
	body := rec.Body.String()
	if rec.Code != http.StatusOK || !strings.Contains(body, consoleURL+"/sign-in/link?key=tbl_") || strings.Contains(body, "<script>alert") {
		t.Fatalf("%d: %s", rec.Code, body)
	}
	joan, err := w.people.ByName(t.Context(), "joan@example.com")
	if err != nil || joan.Roles["acme"] != operator.Editor || len(joan.Roles) != 1 || joan.CreatedBy != "operator:"+owner.ID {
		t.Fatalf("%+v, %v", joan, err)
	}
	if page := owner.get("/operators/" + joan.ID).Body.String(); strings.Contains(page, "tbl_") || !strings.Contains(page, "not set up yet") {
		t.Error("the link is shown again, or the page says nothing of proofs")
	}
	if list := owner.get("/operators").Body.String(); !strings.Contains(list, "joan@example.com") || !strings.Contains(list, "editor · acme") {
		t.Error("the list lacks her")
	}
	rec = owner.post("/operators", "username", "joan@example.com", "role:acme", "editor")
	if rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), `id="username-error"`) {
		t.Errorf("a name that is taken: %d", rec.Code)
	}
	rec = owner.post("/operators", "username", "x@example.com", "role:acme", "emperor")
	if rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), `role="alert"`) && !strings.Contains(rec.Body.String(), "roles-error") {
		t.Errorf("a role that is none: %d", rec.Code)
	}
}

// What a form of ours has not is not written: OWASP API3.
func TestReq048_FieldsThatAFormHasNotAreNotWritten(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	p := w.person("ed@example.com", map[string]operator.Role{"acme": operator.Editor})
	rec := owner.post("/operators/"+p.ID, "rev", p.operatorRev(p.ID), "name", "Ed", "role:acme", "viewer", "id", "x", "hash", "x", "username", "root", "disabled", "true",
		"roles[*]", "owner", "role:nowhere", "owner", "created_by", "x")
	if rec.Code != http.StatusSeeOther {
		t.Fatalf("%d: %s", rec.Code, rec.Body)
	}
	o, err := w.people.Get(t.Context(), p.ID)
	if err != nil || o.Username != "ed@example.com" || o.Disabled || len(o.Roles) != 1 || o.Roles["acme"] != operator.Viewer || o.CreatedBy != "cli:root" {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestALostUpdateIsToldAndWhoWasFaster(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	p := w.person("ed@example.com", map[string]operator.Role{"acme": operator.Editor})
	old := p.operatorRev(p.ID)
	if rec := owner.post("/operators/"+p.ID, "rev", old, "name", "First", "role:acme", "editor"); rec.Code != http.StatusSeeOther {
		t.Fatalf("the first: %d", rec.Code)
	}
	rec := owner.post("/operators/"+p.ID, "rev", old, "name", "Second", "role:acme", "editor")
	if body := rec.Body.String(); rec.Code != http.StatusConflict || !strings.Contains(body, "N. ada@example.com changed it") || !strings.Contains(body, "Load it again") {
		t.Errorf("the second: %d %s", rec.Code, body)
	}
	if rec := owner.post("/operators/"+p.ID, "name", "Third"); rec.Code != http.StatusBadRequest {
		t.Errorf("without a revision: %d", rec.Code)
	}
}

func TestDeletingAsksForTheNameAndTheLastOwnerStays(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	p := w.person("ed@example.com", map[string]operator.Role{"acme": operator.Editor})
	if rec := owner.post("/operators/"+p.ID+"/delete", "rev", p.operatorRev(p.ID), "typed", "ed"); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "typed-error") {
		t.Errorf("half the name: %d", rec.Code)
	}
	if rec := owner.post("/operators/"+p.ID+"/delete", "rev", p.operatorRev(p.ID), "typed", "ed@example.com"); rec.Header().Get("Location") != "/operators" {
		t.Errorf("the name: %d", rec.Code)
	}
	if rec := p.get("/t/acme"); rec.Code != http.StatusSeeOther {
		t.Errorf("the deleted operator: %d", rec.Code)
	}
	if rec := owner.get("/operators/" + p.ID); rec.Code != http.StatusNotFound {
		t.Errorf("the page of the deleted: %d", rec.Code)
	}
	if list := owner.get("/operators").Body.String(); strings.Contains(list, "ed@example.com") {
		t.Error("the deleted operator is listed")
	}
	for _, act := range []string{"/delete", "/disable"} {
		if rec := owner.post("/operators/"+owner.ID+act, "rev", p.operatorRev(owner.ID), "typed", "ada@example.com"); rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "owner") {
			t.Errorf("the last owner %s: %d", act, rec.Code)
		}
	}
}

func TestLosingADeviceStartsOverWithALink(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	p := w.person("ed@example.com", map[string]operator.Role{"acme": operator.Editor})
	rec := owner.post("/operators/"+p.ID+"/clear-proofs", "rev", p.operatorRev(p.ID))
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "/sign-in/link?key=tbl_") {
		t.Fatalf("%d: %s", rec.Code, rec.Body)
	}
	if rec := p.get("/t/acme"); rec.Code != http.StatusSeeOther {
		t.Errorf("the old session: %d", rec.Code)
	}
}

func TestReq099_SessionsAreListedAndEnded(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	p := w.person("ed@example.com", map[string]operator.Role{"acme": operator.Editor})
	first := p.cookie
	w.advance(time.Minute)
	p.signIn()
	all, err := w.people.Sessions(t.Context(), p.ID)
	if err != nil || len(all) < 2 {
		t.Fatal(len(all), err)
	}
	if page := p.get("/account").Body.String(); strings.Count(page, "/end\"") != len(all) || strings.Count(page, "this one</span>") != 1 {
		t.Errorf("the account page lists %d of %d", strings.Count(page, "/end\""), len(all))
	}
	if rec := p.post("/account/sessions/end-others"); rec.Code != http.StatusSeeOther {
		t.Fatalf("%d", rec.Code)
	}
	kept := p.cookie
	if p.cookie = first; p.get("/account").Code != http.StatusSeeOther {
		t.Error("another session lives on")
	}
	p.cookie = kept
	if p.get("/account").Code != http.StatusOK {
		t.Error("this session ended too")
	}
	mine, err := w.people.Sessions(t.Context(), owner.ID)
	if err != nil {
		t.Fatal(err)
	}
	p.post("/account/sessions/" + mine[0].ID + "/end") // somebody else's
	if owner.get("/account").Code != http.StatusOK {
		t.Error("an editor ended an owner's session")
	}
	if rec := owner.post("/operators/" + p.ID + "/sessions/end"); rec.Code != http.StatusSeeOther || p.get("/account").Code != http.StatusSeeOther {
		t.Error("an owner cannot end them")
	}
}

func TestOnlyOwnersAndAuditorsOfTheDeskSeeOperators(t *testing.T) {
	w := newWorld(t)
	for name, roles := range map[string]map[string]operator.Role{
		"editor": {operator.All: operator.Editor}, "viewer": {operator.All: operator.Viewer}, "auditor of a tenant": {"acme": operator.Auditor},
		"owner of a tenant": {"acme": operator.Owner}, "nobody": nil,
	} {
		p := w.person(strings.ReplaceAll(name, " ", "-")+"@example.com", roles)
		for _, target := range []string{"/operators", "/operators/new", "/operators/" + p.ID} {
			if rec := p.get(target); rec.Code != http.StatusForbidden {
				t.Errorf("%s at %s: %d", name, target, rec.Code)
			}
		}
		for _, target := range []string{"/operators", "/operators/" + p.ID, "/operators/" + p.ID + "/invite", "/operators/" + p.ID + "/disable", "/operators/" + p.ID + "/clear-proofs"} {
			if rec := p.post(target, "rev", p.operatorRev(p.ID), "username", "x@example.com", "role:*", "owner"); rec.Code != http.StatusForbidden {
				t.Errorf("%s posts to %s: %d", name, target, rec.Code)
			}
		}
		if page := p.get("/account").Body.String(); strings.Contains(page, `href="/operators"`) {
			t.Errorf("%s is shown the way to operators", name)
		}
	}
}

func TestAnAuditorOfTheDeskReadsAboutOperatorsAndIsOfferedNoChange(t *testing.T) {
	w := newWorld(t)
	owner := w.owner()
	auditor := w.person("audrey@example.com", map[string]operator.Role{operator.All: operator.Auditor})
	owner.signIn()
	form := regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	for target, shown := range map[string]string{"/operators": "N. ada@example.com", "/operators/" + owner.ID: "<h2>Sessions</h2>", "/operators/" + auditor.ID: "this one",
		"/audit": "An operator was registered", "/settings": "booth.yaml:1"} {
		page := auditor.get(target)
		wants(t, page, http.StatusOK, shown, `href="/operators"`, `href="/audit"`, `href="/settings"`)
		for _, to := range form.FindAllStringSubmatch(page.Body.String(), -1) {
			if to[1] != "/sign-out" {
				t.Errorf("%s offers the form %s", target, to[1])
			}
		}
		if strings.Contains(page.Body.String(), "/operators/new") {
			t.Errorf("%s offers a new operator", target)
		}
	}
	wants(t, auditor.get("/audit/export?format=csv"), http.StatusOK, "operator.create")
	wants(t, auditor.get("/operators/new"), http.StatusForbidden)
	for _, act := range []string{"", "/invite", "/disable", "/clear-proofs", "/delete", "/sessions/end"} {
		wants(t, auditor.post("/operators/"+owner.ID+act, "rev", owner.operatorRev(owner.ID), "typed", owner.Username, "role:*", "viewer"), http.StatusForbidden)
	}
}
