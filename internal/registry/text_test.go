package registry

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// unruly is what could make a line of a log, a terminal or a page look like another.
var unruly = []string{"a\rb", "a\x1b[2Jb", "a\x00b", "a\tb", "a\u0085b", "a\u2028b", "a\u2029b", "a\u202eb", "a\u2066b", "a\u200fb", "a\u061cb", "a\xffb"}

func TestReq051_NoNameOrDescriptionCanMakeALineLookLikeAnother(t *testing.T) {
	r, _, _ := world(t)
	client := func(name, description string) Client {
		return Client{Tenant: "acme", ClientSpec: ClientSpec{Name: name, Description: description, Grants: []oauth.GrantType{oauth.ClientCredentials}}}
	}
	for _, text := range append(unruly, "a\nb", "a\r\nb") {
		if _, _, err := r.CreateClient(ctx, by, client(text, "")); field(err) != "name" {
			t.Errorf("a client's name %q: %v", text, err)
		}
		if _, err := r.CreateUser(ctx, by, User{Tenant: "acme", Username: "u@acme.test", UserSpec: UserSpec{Name: text}}, password); field(err) != "name" {
			t.Errorf("a user's name %q: %v", text, err)
		}
	}
	for _, text := range append(unruly, "a\n\rb") {
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
	for _, was := range []Client{{ID: "x", ClientSpec: ClientSpec{Name: "a\nb", Grants: []oauth.GrantType{oauth.ClientCredentials}}}, {ID: "x", ClientSpec: ClientSpec{Name: "x", Description: "a\x1bb", Grants: []oauth.GrantType{oauth.ClientCredentials}}}, {ID: "..", ClientSpec: ClientSpec{Name: "x", Grants: []oauth.GrantType{oauth.ClientCredentials}}}} {
		now := was
		now.Disabled = true
		if err := now.check(&tenant, &was, time.Now()); err != nil {
			t.Errorf("%+v: %v", was, err)
		}
	}
	u := User{UserSpec: UserSpec{Name: "a\nb", Disabled: true}}
	if err := u.check(&tenant, &User{UserSpec: UserSpec{Name: "a\nb"}}); err != nil {
		t.Error(err)
	}
}

func TestListsHaveAnEnd(t *testing.T) {
	r, _, _ := world(t)
	nets := make([]Network, longestList+1)
	for i := range nets {
		nets[i] = Network{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)}
	}
	for want, allowed := range map[string][]Network{"allow_from": nets, "<nil>": nets[:longestList]} {
		c := Client{Tenant: "acme", ClientSpec: ClientSpec{Name: "x", AllowFrom: allowed, Grants: []oauth.GrantType{oauth.ClientCredentials}}}
		if _, _, err := r.CreateClient(ctx, by, c); field(err) != want {
			t.Errorf("%d networks: %v", len(allowed), err)
		}
	}
}

func TestWhatAListNamesTwiceIsKeptOnce(t *testing.T) {
	r, _, _ := world(t)
	cc := oauth.ClientCredentials
	net := Network{netip.MustParsePrefix("192.0.2.0/24")}
	c, _, err := r.CreateClient(ctx, by, Client{Tenant: "acme", ClientSpec: ClientSpec{Name: "x",
		Permissions: []string{"workflows", "nql", "workflows"}, Grants: []oauth.GrantType{cc, cc}, AllowFrom: []Network{net, net},
		AuthMethods: []oauth.AuthMethod{oauth.AuthBasic, oauth.AuthBasic}, ResourceServers: []string{"query", "query"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := ClientSpec{Name: "x", Permissions: []string{"workflows", "nql"}, Grants: []oauth.GrantType{cc}, AllowFrom: []Network{net},
		AuthMethods: []oauth.AuthMethod{oauth.AuthBasic}, ResourceServers: []string{"query"}}
	if !reflect.DeepEqual(c.ClientSpec, want) {
		t.Errorf("%+v", c.ClientSpec)
	}
	u, err := r.CreateUser(ctx, by, User{Tenant: "acme", Username: "jane@acme.test", UserSpec: UserSpec{Permissions: []string{"workflows", "workflows"}}},
		"seven purple tractors")
	if err != nil || !slices.Equal(u.Permissions, []string{"workflows"}) {
		t.Errorf("a user: %+v, %v", u, err)
	}
}

func TestNoClientIsCalledLikeAStepInAnAddress(t *testing.T) {
	r, _, _ := world(t)
	for id, want := range map[string]string{".": "id", "..": "id", "...": "<nil>", ".a": "<nil>"} {
		_, _, err := r.CreateClient(ctx, by, Client{Tenant: "acme", ID: id, ClientSpec: ClientSpec{Name: "x", Grants: []oauth.GrantType{oauth.ClientCredentials}}})
		if field(err) != want {
			t.Errorf("%s: %v", id, err)
		}
	}
}
