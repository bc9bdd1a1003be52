package console

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/dialect"
	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestAPIsShowWhatIsDeclaredAndWhoHoldsIt(t *testing.T) {
	w := newDeskWorld(t)
	page := w.signIn("vera", operator.Viewer).get("/t/acme/apis")
	page.shows(t, 200, "Workflows API", "https://api.acme.test/flows", ">1 client</a>", "nobody", "/free/{id}", "public", "5 a second, 10 at once",
		"1 MiB", "https://app.acme.test", "remembered for 1 hour", "/t/acme/dialects/oauth2", "&lt;script&gt;")
	if strings.Contains(page.body, "booth.yaml") || strings.Contains(page.body, "10.0.0.1") {
		t.Error("a viewer sees where the settings are, or what they say of the house")
	}
	w.signIn("otto", operator.Owner).get("/t/acme/apis").shows(t, 200, "booth.yaml:12", "http://10.0.0.1")
}

func TestOneTokenIsShownWithAllThatIsKnown(t *testing.T) {
	w := newDeskWorld(t)
	ed := w.signIn("edna", operator.Editor)
	for _, form := range []oauth.TokenForm{oauth.JWT, oauth.Opaque, oauth.UUID} {
		token := w.issue("req-"+string(form), form)
		page := ed.post("/t/acme/tokens/look", "token", "Authorization: Bearer "+token.AccessToken+"\n")
		page.shows(t, 200, "This token is active", w.client.ID, "https://api.acme.test/flows", "passes", "403: the token lacks campaigns", "2 routes of 3", ">public<")
		ed.post("/t/acme/tokens/take-back", "token", token.AccessToken).shows(t, 422, "Tick the box first")
		ed.post("/t/acme/tokens/take-back", "token", token.AccessToken, "sure", "yes").leads(t, "/t/acme/tokens")
		ed.get("/t/acme/tokens").shows(t, 200, "The access token is taken back")
		ed.post("/t/acme/tokens/look", "token", token.AccessToken).shows(t, 200, "This token is not active")
	}
	for _, text := range []string{"", "  ", "two words", strings.Repeat("a", maxToken+1)} {
		ed.post("/t/acme/tokens/look", "token", text).shows(t, 422, "No token")
	}
	ed.post("/t/acme/tokens/look", "token", payload[:20]).shows(t, 200, "not active")
}

func TestLiveTokensAreFoundByClientAndUserAndTakenBack(t *testing.T) {
	w := newDeskWorld(t)
	ed := w.signIn("edna", operator.Editor)
	ed.get("/t/acme/tokens").shows(t, 200, "No refresh chain is live")
	_, err := w.registry.CreateUser(t.Context(), "cli:root", registry.User{Tenant: "acme", Username: "bob@acme.test", UserSpec: registry.UserSpec{Name: payload, Permissions: []string{"workflows"}}}, deskPassword)
	w.must(err)
	w.signInUser("bob@acme.test")
	chains := ed.get("/t/acme/tokens?client=" + w.client.ID)
	chains.shows(t, 200, "bob@acme.test", "live", "Nightly &lt;script&gt;", "/t/acme/tokens/end?client="+w.client.ID)
	ed.get("/t/acme/tokens?user=BOB%40acme.test").shows(t, 200, "bob@acme.test", "/t/acme/tokens/end?user=bob%40acme.test")
	ed.get("/t/acme/tokens?client=nightly").shows(t, 200, "bob@acme.test")
	ed.get("/t/acme/tokens?user=nobody").shows(t, 200, "No user of this tenant has this name")
	ed.get("/t/acme/tokens?client="+url.QueryEscape(payload)).shows(t, 200, "bob@acme.test") // the name of the only client that matches
	ed.get("/t/acme/tokens?client="+url.QueryEscape("no such "+payload)).shows(t, 200, "None of")

	pick := regexp.MustCompile(`name="pick" value="(chain:[^"]+)"`).FindStringSubmatch(chains.body)
	if pick == nil {
		t.Fatal("no chain can be picked")
	}
	ed.post("/t/acme/tokens/revoke").leads(t, "/t/acme/tokens")
	ed.post("/t/acme/tokens/revoke", "pick", "nonsense").shows(t, 400)
	ed.post("/t/acme/tokens/revoke", "pick", pick[1]).shows(t, 200, "Take back 1?", "1 chain")
	ed.post("/t/acme/tokens/revoke", "pick", pick[1], "sure", "yes").leads(t, "/t/acme/tokens")
	ed.get("/t/acme/tokens").shows(t, 200, "Taken back: 1.")

	w.advance(time.Second)
	w.signInUser("bob@acme.test")
	ed.get("/t/acme/tokens?list=opaque").shows(t, 200, "token:", "bob@acme.test")
	ed.get("/t/acme/tokens/end?user=bob%40acme.test").shows(t, 200, "End all tokens of the user")
	ed.post("/t/acme/tokens/end", "user", "bob@acme.test").leads(t, "/t/acme/tokens")
	ed.get("/t/acme/tokens/end?client="+w.client.ID).shows(t, 200, "End all tokens of the client", "&lt;script&gt;")
	ed.post("/t/acme/tokens/end", "client", w.client.ID).leads(t, "/t/acme/tokens")
	ed.post("/t/acme/tokens/end").shows(t, 404)
}

func TestAllTokensOfATenantAreEndedOnlyByItsName(t *testing.T) {
	w := newDeskWorld(t)
	token := w.issue("r", oauth.JWT)
	owner := w.signIn("otto", operator.Owner)
	owner.get("/t/acme/tokens/end-all").shows(t, 200, "Write the tenant's name")
	owner.post("/t/acme/tokens/end-all", "typed", "Acme").shows(t, 422, "That is not the tenant&#39;s name", `aria-describedby="typed-error"`)
	owner.post("/t/acme/tokens/end-all", "typed", "acme").leads(t, "/t/acme/tokens")
	owner.post("/t/acme/tokens/look", "token", token.AccessToken).shows(t, 200, "not active")
	w.signIn("edna", operator.Editor).post("/t/acme/tokens/end-all", "typed", "acme").shows(t, 403)
}

func TestKeysAreRotatedWhenTheyMayBe(t *testing.T) {
	w := newDeskWorld(t)
	owner := w.signIn("otto", operator.Owner)
	owner.get("/t/acme/keys").shows(t, 200, "signs", "announced", "https://login.acme.test/.well-known/jwks.json", "Nobody yet")
	w.must(w.office.At(&operator.Actor{By: "cli:root", Roles: map[string]operator.Role{"*": operator.Owner}, Fresh: true}, "acme").RotateKeys(t.Context(), true))
	owner.post("/t/acme/keys/rotate").shows(t, 409, "Not yet: the announced key may sign from 22 Nov 2026, 04:2", `action="/t/acme/keys/rotate"`)
	owner.get("/t/acme/keys/rotate-unannounced").shows(t, 200, "refuses the new ones")
	owner.post("/t/acme/keys/rotate-unannounced").leads(t, "/t/acme/keys/rotate-unannounced")
	owner.post("/t/acme/keys/rotate-unannounced", "sure", "yes").leads(t, "/t/acme/keys")
	w.advance(14 * time.Minute)
	w.fetches = []Fetch{{From: "198.51.100.7", Agent: payload, At: w.now(), Current: true}, {From: "198.51.100.8", At: w.now().Add(-time.Hour)}}
	owner.get("/t/acme/keys").shows(t, 200, "retired", "198.51.100.7", "has it", "not yet", "&lt;script&gt;")
	w.advance(time.Minute - time.Second)
	fresh := w.signIn("olga", operator.Owner) // a quarter of an hour has made the first one stale
	fresh.post("/t/acme/keys/rotate").leads(t, "/t/acme/keys")
	fresh.get("/t/acme/keys").shows(t, 200, "The announced key signs now")
}

func TestReq098_AKeyIsWithdrawnOnlyAfterAFreshSignIn(t *testing.T) {
	w := newDeskWorld(t)
	owner := w.signIn("otto", operator.Owner)
	kid := regexp.MustCompile(`/t/acme/keys/([^/"]+)/withdraw`).FindStringSubmatch(owner.get("/t/acme/keys").body)
	if kid == nil {
		t.Fatal("no key can be withdrawn")
	}
	page := "/t/acme/keys/" + kid[1] + "/withdraw"
	owner.get(page).shows(t, 200, "Every token it has signed is worth nothing", kid[1][:8])
	owner.post(page, "typed", "something").shows(t, 422, "That is not how the id of this key begins")
	w.advance(16 * time.Minute)
	owner.get(page).leads(t, "/sign-in/again?next="+url.QueryEscape(page))
	owner.post(page, "typed", kid[1][:8]).leads(t, "/sign-in/again?next=%2Ft%2Facme%2Fkeys")
	owner.get("/t/acme/keys").shows(t, 200, kid[1])
	fresh := w.signIn("olga", operator.Owner)
	fresh.get("/t/acme/keys/nothing/withdraw").shows(t, 404)
	fresh.post("/t/acme/keys/nothing/withdraw", "typed", "nothing").shows(t, 404)
	fresh.post(page, "typed", kid[1][:8]).leads(t, "/t/acme/keys")
	fresh.get("/t/acme/keys").shows(t, 200, "The key is withdrawn")
	if strings.Contains(fresh.get("/t/acme/keys").body, kid[1]) {
		t.Error("the withdrawn key is listed still")
	}
}

func TestReq047_WhoMayNotIsRefusedOnEveryPageOfTheDesk(t *testing.T) {
	w := newDeskWorld(t)
	people := map[operator.Role]*visitor{}
	for _, role := range operator.Roles() {
		people[role] = w.signIn("a-"+string(role), role)
	}
	posts := map[string]operator.Right{
		"POST /t/{tenant}/tokens/look": operator.ReadTokens, "POST /t/{tenant}/tokens/take-back": operator.RevokeTokens, "POST /t/{tenant}/tokens/revoke": operator.RevokeTokens,
		"POST /t/{tenant}/tokens/end": operator.RevokeTokens, "POST /t/{tenant}/tokens/end-all": operator.RevokeAll, "POST /t/{tenant}/keys/rotate": operator.RotateKeys,
		"POST /t/{tenant}/keys/rotate-unannounced": operator.RotateKeys, "POST /t/{tenant}/keys/{key}/withdraw": operator.WithdrawKeys,
		"POST /t/{tenant}/dialects/{dialect}/playground": "",
	}
	for _, to := range deskRoutes {
		method, path, _ := strings.Cut(to.pattern, " ")
		right, post := posts[to.pattern]
		if method == http.MethodPost && !post {
			t.Errorf("%s: say in this test which right it needs", to.pattern)
			continue
		}
		if !post {
			right = to.right
		}
		path = strings.NewReplacer("{key}", "k", "{event}", "e", "{dialect}", "oauth2").Replace(path)
		for role, who := range people {
			for tenant, allowed := range map[string]bool{"acme": (right == "" || role.Can(right)) && strings.Contains(path, "{tenant}"), "other": false} {
				var form url.Values
				if post {
					form = url.Values{"sure": {"yes"}, "token": {"x"}, "pick": {"token:x"}, "client": {"nobody"}, "typed": {"k"}, "request": {"POST /x"}}
					if strings.HasSuffix(path, "end-all") {
						form.Set("typed", "not its name")
					}
				}
				got := who.do(method, strings.Replace(path, "{tenant}", tenant, 1), form).status
				if refused := got == http.StatusForbidden; refused == allowed && !(strings.HasSuffix(to.pattern, "POST /t/{tenant}/tokens/end-all") && got == 422) {
					t.Errorf("%s as %s of acme in %s: %d", to.pattern, role, tenant, got)
				}
			}
		}
	}
}

func TestTheAuditLogIsSearched(t *testing.T) {
	w := newDeskWorld(t)
	auditor := w.signIn("anna", operator.Auditor)
	w.event(audit.Event{Act: "token.refuse", Actor: "client:" + payload, Subject: payload, Outcome: audit.Refused, Reason: "invalid_client: " + payload, Source: payload, Detail: map[string]string{payload: payload}})
	from := w.now()
	first := w.event(audit.Event{Act: "client.update", Actor: "operator:one", Subject: "client:abc", Outcome: audit.Allowed, RequestID: "req-1"})
	w.event(audit.Event{ID: "req-2", RequestID: "req-2", Act: "token.refuse", Actor: "client:xyz", Outcome: audit.Refused})
	w.event(audit.Event{Act: "client.update", Actor: "operator:one-and-more", Subject: "client:abc", Outcome: audit.Allowed})
	w.event(audit.Event{Act: "api.refuse", Actor: "client:abc", Subject: "api:flows", Outcome: audit.Refused, Reason: "insufficient_scope: lacks \x1b[2J it"})
	for name, test := range map[string]struct {
		query string
		rows  int
	}{
		"exactly that actor":         {"actor=operator:one", 1},
		"no wildcard":                {"actor=operator:%25", 0},
		"not the start of one":       {"actor=operator:", 0},
		"a subject":                  {"subject=client:abc", 2},
		"a bare id is a client":      {"subject=abc", 2},
		"an act and an actor":        {"act=client.update&actor=operator:one", 1},
		"acts that start so":         {"act=client.&subject=abc", 2},
		"refused":                    {"outcome=refused&actor=client:abc", 1},
		"since":                      {"since=" + from.Format(minuteForm) + "&subject=abc", 2},
		"until, before it all":       {"until=2026-01-01T00:00", 0},
		"a request":                  {"request=req-2", 1},
		"a request nobody made":      {"request=none", 0},
		"markup, escaped":            {"subject=" + url.QueryEscape("x:"+payload), 0},
		"both of one thing, nothing": {"actor=operator:one&outcome=refused", 0},
	} {
		page := auditor.get("/t/acme/audit?" + test.query)
		page.shows(t, 200)
		if got := strings.Count(page.body, `<span class="desk-what">`); got != test.rows {
			t.Errorf("%s: %d rows, want %d", name, got, test.rows)
		}
	}
	auditor.get("/t/acme/audit").shows(t, 200, "&lt;script&gt;", `lacks \u001b[2J it`, "A client was changed", "04:1", "UTC")
	auditor.get("/t/acme/audit?since=yesterday").shows(t, 422, `id="since-error"`, `aria-invalid="true"`)
	auditor.get("/t/acme/audit/"+first).shows(t, 200, "A client was changed", "operator:one", "req-1", "for good")
	auditor.get("/t/acme/audit/nothing").shows(t, 404)
}

func TestReq113_AForgedCursorOpensNothing(t *testing.T) {
	w := newDeskWorld(t)
	auditor := w.signIn("anna", operator.Auditor)
	other := audit.Event{Tenant: "other", ID: "zzzz", Time: w.now(), Act: "client.create", Actor: "cli:other", Outcome: audit.Allowed}
	w.must(w.store.Put(t.Context(), audit.Record(other)))
	for _, cursor := range []string{"%", "../../other", "zzzz", "\x00", strings.Repeat("z", 5000), "' OR 1=1 --", payload} {
		for _, page := range []string{"/t/acme/audit?after=", "/t/acme/tokens?after=", "/t/acme/tokens?list=opaque&after="} {
			got := auditor.get(page + url.QueryEscape(cursor))
			if got.status >= 500 || strings.Contains(got.body, "cli:other") {
				t.Errorf("%s%.40q: %d", page, cursor, got.status)
			}
		}
	}
}

func TestOlderEventsAreReachedPageByPage(t *testing.T) {
	w := newDeskWorld(t)
	auditor := w.signIn("anna", operator.Auditor)
	for i := range 2*pageOfEvents + 10 {
		w.event(audit.Event{Act: "client.update", Actor: "cli:many", Subject: fmt.Sprintf("client:c%03d", i), Outcome: audit.Allowed})
	}
	seen, path := map[string]bool{}, "/t/acme/audit?act=client.update&actor=cli%3Amany"
	for range 5 {
		page := auditor.get(path)
		page.shows(t, 200)
		for _, m := range regexp.MustCompile(`>client:(c\d\d\d)<`).FindAllStringSubmatch(page.body, -1) {
			seen[m[1]] = true
		}
		next := regexp.MustCompile(`href="([^"]*after=[^"]*)"`).FindStringSubmatch(page.body)
		if next == nil {
			break
		}
		path = strings.ReplaceAll(next[1], "&amp;", "&")
		if !strings.Contains(path, "actor=cli%3Amany") {
			t.Fatalf("the search is lost on the next page: %s", path)
		}
	}
	if len(seen) != 2*pageOfEvents+10 {
		t.Errorf("%d events were reached", len(seen))
	}
}

func TestASearchIsExported(t *testing.T) {
	w := newDeskWorld(t)
	auditor := w.signIn("anna", operator.Auditor)
	for i := range exportPage + 5 {
		w.event(audit.Event{Act: "client.update", Actor: "cli:many", Subject: fmt.Sprintf("client:c%04d", i), Outcome: audit.Allowed, Reason: "=1+1"})
	}
	sheet := auditor.get("/t/acme/audit/export?format=csv&actor=cli:many")
	if got := sheet.header.Get("Content-Disposition"); !strings.HasPrefix(got, `attachment; filename="audit-acme-2026`) || !strings.HasSuffix(got, `.csv"`) {
		t.Errorf("Content-Disposition: %s", got)
	}
	plain, marked := strings.CutPrefix(sheet.body, "\ufeff")
	if !marked {
		t.Errorf("the sheet begins with %.10q: Excel takes it for another encoding", sheet.body)
	}
	rows, err := csv.NewReader(strings.NewReader(plain)).ReadAll()
	if err != nil || len(rows) != exportPage+6 || rows[1][5] != "'=1+1" {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	var back struct {
		Events []exportedEvent `json:"events"`
		CutOff bool            `json:"cut_off"`
	}
	doc := auditor.get("/t/acme/audit/export?format=json&subject=client:c0001")
	if err := json.Unmarshal([]byte(doc.body), &back); err != nil || len(back.Events) != 1 || back.CutOff || doc.header.Get("Content-Type") != "application/json" {
		t.Errorf("%v: %s", err, doc.body)
	}
	auditor.get("/t/acme/audit/export?since=never").shows(t, 422)
	w.signIn("vera", operator.Viewer).get("/t/acme/audit/export?format=csv").shows(t, 403)
}

func TestARequestIsExplainedByItsId(t *testing.T) {
	w := newDeskWorld(t)
	auditor := w.signIn("anna", operator.Auditor)
	token := w.issue("request-of-nightly", oauth.JWT)
	deadline := time.Now().Add(5 * time.Second)
	for auditor.get("/t/acme/audit/request-of-nightly").status != 200 && time.Now().Before(deadline) { // the journal writes within a quarter of a second
		time.Sleep(20 * time.Millisecond)
	}
	page := auditor.get("/t/acme/audit/request-of-nightly")
	page.shows(t, 200, "A token was issued", w.client.ID, "client_credentials, in the dialect oauth2", "192.0.2.9")
	if strings.Contains(page.body, token.AccessToken) {
		t.Error("the token itself is on the page")
	}
	auditor.get("/t/acme/audit?request=request-of-nightly").shows(t, 200, "This request was given a token")
	id := w.event(audit.Event{ID: "refusal-1", RequestID: "refusal-1", Act: "token.refuse", Actor: "client:" + w.client.ID, Outcome: audit.Refused, Reason: "invalid_client: the secret is wrong",
		Detail: map[string]string{audit.CaseDetail: string(oauth.WrongSecret)}})
	auditor.get("/t/acme/audit/"+id).shows(t, 200, "What to do", "rotate it", "client authentication")
}

func TestDialectsAreDocumentation(t *testing.T) {
	w := newDeskWorld(t)
	viewer := w.signIn("vera", operator.Viewer)
	viewer.get("/t/acme/dialects").shows(t, 200, "Not spoken by this tenant", "/t/acme/dialects/nexthink/playground", "/oauth2/default/v1/token")
	for _, name := range []string{"dadi", "nexthink", "nexudus", "oauth2"} {
		viewer.get("/t/acme/dialects/"+name).shows(t, 200, "desk-hole", "Every refusal as it is sent", "insufficient_scope")
		viewer.get("/t/acme/dialects/"+name+"/playground").shows(t, 200, "POST /", "Host: login.acme.test", "Nothing read yet")
	}
	viewer.get("/t/acme/dialects/nothing").shows(t, 404)
	viewer.get("/t/acme/dialects/oauth2").shows(t, 200, "/t/acme/dialects/oauth2/playground?transcript=client-credentials-body", "What real clients send")
	viewer.get("/t/acme/dialects/oauth2/playground?transcript=client-credentials-body").shows(t, 200, "From a transcript", "POST /oauth2/token")
	viewer.get("/t/acme/dialects/oauth2/playground?transcript="+url.QueryEscape("POST /evil")).shows(t, 404)
	viewer.get("/t/acme/dialects/nothing/playground").shows(t, 404)
}

// What the playground says to the request of a transcript is what the transcript says: refused by the dialect itself, or understood.
func TestEveryTranscriptCanBeTriedInThePlayground(t *testing.T) {
	w := newDeskWorld(t)
	viewer := w.signIn("vera", operator.Viewer)
	tried := 0
	for _, d := range dialect.Builtin() {
		for _, tr := range dialect.Transcripts(d.Name) {
			page := viewer.post("/t/acme/dialects/"+d.Name+"/playground", "request", tr.Request)
			page.shows(t, 200, `id="reading"`)
			refusedHere := strings.Contains(page.body, "Refused before anybody is asked")
			if status, _, _ := strings.Cut(strings.TrimPrefix(tr.Answer, "HTTP/1.1 "), " "); status < "300" && refusedHere {
				t.Errorf("%s/%s is answered with %s and refused in the playground", d.Name, tr.Name, status)
			}
			tried++
		}
	}
	if tried < 50 {
		t.Errorf("there are %d transcripts", tried)
	}
}

func TestThePlaygroundReadsARequestAsTheServerWould(t *testing.T) {
	w := newDeskWorld(t)
	viewer := w.signIn("vera", operator.Viewer)
	const form = "Content-Type: application/x-www-form-urlencoded\n\n"
	for name, test := range map[string]struct {
		dialect, request string
		status           int
		shows            []string
		hides            string
	}{
		"understood": {"nexthink", "POST /oauth2/default/v1/token HTTP/1.1\nHost: login.acme.test\nAuthorization: Basic YWxpY2U6aHVudGVyMg==\n" + form + "grant_type=client_credentials", 200,
			[]string{"Understood", "client_credentials", "alice", "client_secret_basic", "(7 characters)", "made-up values", "MADE-UP.ACCESS.TOKEN", "&#34;expires_in&#34;:900"}, "hunter2"},
		"refused": {"nexthink", "POST /oauth2/default/v1/token\n" + form + "grant_type=password&client_id=a&client_secret=b", 200,
			[]string{"Refused before anybody is asked", "HTTP/1.1 400 Bad Request", "unsupported_grant_type", "Cache-Control: no-store", "There was no Host header"}, ""},
		"another host": {"oauth2", "POST /oauth2/token HTTP/1.1\nHost: evil.test\n" + form + "grant_type=client_credentials&client_id=a&client_secret=hunter2hunter2x&scope=" + url.QueryEscape(payload), 200,
			[]string{"does not answer to the host", "evil.test"}, ""},
		"a call": {"dadi", "GET /api/collections HTTP/1.1\nHost: login.acme.test\nAuthorization: Bearer 00000000-0000-4000-8000-00000000abcd", 200,
			[]string{"a call to an API", "(36 characters)"}, ""},
		"a call without a token": {"oauth2", "GET /flows", 200, []string{"no_token", "HTTP/1.1 401 Unauthorized", "Bearer realm="}, ""},
		"a dialect that is not spoken": {"dadi", "POST /token\nContent-Type: application/json\n\n{\"clientId\":\"a\",\"secret\":\"b\"}", 200,
			[]string{"where this tenant does not answer", "00000000-0000-4000-8000-000000000000"}, ""},
		"no request": {"oauth2", payload, 422, []string{"&lt;script&gt;", `id="request-error"`}, ""},
		"too large":  {"oauth2", "POST /t\n\n" + strings.Repeat("=", 70<<10), 413, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			page := viewer.post("/t/acme/dialects/"+test.dialect+"/playground", "request", test.request)
			page.shows(t, test.status, test.shows...)
			if at := strings.Index(page.body, `id="reading"`); test.hides != "" && strings.Contains(page.body[max(at, 0):], test.hides) {
				t.Errorf("a secret is shown: %s", test.hides)
			}
		})
	}
}
