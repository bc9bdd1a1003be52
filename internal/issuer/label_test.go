package issuer

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/registry/registrytest"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestOneRefreshTokenPerUserAndLabelAndAccessTokensLiveOn(t *testing.T) {
	d := open(t)
	d.user(username)
	r := d.label("portal")
	first := d.must(r)
	kiosk := d.must(d.label("kiosk"))
	d.clock.advance(time.Minute)
	second := d.must(r) // signs in again under the same label
	d.refused(refresh(r, first.RefreshToken), oauth.InvalidGrant)
	if !d.active(first.AccessToken) || !d.active(second.AccessToken) {
		t.Error("a new sign-in ended an access token that was alive")
	}
	third := d.must(refresh(r, second.RefreshToken)) // the voided token has ended nothing
	d.must(refresh(d.label("kiosk"), kiosk.RefreshToken))

	d.clock.advance(time.Hour)
	d.refused(refresh(r, second.RefreshToken), oauth.InvalidGrant)
	d.refused(refresh(r, third.RefreshToken), oauth.InvalidGrant)
	if d.active(second.AccessToken) {
		t.Error("reuse did not end the chain's access tokens")
	}
	d.clock.advance(time.Second)
	fourth := d.must(r)
	if !d.active(fourth.AccessToken) || d.active(second.AccessToken) {
		t.Error("a sign-in after a reuse brings itself to life and nothing else")
	}
	chains, err := d.store.List(ctx, store.Query{Tenant: "acme", Kind: store.Refresh})
	if err != nil || len(chains) != 2 {
		t.Errorf("%d chains for two labels, %v", len(chains), err)
	}
}

func TestALabelThatIsTheUsersNameIsItInEverySpelling(t *testing.T) {
	d := open(t)
	d.user(username)
	tok := d.must(d.label(username)) // what a dialect fills in when the caller sends no client_id
	next := d.must(refresh(d.label("BOB@Acme.test"), tok.RefreshToken))
	d.must(refresh(d.label(" bob@acme.test "), next.RefreshToken))
	other := d.must(d.label("Portal"))
	d.refused(refresh(d.label("portal"), other.RefreshToken), oauth.InvalidGrant) // any other label is taken as it is
	d.must(refresh(d.label("Portal"), other.RefreshToken))
}

func TestReq005_a_refresh_token_ends_though_its_chain_is_kept_for_an_access_token_that_lives_longer(t *testing.T) {
	d := open(t)
	d.user(username)
	brief := *nexudus
	brief.RefreshMax = 8 * day
	r := d.label("portal", func(r *oauth.TokenRequest) { r.Terms = &brief })
	first := d.must(r)
	d.clock.advance(7 * day)
	second := d.must(refresh(r, first.RefreshToken))
	d.clock.advance(2 * day) // the chain may go on for eight, the access token of the seventh for seven more
	if !d.active(second.AccessToken) {
		t.Error("the access token ended with its chain")
	}
	d.refused(refresh(r, second.RefreshToken), oauth.InvalidGrant)
	if !d.active(second.AccessToken) {
		t.Error("a token that came too late counted as a stolen one")
	}
}

func TestReq021_a_caller_that_only_names_itself_gets_no_client_credentials_token(t *testing.T) {
	d := open(t)
	d.client("app")
	for _, label := range []string{"app", "", "label:app"} {
		d.refused(d.label(label, func(r *oauth.TokenRequest) { r.Grant = oauth.ClientCredentials }), oauth.UnauthorizedClient)
	}
}

func TestALabelNeverSpeaksForAClientOfThatName(t *testing.T) {
	d := open(t)
	c := d.client("app")
	d.user(username)
	tok := d.must(d.label("app"))
	in, err := d.Introspect(ctx, "acme", tok.AccessToken)
	if err != nil || in.ClientID == c.ID || !oauth.IsLabel(in.ClientID) || in.Subject == c.ID {
		t.Errorf("%+v %v", in, err)
	}
	if err := registrytest.DisableClient(ctx, d.Registry, by, "acme", "app", true); err != nil {
		t.Fatal(err)
	}
	if !d.active(tok.AccessToken) {
		t.Error("a client was disabled and a label of its spelling was ended")
	}
}

func TestB24_50_sign_ins_at_one_moment_under_one_label_all_pass(t *testing.T) {
	d := open(t)
	d.user(username)
	r := d.label("portal")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			tok, err := d.Token(ctx, r)
			if err != nil || !d.active(tok.AccessToken) {
				t.Errorf("%v", err)
			}
		})
	}
	all.Wait()
	chains, err := d.store.List(ctx, store.Query{Tenant: "acme", Kind: store.Refresh})
	if err != nil || len(chains) != 1 {
		t.Errorf("%d chains, %v", len(chains), err)
	}
}

func TestAOneTimeCodeIsAskedForAndGoodForOneSignIn(t *testing.T) {
	d := open(t)
	d.user(username)
	text, _, err := secret.NewTOTP("acme", "bob")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Registry.UpdateUser(ctx, by, "user.totp", "acme", username, func(u *registry.User) error {
		u.TOTP = d.Registry.SealTOTP(text)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	r := d.label("portal")
	for range 20 { // neither right nor wrong: it is never counted
		d.refused(r, oauth.TOTPRequired)
	}
	r.TOTP = "000000"
	d.refused(r, oauth.InvalidGrant)
	wrong := d.label("portal", func(r *oauth.TokenRequest) { r.Password = "wrong" })
	if e := d.refused(wrong, oauth.InvalidGrant); strings.Contains(e.Description, "code") {
		t.Errorf("a wrong password is told about codes: %s", e.Description)
	}
	code, err := totp.GenerateCode(text, d.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	r.TOTP = oauth.Secret(code)
	d.must(r)
	d.refused(r, oauth.InvalidGrant)
}

// TestASignInThatLosesARaceUsesItsCodeOnce lets another sign-in take the place of the chain between read and write.
func TestASignInThatLosesARaceUsesItsCodeOnce(t *testing.T) {
	d := open(t)
	d.user(username)
	text, _, err := secret.NewTOTP("acme", "bob")
	if err != nil {
		t.Fatal(err)
	}
	rival := openOn(t, d.clock, d.store.Store)
	r := d.label("portal")
	rival.must(r)
	if _, err := d.Registry.UpdateUser(ctx, by, "user.totp", "acme", username, func(u *registry.User) error {
		u.TOTP = d.Registry.SealTOTP(text)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(text, d.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	puts := 0
	d.store.Slow = func() {
		if puts++; puts == 2 { // the first marks the code as used, the second keeps the token
			chains, err := d.store.Store.List(ctx, store.Query{Tenant: "acme", Kind: store.Refresh})
			if err != nil || len(chains) != 1 {
				t.Fatal(chains, err)
			}
			if err := d.store.Store.Put(ctx, chains[0]); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.TOTP = oauth.Secret(code)
	tok := d.must(r)
	if puts != 3 {
		t.Errorf("%d writes: this test is no longer about a race", puts)
	}
	d.must(refresh(r, tok.RefreshToken))
}

func TestAPasswordThatMustBeChangedBuysNothing(t *testing.T) {
	d := open(t)
	d.user(username)
	if _, err := d.Registry.UpdateUser(ctx, by, "user.must-reset", "acme", username, func(u *registry.User) error { u.MustReset = true; return nil }); err != nil {
		t.Fatal(err)
	}
	d.refused(d.label("portal"), oauth.PasswordResetRequired)
	d.refused(d.label("portal", func(r *oauth.TokenRequest) { r.Password = "wrong" }), oauth.InvalidGrant)
	if err := d.Registry.SetPassword(ctx, by, "acme", username, "another good password"); err != nil {
		t.Fatal(err)
	}
	d.clock.advance(time.Second)
	d.must(d.label("portal", func(r *oauth.TokenRequest) { r.Password = "another good password" }))
}

func TestReq006_a_new_password_ends_chain_and_tokens_and_buys_new_ones_at_once(t *testing.T) {
	for _, terms := range []*oauth.Terms{opaque, standard, nexudus} {
		d := open(t)
		d.client("app")
		d.user(username)
		in := func(p oauth.Secret) oauth.TokenRequest {
			r := d.signIn("app")
			if terms.ClientLabel {
				r = d.label("portal")
			}
			r.Terms, r.Password = terms, p
			return r
		}
		old := d.must(in(password))
		d.clock.advance(time.Hour / 7) // into the middle of a second
		if err := d.Registry.SetPassword(ctx, by, "acme", username, "another good password"); err != nil {
			t.Fatal(err)
		}
		d.clock.advance(time.Millisecond)
		d.refused(in(password), oauth.InvalidGrant)
		d.refused(refresh(in(password), old.RefreshToken), oauth.InvalidGrant)
		fresh := d.must(in("another good password"))
		if terms.Form == oauth.Opaque {
			if d.active(old.AccessToken) || !d.active(fresh.AccessToken) {
				t.Errorf("old alive %v, new alive %v", d.active(old.AccessToken), d.active(fresh.AccessToken))
			}
			continue
		}
		was, is := d.claims("acme", old.AccessToken), d.claims("acme", fresh.AccessToken)
		alive := func(c map[string]any) error {
			return d.Alive(ctx, "acme", c["client_id"].(string), c["sub"].(string), issuedAt(c))
		}
		if e := oauth.AsError(alive(was)); e == nil || e.Code != oauth.InvalidToken {
			t.Errorf("the old JWT: %v", e)
		}
		if err := alive(is); err != nil {
			t.Errorf("a JWT bought in the same second: %v", err)
		}
		d.must(refresh(in("another good password"), fresh.RefreshToken))
	}
}
