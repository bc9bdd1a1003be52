package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Req 57, 79, 80: the README's own lines, with curl: what they print is the contract.
func TestReq057_Req079_Req080_TheReadmesLinesLookAtATokenAndTakeItBack(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sh\n([^`]*?/oauth2/introspect.*?)```").FindSubmatch(text)
	if block == nil {
		t.Fatal("the README no longer shows introspection")
	}
	lines := strings.Split(strings.TrimSpace(string(block[1])), "\n")
	if len(lines) != 3 {
		t.Fatalf("the README shows %q", lines)
	}
	look, takeBack, use := lines[0], lines[1], lines[2]
	token := nexthinkToken(t, post(t, shared.public+"/api/v1/token", "grant_type=client_credentials", shared.basic("NEXTHINK")).wantStatus(t, 200).body)
	set := fmt.Sprintf(". %s\nTOKEN=%s\n", filepath.Join(shared.dir, "demo.env"), token)
	_, v := members(t, shell(t, set+look))
	if v["active"] != true || v["client_id"] != shared.vars["NEXTHINK_CLIENT_ID"] || v["token_type"] != "Bearer" || v["iss"] != shared.public {
		t.Errorf("a good token is %v", v)
	}
	for range 2 { // what is taken back already is no error
		if out := shell(t, set+takeBack); out != "" {
			t.Errorf("taking it back prints %q", out)
		}
	}
	if out := shell(t, set+look); out != `{"active":false}`+"\n" { // the command ends the line
		t.Errorf("a revoked token is %q", out)
	}
	out := shell(t, set+use)
	if !strings.HasPrefix(out, "HTTP/1.1 401 ") || !strings.Contains(out, `error="invalid_token"`) {
		t.Errorf("a call with it is answered %q", out)
	}
	for _, path := range []string{"/oauth2/introspect", "/oauth2/revoke"} { // Req 57
		wrong := "Authorization: Basic " + basicOf(shared.vars["NEXTHINK_CLIENT_ID"], "wrong")
		for _, a := range []answer{post(t, shared.public+path, values("token", token)), post(t, shared.public+path, values("token", token), wrong)} {
			if a.status != 401 || !strings.HasPrefix(a.body, `{"error":"invalid_client",`) || strings.Contains(a.body, "active") || a.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: a stranger is answered %d %v %s", path, a.status, a.header, a.body)
			}
		}
	}
}

// Req 80: whatever is wrong with a token, whoever asks hears the same bytes.
func TestReq080_WhateverIsNotActiveIsTheSameBytes(t *testing.T) {
	t.Parallel()
	d := startDouble(t)
	basic := "Authorization: Basic " + basicOf(d.id, d.secret)
	look := func(token string) answer {
		return post(t, d.desk.public+"/oauth2/introspect", values("token", token), basic)
	}
	revoked, expired, mine := d.token(t), d.token(t), d.token(t)
	foreignID, foreignSecret := d.desk.register(t, "Foreign", "-t", "acme", "-p", "orders.read")
	foreign := d.tokenOf(t, foreignID, foreignSecret)
	other := d.foreign(t)
	d.revoke(t, revoked)
	if a := look(mine); !strings.HasPrefix(a.body, `{"active":true,`) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	d.revoke(t, foreign) // Req 79: 200, and untouched
	if status := get(t, d.desk.public+"/api/orders", foreign).status; status != http.StatusOK {
		t.Errorf("another client has taken a token back: %d", status)
	}
	for what, token := range map[string]string{"revoked": revoked, "garbage": "garbage", "foreign": foreign, "of another tenant": other, "cut": mine[:len(mine)-1], "long": strings.Repeat("a", 4000)} {
		if a := look(token); a.status != 200 || a.body != `{"active":false}` || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	for _, hint := range []string{"refresh_token", "access_token", "colour"} { // Req 79: a hint is only a hint
		token := d.token(t)
		post(t, d.desk.public+"/oauth2/revoke", values("token", token, "token_type_hint", hint), basic).wantStatus(t, 200)
		look(token).want(t, 200, `{"active":false}`)
	}
	post(t, d.desk.public+"/oauth2/revoke", values("token", "garbage"), basic).want(t, 200, "")
	d.desk.later(t, time.Hour)
	look(expired).want(t, 200, `{"active":false}`)
}

// R4, Req 56: success of a revocation is answered when it is durable. Whatever kind of token it was, after kill -9 in that moment it is
// refused by the desk, by its gateway, and by a gateway elsewhere, which is killed in the end as well.
func TestReq056_R004_WhatWasTakenBackStaysSoWhenTheIssuerIsKilledAtOnce(t *testing.T) {
	t.Parallel()
	d := startDouble(t)
	password := keepSecret("twelve lamps over the harbour 56")
	if _, problems, code := command(t, d.desk.dir, password, "-c", "tokenbooth.yaml", "user", "create", "jane", "-t", "acme", "-p", "orders.read", "--password-stdin"); code != 0 {
		t.Fatal(problems)
	}
	opaqueID, opaqueSecret := d.desk.register(t, "Opaque", "-t", "acme", "-p", "orders.read", "--token-form", "opaque")
	signIn := values("grant_type", "password", "username", "jane", "password", password)
	kinds := []struct{ name, basic, buy, member string }{
		{"a JWT", basicOf(d.id, d.secret), "grant_type=client_credentials", "access_token"},
		{"an opaque token", basicOf(opaqueID, opaqueSecret), "grant_type=client_credentials", "access_token"},
		{"a refresh token, with the JWT of its chain", basicOf(d.id, d.secret), signIn, "refresh_token"},
	}
	var dead []string
	for round := range 20 {
		kind := kinds[round%len(kinds)]
		basic := "Authorization: Basic " + kind.basic
		bought := post(t, d.desk.public+"/oauth2/token", kind.buy, basic).wantStatus(t, 200)
		access, taken := keepToken(member(bought.body, "access_token")), keepToken(member(bought.body, kind.member))
		get(t, d.desk.public+"/api/orders", access).wantStatus(t, 200)
		post(t, d.desk.public+"/oauth2/revoke", values("token", taken), basic).wantStatus(t, 200)
		d.desk.kill(t)
		d.desk.begin(t)
		dead = append(dead, access)
		post(t, d.desk.public+"/oauth2/introspect", values("token", access), basic).want(t, 200, `{"active":false}`)
		if status := get(t, d.desk.public+"/api/orders", access).status; status != http.StatusUnauthorized {
			t.Errorf("round %d, %s: after the kill the desk's own gateway answers %d", round, kind.name, status)
		}
		if kind.member == "refresh_token" {
			post(t, d.desk.public+"/oauth2/token", values("grant_type", "refresh_token", "refresh_token", taken), basic).wantStatus(t, 400)
		}
	}
	passes := func(token string) bool { return d.passes(t, token) != http.StatusUnauthorized }
	within(t, 2*freshness, "all are refused elsewhere", func() bool { return !slices.ContainsFunc(dead, passes) })
	d.gate.kill(t)
	d.gate.begin(t)
	if i := slices.IndexFunc(dead, passes); i >= 0 {
		t.Errorf("token %d passes at a gateway that has just started", i)
	}
}

// Req 88, Req 124: a program that knows nothing but the address of an API finds its way to a token: from the refusal to the resource's
// metadata, from there to the issuer's, from there to the token endpoint. At the desk and at the gateway process alike.
func TestReq088_Req124_ARefusalLeadsToTheTokenThatIsMissing(t *testing.T) {
	t.Parallel()
	d := startDouble(t)
	for name, at := range map[string]string{"desk": d.desk.public, "gateway": d.gate.public} {
		challenge := call(t, "GET", at+"/api/orders", "").wantStatus(t, 401).header.Get("WWW-Authenticate")
		link := regexp.MustCompile(`resource_metadata="([^"]*)"`).FindStringSubmatch(challenge)
		if !strings.HasPrefix(challenge, `Bearer realm="orders"`) || strings.Contains(challenge, "error=") || link == nil {
			t.Fatalf("%s: the challenge is %s", name, challenge)
		}
		var resource struct {
			Resource string   `json:"resource"`
			Issuers  []string `json:"authorization_servers"`
			Methods  []string `json:"bearer_methods_supported"`
			Scopes   []string `json:"scopes_supported"`
		}
		d.fetch(t, link[1], &resource)
		if resource.Resource != d.desk.public+"/api/orders" || !slices.Equal(resource.Issuers, []string{d.desk.public}) || !slices.Contains(resource.Scopes, "orders.read") {
			t.Fatalf("%s: the resource says %+v", name, resource)
		}
		m := struct{ metadata }{}
		d.fetch(t, resource.Issuers[0]+"/.well-known/oauth-authorization-server", &m)
		a := post(t, m.Token, values("grant_type", "client_credentials", "scope", resource.Scopes[0]), "Authorization: Basic "+basicOf(d.id, d.secret))
		token := keepToken(member(a.wantStatus(t, 200).body, "access_token"))
		get(t, at+"/api/orders", token).want(t, 200, "served")
		for _, wrong := range []string{d.desk.public + "/.well-known/oauth-protected-resource/api/elsewhere", strings.Replace(link[1], "127.0.0.1", "localhost", 1)} {
			if a, err := ask(t.Context(), web, "GET", wrong, ""); err != nil || a.status == 200 {
				t.Errorf("%s speaks of a resource: %v, %s", wrong, err, a.body)
			}
		}
	}
}

// fetch reads a document that anybody may keep a while.
func (d *double) fetch(t *testing.T, url string, into any) {
	t.Helper()
	a, err := ask(t.Context(), web, "GET", url, "")
	if err != nil || a.status != 200 || a.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(a.header.Get("Cache-Control"), "public, max-age=") {
		t.Fatalf("%s: %v, %d %v", url, err, a.status, a.header)
	}
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatal(err)
	}
}

// Req 84, Req 57: what the metadata advertises for looking at tokens and taking them back works, by each method it names, and for nobody
// who does not prove who it is.
func TestReq084_WhatIsAdvertisedForLookingAndTakingBackWorks(t *testing.T) {
	t.Parallel()
	d := startDouble(t)
	var m struct {
		Look        string   `json:"introspection_endpoint"`
		LookMethods []string `json:"introspection_endpoint_auth_methods_supported"`
		Take        string   `json:"revocation_endpoint"`
		TakeMethods []string `json:"revocation_endpoint_auth_methods_supported"`
		Feed        string   `json:"revocation_feed"`
	}
	d.fetch(t, d.desk.public+"/.well-known/oauth-authorization-server", &m)
	send := map[string]func(url, token string) answer{
		"client_secret_basic": func(url, token string) answer {
			return post(t, url, values("token", token), "Authorization: Basic "+basicOf(d.id, d.secret))
		},
		"client_secret_post": func(url, token string) answer {
			return post(t, url, values("token", token, "client_id", d.id, "client_secret", d.secret))
		},
	}
	if len(m.LookMethods) == 0 || !slices.Equal(m.LookMethods, m.TakeMethods) {
		t.Fatalf("the metadata says %+v", m)
	}
	for _, method := range m.LookMethods {
		token := d.token(t)
		if a := send[method](m.Look, token); !strings.HasPrefix(a.body, `{"active":true,`) {
			t.Errorf("%s: %d %s", method, a.status, a.body)
		}
		send[method](m.Take, token).want(t, 200, "")
		send[method](m.Look, token).want(t, 200, `{"active":false}`)
		post(t, m.Look, values("token", token)).wantStatus(t, 401)
	}
	call(t, "GET", m.Feed, "").wantStatus(t, 401)
	call(t, "GET", m.Feed, "", "Authorization: Basic "+basicOf(d.id, d.secret)).wantStatus(t, 403) // stands for no API
	secret, err := os.ReadFile(filepath.Join(d.gate.dir, "secret"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := ask(t.Context(), web, "GET", m.Feed, "", "Authorization: Basic "+basicOf("gateway", strings.TrimSpace(string(secret))))
	if good(page, err) != nil || !strings.Contains(page.header.Get("Cache-Control"), "no-store") || page.header.Get("Content-Type") != "application/jwt" || !jwtShape.MatchString(page.body) {
		t.Errorf("the feed is %v, %v %s", err, page.header, page.body)
	}
}
