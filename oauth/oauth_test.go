package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestReq059_ASecretHidesFromEveryFormatterAndLogger(t *testing.T) {
	const canary = "canary-7f3a"
	asker := Asker{Client: Credential{ID: "id", Secret: canary}, Decoded: &Credential{Secret: canary}}
	req := TokenRequest{Asker: asker, Password: canary, TOTP: canary, RefreshToken: canary}
	query := TokenQuery{Asker: asker, Token: canary}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "secret", Secret(canary), "request", req, "token", Token{AccessToken: canary}, "query", query)
	marshalled, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string]string{
		"%v": fmt.Sprintf("%v", req), "%+v": fmt.Sprintf("%+v", req), "%#v": fmt.Sprintf("%#v", req), "%s": fmt.Sprint(Secret(canary)),
		"%q": fmt.Sprintf("%q", Secret(canary)), "json": string(marshalled), "slog": logged.String(), "query": fmt.Sprintf("%+v %#v", query, query),
	} {
		if strings.Contains(text, canary) {
			t.Errorf("%s shows the secret: %s", form, text)
		}
	}
	if Secret(canary).Reveal() != canary {
		t.Error("Reveal does not return the text")
	}
}

func TestReq076_ScopeGrammar(t *testing.T) {
	for scope, valid := range map[string]bool{
		"": true, "a": true, "a b": true, "service:integration": true, "https://x/y#z": true,
		" a": false, "a ": false, "a  b": false, `a"b`: false, `a\b`: false, "a\tb": false, "ä": false, "a\x00": false,
		strings.Repeat("a ", MaxScopeWords) + "a": false, strings.Repeat("x", 5000): false,
	} {
		if ValidScope(scope) != valid {
			t.Errorf("ValidScope(%.20q) is %v", scope, !valid)
		}
	}
}

func TestScopeWithinMeansEveryWordIsHeld(t *testing.T) {
	for _, c := range []struct {
		asked, held string
		within      bool
	}{{"", "", true}, {"", "a", true}, {"a", "a b", true}, {"b a", "a b", true}, {"c", "a b", false}, {"a c", "a b", false}, {"a", "", false}, {"a", "aa", false}} {
		if ScopeWithin(c.asked, c.held) != c.within {
			t.Errorf("ScopeWithin(%q, %q) is %v", c.asked, c.held, !c.within)
		}
	}
}

func TestEveryCodeHasAStandardOne(t *testing.T) {
	for _, c := range Codes() {
		if s := c.Standard(); s.Standard() != s {
			t.Errorf("%s falls to %s, which is not standard", c, s)
		}
	}
}

func TestOnlyARefusalIsARefusal(t *testing.T) {
	if AsError(fmt.Errorf("store: %w", ErrUnavailable)) != nil || AsError(errors.New("x")) != nil || AsError(nil) != nil {
		t.Error("a fault is taken for a refusal")
	}
	if AsError(fmt.Errorf("deep: %w", Refuse(WrongPassword, "d", "r"))) == nil {
		t.Error("a wrapped refusal is not found")
	}
}

func FuzzAppendJSON(f *testing.F) {
	for _, s := range []string{"", "plain", `"\`, "\x00\x1f\x7f", "<b>&", "\xff\xfe", "ä€😀", "half \xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := AppendJSON(nil, s)
		var back string
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("%q is not JSON: %v", text, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); strings.ReplaceAll(back, "\ufffd", "") != strings.ReplaceAll(want, "\ufffd", "") {
			t.Errorf("%q came back as %q", s, back)
		}
		if strings.ContainsAny(string(text), "<>&\n\r\x00") {
			t.Errorf("%q lets markup or a control character through", text)
		}
	})
}

func TestLabelsAreNoClientIDs(t *testing.T) {
	if !IsLabel(LabelClientID("app")) || IsLabel("app") {
		t.Error("a label and a client id are not told apart")
	}
}
