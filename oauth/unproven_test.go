package oauth

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestOfAnUnprovenNameAQuarterIsShownAndFourCharactersAtMost(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "abc": "…(3)", "abcd": "a…(4)", "abcde": "a…(5)", "hunter2!": "hu…(8)", strings.Repeat("x", 16): "xxxx…(16)",
		"tbs_" + strings.Repeat("k", 60): "tbs_…(64)", "äöüßäöüß": "äö…(8)", "\x1b[2Jabcd": "?[…(8)", "\xff\xfe\xfd\xfc": "?…(4)",
	} {
		if got := Unproven(text).String(); got != want {
			t.Errorf("of %q is shown %s, want %s", text, got, want)
		}
	}
}

func TestAnUnprovenNameHidesFromEveryFormatterAndLogger(t *testing.T) {
	const canary = "canary-7f3a-canary-9b1c"
	req := TokenRequest{Asker: Asker{Client: Credential{ID: canary}, Decoded: &Credential{ID: canary}}, Username: canary, Scope: canary}
	query := TokenQuery{Asker: req.Asker, Hint: canary}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "name", Unproven(canary), "request", req, "query", query)
	marshalled, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	forms := []string{logged.String(), string(marshalled), fmt.Sprintf("%+v %#v", query, query), fmt.Sprintf("%v %+v %#v", req, req, req)}
	for _, verb := range []string{"%v", "%s", "%q", "%.64q", "%x", "%d", "%+v", "%#v", "%t"} {
		forms = append(forms, fmt.Sprintf(verb, Unproven(canary)))
	}
	for _, text := range forms {
		if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
			t.Errorf("the name is shown: %s", text)
		}
	}
	if Unproven("at+JWT").AmongWords("at+jwt") != "at+JWT" || Unproven(canary).AmongWords("at+jwt") == canary {
		t.Error("a word that is known and one that is not are taken for each other")
	}
}
