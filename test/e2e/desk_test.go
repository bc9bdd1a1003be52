package e2e

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// tableSettings are those of a token desk whose programs may act as operators. What follows the tenants is the test's.
const tableSettings = `listen: %[1]s
operators: %[2]s
data: data
tenants:
  - name: acme
    hosts: [127.0.0.1]
    issuer: http://%[1]s
    dialects: [oauth2, nexudus]
    allow_password_grant: true
    operators_api: true
    apis: %[3]s%[4]s`

// startTable starts a token desk with a clock that can be moved. before is done while it does not run yet.
func startTable(t *testing.T, more string, before func(b *booth)) *booth {
	t.Helper()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "[]") }))
	t.Cleanup(api.Close)
	at := freeAddresses(t, 2)
	b := apart(t, "serve", fmt.Sprintf(tableSettings, at[0], at[1], fmt.Sprintf(orders, api.URL), more))
	b.public, b.operators = "http://"+at[0], "http://"+at[1]
	if before != nil {
		before(b)
	}
	b.begin(t)
	t.Cleanup(func() { b.end(t) })
	return b
}

// visitor is an operator at a browser, which keeps the cookie and says of each form that it is from a page of the same site. The cookie is
// Secure and this is plain HTTP, so it is carried by hand, as browsers do for localhost.
type visitor struct {
	b              *booth
	username, id   string
	cookie         string
	password, totp string
	spent          map[string]bool // codes that were typed
}

// hire registers an operator at the command line and opens the link, which is all there is at first.
func (b *booth) hire(t *testing.T, username, role string) *visitor {
	t.Helper()
	out := b.operate(t, "operator", "create", username, "--role", role, "--json")
	v := &visitor{b: b, username: username, id: member(strings.ReplaceAll(out, `": "`, `":"`), "id"), spent: map[string]bool{}}
	link := regexp.MustCompile(`/sign-in/link\?key=([\w-]+)`).FindStringSubmatch(out)
	if link == nil {
		t.Fatalf("operator create says %s", out)
	}
	v.ask(t, "GET", "/sign-in/link?key="+link[1], "").wantStatus(t, 200) // a look does not spend it
	v.enter(t, v.post(t, "/sign-in/link", "key", keepSecret(link[1])))
	v.post(t, "/sign-in/link", "key", link[1]).wantStatus(t, 422) // but one use does
	return v
}

// enter takes the cookie of an answer that lets in.
func (v *visitor) enter(t *testing.T, a answer) {
	t.Helper()
	a.wantStatus(t, 303)
	set := a.header.Get("Set-Cookie")
	name, rest, _ := strings.Cut(set, "=")
	value, attributes, _ := strings.Cut(rest, ";")
	if name != "__Host-tokenbooth" || value == "" || attributes != " Path=/; HttpOnly; Secure; SameSite=Strict" {
		t.Fatalf("the session's cookie is %q", set)
	}
	v.cookie = keepSecret(value)
}

// proveOneself sets a password with one-time codes, and signs in by them: from then on the session is a fresh one.
func (v *visitor) proveOneself(t *testing.T) *visitor {
	t.Helper()
	app := html.UnescapeString(between(v.ask(t, "GET", "/account/password", "").wantStatus(t, 200).body, `name="app" value="`, `"`))
	u, err := url.Parse(app)
	if err != nil {
		t.Fatal(err)
	}
	v.totp, v.password = keepSecret(u.Query().Get("secret")), keepSecret("seven turnips of "+v.username)
	a := v.post(t, "/account/password", "app", app, "password", v.password, "repeated", v.password, "code", v.code(t)).wantStatus(t, 200)
	for _, code := range regexp.MustCompile(`(?:[0-9a-z]{4}-){5}[0-9a-z]{4}`).FindAllString(a.body, -1) {
		keepSecret(code)
	}
	v.signIn(t)
	return v
}

func (v *visitor) signIn(t *testing.T) {
	t.Helper()
	v.enter(t, v.post(t, "/sign-in", "username", v.username, "password", v.password, "code", v.code(t)))
}

// code is a one-time code that was not typed before: a code is good once, so the clock goes on if need be.
func (v *visitor) code(t *testing.T) string {
	t.Helper()
	for {
		c, err := totp.GenerateCode(v.totp, v.b.now())
		if err != nil {
			t.Fatal(err)
		}
		if !v.spent[c] {
			v.spent[c] = true
			return c
		}
		v.b.later(t, 31*time.Second)
	}
}

func (v *visitor) ask(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	headers = append(headers, "Cookie: __Host-tokenbooth-kept=yes") // as the page where people sign in has set it
	if v.cookie != "" {
		headers[len(headers)-1] += "; __Host-tokenbooth=" + v.cookie
	}
	return call(t, method, v.b.operators+path, body, headers...)
}

// post sends a form as a page of the console does.
func (v *visitor) post(t *testing.T, path string, pairs ...string) answer {
	t.Helper()
	return v.ask(t, "POST", path, values(pairs...), "Content-Type: "+form, "Sec-Fetch-Site: same-origin")
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// submit fills in a form of a page: the one that is sent to action, or to the page's own address when that is what action says. What is
// hidden in it goes along.
func (v *visitor) submit(t *testing.T, page, action string, pairs ...string) answer {
	t.Helper()
	body := v.ask(t, "GET", page, "").wantStatus(t, 200).body
	for _, f := range regexp.MustCompile(`(?s)<form method="post"([^>]*)>.*?</form>`).FindAllStringSubmatch(body, -1) {
		to := html.UnescapeString(between(f[1], `action="`, `"`))
		if to != action && (to != "" || action != page) {
			continue
		}
		for _, h := range hidden.FindAllStringSubmatch(f[0], -1) {
			pairs = append(pairs, html.UnescapeString(h[1]), html.UnescapeString(h[2]))
		}
		return v.post(t, action, pairs...)
	}
	t.Fatalf("%s has no form for %s:\n%s", page, action, body)
	return answer{}
}

func between(text, start, end string) string {
	_, rest, _ := strings.Cut(text, start)
	found, _, _ := strings.Cut(rest, end)
	return found
}

// program is an operator's program: a client that holds a permission of the operators' API.
type program struct {
	b          *booth
	id, secret string
	token      string
}

func (b *booth) enlist(t *testing.T, role string) *program {
	t.Helper()
	id, secret := b.register(t, "Program, "+role, "-p", "tokenbooth:"+role)
	p := &program{b: b, id: id, secret: secret}
	within(t, freshness, "the program gets a token", func() bool { return p.buy(t).status == 200 })
	return p
}

func (p *program) buy(t *testing.T) answer {
	t.Helper()
	a := post(t, p.b.public+"/oauth2/token", "grant_type=client_credentials", "Authorization: Basic "+basicOf(p.id, p.secret))
	p.token = keepToken(member(a.body, "access_token"))
	return a
}

// ask asks the operators' API about the tenant.
func (p *program) ask(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	if body != "" {
		headers = append(headers, "Content-Type: application/json")
	}
	return call(t, method, p.b.operators+"/v1/tenants/acme"+path, body, append(headers, "Authorization: Bearer "+p.token)...)
}

// event is an entry of the audit record.
type event struct {
	ID, Act, Outcome, Actor, Subject, Source string
	RequestID                                string `json:"request_id"`
	Time                                     time.Time
	Changes                                  []struct{ Field string }
}

// events reads the newest events of the tenant, by the API.
func (p *program) events(t *testing.T) []event {
	t.Helper()
	var page struct{ Events []event }
	a := p.ask(t, "GET", "/events?limit=50", "").wantStatus(t, 200)
	if err := json.Unmarshal([]byte(a.body), &page); err != nil {
		t.Fatal(err)
	}
	return page.Events
}

// deskEvents reads the events of the desk itself, by the console's export.
func (v *visitor) deskEvents(t *testing.T) []event {
	t.Helper()
	var all struct{ Events []event }
	a := v.ask(t, "GET", "/audit/export?format=json", "").wantStatus(t, 200)
	if err := json.Unmarshal([]byte(a.body), &all); err != nil {
		t.Fatal(err)
	}
	return all.Events
}

// secrets are the client secrets that an answer shows.
func (a answer) secrets() []string {
	found := regexp.MustCompile(`tbs_[0-9A-Za-z]{40,}`).FindAllString(a.body, -1)
	for _, s := range found {
		keepSecret(s)
	}
	return found
}

// buys reports whether an id and secret get a token.
func (b *booth) buys(t *testing.T, id, secret string) bool {
	t.Helper()
	return post(t, b.public+"/oauth2/token", "grant_type=client_credentials", "Authorization: Basic "+basicOf(id, secret)).status == 200
}
