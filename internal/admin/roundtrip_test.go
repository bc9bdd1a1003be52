package admin

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// signIn gives a user of acme a chain of refresh tokens and an opaque access token.
func (w *world) signIn(client, username string) oauth.Token {
	w.t.Helper()
	_, err := w.registry.UpdateClient(w.t.Context(), by, "client.update", "acme", client, func(c *registry.Client) error {
		c.Grants = []oauth.GrantType{oauth.Password, oauth.RefreshToken}
		return nil
	})
	w.must(err)
	terms := *standard
	terms.Form = oauth.Opaque
	t, err := w.issuer.Token(w.t.Context(), oauth.TokenRequest{Dialect: "oauth2", Terms: &terms, Grant: oauth.Password, Username: oauth.Unproven(username), Password: password,
		Asker: oauth.Asker{Auth: oauth.AuthBasic, Client: oauth.Credential{ID: oauth.Unproven(client), Secret: w.secrets[client]}, Tenant: "acme",
			Caller: oauth.Caller{Source: netip.MustParseAddr("192.0.2.1")}, RequestID: "sign-in"}})
	w.must(err)
	return t
}

func TestEveryOperationSucceedsAsTheContractSays(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	f := w.fixtures()
	w.signIn("q2tjk4", "bob@acme.test")
	w.pass(time.Second)
	chains := read[ChainPage](t, w.wants(200, "viewer", "GET", "/v1/tenants/acme/chains?client=q2tjk4", ""))
	kept := read[OpaquePage](t, w.wants(200, "viewer", "GET", "/v1/tenants/acme/opaque-tokens", ""))
	if len(chains.Chains) != 1 || len(kept.Tokens) != 1 || chains.Chains[0].Username != "bob@acme.test" {
		t.Fatalf("%+v %+v", chains, kept)
	}
	rotated := read[IssuedClient](t, w.wants(200, "owner", "POST", clients+"/q2tjk4/rotate", `{"overlap":60}`, ifMatch, "*"))
	f["chain"], f["token"], f["request_id"] = chains.Chains[0].Id, kept.Tokens[0].Id, "sign-in"
	bodies := map[string]string{"retireSecret": `{"credential":"` + rotated.Client.Credentials[0].Id + `"}`, "rotateKeys": `{"unannounced":true}`,
		"introspectToken": `{"token":"` + w.tokens["owner"] + `"}`}
	for _, o := range operations(t) {
		if b := bodies[o.id]; b != "" {
			o.example = b
		}
		as := "owner"
		if o.ofDesk() {
			as = "desk-owner"
		}
		if o.id == "endSession" { // what came before has ended the one there was
			f["session"] = w.session(f["operator"]).ID
		}
		a := w.sendOperation(as, o, f)
		for until := time.Now().Add(5 * time.Second); o.id == "explainRequest" && a.StatusCode == 404 && time.Now().Before(until); {
			time.Sleep(20 * time.Millisecond) // the journal writes behind the answer
			a = w.sendOperation("owner", o, f)
		}
		if a.StatusCode >= 300 {
			t.Errorf("%s answers %d %s", o.id, a.StatusCode, a.body)
		}
	}
	w.wants(401, "owner", "GET", "/v1/tenants/acme", "") // all tokens were taken back, this one too
}

func TestAUserIsCreatedChangedAndDeleted(t *testing.T) {
	w := open(t)
	const at = "/v1/tenants/acme/users/jane@example.com"
	made := w.wants(201, "editor", "POST", "/v1/tenants/acme/users", `{"username":"Jane@Example.COM","password":"seven turnips in a bucket"}`)
	if made.Header.Get("Location") != at {
		t.Errorf("it is at %s", made.Header.Get("Location"))
	}
	w.wants(200, "editor", "PUT", at, `{"name":"Jane","must_reset":true}`, ifMatch, `"1"`)
	w.wants(412, "editor", "PUT", at, `{"name":"Jill"}`, ifMatch, `"1"`)
	secret := read[TOTPSecret](t, w.wants(200, "editor", "POST", at+"/totp", `{"enabled":true}`))
	if secret.Secret == "" || !read[User](t, w.send("viewer", "GET", at, "")).HasTotp {
		t.Errorf("%+v", secret)
	}
	if off := read[TOTPSecret](t, w.wants(200, "editor", "POST", at+"/totp", `{"enabled":false}`)); off != (TOTPSecret{}) {
		t.Errorf("%+v", off)
	}
	if p := w.wants(400, "editor", "POST", at+"/password", `{"password":"short"}`).problem(t); p.Field != "password" {
		t.Errorf("%+v", p)
	}
	w.wants(204, "editor", "POST", at+"/password", `{"password":"nine marbles under the sofa"}`)
	w.wants(204, "editor", "DELETE", at, "", ifMatch, "*")
	w.wants(404, "viewer", "GET", at, "")
}

func TestTheAuditRecordIsSearchedPageByPage(t *testing.T) {
	w := open(t)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		w.wants(201, "editor", "POST", clients, `{"name":"`+name+`"}`)
		w.pass(time.Second)
	}
	seen := 0
	for cursor := ""; ; {
		p := read[EventPage](t, w.wants(200, "auditor", "GET", "/v1/tenants/acme/events?actor=client:editor&act=client.create&limit=2&cursor="+cursor, ""))
		for _, e := range p.Events {
			if seen++; e.Actor != "client:editor" {
				t.Errorf("%+v", e)
			}
		}
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if seen != 5 {
		t.Errorf("%d events", seen)
	}
	w.wants(400, "auditor", "GET", "/v1/tenants/acme/events?since=yesterday", "")
	w.wants(404, "auditor", "GET", "/v1/tenants/acme/events/none", "")
	w.wants(404, "auditor", "GET", "/v1/tenants/acme/explain/none", "")
}

func TestAKeyThatNobodyHasSeenYetDoesNotSign(t *testing.T) {
	w := open(t)
	p := w.wants(409, "owner", "POST", "/v1/tenants/acme/keys/rotate", `{}`).problem(t)
	if p.Detail == "" {
		t.Errorf("%+v", p)
	}
	w.wants(204, "owner", "POST", "/v1/tenants/acme/keys/rotate", `{"unannounced":true}`)
	w.wants(404, "owner", "POST", "/v1/tenants/acme/keys/none/withdraw", "")
}
