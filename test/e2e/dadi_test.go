package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// dadiProgram replaces in one of the vendor's programs what a reader has to replace.
func dadiProgram(t *testing.T, file string, pairs ...string) string {
	t.Helper()
	if strings.HasSuffix(file, ".js") {
		return filled(t, file, append([]string{"'api.example.com'", "'127.0.0.1'", "port: 80", "port: " + shared.port()}, pairs...)...)
	}
	return filled(t, file, append([]string{"http://api.example.com", shared.public}, pairs...)...)
}

const documentedUUID = "4172bbf1-0890-41c7-b0db-477095a288b6"

// theCollections is what the demo's API lists, the vendor's recorded answer.
const theCollections = `{"collections":[{"version":"1.0","database":"library","name":"Books","slug":"books","path":"/1.0/library/books"}],"media":{"buckets":["mediaStore"],"defaultBucket":"mediaStore"}}`

func TestS3_TheCurlLinesBuyATokenAndListTheCollections(t *testing.T) {
	out := shell(t, dadiProgram(t, "dadi-token.sh", "testClient", shared.vars["DADI_CLIENT_ID"], "superSecret", shared.vars["DADI_SECRET"]))
	token := dadiToken(t, out)
	if got := shell(t, dadiProgram(t, "dadi-collections.sh", documentedUUID, token)); got != theCollections {
		t.Errorf("got %s", got)
	}
}

func TestS3_TheNodePrograms(t *testing.T) {
	token := dadiToken(t, node(t, dadiProgram(t, "dadi-token.js", "your-client-id", shared.vars["DADI_CLIENT_ID"], "your-secret", shared.vars["DADI_SECRET"])))
	if got := node(t, dadiProgram(t, "dadi-collections.js", documentedUUID, token)); got != theCollections {
		t.Errorf("got %s", got)
	}
}

// dadiCredentials are the credentials of the demo in the vendor's JSON.
func dadiCredentials() string {
	return fmt.Sprintf(`{"clientId":%q,"secret":%q}`, shared.vars["DADI_CLIENT_ID"], shared.vars["DADI_SECRET"])
}

func askDADI(t *testing.T) string {
	t.Helper()
	return dadiToken(t, call(t, "POST", shared.public+"/token", dadiCredentials(), "Content-Type: application/json").wantStatus(t, 200).body)
}

// The vendor's server refuses a charset by accident of its parser; whoever learnt to leave it out is served just as well.
func TestS3_TheCredentialsComeAsJSONAsTextOrAsAForm(t *testing.T) {
	asForm := values("clientId", shared.vars["DADI_CLIENT_ID"], "secret", shared.vars["DADI_SECRET"])
	for _, c := range []struct{ mediaType, body string }{
		{"application/json", dadiCredentials()},
		{"application/json; charset=utf-8", dadiCredentials()},
		{"application/json;charset=utf-8", dadiCredentials()},
		{"text/plain", dadiCredentials()},
		{"text/plain; charset=utf-8", dadiCredentials()},
		{form, asForm},
	} {
		t.Run(c.mediaType, func(t *testing.T) {
			a := call(t, "POST", shared.public+"/token", c.body, "Content-Type: "+c.mediaType).wantStatus(t, 200)
			dadiToken(t, a.body)
			if len(a.body) != 92 { // as recorded
				t.Errorf("%d bytes: %s", len(a.body), a.body)
			}
			a.wantHeader(t, "Content-Type", "application/json").wantHeader(t, "Cache-Control", "no-store").wantHeader(t, "Pragma", "no-cache")
		})
	}
}

func TestS3_ABodyInChunksIsRead(t *testing.T) {
	body := dadiCredentials()
	half := len(body) / 2
	request := "POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\ncontent-type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, chunk := range []string{body[:half], body[half:], ""} {
		request += fmt.Sprintf("%x\r\n%s\r\n", len(chunk), chunk)
	}
	dadiToken(t, shared.raw(t, request).wantStatus(t, 200).body)
}

func TestS3_EveryFailureOfTheCredentialsIsOneAnswer(t *testing.T) {
	id, secret := shared.vars["DADI_CLIENT_ID"], shared.vars["DADI_SECRET"]
	for _, c := range []struct{ name, mediaType, body string }{
		{"a wrong secret", "application/json", fmt.Sprintf(`{"clientId":%q,"secret":%q}`, id, keepSecret("tbs_superSecretButWrong"))},
		{"an unknown client", "application/json", `{"clientId":"testClient","secret":"superSecret"}`},
		{"another tenant's client", "application/json", fmt.Sprintf(`{"clientId":%q,"secret":%q}`, shared.vars["ACME_CLIENT_ID"], shared.vars["ACME_CLIENT_SECRET"])},
		{"no secret", "application/json", fmt.Sprintf(`{"clientId":%q}`, id)},
		{"no id", "application/json", fmt.Sprintf(`{"secret":%q}`, secret)},
		{"an empty object", "application/json", `{}`},
		{"no body", "application/json", ``},
		{"a secret that is an object", "application/json", fmt.Sprintf(`{"clientId":%q,"secret":{"$ne":null}}`, id)},
		{"an id that is a number", "application/json", fmt.Sprintf(`{"clientId":7,"secret":%q}`, secret)},
		{"a secret that is null", "application/json", fmt.Sprintf(`{"clientId":%q,"secret":null}`, id)},
		{"broken JSON", "application/json", `{"clientId":"testClient","secret":"` + keepSecret("tbs_BrokenJSONSecret")},
		{"an id given twice", "application/json", strings.Replace(dadiCredentials(), "{", `{"clientId":"x",`, 1)},
		{"XML", "application/xml", "<clientId>" + id + "</clientId>"},
		{"no media type", "", dadiCredentials()},
	} {
		t.Run(c.name, func(t *testing.T) {
			var headers []string
			if c.mediaType != "" {
				headers = []string{"Content-Type: " + c.mediaType}
			}
			a := call(t, "POST", shared.public+"/token", c.body, headers...).want(t, 401, `{"statusCode":401}`)
			a.wantHeader(t, "WWW-Authenticate", `Bearer, error="invalid_credentials", error_description="Invalid credentials supplied"`)
			a.wantHeader(t, "Content-Type", "application/json")
		})
	}
}

func TestS3_OtherMethodsFindNothingAtTheTokenEndpoint(t *testing.T) {
	for _, method := range []string{"GET", "PUT", "DELETE", "PATCH"} {
		call(t, method, shared.public+"/token", "").want(t, 404, "")
	}
}

// The fourth kind, a good token that may not do this, needs an API with a second permission: TestR030 makes one.
func TestS3_TheCollectionsTellTheKindsOf401Apart(t *testing.T) {
	token := askDADI(t)
	const (
		noToken = `Bearer, error="no_token", error_description="No access token supplied"`
		invalid = `Bearer, error="invalid_token", error_description="Invalid or expired access token"`
	)
	for _, c := range []struct{ name, authorization, challenge string }{
		{"no header", "", ""},
		{"Basic", "Basic " + keepSecret("dGVzdENsaWVudDpzdXBlclNlY3JldA=="), noToken},
		{"a token alone", token, noToken},
		{"Bearer alone", "Bearer", noToken},
		{"two spaces", "Bearer  " + token, noToken},
		{"an unknown token", "Bearer " + documentedUUID, invalid},
		{"a token in capitals", "Bearer " + strings.ToUpper(token), invalid},
		{"a token cut short", "Bearer " + token[:35], invalid},
		{"a token of another contract", "Bearer " + standardToken(t, shared, "nql"), invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			var headers []string
			if c.authorization != "" {
				headers = []string{"Authorization: " + c.authorization}
			}
			a := call(t, "GET", shared.public+"/api/collections", "", headers...).want(t, 401, `{"statusCode":401}`)
			a.wantHeader(t, "WWW-Authenticate", c.challenge).wantHeader(t, "Content-Type", "application/json")
		})
	}
	t.Run("a token in the URL is none", func(t *testing.T) {
		call(t, "GET", shared.public+"/api/collections?access_token="+token, "").want(t, 401, `{"statusCode":401}`).wantHeader(t, "WWW-Authenticate", "")
	})
}

func TestS3_TheSchemeIsReadInAnyCase(t *testing.T) {
	token := askDADI(t)
	for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
		call(t, "GET", shared.public+"/api/collections", "", "authorization: "+scheme+" "+token, "content-type: application/json").want(t, 200, theCollections)
	}
}

func TestS3_OtherMethodsAreTheAPIsToRefuse(t *testing.T) {
	token := askDADI(t)
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		call(t, method, shared.public+"/api/collections", "", "Authorization: Bearer "+token).want(t, 405, `{"error":"Invalid method"}`)
	}
}

func TestS3_EveryTokenIsAnother(t *testing.T) {
	seen := map[string]bool{}
	for range 50 {
		seen[askDADI(t)] = true
	}
	if len(seen) != 50 {
		t.Errorf("50 requests, %d tokens", len(seen))
	}
}

func TestS3_AfterHalfAnHourTheTokenIsRefused(t *testing.T) {
	body := fmt.Sprintf(`{"clientId":%q,"secret":%q}`, moved.vars["DADI_CLIENT_ID"], moved.vars["DADI_SECRET"])
	token := dadiToken(t, call(t, "POST", moved.public+"/token", body, "Content-Type: application/json").wantStatus(t, 200).body)
	moved.later(t, 29*time.Minute+30*time.Second)
	get(t, moved.public+"/api/collections", token).wantStatus(t, 200)
	moved.later(t, 31*time.Second)
	time.Sleep(1100 * time.Millisecond) // a look-up may be remembered for a second, by a clock that did not move
	get(t, moved.public+"/api/collections", token).want(t, 401, `{"statusCode":401}`)
}
