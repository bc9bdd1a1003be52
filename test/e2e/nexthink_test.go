package e2e

import (
	"strings"
	"testing"
	"time"
)

// The login host of a tenant with its instance and region in the name, as the vendor's document has it, and the demo's one for all.
func nexthinkPlaces(b *booth) []struct{ name, url, client string } {
	return []struct{ name, url, client string }{
		{"instance and region in the host name", b.vars["ACME_LOGIN_URL"], "ACME"},
		{"no name but the machine's", b.public, "NEXTHINK"},
	}
}

const (
	nexthinkURL   = "https://instance-login.region.nexthink.cloud"
	nexthinkBasic = "<Base64 encoded clientId:clientSecret>"
)

func TestS1_TheZshLineBuysATokenOfFourMembers(t *testing.T) {
	for _, p := range nexthinkPlaces(shared) {
		t.Run(p.name, func(t *testing.T) {
			nexthinkToken(t, shell(t, filled(t, "nexthink-token.zsh", nexthinkURL, p.url, nexthinkBasic, shared.base64(p.client))))
		})
	}
}

func TestS1_TheCmdLineBuysATokenOfFourMembers(t *testing.T) {
	for _, p := range nexthinkPlaces(shared) {
		t.Run(p.name, func(t *testing.T) {
			nexthinkToken(t, cmdExe(t, filled(t, "nexthink-token.cmd", nexthinkURL, p.url, nexthinkBasic, shared.base64(p.client))))
		})
	}
}

// The bytes are those of Invoke-RestMethod in Windows PowerShell 5.1, which waits for a 100 before it sends the body, and in PowerShell
// 7, which does not. Both send Content-Type once although the script gives it twice, and a hashtable in no order.
func TestS1_PowerShellBuysATokenOfFourMembers(t *testing.T) {
	for _, c := range []struct{ name, headers, body string }{
		{"Windows PowerShell 5.1", "powershell-5.1-headers.txt", "scope=service%3aintegration&grant_type=client_credentials"},
		{"PowerShell 7", "powershell-7-headers.txt", "grant_type=client_credentials&scope=service%3Aintegration"},
	} {
		for _, p := range nexthinkPlaces(shared) {
			t.Run(c.name+"/"+p.name, func(t *testing.T) {
				host := strings.TrimPrefix(p.url, "http://")
				head := filled(t, c.headers, "instance-login.region.nexthink.cloud", host, nexthinkBasic, shared.base64(p.client))
				head = strings.ReplaceAll(head, "\n", "\r\n") + "\r\n"
				parts := []string{head + c.body}
				if strings.Contains(head, "Expect: ") {
					parts = []string{head, c.body}
				}
				nexthinkToken(t, shared.raw(t, parts...).wantStatus(t, 200).body)
			})
		}
	}
}

// GNU base64 breaks lines at 76 characters where that of macOS, which the document has in mind, does not: a reader on Linux joins them.
func TestS1_TheBase64LineMakesWhatTheTokenEndpointWants(t *testing.T) {
	line := filled(t, "nexthink-base64.zsh", "q2tj2fvyevr4z9djhkilhlmj3yw39tqpg", shared.vars["NEXTHINK_CLIENT_ID"],
		"cwbxklimy4k7qtnxohpbnueaydsuuhoftqza8tfzkykf", shared.vars["NEXTHINK_CLIENT_SECRET"])
	basic := strings.ReplaceAll(shell(t, line), "\n", "")
	if basic != shared.vars["NEXTHINK_BASIC"] {
		t.Errorf("the line makes %q, the demo says %q", basic, shared.vars["NEXTHINK_BASIC"])
	}
	nexthinkToken(t, shell(t, filled(t, "nexthink-token.zsh", nexthinkURL, shared.public, nexthinkBasic, basic)))
}

func TestS1_AfterFifteenMinutesTheTokenIsRefusedAndANewOneWorks(t *testing.T) {
	line := filled(t, "nexthink-token.zsh", nexthinkURL, moved.vars["ACME_LOGIN_URL"], nexthinkBasic, moved.base64("ACME"))
	workflows := moved.vars["ACME_API_URL"] + "/api/v1/workflows"
	first := nexthinkToken(t, shell(t, line))
	get(t, workflows, first).wantStatus(t, 200)

	moved.later(t, 14*time.Minute+30*time.Second)
	get(t, workflows, first).wantStatus(t, 200)

	moved.later(t, 31*time.Second)
	get(t, workflows, first).want(t, 401, "").wantHeader(t, "WWW-Authenticate", `Bearer realm="workflows", error="invalid_token"`)

	get(t, workflows, nexthinkToken(t, shell(t, line))).wantStatus(t, 200)
}

func TestS1_EveryRefusalIsAnAnswerOfTheVendor(t *testing.T) {
	const (
		failed  = `{"error":"invalid_client","error_description":"Client authentication failed. Either the client or the client credentials are invalid."}`
		grant   = "grant_type=client_credentials"
		generic = `Basic realm="`
	)
	basic, wrong := shared.basic("NEXTHINK"), "Authorization: Basic "+basicOf(shared.vars["NEXTHINK_CLIENT_ID"], keepSecret("tbs_NobodyEverDrewThisSecret"))
	for _, c := range []struct {
		name   string
		body   string
		header []string
		status int
		answer string
	}{
		{"no credentials", grant, nil, 401, `{"error":"invalid_client","error_description":"No client credentials found."}`},
		{"a wrong secret", grant, []string{wrong}, 401, failed},
		{"an unknown client", grant, []string{"Authorization: Basic " + basicOf("nobody", "x")}, 401, failed},
		{"another tenant's client", grant, []string{shared.basic("ACME")}, 401, failed},
		{"no grant type", "scope=service:integration", []string{basic}, 400,
			`{"error":"invalid_request","error_description":"The token request must specify a 'grant_type'. Valid values: [client_credentials]"}`},
		{"another grant type", "grant_type=password&username=a&password=b", []string{basic}, 400,
			`{"error":"unsupported_grant_type","error_description":"The authorization grant type is not supported by the authorization server. Configured grant types: [client_credentials]."}`},
		{"another scope", grant + "&scope=admin", []string{basic}, 400,
			`{"error":"invalid_scope","error_description":"One or more scopes are not configured for the authorization server resource."}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := post(t, shared.public+"/oauth2/default/v1/token", c.body, c.header...).want(t, c.status, c.answer)
			if challenge := a.header.Get("WWW-Authenticate"); (c.status == 401) != strings.HasPrefix(challenge, generic) {
				t.Errorf("WWW-Authenticate is %q", challenge)
			}
		})
	}
}

// Unknown, wrong and another tenant's are one answer, byte for byte but for id and date.
func TestReq017_NobodyLearnsWhichClientsThereAre(t *testing.T) {
	ask := func(id, secret string) answer {
		return post(t, shared.public+"/oauth2/default/v1/token", "grant_type=client_credentials", "Authorization: Basic "+basicOf(id, keepSecret(secret)))
	}
	wrong := ask(shared.vars["NEXTHINK_CLIENT_ID"], "tbs_AWrongSecretOfAKnownClient")
	unknown := ask("nobodyHasThisId0", "tbs_AWrongSecretOfAnUnknownClient")
	foreign := ask(shared.vars["ACME_CLIENT_ID"], shared.vars["ACME_CLIENT_SECRET"])
	for _, a := range []answer{wrong, unknown, foreign} {
		a.want(t, 401, wrong.body)
		for name := range a.header {
			if name != "X-Request-Id" && name != "Date" {
				a.wantHeader(t, name, wrong.header.Get(name))
			}
		}
		if len(a.header) != len(wrong.header) {
			t.Errorf("headers %v and %v", a.header, wrong.header)
		}
	}
}
