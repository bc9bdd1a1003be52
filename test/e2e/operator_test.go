package e2e

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// freshness is how long a change by the command line may take to reach a running server (Req 6).
const freshness = 5 * time.Second

// tell runs an operator's command against a demo that runs.
func (b *booth) tell(t *testing.T, input string, args ...string) string {
	t.Helper()
	out, problems, code := command(t, b.dir, input, append(args, "-c", b.data("tokenbooth.yaml"))...)
	if code != 0 {
		t.Fatalf("tokenbooth %q ended with %d:\n%s%s", args, code, out, problems)
	}
	return out
}

// within waits until something holds, and tells how long that took.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > limit {
			t.Fatalf("after %v still not: %s", limit, what)
		}
	}
}

func TestReq006_ADisabledClientIsRefusedEverywhereWithinSeconds(t *testing.T) {
	t.Parallel()
	b := ownDemo(t)
	id := b.vars["NEXTHINK_CLIENT_ID"]
	buy := func() answer {
		return post(t, b.public+"/oauth2/default/v1/token", "grant_type=client_credentials", b.basic("NEXTHINK"))
	}
	token := nexthinkToken(t, buy().wantStatus(t, 200).body)
	works := func(token string) bool { return get(t, b.public+"/api/v1/workflows", token).status == http.StatusOK }
	if !works(token) {
		t.Fatal("the token does not work")
	}

	b.tell(t, "", "client", "disable", id, "-t", "demo")
	within(t, freshness, "token endpoint and gateway refuse the client", func() bool { return buy().status == 401 && !works(token) })
	wrong := post(t, b.public+"/oauth2/default/v1/token", "grant_type=client_credentials", "Authorization: Basic "+basicOf("nobody", "nothing"))
	buy().want(t, 401, wrong.body) // disabled looks like unknown (Req 17)
	get(t, b.public+"/api/v1/workflows", token).want(t, 401, "").wantHeader(t, "WWW-Authenticate", `Bearer realm="workflows", error="invalid_token"`)

	b.kill(t) // a disabled client stays so, whatever happens
	b.again(t)
	if buy().status != 401 || works(token) {
		t.Error("after a kill the client is back")
	}

	b.tell(t, "", "client", "enable", id, "-t", "demo")
	within(t, freshness, "the client is let in again", func() bool { return buy().status == 200 })
	if works(token) {
		t.Error("a token from before is alive again")
	}
	within(t, freshness, "a new token works", func() bool { return works(nexthinkToken(t, buy().body)) })
}

func TestReq006_ADisabledUserAndAChangedPasswordEndWhatWasGivenOut(t *testing.T) {
	t.Parallel()
	b := ownDemo(t)
	p := person{b, "NEXUDUS", "R6"}
	name := b.vars["NEXUDUS_USERNAME"]
	wantDead := func(pair token) {
		t.Helper()
		within(t, freshness, "the access token is refused", func() bool { return p.me(t, pair.access).status == 401 })
		p.refresh(t, pair.refresh).want(t, 400, badRefresh)
	}
	pair := p.signIn(t)
	b.tell(t, "", "user", "disable", name, "-t", "demo")
	wantDead(pair)
	p.signInWith(t).want(t, 400, wrongPassword)
	b.tell(t, "", "user", "enable", name, "-t", "demo")
	within(t, freshness, "the user is let in again", func() bool {
		a := p.signInWith(t)
		return a.status == 200 && p.me(t, member(a.body, "access_token")).status == 200
	})

	pair = p.signIn(t)
	b.vars["NEXUDUS_PASSWORD"] = keepSecret("an entirely new long password")
	b.tell(t, b.vars["NEXUDUS_PASSWORD"]+"\n", "user", "password", name, "-t", "demo", "--password-stdin")
	wantDead(pair)
	within(t, freshness, "the new password buys a token that works", func() bool { return p.me(t, p.signIn(t).access).status == 200 })
}

// Req 36, B31: one client id in two tenants is two clients; what happens to one does not touch the other.
func TestReq036_OneClientIDInTwoTenantsIsTwoClients(t *testing.T) {
	t.Parallel()
	b := ownDemo(t)
	secrets := map[string]string{"acme-login.eu.localhost": keepSecret("the-secret-at-acme"), "globex-login.us.localhost": keepSecret("the-secret-at-globex")}
	buy := func(host, secret string) int {
		return post(t, b.at(host)+"/api/v1/token", "grant_type=client_credentials", "Authorization: Basic "+basicOf("same", secret)).status
	}
	for host, secret := range secrets {
		tenant, _, _ := strings.Cut(host, "-")
		b.tell(t, secret+"\n", "client", "import", "same", "-t", tenant, "--name", "Same", "-p", "workflows", "--secret-stdin")
		within(t, freshness, "the client is known at "+host, func() bool { return buy(host, secret) == 200 })
	}
	acme, globex := "acme-login.eu.localhost", "globex-login.us.localhost"
	if buy(acme, secrets[globex]) != 401 || buy(globex, secrets[acme]) != 401 {
		t.Error("a secret works at the other tenant")
	}
	b.tell(t, "", "client", "disable", "same", "-t", "acme")
	within(t, freshness, "the client is refused at acme", func() bool { return buy(acme, secrets[acme]) == 401 })
	if buy(globex, secrets[globex]) != 200 {
		t.Error("disabled at acme, it is refused at globex")
	}
}

// Req 106: nothing that proves or signs comes with the program. Two installations have nothing in common.
func TestReq106_TwoInstallationsShareNoSecretAndNoKey(t *testing.T) {
	for name, value := range shared.vars {
		if made := strings.HasSuffix(name, "_SECRET") || strings.HasSuffix(name, "_PASSWORD") || strings.HasSuffix(name, "_ID"); made && moved.vars[name] == value {
			t.Errorf("both demos have %s %q", name, value)
		}
	}
	theirs := keysOf(t, moved)
	for _, k := range keysOf(t, shared).Keys {
		if len(theirs.Key(k.KeyID)) > 0 {
			t.Errorf("both demos sign with the key %s", k.KeyID)
		}
	}
	one, err := os.ReadFile(shared.data("key-encryption-key"))
	if err != nil {
		t.Fatal(err)
	}
	if other, err := os.ReadFile(moved.data("key-encryption-key")); err != nil || string(one) == string(other) {
		t.Errorf("both demos seal with one key, %v", err)
	}
}

// The documents' own credentials, imported: then even these are replaced by nothing.
func TestS1_TheDocumentsOwnCredentialsCanBeImported(t *testing.T) {
	t.Parallel()
	b := ownDemo(t)
	const id, secret = "q2tj2fvyevr4z9djhkilhlmj3yw39tqpg", "cwbxklimy4k7qtnxohpbnueaydsuuhoftqza8tfzkykf"
	b.tell(t, secret+"\n", "client", "import", id, "-t", "acme", "--name", "The document's", "-p", "all", "--secret-stdin")
	basic := strings.ReplaceAll(shell(t, filled(t, "nexthink-base64.zsh")), "\n", "")
	line := filled(t, "nexthink-token.zsh", nexthinkURL, b.vars["ACME_LOGIN_URL"], nexthinkBasic, basic)
	token := ""
	within(t, freshness, "the imported client is known", func() bool {
		out := shell(t, line)
		if strings.Contains(out, "access_token") {
			token = nexthinkToken(t, out)
		}
		return token != ""
	})
	get(t, b.vars["ACME_API_URL"]+"/api/v1/workflows", token).wantStatus(t, 200)
}

// Callers disagree on whether Basic is form-encoded. A secret that looks different in the two must work in both.
func TestS4_AnImportedSecretWithColonAndPercentWorksRawAndEncoded(t *testing.T) {
	t.Parallel()
	b := ownDemo(t)
	b.tell(t, "s:ec%ret+\n", "client", "import", "cid", "-t", "demo", "--name", "Odd", "-p", "workflows", "--secret-stdin")
	const raw, encoded = "Y2lkOnM6ZWMlcmV0Kw==", "Y2lkOnMlM0FlYyUyNXJldCUyQg==" // as recorded from callers of both kinds
	within(t, freshness, "the imported client is known", func() bool {
		return post(t, b.public+"/api/v1/token", "grant_type=client_credentials", "Authorization: Basic "+raw).status == 200
	})
	for _, basic := range []string{raw, encoded} {
		nexthinkToken(t, post(t, b.public+"/oauth2/default/v1/token", "grant_type=client_credentials", "Authorization: Basic "+basic).wantStatus(t, 200).body)
	}
	mixed := base64.StdEncoding.EncodeToString([]byte("cid:s%3aec%ret+"))
	post(t, b.public+"/oauth2/default/v1/token", "grant_type=client_credentials", "Authorization: Basic "+mixed).wantStatus(t, 401)
}

// Req 59: secrets that callers put where they do not belong reach neither log, journal, database nor metrics, at the most talkative
// level. The search is shown to find something first.
func TestReq059_NoSecretReachesLogJournalDatabaseOrMetrics(t *testing.T) {
	t.Parallel()
	b := ownDemo(t)
	secret := func(place string) string {
		return keepSecret(fmt.Sprintf("canary-%s-%d", place, time.Now().UnixNano()))
	}
	inURL, inBody, inHeader := secret("url"), secret("body"), secret("header")
	for _, path := range append([]string{"/api/v1/workflows", "/api/auth/me", "/nothing"}, tokenPaths...) {
		for _, name := range []string{"access_token", "client_secret", "password", "secret", "refresh_token", "token"} {
			call(t, "GET", b.public+path+"?"+name+"="+inURL, "")
			post(t, b.public+path+"?"+name+"="+inURL, values("grant_type", "password", name, inBody))
			call(t, "POST", b.public+path, fmt.Sprintf(`{%q:{%q:1}}`, name, inBody), "Content-Type: application/json")
		}
		call(t, "GET", b.public+path, "", "Authorization: Bearer "+inHeader)
		call(t, "POST", b.public+path, "", "Authorization: Digest "+inHeader, "Cookie: session="+inHeader, "Bearer: "+inHeader, "Proxy-Authorization: "+inHeader)
		post(t, b.public+path, "grant_type=refresh_token&refresh_token="+inBody+"&client_id=x", "Authorization: Basic "+basicOf("id", inHeader))
	}
	p := person{b, "NEXUDUS", "R59"}
	p.refresh(t, p.signIn(t).refresh).wantStatus(t, 200)
	if err := b.aRound(t.Context(), web); err != nil {
		t.Error(err)
	}
	time.Sleep(500 * time.Millisecond)            // the journal and the refusals reach the disk
	if err := b.searchCanaries(nil); err != nil { // the write-ahead log too, which a clean stop empties
		t.Error(err)
	}
	b.end(t) // which searches again

	env, err := os.ReadFile(filepath.Join(b.dir, "demo.env"))
	if err != nil {
		t.Fatal(err)
	}
	if searchCanaries("demo.env", env) == nil {
		t.Error("the search finds no secret even where they all are")
	}
}
