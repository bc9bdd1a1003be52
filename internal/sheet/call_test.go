package sheet

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// A .env file gives a shell the credential as it is, whatever stands in it.
func TestEnvIsReadAsItWasWritten(t *testing.T) {
	for _, secret := range []string{"tbs_abc123", "a b", `a'b"c`, "$HOME", "`id`'", `a\b'c`, "a#b", "a=b;c&d"} {
		script := Env("id/"+secret, oauth.Secret(secret), "https://a.example/token") +
			`printf '%s\n' "$TOKENBOOTH_CLIENT_ID" "$TOKENBOOTH_CLIENT_SECRET" "$TOKENBOOTH_TOKEN_URL"`
		out, err := exec.CommandContext(t.Context(), "sh", "-c", script).Output()
		if want := "id/" + secret + "\n" + secret + "\nhttps://a.example/token\n"; err != nil || string(out) != want {
			t.Errorf("%q comes out as %q, %v", secret, out, err)
		}
	}
	if text := Env("id", "s", ""); strings.Contains(text, "URL") {
		t.Errorf("without an endpoint there is an address: %s", text)
	}
}

// The calls that only read come first, and say what they take once.
func TestCallsBeginWithThoseThatOnlyRead(t *testing.T) {
	bearer := [][2]string{{"Authorization", "Bearer {{access_token}}"}, {"Accept", "application/json"}}
	c := Contract{base: "https://a.example", calls: []call{{"Acts", "POST", "/act", bearer}, {"One", "GET", "/one/{id}", bearer}, {"All", "GET", "/all", bearer}}}
	calls := c.Calls()
	if len(calls) != 3 || calls[0].Title != "GET /all" || strings.Count(calls[0].Text, "Accept") != 1 ||
		!strings.Contains(calls[0].Text, "Bearer ACCESS_TOKEN") || !strings.HasSuffix(calls[0].Text, "https://a.example/all") {
		t.Errorf("%+v", calls)
	}
}
