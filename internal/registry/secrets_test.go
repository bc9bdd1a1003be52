package registry

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestReq105_a_secret_is_shown_once_and_only_its_hash_is_kept(t *testing.T) {
	r, s, _ := world(t)
	made, text := create(t, r, postman())
	if !secret.Intact(text.Reveal(), SecretPrefix) {
		t.Errorf("the secret does not look like one of ours")
	}
	if !made.Credentials[0].Hash.Matches(text.Reveal()) {
		t.Error("the secret does not match its hash")
	}
	_, second, err := rotateSecret(ctx, r, by, "acme", "postman", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.ImportClient(ctx, by, Client{Tenant: "acme", ID: "old", ClientSpec: ClientSpec{Name: "Old", Grants: []oauth.GrantType{oauth.ClientCredentials}}}, "an-imported-secret", ""); err != nil {
		t.Fatal(err)
	}
	all := kept(t, s)
	for _, plain := range []string{text.Reveal(), second.Reveal(), "an-imported-secret"} {
		if strings.Contains(all, plain) || strings.Contains(all, base64.StdEncoding.EncodeToString([]byte(plain))) {
			t.Errorf("the store holds a secret in clear")
		}
	}
	if s := fmt.Sprintf("%v %+v %#v", text, text, text); strings.Contains(s, text.Reveal()) {
		t.Errorf("a secret prints as itself: %s", s)
	}
}

func TestReq105_two_secrets_work_during_the_overlap_and_the_old_one_ends(t *testing.T) {
	r, _, c := world(t)
	_, first := create(t, r, postman())
	after, second, err := rotateSecret(ctx, r, by, "acme", "postman", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	works := func(cl *Client, text oauth.Secret) bool {
		return slices.ContainsFunc(cl.Credentials, func(cr Credential) bool { return cr.Live(c.now()) && cr.Hash.Matches(text.Reveal()) })
	}
	if !works(after, first) || !works(after, second) {
		t.Error("one of the two does not work during the overlap")
	}
	if _, _, err := rotateSecret(ctx, r, by, "acme", "postman", time.Hour); field(err) != "overlap" {
		t.Errorf("a third live secret: %v", err)
	}
	c.advance(time.Hour - time.Second)
	if !works(after, first) {
		t.Error("the old secret ended before the overlap did")
	}
	c.advance(time.Second)
	if works(after, first) || !works(after, second) {
		t.Error("after the overlap only the new secret is to work")
	}
	third, text, err := rotateSecret(ctx, r, by, "acme", "postman", 0)
	if err != nil || len(third.Credentials) != 1 || works(third, second) || !works(third, text) {
		t.Errorf("rotation without overlap left %d secrets: %v", len(third.Credentials), err)
	}
}

func TestRotationNeverLengthensALife(t *testing.T) {
	r, _, c := world(t)
	create(t, r, postman())
	if _, _, err := rotateSecret(ctx, r, by, "acme", "postman", time.Minute); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Minute)
	now, _, err := rotateSecret(ctx, r, by, "acme", "postman", 24*time.Hour)
	if err != nil || len(now.Credentials) != 2 || !now.Credentials[0].Expires.Equal(c.now().Add(24*time.Hour)) {
		t.Errorf("%+v, %v", now, err)
	}
}

func TestSecretsOfEveryKindCanBeImportedAndAreUpgraded(t *testing.T) {
	const plain = "s:ec%ret+ of old"
	crypted, err := bcrypt.GenerateFromPassword([]byte(plain), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pbkdf2.Key(sha256.New, plain, []byte("saltsaltsalt"), 1000, 32)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString
	for name, h := range map[string]string{
		"plain": "", "sha256": string(secret.HashSecret(plain)), "bcrypt": string(crypted), "argon2id": string(secret.HashPassword(plain)),
		"pbkdf2": "pbkdf2-sha256$1000$" + b64([]byte("saltsaltsalt")) + "$" + b64(key),
	} {
		t.Run(name, func(t *testing.T) {
			r, _, c := world(t)
			text := oauth.Secret(plain)
			if h != "" {
				text = ""
			}
			made, err := r.ImportClient(ctx, by, Client{Tenant: "acme", ID: "The.Old-Id_1", ClientSpec: ClientSpec{Name: "Old", Grants: []oauth.GrantType{oauth.ClientCredentials}}}, text, h)
			if err != nil {
				t.Fatal(err)
			}
			cr := made.Credentials[0]
			if !made.Guessable() || !cr.Hash.Matches(plain) || cr.Hash.Matches("wrong") {
				t.Fatalf("%+v", made)
			}
			if made.Slow() != cr.Hash.Slow() || r.HasSlowSecrets("acme") != cr.Hash.Slow() || r.HasSlowSecrets("other") {
				t.Errorf("slow: client %v, tenant %v", made.Slow(), r.HasSlowSecrets("acme"))
			}
			c.advance(time.Second)
			if err := r.UpgradeSecret(ctx, made, cr.ID, plain); err != nil {
				t.Fatal(err)
			}
			now, err := r.Client(ctx, "acme", "The.Old-Id_1")
			if err != nil || now.Slow() || !now.Credentials[0].Hash.Matches(plain) || !now.Guessable() {
				t.Errorf("after the upgrade: %+v, %v", now, err)
			}
		})
	}
}

func TestReq52_an_import_that_would_cost_too_much_to_check_is_refused(t *testing.T) {
	r, _, _ := world(t)
	for name, c := range map[string]struct{ text, hash, field string }{
		"a costly hash": {"", "$2a$31$0123456789012345678901uiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii", "hash"},
		"no hash":       {"", "md5$abc", "hash"},
		"both":          {"a", "sha256$" + strings.Repeat("0", 64), "secret"},
		"neither":       {"", "", "secret"},
		"a long secret": {strings.Repeat("s", 257), "", "secret"},
	} {
		_, err := r.ImportClient(ctx, by, Client{Tenant: "acme", ID: "x", ClientSpec: ClientSpec{Name: "X", Grants: []oauth.GrantType{oauth.ClientCredentials}}}, oauth.Secret(c.text), c.hash)
		if field(err) != c.field {
			t.Errorf("%s: %v", name, err)
		}
		if c.hash != "" && strings.Contains(fmt.Sprint(err), c.hash) {
			t.Errorf("%s: the problem repeats the hash: %v", name, err)
		}
	}
}
