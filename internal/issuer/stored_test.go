package issuer

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// everything does what an issuer is there for, and returns each secret text that has passed by.
func (d *desk) everything(t *testing.T) (canaries map[string]string) {
	t.Helper()
	d.client("app")
	d.user(username)
	imported := d.imported(t)
	canaries = map[string]string{"password": password, "client secret": d.secrets["app"].Reveal(), "imported secret": "imported secret"}
	keep := func(what string, tok oauth.Token) oauth.Token {
		canaries["access token, "+what] = tok.AccessToken
		if tok.RefreshToken != "" {
			canaries["refresh token, "+what] = tok.RefreshToken
		}
		return tok
	}
	keep("imported", d.must(imported))
	keep("jwt", d.must(d.ask("app")))
	keep("opaque", d.must(d.ask("app", withTerms(opaque))))
	keep("uuid", d.must(d.ask("app", withTerms(dadi))))
	for what, r := range map[string]oauth.TokenRequest{"opaque": d.signIn("app"), "jwt": d.signIn("app", withTerms(standard)), "label": d.label("portal")} {
		first := keep("sign-in, "+what, d.must(r))
		second := keep("refreshed, "+what, d.must(refresh(r, first.RefreshToken)))
		d.must(refresh(r, first.RefreshToken))
		d.clock.advance(time.Minute)
		keep("refreshed again, "+what, d.must(refresh(r, second.RefreshToken)))
		d.refused(refresh(r, first.RefreshToken), oauth.InvalidGrant)
	}
	d.refused(d.ask("app", func(r *oauth.TokenRequest) { r.Client.Secret = "a wrong client secret" }), oauth.InvalidClient)
	d.refused(d.signIn("app", func(r *oauth.TokenRequest) { r.Password = "a wrong password" }), oauth.InvalidGrant)
	d.refused(refresh(d.signIn("app"), "tbr_a_wrong_refresh_token"), oauth.InvalidGrant)
	canaries["wrong secret"], canaries["wrong password"], canaries["wrong token"] = "a wrong client secret", "a wrong password", "tbr_a_wrong_refresh_token"
	return canaries
}

// absent wants no canary in a text, in no usual spelling. Of a token its secret part is enough to give it away.
func absent(t *testing.T, where string, text []byte, canaries map[string]string) {
	t.Helper()
	for what, c := range canaries {
		spellings := [][]byte{[]byte(c), []byte(base64.StdEncoding.EncodeToString([]byte(c))), []byte(base64.RawURLEncoding.EncodeToString([]byte(c))),
			[]byte(hex.EncodeToString([]byte(c)))}
		if len(c) > 40 {
			spellings = append(spellings, []byte(c[len(c)-30:])) // past any look-up id
		}
		for _, s := range spellings {
			if bytes.Contains(text, s) {
				t.Errorf("%s holds the %s", where, what)
			}
		}
	}
}

func TestReq008_the_store_holds_no_token_and_no_secret(t *testing.T) {
	d := open(t)
	canaries := d.everything(t)
	d.Refusals.Close()
	d.Refusals = audit.NewLog(d.store.Store, slog.New(slog.DiscardHandler))
	absent(t, "the store", kept(t, d.store.Store), canaries)
}

func TestReq008_the_file_of_the_store_its_log_and_the_journal_hold_none_either(t *testing.T) {
	dir := t.TempDir()
	c := newClock()
	s, err := sqlite.Open(sqlite.Options{Path: filepath.Join(dir, "tokenbooth.db"), Now: c.now, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := openOn(t, c, s)
	if d.Journal, err = audit.OpenJournal(filepath.Join(dir, "journal"), c.now, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	canaries := d.everything(t)
	d.Refusals.Close()
	if err := d.Journal.Close(); err != nil {
		t.Fatal(err)
	}
	d.Refusals = audit.NewLog(s, slog.New(slog.DiscardHandler))
	seen := 0
	err = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		seen += len(text)
		absent(t, e.Name(), text, canaries)
		return err
	})
	if err != nil || seen < 10_000 {
		t.Errorf("%d bytes looked at, %v", seen, err)
	}
}
