package issuer

import (
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// TestASecretThatEndsWithin30DaysIsTold: with every token, by the secret that was used and not by another of the client.
func TestASecretThatEndsWithin30DaysIsTold(t *testing.T) {
	d := open(t)
	d.client("postman")
	for _, test := range []struct {
		name string
		left time.Duration // zero: the secret never ends
		told bool
	}{
		{"never", 0, false}, {"in 31 days", 31 * day, false}, {"in 30 days", 30 * day, false},
		{"a moment less", 30*day - time.Second, true}, {"in a minute", time.Minute, true},
	} {
		want := time.Time{}
		_, err := d.Registry.UpdateClient(ctx, by, "client.update", "acme", "postman", func(c *registry.Client) error {
			if c.Credentials[0].Expires = (time.Time{}); test.left > 0 {
				c.Credentials[0].Expires = d.clock.now().Add(test.left)
			}
			if test.told {
				want = c.Credentials[0].Expires
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := d.must(d.ask("postman")); !got.SecretExpires.Equal(want) {
			t.Errorf("%s: told %v, want %v", test.name, got.SecretExpires, want)
		}
	}

	_, fresh, err := rotateSecret(ctx, d, by, "acme", "postman", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if got := d.must(d.ask("postman")); got.SecretExpires.Sub(d.clock.now()) != 10*time.Second {
		t.Errorf("the old secret is told %v", got.SecretExpires)
	}
	if got := d.must(d.ask("postman", func(r *oauth.TokenRequest) { r.Client.Secret = fresh })); !got.SecretExpires.IsZero() {
		t.Errorf("the new secret is told %v", got.SecretExpires)
	}
}

// TestARepeatedAnswerTellsOfTheSecretToo: whoever lost an answer loses nothing that stood in it.
func TestARepeatedAnswerTellsOfTheSecretToo(t *testing.T) {
	d := open(t)
	d.client("postman")
	d.user(username)
	first := d.signIn("postman")
	tok := d.must(first)
	if _, _, err := rotateSecret(ctx, d, by, "acme", "postman", day); err != nil {
		t.Fatal(err)
	}
	next, again := d.must(refresh(first, tok.RefreshToken)), d.must(refresh(first, tok.RefreshToken))
	if next.SecretExpires.IsZero() || !next.SecretExpires.Equal(again.SecretExpires) || next.AccessToken != again.AccessToken {
		t.Errorf("first %v, again %v", next.SecretExpires, again.SecretExpires)
	}
}

// TestALabelHasNoSecretThatEnds: who only names itself has none.
func TestALabelHasNoSecretThatEnds(t *testing.T) {
	d := open(t)
	d.user(username)
	if tok := d.must(d.label("kiosk")); !tok.SecretExpires.IsZero() {
		t.Errorf("told %v", tok.SecretExpires)
	}
}
