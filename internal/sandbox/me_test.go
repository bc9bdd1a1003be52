package sandbox

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

const john = "Tokenbooth-Username: demoaccount@nexudus.com\nTokenbooth-Name: John Doe\nTokenbooth-Subject: 0Abc"

// members returns the names of an object's members in order, and their values.
func members(t *testing.T, text []byte) (names []string, values map[string]string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	values = map[string]string{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, value); err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
		values[name.(string)] = compact.String()
	}
	return names, values
}

func TestMeHasEveryDocumentedMemberInOrder(t *testing.T) {
	documented, err := os.ReadFile("testdata/me.json")
	if err != nil {
		t.Fatal(err)
	}
	h, _ := newSandbox()
	w := checkOne(t, h, exchange{request: "GET /api/auth/me", headers: john, status: 200})
	if kind := w.Header().Get("Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type %q", kind)
	}
	wantNames, want := members(t, documented)
	gotNames, got := members(t, w.Body.Bytes())
	if len(gotNames) != len(wantNames) {
		t.Fatalf("%d members, want %d", len(gotNames), len(wantNames))
	}
	want["UpdatedBy"], want["ToStringText"] = `"demoaccount@nexudus.com"`, `"John Doe - demoaccount@nexudus.com"`
	for i, name := range wantNames {
		if gotNames[i] != name {
			t.Errorf("member %d is %s, want %s", i, gotNames[i], name)
		}
		if name != "Id" && name != "UniqueId" && got[name] != want[name] {
			t.Errorf("%s is %s, want %s", name, got[name], want[name])
		}
	}
	if got["AccessToken"] != `"..."` {
		t.Errorf("AccessToken is %s", got["AccessToken"])
	}
}

func TestMeIsTheUserTheGatewayNamed(t *testing.T) {
	h, _ := newSandbox()
	ask := func(headers string) map[string]string {
		_, got := members(t, checkOne(t, h, exchange{request: "GET /api/auth/me", headers: headers, status: 200}).Body.Bytes())
		return got
	}
	first, again, elsewhere := ask(john), ask(john), ask(john+"\nTokenbooth-Tenant: other")
	other := ask("Tokenbooth-Username: zoë@example.com\nTokenbooth-Name: Zoë \"{{Email}}\" <O'Neill>\nTokenbooth-Subject: 0Abd")
	for _, name := range []string{"Id", "UniqueId"} {
		if first[name] != again[name] {
			t.Errorf("%s changes: %s, then %s", name, first[name], again[name])
		}
		if first[name] == other[name] || first[name] == elsewhere[name] {
			t.Errorf("%s is the same for two users: %s", name, first[name])
		}
	}
	var unique string
	if err := json.Unmarshal([]byte(first["UniqueId"]), &unique); err != nil || !isUUID(unique) {
		t.Errorf("UniqueId %q", unique)
	}
	if got := other["FullName"]; got != `"Zoë \"{{Email}}\" <O'Neill>"` {
		t.Errorf("FullName %s", got)
	}
	if got := ask("Tokenbooth-Username: a@b.cd"); got["FullName"] != `"a@b.cd"` || got["Email"] != `"a@b.cd"` {
		t.Errorf("a user without a name: %s, %s", got["FullName"], got["Email"])
	}
	checkOne(t, h, exchange{request: "GET /api/auth/me", headers: "Tokenbooth-Client-Id: machine", status: 401, want: "-"})
}
