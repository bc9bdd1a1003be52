package sheet

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// connector is what a person copies from the sheet into the form of a connector.
type connector struct {
	URL    string `json:"url"`
	ID     string `json:"id"`
	Secret string `json:"secret"`
	Scope  string `json:"scope,omitempty"`
	Way    string `json:"way"`
}

// copied reads the fields of a contract's connector; a contract of another shape has none.
func copied(t *testing.T, c Contract, secret string) (k connector, ok bool) {
	t.Helper()
	for _, r := range c.Recipes(nastyID, oauth.Secret(secret)) {
		for line := range strings.Lines(r.Text) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch {
			case r.ID != "creator-studio":
			case name == "Oauth2 Token Url":
				k.URL = value
			case name == "Client ID":
				k.ID = value
			case name == "Client Secret":
				k.Secret = value
			case name == "Scope":
				k.Scope = value
			case value == studioBasic:
				k.Way = "basic"
			case value == studioBody:
				k.Way = "body"
			}
		}
	}
	return k, k.URL != ""
}

// connectors is every connector there is, with the contract that writes its grant into the URL among them.
func connectors(t *testing.T, secret string, f func(*testing.T, connector)) {
	inURL := 0
	runnable(t, func(t *testing.T, c Contract) {
		k, ok := copied(t, c, secret)
		if !ok {
			return
		}
		if k.Way == "" || k.ID != nastyID || k.Secret != secret {
			t.Errorf("the sheet lacks a field: %+v", k)
		}
		if strings.Contains(k.URL, "?grant_type=") {
			inURL++
		}
		f(t, k)
	})
	if inURL == 0 {
		t.Error("no connector has the grant in its URL")
	}
}

func TestTheConnectorGetsATokenWithOAuth2ForGo(t *testing.T) {
	connectors(t, nastySecret, func(t *testing.T, k connector) {
		styles := map[string]oauth2.AuthStyle{"as the sheet says": oauth2.AuthStyleInHeader, "found out": oauth2.AuthStyleAutoDetect}
		if k.Way == "body" {
			styles["as the sheet says"] = oauth2.AuthStyleInParams
		}
		for name, style := range styles {
			config := clientcredentials.Config{ClientID: k.ID, ClientSecret: k.Secret, TokenURL: k.URL, AuthStyle: style, Scopes: strings.Fields(k.Scope)}
			if token, err := config.Token(t.Context()); err != nil || token.AccessToken != theToken {
				t.Errorf("%s: %v %v", name, token, err)
			}
		}
	})
}

func TestTheConnectorGetsATokenWithClientsForNode(t *testing.T) {
	node := tool(t, "node")
	const clients = "../../test/clients"
	if _, err := os.Stat(clients + "/node_modules"); err != nil {
		t.Skip("there are no client libraries here: make clients installs them")
	}
	for library, secret := range map[string]string{"openid-client": nastySecret, "simple-oauth2": asciiSecret} {
		connectors(t, secret, func(t *testing.T, k connector) {
			request, err := json.Marshal(k)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), node, "ask.mjs", library)
			cmd.Dir, cmd.Stdin = clients, strings.NewReader(string(request))
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), `"access_token":"`+theToken+`"`) {
				t.Errorf("%s: %v\n%s", library, err, out)
			}
		})
	}
}
