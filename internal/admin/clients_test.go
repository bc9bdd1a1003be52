package admin

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/link"
)

const clients = "/v1/tenants/acme/clients"

func TestAClientIsCreatedReadChangedRotatedAndDeleted(t *testing.T) {
	w := open(t)
	made := read[IssuedClient](t, w.wants(201, "editor", "POST", clients, `{"name":"Postman","permissions":["workflows"],"grants":["client_credentials"],
		"lifetime":900,"allow_from":["192.0.2.0/24"],"expires":"2027-01-01T00:00:00Z"}`))
	at := clients + "/" + made.Client.Id
	got := w.wants(200, "viewer", "GET", at, "")
	if got.Header.Get("ETag") != `"1"` {
		t.Errorf("ETag %s", got.Header.Get("ETag"))
	}
	changed := read[Client](t, w.wants(200, "editor", "PUT", at, `{"name":"Postman 2","grants":["client_credentials"]}`, "If-Match", `"1"`))
	if changed.Name != "Postman 2" || changed.Permissions != nil || changed.AllowFrom != nil || !changed.Expires.IsZero() || changed.Rev != 2 {
		t.Errorf("PUT left %+v", changed)
	}
	rotated := read[IssuedClient](t, w.wants(200, "editor", "POST", at+"/rotate", `{"overlap":3600}`, "If-Match", `"2"`))
	if len(rotated.Client.Credentials) != 2 || rotated.Secret == made.Secret || rotated.Secret == "" {
		t.Errorf("rotated %+v", rotated)
	}
	undone := read[Client](t, w.wants(200, "editor", "POST", at+"/undo-rotation", "", "If-Match", `"3"`))
	if len(undone.Credentials) != 1 || undone.Credentials[0].Id != made.Client.Credentials[0].Id {
		t.Errorf("undone %+v", undone)
	}
	again := read[IssuedClient](t, w.wants(200, "editor", "POST", at+"/rotate", `{"overlap":3600}`, "If-Match", `*`))
	w.wants(200, "editor", "POST", at+"/retire", fmt.Sprintf(`{"credential":%q}`, made.Client.Credentials[0].Id), "If-Match", fmt.Sprintf("%q", fmt.Sprint(again.Client.Rev)))
	w.wants(200, "editor", "POST", at+"/disable", "", "If-Match", "*")
	w.wants(200, "editor", "POST", at+"/enable", "", "If-Match", "*")
	w.wants(204, "editor", "POST", at+"/revoke-tokens", "")
	w.wants(200, "viewer", "GET", at+"/usage", "")
	w.wants(204, "editor", "DELETE", at, "", "If-Match", "*")
	w.wants(404, "viewer", "GET", at, "")
	w.wants(404, "editor", "POST", at+"/enable", "", "If-Match", "*")
}

func TestAnImportedClientMayHaveAnyID(t *testing.T) {
	w := open(t)
	for _, id := range []string{"a/b", "...", "import", "50%", "q?x=1#y", "a,b", "a;b=c", "a+b", "{id}"} {
		w.wants(201, "editor", "POST", clients+"/import", fmt.Sprintf(`{"id":%q,"name":"old","secret":"correct horse battery staple"}`, id))
		if got := read[Client](t, w.send("viewer", "GET", clients+link.Path(id), "")); got.Id != id || !got.Credentials[0].Imported {
			t.Errorf("%q: %+v", id, got)
		}
	}
	for _, id := range []string{".", ".."} { // which name no client in an address
		w.wants(400, "editor", "POST", clients+"/import", fmt.Sprintf(`{"id":%q,"name":"old","secret":"correct horse battery staple"}`, id))
	}
}

func TestALostUpdateIsRefusedAndSaysWhoWasFaster(t *testing.T) {
	w := open(t)
	w.client("acme", "c")
	w.wants(200, "editor", "PUT", clients+"/c", `{"name":"one"}`, "If-Match", `"1"`)
	p := w.wants(412, "owner", "PUT", clients+"/c", `{"name":"two"}`, "If-Match", `"1"`).problem(t)
	if p.ChangedBy != "client:editor" || p.ChangedAt.IsZero() || !strings.HasSuffix(p.Type, "lost-update") {
		t.Errorf("%+v", p)
	}
	w.wants(428, "owner", "PUT", clients+"/c", `{"name":"two"}`)
	w.wants(400, "owner", "PUT", clients+"/c", `{"name":"two"}`, "If-Match", `W/"2"`)
	if c := read[Client](t, w.send("viewer", "GET", clients+"/c", "")); c.Name != "one" {
		t.Errorf("the name is %q", c.Name)
	}
}

func TestEveryChangeOfTheContractThatTakesIfMatchAsksForIt(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	f := w.fixtures()
	for _, o := range operations(t) {
		if o.takes("If-Match") {
			w.wants(428, "desk-owner", o.method, f.path(o), o.example)
		}
	}
}

const key = "6c9f1f0e-5f0b-4b7e-9a51-0f3c1f6d2a77"

func TestARequestSentAgainGetsTheSameSecretAndDoesNothingTwice(t *testing.T) {
	w := open(t)
	const body = `{"name":"Postman"}`
	first := w.wants(201, "editor", "POST", clients, body, idempotencyKey, key)
	again := w.wants(201, "editor", "POST", clients, body, idempotencyKey, key)
	if first.body != again.body || again.Header.Get("ETag") != `"1"` || again.Header.Get("Location") != first.Header.Get("Location") || again.Header.Get(replayed) != "true" {
		t.Errorf("%s and then %s", first.body, again.body)
	}
	w.wants(422, "editor", "POST", clients, `{"name":"Another"}`, idempotencyKey, key)
	w.wants(400, "editor", "POST", clients, body, idempotencyKey, "short")
	other := w.wants(201, "owner", "POST", clients, body, idempotencyKey, key)
	if other.body == first.body {
		t.Error("another program was given the answer")
	}
	w.pass(keepAnswer + 1)
	w.tokens["editor"] = w.token("acme", "editor", standard)
	if later := w.wants(201, "editor", "POST", clients, body, idempotencyKey, key); later.body == first.body {
		t.Error("the answer is kept for more than its hour")
	}
}

func TestARefusedRequestMayBeSentAgainUnderItsKey(t *testing.T) {
	w := open(t)
	w.wants(400, "editor", "POST", clients, `{"name":""}`, idempotencyKey, key)
	w.wants(201, "editor", "POST", clients, `{"name":"now it has one"}`, idempotencyKey, key)
}

func TestTwoRequestsAtOnceUnderOneKeyMakeOneClient(t *testing.T) {
	w := open(t)
	before := read[ClientPage](t, w.send("viewer", "GET", clients, "")).Total
	var all sync.WaitGroup
	bodies := make([]string, 12)
	for i := range bodies {
		all.Go(func() {
			bodies[i] = w.wants(201, "editor", "POST", clients, `{"name":"Postman"}`, idempotencyKey, key).body
		})
	}
	all.Wait()
	for _, b := range bodies {
		if b != bodies[0] {
			t.Errorf("%s and %s", b, bodies[0])
		}
	}
	if n := read[ClientPage](t, w.send("viewer", "GET", clients, "")).Total; n != before+1 {
		t.Errorf("%d clients were made", n-before)
	}
}

func TestAKeptAnswerCannotBeReadFromTheStore(t *testing.T) {
	w := open(t)
	made := read[IssuedClient](t, w.wants(201, "editor", "POST", clients, `{"name":"Postman"}`, idempotencyKey, key))
	if held := w.held(); strings.Contains(held, made.Secret) || strings.Contains(held, key) {
		t.Error("the store holds the secret, or the key it is sealed under")
	}
}

func TestListsGoOnByCursorsThatCannotBeMadeUp(t *testing.T) {
	w := open(t)
	for i := range 7 {
		w.client("acme", fmt.Sprintf("c%d", i), "workflows")
	}
	var names []string
	path := clients + "?permission=workflows&limit=3"
	for cursor := ""; ; {
		p := read[ClientPage](t, w.wants(200, "viewer", "GET", path+"&cursor="+cursor, ""))
		for _, c := range p.Clients {
			names = append(names, c.Id)
		}
		if p.Total != 7 {
			t.Errorf("total %d", p.Total)
		}
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if got := strings.Join(names, " "); got != "c0 c1 c2 c3 c4 c5 c6" {
		t.Errorf("pages have %s", got)
	}
	next := read[ClientPage](t, w.send("viewer", "GET", path, "")).Next
	for name, path := range map[string]string{
		"made up":          clients + "?cursor=AAAA",
		"not base64":       clients + "?cursor=%25",
		"cut short":        path + "&cursor=" + next[:len(next)-3],
		"of other filters": clients + "?cursor=" + next,
		"of another list":  "/v1/tenants/acme/users?cursor=" + next,
	} {
		if p := w.wants(400, "viewer", "GET", path, "").problem(t); p.Field != "cursor" {
			t.Errorf("a cursor %s: %+v", name, p)
		}
	}
	w.wants(400, "stranger", "GET", "/v1/tenants/other/clients?permission=workflows&limit=3&cursor="+next, "")
	for _, bad := range []string{"limit=201", "limit=-1", "limit=x", "sort=hash", "state=any", "order=up", "q=a&q=b", "wildcard=1"} {
		w.wants(400, "viewer", "GET", clients+"?"+bad, "")
	}
}

// What a request for a new client leaves out is not its zero value: the tenant decides. What it says counts, the empty list and false too.
func TestWhatIsNotSaidOfANewClientTheTenantDecides(t *testing.T) {
	w := open(t)
	w.declare()
	for name, c := range map[string]struct {
		said     string
		grants   []Grant
		bodyless bool
	}{
		"nothing": {`"permissions":["workflows"]`, []Grant{"client_credentials"}, true},
		"no":      {`"grants":[],"resource_servers":["flows"],"allow_bodyless_token":false`, []Grant{}, false},
	} {
		for path, rest := range map[string]string{clients: "", clients + "/import": `,"id":"` + name + `","secret":"shall be weak"`} {
			rec := w.wants(201, "editor", "POST", path, `{"name":"Postman",`+c.said+rest+`}`)
			var made Client
			if rest == "" {
				made = read[IssuedClient](t, rec).Client
			} else {
				made = read[Client](t, rec)
			}
			if !slices.Equal(*made.Grants, c.grants) || *made.AllowBodylessToken != c.bodyless {
				t.Errorf("%s said at %s: grants %v, bodyless %v", name, path, *made.Grants, *made.AllowBodylessToken)
			}
		}
	}
}

func TestABodyMayBeginWithAByteOrderMarkAndIsNotUTF16(t *testing.T) {
	w := open(t)
	w.wants(201, "editor", "POST", clients, "\ufeff"+`{"name":"Café","permissions":["nql"]}`)
	wide := "\xff\xfe{\x00}\x00"
	if a := w.wants(400, "editor", "POST", clients, wide); !strings.Contains(a.body, "UTF-16") {
		t.Errorf("it says %s", a.body)
	}
	if a := w.wants(400, "editor", "POST", clients, "{\"name\":\"caf\xe9\"}"); !strings.Contains(a.body, "line 1 has a byte that is not UTF-8") {
		t.Errorf("it says %s", a.body)
	}
}
