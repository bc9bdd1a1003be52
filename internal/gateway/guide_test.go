package gateway_test

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// The files for Traefik and Envoy are not run here. They are read, and hold what the guard relies on.
func TestTheFilesThatAreNotRunAreSound(t *testing.T) {
	for title, wants := range map[string][]string{
		"traefik.yaml": {"address: http://127.0.0.1:8083/check\n", "trustForwardHeader: false", "authResponseHeadersRegex: (?i)^tokenbooth-", `Authorization: ""`, `Tokenbooth-Proxy-Secret: ""`},
		"envoy.yaml": {
			"path_prefix: /check/envoy\n", "failure_mode_allow: false", "headers_with_underscores_action: REJECT_REQUEST", "normalize_path: false", "{prefix: tokenbooth, ignore_case: true}",
			"{exact: x-forwarded-for}", "tokenbooth-proxy-secret", "use_remote_address: true", "request_headers_to_remove: [authorization, bearer, cookie,",
		},
	} {
		text := guide(t, title)
		var any map[string]any
		if err := yaml.Unmarshal([]byte(text), &any); err != nil || len(any) == 0 {
			t.Errorf("%s: %v", title, err)
		}
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q", title, want)
			}
		}
	}
}

// What a proxy is told to send on or to copy is all that says who calls, in every file alike.
func TestReq041_EveryFileNamesEveryIdentityHeader(t *testing.T) {
	for name := range ours {
		if strings.HasPrefix(name, "X-Forwarded-") {
			continue
		}
		for title, form := range map[string]string{"nginx.conf": "proxy_set_header " + name + " ", "Caddyfile": "\t" + name + "\n"} {
			if !strings.Contains(guide(t, title), form) {
				t.Errorf("%s does not name %s", title, name)
			}
		}
	}
}

// Traefik and Envoy ask like this; the questions come from their documentation.
func TestQuestionsOfTraefikAndEnvoy(t *testing.T) {
	w := newWorld(t, nil)
	_, ask := desk(w, nil)
	token := mint(apiAudience, "files", "me")
	traefik := question("/check", "POST", "/files/a?x=1", token)
	for name, value := range map[string]string{"X-Forwarded-Port": "443", "X-Forwarded-Server": "edge-1", "Accept-Encoding": "gzip", "X-Forwarded-For": "192.0.2.7", "Cookie": "a=b", "Content-Type": "text/plain"} {
		traefik.Header.Set(name, value)
	}
	envoy := question("/check", "", "", token)
	envoy.Method, envoy.Host, envoy.RequestURI = "POST", guardedHost+":443", "/check/envoy/files/a?x=1"
	envoy.Header = map[string][]string{"Authorization": {"Bearer " + token}, "Content-Length": {"0"}, "X-Forwarded-For": {"10.0.0.1,192.0.2.7"}, "Tokenbooth-Proxy-Secret": {proxySecret},
		"X-Envoy-Internal": {"true"}, "X-Envoy-Expected-Rq-Timeout-Ms": {"1000"}}
	res := ask(traefik)
	if res.StatusCode != 200 || res.Header.Get("Tokenbooth-Subject") != "robot" {
		t.Errorf("Traefik: %d %v", res.StatusCode, res.Header)
	}
	if res = ask(envoy); res.StatusCode != 200 || res.Header.Get("Tokenbooth-Subject") != "robot" {
		t.Errorf("Envoy: %d %v", res.StatusCode, res.Header)
	}
	traefik.Header["Tokenbooth-Proxy-Secret"], envoy.Header["Tokenbooth-Proxy-Secret"] = []string{proxySecret}, []string{proxySecret}
	traefik.Header.Set("Tokenbooth-Permissions", "admin")
	envoy.Header["Tokenbooth-Permissions"] = []string{"admin"}
	if a, b := ask(traefik), ask(envoy); a.StatusCode != 400 || b.StatusCode != 400 {
		t.Errorf("with an identity of its own: %d, %d", a.StatusCode, b.StatusCode)
	}
}
