package registry

import (
	"net/netip"
	"testing"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// unruly is what could make a line of a log, a terminal or a page look like another.
var unruly = []string{"a\rb", "a\x1b[2Jb", "a\x00b", "a\tb", "a\u0085b", "a\u2028b", "a\u2029b", "a\u202eb", "a\u2066b", "a\u200fb", "a\u061cb", "a\xffb"}

func TestReq051_NoNameOrDescriptionCanMakeALineLookLikeAnother(t *testing.T) {
	r, _, _ := world(t)
	client := func(name, description string) Client {
		return Client{Tenant: "acme", Name: name, Description: description, Grants: []oauth.GrantType{oauth.ClientCredentials}}
	}
	for _, text := range append(unruly, "a\nb", "a\r\nb") {
		if _, _, err := r.CreateClient(ctx, by, client(text, "")); field(err) != "name" {
			t.Errorf("a client's name %q: %v", text, err)
		}
		if _, err := r.CreateUser(ctx, by, User{Tenant: "acme", Username: "u@acme.test", Name: text}, password); field(err) != "name" {
			t.Errorf("a user's name %q: %v", text, err)
		}
	}
	for _, text := range append(unruly, "a\n\rb", "a\r") {
		if _, _, err := r.CreateClient(ctx, by, client("x", text)); field(err) != "description" {
			t.Errorf("a description %q: %v", text, err)
		}
	}
	c, _, err := r.CreateClient(ctx, by, client("Zoë's 🧑‍🔧 اختبار", "two\nlines\r\nor three"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.UpdateClient(ctx, by, "client.update", "acme", c.ID, func(c *Client) error { c.Name = "a\u202eb"; return nil }); field(err) != "name" {
		t.Errorf("a change of the name: %v", err)
	}
	u := createUser(t, r, "jane@acme.test")
	if _, err := r.UpdateUser(ctx, by, "user.update", "acme", u.Username, func(u *User) error { u.Name = "a\u202eb"; return nil }); field(err) != "name" {
		t.Errorf("a change of a user's name: %v", err)
	}
}

func TestReq051_WhatWasKeptBeforeCanBeSwitchedOff(t *testing.T) {
	tenant := Tenant{Name: "acme"}
	for _, was := range []Client{{ID: "x", Name: "a\nb"}, {ID: "x", Name: "x", Description: "a\x1bb"}, {ID: "..", Name: "x"}} {
		now := was
		now.Disabled = true
		if err := now.check(&tenant, &was); err != nil {
			t.Errorf("%+v: %v", was, err)
		}
	}
	u := User{Name: "a\nb", Disabled: true}
	if err := u.checkName("a\nb"); err != nil {
		t.Error(err)
	}
}

func TestListsHaveAnEndAndNameNothingTwice(t *testing.T) {
	r, _, _ := world(t)
	nets := make([]netip.Prefix, longestList+1)
	for i := range nets {
		nets[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
	}
	cc := oauth.ClientCredentials
	for want, c := range map[string]Client{
		"permissions": {Permissions: []string{"workflows", "workflows"}}, "grants": {Grants: []oauth.GrantType{cc, cc}}, "dialects": {Dialects: []string{"x", "x"}},
		"auth_methods": {AuthMethods: []oauth.AuthMethod{oauth.AuthBasic, oauth.AuthBasic}}, "allow_from": {AllowFrom: nets},
		"<nil>": {AllowFrom: nets[:longestList]},
	} {
		c.Tenant, c.Name = "acme", "x"
		if _, _, err := r.CreateClient(ctx, by, c); field(err) != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := r.CreateUser(ctx, by, User{Tenant: "acme", Username: "jane@acme.test", Permissions: []string{"workflows", "workflows"}}, "seven purple tractors"); field(err) != "permissions" {
		t.Errorf("a user: %v", err)
	}
	was := Client{ID: "x", Name: "x", Permissions: []string{"old", "old"}}
	if now := was; now.check(&Tenant{Name: "acme"}, &was) != nil {
		t.Error("what was kept before there was the rule cannot be switched off")
	}
}

func TestNoClientIsCalledLikeAStepInAnAddress(t *testing.T) {
	r, _, _ := world(t)
	for id, want := range map[string]string{".": "id", "..": "id", "...": "<nil>", ".a": "<nil>"} {
		_, _, err := r.CreateClient(ctx, by, Client{Tenant: "acme", ID: id, Name: "x", Grants: []oauth.GrantType{oauth.ClientCredentials}})
		if field(err) != want {
			t.Errorf("%s: %v", id, err)
		}
	}
}
