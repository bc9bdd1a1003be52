package registry

import (
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestAllThatIsWrongWithAClientIsSaidAtOnce(t *testing.T) {
	tenant := &Tenant{Name: "acme"}
	c := tenant.NewClient("app")
	c.Name, c.Description, c.Permissions, c.Grants = "", strings.Repeat("x", 2001), []string{"unheard-of"}, []oauth.GrantType{"implicit"}
	c.AuthMethods, c.Dialects, c.TokenForm, c.Lifetime = []oauth.AuthMethod{"none"}, []string{"klingon"}, "saml", 3
	c.ResourceServers = []string{"nowhere"}
	found := map[string]int{}
	for _, p := range tenant.Problems(c, &Client{}, time.Now()) {
		found[p.Field]++
	}
	for _, field := range []string{"name", "description", "permissions", "grants", "auth_methods", "dialects", "token_form", "lifetime", "resource_servers"} {
		if found[field] != 1 {
			t.Errorf("%s has %d problems: %v", field, found[field], found)
		}
	}
	good := tenant.NewClient("app")
	good.Name = "App"
	if all := tenant.Problems(good, &Client{}, time.Now()); len(all) > 0 {
		t.Errorf("a client without a fault has %v", all[0])
	}
	if all := tenant.Problems(Client{ClientSpec: ClientSpec{Name: "x"}, ID: "a:b c\x00"}, &Client{}, time.Now()); len(all) != 1 || all[0].Field != "id" {
		t.Errorf("an id that cannot be: %v", all)
	}
}
