package registry

import (
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
)

func TestAnEventSaysWhichFieldsItChangedAndNoSecret(t *testing.T) {
	r, s, c := world(t)
	made, text := create(t, r, postman())
	c.advance(time.Second)
	from := audit.WithOrigin(ctx, audit.Origin{RequestID: "req-1", Source: "192.0.2.7"})
	values := map[string][]string{"name": {"Postman 2"}, "description": {"calls"}, "permissions": {"workflows", "campaigns"}, "grants": {"refresh_token"},
		"auth_methods": {"client_secret_basic"}, "token_form": {"opaque"}, "lifetime": {"10m"}, "allow_from": {"192.0.2.0/24"},
		"resource_servers": {"flows"}, "allow_bodyless_token": {"true"}, "expires": {"90d"}, "disabled": {"true"}}
	for _, f := range ClientFields(c.now()) {
		words, known := values[f.Name]
		if f.Name == "dialects" {
			continue // this tenant speaks none
		}
		if !known {
			t.Fatalf("say here a value of the new field %s", f.Name)
		}
		before := f.Value(&made.ClientSpec)
		after, err := r.UpdateClient(from, by, "client.update", "acme", made.ID, func(c *Client) error { return f.Set(&c.ClientSpec, words) })
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		events, _, _, err := audit.Search(ctx, s, audit.Query{Tenant: "acme", Subject: "client:" + made.ID, Limit: 1})
		if err != nil || len(events) != 1 {
			t.Fatal(events, err)
		}
		e := events[0]
		if len(e.Changes) != 1 || e.Changes[0].Field != f.Name || e.Changes[0].String() != recorded([]Change{{f.Name, before, f.Value(&after.ClientSpec)}})[0].String() {
			t.Errorf("%s: %+v", f.Name, e.Changes)
		}
		if e.RequestID != "req-1" || e.Source != "192.0.2.7" {
			t.Errorf("%s comes from %q, %q", f.Name, e.RequestID, e.Source)
		}
		made = after
		c.advance(time.Second)
	}
	if strings.Contains(kept(t, s), text.Reveal()) {
		t.Error("the client's secret is in the store")
	}
}
