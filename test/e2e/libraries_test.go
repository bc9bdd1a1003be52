package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// desks are tenants that issue JWTs, with a client of each.
func desks() map[string]string {
	return map[string]string{"OAUTH2": shared.public, "ACME": shared.vars["ACME_LOGIN_URL"]}
}

// A verifier that knows OpenID Connect only finds the keys by the issuer's name and checks an access token with them.
func TestAVerifierOfOpenIDConnectChecksAnAccessToken(t *testing.T) {
	ctx := oidc.ClientContext(t.Context(), web)
	for client, issuer := range desks() {
		provider, err := oidc.NewProvider(ctx, issuer)
		if err != nil {
			t.Fatal(err)
		}
		for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams, oauth2.AuthStyleAutoDetect} {
			config := clientcredentials.Config{ClientID: shared.vars[client+"_CLIENT_ID"], ClientSecret: shared.vars[client+"_CLIENT_SECRET"],
				TokenURL: provider.Endpoint().TokenURL, AuthStyle: style}
			token, err := config.Token(ctx)
			if err != nil {
				t.Fatal(err)
			}
			keepSecret(token.AccessToken)
			verifier := provider.Verifier(&oidc.Config{SkipClientIDCheck: true}) // the audience of an access token is an API
			checked, err := verifier.Verify(ctx, token.AccessToken)
			if err != nil || checked.Issuer != issuer || checked.Subject != config.ClientID || len(checked.Audience) == 0 {
				t.Errorf("%s: %v %+v", client, err, checked)
			}
			parts := strings.Split(token.AccessToken, ".")
			if _, err := verifier.Verify(ctx, parts[0]+"."+parts[1]+"."+strings.Repeat("A", len(parts[2]))); err == nil {
				t.Errorf("%s: a token that nobody signed is taken", client)
			}
		}
	}
	if _, err := oidc.NewProvider(ctx, shared.at("nobody.localhost")); err == nil || !strings.Contains(err.Error(), "421") {
		t.Errorf("an issuer that is none: %v", err)
	}
}

// openid-client finds everything by the issuer's name alone, in both documents and with both ways of authenticating.
func TestAClientForNodeGetsATokenByDiscovery(t *testing.T) {
	for client, issuer := range desks() {
		for _, algorithm := range []string{"oidc", "oauth2"} {
			for _, way := range []string{"basic", "body"} {
				request := map[string]string{"issuer": issuer, "algorithm": algorithm, "way": way, "id": shared.vars[client+"_CLIENT_ID"],
					"secret": shared.vars[client+"_CLIENT_SECRET"]}
				var got struct {
					Token  string `json:"access_token"`
					Known  bool   `json:"known"`
					After  bool   `json:"after"`
					Server struct {
						Algorithms []string `json:"id_token_signing_alg_values_supported"`
						Authorize  string   `json:"authorization_endpoint"`
					} `json:"server"`
				}
				askInNode(t, "discovery", request, &got)
				keepSecret(got.Token)
				if got.Token == "" || !got.Known || got.After || got.Server.Authorize != "" {
					t.Errorf("%s by %s with %s: known %v, after its end %v, %q", client, algorithm, way, got.Known, got.After, got.Server.Authorize)
				}
				if promised := slices.Contains(got.Server.Algorithms, "ES256"); promised != (algorithm == "oidc") {
					t.Errorf("%s by %s: %v", client, algorithm, got.Server.Algorithms)
				}
			}
		}
	}
}

// askInNode has a library of test/clients ask for a token.
func askInNode(t *testing.T, library string, request, answer any) {
	t.Helper()
	input, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "node", "ask.mjs", library)
	cmd.Dir, cmd.Stdin = "../clients", strings.NewReader(string(input))
	out, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("%s, which make clients installs: %v\n%s", library, err, failed.Stderr)
	}
	if err := errors.Join(err, json.Unmarshal(out, answer)); err != nil {
		t.Fatalf("%s: %v\n%s", library, err, out)
	}
}

// What an address looks like that is nearly right: the answer says what was likely meant, and explain too.
func TestAnAddressThatIsNearlyRightIsNamed(t *testing.T) {
	for path, status := range map[string]int{"/oauth2/token/": 404, "/OAuth2/Token": 404, "//oauth2/token": 400, "/oauth2/introspect/": 404,
		"/.well-known/openid-configuration/": 404} {
		a := post(t, shared.public+path, "grant_type=client_credentials", shared.basic("OAUTH2")).wantStatus(t, status)
		want := strings.ToLower(strings.TrimSuffix(strings.Replace(path, "//", "/", 1), "/"))
		if !strings.HasSuffix(a.body, "Did you mean "+want+`?"}`) || a.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: %v %s", path, a.header, a.body)
		}
		shared.logged(t, freshness, a.header.Get("X-Request-Id"), want+" was likely meant")
	}
	if a := post(t, shared.public+"/oauth2/tokens", "").wantStatus(t, 404); strings.Contains(a.body, "mean") {
		t.Errorf("far off: %s", a.body)
	}
}
