package console

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestTheWalkFromTheListToAToken(t *testing.T) {
	w := newClientsWorld(t)
	wants(t, w.editor.get("/t/acme/clients"), 200, "<h1>API credentials</h1>", "No credentials yet", "New OAuth client credentials", `href="/t/acme/new-client"`)
	form := w.editor.get("/t/acme/new-client")
	wants(t, form, 200, "Save and generate credentials", `id="permission-workflows"`)
	wellFormed(t, form.Body.String())
	made := w.editor.post("/t/acme/new-client", "form", found(t, hiddenForm, form), "name", "Creator Studio", "permission", "workflows", "grant", "client_credentials", "ends", "never")
	wants(t, made, 200, "Client ID", "Secret", "Copy", "shown this once", "PowerShell", "GitHub Actions", "https://login.acme.test/oauth2/token")
	wellFormed(t, withoutCode(made))
	id, text := found(t, shownID, made), found(t, shownText, made)

	tried := w.editor.post("/t/acme/clients/"+id+"/try", "contract", "0", "secret", text)
	wants(t, tried, 200, "200 OK", "What the guard would say", `&#34;alg&#34;`, `&#34;client_id&#34;`, "What the token says")
	wellFormed(t, tried.Body.String())
	if strings.Contains(tried.Body.String(), text) {
		t.Error("the trial shows the secret")
	}
	wants(t, w.editor.post("/t/acme/clients/"+id+"/try", "contract", "0", "secret", text+"x"), 200, "401", "No token was given", "/t/acme/audit/public-1")
	wants(t, w.editor.post("/t/acme/clients/"+id+"/try", "contract", "0", "secret", ""), 422, "Paste the secret")
	wants(t, w.editor.post("/t/acme/clients/"+id+"/try", "contract", "99", "secret", text), 422, "Choose one")

	saved := w.editor.post("/t/acme/clients/"+id+"/download", "contract", "0", "recipe", "postman", "secret", text)
	wants(t, saved, 200)
	if h := saved.Header(); !strings.HasPrefix(h.Get("Content-Disposition"), "attachment; filename=") || h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("the download comes as %v", h)
	}
	wants(t, w.editor.post("/t/acme/clients/"+id+"/download", "contract", "0", "recipe", "nothing", "secret", text), 404)
	wants(t, w.viewer.get("/t/acme/clients"), 200, "Creator Studio", "1 client")
}

func TestReq105_ASecretIsInOneAnswerAndInNoPage(t *testing.T) {
	w := newClientsWorld(t)
	id, first := w.owner.newClient(t, "name", "Nightly", "permission", "nql")
	here := "/t/acme/clients/" + id
	rotated := w.owner.post(here+"/rotate", "rev", w.owner.seen(t, here), "overlap", "1h")
	wants(t, rotated, 200, "A new secret for Nightly", "The old secret works until")
	second := found(t, shownText, rotated)
	if second == first {
		t.Fatal("the new secret is the old one")
	}
	for _, target := range []string{"/t/acme/clients", here, here + "/edit", here + "/try", "/t/acme/new-client", "/t/acme/audit", "/t/acme"} {
		body := w.owner.get(target).Body.String()
		if strings.Contains(body, first) || strings.Contains(body, second) || strings.Contains(body, "sha256$") {
			t.Errorf("%s shows a secret or its hash", target)
		}
	}
	if strings.Contains(rotated.Body.String(), first) {
		t.Error("the rotation shows the old secret")
	}
	for name, text := range map[string]string{"old": first, "new": second} {
		wants(t, w.owner.post(here+"/try", "contract", "0", "secret", text), 200, "What the token says", name[:0])
	}
	page := w.owner.get(here)
	wants(t, page, 200, "Two secrets are live", "Retire now", "Undo the rotation")
	wellFormed(t, page.Body.String())
	wants(t, w.owner.post(here+"/rotate", "rev", w.owner.seen(t, here), "overlap", "1h"), 422, "live secrets already")
	wants(t, w.owner.post(here+"/rotate", "rev", w.owner.seen(t, here), "overlap", "3h"), 422, "choose one of these")
	wants(t, w.owner.post(here+"/undo-rotation", "rev", w.owner.seen(t, here)), 303)
	wants(t, w.owner.post(here+"/try", "contract", "0", "secret", second), 200, "No token was given")
	wants(t, w.owner.post(here+"/try", "contract", "0", "secret", first), 200, "What the token says")
	wants(t, w.owner.post(here+"/undo-rotation", "rev", w.owner.seen(t, here)), 422)
}

func TestTheMenuSaysWhereAFormBelongs(t *testing.T) {
	w := newClientsWorld(t)
	wants(t, w.editor.get("/t/acme/new-client"), 200, `<a href="/t/acme/clients" aria-current="page">`)
	wants(t, w.editor.get("/t/acme/new-user"), 200, `<a href="/t/acme/users" aria-current="page">`)
}

func TestAFormThatIsSentTwiceMakesOneClient(t *testing.T) {
	w := newClientsWorld(t)
	token := found(t, hiddenForm, w.editor.get("/t/acme/new-client"))
	fields := []string{"form", token, "name", "Twice", "grant", "client_credentials", "permission", "nql"}
	made := w.editor.post("/t/acme/new-client", fields...)
	wants(t, made, 200)
	again := w.editor.post("/t/acme/new-client", fields...)
	wants(t, again, 303)
	if at := again.Header().Get("Location"); at != "/t/acme/clients/"+found(t, shownID, made) {
		t.Errorf("the second leads to %s", at)
	}
	wants(t, w.editor.get(again.Header().Get("Location")), 200, "This form was sent before")
	wants(t, w.editor.get("/t/acme/clients"), 200, "1 client")
	wants(t, w.editor.post("/t/acme/new-client", "name", "No token"), 400)

	here := "/t/acme/clients/" + found(t, shownID, made)
	rev := w.editor.seen(t, here)
	wants(t, w.editor.post(here+"/rotate", "rev", rev, "overlap", "24h"), 200)
	wants(t, w.editor.post(here+"/rotate", "rev", rev, "overlap", "24h"), 303)
	wants(t, w.editor.get(here), 200, "Nothing was rotated")
}

func TestAProblemStandsAtItsFieldBesideWhatWasTyped(t *testing.T) {
	w := newClientsWorld(t)
	for name, c := range map[string]struct{ field, value, at, says string }{
		"no name":       {"name", "", "name", "needs a name"},
		"network":       {"allow_from", "10.0.0.5/8", "allow_from", "beyond its length"},
		"no network":    {"allow_from", "example.com", "allow_from", "neither an address nor a network"},
		"lifetime":      {"lifetime", "soon", "lifetime", "is no duration; write one like"},
		"long lifetime": {"lifetime", "9999h", "lifetime", "14 days"},
		"no permission": {"permission", "unheard-of", "permissions", "no permission"},
		"no dialect":    {"dialect", "klingon", "dialects", "does not speak"},
		"past":          {"ends_on", "2020-01-01", "expires", "is over already"},
		"no day":        {"ends_on", "31.1.2027", "expires", "year-month-day"},
		"token form":    {"token_form", "paper", "token_form", "a token is jwt"},
		"grant":         {"grant", "implicit", "grants", "a grant is"},
	} {
		t.Run(name, func(t *testing.T) {
			fields := []string{"form", found(t, hiddenForm, w.editor.get("/t/acme/new-client")), "description", "typed with care", "grant", "client_credentials", c.field, c.value}
			if c.field != "name" {
				fields = append(fields, "name", "Fine")
			}
			if c.field == "ends_on" {
				fields = append(fields, "ends", "on")
			}
			again := w.editor.post("/t/acme/new-client", fields...)
			wants(t, again, 422, `id="`+c.at+`-error"`, c.says, "typed with care")
			wellFormed(t, again.Body.String())
		})
	}
	wants(t, w.editor.get("/t/acme/clients"), 200, "No credentials yet")
	wants(t, w.editor.post("/t/acme/new-client", "form", "f1", "name", "No grant"), 422, `id="grants-error"`)
}

func TestWhatTheFormDoesNotHaveCannotBeWritten(t *testing.T) { // Req 48
	w := newClientsWorld(t)
	id, _ := w.editor.newClient(t, "name", "Plain", "tenant", "other", "created_by", "somebody", "credentials", "x", "disabled", "yes", "deleted", "yes", "bodyless", "yes", "not_before", "2020-01-01")
	c, err := w.registry.Client(t.Context(), "acme", id)
	if err != nil || c.Disabled || c.Deleted || c.AllowBodylessToken || c.CreatedBy != "operator:"+w.editor.ID {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestWhoWasFasterIsShownBesideWhatWasTyped(t *testing.T) {
	w := newClientsWorld(t)
	id, _ := w.owner.newClient(t, "name", "Shared", "permission", "nql")
	here := "/t/acme/clients/" + id
	rev := w.editor.seen(t, here+"/edit")
	wants(t, w.owner.post(here+"/edit", "rev", rev, "name", "Shared by Ada", "permission", "nql", "grant", "client_credentials"), 303)
	lost := w.editor.post(here+"/edit", "rev", rev, "name", "Shared by Ed", "permission", "workflows", "grant", "client_credentials")
	wants(t, lost, 409, "N. ada@example.com has changed this meanwhile", "Shared by Ada", "Shared by Ed", "Saved now", "Save mine")
	wellFormed(t, lost.Body.String())
	if c, _ := w.registry.Client(t.Context(), "acme", id); c.Name != "Shared by Ada" {
		t.Errorf("the name is %q", c.Name)
	}
	wants(t, w.editor.post(here+"/edit", "rev", found(t, hiddenRev, lost), "name", "Shared by Ed", "permission", "workflows", "grant", "client_credentials"), 303)
	wants(t, w.editor.get(here), 200, "Shared by Ed", "Saved.")
	wants(t, w.editor.post(here+"/disable", "rev", rev), 409, "Changed meanwhile")
	wants(t, w.editor.post(here+"/edit", "name", "Without a revision"), 400)
}

func TestReq047_AViewerChangesNothing(t *testing.T) {
	w := newClientsWorld(t)
	id, text := w.owner.newClient(t, "name", "Guarded", "permission", "nql")
	if _, err := w.registry.CreateUser(t.Context(), "cli:root", registry.User{Tenant: "acme", Username: "bob@acme.test"}, "seven purple tractors"); err != nil {
		t.Fatal(err)
	}
	before, _ := w.registry.Client(t.Context(), "acme", id)
	for _, r := range clientRoutes {
		method, path, _ := strings.Cut(r.pattern, " ")
		if method != http.MethodPost {
			continue
		}
		target := strings.NewReplacer("{tenant}", "acme", "{id}", id, "{username}", "bob@acme.test").Replace(path)
		rec := w.viewer.post(target, "form", "f1", "rev", "1", "name", "Mine", "grant", "client_credentials", "overlap", "0s", "typed", "wrong", "secret", text, "contract", "0", "recipe", "zsh", "username", "new@acme.test")
		if rec.Code != http.StatusForbidden || strings.Contains(rec.Body.String(), text) {
			t.Errorf("%s: %d", target, rec.Code)
		}
	}
	for _, target := range []string{"/t/acme/new-client", "/t/acme/clients/" + id + "/edit", "/t/acme/new-user"} {
		wants(t, w.viewer.get(target), 403)
	}
	if after, _ := w.registry.Client(t.Context(), "acme", id); after.Rev != before.Rev {
		t.Error("the client was changed")
	}
	page := w.viewer.get("/t/acme/clients/" + id)
	wants(t, page, 200, "Guarded", "Your role does not read the audit record")
	for _, button := range []string{"Disable", "Rotate", "Delete", "/edit"} {
		if strings.Contains(page.Body.String(), button) {
			t.Errorf("a viewer is offered %s", button)
		}
	}
}

func TestAnOperatorsProgramIsAnOwnersBusiness(t *testing.T) {
	w := newClientsWorld(t)
	wants(t, w.editor.get("/t/acme/new-client"), 200, "only an owner gives it")
	wants(t, w.editor.post("/t/acme/new-client", "form", "f1", "name", "Mine", "grant", "client_credentials", "permission", "tokenbooth:owner"), 403)
	id, _ := w.owner.newClient(t, "name", "Program", "permission", "tokenbooth:editor")
	here := "/t/acme/clients/" + id
	page := w.editor.get(here)
	wants(t, page, 200, "program of operators", "an editor may disable it")
	rev := w.owner.seen(t, here)
	wants(t, w.editor.post(here+"/edit", "rev", rev, "name", "Mine", "grant", "client_credentials"), 403)
	wants(t, w.editor.post(here+"/rotate", "rev", rev, "overlap", "0s"), 403)
	wants(t, w.editor.post(here+"/delete", "rev", rev, "typed", "Program"), 403)
	wants(t, w.editor.post(here+"/disable", "rev", rev), 303)
	wants(t, w.editor.post(here+"/enable", "rev", w.owner.seen(t, here)), 403)
}

func TestAProgramThatCountsEverywhereIsTheBusinessOfOwnersOfTheDesk(t *testing.T) {
	w := newClientsWorld(t)
	local := w.person("lo@example.com", map[string]operator.Role{"acme": operator.Owner})
	w.owner.signIn()
	const everywhere = "<legend>Everywhere</legend>"
	wants(t, w.owner.get("/t/acme/new-client"), 200, everywhere, `value="tokenbooth:desk-owner"`, "Owner of the desk", "counts in every tenant")
	offered := local.get("/t/acme/new-client")
	wants(t, offered, 200, "<legend>In this tenant</legend>", `value="tokenbooth:owner"`)
	for _, hidden := range []string{everywhere, `value="tokenbooth:desk-`} {
		if strings.Contains(offered.Body.String(), hidden) {
			t.Errorf("an owner of one tenant is shown %q", hidden)
		}
	}
	wants(t, local.post("/t/acme/new-client", "form", "f1", "name", "Mine", "grant", "client_credentials", "permission", "tokenbooth:desk-viewer"), 403)

	id, _ := w.owner.newClient(t, "name", "Program", "permission", "tokenbooth:desk-viewer")
	here := "/t/acme/clients/" + id
	wants(t, w.owner.get(here), 200, `action="`+here+`/rotate"`, here+"/edit", "in every tenant")
	page := local.get(here)
	wants(t, page, 200, "Only an owner of the desk changes it", "in every tenant", `action="`+here+`/disable"`)
	for _, act := range []string{"/edit", "/rotate", "/retire", "/delete", "/try", "/drop-permissions"} {
		if strings.Contains(page.Body.String(), here+act) {
			t.Errorf("an owner of one tenant is offered %s", act)
		}
	}
	wants(t, local.get(here+"/edit"), 403)
	rev := w.owner.seen(t, here)
	wants(t, local.post(here+"/edit", "rev", rev, "name", "Mine", "grant", "client_credentials"), 403)
	wants(t, local.post(here+"/rotate", "rev", rev, "overlap", "0s"), 403)
	wants(t, local.post(here+"/delete", "rev", rev, "typed", "Program"), 403)

	afar := audit.Event{ID: "refused-afar", Tenant: "acme", Time: w.now(), Act: office.Refused, Actor: operator.ByProgram("acme", id), Outcome: audit.Refused,
		Reason: "no right to change clients"}
	if err := w.store.Put(t.Context(), audit.Record(afar)); err != nil {
		t.Fatal(err)
	}
	wants(t, w.owner.get(here), 200, "/t/acme/audit/refused-afar")

	edit := w.owner.get(here + "/edit")
	wants(t, edit, 200, everywhere)
	if !regexp.MustCompile(`value="tokenbooth:desk-viewer" id="[^"]*" checked>`).MatchString(edit.Body.String()) {
		t.Error("what it holds is not ticked for who may change it")
	}
	wants(t, w.owner.post(here+"/edit", "rev", rev, "name", "Program", "grant", "client_credentials", "permission", "tokenbooth:desk-auditor"), 303)
}

func TestAClientIsDeletedByItsNameOnly(t *testing.T) {
	w := newClientsWorld(t)
	id, _ := w.owner.newClient(t, "name", "Gone & forgotten")
	here := "/t/acme/clients/" + id
	no := w.owner.post(here+"/delete", "rev", w.owner.seen(t, here), "typed", "Gone")
	wants(t, no, 422, "That is not its name", `value="Gone"`)
	wellFormed(t, no.Body.String())
	wants(t, w.owner.post(here+"/delete", "rev", w.owner.seen(t, here), "typed", "Gone & forgotten"), 303)
	wants(t, w.owner.get("/t/acme/clients"), 200, "Gone &amp; forgotten is deleted", "No credentials yet")
	wants(t, w.owner.get(here), 404)
	wants(t, w.owner.get(here+"/edit"), 404)
	w.advance(time.Hour)
	other, _ := w.editorAgain().newClient(t, "name", "Late")
	w.advance(20 * time.Minute)
	late := w.editor.post("/t/acme/clients/"+other+"/delete", "rev", "1", "typed", "Late")
	if late.Code != http.StatusSeeOther || !strings.HasPrefix(late.Header().Get("Location"), "/sign-in/again") {
		t.Errorf("a late delete: %d %s", late.Code, late.Header().Get("Location"))
	}
}

func (w *clientsWorld) editorAgain() *person { w.editor.signIn(); return w.editor }

func TestStoppingAndStartingAClient(t *testing.T) {
	w := newClientsWorld(t)
	id, _ := w.editor.newClient(t, "name", "Stopped", "permission", "nql")
	here := "/t/acme/clients/" + id
	wants(t, w.editor.post(here+"/disable", "rev", w.editor.seen(t, here)), 303)
	wants(t, w.editor.get(here), 200, "It gets no tokens: the client is disabled", "Enable")
	wants(t, w.editor.get("/t/acme/clients?state=disabled"), 200, "Stopped")
	wants(t, w.editor.post(here+"/enable", "rev", w.editor.seen(t, here)), 303)
	wants(t, w.editor.post(here+"/revoke-tokens", "rev", w.editor.seen(t, here)), 303)
	wants(t, w.editor.get(here), 200, "Tokens refused")
}

func TestReq051_WhatIsTypedIsNeverMarkup(t *testing.T) {
	w := newClientsWorld(t)
	id, _ := w.owner.newClient(t, "name", hostile, "description", hostile, "permission", "nql")
	refused := w.owner.post("/t/acme/new-client", "form", "f1", "name", hostile, "description", hostile, "allow_from", hostile, "lifetime", hostile, "ends", "on", "ends_on", hostile, "grant", "client_credentials")
	if _, err := w.registry.CreateUser(t.Context(), "cli:root", registry.User{Tenant: "acme", Username: "bob@acme.test", UserSpec: registry.UserSpec{Name: hostile}}, "seven purple tractors"); err != nil {
		t.Fatal(err)
	}
	here := "/t/acme/clients/" + id
	for name, body := range map[string]string{
		"refused": refused.Body.String(), "list": w.owner.get("/t/acme/clients").Body.String(), "detail": w.owner.get(here).Body.String(),
		"edit": w.owner.get(here + "/edit").Body.String(), "try": w.owner.get(here + "/try").Body.String(),
		"search": w.owner.get("/t/acme/clients?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&state=%22%3E%3Cscript%3E&sort=name").Body.String(),
		"delete": w.owner.post(here+"/delete", "rev", "1", "typed", hostile+"x").Body.String(),
		"rotate": w.owner.post(here+"/rotate", "rev", "1", "overlap", "0s").Body.String(),
		"users":  w.owner.get("/t/acme/users").Body.String(), "user": w.owner.get("/t/acme/users/bob@acme.test").Body.String(),
		"user form": w.owner.post("/t/acme/new-user", "username", hostile, "name", hostile).Body.String(),
		"user save": w.owner.post("/t/acme/users/bob@acme.test/edit", "rev", "7", "name", hostile+"2").Body.String(),
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(body, "<h1") {
				t.Fatalf("no page: %s", body)
			}
			wellFormed(t, codeBlocks.ReplaceAllString(body, ""))
			if strings.Contains(body, "<script>alert") {
				t.Error("a recipe is not escaped")
			}
		})
	}
}

func TestThePermissionsThatAreNeverUsedAreDroppedAtOneClick(t *testing.T) {
	w := newClientsWorld(t)
	tenants := testTenants()
	tenants[0].APIs[0].Upstream = "http://127.0.0.1:9"
	if err := w.registry.SetTenants(tenants); err != nil {
		t.Fatal(err)
	}
	id, _ := w.owner.newClient(t, "name", "Broad", "permission", "nql", "permission", "workflows")
	here := "/t/acme/clients/" + id
	wants(t, w.owner.get(here), 200, "after 30 days this says")
	w.advance(31 * 24 * time.Hour)
	w.owner.signIn()
	// Uses are noted since somebody was there to note them; here nobody was, so nothing is said of what is unused.
	wants(t, w.owner.get(here), 200, "after 30 days this says")
	wants(t, w.owner.post(here+"/drop-permissions", "rev", w.owner.seen(t, here), "permission", "nql"), 303)
	if c, _ := w.registry.Client(t.Context(), "acme", id); len(c.Permissions) != 1 || c.Permissions[0] != "workflows" {
		t.Errorf("it holds %v", c.Permissions)
	}
}

func TestTheListIsSearchedSortedAndPaged(t *testing.T) {
	w := newClientsWorld(t)
	for _, name := range []string{"Alpha", "Beta", "Gamma"} {
		c := registry.Client{Tenant: "acme", ID: strings.ToLower(name), ClientSpec: registry.ClientSpec{Name: name, Permissions: []string{"nql"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}}
		if _, _, err := w.registry.CreateClient(t.Context(), "cli:root", c); err != nil {
			t.Fatal(err)
		}
		w.advance(time.Minute)
	}
	wants(t, w.viewer.get("/t/acme/clients?q=BET"), 200, "Beta", "1 client found")
	wants(t, w.viewer.get("/t/acme/clients?q=nothing-like-it"), 200, "Nothing found")
	down := w.viewer.get("/t/acme/clients?sort=name&order=down")
	wants(t, down, 200, `aria-sort="descending"`)
	if body := down.Body.String(); strings.Index(body, "Gamma") > strings.Index(body, "Alpha") {
		t.Error("descending is not from Z to A")
	}
	for range pageOfClients {
		if _, _, err := w.registry.CreateClient(t.Context(), "cli:root", registry.Client{Tenant: "acme", ClientSpec: registry.ClientSpec{Name: "Many", Grants: []oauth.GrantType{oauth.ClientCredentials}}}); err != nil {
			t.Fatal(err)
		}
		w.advance(time.Millisecond)
	}
	first := w.viewer.get("/t/acme/clients")
	wants(t, first, 200, "53 clients", "Next page")
	wants(t, w.viewer.get("/t/acme/clients?after=forged"), 422)
}
