package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// edit changes the settings of a process, which may run.
func (b *booth) edit(t *testing.T, before, after string) {
	t.Helper()
	file := filepath.Join(b.dir, "tokenbooth.yaml")
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), before) {
		t.Fatalf("there is no %q in the settings (%v)", before, err)
	}
	writeFile(t, file, strings.Replace(string(text), before, after, 1))
}

// Req 6: a tenant that the settings disable is refused by gateways elsewhere, which do not read these settings; and its tokens do not
// come back to life with it.
func TestReq006_ATenantThatIsDisabledInTheSettingsIsRefusedElsewhere(t *testing.T) {
	t.Parallel()
	p := startPair(t, "60s", "serve")
	token := p.token(t)
	if status := p.passes(t, token); status != http.StatusOK {
		t.Fatal(status)
	}
	p.desk.edit(t, "  - name: acme\n", "  - name: acme\n    disabled: true\n")
	within(t, freshness, "the token is refused", func() bool { return p.passes(t, token) == http.StatusUnauthorized })
	p.desk.edit(t, "    disabled: true\n", "")
	within(t, freshness, "the tenant issues again", func() bool {
		return post(t, p.desk.public+"/oauth2/token", "grant_type=client_credentials", "Authorization: Basic "+basicOf(p.id, p.secret)).status == http.StatusOK
	})
	within(t, freshness, "a new token passes", func() bool { return p.passes(t, p.token(t)) == http.StatusOK })
	if status := p.passes(t, token); status != http.StatusUnauthorized {
		t.Errorf("the old token is back to life: %d", status)
	}
}

// Req 83: a key turns when the settings say so, and what the one before has signed passes everywhere.
func TestReq083_KeysTurnWhenTheSettingsSaySo(t *testing.T) {
	t.Parallel()
	p := startPair(t, "60s", "serve")
	token, first := p.token(t), p.signing(t)
	p.desk.edit(t, "  - name: acme\n", "  - name: acme\n    rotate_keys_every: 1h\n")
	p.desk.end(t)
	p.desk.later(t, time.Hour+time.Minute) // for this process only: the gateway's clock stays, and finds no fault with the old token
	p.desk.begin(t)
	within(t, freshness, "another key signs", func() bool { return p.signing(t) != first })
	if status := p.passes(t, token); status != http.StatusOK {
		t.Errorf("what the key before has signed: %d", status)
	}
}
