package admin

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// rehearsable is an operation that takes dry_run: how it is done, and how it is wrong.
type rehearsable struct {
	name, method, path, body string
	match                    string // where it takes If-Match: what was read
	wrong                    []wrong
}

// foreignHash is of "password", as Django keeps it.
const foreignHash = "pbkdf2_sha256$1000$seasaltseasalt$GPdBehDGYyqd85KPeI9ps1RaSnu62T4M6Bgl2g4QMZI="

type wrong struct {
	what, as, path, body string // where empty: as it is done
	match                string
	status               int
	field                string
}

func rehearsables() []rehearsable {
	const users = "/v1/tenants/acme/users"
	return []rehearsable{
		{name: "create a client", method: "POST", path: clients, body: `{"id":"new","name":"New","permissions":["nql"]}`, wrong: []wrong{
			{what: "an unknown permission", body: `{"id":"new","name":"New","permissions":["root"]}`, status: 400, field: "permissions"},
			{what: "an id that is taken", body: `{"id":"postman","name":"New"}`, status: 400, field: "id"},
			{what: "the name of a user", body: `{"id":"ada","name":"New"}`, status: 400, field: "id"},
			{what: "a range that is none", body: `{"name":"New","allow_from":["x"]}`, status: 400, field: "allow_from"},
			{what: "what only an owner may grant", body: `{"name":"New","permissions":["tokenbooth:viewer"]}`, status: 403},
		}},
		{name: "import a client", method: "POST", path: clients + "/import", body: `{"id":"new","name":"New","secret":"0123456789abcdef0123"}`, wrong: []wrong{
			{what: "an unknown permission", body: `{"id":"new","name":"New","permissions":["root"],"secret":"0123456789abcdef0123"}`, status: 400, field: "permissions"},
			{what: "an id that is taken", body: `{"id":"postman","name":"New","secret":"0123456789abcdef0123"}`, status: 400, field: "id"},
			{what: "a hash that is none", body: `{"id":"new","name":"New","hash":"crypt$x"}`, status: 400, field: "hash"},
		}},
		{name: "replace a client", method: "PUT", path: clients + "/postman", body: `{"name":"New","permissions":["nql"]}`, match: `"1"`, wrong: []wrong{
			{what: "an unknown permission", body: `{"name":"New","permissions":["root"]}`, status: 400, field: "permissions"},
			{what: "a revision that is over", match: `"7"`, status: 412, field: ifMatch},
			{what: "no revision", match: "-", status: 428, field: ifMatch},
			{what: "nobody", path: clients + "/nobody", status: 404},
			{what: "an operators' program", path: clients + "/viewer", status: 403},
		}},
		{name: "create a user", method: "POST", path: users, body: `{"username":"eve","permissions":["nql"],"password":"` + password + `","totp":true}`, wrong: []wrong{
			{what: "an unknown permission", body: `{"username":"eve","permissions":["root"],"password":"` + password + `"}`, status: 400, field: "permissions"},
			{what: "a name that is taken", body: `{"username":"ADA","password":"` + password + `"}`, status: 400, field: "username"},
			{what: "a password that will not do", body: `{"username":"eve","password":"1234"}`, status: 400, field: "password"},
		}},
		{name: "import a user", method: "POST", path: users + "/import", body: `{"username":"eve","permissions":["nql"],"hash":"` + foreignHash + `"}`, wrong: []wrong{
			{what: "an unknown permission", body: `{"username":"eve","permissions":["root"],"hash":"` + foreignHash + `"}`, status: 400, field: "permissions"},
			{what: "a name that is taken", body: `{"username":"ADA","hash":"` + foreignHash + `"}`, status: 400, field: "username"},
			{what: "a hash that would take too much", body: `{"username":"eve","hash":"$scrypt$ln=25,r=8,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"}`, status: 400, field: "hash"},
			{what: "a hash that protects nothing", body: `{"username":"eve","hash":"sha256$` + strings.Repeat("0", 64) + `"}`, status: 400, field: "hash"},
		}},
		{name: "replace a user", method: "PUT", path: users + "/ada", body: `{"name":"Ada L.","permissions":["nql"]}`, match: `"1"`, wrong: []wrong{
			{what: "an unknown permission", body: `{"permissions":["root"]}`, status: 400, field: "permissions"},
			{what: "a revision that is over", match: `"7"`, status: 412, field: ifMatch},
			{what: "nobody", path: users + "/nobody", status: 404},
		}},
	}
}

// openRehearsal is a world for them.
func openRehearsal(t *testing.T) *world {
	w := open(t)
	w.client("acme", "postman", "workflows")
	w.user("ada")
	return w
}

func TestARehearsalAnswersThatItCouldBeDoneAndDoesNothing(t *testing.T) {
	for _, op := range rehearsables() {
		t.Run(op.name, func(t *testing.T) {
			w := openRehearsal(t)
			var header []string
			if op.match != "" {
				header = []string{ifMatch, op.match}
			} else {
				header = []string{idempotencyKey, key}
			}
			before, record := w.kept(), len(w.recorded(""))
			for _, yes := range []string{"true", "1", "%74rue"} {
				a := w.wants(204, "editor", op.method, op.path+"?dry_run="+yes, op.body, header...)
				if a.body != "" || a.Header.Get("Location") != "" || a.Header.Get(replayed) != "" || a.Header.Get("ETag") != "" {
					t.Errorf("the answer has more to it: %v %s", a.Header, a.body)
				}
			}
			for _, role := range []string{"viewer", "auditor"} {
				w.wants(403, role, op.method, op.path+"?dry_run=true", op.body, header...)
			}
			if w.kept() != before {
				t.Error("something was done")
			}
			if n := len(w.recorded("")) - record; n != 2 || len(w.recorded(office.Refused)) != 2 {
				t.Errorf("%d events instead of two refusals", n)
			}
			w.wants(400, "editor", op.method, op.path+"?dry_run=maybe", op.body, header...)
			w.wants(400, "editor", op.method, op.path+"?dry_run=true&dry_run=false", op.body, header...)
			w.wants(400, "editor", op.method, op.path+"?dry_run=false&dry_run=true", op.body, header...)

			// the same for good, with the same key
			status := map[string]int{"POST": 201, "PUT": 200}[op.method]
			a := w.wants(status, "editor", op.method, op.path+"?dry_run=false", op.body, header...)
			if a.Header.Get(replayed) != "" {
				t.Error("the answer is an earlier one")
			}
			if op.match == "" { // and once done it is not done again, but could not be done either
				w.wants(status, "editor", op.method, op.path, op.body, header...)
				w.wants(400, "editor", op.method, op.path+"?dry_run=true", op.body, header...)
			}
		})
	}
}

func TestARehearsalFindsTheProblemThatTheRealThingHas(t *testing.T) {
	for _, op := range rehearsables() {
		const unreadable = `{"name":`
		all := append(op.wrong,
			wrong{what: "not JSON", body: unreadable, status: 400}, wrong{what: "a field that is not there", body: `{"nonsense":1}`, status: 400, field: "nonsense"},
			wrong{what: "a missing right", as: "viewer", status: 403}, wrong{what: "a stranger", as: "stranger", status: 403}, wrong{what: "no token", as: "nobody", status: 401})
		for _, wrong := range all {
			t.Run(op.name+"/"+wrong.what, func(t *testing.T) {
				w := openRehearsal(t)
				path, body, as := cmp.Or(wrong.path, op.path), cmp.Or(wrong.body, op.body), cmp.Or(wrong.as, "editor")
				var header []string
				if match := cmp.Or(wrong.match, op.match); match != "" && match != "-" {
					header = []string{ifMatch, match}
				}
				before := w.kept()
				dry := w.wants(wrong.status, as, op.method, path+"?dry_run=true", body, header...).problem(t)
				if n := len(w.recorded(office.Refused)); (n == 1) != (wrong.status == 403) {
					t.Errorf("%d refusals are in the record", n)
				}
				if w.kept() != before {
					t.Error("something was done")
				}
				real := w.wants(wrong.status, as, op.method, path, body, header...).problem(t)
				if dry.RequestId == real.RequestId {
					t.Error("two requests have one id")
				}
				if dry.RequestId = real.RequestId; dry != real || dry.Field != wrong.field {
					t.Errorf("rehearsed %+v\nreally    %+v", dry, real)
				}
			})
		}
	}
}

// recorded are the events of an act; "" is any.
func (w *world) recorded(act string) []audit.Event {
	w.t.Helper()
	var all []audit.Event
	for _, tenant := range []string{"", "acme", "other"} {
		events, _, _, err := audit.Search(w.t.Context(), w.store, audit.Query{Tenant: tenant, Act: act, Limit: store.MaxLimit})
		w.must(err)
		all = append(all, events...)
	}
	return all
}

func TestOnlyWhatTheContractSaysCanBeRehearsed(t *testing.T) {
	w := openRehearsal(t)
	before := w.held()
	for _, path := range []string{"/rotate", "/disable", "/undo-rotation", "/revoke-tokens"} {
		body := map[string]string{"/rotate": `{"overlap":0}`}[path]
		p := w.wants(400, "editor", "POST", clients+"/postman"+path+"?dry_run=true", body, ifMatch, "*", idempotencyKey, key).problem(t)
		if p.Field != dryRun {
			t.Errorf("%s: %+v", path, p)
		}
	}
	if before != w.held() {
		t.Error("something was done")
	}
}

func TestAStoreThatFailsFailsARehearsalToo(t *testing.T) {
	w := openRehearsal(t)
	w.store.down.Store(true)
	w.wants(503, "editor", "POST", clients+"?dry_run=true", `{"name":"New"}`)
}

// spy keeps what was sent.
type spy struct {
	sent []*http.Request
	http.RoundTripper
}

func (s *spy) RoundTrip(r *http.Request) (*http.Response, error) {
	s.sent = append(s.sent, r)
	return http.DefaultTransport.RoundTrip(r)
}

func TestARemoteRehearsalReturnsWhatWouldBeAndChangesNothing(t *testing.T) {
	w, ctx := openRehearsal(t), t.Context()
	sent := &spy{}
	real := w.remote("owner", sent)
	r := real.Rehearsal()
	before := w.held()
	c := registry.Client{ID: "new", ClientSpec: registry.ClientSpec{Name: "New", Permissions: []string{"nql"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}}
	made, text, err := r.CreateClient(ctx, c)
	if err != nil || made.Name != "New" || text != "" {
		t.Errorf("%+v, %q, %v", made, text, err)
	}
	if made, err := r.ImportClient(ctx, c, "0123456789abcdef0123", ""); err != nil || made.ID != "new" {
		t.Errorf("%+v, %v", made, err)
	}
	if c, err := r.UpdateClient(ctx, "postman", "client.apply", 1, func(c *registry.Client) error { c.Name = "Newer"; return nil }); err != nil || c.Name != "Newer" || c.ID != "postman" {
		t.Errorf("%+v, %v", c, err)
	}
	if u, url, err := r.CreateUser(ctx, registry.User{Username: "eve"}, password, true); err != nil || u.Username != "eve" || url != "" {
		t.Errorf("%+v, %q, %v", u, url, err)
	}
	if u, err := r.UpdateUser(ctx, "ada", "user.apply", 0, func(u *registry.User) error { u.Name = "Ada L."; return nil }); err != nil || u.Name != "Ada L." {
		t.Errorf("%+v, %v", u, err)
	}
	for _, q := range sent.sent {
		if q.Method != http.MethodGet && q.URL.Query().Get(dryRun) != "true" {
			t.Errorf("%s %s is no rehearsal", q.Method, q.URL)
		}
	}

	// everything else stays at this end
	sent.sent = nil
	refused := map[string]error{"delete": r.DeleteClient(ctx, "postman", 0), "revoke": r.RevokeClientTokens(ctx, "postman"), "password": r.SetPassword(ctx, "ada", password),
		"delete a user": r.DeleteUser(ctx, "ada", 0), "revoke a user's": r.RevokeUserTokens(ctx, "ada"), "revoke all": r.RevokeAll(ctx),
		"rotate keys": r.RotateKeys(ctx, true), "withdraw": r.WithdrawKey(ctx, "k")}
	_, refused["disable"] = r.DisableClient(ctx, "postman", 0, true)
	_, _, refused["rotate"] = r.RotateSecret(ctx, "postman", 0, 0)
	_, refused["retire"] = r.RetireSecret(ctx, "postman", 0, "s")
	_, refused["undo"] = r.UndoRotation(ctx, "postman", 0)
	_, refused["disable a user"] = r.DisableUser(ctx, "ada", 0, true)
	_, _, refused["codes"] = r.SetTOTP(ctx, "ada", true)
	_, refused["revoke a token"] = r.RevokeToken(ctx, "tb_at_x")
	for what, err := range refused {
		if !errors.Is(err, office.ErrNotOnPaper) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(sent.sent) != 0 {
		t.Errorf("%d requests were sent", len(sent.sent))
	}
	if before != w.held() {
		t.Error("something was done")
	}
	if _, _, err := real.CreateClient(ctx, c); err != nil { // the one it was made from does what it did
		t.Error(err)
	}
	if c, err := r.Client(ctx, "new"); err != nil || c.Name != "New" {
		t.Errorf("it reads: %+v, %v", c, err)
	}
}

func TestARemoteRehearsalSaysWhatTheDeskItselfSays(t *testing.T) {
	for name, c := range map[string]registry.Client{
		"no name":      {ID: "n"},
		"a short life": {ID: "n", ClientSpec: registry.ClientSpec{Name: "n", Lifetime: 5, Grants: []oauth.GrantType{oauth.ClientCredentials}}},
		"a grant":      {ID: "n", ClientSpec: registry.ClientSpec{Name: "n", Grants: []oauth.GrantType{"implicit"}}},
		"a method":     {ID: "n", ClientSpec: registry.ClientSpec{Name: "n", AuthMethods: []oauth.AuthMethod{"guess"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}},
		"a form":       {ID: "n", ClientSpec: registry.ClientSpec{Name: "n", TokenForm: "saml", Grants: []oauth.GrantType{oauth.ClientCredentials}}},
		"an API":       {ID: "n", ClientSpec: registry.ClientSpec{Name: "n", ResourceServers: []string{"x"}}},
		"an id":        {ID: "a b", ClientSpec: registry.ClientSpec{Name: "n", Grants: []oauth.GrantType{oauth.ClientCredentials}}},
		"a permission": {ID: "n", ClientSpec: registry.ClientSpec{Name: "n", Permissions: []string{"root"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}},
		"taken":        {ID: "postman", ClientSpec: registry.ClientSpec{Name: "n", Grants: []oauth.GrantType{oauth.ClientCredentials}}},
	} {
		w := openRehearsal(t)
		if c.Grants == nil {
			c.Grants = []oauth.GrantType{oauth.ClientCredentials}
		}
		here, err := w.options.Office.At(&operator.Actor{By: by, Fresh: true, Roles: map[string]operator.Role{operator.All: operator.Owner}}, "acme").Rehearsal()
		w.must(err)
		_, _, want := here.CreateClient(t.Context(), c)
		made, text, got := w.remote("editor", nil).Rehearsal().CreateClient(t.Context(), c)
		if want == nil || got == nil || got.Error() != want.Error() || problemField(got) != problemField(want) {
			t.Errorf("%s: elsewhere %v, here %v", name, got, want)
		}
		if made != nil || text != "" {
			t.Errorf("%s: %+v beside the error", name, made)
		}
	}
}

func problemField(err error) string {
	if p, ok := errors.AsType[*registry.Problem](err); ok {
		return p.Field
	}
	return ""
}

// heedless is a way to the server on which queries are lost.
type heedless struct{}

func (heedless) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.RawQuery = ""
	return http.DefaultTransport.RoundTrip(r)
}

func TestAServerThatDoesWhatItShouldRehearseIsNotBelieved(t *testing.T) {
	w := openRehearsal(t)
	_, _, err := w.remote("editor", heedless{}).Rehearsal().CreateClient(t.Context(), registry.Client{ID: "new", ClientSpec: registry.ClientSpec{Name: "New", Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if err == nil || !strings.Contains(err.Error(), "201") {
		t.Errorf("%v", err)
	}
}

func TestNoSecretOfARehearsalIsLogged(t *testing.T) {
	w := openRehearsal(t)
	a := w.wants(204, "editor", "POST", clients+"/import?dry_run=true", `{"id":"new","name":"New","secret":"0123456789abcdef0123"}`)
	if strings.Contains(fmt.Sprint(a.Header), "0123456789abcdef0123") || bytes.Contains(w.log.Bytes(), []byte("0123456789abcdef0123")) {
		t.Error("the secret comes back")
	}
}
