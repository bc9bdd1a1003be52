package e2e

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// recorder does one act after the other. After each the program is killed on the spot, and what the audit record has gained since the
// act before is what the act has to answer for.
type recorder struct {
	b     *booth
	owner *visitor
	prog  *program
	seen  map[string]bool // ids of events
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	b := startTable(t, "", nil)
	r := &recorder{b: b, owner: b.hire(t, "ada@example.com", "owner").proveOneself(t), prog: b.enlist(t, "owner"), seen: map[string]bool{}}
	r.news(t)
	return r
}

// news are the events of the tenant and of the desk that were not seen before.
func (r *recorder) news(t *testing.T) (fresh []event) {
	t.Helper()
	for _, e := range append(r.prog.events(t), r.owner.deskEvents(t)...) {
		if !r.seen[e.ID] {
			r.seen[e.ID] = true
			fresh = append(fresh, e)
		}
	}
	return fresh
}

// noField are acts that change no field of a registration.
var noField = regexp.MustCompile(`^(token|tenant|key)\.|revoke-tokens|sign-in|invite|end-session|calendar|recovery|proof|passkey`)

// did does an act, kills the program when it has answered, and wants exactly these events of that actor afterwards. want is like
// "client.create client:q2tj"; without a subject, any will do.
func (r *recorder) did(t *testing.T, actor string, do func() answer, status int, want ...string) answer {
	t.Helper()
	before := r.b.now()
	a := do()
	r.b.kill(t)
	a.wantStatus(t, status)
	r.b.begin(t)
	if a := r.prog.ask(t, "GET", "/events?limit=1", ""); a.status == http.StatusUnauthorized { // the act has ended its token
		within(t, freshness, "the program gets another token", func() bool {
			return r.prog.buy(t).status == 200 && r.prog.ask(t, "GET", "/events?limit=1", "").status == 200
		})
	}
	got := r.news(t)
	for _, w := range want {
		act, subject, _ := strings.Cut(w, " ")
		i := slices.IndexFunc(got, func(e event) bool { return e.Act == act && (subject == "" || e.Subject == subject) })
		if i < 0 {
			t.Errorf("there is no event %s: %+v", w, got)
			continue
		}
		if e := got[i]; e.Actor != actor || e.Outcome != "allowed" || e.Time.Before(before.Add(-time.Second)) || e.Time.After(r.b.now()) {
			t.Errorf("%s by %s is %+v", w, actor, e)
		} else if e.Source == "" || e.RequestID == "" || len(e.Changes) == 0 && !noField.MatchString(act) {
			t.Errorf("%s does not say where it came from, or what it changed: %+v", w, e)
		}
		got = slices.Delete(got, i, i+1)
	}
	if len(got) > 0 {
		t.Errorf("%q has left more events than that: %+v", want, got)
	}
	return a
}

// Req 100, R3: what an operator's program was told is done has exactly one event with its name, whatever happens next.
func TestReq100_EachActOfAProgramIsRecordedOnceBeforeItIsAnswered(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	const anyRev, client = "If-Match: *", `{"name":"Warehouse","permissions":["orders.read"],"grants":["client_credentials"]}`
	act := func(want, method, path, body string, headers ...string) answer {
		t.Helper()
		status := 200
		if method == "DELETE" || strings.Contains(path, "revoke-") || strings.Contains(path, "/keys/") || strings.HasSuffix(path, "/password") {
			status = 204
		}
		if body != "" && strings.Contains(want, ".create") || strings.Contains(want, ".import") {
			status = 201
		}
		return r.did(t, "client:"+r.prog.id, func() answer { return r.prog.ask(t, method, path, body, headers...) }, status, want)
	}
	made := act("client.create", "POST", "/clients", client)
	made.once(t, 201)
	id := strings.TrimPrefix(made.header.Get("Location"), "/v1/tenants/acme/clients/")
	it, subject := "/clients/"+id, " client:"+id
	act("client.import client:legacy", "POST", "/clients/import", `{"id":"legacy","secret":"`+keepSecret("correct horse battery staple")+`",`+client[1:])
	act("client.update"+subject, "PUT", it, strings.Replace(client, "Warehouse", "Warehouse two", 1), anyRev)
	act("client.rotate"+subject, "POST", it+"/rotate", `{"overlap":3600}`, anyRev).secrets()
	act("client.undo-rotation"+subject, "POST", it+"/undo-rotation", "", anyRev)
	turned := act("client.rotate"+subject, "POST", it+"/rotate", `{"overlap":3600}`, anyRev)
	turned.secrets()
	old := regexp.MustCompile(`"expires":"[^"]*","id":"([^"]*)"`).FindStringSubmatch(turned.body)
	if old == nil {
		t.Fatal(turned.body)
	}
	act("client.retire-secret"+subject, "POST", it+"/retire", `{"credential":"`+old[1]+`"}`, anyRev)
	act("client.disable"+subject, "POST", it+"/disable", "", anyRev)
	act("client.enable"+subject, "POST", it+"/enable", "", anyRev)
	act("client.revoke-tokens"+subject, "POST", it+"/revoke-tokens", "")
	act("client.delete"+subject, "DELETE", it, "", anyRev)

	user := act("user.create", "POST", "/users", `{"username":"jane@example.com","permissions":["orders.read"],"password":"`+keepSecret("seven turnips in a bucket")+`"}`)
	subject = " user:" + strings.TrimPrefix(member(user.body, "id"), "user:")
	it = "/users/jane@example.com"
	act("user.update"+subject, "PUT", it, `{"name":"Jane","permissions":["orders.read"]}`, anyRev)
	act("user.password"+subject, "POST", it+"/password", `{"password":"`+keepSecret("eight turnips in a bucket")+`"}`)
	keepSecret(member(act("user.totp"+subject, "POST", it+"/totp", `{"enabled":true}`).body, "secret"))
	act("user.disable"+subject, "POST", it+"/disable", "", anyRev)
	act("user.enable"+subject, "POST", it+"/enable", "", anyRev)
	act("user.revoke-tokens"+subject, "POST", it+"/revoke-tokens", "")
	act("user.delete"+subject, "DELETE", it, "", anyRev)

	spare := &program{b: r.b, id: r.prog.id, secret: r.prog.secret}
	spare.buy(t)
	act("token.revoke", "POST", "/tokens/revoke", `{"token":"`+spare.token+`"}`)
	act("key.rotate-unannounced", "POST", "/keys/rotate", `{"unannounced":true}`)
	act("key.withdraw", "POST", "/keys/"+keysOf(t, r.b).Keys[0].KeyID+"/withdraw", "")
	act("tenant.revoke-tokens", "POST", "/tokens/revoke-all", "")
}

// Req 100: the same for whoever works at the console. A sign-in is an act too.
func TestReq100_EachActAtTheConsoleIsRecordedOnceBeforeItIsAnswered(t *testing.T) {
	t.Parallel()
	r := newRecorder(t)
	v, actor := r.owner, "operator:"+r.owner.id
	act := func(want, page, path string, pairs ...string) answer {
		t.Helper()
		status := 303
		for _, shows := range []string{"/new-client", "/rotate", "/new-user", "/password", "/totp", "/calendar-key", "/recovery-codes", "/invite"} {
			if strings.HasSuffix(path, shows) {
				status = 200
			}
		}
		return r.did(t, actor, func() answer { return v.submit(t, page, path, pairs...) }, status, want)
	}
	made := act("client.create", "/t/acme/new-client", "/t/acme/new-client", "name", "Warehouse", "permission", "orders.read", "grant", "client_credentials", "ends", "never")
	id := regexp.MustCompile(`-u ([\w-]+):` + made.once(t, 200)).FindStringSubmatch(made.body)[1]
	it, subject := "/t/acme/clients/"+id, " client:"+id
	act("client.update"+subject, it+"/edit", it+"/edit", "name", "Warehouse two", "permission", "orders.read", "grant", "client_credentials", "ends", "never")
	act("client.rotate"+subject, it, it+"/rotate", "overlap", "1h").secrets()
	act("client.undo-rotation"+subject, it, it+"/undo-rotation")
	act("client.rotate"+subject, it, it+"/rotate", "overlap", "1h").secrets()
	act("client.retire-secret"+subject, it, it+"/retire")
	act("client.disable"+subject, it, it+"/disable")
	act("client.enable"+subject, it, it+"/enable")
	act("client.revoke-tokens"+subject, it, it+"/revoke-tokens")
	act("client.delete"+subject, it, it+"/delete", "typed", "Warehouse two")

	act("user.create", "/t/acme/new-user", "/t/acme/new-user", "username", "jane@example.com", "permission", "orders.read", "password_from", "made")
	it = "/t/acme/users/jane@example.com"
	act("user.update", it, it+"/edit", "name", "Jane", "permission", "orders.read")
	act("user.password", it, it+"/password", "password_from", "made")
	act("user.totp", it, it+"/totp", "on", "yes")
	act("user.disable", it, it+"/disable")
	act("user.enable", it, it+"/enable")
	act("user.revoke-tokens", it, it+"/end-tokens")
	act("user.delete", it, it+"/delete", "typed", "jane@example.com")

	key := keysOf(t, r.b).Keys[0].KeyID
	act("key.rotate-unannounced", "/t/acme/keys/rotate-unannounced", "/t/acme/keys/rotate-unannounced")
	act("key.withdraw key:"+key, "/t/acme/keys/"+key+"/withdraw", "/t/acme/keys/"+key+"/withdraw", "typed", key)
	act("tenant.revoke-tokens", "/t/acme/tokens/end-all", "/t/acme/tokens/end-all", "typed", "acme")
	r.prog.buy(t)
	r.actsOnOperators(t, act)
}

func (r *recorder) actsOnOperators(t *testing.T, act func(want, page, path string, pairs ...string) answer) {
	t.Helper()
	v, actor := r.owner, "operator:"+r.owner.id
	a := r.did(t, actor, func() answer {
		return v.submit(t, "/operators/new", "/operators", "username", "grace@example.com", "role:acme", "editor")
	}, 200, "operator.create", "operator.invite")
	link := regexp.MustCompile(`/sign-in/link\?key=([\w-]+)`).FindStringSubmatch(a.body)
	other := &visitor{b: r.b, username: "grace@example.com", spent: map[string]bool{}, id: regexp.MustCompile(`/operators/([\w-]+)"`).FindStringSubmatch(a.body)[1]}
	it, subject := "/operators/"+other.id, " operator:"+other.id
	other.enter(t, r.did(t, "operator:"+other.id, func() answer { return other.post(t, "/sign-in/link", "key", keepSecret(link[1])) }, 303, "operator.sign-in"+subject))
	act("operator.end-sessions"+subject, it, it+"/sessions/end")
	act("operator.update"+subject, it, it, "name", "Grace", "role:acme", "viewer")
	keepSecret(between(act("operator.invite"+subject, it, it+"/invite").body, "link?key=", "<"))
	act("operator.disable"+subject, it, it+"/disable")
	act("operator.enable"+subject, it, it+"/enable")
	act("operator.delete"+subject, it, it+"/delete", "typed", "grace@example.com")

	self := " operator:" + v.id
	keepSecret(between(act("operator.calendar-key"+self, "/account", "/account/calendar-key").body, "/calendar/", ".ics"))
	for _, code := range regexp.MustCompile(`(?:[0-9a-z]{4}-){5}[0-9a-z]{4}`).FindAllString(act("operator.recovery-codes"+self, "/account", "/account/recovery-codes").body, -1) {
		keepSecret(code)
	}
	elsewhere := *v // in the same browser it would end the session that the record is read by
	elsewhere.cookie = ""
	a = r.did(t, actor, func() answer {
		return elsewhere.post(t, "/sign-in", "username", v.username, "password", v.password, "code", v.code(t))
	}, 303, "operator.sign-in"+self)
	v.enter(t, a)
	var refused []event
	guess := *v
	guess.cookie = ""
	id := guess.post(t, "/sign-in", "username", v.username, "password", "nonsense on stilts", "code", "123456").wantStatus(t, 422).header.Get("X-Request-Id")
	within(t, freshness, "a refused sign-in is recorded", func() bool {
		refused = append(refused, r.news(t)...)
		return len(refused) > 0
	})
	if e := refused[0]; len(refused) != 1 || e.ID != id || e.Act != "operator.sign-in.refuse" || e.Outcome != "refused" || e.Subject != "operator:"+v.id {
		t.Errorf("a refused sign-in is recorded as %+v", refused)
	}
}
