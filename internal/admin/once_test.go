package admin

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
)

func TestASecretIsNotShownAgainInAnotherRole(t *testing.T) {
	w := open(t)
	const body = `{"name":"Boss","permissions":["tokenbooth:owner"]}`
	made := read[IssuedClient](t, w.wants(201, "owner", "POST", clients, body, idempotencyKey, key))
	for _, role := range []string{"viewer", "editor"} {
		_, err := w.registry.UpdateClient(t.Context(), by, "client.update", "acme", "owner", func(c *registry.Client) error {
			c.Permissions = []string{registry.OperatorsPrefix + role}
			return nil
		})
		w.must(err)
		w.pass(time.Second)
		w.tokens["reduced"] = w.token("acme", "owner", standard)
		w.pass(time.Second)
		a := w.wants(422, "reduced", "POST", clients, body, idempotencyKey, key)
		if strings.Contains(a.body, made.Secret) {
			t.Errorf("%s: %s", role, a.body)
		}
	}
	if page := read[ClientPage](t, w.wants(200, "viewer", "GET", clients+"?q=Boss", "")); page.Total != 1 {
		t.Errorf("%d were made", page.Total)
	}
}

func TestASecretOfTheDeskIsNotShownAgainToWhoHasLostTheRole(t *testing.T) {
	w := open(t)
	w.deskPrograms()
	w.hold("desk-owner", "tokenbooth:owner", "tokenbooth:desk-owner")
	const body = `{"name":"Boss","permissions":["tokenbooth:desk-owner"]}`
	made := read[IssuedClient](t, w.wants(201, "desk-owner", "POST", clients, body, idempotencyKey, key))
	w.hold("desk-owner", "tokenbooth:owner", "tokenbooth:desk-viewer")
	w.wants(403, "desk-owner", "POST", clients, body)
	if a := w.wants(422, "desk-owner", "POST", clients, body, idempotencyKey, key); strings.Contains(a.body, made.Secret) {
		t.Error(a.body)
	}
}

// hold gives a program of acme other permissions, and a token for them.
func (w *world) hold(id string, permissions ...string) {
	w.t.Helper()
	_, err := w.registry.UpdateClient(w.t.Context(), by, "client.update", "acme", id, func(c *registry.Client) error { c.Permissions = permissions; return nil })
	w.must(err)
	w.pass(time.Second)
	w.tokens[id] = w.token("acme", id, standard)
	w.pass(time.Second)
}

func TestOneRequestIsOneWhicheverWayItsNamesAreEscaped(t *testing.T) {
	w := open(t)
	const body = `{"name":"Once"}`
	first := w.wants(201, "editor", "POST", clients, body, idempotencyKey, key)
	if again := w.wants(201, "editor", "POST", "/v1/tenants/%61cme/clients", body, idempotencyKey, key); again.body != first.body {
		t.Errorf("it was done twice: %s, then %s", first.body, again.body)
	}
	for _, path := range []string{"/v1/%74enants/acme/clients", "/v1/tenants/acme/%63lients", "/%76%31/tenants/acme/clients"} {
		w.wants(404, "editor", "POST", path, body, idempotencyKey, key)
	}
	w.deskPrograms()
	w.wants(404, "desk-owner", "GET", "/v1/%6fperators", "")
	w.wants(404, "desk-owner", "GET", "/v1/%74enants/acme/clients", "")
}

// begun leaves a request as a process leaves it that dies in the midst of it.
func (w *world) begun(body string) {
	w.t.Helper()
	a := &api{Options: w.options}
	name := strings.Join([]string{"client:editor", "POST /v1/tenants/{tenant}/clients", clients, key}, "\x00")
	id, request := secret.Digest(name), secret.Digest("\x00editor\x00"+body)
	w.must(a.keep(w.t.Context(), place{"acme", base64.RawURLEncoding.EncodeToString(id[:]), "answer\x00" + name}, 0, &answer{Request: request[:], Begun: w.clock()}))
}

func TestWhatTheServerDiedOverIsNotDoneAgainUnderItsKey(t *testing.T) {
	w := open(t)
	const body = `{"name":"Postman"}`
	w.begun(body)
	for _, later := range []time.Duration{underWay, 30*time.Minute - underWay, keepAnswer - 30*time.Minute - time.Second} {
		w.pass(later)
		w.tokens["editor"] = w.token("acme", "editor", standard)
		w.pass(time.Millisecond)
		p := w.wants(409, "editor", "POST", clients, body, idempotencyKey, key).problem(t)
		if !strings.HasSuffix(p.Type, "lost-answer") || !strings.Contains(p.Detail, "2026-11-22T04:09:01Z") {
			t.Errorf("%+v", p)
		}
	}
	w.pass(time.Second)
	w.wants(201, "editor", "POST", clients, body, idempotencyKey, key)
}

func TestASecretIsNotShownAgainToWhoHasLostTheRoleWhereItWasMade(t *testing.T) {
	w := open(t)
	const at, body = "/v1/tenants/other/clients", `{"name":"Postman"}`
	w.tokens["both"] = w.program("acme", "both", registry.OperatorsPrefix+"owner", registry.DeskPrefix+"owner")
	w.pass(time.Second)
	made := read[IssuedClient](t, w.wants(201, "both", "POST", at, body, idempotencyKey, key))
	_, err := w.registry.UpdateClient(t.Context(), by, "client.update", "acme", "both", func(c *registry.Client) error {
		c.Permissions = []string{registry.OperatorsPrefix + "owner", registry.DeskPrefix + "viewer"} // an owner at home, and there a viewer
		return nil
	})
	w.must(err)
	w.tokens["both"] = w.token("acme", "both", standard)
	w.pass(time.Second)
	if a := w.wants(422, "both", "POST", at, body, idempotencyKey, key); strings.Contains(a.body, made.Secret) {
		t.Error(a.body)
	}
}
