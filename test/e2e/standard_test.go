package e2e

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// standardToken asks for a token with some permissions at the standard endpoint.
func standardToken(t *testing.T, b *booth, scope string) string {
	t.Helper()
	a := post(t, b.public+"/oauth2/token", values("grant_type", "client_credentials", "scope", scope), b.basic("OAUTH2")).wantStatus(t, 200)
	return standardAnswer(t, a, "access_token", "token_type", "expires_in", "scope").access
}

// standardAnswer checks which members an answer has, and their order (RFC 6749, section 5.1).
func standardAnswer(t *testing.T, a answer, want ...string) token {
	t.Helper()
	names, v := members(t, a.body)
	if !slices.Equal(names, want) || v["token_type"] != "Bearer" || v["expires_in"] != 900.0 {
		t.Fatalf("got %s, want members %q", a.body, want)
	}
	refresh, _ := v["refresh_token"].(string)
	return token{keepToken(v["access_token"].(string)), keepSecret(refresh)}
}

// golang.org/x/oauth2 does not know how a server wants the client to prove itself: it form-encodes both parts for Basic, and when
// that fails asks again at once with both in the body.
func TestStandard_AClientThatProbesBothWaysGetsItsTokenByEither(t *testing.T) {
	id, secret := shared.vars["OAUTH2_CLIENT_ID"], shared.vars["OAUTH2_CLIENT_SECRET"]
	basic := "Authorization: Basic " + basicOf(url.QueryEscape(id), url.QueryEscape(secret))
	a := post(t, shared.public+"/oauth2/token", "grant_type=client_credentials&scope=nql", basic).wantStatus(t, 200)
	standardAnswer(t, a, "access_token", "token_type", "expires_in", "scope")

	inBody := values("client_id", id, "client_secret", secret, "grant_type", "client_credentials", "scope", "nql")
	standardAnswer(t, post(t, shared.public+"/oauth2/token", inBody).wantStatus(t, 200), "access_token", "token_type", "expires_in", "scope")

	wrong := values("client_id", id, "client_secret", keepSecret("tbs_TheOneBeforeRotation"), "grant_type", "client_credentials")
	post(t, shared.public+"/oauth2/token", "grant_type=client_credentials", "Authorization: Basic "+basicOf(id, "tbs_TheOneBeforeRotation")).
		want(t, 401, `{"error":"invalid_client","error_description":"Client authentication failed."}`)
	post(t, shared.public+"/oauth2/token", wrong).wantStatus(t, 401)
	post(t, shared.public+"/oauth2/token", inBody).wantStatus(t, 200)
}

// keysOf are a tenant's published keys.
func keysOf(t *testing.T, b *booth) (set jose.JSONWebKeySet) {
	t.Helper()
	a := call(t, "GET", b.public+"/.well-known/jwks.json", "").wantStatus(t, 200)
	if err := json.Unmarshal([]byte(a.body), &set); err != nil {
		t.Fatalf("no key set: %v: %s", err, a.body)
	}
	return set
}

// Req 85: an independent library reads the token as RFC 9068, section 2 has it.
func TestReq085_AnIndependentLibraryVerifiesTheToken(t *testing.T) {
	text := standardToken(t, shared, "nql workflows")
	signed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	head := signed.Headers[0]
	if typ := head.ExtraHeaders[jose.HeaderType]; typ != "at+jwt" {
		t.Errorf("typ is %v", typ)
	}
	set := keysOf(t, shared)
	keys := set.Key(head.KeyID)
	if len(keys) != 1 {
		t.Fatalf("%d keys have the id %s", len(keys), head.KeyID)
	}
	var claims struct {
		jwt.Claims
		ClientID string `json:"client_id"`
		Scope    string `json:"scope"`
	}
	if err := signed.Claims(keys[0].Key, &claims); err != nil {
		t.Fatalf("the signature does not verify: %v", err)
	}
	id := shared.vars["OAUTH2_CLIENT_ID"]
	if err := claims.Validate(jwt.Expected{Issuer: shared.public, Subject: id, AnyAudience: jwt.Audience{shared.public}, Time: time.Now()}); err != nil {
		t.Error(err)
	}
	if claims.ClientID != id || claims.Scope != "nql workflows" || claims.ID == "" || claims.Expiry.Time().Sub(claims.IssuedAt.Time()) != 15*time.Minute {
		t.Errorf("the claims are %+v", claims)
	}
}

func TestReq082_TheKeySetIsPublicAndPlain(t *testing.T) {
	a := call(t, "GET", shared.public+"/.well-known/jwks.json", "").wantStatus(t, 200).wantHeader(t, "Cache-Control", "public, max-age=900")
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal([]byte(a.body), &set); err != nil || len(set.Keys) < 2 {
		t.Fatalf("%v, %d keys; one signs and the next is announced", err, len(set.Keys))
	}
	ids := map[any]bool{}
	for _, k := range set.Keys {
		ids[k["kid"]] = true
		if k["kty"] == "oct" || k["use"] != "sig" || k["alg"] != "ES256" {
			t.Errorf("key %v", k)
		}
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if _, there := k[private]; there {
				t.Errorf("key %v shows its member %s", k["kid"], private)
			}
		}
	}
	if len(ids) != len(set.Keys) {
		t.Errorf("two keys share an id: %v", ids)
	}
}

// metadata is what a tenant says of itself (RFC 8414, section 2).
type metadata struct {
	Issuer  string   `json:"issuer"`
	Token   string   `json:"token_endpoint"`
	Keys    string   `json:"jwks_uri"`
	Grants  []string `json:"grant_types_supported"`
	Methods []string `json:"token_endpoint_auth_methods_supported"`
	Scopes  []string `json:"scopes_supported"`
}

func metadataOf(t *testing.T, issuer string) (m metadata) {
	t.Helper()
	a := call(t, "GET", issuer+"/.well-known/oauth-authorization-server", "").wantStatus(t, 200)
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatal(err)
	}
	if m.Issuer != issuer {
		t.Errorf("the issuer is %q at %s", m.Issuer, issuer)
	}
	for name := range strings.SplitSeq("authorization_endpoint registration_endpoint", " ") {
		if strings.Contains(a.body, `"`+name+`"`) {
			t.Errorf("%s is advertised, and nothing here calls it: add the call to this test", name)
		}
	}
	return m
}

func TestReq084_EverythingTheMetadataAdvertisesWorks(t *testing.T) {
	for _, c := range []struct{ issuer, client string }{{shared.public, "OAUTH2"}, {shared.vars["ACME_LOGIN_URL"], "ACME"}} {
		t.Run(c.client, func(t *testing.T) {
			m := metadataOf(t, c.issuer)
			call(t, "GET", m.Keys, "").wantStatus(t, 200)
			id, secret := shared.vars[c.client+"_CLIENT_ID"], shared.vars[c.client+"_CLIENT_SECRET"]
			proofs := map[string]func(body string) answer{
				"client_secret_basic": func(body string) answer { return post(t, m.Token, body, shared.basic(c.client)) },
				"client_secret_post": func(body string) answer {
					return post(t, m.Token, body+"&"+values("client_id", id, "client_secret", secret))
				},
			}
			for _, method := range m.Methods {
				proof := proofs[method]
				if proof == nil {
					t.Fatalf("%s is advertised, and this test does not know how to use it", method)
				}
				wantGrants(t, m, proof)
				for _, scope := range m.Scopes {
					a := proof(values("grant_type", "client_credentials", "scope", scope)).wantStatus(t, 200)
					if _, v := members(t, a.body); v["scope"] != scope {
						t.Errorf("asked for %s: %s", scope, a.body)
					}
				}
			}
		})
	}
}

// wantGrants uses every grant the metadata advertises.
func wantGrants(t *testing.T, m metadata, ask func(body string) answer) {
	t.Helper()
	if len(m.Grants) == 0 || len(m.Scopes) == 0 {
		t.Errorf("the metadata advertises no grant or no scope: %+v", m)
	}
	signIn := values("grant_type", "password", "username", shared.vars["NEXUDUS_USERNAME"], "password", shared.vars["NEXUDUS_PASSWORD"])
	for _, grant := range m.Grants {
		switch grant {
		case "client_credentials":
			ask("grant_type=client_credentials").wantStatus(t, 200)
		case "password":
			ask(signIn).wantStatus(t, 200)
		case "refresh_token":
			pair := standardAnswer(t, ask(signIn).wantStatus(t, 200), "access_token", "token_type", "expires_in", "refresh_token", "scope")
			ask(values("grant_type", "refresh_token", "refresh_token", pair.refresh)).wantStatus(t, 200)
		default:
			t.Errorf("%s is advertised, and this test does not know how to use it", grant)
		}
	}
}

func TestReq078_ClientCredentialsBringNoRefreshToken(t *testing.T) {
	a := post(t, shared.public+"/oauth2/token", "grant_type=client_credentials", shared.basic("OAUTH2"))
	standardAnswer(t, a, "access_token", "token_type", "expires_in", "scope")
}

func TestReq076_ATokenHoldsNoMoreThanWasAskedForAndIsAllowed(t *testing.T) {
	token := standardToken(t, shared, "nql")
	get(t, shared.public+"/api/v1/workflows", token).wantStatus(t, 403)
	const unknown = `{"error":"invalid_scope","error_description":"The requested scope is unknown or more than may be given."}`
	for _, scope := range []string{"admin", "nql admin", "NQL"} {
		post(t, shared.public+"/oauth2/token", values("grant_type", "client_credentials", "scope", scope), shared.basic("OAUTH2")).want(t, 400, unknown)
	}
	post(t, shared.public+"/oauth2/token", "grant_type=client_credentials&scope=workflows", shared.basic("NEXTHINK_NQL")).want(t, 400, unknown)
}

func TestReq014_ATokenForOneAPIIsRefusedAtAnother(t *testing.T) {
	token := standardToken(t, shared, "collections")
	get(t, shared.public+"/api/collections", token).wantStatus(t, 200)
	get(t, shared.public+"/api/v1/workflows", token).wantStatus(t, 401)
	get(t, shared.public+"/api/collections", standardToken(t, shared, "workflows")).wantStatus(t, 401)
}

// Req 3, Req 4: a refresh token is its client's, and never worth more than what was granted.
func TestReq003_ARefreshTokenServesNobodyElseAndNeverWidens(t *testing.T) {
	ask := func(client string, pairs ...string) answer {
		return post(t, shared.public+"/oauth2/token", values(pairs...), shared.basic(client))
	}
	pair := standardAnswer(t, ask("OAUTH2", "grant_type", "password", "username", shared.vars["NEXUDUS_USERNAME"], "password",
		shared.vars["NEXUDUS_PASSWORD"]).wantStatus(t, 200), "access_token", "token_type", "expires_in", "refresh_token", "scope")
	refresh := []string{"grant_type", "refresh_token", "refresh_token", pair.refresh}
	if a := ask("NEXTHINK", refresh...); a.status != 400 {
		t.Errorf("another client is answered %d %s", a.status, a.body)
	}
	ask("OAUTH2", append(refresh, "scope", "me nql")...).wantStatus(t, 400)
	again := standardAnswer(t, ask("OAUTH2", refresh...).wantStatus(t, 200), "access_token", "token_type", "expires_in", "refresh_token", "scope")
	get(t, shared.public+"/api/auth/me", again.access).wantStatus(t, 200)
}
