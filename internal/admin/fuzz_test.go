package admin

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/secret"
)

func FuzzIfMatch(f *testing.F) {
	for _, s := range []string{`"1"`, `*`, `W/"1"`, `"01"`, `"18446744073709551616"`, `"1", "2"`, `1`, `"`, ``, `"+1"`, " \"7\"\t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		rev, err := parseIfMatch(s)
		if trimmed := strings.Trim(s, " \t"); err == nil && trimmed != "*" && trimmed != strconv.Quote(strconv.FormatUint(rev, 10)) {
			t.Errorf("%q is read as %d", s, rev)
		}
	})
}

func FuzzIdempotencyKey(f *testing.F) {
	for _, s := range []string{key, `"` + key + `"`, "short", strings.Repeat("a", 128), strings.Repeat("a", 129), `"`, "sixteen \x00 letters", ``} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k, err := parseKey(s)
		if err == nil && (len(k) < 16 || len(k) > 128 || strings.ContainsAny(k, "\x00\" \r\n") || !strings.Contains(s, k)) {
			t.Errorf("%q is taken for %q", s, k)
		}
	})
}

func FuzzCursor(f *testing.F) {
	sealer, err := secret.NewSealer([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		f.Fatal(err)
	}
	a := &api{Options: Options{Sealer: sealer}}
	name := list("findClients", "acme", map[string]string{"q": "x"})
	made := a.cursor(name, "after this")
	for _, s := range []string{made, made + "A", made[:10], "", "====", base64.RawURLEncoding.EncodeToString([]byte("after this"))} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if next, err := a.after(name, s); err == nil && s != "" && s != made {
			t.Errorf("%q was made up and is taken for %q", s, next)
		}
	})
	if next, err := a.after(name, made); err != nil || next != "after this" {
		f.Errorf("%q, %v", next, err)
	}
}

func FuzzBody(f *testing.F) {
	for _, s := range []string{`{"name":"a"}`, `{"name":"a","name":"b"}`, `{"permissions":[[["a"]]]}`, `{"name":{"a":null}}`, `[`, `{"a":`, `"x"`, `{"expires":{}}`, "{} {}", "\xff"} {
		f.Add([]byte(s))
	}
	shape := reflect.TypeFor[CreateClientRequestObject]()
	f.Fuzz(func(t *testing.T, body []byte) {
		if checkBody(body, shape) != nil || json.Unmarshal(body, new(NewClient)) != nil {
			return
		}
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.DisallowUnknownFields()
		if err := dec.Decode(new(NewClient)); err != nil {
			t.Errorf("%s is taken: %v", body, err)
		}
	})
}

func FuzzAuthorization(f *testing.F) {
	for _, s := range []string{"Bearer abc", "bearer  abc", "Basic YTpi", "Bearer", "Bearer a b", "Bearer a\x00", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if token, err := bearerToken([]string{s}); err == nil && (token == "" || strings.ContainsAny(token, " \x00\r\n")) {
			t.Errorf("%q has token %q", s, token)
		}
		claimedIssuer(s)
	})
}
