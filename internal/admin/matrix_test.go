package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// operation is one operation of the contract.
type operation struct {
	id, method, path string
	right            operator.Right // "": any role
	example          string         // of the body, as the contract has it
	op               *openapi3.Operation
}

func (o *operation) takes(header string) bool {
	return slices.ContainsFunc(o.op.Parameters, func(p *openapi3.ParameterRef) bool { return p.Value.In == "header" && p.Value.Name == header })
}

// operations lists what the contract has, in its order but for what ends the caller itself, which comes last.
func operations(t testing.TB) (all []operation) {
	t.Helper()
	doc := contractOf(t)
	for _, path := range doc.Paths.InMatchingOrder() {
		for method, op := range doc.Paths.Value(path).Operations() {
			o := operation{id: op.OperationID, method: method, path: path, op: op}
			if right, ok := op.Extensions["x-right"].(string); ok {
				o.right = operator.Right(right)
				if !slices.Contains(operator.Rights(), o.right) {
					t.Fatalf("%s: there is no right to %q", o.id, right)
				}
			}
			if op.RequestBody != nil {
				schema := op.RequestBody.Value.Content.Get("application/json").Schema.Value
				if len(schema.Examples) == 0 {
					t.Fatalf("%s: its body has no example", o.id)
				}
				text, err := json.Marshal(schema.Examples[0])
				if err != nil {
					t.Fatal(err)
				}
				o.example = string(text)
			}
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(rank(a.id)+a.id, rank(b.id)+b.id) })
	return all
}

func rank(id string) string {
	switch {
	case id == "revokeAllTokens":
		return "2"
	case strings.HasPrefix(id, "delete"):
		return "1"
	}
	return "0"
}

// fixtures are names for the parameters of paths.
type fixtures map[string]string

// fixtures registers something for each operation to be about.
func (w *world) fixtures() fixtures {
	w.t.Helper()
	w.client("acme", "q2tjk4", "workflows")
	u := w.user("bob@acme.test")
	keys := read[KeyList](w.t, w.send("viewer", "GET", "/v1/tenants/acme/keys", ""))
	events := read[EventPage](w.t, w.send("auditor", "GET", "/v1/tenants/acme/events?limit=1", ""))
	ada := w.operator("ada@desk.test", map[string]operator.Role{"acme": operator.Editor})
	session := w.session(ada.ID)
	staff, _, _, err := audit.Search(w.t.Context(), w.store, audit.Query{Limit: 1})
	w.must(err)
	return fixtures{"operator": ada.ID, "session": session.ID, "desk event": staff[0].ID, "tenant": "acme", "id": "q2tjk4", "username": u.Username, "kid": keys.Keys[1].Id, "chain": "0D5pYw9dKq2tVn7L", "token": "0D5pYw9dKq2tVn7L",
		"event": events.Events[0].Id, "request_id": "request-1", "dialect": "oauth2"}
}

func (f fixtures) path(o operation) string {
	path := o.path
	if strings.HasPrefix(path, "/v1/events/") {
		path = strings.ReplaceAll(path, "{event}", url.PathEscape(f["desk event"]))
	}
	for name, value := range f {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	return path
}

func (w *world) sendOperation(as string, o operation, f fixtures) answered {
	w.t.Helper()
	var header []string
	if o.takes(ifMatch) {
		header = []string{ifMatch, "*"}
	}
	return w.send(as, o.method, f.path(o), o.example, header...)
}

// ofDesk reports whether an operation is about the desk itself, and not about a tenant or the tenants of the caller.
func (o *operation) ofDesk() bool { return !o.inTenant() && o.id != "listTenants" }

func (o *operation) inTenant() bool { return strings.Contains(o.path, "{tenant}") }

func TestReq047_B57_EveryOperationIsDeniedUnlessTheRoleGivesTheRight(t *testing.T) {
	type program struct {
		role  operator.Role
		where string // a tenant, or operator.All; "" without a role: nobody
	}
	programs := map[string]program{"": {}, "stranger": {operator.Owner, "other"}}
	for _, role := range operator.Roles() {
		programs[string(role)], programs["desk-"+string(role)] = program{role, "acme"}, program{role, operator.All}
	}
	for as, p := range programs {
		w := open(t)
		w.deskPrograms()
		f := w.fixtures()
		for _, o := range operations(t) {
			places := []string{""}
			if o.inTenant() {
				places = []string{"other", "closed", "acme"}
				if p.where == "other" { // where its tokens come from, which some operations end, is the last
					places = []string{"acme", "closed", "other"}
				}
			}
			for _, tenant := range places {
				g := maps.Clone(f)
				g["tenant"] = tenant
				a := w.sendOperation(as, o, g)
				reached := p.where == operator.All || o.inTenant() && p.where == tenant || o.id == "listTenants"
				allowed := p.role != "" && reached && (o.right == "" || p.role.Can(o.right))
				switch {
				case as == "" && a.StatusCode != 401, as != "" && !allowed && a.StatusCode != 403:
					t.Errorf("%s at %q as %q answers %d %s; nobody gave it the right", o.id, tenant, as, a.StatusCode, a.body)
				case allowed && (a.StatusCode == 401 || a.StatusCode == 403 || a.StatusCode >= 500):
					t.Errorf("%s at %q as %q answers %d %s; it has the right", o.id, tenant, as, a.StatusCode, a.body)
				}
				if a.StatusCode == 401 && !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("%s: no WWW-Authenticate", o.id)
				}
			}
		}
	}
}

func TestReq047_B57_WhoHasNoRightAtTheDeskLearnsNothingThereAndIsWrittenDown(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	f := w.fixtures()
	before := w.kept()
	for _, o := range operations(t) {
		if !o.ofDesk() {
			continue
		}
		for as, record := range map[string]string{"owner": "acme", "stranger": "other", "desk-viewer": "", "desk-editor": ""} {
			for _, sent := range []struct {
				query, body string
				header      []string
			}{{"", o.example, []string{ifMatch, "*"}}, {"?x=1&limit=no", `{"x":`, []string{"Content-Type", "text/plain"}}, {"", "null", []string{idempotencyKey, "short"}}} {
				for _, id := range []string{f["operator"], "nobody"} {
					g := maps.Clone(f)
					g["operator"] = id
					a := w.wants(403, as, o.method, g.path(o)+sent.query, sent.body, sent.header...)
					events, _, _, err := audit.Search(t.Context(), w.store, audit.Query{Tenant: record, RequestID: a.Header.Get("X-Request-Id")})
					if err != nil || len(events) != 1 || events[0].Act != office.Refused || events[0].Detail["right"] != string(o.right) {
						t.Errorf("%s as %s: written down is %+v, %v", o.id, as, events, err)
					}
				}
			}
		}
	}
	if w.kept() != before {
		t.Error("something has changed")
	}
}

func TestReq047_AnAuditorOfTheDeskReadsAllOfItAndChangesNothing(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	f := w.fixtures()
	before := w.kept()
	for _, o := range operations(t) {
		a := w.sendOperation("desk-auditor", o, f)
		if o.ofDesk() && (a.StatusCode == 200) != (o.method == "GET") {
			t.Errorf("%s answers %d %s", o.id, a.StatusCode, a.body)
		}
	}
	if w.kept() != before {
		t.Error("an auditor has changed something")
	}
	all := read[SettingList](t, w.wants(200, "desk-auditor", "GET", "/v1/settings", ""))
	own := read[SettingList](t, w.wants(200, "desk-auditor", "GET", "/v1/tenants/other/settings", ""))
	if len(all.Settings) != 4 || len(own.Settings) != 2 || own.Settings[1] != (Setting{Field: "tenants[1].title", Value: "Other people", Place: "booth.yaml:8"}) {
		t.Errorf("%+v %+v", all, own)
	}
}

func TestReq047_WhatIsNotListedIsNotThere(t *testing.T) {
	w := open(t)
	for _, path := range []string{"/v1", "/v1/", "/v1/operators/", "/v1/operators/o/password", "/v1/operators/o/sessions/s", "/v1/settings/listen",
		"/v1/tenants/acme/operators", "/v1/tenants/acme/clients/q/secret", "/v1/tenants/acme/settings/x", "/v1//tenants", "/v1//operators", "/v1/tenants/acme/../acme",
		"/v1/tenants/acme/clients/", "/v2/tenants", "/"} {
		w.wants(404, "owner", "GET", path, "")
	}
	if got := w.wants(405, "owner", "PATCH", clients, "").Header.Get("Allow"); got != "GET, POST" {
		t.Errorf("Allow %q", got)
	}
}

func TestReq047_B57_AnOwnerOfAnotherTenantReachesNothingByAnyID(t *testing.T) {
	w := open(t)
	w.client("other", "theirs")
	w.wants(403, "owner", "GET", "/v1/tenants/other/clients/theirs", "")
	w.wants(404, "owner", "GET", "/v1/tenants/acme/clients/theirs", "")
	w.wants(404, "owner", "GET", "/v1/tenants/acme/clients/..%2F..%2Fother%2Fclients%2Ftheirs", "")
	if all := read[TenantList](t, w.wants(200, "owner", "GET", "/v1/tenants", "")); len(all.Tenants) != 1 || all.Tenants[0].Name != "acme" {
		t.Errorf("it sees %+v", all)
	}
	unknown, foreign := w.wants(403, "owner", "GET", "/v1/tenants/nobody/clients", "").problem(t), w.wants(403, "owner", "GET", "/v1/tenants/other/clients", "").problem(t)
	if unknown.Detail != strings.ReplaceAll(foreign.Detail, "other", "nobody") {
		t.Errorf("%q and %q tell what exists", unknown.Detail, foreign.Detail)
	}
}

func TestB57_NoOperationTouchesWhatAnotherTenantHasOfThatID(t *testing.T) {
	w := open(t)
	f := w.fixtures()
	w.client("other", "theirs")
	_, err := w.registry.CreateUser(t.Context(), by, registry.User{Tenant: "other", Username: "eve", UserSpec: registry.UserSpec{Name: "Eve"}}, password)
	w.must(err)
	keys := read[KeyList](t, w.send("stranger", "GET", "/v1/tenants/other/keys", ""))
	events := read[EventPage](t, w.send("stranger", "GET", "/v1/tenants/other/events", ""))
	theirs := fixtures{"id": "theirs", "username": "eve", "kid": keys.Keys[1].Id, "event": events.Events[0].Id, "chain": "0D5pYw9dKq2tVn7L", "token": "0D5pYw9dKq2tVn7L", "request_id": "ask-stranger"}
	before := w.heldBy("other")
	for _, o := range operations(t) {
		for name, id := range theirs {
			if !o.inTenant() || !strings.Contains(o.path, "{"+name+"}") {
				continue
			}
			g := maps.Clone(f)
			g[name] = id
			if a := w.sendOperation("owner", o, g); a.StatusCode != 404 && strings.TrimSpace(a.body) != "{}" {
				t.Errorf("%s with another tenant's %s answers %d %s", o.id, name, a.StatusCode, a.body)
			}
		}
	}
	if w.heldBy("other") != before {
		t.Error("something of the other tenant has changed")
	}
}

func TestReq048_NothingButDeclaredFieldsIsTaken(t *testing.T) {
	w := open(t)
	w.client("acme", "q2tjk4")
	w.user("bob@acme.test")
	before := w.held()
	for _, target := range []struct{ schema, method, path, body string }{
		{"Client", "POST", clients, `{"name":"x"}`},
		{"Client", "PUT", clients + "/q2tjk4", `{"name":"x"}`},
		{"Client", "POST", clients + "/import", `{"id":"i","name":"x","secret":"correct horse battery"}`},
		{"User", "POST", "/v1/tenants/acme/users", `{"username":"jane","password":"seven turnips in a bucket"}`},
		{"User", "PUT", "/v1/tenants/acme/users/bob@acme.test", `{"name":"x"}`},
	} {
		fields := []string{"tenant", "hash", "role", "roles", "Name", "deleted", "totp_step", "__proto__", "allow_from_"}
		for _, part := range contractOf(t).Components.Schemas[target.schema].Value.AllOf {
			for name, p := range part.Value.Properties {
				if p.Value.ReadOnly {
					fields = append(fields, name)
				}
			}
		}
		for _, field := range fields {
			if field == "id" && target.method == "POST" && target.schema == "Client" || field == "hash" && strings.HasSuffix(target.path, "import") ||
				field == "username" && target.method == "POST" {
				continue // declared here
			}
			for _, value := range []string{`"x"`, `1`, `{"a":[1]}`} {
				if field == "Name" && value != `"x"` {
					continue // encoding/json takes it for name, which this cannot be
				}
				body := strings.TrimSuffix(target.body, "}") + fmt.Sprintf(`,%q:%s}`, field, value)
				if p := w.wants(400, "owner", target.method, target.path, body, ifMatch, "*").problem(t); p.Field != field {
					t.Errorf("%s %s with %s: the fault is at %q", target.method, target.path, field, p.Field)
				}
			}
		}
	}
	if w.held() != before {
		t.Error("something was stored")
	}
}

func TestWhatStandsInAFieldIsChecked(t *testing.T) {
	w := open(t)
	for body, field := range map[string]string{
		`{"name":null}`:                                      "name",
		`{"name":"a","name":"b"}`:                            "name",
		`{"name":"a","lifetime":"1"}`:                        "lifetime",
		`{"name":"a","lifetime":1.5}`:                        "lifetime",
		`{"name":"a","expires":"tomorrow"}`:                  "expires",
		`{"name":"a","expires":"2026-11-22T04:09:00+24:00"}`: "expires",
		`{"name":"a","grants":["implicit"]}`:                 "grants",
		`{"name":"a","permissions":["root"]}`:                "permissions",
		`{"name":"a","permissions":[null]}`:                  "permissions[0]",
		`{"name":"a","allow_from":["x","y"]}`:                "allow_from",
		`{"name":"a","token_form":"paseto"}`:                 "token_form",
		`{"permissions":["workflows"]}`:                      "name",
		`{"name":"a"} {"name":"b"}`:                          "",
		`{"name":`:                                           "",
		`[]`:                                                 "",
		`null`:                                               "",
		"{\"name\":\"\xff\"}":                                "",
		`{"name":"a","id":"usr_1"}`:                          "id",
		`{"name":"a","disabled":"yes"}`:                      "disabled",
		`{"name":"a","allow_from":"1.2.3.4"}`:                "allow_from",
		`{"name":"a","permissions":{"a":"b"}}`:               "permissions",
	} {
		if p := w.wants(400, "owner", "POST", clients, body).problem(t); p.Field != field {
			t.Errorf("%s: the fault is at %q, want %q: %s", body, p.Field, field, p.Detail)
		}
	}
}

// held returns everything that is kept, as one text.
func (w *world) held() string { return w.heldBy("", "acme", "other") }

// kept is held without the audit record, which has what was refused as well.
func (w *world) kept() string {
	return w.of(slices.DeleteFunc(slices.Clone(store.Kinds), func(k store.Kind) bool { return k == store.Event }), "", "acme", "other")
}

func (w *world) heldBy(tenants ...string) string { return w.of(store.Kinds, tenants...) }

func (w *world) of(kinds []store.Kind, tenants ...string) string {
	w.t.Helper()
	var all strings.Builder
	for _, tenant := range tenants {
		for _, k := range kinds {
			records, err := w.store.List(w.t.Context(), store.Query{Tenant: tenant, Kind: k, Limit: store.MaxLimit})
			w.must(err)
			for _, r := range records {
				fmt.Fprintf(&all, "%s %s %s %s %s\n", tenant, k, r.ID, r.Label, r.Body)
			}
		}
	}
	return all.String()
}

func TestB66_ALowerRoleIsToldNoMore(t *testing.T) {
	w := open(t)
	f := w.fixtures()
	for _, o := range operations(t) {
		if o.method != "GET" {
			continue
		}
		if o.right != "" && !operator.Viewer.Can(o.right) {
			w.wants(403, "viewer", "GET", f.path(o), "")
			continue
		}
		low, high := w.send("viewer", "GET", f.path(o), ""), w.send("owner", "GET", f.path(o), "")
		if a, b := strings.ReplaceAll(low.body, "viewer", "owner"), strings.ReplaceAll(high.body, "viewer", "owner"); a != b {
			t.Errorf("%s tells a viewer %s\nand an owner %s", o.id, low.body, high.body)
		}
		for _, word := range []string{"upstream", "hash", "client_rate", "sha256$", "argon2"} {
			if strings.Contains(high.body, word) {
				t.Errorf("%s tells %s", o.id, word)
			}
		}
	}
}

func TestWhatIsRefusedForWantOfARightIsRecorded(t *testing.T) {
	w := open(t)
	id := w.wants(403, "viewer", "POST", clients, `{"name":"x"}`).Header.Get("X-Request-Id")
	e := read[Event](t, w.wants(200, "auditor", "GET", "/v1/tenants/acme/events/"+id, ""))
	if e.Actor != "client:viewer" || e.Outcome != audit.Refused || e.Source == "" {
		t.Errorf("%+v", e)
	}
}
