package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func basicOf(id, secret string) string {
	return keepSecret(base64.StdEncoding.EncodeToString([]byte(id + ":" + secret)))
}

const guideURL = "https://{{nexthink_instance}}.api.{{region}}.nexthink.cloud"

// The guide's command stands on two lines without a backslash, to be imported into Postman; who pastes it into a shell joins them.
func guideToken(t *testing.T, url, basic string) string {
	t.Helper()
	line := filled(t, "nexthink-guide-token.sh", guideURL, url, "<Base64 encoded {{nexthink_clientId}}:{{nexthink_clientSecret}}>", basic)
	return nexthinkToken(t, shell(t, strings.ReplaceAll(line, "\n", " ")))
}

func TestS4_TheGuidesCommandsBuyATokenAndListTheWorkflows(t *testing.T) {
	for _, p := range []struct{ name, url, client string }{
		{"instance and region in the host name", shared.vars["ACME_API_URL"], "ACME"},
		{"no name but the machine's", shared.public, "NEXTHINK"},
	} {
		t.Run(p.name, func(t *testing.T) {
			token := guideToken(t, p.url, shared.base64(p.client))
			out := shell(t, filled(t, "nexthink-guide-workflows.sh", guideURL, p.url, "{{access_token}}", token))
			wantLicenseReclamation(t, out)
		})
	}
}

// wantLicenseReclamation looks for the workflow that the guide shows, with the members it shows.
func wantLicenseReclamation(t *testing.T, body string) {
	t.Helper()
	var list []struct{ ID, Name, Status, LastUpdateTime string }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("no list of workflows: %v: %s", err, body)
	}
	for _, w := range list {
		if w.ID == "license_reclamation" && w.Name == "License reclamation" && w.Status == "ACTIVE" && w.LastUpdateTime == "2023-12-07T16:26:36Z" {
			return
		}
	}
	t.Errorf("the guide's workflow is not among %s", body)
}

func TestS4_TheOlderEndpointTakesEveryFormThatIsSent(t *testing.T) {
	basic := shared.basic("NEXTHINK")
	id, secret := shared.vars["NEXTHINK_CLIENT_ID"], shared.vars["NEXTHINK_CLIENT_SECRET"]
	inBody := values("client_id", id, "client_secret", secret)
	for _, c := range []struct {
		name, query, body string
		headers           []string
	}{
		{"the guide's: no body and no media type", "", "", []string{basic}},
		{"Python: no body, called JSON", "", "", []string{basic, "Content-Type: application/json"}},
		{"no body, called a form", "", "", []string{basic, "Content-Type: " + form}},
		{"nexthink_api 0.0: JSON", "", `{"grant_type":"client_credentials"}`, []string{basic, "Content-Type: application/json"}},
		{"a form with grant and scope", "", "grant_type=client_credentials&scope=service%3Aintegration", []string{basic, "Content-Type: " + form}},
		{"openid-client: a form with a charset", "", "grant_type=client_credentials&scope=service:integration",
			[]string{basic, "Content-Type: application/x-www-form-urlencoded;charset=UTF-8"}},
		{"Postman: Send as Basic Auth header", "", "grant_type=client_credentials", []string{basic, "Content-Type: " + form}},
		{"Postman: Send client credentials in body", "", "grant_type=client_credentials&" + inBody, []string{"Content-Type: " + form}},
		{"JSON with the credentials in it", "", fmt.Sprintf(`{"grant_type":"client_credentials","client_id":%q,"client_secret":%q}`, id, secret),
			[]string{"Content-Type: application/json"}},
		{"Moveworks: the grant in the URL, Basic", "?grant_type=client_credentials", "", []string{basic}},
		{"Moveworks: the grant in the URL, credentials in a form", "?grant_type=client_credentials", inBody, []string{"Content-Type: " + form}},
		{"a client that says more than it must", "", "grant_type=client_credentials", []string{basic, "Content-Type: " + form, "app-id: 7",
			"nx-app-version: 1", "Accept-Encoding: gzip, deflate, br", "x-trace-id: 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			nexthinkToken(t, call(t, "POST", shared.public+"/api/v1/token"+c.query, c.body, c.headers...).wantStatus(t, 200).body)
		})
	}
}

func TestS4_ABodylessRequestMayHaveALengthOfZeroOrNone(t *testing.T) {
	for _, length := range []string{"", "Content-Length: 0\r\n"} {
		head := "POST /api/v1/token HTTP/1.1\r\nHost: 127.0.0.1\r\n" + shared.basic("NEXTHINK") + "\r\n" + length + "\r\n"
		nexthinkToken(t, shared.raw(t, head).wantStatus(t, 200).body)
	}
}

func TestS4_WorkflowsAreListedWithAndWithoutAQuery(t *testing.T) {
	token := guideToken(t, shared.public, shared.base64("NEXTHINK"))
	all := get(t, shared.public+"/api/v1/workflows", token, "Accept: application/json").wantStatus(t, 200)
	wantLicenseReclamation(t, all.body)
	some := get(t, shared.public+"/api/v1/workflows?dependency=DEVICE&triggerMethod=API&fetchOnlyActiveWorkflows=true", token,
		"Content-Type: application/json").wantStatus(t, 200) // clients call a request without a body JSON, too
	if some.header.Get("Content-Type") != "application/json" || len(some.body) > len(all.body) {
		t.Errorf("got %v %s", some.header, some.body)
	}
}

// permissionCalls is a call to each API, what permission it needs, and what the API says to a token without it: four shapes, and one
// API that says nothing.
var permissionCalls = []struct{ permission, method, path, refusal string }{
	{"remote-actions", "POST", "/api/v1/act/execute", `{"code":"FORBIDDEN","message":"The token lacks a permission this call needs."}`},
	{"data-management", "POST", "/api/v1/data-management/device/deletions", `{"code":"FORBIDDEN","message":"The token lacks a permission this call needs."}`},
	{"workflows", "GET", "/api/v1/workflows", `{"code":"FORBIDDEN","details":"The token lacks a permission this call needs."}`},
	{"enrichment", "POST", "/api/v1/enrichment/data/fields", `{"message":"The token lacks a permission this call needs."}`},
	{"spark", "POST", "/api/v1/spark/handoff", `{"message":"The token lacks a permission this call needs."}`},
	{"nql", "POST", "/api/v2/nql/execute", `{"message":"The token lacks a permission this call needs.","code":403,"source":"tokenbooth"}`},
	{"campaigns", "POST", "/api/v1/euf/campaign/trigger", ""},
}

func TestS4_ACredentialForNQLAloneIsRefusedByEachOtherAPIInItsOwnWords(t *testing.T) {
	onlyNQL := guideToken(t, shared.public, shared.base64("NEXTHINK_NQL"))
	for _, c := range permissionCalls {
		t.Run(c.permission, func(t *testing.T) {
			token := onlyNQL
			if c.permission == "nql" { // whoever may not extract data hears it in the words of that API
				token = standardToken(t, shared, "workflows")
			}
			call(t, c.method, shared.public+c.path, "{}", "Authorization: Bearer "+token, "Content-Type: application/json").want(t, 403, c.refusal)
		})
	}
	a := call(t, "POST", shared.public+"/api/v2/nql/execute", `{"queryId":"#no_such_query"}`, "Authorization: Bearer "+onlyNQL, "Content-Type: application/json")
	if a.status == 401 || a.status == 403 {
		t.Errorf("its own API refuses it: %d %s", a.status, a.body)
	}
}

func TestS4_ACallWithoutATokenIsRefusedWithoutABodyExceptByCampaigns(t *testing.T) {
	for _, c := range permissionCalls {
		want := ""
		if c.permission == "campaigns" {
			want = `{"code":"UNAUTHORIZED","message":"An access token is needed."}`
		}
		call(t, c.method, shared.public+c.path, "").want(t, 401, want).wantHeader(t, "WWW-Authenticate", `Bearer realm="`+c.permission+`"`)
	}
}

// A connector whose client authentication is left blank tries Basic, and after a failure the body, with every single token.
func TestS4_CreatorStudioMayFailWithOneMethodForEverAndSucceedWithTheOther(t *testing.T) {
	body := values("grant_type", "client_credentials", "client_id", shared.vars["NEXTHINK_CLIENT_ID"], "client_secret", shared.vars["NEXTHINK_CLIENT_SECRET"])
	wrong := "Authorization: Basic " + basicOf(shared.vars["NEXTHINK_CLIENT_ID"], keepSecret("tbs_WhatTheConnectorMakesOfIt"))
	for range 40 {
		post(t, shared.public+"/api/v1/token", "grant_type=client_credentials", wrong).wantStatus(t, 401)
		nexthinkToken(t, post(t, shared.public+"/api/v1/token", body).wantStatus(t, 200).body)
	}
	nexthinkToken(t, post(t, shared.public+"/api/v1/token", "grant_type=client_credentials", shared.basic("NEXTHINK")).wantStatus(t, 200).body)
}

// RFC 6749, section 2.3.1 has both parts form-encoded; most callers do not do it. Here every byte is encoded.
func TestS4_BasicIsReadFormEncodedToo(t *testing.T) {
	encode := func(s string) (out string) {
		for i := range len(s) {
			out += fmt.Sprintf("%%%02X", s[i])
		}
		return out
	}
	basic := basicOf(encode(shared.vars["NEXTHINK_CLIENT_ID"]), encode(shared.vars["NEXTHINK_CLIENT_SECRET"]))
	for _, path := range []string{"/oauth2/default/v1/token", "/api/v1/token"} {
		nexthinkToken(t, post(t, shared.public+path, "grant_type=client_credentials", "Authorization: Basic "+basic).wantStatus(t, 200).body)
	}
}

// Req 66: what a browser adds by itself must not be enough to be given a token.
func TestReq066_APageOfAnotherSiteGetsNoTokenWithoutABody(t *testing.T) {
	for _, header := range []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"} {
		call(t, "POST", shared.public+"/api/v1/token", "", shared.basic("NEXTHINK"), header).wantStatus(t, 403)
	}
}
