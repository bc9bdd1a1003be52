package oauth

import (
	"net/url"
	"strings"
	"testing"
)

func TestReq124_TheAddressOfMetadataFollowsFromTheResource(t *testing.T) {
	for resource, want := range map[string]string{
		"https://api.acme.test":              "https://api.acme.test/.well-known/oauth-protected-resource",
		"https://api.acme.test/":             "https://api.acme.test/.well-known/oauth-protected-resource",
		"https://api.acme.test/flows":        "https://api.acme.test/.well-known/oauth-protected-resource/flows",
		"https://api.acme.test/flows/":       "https://api.acme.test/.well-known/oauth-protected-resource/flows/",
		"https://api.acme.test:8443/a%2Fb/c": "https://api.acme.test:8443/.well-known/oauth-protected-resource/a%2Fb/c",
		"http://127.0.0.1:8080/x":            "http://127.0.0.1:8080/.well-known/oauth-protected-resource/x",
		"https://[::1]/x":                    "https://[::1]/.well-known/oauth-protected-resource/x",

		"": "", "flows": "", "urn:acme:flows": "", "//api.acme.test/flows": "", "https:///flows": "", "https://:443/flows": "", "ftp://api.acme.test": "",
		"https://api.acme.test/flows?a=b": "", "https://api.acme.test/flows?": "", "https://api.acme.test/#x": "", "https://u:p@api.acme.test/": "",
		"https://api.acme.test/%zz": "", "https://a b/": "",
	} {
		if got, ok := ResourceMetadataURL(resource); got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, want %q", resource, got, ok, want)
		}
	}
}

func FuzzResourceMetadataURL(f *testing.F) {
	for _, s := range []string{"https://a/b", "https://a", "http://[::1]:80/%2f?x", "https://a/\r\nb", "https://a//b", `https://a/"`, "https://A.b:1/é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, resource string) {
		text, ok := ResourceMetadataURL(resource)
		if !ok {
			return
		}
		u, err := url.Parse(text)
		if err != nil || !strings.HasPrefix(u.Path, ResourceMetadataPath) || strings.ContainsAny(text, "\"\r\n #?") {
			t.Fatalf("%q makes %q: %v", resource, text, err)
		}
	})
}
