package office

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// sign gives a client a token, as its program would get it.
func (w *world) sign(id string, text oauth.Secret, form oauth.TokenForm, request string) oauth.Token {
	w.t.Helper()
	tok, err := w.Issuer.Token(ctx, oauth.TokenRequest{Dialect: "oauth2", Grant: oauth.ClientCredentials, Terms: &oauth.Terms{Form: form, Lifetime: 15 * time.Minute},
		Asker: oauth.Asker{Auth: oauth.AuthBasic, Tenant: "acme", RequestID: request, Client: oauth.Credential{ID: oauth.Unproven(id), Secret: text}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return tok
}

func TestReq046_NothingThatIsReturnedHasAHashOrASealedSecret(t *testing.T) {
	w := open(t)
	owner, root := w.as(operator.Owner), w.root()
	made, _, err := owner.CreateClient(ctx, registry.Client{ClientSpec: registry.ClientSpec{Name: "one", Permissions: []string{"nql"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if err != nil {
		t.Fatal(err)
	}
	person, url, err := owner.CreateUser(ctx, registry.User{Username: jane}, password, true)
	if err != nil || !strings.HasPrefix(url, "otpauth://totp/acme") {
		t.Fatal(url, err)
	}
	staff, err := root.Create(ctx, operator.Operator{Username: "ada", Roles: map[string]operator.Role{"acme": operator.Owner}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := root.Invite(ctx, staff.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	shown := map[string]any{"a client that was made": made, "a user that was made": person}
	shown["a client"], err = owner.Client(ctx, made.ID)
	note := func(what string, v any, failed error) {
		if shown[what] = v; failed != nil {
			t.Error(what, failed)
		}
	}
	note("a client", shown["a client"], err)
	page, err := owner.FindClients(ctx, directory.Search{})
	note("clients", page, err)
	user, err := owner.User(ctx, jane)
	note("a user", user, err)
	users, _, err := owner.FindUsers(ctx, "", "", 10)
	note("users", users, err)
	one, err := root.Get(ctx, staff.ID)
	note("an operator", one, err)
	all, err := root.List(ctx)
	note("operators", all, err)
	changed, err := root.Update(ctx, "operator.update", staff.ID, 0, func(o *operator.Operator) error {
		note("an operator to edit", *o, nil)
		return nil
	})
	note("a changed operator", changed, err)
	if len(page.Clients) != 1 || len(users) != 1 || len(all) != 1 || len(user.TOTP) == 0 || user.Hash == "" {
		t.Errorf("%+v %+v %+v: whether there is a secret must be seen", page, users, all)
	}
	kept, _ := json.Marshal(shown)
	for _, r := range w.kept() {
		for _, part := range strings.FieldsFunc(r, func(r rune) bool { return r == '"' || r == '$' }) {
			if len(part) >= 40 && !strings.Contains(part, " ") && strings.Contains(string(kept), part) {
				t.Errorf("what is kept is shown: %s", part)
			}
		}
	}
}

func TestHashesSayTheirKindAlone(t *testing.T) {
	for hash, want := range map[string]string{"": "", "sha256$abc": "sha256$", "$argon2id$v=19$m=1$x$y": "$argon2id$", "$2b$12$abc": "$2b$", "x": "?", "$": "?"} {
		if got := kindOf(secret.Hash(hash)); string(got) != want {
			t.Errorf("%q says %q, not %q", hash, got, want)
		}
	}
}

func TestReq050_WhatHappenedToARequestIsExplainedToItsOwnTenantOnly(t *testing.T) {
	w := open(t)
	c, text, err := w.as(operator.Owner).CreateClient(ctx, registry.Client{ClientSpec: registry.ClientSpec{Name: "one", Permissions: []string{"nql"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if err != nil {
		t.Fatal(err)
	}
	w.sign(c.ID, text, oauth.JWT, "req-issued")
	refused := audit.Event{ID: "req-refused", RequestID: "req-refused", Tenant: "acme", Time: w.now(), Act: "token.refuse", Actor: "client:x", Outcome: audit.Refused}
	if err := w.Store.Put(ctx, audit.Record(refused)); err != nil {
		t.Fatal(err)
	}
	d := w.as(operator.Auditor)
	for range 100 { // a line may wait a quarter of a second for the disk
		if found, err := audit.FindIssuance(w.JournalDir, "req-issued"); found != nil || err != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if got, err := d.Explain(ctx, "req-issued"); err != nil || got.Event != nil || got.Issuance == nil || got.Issuance.ClientID != c.ID {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := d.Explain(ctx, "req-refused"); err != nil || got.Issuance != nil || got.Event == nil || got.Event.Act != "token.refuse" {
		t.Errorf("%+v, %v", got, err)
	}
	other := w.At(named("cli:root"), "other")
	for _, id := range []string{"req-issued", "req-refused", "req", "", strings.Repeat("x", 1000), "nothing"} {
		if got, err := other.Explain(ctx, id); !errors.Is(err, registry.ErrNotFound) || got != (Explanation{}) {
			t.Errorf("%.20q: %+v, %v", id, got, err)
		}
	}
	if _, err := other.Event(ctx, "req-refused"); !errors.Is(err, registry.ErrNotFound) {
		t.Error(err)
	}
	if e, err := d.Event(ctx, "req-refused"); err != nil || !reflect.DeepEqual(e, refused) {
		t.Errorf("%+v, %v", e, err)
	}
	events, _, _, err := d.Events(ctx, audit.Query{Tenant: "other", Subject: "client:" + c.ID})
	if err != nil || len(events) != 1 || events[0].Tenant != "acme" || events[0].Actor != "operator:owner" {
		t.Errorf("%+v, %v", events, err)
	}
	if events, _, _, err := w.root().Events(ctx, audit.Query{Tenant: "acme"}); err != nil || len(events) != 0 {
		t.Errorf("the desk's own record has %+v, %v", events, err)
	}
}

func TestOpaqueTokensAreSeenAndRevokedByIDAndText(t *testing.T) {
	w := open(t)
	d := w.as(operator.Editor)
	c, text, err := d.CreateClient(ctx, registry.Client{ClientSpec: registry.ClientSpec{Name: "one", Permissions: []string{"nql"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	if err != nil {
		t.Fatal(err)
	}
	w.advance(time.Second)
	first := w.sign(c.ID, text, oauth.Opaque, "r1")
	w.advance(time.Second)
	second := w.sign(c.ID, text, oauth.Opaque, "r2")
	page, next, err := d.Opaque(ctx, issuer.TokenSearch{Client: c.ID})
	if err != nil || len(page) != 2 || next != "" {
		t.Fatal(page, next, err)
	}
	if what, err := d.RevokeID(ctx, revocation.Token, page[0].ID); err != nil || what.ClientID != c.ID {
		t.Error(what, err)
	}
	if what, err := d.RevokeToken(ctx, oauth.Secret(second.AccessToken)); err != nil || what.ID != page[1].ID {
		t.Error(what, err)
	}
	for _, tok := range []oauth.Token{first, second} {
		if in, err := d.Introspect(ctx, oauth.Secret(tok.AccessToken)); err != nil || in.Active {
			t.Errorf("%+v, %v", in, err)
		}
	}
	third := w.sign(c.ID, text, oauth.JWT, "r3")
	w.advance(time.Second)
	if err := w.as(operator.Owner).RevokeAll(ctx); err != nil {
		t.Fatal(err)
	}
	if in, err := d.Introspect(ctx, oauth.Secret(third.AccessToken)); err != nil || in.Active {
		t.Errorf("%+v, %v", in, err)
	}
	if chains, _, err := d.Chains(ctx, issuer.TokenSearch{}); err != nil || len(chains) != 0 {
		t.Error(chains, err)
	}
}

func TestKeysAreRotatedAndWithdrawnInTheOwnersName(t *testing.T) {
	w := open(t)
	d := w.as(operator.Owner)
	keys, err := d.Keys()
	if err != nil || len(keys) != 2 {
		t.Fatal(keys, err)
	}
	if err := d.RotateKeys(ctx, false); oauth.AsError(err) == nil {
		t.Errorf("a key that nobody has seen signs: %v", err)
	}
	w.advance(keyring.MaxAge)
	if err := d.RotateKeys(ctx, false); err != nil {
		t.Fatal(err)
	}
	if err := d.RotateKeys(ctx, true); err != nil {
		t.Fatal(err)
	}
	if err := d.WithdrawKey(ctx, keys[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := d.WithdrawKey(ctx, keys[0].ID); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("what is gone is withdrawn: %v", err)
	}
	var acts []string
	for _, e := range w.events("acme", audit.Query{ActorIs: "operator:owner", Act: "key."}) {
		acts = append(acts, e.Act)
	}
	if slices.Sort(acts); !slices.Equal(acts, []string{"key.rotate", "key.rotate-unannounced", "key.withdraw"}) {
		t.Error(acts)
	}
}

func TestAUserGetsAPasswordAndOneTimeCodes(t *testing.T) {
	w := open(t)
	d := w.as(operator.Editor)
	w.user(jane, "nql")
	text, url, err := d.SetTOTP(ctx, "Jane@Acme.test", true)
	if err != nil || text == "" || !strings.Contains(url, text.Reveal()) {
		t.Fatal(url, err)
	}
	if u, err := d.User(ctx, jane); err != nil || len(u.TOTP) == 0 {
		t.Error(u, err)
	}
	if text, url, err = d.SetTOTP(ctx, jane, false); err != nil || text != "" || url != "" {
		t.Error(text, url, err)
	}
	if err := d.SetPassword(ctx, jane, "short"); err == nil {
		t.Error("any password will do")
	}
	if err := errors.Join(d.SetPassword(ctx, jane, "eight green tractors"), d.RevokeUserTokens(ctx, jane), d.DeleteUser(ctx, jane, 0)); err != nil {
		t.Error(err)
	}
	if _, err := d.User(ctx, jane); !errors.Is(err, registry.ErrNotFound) {
		t.Error(err)
	}
	if _, _, err := d.SetTOTP(ctx, "no name", true); err == nil {
		t.Error("a name with a space")
	}
}

func TestAnOverviewHasItsHoursAndWarnings(t *testing.T) {
	w := open(t)
	if err := audit.AddTally(ctx, w.Store, "acme", w.now(), 5, 2); err != nil {
		t.Fatal(err)
	}
	got, err := w.as(operator.Viewer).Overview(ctx)
	if err != nil || len(got.Hours) != 7*24+1 || got.Hours[7*24].Issued != 5 || got.Hours[7*24].Refused != 2 {
		t.Errorf("%d hours, %v", len(got.Hours), err)
	}
	if len(got.Warnings) != 1 || got.Warnings[0].Kind != PasswordGrant {
		t.Errorf("%+v", got.Warnings)
	}
}

func TestWarningsSayWhatIsDoubtful(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	key := func(age time.Duration) []keyring.Public {
		return []keyring.Public{{State: keyring.Active, Activated: now.Add(-age)}, {State: keyring.Next}, {State: keyring.Retired, Activated: now.Add(-9 * keyOld)}}
	}
	for _, tc := range []struct {
		t    registry.Tenant
		keys []keyring.Public
		slow bool
		want []string
	}{
		{registry.Tenant{Issuer: "https://login.acme.test"}, key(89 * day), false, nil},
		{registry.Tenant{Issuer: "https://login.acme.test"}, nil, false, nil},
		{registry.Tenant{Issuer: "https://login.acme.test"}, key(91 * day), false, []string{OldKey}},
		{registry.Tenant{Issuer: "https://login.acme.test", RotateKeysEvery: 364 * day}, key(364 * day), false, nil},
		{registry.Tenant{Issuer: "https://login.acme.test", RotateKeysEvery: 999 * day}, key(366 * day), false, []string{OldKey}},
		{registry.Tenant{Issuer: "http://127.0.0.1:8080"}, nil, false, nil},
		{registry.Tenant{Issuer: "http://[::1]:8080"}, nil, false, nil},
		{registry.Tenant{Issuer: "http://acme.localhost:8080"}, nil, false, nil},
		{registry.Tenant{Issuer: "http://LOCALHOST."}, nil, false, nil},
		{registry.Tenant{Issuer: "http://10.0.0.1"}, nil, false, []string{PlainHTTP}},
		{registry.Tenant{Issuer: "http://localhost.example.com"}, nil, false, []string{PlainHTTP}},
		{registry.Tenant{Issuer: "http://127.0.0.1.example.com"}, nil, false, []string{PlainHTTP}},
		{registry.Tenant{Issuer: "http://login.acme.test", AllowPasswordGrant: true, AllowBodylessToken: true}, key(keyOld * 2), true,
			[]string{PlainHTTP, BodylessToken, PasswordGrant, OldKey, ImportedSecrets}},
	} {
		var got []string
		for _, w := range warnings(&tc.t, tc.keys, tc.slow, now) {
			if got = append(got, w.Kind); w.Text == "" || w.Link == "" {
				t.Errorf("%+v says nothing", w)
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, not %v", fmt.Sprint(tc.t.Issuer), got, tc.want)
		}
	}
}

func TestStaffIsMadeInvitedAndChangedByWhoMay(t *testing.T) {
	w := open(t)
	s := w.root()
	if _, err := s.Create(ctx, operator.Operator{Username: "ada", Roles: map[string]operator.Role{"nowhere": operator.Viewer}}); err == nil {
		t.Error("a role in a tenant that is not there")
	}
	o, err := s.Create(ctx, operator.Operator{Username: "ada", Roles: map[string]operator.Role{"acme": operator.Viewer}, Hash: "sha256$x"})
	if err != nil || o.Hash != "" {
		t.Fatal(o, err)
	}
	link, _, err := s.Invite(ctx, o.ID, time.Hour)
	if err != nil || link == "" {
		t.Fatal(err)
	}
	if _, _, err := w.Options.Operators.SignInByLink(ctx, link, operator.From{}); err != nil {
		t.Fatal(err)
	}
	sessions, err := s.Sessions(ctx, o.ID)
	if err != nil || len(sessions) != 1 {
		t.Fatal(sessions, err)
	}
	if err := s.EndSession(ctx, o.ID, sessions[0].ID); err != nil {
		t.Error(err)
	}
	if err := s.EndSessions(ctx, o.ID, ""); err != nil {
		t.Error(err)
	}
	_, err = s.Update(ctx, "operator.update", o.ID, 0, func(o *operator.Operator) error {
		o.Name, o.Roles["acme"], o.Hash, o.TOTP, o.Deleted = "Ada", operator.Editor, "sha256$x", []byte("x"), true
		return nil
	})
	is, failed := w.Options.Operators.Get(ctx, o.ID)
	if err != nil || failed != nil || is.Name != "Ada" || is.Roles["acme"] != operator.Editor || is.Hash != "" || is.TOTP != nil || is.Deleted {
		t.Errorf("%+v, %v, %v", is, err, failed)
	}
	if _, err := s.Update(ctx, "operator.update", o.ID, 0, func(o *operator.Operator) error { o.Roles["nowhere"] = operator.Owner; return nil }); err == nil {
		t.Error("a role in a tenant that is not there")
	}
	if events, _, _, err := s.Events(ctx, audit.Query{Act: "operator."}); err != nil || len(events) < 3 {
		t.Errorf("%+v, %v", events, err)
	} else if e, err := s.Event(ctx, events[0].ID); err != nil || e.ID != events[0].ID {
		t.Errorf("%+v, %v", e, err)
	}
	if err := s.Delete(ctx, o.ID, 0); err != nil {
		t.Error(err)
	}
}

func TestALinkIsSpeltAsTheURLThatOpensIt(t *testing.T) {
	w := open(t)
	w.SignInLink = func(link oauth.Secret) string { return "https://desk.example.com/in?key=" + link.Reveal() }
	o, err := w.root().Create(ctx, operator.Operator{Username: "ada", Roles: map[string]operator.Role{"acme": operator.Viewer}})
	if err != nil {
		t.Fatal(err)
	}
	url, expires, err := w.root().Invite(ctx, o.ID, time.Hour)
	key, spelt := strings.CutPrefix(url.Reveal(), "https://desk.example.com/in?key=")
	if err != nil || !spelt || !expires.Equal(w.now().Add(time.Hour)) {
		t.Fatal(spelt, expires, err)
	}
	if _, _, err := w.Options.Operators.SignInByLink(ctx, oauth.Secret(key), operator.From{}); err != nil {
		t.Error(err)
	}
	if url, _, err := w.root().Invite(ctx, o.ID, 8*24*time.Hour); err == nil || url != "" {
		t.Errorf("a link for longer than a week: %v", err)
	}
}

func TestADrawnPasswordIsGoodEnoughAloneAndNeverTheSame(t *testing.T) {
	one, two := NewPassword(), NewPassword()
	if err := secret.CheckPassword(one.Reveal(), false); err != nil || one == two || len(one) != 23 {
		t.Errorf("%v, the same: %v, %d bytes", err, one == two, len(one))
	}
}
