package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Many verifiers look for OpenID Connect's document only. It says what the standard one says, and nothing that is not so.
func TestVerifiersThatKnowOpenIDConnectOnlyFindTheKeys(t *testing.T) {
	b := open(t)
	const path, standard = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"
	for _, host := range []string{"login.acme.test", "login.other.test"} {
		read := func(path string) (m map[string]any) {
			r := get(path)
			r.Host = host
			w := b.answer(r)
			if h := w.Header(); w.Code != http.StatusOK || h.Get("Content-Type") != "application/json" || h.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: %d %v", path, w.Code, h)
			}
			if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil {
				t.Fatal(err)
			}
			return m
		}
		doc := read(path)
		want := read(standard)
		want["subject_types_supported"], want["id_token_signing_alg_values_supported"] = []any{"public"}, []any{"ES256"}
		if got, want := sorted(t, doc), sorted(t, want); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
		for _, name := range []string{"authorization_endpoint", "userinfo_endpoint", "claims_supported", "registration_endpoint"} {
			if doc[name] != nil {
				t.Errorf("%s is not there, and said to be", name)
			}
		}
		r := httptest.NewRequest(http.MethodPost, path, nil)
		r.Host = host
		if w := b.answer(r); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("POST: %d %v", w.Code, w.Header())
		}
		r = get(path)
		if r.Host = "login.nobody.test"; b.answer(r).Code != http.StatusMisdirectedRequest {
			t.Error("a host that nobody has is answered")
		}
	}
}

func TestTheKeysThatAreNotThereAreNoPromise(t *testing.T) {
	b := open(t, func(o *Options) { o.Keys = func(string) ([]byte, string, error) { return nil, "", errDisk } })
	w := b.answer(get("/.well-known/openid-configuration"))
	if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "disk") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	all, err := algorithms([]byte(`{"keys":[{"alg":"ES256"},{"alg":"RS256"},{"alg":"ES256"}]}`))
	if err != nil || strings.Join(all, " ") != "ES256 RS256" {
		t.Errorf("%v %v", all, err)
	}
}

func sorted(t *testing.T, m map[string]any) string {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAPathThatIsNearlyOursIsRecognized(t *testing.T) {
	b := open(t)
	for path, want := range map[string]string{
		"/oauth2/token/": "/oauth2/token", "/oauth2/Token": "/oauth2/token", "//oauth2//token": "/oauth2/token", "/oauth2/%74oken/": "/oauth2/token",
		"/oauth2%2Ftoken": "/oauth2/token", "/oauth2/./token": "/oauth2/token", "/oauth2/introspect/": IntrospectPath, "/.well-known/JWKS.json": JWKSPath,
		"/.well-known/openid-configuration/": "/.well-known/openid-configuration",
		"/oauth2":                            "", "/": "", "/oauth2/tokens": "", "/api/v1/workflows": "", "*": "",
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Host = "login.acme.test"
		if path != "*" {
			r = httptest.NewRequest(http.MethodPost, "http://login.acme.test"+path, nil)
		}
		if got := b.Near(r); got != want {
			t.Errorf("%s is near %q, want %q", path, got, want)
		}
		r.Host = "login.nobody.test"
		if got := b.Near(r); got != "" {
			t.Errorf("%s of nobody is near %s", path, got)
		}
	}
}
