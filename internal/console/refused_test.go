package console

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// acted returns the events of an act in acme, by somebody.
func (w *world) acted(p *person, act string) []audit.Event {
	w.t.Helper()
	all, _, _, err := audit.Search(w.t.Context(), w.store, audit.Query{Tenant: "acme", Act: act, ActorIs: "operator:" + p.ID, Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func TestReq059_WhatAPageRefusesIsWrittenDownOnce(t *testing.T) {
	for target, fields := range map[string][]string{
		"GET /t/acme/audit":                    nil,
		"GET /t/acme/settings":                 nil,
		"GET /t/acme/new-client":               nil,
		"POST /t/acme/new-client":              {"form", "x", "name", ""}, // a faulty form: the right is asked for first
		"POST /t/acme/clients/CLIENT/try":      {"contract", "99"},
		"POST /t/acme/clients/CLIENT/rotate":   {"rev", "1", "overlap", "no choice"},
		"POST /t/acme/clients/CLIENT/delete":   {"rev", "1", "typed", "no name"},
		"POST /t/acme/tokens/revoke":           {"pick", "nothing"},
		"POST /t/acme/clients/CLIENT/download": {"contract", "99"},
	} {
		t.Run(target, func(t *testing.T) {
			w := newClientsWorld(t)
			w.Office.Refusals = nil // so that they are written on the spot
			c, _, err := w.registry.CreateClient(t.Context(), "cli:root", registry.Client{Tenant: "acme", ID: "CLIENT", ClientSpec: registry.ClientSpec{Name: "c", Grants: []oauth.GrantType{oauth.ClientCredentials}}})
			if err != nil || c.ID != "CLIENT" {
				t.Fatal(c, err)
			}
			method, path, _ := strings.Cut(target, " ")
			code := 0
			if method == http.MethodGet {
				code = w.viewer.get(path).Code
			} else {
				code = w.viewer.post(path, fields...).Code
			}
			if code != http.StatusForbidden {
				t.Errorf("%d, want 403", code)
			}
			if kept := w.acted(w.viewer, office.Refused); len(kept) != 1 || kept[0].RequestID == "" {
				t.Errorf("%d are written down: %+v", len(kept), kept)
			}
		})
	}
}

func TestReq059_ATryInTheConsoleLeavesATraceOfTheOperator(t *testing.T) {
	w := newClientsWorld(t)
	c, text, err := w.registry.CreateClient(t.Context(), "cli:root", registry.Client{Tenant: "acme", ClientSpec: registry.ClientSpec{Name: "c", Permissions: []string{"nql"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if err != nil {
		t.Fatal(err)
	}
	w.editor.signIn()
	at := "/t/acme/clients/" + c.ID + "/try"
	for _, fields := range [][]string{{"contract", "99"}, {"contract", "0"}, {"contract", "0", "secret", text.Reveal()}} {
		w.editor.post(at, fields...)
	}
	if kept := w.acted(w.editor, "client.try"); len(kept) != 1 || kept[0].Subject != "client:"+c.ID {
		t.Errorf("%+v", kept)
	}
}
