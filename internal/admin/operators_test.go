package admin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

const operators = "/v1/operators"

func TestAnOperatorIsCreatedReadChangedDisabledAndDeleted(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	made := w.wants(201, "desk-owner", "POST", operators, `{"username":"Ada@Example.COM","name":"Ada","roles":{"acme":"editor","other":"viewer"}}`)
	o := read[Operator](t, made)
	at := operators + "/" + o.Id
	if made.Header.Get("Location") != at || made.Header.Get("Etag") != `"1"` || o.Username != "ada@example.com" || o.CreatedBy != "program:acme/desk-owner" {
		t.Errorf("%v %+v", made.Header, o)
	}
	w.pass(time.Second)
	changed := read[Operator](t, w.wants(200, "desk-owner", "PUT", at, `{"name":"Ada Lovelace","roles":{"*":"auditor"}}`, ifMatch, `"1"`))
	if changed.Name != "Ada Lovelace" || len(changed.Roles) != 1 || changed.Roles["*"] != Auditor || changed.Rev != 2 {
		t.Errorf("%+v", changed)
	}
	p := w.wants(412, "desk-owner", "PUT", at, `{"roles":{}}`, ifMatch, `"1"`).problem(t)
	if p.ChangedBy != "program:acme/desk-owner" || !p.ChangedAt.Equal(w.clock()) {
		t.Errorf("%+v", p)
	}
	if off := read[Operator](t, w.wants(200, "desk-owner", "POST", at+"/disable", "", ifMatch, `"2"`)); !off.Disabled || off.Name != "Ada Lovelace" {
		t.Errorf("%+v", off)
	}
	w.wants(412, "desk-owner", "POST", at+"/enable", "", ifMatch, `"2"`)
	if on := read[Operator](t, w.wants(200, "desk-owner", "POST", at+"/enable", "", ifMatch, "*")); on.Disabled {
		t.Errorf("%+v", on)
	}
	w.wants(412, "desk-owner", "DELETE", at, "", ifMatch, `"3"`)
	w.wants(204, "desk-owner", "DELETE", at, "", ifMatch, `"4"`)
	w.wants(404, "desk-owner", "GET", at, "")
	w.wants(404, "desk-owner", "PUT", at, `{"roles":{}}`, ifMatch, "*")
	var acts []string
	for _, e := range read[EventPage](t, w.wants(200, "desk-auditor", "GET", "/v1/events?actor=program:acme/desk-owner&subject=operator:"+o.Id, "")).Events {
		acts = append(acts, e.Act)
	}
	if slices.Sort(acts); !slices.Equal(acts, []string{"operator.create", "operator.delete", "operator.disable", "operator.enable", "operator.update"}) {
		t.Errorf("written down is %v", acts)
	}
}

func TestWhatStandsInTheFieldsOfAnOperatorIsChecked(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	ada := w.operator("ada", map[string]operator.Role{"acme": operator.Viewer})
	before := w.held()
	for body, field := range map[string]string{
		`{"username":"bob"}`:                                                              "roles",
		`{"username":"bob","roles":null}`:                                                 "roles",
		`{"username":"bob","roles":{"acme":null}}`:                                        "roles.acme",
		`{"username":"bob","roles":{"acme":"viewer","acme":"owner"}}`:                     "roles.acme",
		`{"username":"bob","roles":{"acme":"boss"}}`:                                      "roles",
		`{"username":"bob","roles":{"acme":["owner"]}}`:                                   "roles",
		`{"username":"bob","roles":{"nowhere":"viewer"}}`:                                 "roles",
		`{"username":"bob","roles":{"":"viewer"}}`:                                        "roles",
		`{"username":"bob","roles":["owner"]}`:                                            "roles",
		`{"username":"bob","roles":{"acme":{"a":"b"}}}`:                                   "roles",
		`{"username":"bob","roles":{}}`:                                                   "roles",
		`{"username":"ada","roles":{"acme":"viewer"}}`:                                    "username",
		`{"username":"a b","roles":{"acme":"viewer"}}`:                                    "username",
		`{"roles":{"acme":"viewer"}}`:                                                     "username",
		`{"username":"bob","roles":{"acme":"viewer"},"name":"a\u0007"}`:                   "name",
		`{"username":"bob","roles":{"acme":"viewer"},"disabled":true}`:                    "disabled",
		`{"username":"bob","roles":{"acme":"viewer"},"hash":"sha256$x"}`:                  "hash",
		`{"username":"bob","roles":{"acme":"viewer"},"Roles":{"*":"owner"}}`:              "Roles",
		`{"username":"bob","roles":{"acme":"viewer"},"link":{"digest":"x","here":true}}`:  "link",
		`{"username":"bob","roles":{"acme":"viewer"},"proofs":["password"],"epoch":"12"}`: "proofs",
	} {
		if p := w.wants(400, "desk-owner", "POST", operators, body).problem(t); strings.TrimSuffix(p.Field, ".acme") != strings.TrimSuffix(field, ".acme") {
			t.Errorf("%s: the fault is at %q, want %q: %s", body, p.Field, field, p.Detail)
		}
	}
	for body, field := range map[string]string{`{"name":"a"}`: "roles", `{"roles":{},"username":"bob"}`: "username", `{"roles":{},"id":"x"}`: "id"} {
		if p := w.wants(400, "desk-owner", "PUT", operators+"/"+ada.ID, body, ifMatch, "*").problem(t); p.Field != field {
			t.Errorf("%s: the fault is at %q, want %q", body, p.Field, field)
		}
	}
	for _, lifetime := range []string{"0", "59", "604801", "-1", "9223372036854775807", `"1d"`, "1.5"} {
		if p := w.wants(400, "desk-owner", "POST", operators+"/"+ada.ID+"/invite", `{"lifetime":`+lifetime+`}`).problem(t); p.Field != "lifetime" {
			t.Errorf("a link for %s: the fault is at %q", lifetime, p.Field)
		}
	}
	if w.held() != before {
		t.Error("something was stored")
	}
}

func TestOperatorsAreListedByNamePageByPage(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	for _, name := range []string{"c", "a", "e", "b", "d"} {
		w.operator(name, nil)
	}
	var names []string
	cursor := ""
	for pages := 1; ; pages++ {
		p := read[OperatorPage](t, w.wants(200, "desk-auditor", "GET", operators+"?limit=2&cursor="+cursor, ""))
		for _, o := range p.Operators {
			names = append(names, o.Username)
		}
		if pages == 1 {
			w.operator("aa", nil) // made behind what was read already
		}
		if cursor = p.Next; cursor == "" {
			break
		}
		w.wants(400, "desk-auditor", "GET", "/v1/events?cursor="+cursor, "")
	}
	if !slices.Equal(names, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("listed are %v", names)
	}
	if whole := read[OperatorPage](t, w.wants(200, "desk-auditor", "GET", operators+"?limit=6", "")); len(whole.Operators) != 6 || whole.Next != "" {
		t.Errorf("%d, then %q", len(whole.Operators), whole.Next)
	}
	w.wants(400, "desk-auditor", "GET", operators+"?limit=201", "")
	w.wants(400, "desk-auditor", "GET", operators+"?cursor=made-up", "")
}

func TestReq047_TheLastOwnerOfTheDeskStays(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	ada := w.operator("ada", map[string]operator.Role{operator.All: operator.Owner})
	at := operators + "/" + ada.ID
	for _, sent := range [][3]string{{"PUT", at, `{"roles":{"*":"editor"}}`}, {"PUT", at, `{"roles":{"*":"owner"},"disabled":true}`}, {"PUT", at, `{"roles":{}}`},
		{"POST", at + "/disable", ""}, {"DELETE", at, ""}} {
		if p := w.wants(400, "desk-owner", sent[0], sent[1], sent[2], ifMatch, "*").problem(t); p.Field != "roles" || !strings.Contains(p.Detail, "last owner") {
			t.Errorf("%v: %+v", sent, p)
		}
	}
	w.operator("bob", map[string]operator.Role{operator.All: operator.Owner})
	w.wants(204, "desk-owner", "DELETE", at, "", ifMatch, "*")
}

func TestReq098_ALinkOfTheAPIOpensNothingButSettingUpAProof(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	ada := w.operator("ada", map[string]operator.Role{operator.All: operator.Owner})
	link := read[SignInLink](t, w.wants(200, "desk-owner", "POST", operators+"/"+ada.ID+"/invite", `{"lifetime":60}`))
	text, spelt := strings.CutPrefix(link.Url, linkURL)
	if !spelt || !link.Expires.Equal(w.clock().Add(time.Minute)) {
		t.Fatalf("%+v", link)
	}
	s, _, err := w.people.SignInByLink(t.Context(), oauth.Secret(text), operator.From{})
	w.must(err)
	who := s.Actor(w.clock(), "", "")
	if !s.Enrolling || len(who.Roles) != 0 {
		t.Errorf("a full session: %+v", who)
	}
	all := read[SessionList](t, w.wants(200, "desk-auditor", "GET", operators+"/"+ada.ID+"/sessions", ""))
	if len(all.Sessions) != 1 || !all.Sessions[0].Enrolling || all.Sessions[0].Method != SessionMethodLink || !all.Sessions[0].Proven.IsZero() {
		t.Errorf("%+v", all)
	}
	w.wants(400, "desk-owner", "POST", operators+"/"+ada.ID+"/invite", `{}`)
	w.wants(404, "desk-owner", "POST", operators+"/nobody/invite", `{"lifetime":60}`)
}

func TestAnInvitationSentAgainIsTheSameLink(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	ada := w.operator("ada", map[string]operator.Role{"acme": operator.Viewer})
	const body = `{"lifetime":3600}`
	at := operators + "/" + ada.ID + "/invite"
	first := read[SignInLink](t, w.wants(200, "desk-owner", "POST", at, body, idempotencyKey, key))
	again := w.wants(200, "desk-owner", "POST", at, body, idempotencyKey, key)
	if read[SignInLink](t, again) != first || again.Header.Get(replayed) != "true" {
		t.Errorf("%s, not %+v", again.body, first)
	}
	if strings.Contains(w.held(), first.Url) || strings.Contains(w.held(), strings.TrimPrefix(first.Url, linkURL)) {
		t.Error("the link can be read from the store")
	}
	if _, _, err := w.people.SignInByLink(t.Context(), oauth.Secret(strings.TrimPrefix(first.Url, linkURL)), operator.From{}); err != nil {
		t.Errorf("the link is worth nothing: %v", err)
	}
	w.wants(422, "desk-owner", "POST", at, `{"lifetime":60}`, idempotencyKey, key)
	made := w.wants(201, "desk-owner", "POST", operators, `{"username":"bob","roles":{"acme":"viewer"}}`, idempotencyKey, key)
	if twice := w.wants(201, "desk-owner", "POST", operators, `{"username":"bob","roles":{"acme":"viewer"}}`, idempotencyKey, key); twice.body != made.body {
		t.Errorf("%s, then %s", made.body, twice.body)
	}
}

func TestSessionsAreSeenAndEnded(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	ada, eve := w.operator("ada", map[string]operator.Role{"acme": operator.Viewer}), w.operator("eve", nil)
	at := operators + "/" + ada.ID + "/sessions"
	s, other := w.session(ada.ID), w.session(eve.ID)
	all := read[SessionList](t, w.wants(200, "desk-owner", "GET", at, "")).Sessions
	want := Session{Id: s.ID, Method: SessionMethodLink, Source: "192.0.2.4", Agent: "browser", Created: w.clock(), Seen: w.clock(), Expires: utc(s.Expires)}
	if len(all) != 1 || all[0] != want {
		t.Errorf("%+v, not %+v", all, want)
	}
	w.wants(404, "desk-owner", "POST", at+"/"+other.ID+"/end", "")
	w.wants(204, "desk-owner", "POST", at+"/"+s.ID+"/end", "")
	w.wants(404, "desk-owner", "POST", at+"/"+s.ID+"/end", "")
	w.session(ada.ID)
	w.wants(204, "desk-owner", "POST", at+"/end", "")
	if left := read[SessionList](t, w.wants(200, "desk-owner", "GET", at, "")); len(left.Sessions) != 0 {
		t.Errorf("%+v", left)
	}
	if left := read[SessionList](t, w.wants(200, "desk-owner", "GET", operators+"/"+eve.ID+"/sessions", "")); len(left.Sessions) != 1 {
		t.Errorf("of another operator there is %+v", left)
	}
	for _, path := range []string{"GET " + operators + "/nobody/sessions", "POST " + operators + "/nobody/sessions/end", "POST " + operators + "/nobody/sessions/" + other.ID + "/end"} {
		method, to, _ := strings.Cut(path, " ")
		w.wants(404, "desk-owner", method, to, "")
	}
}

// prove gives an operator one of each proof.
func (w *world) prove(id string) {
	w.t.Helper()
	_, err := w.people.Update(w.t.Context(), by, "operator.update", id, 0, func(o *operator.Operator) error {
		o.Hash, o.TOTP = secret.Hash("$argon2id$v=19$m=1,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"), []byte("a sealed one-time code secret")
		o.Passkeys = []operator.Passkey{{ID: []byte("the id of a passkey"), Name: "yellow key", PublicKey: []byte("the public key of it")}}
		o.Recovery, o.CalendarKey = [][]byte{[]byte("digest of a recovery code")}, []byte("digest of the calendar's key")
		return nil
	})
	w.must(err)
}

// texts returns every text that is kept of operators, but for what the contract shows as well.
func (w *world) texts(shown ...string) (all []string) {
	w.t.Helper()
	var collect func(any)
	collect = func(v any) {
		switch v := v.(type) {
		case string:
			if len(v) > 12 && !slices.Contains(shown, v) && !strings.HasPrefix(v, "2026-") {
				all = append(all, v)
			}
		case []any:
			for _, e := range v {
				collect(e)
			}
		case map[string]any:
			for _, e := range v {
				collect(e)
			}
		}
	}
	for _, k := range []store.Kind{store.Operator, store.Session} {
		records, err := w.store.List(w.t.Context(), store.Query{Kind: k, Limit: store.MaxLimit})
		w.must(err)
		for _, r := range records {
			var body any
			w.must(json.Unmarshal(r.Body, &body))
			collect(body)
		}
	}
	return all
}

func TestReq105_NoAnswerAboutAnOperatorShowsAHashAProofOrALink(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	f := w.fixtures()
	w.prove(f["operator"])
	w.session(f["operator"])
	_, _, err := w.people.Invite(t.Context(), by, f["operator"], time.Hour, true)
	w.must(err)
	if o := read[Operator](t, w.wants(200, "desk-auditor", "GET", operators+"/"+f["operator"], "")); !slices.Equal(o.Proofs, []OperatorProofs{OperatorProofsPassword, OperatorProofsPasskey}) {
		t.Errorf("it can sign in with %v", o.Proofs)
	}
	kept := w.texts("ada@desk.test", "Ada Lovelace")
	if len(kept) < 8 {
		t.Fatalf("kept is %q", kept)
	}
	for _, o := range operations(t) {
		if !o.ofDesk() || o.id == "deleteOperator" {
			continue
		}
		a := w.sendOperation("desk-owner", o, f)
		if a.StatusCode >= 300 && o.id != "endSession" {
			t.Errorf("%s answers %d %s", o.id, a.StatusCode, a.body)
		}
		for _, text := range append(w.texts("ada@desk.test", "ada@example.com", "Ada Lovelace", "program:acme/desk-owner", "cli:tester"), kept...) {
			if text != "cli:tester" && text != "program:acme/desk-owner" && strings.Contains(a.body, text) {
				t.Errorf("%s shows %q", o.id, text)
			}
		}
		for _, name := range []string{"hash", "digest", "totp", "recovery", "calendar_key", "public_key", "passkeys", "link", "epoch"} {
			if strings.Contains(a.body, `"`+name+`":`) {
				t.Errorf("%s has a field %s", o.id, name)
			}
		}
	}
}

func TestReq047_ProofsAreTakenAwayAndSessionsWithThem(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	ada := w.operator("ada", map[string]operator.Role{"acme": operator.Viewer})
	w.prove(ada.ID)
	at := operators + "/" + ada.ID
	link, _, err := w.people.Invite(t.Context(), by, ada.ID, time.Hour, true)
	w.must(err)
	seen := w.wants(200, "desk-owner", "GET", at, "").Header.Get("Etag")
	_, _, err = w.people.SignInByLink(t.Context(), link, operator.From{}) // a sign-in is no change that somebody could overlook
	w.must(err)
	bare := w.wants(200, "desk-owner", "POST", at+"/clear-proofs", "", ifMatch, seen)
	if o := read[Operator](t, bare); len(o.Proofs) != 0 || o.SignedIn.IsZero() || bare.Header.Get("Etag") == seen {
		t.Errorf("%+v", o)
	}
	if left := read[SessionList](t, w.wants(200, "desk-owner", "GET", at+"/sessions", "")); len(left.Sessions) != 0 {
		t.Errorf("%+v", left)
	}
	w.wants(412, "desk-owner", "POST", at+"/clear-proofs", "", ifMatch, seen)
}

func TestReq047_B57_OnlyAnOwnerOfTheDeskTouchesAProgramOfTheDesk(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	w.wants(201, "owner", "POST", clients, `{"name":"own","permissions":["tokenbooth:owner"]}`) // which an owner of the tenant may
	before := w.kept()
	for _, as := range []string{"owner", "editor", "desk-editor"} {
		for _, role := range operator.Roles() {
			permission, id := registry.DeskPrefix+string(role), clients+"/desk-"+string(role)
			for _, sent := range [][3]string{
				{"POST", clients, fmt.Sprintf(`{"name":"x","permissions":[%q]}`, permission)},
				{"POST", clients, fmt.Sprintf(`{"name":"x","permissions":["tokenbooth:viewer",%q]}`, permission)},
				{"POST", clients + "/import", fmt.Sprintf(`{"id":"x","name":"x","secret":"correct horse battery","permissions":[%q]}`, permission)},
				{"PUT", clients + "/viewer", fmt.Sprintf(`{"name":"viewer","permissions":[%q]}`, permission)},
				{"PUT", id, `{"name":"theirs","permissions":["tokenbooth:viewer"]}`},
				{"PUT", id, fmt.Sprintf(`{"name":"renamed","permissions":[%q]}`, permission)},
				{"POST", id + "/rotate", `{"overlap":60}`},
				{"POST", id + "/retire", `{"credential":"c"}`},
				{"POST", id + "/undo-rotation", ""},
				{"POST", id + "/enable", ""},
				{"DELETE", id, ""},
			} {
				a := w.wants(403, as, sent[0], sent[1], sent[2], ifMatch, "*")
				e := read[Event](t, w.wants(200, "auditor", "GET", "/v1/tenants/acme/events/"+a.Header.Get("X-Request-Id"), ""))
				right := operator.GrantDesk
				if sent[1] == clients+"/viewer" && as != "owner" { // a program already that is an owner's business
					right = operator.GrantOperatorsAPI
				}
				if e.Act != office.Refused || e.Detail["right"] != string(right) || e.Outcome != audit.Refused {
					t.Errorf("%s %s as %s: written down is %+v", sent[0], sent[1], as, e)
				}
			}
		}
	}
	if w.kept() != before {
		t.Error("something has changed")
	}
	w.wants(200, "desk-owner", "POST", clients+"/desk-viewer/rotate", `{"overlap":60}`, ifMatch, "*")
	w.wants(200, "editor", "POST", clients+"/desk-viewer/disable", "", ifMatch, "*") // to stop one needs no right to grant one
	w.wants(401, "desk-viewer", "GET", "/v1/tenants/other/clients", "")
}

func TestReq047_APermissionOfTheDeskThatIsTakenAwayCountsNoMoreAtOnce(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	w.wants(200, "desk-owner", "GET", operators, "")
	permit := func(permissions ...string) {
		_, err := w.registry.UpdateClient(t.Context(), by, "client.update", "acme", "desk-owner", func(c *registry.Client) error { c.Permissions = permissions; return nil })
		w.must(err)
	}
	for _, permissions := range [][]string{{"tokenbooth:desk-viewer"}, {"tokenbooth:owner"}, nil} {
		permit(permissions...)
		for _, path := range []string{operators, "/v1/tenants/other/clients", "/v1/tenants/acme/clients", "/v1/tenants", "/v1/events", "/v1/settings"} {
			w.wants(403, "desk-owner", "GET", path, "") // the token does not carry what the client has now
		}
	}
	permit("tokenbooth:desk-owner")
	w.wants(200, "desk-owner", "GET", operators, "")
}

func TestReq050_AProgramOfTheDeskHasItsTenantInItsNameWhereverItActs(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	w.client("other", "desk-owner") // another client, of the same id
	w.pass(time.Second)
	c := read[IssuedClient](t, w.wants(201, "desk-owner", "POST", "/v1/tenants/other/clients", `{"name":"made"}`)).Client
	w.wants(403, "desk-viewer", "POST", "/v1/tenants/other/clients", `{"name":"made"}`)
	w.wants(403, "desk-viewer", "GET", operators, "")
	for tenant, want := range map[string]string{"other": "client.create program:acme/desk-owner\noperator.refuse program:acme/desk-viewer\n", "": "operator.refuse program:acme/desk-viewer\n", "acme": ""} {
		events, _, _, err := audit.Search(t.Context(), w.store, audit.Query{Tenant: tenant, Since: w.clock()})
		w.must(err)
		slices.SortFunc(events, func(a, b audit.Event) int { return strings.Compare(a.Act, b.Act) })
		var got strings.Builder
		for _, e := range events {
			fmt.Fprintln(&got, e.Act, e.Actor)
		}
		if got.String() != want {
			t.Errorf("the record of %q has\n%s, not\n%s", tenant, got.String(), want)
		}
	}
	if c.CreatedBy != "program:acme/desk-owner" {
		t.Errorf("%+v", c)
	}
}

func TestTheDesksOwnRecordIsSearchedPageByPageAndHasNothingOfATenants(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	for _, name := range []string{"a", "b", "c"} {
		w.pass(time.Second)
		w.operator(name, nil)
	}
	var subjects []string
	for cursor := ""; ; {
		p := read[EventPage](t, w.wants(200, "desk-auditor", "GET", "/v1/events?act=operator.create&limit=2&cursor="+cursor, ""))
		for _, e := range p.Events {
			subjects = append(subjects, e.Subject)
		}
		if cursor = p.Next; cursor == "" {
			break
		}
		w.wants(400, "desk-auditor", "GET", "/v1/tenants/acme/events?act=operator.create&cursor="+cursor, "") // it opens no other record
	}
	if len(subjects) != 3 {
		t.Errorf("found are %v", subjects)
	}
	for _, e := range read[EventPage](t, w.wants(200, "desk-auditor", "GET", "/v1/events", "")).Events {
		if strings.HasPrefix(e.Act, "client.") {
			t.Errorf("of a tenant there is %+v", e)
		}
		if one := read[Event](t, w.wants(200, "desk-auditor", "GET", "/v1/events/"+e.Id, "")); one.Act != e.Act {
			t.Errorf("%+v", one)
		}
	}
	theirs := read[EventPage](t, w.wants(200, "auditor", "GET", "/v1/tenants/acme/events?limit=1", ""))
	w.wants(404, "desk-owner", "GET", "/v1/events/"+theirs.Events[0].Id, "")
	w.wants(400, "desk-auditor", "GET", "/v1/events?outcome=maybe", "")
	w.wants(400, "desk-auditor", "GET", "/v1/events?tenant=acme", "")
	w.wants(400, "desk-auditor", "GET", "/v1/events?since=2026-11-22T04:09:00%2B24:00", "")
	w.wants(400, "auditor", "GET", "/v1/tenants/acme/events?until=2026-11-22T04:09:00%2B24:00", "")
}
