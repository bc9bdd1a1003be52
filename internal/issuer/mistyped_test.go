package issuer

import (
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestTheOperatorReadsThatASecretWasMistyped(t *testing.T) {
	text := secret.New(registry.SecretPrefix)
	c := &registry.Client{}
	for given, says := range map[string]string{
		text:                  "is wrong",
		text[:len(text)-1]:    "mistyped",
		text[:10] + text[11:]: "mistyped",
		"of another make":     "is wrong",
	} {
		req := &oauth.Asker{Client: oauth.Credential{Secret: oauth.Secret(given)}}
		if _, got := barred(c, nil, req, time.Now()); !strings.Contains(got, says) || strings.Contains(got, given) {
			t.Errorf("of a secret of %d characters the operator reads %q", len(given), got)
		}
	}
}
