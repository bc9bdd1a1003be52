package registry

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestReq115_one_user_has_one_name_in_every_spelling(t *testing.T) {
	r, _, _ := world(t)
	u := createUser(t, r, "  Zoë.Straße@Acme.Test ")
	for _, spelling := range []string{
		"zoë.strasse@acme.test", "ZOË.STRASSE@ACME.TEST", "Zoe\u0308.Straße@acme.test", "\u00a0zoë.straße@acme.test\t", "ｚｏë.strasse＠acme.test",
	} {
		got, err := r.UserByName(ctx, "acme", spelling)
		if err != nil || got.ID != u.ID {
			t.Errorf("%q: %v", spelling, err)
		}
		if c, ok := CanonicalName(spelling); !ok || c != u.Username {
			t.Errorf("%q is throttled as %q", spelling, c)
		}
		if _, err := r.CreateUser(ctx, by, User{Tenant: "acme", Username: spelling}, password); field(err) != "username" {
			t.Errorf("%q was registered again: %v", spelling, err)
		}
	}
	if _, err := r.UserByName(ctx, "acme", "zoe.strasse@acme.test"); !errors.Is(err, ErrNotFound) {
		t.Errorf("another letter is another name: %v", err)
	}
}

func TestNamesThatNobodyCanHave(t *testing.T) {
	r, _, _ := world(t)
	for _, name := range []string{"", "   ", "a b", "a\tb", "a\x00b", "a\u200bb", "a\u202eb", "\xff", ".", "..", "\uff0e", "\u2025", strings.Repeat("x", 255), strings.Repeat("\ufdfa", 100)} {
		if _, err := r.CreateUser(ctx, by, User{Tenant: "acme", Username: name}, password); field(err) != "username" {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := r.UserByName(ctx, "acme", name); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func FuzzB23_the_canonical_name_of_a_canonical_name_is_itself(f *testing.F) {
	for _, s := range []string{"Bob", "straße", "ΌΣΟΣ", "\u0345\u0301α", "ﬃ", "İ", "\u1e9e", "a\u0300\u0345", "\u03f4", "Ⅷ", "ẛ̣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, ok := CanonicalName(s)
		if !ok {
			return
		}
		if twice, ok := CanonicalName(once); !ok || twice != once {
			t.Fatalf("%q → %q → %q", s, once, twice)
		}
		if c, ok := CanonicalName(" " + s + "\t"); !ok || c != once {
			t.Fatalf("%q is %q, and between spaces %q", s, once, c)
		}
	})
}

func TestReq116_a_name_given_again_is_another_user(t *testing.T) {
	r, _, c := world(t)
	first := createUser(t, r, "bob@acme.test")
	c.advance(time.Hour)
	if err := deleteUser(ctx, r, by, "acme", "Bob@acme.test"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.UserByName(ctx, "acme", "bob@acme.test"); !errors.Is(err, ErrNotFound) {
		t.Errorf("found after deletion: %v", err)
	}
	second := createUser(t, r, "bob@acme.test")
	old, err := r.User(ctx, "acme", first.ID)
	if err != nil || old.Barred() != "the user is deleted" || old.Hash != "" || second.ID == first.ID {
		t.Errorf("%+v %v; the new one is %s", old, err, second.ID)
	}
	if now, err := r.UserByName(ctx, "acme", "bob@acme.test"); err != nil || now.ID != second.ID || now.Barred() != "" {
		t.Errorf("%+v %v", now, err)
	}
	events, _, _, err := audit.Search(ctx, r.store, audit.Query{Tenant: "acme", Subject: "user:" + first.ID})
	if err != nil || len(events) != 2 {
		t.Errorf("the old id has %d events, want its creation and its end: %v", len(events), err)
	}
}

func TestB31_a_name_given_again_in_another_tenant_is_another_user(t *testing.T) {
	r, _, _ := world(t)
	first := createUser(t, r, "bob@acme.test")
	if err := deleteUser(ctx, r, by, "acme", "bob@acme.test"); err != nil {
		t.Fatal(err)
	}
	u, err := r.CreateUser(ctx, by, User{Tenant: "other", Username: "bob@acme.test"}, password)
	if err != nil || u.ID == first.ID {
		t.Fatalf("%+v %v", u, err)
	}
	if _, err := r.User(ctx, "acme", u.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("the new user is known to the old tenant: %v", err)
	}
	if _, err := r.User(ctx, "other", first.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("the old id is known to the new tenant: %v", err)
	}
}

func TestReq6_a_new_password_and_a_disabling_date_what_came_before(t *testing.T) {
	r, _, c := world(t)
	createUser(t, r, "bob@acme.test")
	c.advance(time.Hour)
	if err := r.SetPassword(ctx, by, "acme", "bob@acme.test", "another good password"); err != nil {
		t.Fatal(err)
	}
	u, err := r.UserByName(ctx, "acme", "bob@acme.test")
	if err != nil || !u.NotBefore.Equal(c.now()) || u.Hash.Matches(password) || !u.Hash.Matches("another good password") {
		t.Errorf("%+v %v", u, err)
	}
	c.advance(time.Hour)
	disabled := c.now()
	for _, off := range []bool{true, true, false} {
		if err := disableUser(ctx, r, by, "acme", "bob@acme.test", off); err != nil {
			t.Fatal(err)
		}
		c.advance(time.Hour)
	}
	if u, err = r.UserByName(ctx, "acme", "bob@acme.test"); err != nil || u.Barred() != "" || !u.NotBefore.Equal(disabled) {
		t.Errorf("%+v %v", u, err)
	}
}

func TestWeakPasswordsAreRefusedWithTheirField(t *testing.T) {
	r, _, _ := world(t)
	for _, weak := range []oauth.Secret{"", "short", "passwordpassword", "bob@acme.test!!"} {
		if _, err := r.CreateUser(ctx, by, User{Tenant: "acme", Username: "bob@acme.test"}, weak); field(err) != "password" {
			t.Errorf("%v", err)
		} else if weak != "" && strings.Contains(err.Error(), weak.Reveal()) {
			t.Errorf("the problem repeats the password: %v", err)
		}
	}
	createUser(t, r, "bob@acme.test")
	if err := r.SetPassword(ctx, by, "acme", "bob@acme.test", "short"); field(err) != "password" {
		t.Errorf("%v", err)
	}
}

func TestReq100_changes_of_users_are_recorded_with_their_author(t *testing.T) {
	r, s, _ := world(t)
	u := createUser(t, r, "bob@acme.test")
	for _, err := range []error{
		r.SetPassword(ctx, by, "acme", "bob@acme.test", "another good password"), disableUser(ctx, r, by, "acme", "bob@acme.test", true),
		disableUser(ctx, r, by, "acme", "bob@acme.test", false), deleteUser(ctx, r, by, "acme", "bob@acme.test"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	events, _, _, err := audit.Search(ctx, s, audit.Query{Tenant: "acme", Subject: "user:" + u.ID})
	if err != nil {
		t.Fatal(err)
	}
	var acts []string
	for _, e := range events {
		if acts = append(acts, e.Act); e.Actor != by || e.Outcome != audit.Allowed {
			t.Errorf("%+v", e)
		}
	}
	slices.Sort(acts)
	if want := []string{"user.create", "user.delete", "user.disable", "user.enable", "user.password"}; !slices.Equal(acts, want) {
		t.Errorf("%v", acts)
	}
	if strings.Contains(kept(t, s), password) {
		t.Error("the store holds a password in clear")
	}
}

func TestAOneTimeCodeIsGoodOnce(t *testing.T) {
	r, s, c := world(t)
	text, _, err := secret.NewTOTP("acme", "bob")
	if err != nil {
		t.Fatal(err)
	}
	createUser(t, r, "bob@acme.test")
	u, err := r.UpdateUser(ctx, by, "user.totp", "acme", "bob@acme.test", func(u *User) error { u.TOTP = r.SealTOTP(text); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(kept(t, s), text) {
		t.Error("the store holds the secret of one-time codes in clear")
	}
	code, err := totp.GenerateCode(text, c.now())
	if err != nil {
		t.Fatal(err)
	}
	var right atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			ok, err := r.UseTOTP(ctx, u, oauth.Secret(code))
			if err != nil {
				t.Error(err)
			}
			if ok {
				right.Add(1)
			}
		})
	}
	all.Wait()
	if right.Load() != 1 {
		t.Errorf("one code was good %d times", right.Load())
	}
	u, err = r.UserByName(ctx, "acme", "bob@acme.test")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := r.UseTOTP(ctx, u, oauth.Secret(code)); ok || err != nil {
		t.Errorf("used again: %v %v", ok, err)
	}
	c.advance(time.Minute)
	if code, err = totp.GenerateCode(text, c.now()); err != nil {
		t.Fatal(err)
	}
	if ok, err := r.UseTOTP(ctx, u, oauth.Secret(code)); !ok || err != nil {
		t.Errorf("the next code: %v %v", ok, err)
	}
}

func TestUsersAreListedPageByPage(t *testing.T) {
	r, _, c := world(t)
	for _, n := range []string{"a@acme.test", "b@acme.test", "c@acme.test"} {
		createUser(t, r, n)
		c.advance(time.Second)
	}
	if err := deleteUser(ctx, r, by, "acme", "b@acme.test"); err != nil {
		t.Fatal(err)
	}
	page, next, err := r.Users(ctx, "acme", "", 2)
	if err != nil || len(page) != 1 || next == "" {
		t.Fatalf("%v %q %v", page, next, err)
	}
	page, next, err = r.Users(ctx, "acme", next, 2)
	if err != nil || len(page) != 1 || page[0].Username != "c@acme.test" || next != "" {
		t.Errorf("%v %q %v", page, next, err)
	}
	if _, _, err := r.Users(ctx, "nobody", "", 2); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
}
