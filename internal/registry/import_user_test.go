package registry

import (
	"errors"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// foreignHash is of "password", as Django keeps it.
const foreignHash = "pbkdf2_sha256$1000$seasaltseasalt$GPdBehDGYyqd85KPeI9ps1RaSnu62T4M6Bgl2g4QMZI="

func TestAnImportedPasswordIsKeptBetterFromItsFirstUseOnAndNothingElseChanges(t *testing.T) {
	r, _, _ := world(t)
	if r.HasForeignPasswords("acme") {
		t.Error("nobody is imported yet")
	}
	u, err := r.ImportUser(ctx, by, User{Tenant: "acme", Username: "Jane", UserSpec: UserSpec{Permissions: []string{"workflows"}}}, foreignHash)
	if err != nil || u.Username != "jane" || !u.Hash.Matches("password") || !r.HasForeignPasswords("acme") || r.HasForeignPasswords("globex") {
		t.Fatalf("%+v, %v", u, err)
	}
	better := secret.HashPassword("password")
	if err := r.UpgradePassword(ctx, u, better); err != nil {
		t.Fatal(err)
	}
	now, err := r.UserByName(ctx, "acme", "jane")
	if err != nil || now.Hash != better || !now.NotBefore.IsZero() || now.Edition != u.Edition || now.UpdatedBy != by {
		t.Errorf("it is %+v, %v", now, err)
	}
	if err := r.UpgradePassword(ctx, u, secret.HashPassword("stale")); err != nil {
		t.Fatal(err)
	}
	if now, _ = r.UserByName(ctx, "acme", "jane"); now.Hash != better {
		t.Error("a hash was replaced that is not the one that was checked")
	}
}

func TestAnImportRefusesAHashThatProtectsNothingOrTakesTooMuch(t *testing.T) {
	r, _, _ := world(t)
	for hash, why := range map[string]string{
		"": "kind is not known", "sha256$" + strings.Repeat("0", 64): "no protection", "$scrypt$ln=25,r=8,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA": "too much",
	} {
		_, err := r.ImportUser(ctx, by, User{Tenant: "acme", Username: "jane"}, hash)
		p, ok := errors.AsType[*Problem](err)
		if !ok || p.Field != "hash" || !strings.Contains(p.Text, why) {
			t.Errorf("%q: %v", hash, err)
		}
	}
	if _, err := r.UserByName(ctx, "acme", "jane"); !errors.Is(err, ErrNotFound) {
		t.Errorf("somebody was registered: %v", err)
	}
}

func TestASecretThatNoCallerCouldPresentIsNotImported(t *testing.T) {
	r, _, _ := world(t)
	for _, s := range []string{"a\tb", "a\x00b", "caf\xe9", "a\nb", " ab", "ab ", "\u00a0ab", strings.Repeat("x", 257)} {
		c := postman()
		_, err := r.ImportClient(ctx, by, c, "", "")
		if err == nil {
			t.Error("neither secret nor hash")
		}
		if _, err = r.ImportClient(ctx, by, c, oauth.Secret(s), ""); err == nil {
			t.Errorf("%q is imported", s)
		}
	}
}
