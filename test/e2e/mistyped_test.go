package e2e

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// everyDialect is the tenant with each contract, and a place where proxies ask.
const everyDialect = `    endpoints: [{path: /api/v1/token, dialect: nexthink, as: /api/v1/token}, {path: /token, dialect: dadi}]
check: {listen: %s, peers: [127.0.0.1/32]}
trusted_proxies: [127.0.0.1/32]
`

// sent is one request with a secret where something else belongs.
type sent struct {
	method, url, body string
	headers           []string
	said              bool // the answer leads back to the address, or holds the link's key, by design
}

// misplaced are requests with a text in every field of every endpoint, one field at a time.
func misplaced(b *booth, check, id, text string) (all []sent) {
	add := func(method, url, body string, headers ...string) {
		all = append(all, sent{method, url, body, headers, method == "GET" && strings.HasPrefix(url, b.operators+"/") || strings.Contains(url, "/sign-in/link")})
	}
	q := url.QueryEscape(text)
	basic := func(id, secret string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
	}
	const isForm, isJSON = "Content-Type: " + form, "Content-Type: application/json"
	for _, path := range []string{"/oauth2/token", "/api/token", "/api/v1/token", "/token"} {
		at := b.public + path
		for _, fields := range []string{"grant_type=" + q, "grant_type=client_credentials&client_id=" + q + "&client_secret=" + q,
			"grant_type=client_credentials&client_id=" + id + "&client_secret=" + q, "grant_type=client_credentials&scope=" + q,
			"grant_type=password&username=" + q + "&password=" + q, "grant_type=password&username=ada&password=" + q + "&totp=" + q + "&scope=" + q,
			"grant_type=refresh_token&refresh_token=" + q + "&client_id=" + q, q + "=" + q, q + "=" + q + "&" + q + "=" + q, "%zz" + q} {
			add("POST", at, fields, isForm)
			add("POST", at, fields, isForm, basic(text, id))
			add("POST", at, fields, isForm, basic(id, text), "client_id: "+text)
			add("POST", at, fields, isForm, basic(text+"\n", id))
		}
		for _, body := range []string{`{"clientId":%q,"secret":%q}`, `{"clientid":%q,"Secret":%q}`, `{%q:%q}`, `[%q,%q]`, `{"clientId":"x\u0000%s","secret":"%s"}`} {
			add("POST", at, fmt.Sprintf(body, text, text), isJSON)
		}
		add("POST", at+"?client_secret="+q, "grant_type=client_credentials", isForm)
		add("POST", at+"?"+q+"="+q, "", basic(text, text))
		add("POST", at, "x", "Content-Type: "+text+"/"+text)
		add("POST", at, "x=\xff", isForm+"; charset="+text)
		add("POST", at, "x", isForm, "Content-Encoding: "+text)
		add("POST", at, "", "Authorization: "+text+" "+text)
		add("POST", at, "", "Authorization: Basic "+text, "Origin: https://"+text)
		add(text, at, "")
		add("POST", at+"/"+text, "")
	}
	for _, path := range []string{"/oauth2/introspect", "/oauth2/revoke", "/oauth2/revocations"} {
		at := b.public + path
		for _, fields := range []string{"token=" + q, "token=x&token_type_hint=" + q, "client_id=" + q + "&client_secret=" + q + "&token=" + q, q} {
			add("POST", at, fields, isForm, basic(text, text))
			add("POST", at, fields, isForm)
		}
		add("POST", at+"?token="+q, "", basic(id, text))
		add("GET", at+"?after="+q, "", basic(text, text))
		add("GET", at+"?after="+q, "", basic(id, text))
	}
	for _, at := range []string{b.public, b.operators} {
		for _, path := range []string{"/" + text, "/orders/" + text, "/orders?access_token=" + q, "/orders?" + q, "/orders/%41" + text, "/.well-known/" + text,
			"/.well-known/oauth-authorization-server/" + text, "/v1/tenants/" + text + "/clients", "/v1/tenants/acme/clients/" + text, "/sign-in?next=/" + q, "/t/" + text,
			"/sign-in/link?key=" + q} {
			add("GET", at+path, "")
			add("GET", at+path, "", "Authorization: Bearer "+text, "Referer: http://127.0.0.1/"+text, "User-Agent: "+text, "Cookie: "+text+"="+text)
			add("GET", at+path, "", "Authorization: Bearer "+unsigned(text), "X-Forwarded-For: "+text)
			add(text, at+path, "")
		}
		add("GET", at+"/orders", "", "Host: "+text+".example")
		add("POST", at+"/sign-in", "username="+q+"&password="+q+"&code="+q, isForm)
		add("POST", at+"/sign-in/link", "key="+q, isForm)
		add("POST", at+"/sign-in/passkey", "state="+q+"&answer="+q, isForm)
		add("POST", at+"/csp-report", `{"csp-report":{"effective-directive":"`+text+`","blocked-uri":"`+text+`","document-uri":"`+text+`"}}`, "Content-Type: application/csp-report")
		add("POST", at+"/v1/tenants/acme/clients", `{"name":"`+text+`","`+text+`":1}`, isJSON, "Idempotency-Key: "+text, "Authorization: Bearer "+text)
	}
	for _, h := range []string{"X-Forwarded-Method", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Uri", "X-Forwarded-For", "X-Original-" + text, "Tokenbooth-" + text} {
		headers := []string{"X-Forwarded-Method: GET", "X-Forwarded-Proto: http", "X-Forwarded-Host: 127.0.0.1", "X-Forwarded-Uri: /orders", "X-Forwarded-For: 192.0.2.1"}
		for i, line := range headers {
			if strings.HasPrefix(line, h+":") {
				headers[i] = h + ": /" + text
			}
		}
		if !strings.HasPrefix(h, "X-Forwarded") {
			headers = append(headers, h+": "+text)
		}
		add("GET", "http://"+check+"/check", "", headers...)
		add("GET", "http://"+check+"/"+text, "", headers...)
	}
	return all
}

// unsigned is a token whose header and claims are a text.
func unsigned(text string) string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(fmt.Sprintf(`{"alg":%[1]q,"typ":"at+jwt","kid":%[1]q}`, text)) + "." + part(fmt.Sprintf(`{"iss":%[1]q,"aud":%[1]q}`, text)) + ".c2ln"
}

// What people mistype is found nowhere: not in the log, the database or its write-ahead log, the journal, the audit record, the figures or
// an answer. A name that nobody has can be compared all the same.
func TestASecretInTheWrongPlaceIsKeptNowhereInClear(t *testing.T) {
	t.Parallel()
	check := freeAddresses(t, 1)[0]
	b := startTable(t, fmt.Sprintf(everyDialect, check), nil)
	id, secret := b.register(t, "One", "-p", "orders.read")
	within(t, freshness, "the client is known", func() bool { return b.asks(t, id, secret, "grant_type=client_credentials") == 200 })
	sources := 0
	for _, text := range []string{secret, keepSecret("Correct-Horse-7f3a")} {
		for _, s := range misplaced(b, check, id, text) {
			if sources++; !strings.Contains(strings.Join(s.headers, "\n"), "X-Forwarded-For") { // each from elsewhere, so none is turned away unread
				s.headers = append(s.headers, fmt.Sprintf("X-Forwarded-For: 10.0.%d.%d", sources/250, sources%250+1))
			}
			a := call(t, s.method, s.url, s.body, s.headers...)
			if s.said { // a page that leads back to where its reader wanted to go
				continue
			}
			if err := searchCanaries("the answer to "+s.url[:len("http://127.0.0.1:1")], []byte(a.body+fmt.Sprint(a.header))); err != nil {
				t.Errorf("%s %s: %v", s.method, s.body, err)
			}
		}
	}
	a := post(t, b.public+"/oauth2/token", "grant_type=client_credentials", "Authorization: Basic "+basicOf(secret, id),
		"X-Forwarded-For: 10.9.9.9").wantStatus(t, 401)
	request := a.header.Get("X-Request-Id")
	b.logged(t, freshness, request, "unknown_client", "tbs_…(")
	within(t, freshness, "the refusal is kept", func() bool {
		_, _, code := command(t, b.dir, "", "explain", request, "-c", "tokenbooth.yaml")
		return code == 0
	})
	if said := b.operate(t, "explain", request, "--name", secret); !strings.Contains(said, "this is the name that was sent") || !strings.Contains(said, "unknown:tbs_…(") {
		t.Errorf("explain says of the name that was sent: %s", said)
	}
	if said := b.operate(t, "explain", request, "--name", id); !strings.Contains(said, "is not the name that was sent") {
		t.Errorf("explain says of another name: %s", said)
	}
	listed := b.operate(t, "audit", "list", "--json", "--limit", "1000") + b.operate(t, "audit", "list", "--desk", "--json", "--limit", "1000")
	if !strings.Contains(listed, "host.refuse") || !strings.Contains(listed, "no_route") {
		t.Error("the audit record lacks what was refused")
	}
	if err := b.searchCanaries(map[string][]byte{"audit list": []byte(listed)}); err != nil { // the write-ahead log too, which a clean stop empties
		t.Error(err)
	}
}
