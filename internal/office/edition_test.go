package office

import (
	"errors"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestASignInOfAUserIsNoChangeThatSomebodyHasOverlooked(t *testing.T) {
	w := open(t)
	d := w.as(operator.Owner)
	w.user(jane)
	text, _, err := d.SetTOTP(ctx, jane, true)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := d.User(ctx, jane)
	if err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(text.Reveal(), w.now())
	if err != nil {
		t.Fatal(err)
	}
	kept, err := w.Registry.UserByName(ctx, "acme", jane)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := w.Registry.UseTOTP(ctx, kept, oauth.Secret(code)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	rename := func(u *registry.User) error { u.Name = "Jane"; return nil }
	changed, err := d.UpdateUser(ctx, jane, "", seen.Edition, rename)
	if err != nil || changed.Edition != seen.Edition+1 {
		t.Fatalf("%+v %v", changed, err)
	}
	if _, err := d.UpdateUser(ctx, jane, "", seen.Edition, rename); !errors.Is(err, ErrChanged) {
		t.Errorf("on what was seen before: %v", err)
	}
	if err := d.DeleteUser(ctx, jane, changed.Edition); err != nil {
		t.Error(err)
	}
}

func TestTheWarningOfImportedSecretsEndsWithThem(t *testing.T) {
	w := open(t)
	d := w.as(operator.Owner)
	warned := func() bool {
		t.Helper()
		seen, err := d.Overview(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, warning := range seen.Warnings {
			if warning.Kind == ImportedSecrets {
				return true
			}
		}
		return false
	}
	c, err := d.ImportClient(ctx, registry.Client{ID: "old", ClientSpec: registry.ClientSpec{Name: "Old", Grants: []oauth.GrantType{oauth.ClientCredentials}}}, "", string(secret.HashPassword("an old secret")))
	if err != nil {
		t.Fatal(err)
	}
	if !warned() {
		t.Error("nobody is warned")
	}
	w.advance(time.Second)
	if _, _, err := d.RotateSecret(ctx, c.ID, 0, 0); err != nil {
		t.Fatal(err)
	}
	if warned() {
		t.Error("there is nothing to warn of any more")
	}
}
