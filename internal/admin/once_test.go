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

// begun leaves a request as a process leaves it that dies in the midst of it.
func (w *world) begun(body string) {
	w.t.Helper()
	a := &api{Options: w.options}
	name := strings.Join([]string{"client:editor", "POST", clients, key}, "\x00")
	id, request := secret.Digest(name), secret.Digest("editor\x00"+body)
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
