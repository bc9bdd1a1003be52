package dialect

import (
	"slices"
	"strings"
	"testing"
)

func TestPlainJSONIsTakenForWhatItSaysAndNothingElseIs(t *testing.T) {
	for body, want := range map[string][]word{
		`{"clientId":"a","secret":"b"}`:               {{"clientId", "a"}, {"secret", "b"}},
		" {\t\"a\" :\r\n\"~ {}[]:,\" , \"b\":\"\" } ": {{"a", "~ {}[]:,"}, {"b", ""}},
		`{"a":"1","a":"2"}`:                           {{"a", "1"}, {"a", "2"}}, // repeated, which others refuse
		`{"":""}`:                                     {{"", ""}},
	} {
		got, ok := readPlainJSON(nil, body)
		if !ok || !slices.Equal(got, want) {
			t.Errorf("%s is read as %q, %v", body, got, ok)
		}
	}
	for _, body := range []string{
		``, `{}`, `{`, `{"a"`, `{"a":`, `{"a":"b"`, `{"a":"b",`, `{"a":"b",}`, `{,"a":"b"}`, `{"a":"b"}x`, `{"a":"b"}{}`, `[{"a":"b"}]`, `{"a" "b"}`,
		`{"a":1}`, `{"a":null}`, `{"a":{"b":"c"}}`, `{"a":["b"]}`, `{a:"b"}`, `{'a':'b'}`, `{"a":"\u0062"}`, `{"a":"b\""}`, `{"a":"é"}`, "{\"a\":\"b\n\"}",
		"{\"a\":\"\x7f\"}", "{\"a\":\"\xff\"}", "\ufeff{\"a\":\"b\"}", "{\"a\":\"b\"}\x00", "\u00a0{\"a\":\"b\"}", "{\"a\"\v:\"b\"}",
		`{` + strings.Repeat(`"a":"b",`, MaxParams) + `"a":"b"}`,
	} {
		if got, ok := readPlainJSON(nil, body); ok {
			t.Errorf("%q is taken for %q", body, got)
		}
	}
}
