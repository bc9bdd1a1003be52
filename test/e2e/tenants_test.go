package e2e

import (
	"strings"
	"testing"
)

// globex is the demo's third tenant, which has no client.
func globexURL(kind string) string { return shared.at("globex" + kind + ".us.localhost") }

func acmeToken(t *testing.T) string {
	t.Helper()
	a := post(t, shared.vars["ACME_LOGIN_URL"]+"/oauth2/default/v1/token", "grant_type=client_credentials", shared.basic("ACME"))
	return nexthinkToken(t, a.wantStatus(t, 200).body)
}

func TestReq036_ATenantsTokenIsRefusedByEveryOther(t *testing.T) {
	token := acmeToken(t)
	get(t, shared.vars["ACME_API_URL"]+"/api/v1/workflows", token).wantStatus(t, 200)
	for _, url := range []string{globexURL(".api"), shared.public} {
		get(t, url+"/api/v1/workflows", token).want(t, 401, "").wantHeader(t, "WWW-Authenticate", `Bearer realm="workflows", error="invalid_token"`)
	}
	get(t, shared.vars["ACME_API_URL"]+"/api/v1/workflows", standardToken(t, shared, "workflows")).wantStatus(t, 401)
}

func TestReq036_ATenantsClientIsNobodyElsewhere(t *testing.T) {
	for _, url := range []string{globexURL("-login"), globexURL(".api"), shared.public} {
		for _, path := range []string{"/oauth2/default/v1/token", "/api/v1/token"} {
			known := post(t, url+path, "grant_type=client_credentials", shared.basic("ACME"))
			unknown := post(t, url+path, "grant_type=client_credentials", "Authorization: Basic "+basicOf("nobody", "nothing"))
			known.want(t, 401, unknown.body).wantHeader(t, "WWW-Authenticate", unknown.header.Get("WWW-Authenticate"))
		}
	}
	post(t, shared.vars["ACME_LOGIN_URL"]+"/api/v1/token", "grant_type=client_credentials", shared.basic("NEXTHINK")).wantStatus(t, 401)
}

// B57: whatever the path, another tenant's token opens nothing.
func TestB057_NoPathOfATenantTakesAnothersToken(t *testing.T) {
	token := acmeToken(t)
	for _, c := range permissionCalls {
		if a := call(t, c.method, globexURL(".api")+c.path, "{}", "Authorization: Bearer "+token, "Content-Type: application/json"); a.status != 401 {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.status, a.body)
		}
	}
}

func TestReq013_TenantsSignWithKeysOfTheirOwn(t *testing.T) {
	acme := call(t, "GET", shared.vars["ACME_LOGIN_URL"]+"/.well-known/jwks.json", "").wantStatus(t, 200)
	globex := call(t, "GET", globexURL("-login")+"/.well-known/jwks.json", "").wantStatus(t, 200)
	kids := strings.Split(acme.body, `"kid":"`)
	if len(kids) < 3 {
		t.Fatalf("the key set is %s", acme.body)
	}
	for _, kid := range kids[1:] {
		if id, _, _ := strings.Cut(kid, `"`); strings.Contains(globex.body, id) {
			t.Errorf("both tenants publish the key %s", id)
		}
	}
}

// A tenant answers at its login host and at its API host, and only in the contracts it speaks.
func TestReq037_ATenantSpeaksOnlyItsOwnContracts(t *testing.T) {
	for _, path := range []string{"/token", "/api/token", "/oauth2/token", "/api/collections", "/api/auth/me"} {
		if a := call(t, "POST", shared.vars["ACME_API_URL"]+path, ""); a.status != 404 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

// Real curl finds these host names by itself: names under localhost are this machine.
func TestS1_CurlReachesATenantByItsHostName(t *testing.T) {
	for _, url := range []string{shared.vars["ACME_LOGIN_URL"], shared.vars["ACME_API_URL"]} {
		line := `curl -u "` + shared.vars["ACME_CLIENT_ID"] + ":" + shared.vars["ACME_CLIENT_SECRET"] + `" -d grant_type=client_credentials "` + url + `/oauth2/default/v1/token"`
		nexthinkToken(t, shell(t, line))
	}
}
