package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// Req 43: who may ask is read anew with the settings. The old secret of proxies is worth nothing once the new one is there.
func TestReq043_WhoMayAskIsReadAnew(t *testing.T) {
	t.Parallel()
	first, second := keepSecret(strings.Repeat("first-", 8)), keepSecret(strings.Repeat("second", 8))
	p, at := startAsked(t, "check: {listen: %s, secret_file: proxy.secret}", func(dir string) {
		writeFile(t, filepath.Join(dir, "proxy.secret"), first)
	})
	token := p.token(t)
	status := func(secret string) int {
		a, err := question(t, web, "http://"+at, token, "Tokenbooth-Proxy-Secret: "+secret)
		if err != nil {
			t.Fatal(err)
		}
		return a.status
	}
	if a, b := status(first), status(second); a != 200 || b != 403 {
		t.Fatalf("before: %d with the secret, %d with another", a, b)
	}
	writeFile(t, filepath.Join(p.desk.dir, "proxy.secret"), second) // which is watched: nobody says so
	within(t, freshness, "the new secret counts and the old one does not", func() bool { return status(second) == 200 && status(first) == 403 })
	writeFile(t, filepath.Join(p.desk.dir, "proxy.secret"), "short")
	p.desk.logged(t, freshness, "not applied", "a secret has at least 32 characters")
	if a := status(second); a != 200 {
		t.Errorf("settings with a fault have changed something: %d", a)
	}
}
