package issuer

import (
	"encoding/base64"
	"encoding/json"
	"hash/crc32"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/registry/registrytest"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func decodeSegment(t *testing.T, s string) map[string]any {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(s)
	var m map[string]any
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestReq009_B8_opaque_tokens_are_matched_whole(t *testing.T) {
	d := open(t)
	d.client("app")
	for _, terms := range []*oauth.Terms{opaque, dadi} {
		text, twin := d.must(d.ask("app", withTerms(terms))).AccessToken, d.must(d.ask("app", withTerms(terms))).AccessToken
		if !d.active(text) || !d.active(twin) {
			t.Fatal("a good token is dead")
		}
		edits := []string{"", text + "0", text + " ", " " + text, text[1:], text + text, strings.ToUpper(text), strings.ReplaceAll(text, "-", ""),
			"urn:uuid:" + text, "{" + text + "}", text + "\n"}
		for k := range text {
			edits = append(edits, text[:k], text[:k]+text[k+1:], text[:k]+twin[k:], text[:k]+string(text[k]^1)+text[k+1:])
		}
		for _, e := range edits {
			if e != text && e != twin && d.active(e) {
				t.Errorf("%q passes for %q", e, text)
			}
		}
	}
}

func TestReq009_the_look_up_id_alone_opens_nothing(t *testing.T) {
	d := open(t)
	d.client("app")
	text, twin := d.must(d.ask("app", withTerms(opaque))).AccessToken, d.must(d.ask("app", withTerms(opaque))).AccessToken
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	forged := []byte(text[:len(accessPrefix)+1+16] + twin[len(accessPrefix)+1+16:len(twin)-6]) // the id of one, the secret of the other
	check, end := crc32.ChecksumIEEE(forged), [6]byte{}
	for k := range end {
		end[5-k] = digits[check%62]
		check /= 62
	}
	forged = append(forged, end[:]...)
	if id, ok := secret.ParseToken(string(forged), accessPrefix); !ok || !strings.Contains(text, id) {
		t.Fatal("the forgery has no right checksum: this test is about nothing")
	}
	if d.active(string(forged)) {
		t.Error("a token with another's secret passes")
	}
}

func TestReq015_what_is_given_for_one_purpose_serves_no_other(t *testing.T) {
	d := open(t)
	r, tok := d.chain()
	jwt := d.must(d.ask("app")).AccessToken
	for _, text := range []string{tok.RefreshToken, d.secrets["app"].Reveal(), jwt, string(d.ask("app").RequestID)} {
		if d.active(text) {
			t.Errorf("%.8s… passes for an access token", text)
		}
	}
	for _, text := range []string{tok.AccessToken, jwt, d.secrets["app"].Reveal()} {
		d.refused(refresh(r, text), oauth.InvalidGrant)
		if text != d.secrets["app"].Reveal() {
			d.refused(d.ask("app", func(r *oauth.TokenRequest) { r.Client.Secret = oauth.Secret(text) }), oauth.InvalidClient)
		}
	}
	d.refused(d.signIn("app", func(r *oauth.TokenRequest) { r.Password = oauth.Secret(tok.AccessToken) }), oauth.InvalidGrant)
}

func TestReq016_an_opaque_token_ends_when_it_said_it_would(t *testing.T) {
	d := open(t)
	d.client("app")
	for _, terms := range []*oauth.Terms{opaque, dadi} {
		tok := d.must(d.ask("app", withTerms(terms)))
		d.clock.advance(terms.Lifetime - time.Microsecond)
		if !d.active(tok.AccessToken) {
			t.Error("dead too soon")
		}
		d.clock.advance(time.Microsecond)
		if d.active(tok.AccessToken) {
			t.Error("alive at its expiry")
		}
	}
}

func TestReq081_introspection_says_what_was_issued(t *testing.T) {
	d := open(t)
	r, tok := d.chain()
	in, err := d.Introspect(ctx, "acme", tok.AccessToken)
	u, err2 := d.Registry.UserByName(ctx, "acme", username)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	want := oauth.Introspection{Active: true, Form: oauth.Opaque, ID: in.ID, Issuer: "https://login.acme.test", Subject: u.ID, ClientID: "app",
		Username: username, Name: "Bob", Scope: "workflows nql", Audience: []string{"https://api.acme.test/flows", "https://api.acme.test/query"},
		IssuedAt: tok.IssuedAt, Expires: tok.IssuedAt.Add(15 * time.Minute), Family: in.Family}
	if in.ID == "" || in.Family == "" || !reflect.DeepEqual(in, want) {
		t.Errorf("\n%+v\nwant\n%+v", in, want)
	}
	fixed := *nexudus
	fixed.FixedScope, fixed.DefaultScope, fixed.ClientLabel, fixed.OnePerLabel = true, "all", false, false
	in, err = d.Introspect(ctx, "acme", d.must(d.signIn("app", withTerms(&fixed))).AccessToken)
	if err != nil || in.Scope != "all" || strings.Join(in.Permissions, " ") != "workflows nql" {
		t.Errorf("%+v %v", in, err)
	}
	_ = r
}

func TestReq080_of_what_is_not_active_nothing_is_known(t *testing.T) {
	d := open(t)
	_, tok := d.chain()
	if err := registrytest.DisableUser(ctx, d.Registry, by, "acme", username, true); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{tok.AccessToken, "garbage", ""} {
		if in, err := d.Introspect(ctx, "acme", text); err != nil || !reflect.DeepEqual(in, oauth.Introspection{}) {
			t.Errorf("%+v %v", in, err)
		}
	}
}

func TestReq006_B13_whoever_is_stopped_is_not_alive_whatever_the_token_says(t *testing.T) {
	for name, c := range map[string]struct {
		stop  func(*desk) error
		start func(*desk) error
	}{
		"client disabled": {
			func(d *desk) error { return registrytest.DisableClient(ctx, d.Registry, by, "acme", "app", true) },
			func(d *desk) error { return registrytest.DisableClient(ctx, d.Registry, by, "acme", "app", false) },
		},
		"client deleted": {func(d *desk) error { return registrytest.DeleteClient(ctx, d.Registry, by, "acme", "app") }, nil},
		"user disabled": {
			func(d *desk) error { return registrytest.DisableUser(ctx, d.Registry, by, "acme", username, true) },
			func(d *desk) error { return registrytest.DisableUser(ctx, d.Registry, by, "acme", username, false) },
		},
		"user deleted": {func(d *desk) error { return registrytest.DeleteUser(ctx, d.Registry, by, "acme", username) }, nil},
		"password changed": {
			func(d *desk) error {
				return d.Registry.SetPassword(ctx, by, "acme", username, "another good password")
			}, func(*desk) error { return nil },
		},
		"tenant gone": {func(d *desk) error { return d.Registry.SetTenants(tenants()[1:]) }, nil},
		"tenant disabled": {func(d *desk) error {
			ts := tenants()
			ts[0].Disabled = true
			return d.Registry.SetTenants(ts)
		}, nil},
		"client expired": {func(d *desk) error {
			_, err := d.Registry.UpdateClient(ctx, by, "client.update", "acme", "app", func(c *registry.Client) error {
				c.Expires = registry.Until{Time: d.clock.now().Add(time.Second)}
				return nil
			})
			d.clock.advance(time.Second)
			return err
		}, nil},
	} {
		d := open(t)
		_, tok := d.chain()
		in, err := d.Introspect(ctx, "acme", tok.AccessToken)
		if err != nil {
			t.Fatal(err)
		}
		alive := func(issued time.Time) error { return d.Alive(ctx, "acme", in.ClientID, in.Subject, issued) }
		if err := alive(in.IssuedAt); err != nil {
			t.Fatalf("%s: dead before: %v", name, err)
		}
		d.clock.advance(time.Second)
		if err := c.stop(d); err != nil {
			t.Fatal(err)
		}
		if e := oauth.AsError(alive(in.IssuedAt)); e == nil || e.Code != oauth.InvalidToken {
			t.Errorf("%s: %v", name, e)
		}
		if d.active(tok.AccessToken) {
			t.Errorf("%s: introspection says active", name)
		}
		if c.start == nil {
			continue
		}
		d.clock.advance(time.Second)
		if err := c.start(d); err != nil {
			t.Fatal(err)
		}
		if alive(in.IssuedAt) == nil || d.active(tok.AccessToken) {
			t.Errorf("%s: an old token came back to life", name)
		}
		d.clock.advance(time.Second)
		if err := alive(d.clock.now()); err != nil {
			t.Errorf("%s: a new token is dead: %v", name, err)
		}
	}
}

func TestB31_a_client_made_again_elsewhere_does_not_revive_tokens(t *testing.T) {
	d := open(t)
	d.client("app")
	tok := d.must(d.ask("app", withTerms(opaque)))
	if err := registrytest.DeleteClient(ctx, d.Registry, by, "acme", "app"); err != nil {
		t.Fatal(err)
	}
	d.client("app", func(c *registry.Client) { c.Tenant, c.Permissions = "other", nil })
	if d.active(tok.AccessToken) {
		t.Error("alive in its own tenant")
	}
	if in, err := d.Introspect(ctx, "other", tok.AccessToken); err != nil || in.Active {
		t.Errorf("alive in the other: %+v %v", in, err)
	}
}
