package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

// atOnceSettings are of two servers on one folder: what a command changes, both have heard of when it says so.
const atOnceSettings = `listen: %[1]s
operators: %[2]s
data: %[4]s
tenants:
  - name: acme
    hosts: [127.0.0.1]
    issuer: http://%[3]s
    dialects: [oauth2]
    allow_password_grant: true
    apis: [{name: orders, upstream: "http://127.0.0.1:1", dialect: oauth2, permissions: [{name: orders.read}]}]
`

// onOneFolder starts two servers on one folder.
func onOneFolder(t *testing.T) (desks []*booth) {
	t.Helper()
	at, data := freeAddresses(t, 4), "data"
	for i := range 2 {
		b := unmade(t, "serve", fmt.Sprintf(atOnceSettings, at[2*i], at[2*i+1], at[0], data))
		if i == 0 {
			b.operate(t, "init")
			data = b.data("")
		} else if err := os.Mkdir(b.data(""), 0o700); err != nil {
			t.Fatal(err)
		}
		b.public, b.operators = "http://"+at[2*i], "http://"+at[2*i+1]
		b.begin(t)
		t.Cleanup(func() { b.end(t) })
		desks = append(desks, b)
	}
	return desks
}

// asks sends a form to the token endpoint, once.
func (b *booth) asks(t *testing.T, id, secret, form string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.public+"/oauth2/token", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(id, secret)
	res, err := web.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

const asClient = "grant_type=client_credentials"

// A command that makes or ends a secret answers when every server on its folder has heard of it: each request here is sent once, right
// after the command, and none is repeated.
func TestWhatACommandHasSaidIsTrueOfEveryServerOnItsFolder(t *testing.T) {
	desks := onOneFolder(t)
	desk := desks[0]
	wants := func(what string, status int, id, secret, form string) {
		t.Helper()
		for i, d := range desks {
			if got := d.asks(t, id, secret, form); got != status {
				t.Errorf("%s: server %d answers %d, want %d", what, i+1, got, status)
			}
		}
	}
	wants("an id that nobody has, which is remembered as such", 401, "early", "guess", asClient)
	id, secret := desk.register(t, "Early", "--id", "early", "-p", "orders.read")
	wants("a new client", 200, id, secret, asClient)
	for i := range 20 {
		old := secret
		secret = desk.rotated(t, id)
		wants(fmt.Sprintf("rotation %d: the new secret", i+1), 200, id, secret, asClient)
		wants(fmt.Sprintf("rotation %d: the old one", i+1), 401, id, old, asClient)
	}
	old := secret
	var made struct {
		Secret string `json:"client_secret"`
	}
	if err := json.Unmarshal([]byte(desk.operate(t, "client", "rotate", id, "--json")), &made); err != nil {
		t.Fatal(err)
	}
	secret = keepSecret(made.Secret)
	wants("both secrets of an overlap", 200, id, old, asClient)
	desk.operate(t, "client", "retire", id, "--yes")
	wants("a retired secret", 401, id, old, asClient)
	desk.operate(t, "client", "disable", id)
	wants("a disabled client", 401, id, secret, asClient)
	desk.operate(t, "client", "enable", id)
	wants("an enabled client", 200, id, secret, asClient)
	desk.operate(t, "client", "delete", id, "--yes")
	wants("a deleted client", 401, id, secret, asClient)
}

// rotated gives a client a new secret, and ends the old one.
func (b *booth) rotated(t *testing.T, id string) string {
	t.Helper()
	var made struct {
		Secret string `json:"client_secret"`
	}
	if err := json.Unmarshal([]byte(b.operate(t, "client", "rotate", id, "--overlap", "0", "--yes", "--json")), &made); err != nil {
		t.Fatal(err)
	}
	return keepSecret(made.Secret)
}

// The same holds for people, whose passwords are never remembered, for tokens that are taken back, and for keys.
func TestWhatACommandHasSaidOfUsersTokensAndKeysIsTrueOfEveryServer(t *testing.T) {
	desks := onOneFolder(t)
	desk := desks[0]
	id, secret := desk.register(t, "Portal", "-p", "orders.read", "--grant", "password,client_credentials")
	says := func(input string, args ...string) {
		t.Helper()
		if out, problems, code := command(t, desk.dir, input, append([]string{"-c", "tokenbooth.yaml"}, args...)...); code != 0 {
			t.Fatalf("%q: %d\n%s%s", args, code, out, problems)
		}
	}
	as := func(password string) string {
		return values("grant_type", "password", "username", "ada", "password", password)
	}
	wants := func(what string, status int, form string) {
		t.Helper()
		for i, d := range desks {
			if got := d.asks(t, id, secret, form); got != status {
				t.Errorf("%s: server %d answers %d, want %d", what, i+1, got, status)
			}
		}
	}
	first, second := keepSecret("vivid otter maps"), keepSecret("quiet heron tunes")
	wants("somebody unknown", 400, as(first))
	says(first+"\n", "user", "create", "ada", "-p", "orders.read", "--password-stdin")
	wants("a new user", 200, as(first))
	says(second+"\n", "user", "password", "ada", "--password-stdin")
	wants("a new password", 200, as(second))
	wants("the old password", 400, as(first))
	says("", "user", "disable", "ada")
	wants("a disabled user", 400, as(second))

	token := desk.bought(t, id, secret)
	wantsActive := func(what string, active bool) {
		t.Helper()
		for i, d := range desks {
			if got := d.shows(t, id, secret, token); got != active {
				t.Errorf("%s: server %d says active %v", what, i+1, got)
			}
		}
	}
	wantsActive("a token", true)
	desk.operate(t, "token", "revoke", "--client", id)
	wantsActive("a token taken back by a command", false)

	desk.operate(t, "key", "rotate", "--unannounced", "--yes")
	one, other := desks[0].keySet(t), desks[1].keySet(t)
	if one != other {
		t.Errorf("after key rotate the servers publish different keys:\n%s\n%s", one, other)
	}
}

func (b *booth) bought(t *testing.T, id, secret string) string {
	t.Helper()
	a, err := ask(t.Context(), web, "POST", b.public+"/oauth2/token", asClient, "Content-Type: "+form, "Authorization: Basic "+basicOf(id, secret))
	if err := good(a, err); err != nil {
		t.Fatal(err)
	}
	return keepSecret(member(a.body, "access_token"))
}

// shows introspects a token.
func (b *booth) shows(t *testing.T, id, secret, token string) (active bool) {
	t.Helper()
	a, err := ask(t.Context(), web, "POST", b.public+"/oauth2/introspect", values("token", token), "Content-Type: "+form,
		"Authorization: Basic "+basicOf(id, secret))
	if err := good(a, err); err != nil {
		t.Fatal(err)
	}
	return strings.Contains(a.body, `"active":true`)
}

func (b *booth) keySet(t *testing.T) string {
	t.Helper()
	a, err := ask(t.Context(), web, "GET", b.public+"/.well-known/jwks.json", "")
	if err := good(a, err); err != nil {
		t.Fatal(err)
	}
	return a.body
}
