package admin

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/registry/registrytest"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestOnlyALiveTokenForThisAPIOpensIt(t *testing.T) {
	w := open(t)
	const path = "/v1/tenants/acme"
	w.tokens["outsider"] = w.program("acme", "plain", "workflows")
	w.tokens["opaque"] = func() string {
		w.client("acme", "opaque", "tokenbooth:viewer")
		terms := *standard
		terms.Form = oauth.Opaque
		return w.token("acme", "opaque", &terms)
	}()
	w.pass(1e9)
	w.wants(200, "opaque", "GET", path, "")
	w.wants(403, "opaque", "GET", "/v1/tenants/other", "")
	w.wants(401, "outsider", "GET", path, "")
	parts := strings.Split(w.tokens["owner"], ".")
	forged := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://acme.test","sub":"owner","client_id":"owner","scope":"tokenbooth:owner","exp":9999999999}`))
	for name, token := range map[string]string{"empty": "", "not base64": "!!", "forged claims": parts[0] + "." + forged + "." + parts[2], "two dots": "..",
		"unsigned": parts[0] + "." + parts[1] + ".", "very long": strings.Repeat("a", maxToken+1), "half": parts[0] + "." + parts[1]} {
		a := w.send("", "GET", path, "", "Authorization", "Bearer "+token)
		if a.StatusCode != 401 || !strings.Contains(a.Header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("a token %s: %d %s", name, a.StatusCode, a.body)
		}
	}
	w.wants(401, "", "GET", path, "", "Authorization", "Basic b3duZXI6eA==")
	w.wants(200, "", "GET", path, "", "Authorization", "bearer "+w.tokens["owner"])
	w.wants(401, "", "GET", path+"?access_token="+w.tokens["owner"], "")
	w.pass(16 * 60 * 1e9)
	w.wants(401, "owner", "GET", path, "")
}

func TestAPermissionTakenAwayCountsNoMoreAtOnce(t *testing.T) {
	w := open(t)
	_, err := w.registry.UpdateClient(t.Context(), by, "client.update", "acme", "owner", func(c *registry.Client) error {
		c.Permissions = []string{"tokenbooth:viewer"}
		return nil
	})
	w.must(err)
	w.wants(403, "owner", "GET", clients, "")
	w.must(registrytest.DisableClient(t.Context(), w.registry, by, "acme", "editor", true))
	w.wants(401, "editor", "GET", clients, "")
}

func TestAnEditorCannotMakeHimselfAnOwner(t *testing.T) {
	w := open(t)
	w.wants(403, "editor", "POST", clients, `{"name":"x","permissions":["tokenbooth:owner"]}`)
	w.wants(403, "editor", "POST", clients+"/owner/rotate", `{"overlap":60}`, ifMatch, "*")
	w.wants(403, "editor", "PUT", clients+"/editor", `{"name":"x","permissions":["tokenbooth:owner"]}`, ifMatch, "*")
	w.wants(201, "owner", "POST", clients, `{"name":"x","permissions":["tokenbooth:owner"]}`)
}

func TestReq093_NoWebPageOfAnotherOriginMayAsk(t *testing.T) {
	w := open(t)
	for _, origin := range []string{"https://evil.test", "null", "https://acme.test", "http://127.0.0.1", "https://acme.test.evil.test"} {
		for _, method := range []string{"GET", "OPTIONS"} {
			a := w.send("owner", method, clients, "", "Origin", origin, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization")
			for name := range a.Header {
				if strings.HasPrefix(name, "Access-Control") {
					t.Errorf("%s from %s: %s", method, origin, name)
				}
			}
		}
	}
}

func TestACookieSignsNobodyIn(t *testing.T) {
	w := open(t)
	a := w.wants(401, "", "POST", clients, `{"name":"x"}`, "Cookie", "__Host-tokenbooth="+w.tokens["owner"])
	if a.Header.Get("WWW-Authenticate") != `Bearer realm="tokenbooth", resource_metadata="`+deskURL+MetadataPath("acme")+`"` {
		t.Errorf("%v", a.Header)
	}
}

func TestReq069_WhatIsTooLargeOrNotJSONIsRefused(t *testing.T) {
	w := open(t)
	w.wants(413, "owner", "POST", clients, `{"name":"`+strings.Repeat("a", maxBody)+`"}`)
	w.wants(413, "owner", "POST", clients, `{"name":"`+strings.Repeat("a", maxBody)+`"}`, idempotencyKey, key)
	for _, header := range [][]string{{"Content-Type", "text/plain"}, {"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Encoding", "gzip"},
		{"Content-Type", "application/json; charset=latin1"}} {
		w.wants(415, "owner", "POST", clients, `{"name":"x"}`, header...)
	}
	w.wants(201, "owner", "POST", clients, `{"name":"x"}`, "Content-Type", "application/json; charset=utf-8")
	w.wants(400, "owner", "POST", clients+"/owner/revoke-tokens", `{}`)
}

func TestAStoreThatFailsIs503AndSaysNothingMore(t *testing.T) {
	w := open(t)
	w.store.down.Store(true)
	for _, header := range [][]string{nil, {idempotencyKey, key}} {
		a := w.wants(503, "owner", "POST", clients, `{"name":"x"}`, header...)
		if strings.Contains(a.body, "disk") || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s", a.body)
		}
	}
	if !strings.Contains(w.log.String(), "the disk is gone") {
		t.Error("nobody wrote down why")
	}
	w.store.down.Store(false)
	w.wants(201, "owner", "POST", clients, `{"name":"x"}`, idempotencyKey, key)
}

func TestReq105_NoReadShowsASecret(t *testing.T) {
	w := open(t)
	f := w.fixtures()
	made := read[IssuedClient](t, w.wants(201, "owner", "POST", clients, `{"name":"x","id":"withsecret"}`))
	user := read[CreatedUser](t, w.wants(201, "owner", "POST", "/v1/tenants/acme/users", `{"username":"jane","password":"seven turnips in a bucket","totp":true}`))
	if made.Secret == "" || !strings.HasPrefix(user.TotpUrl, "otpauth://") || !user.User.HasTotp {
		t.Fatalf("%+v %+v", made, user)
	}
	totp := strings.Split(strings.SplitN(user.TotpUrl, "secret=", 2)[1], "&")[0]
	for _, id := range []string{"q2tjk4", "withsecret"} {
		f["id"], f["username"] = id, "jane"
		for _, o := range operations(t) {
			if o.method != "GET" {
				continue
			}
			for _, text := range []string{made.Secret, totp, "sha256$", "argon2id", "turnips"} {
				if a := w.send("owner", "GET", f.path(o), ""); strings.Contains(a.body, text) {
					t.Errorf("%s shows %s", o.id, a.body)
				}
			}
		}
	}
}
