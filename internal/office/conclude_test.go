package office

import (
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestEveryRefusalIsExplained(t *testing.T) {
	for _, code := range oauth.Codes() {
		if code == oauth.ServerError { // never a refusal: it is in the log of the server
			continue
		}
		if c := Conclude("token.refuse", string(code)+": something"); c.Check == "" || c.Advice == "" || c.Code == "" {
			t.Errorf("%s: %+v", code, c)
		}
	}
	for code, c := range conclusions {
		if strings.Contains(c.Advice, "tokenbooth ") || strings.Contains(c.Advice, " page") && code != oauth.CrossOrigin {
			t.Errorf("%s: the advice is for one surface: %s", code, c.Advice)
		}
	}
}

func TestWhatARefusalMeansDependsOnWhereItWasRefused(t *testing.T) {
	for name, test := range map[string]struct{ act, reason, check, advice string }{
		"a reason that nobody knows":   {"token.refuse", "nothing we know", "", ""},
		"no reason":                    {"token.refuse", "", "", ""},
		"a secret":                     {"token.refuse", "invalid_client: the secret is wrong", "client authentication", "rotate it"},
		"a token that was taken back":  {"api.refuse", "invalid_token: revoked: x", "the access token", "on purpose"},
		"a call two programs may read": {"api.refuse", "invalid_request: x", "the form of the call", "Two programs"},
		"a request for a token":        {"token.refuse", "invalid_request: x", "the form of the request", "contract"},
		"a web page at an API":         {"api.refuse", "cross_origin: x", "browser", "cors.origins"},
		"a web page asking for tokens": {"token.refuse", "cross_origin: x", "browser", "from a server"},
		"a proxy that asks wrongly":    {"check.refuse", "invalid_request: x", "how a proxy asks", "/check/envoy"},
		"a proxy that is a stranger":   {"check.refuse", "stranger: x", "who may ask", "secret_file"},
		"an operator without a right":  {Refused, "no right to change clients", "role", "owner"},
		"an operator at the door":      {"operator.sign-in.refuse", "the code is wrong", "sign-in", "link"},
	} {
		c := Conclude(test.act, test.reason)
		if !strings.Contains(c.Check, test.check) || !strings.Contains(c.Advice, test.advice) || test.check == "" && c != (Conclusion{}) {
			t.Errorf("%s: %+v", name, c)
		}
	}
}
