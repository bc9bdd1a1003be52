package keyring

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/revocation"
)

func rotateIfDue(t testing.TB, k *Keyring, every time.Duration) bool {
	t.Helper()
	rotated, err := k.RotateIfDue(t.Context(), "acme", every)
	if err != nil {
		t.Fatal(err)
	}
	return rotated
}

func TestReq083_a_scheduled_rotation_waits_for_its_time_and_for_the_next_key(t *testing.T) {
	d := newDesk(t)
	s := &moody{Store: d.store}
	k, _ := fed(t, s, d.sealer, d.now, acme)
	s.gets.Store(0)
	for _, early := range []struct{ after, every time.Duration }{
		{0, time.Second}, {MaxAge - 1, time.Second}, {MaxAge, MaxAge + 1}, {365 * 24 * time.Hour, 0}, {365 * 24 * time.Hour, -time.Hour},
	} {
		began := d.now()
		d.advance(early.after)
		if rotateIfDue(t, k, early.every) {
			t.Errorf("rotated after %v when it should after %v", early.after, early.every)
		}
		d.advance(-d.now().Sub(began))
	}
	if n := s.gets.Load(); n != 0 {
		t.Errorf("the store was asked %d times whether it is time", n)
	}
	d.advance(24*time.Hour - 1)
	if rotateIfDue(t, k, 24*time.Hour) {
		t.Error("rotated before its time")
	}
	next := kids(t, k, "acme")[1]
	d.advance(1)
	if !rotateIfDue(t, k, 24*time.Hour) || kids(t, k, "acme")[0] != next || rotateIfDue(t, k, 24*time.Hour) {
		t.Errorf("not rotated once to the announced key: %v", kids(t, k, "acme"))
	}
	events, _, _, err := audit.Search(t.Context(), d.store, audit.Query{Tenant: "acme", Limit: 1})
	if err != nil || events[0].Act != "key.rotate" || events[0].Actor != "tokenbooth" {
		t.Errorf("recorded as %+v, %v", events, err)
	}
	d.advance(24 * time.Hour)
	s.answer(store.ErrConflict)
	if rotateIfDue(t, k, 24*time.Hour) {
		t.Error("somebody else rotated, and it says that it did")
	}
	s.answer(errDisk)
	if _, err := k.RotateIfDue(t.Context(), "acme", 24*time.Hour); !errors.Is(err, errDisk) {
		t.Errorf("a store failure became %v", err)
	}
	if _, err := k.RotateIfDue(t.Context(), "nobody", 24*time.Hour); !errors.Is(err, ErrTenant) {
		t.Errorf("an unknown tenant: %v", err)
	}
}

func TestOfProcessesThatRotateWhenItIsDueOneDoes(t *testing.T) {
	d := newDesk(t)
	rings := []*Keyring{d.open(t, acme), d.open(t, acme), d.open(t, acme), d.open(t, acme)}
	for range 10 {
		d.advance(time.Hour)
		var wg sync.WaitGroup
		var done atomic.Int64
		for _, k := range rings { // none has heard of the rotation before
			wg.Go(func() {
				if rotateIfDue(t, k, time.Hour) {
					done.Add(1)
				}
			})
		}
		wg.Wait()
		if done.Load() != 1 {
			t.Errorf("%d rotations happened, want 1", done.Load())
		}
	}
}

// verifier checks tokens by a key set that it fetches as seldom as it may.
type verifier struct {
	keys    jose.JSONWebKeySet
	fetched time.Time
}

func (v *verifier) accepts(t *testing.T, token string) bool {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(token, joseAlgorithms)
	if err != nil {
		t.Fatal(err)
	}
	keys := v.keys.Key(parsed.Signatures[0].Protected.KeyID)
	if len(keys) != 1 {
		return false
	}
	_, err = parsed.Verify(keys[0])
	return err == nil
}

func TestR38_verifiers_that_cache_the_key_set_refuse_no_token_while_keys_rotate(t *testing.T) {
	d := newDesk(t)
	rings := []*Keyring{d.open(t, acme), d.open(t, acme), d.open(t, acme)}
	verifiers := make([]verifier, 15) // one fetches each minute
	type made struct {
		text string
		at   time.Time
	}
	var alive []made
	checked, rotations := 0, 0
	for minute := range 4 * 60 {
		for i := range verifiers {
			if v := &verifiers[i]; v.fetched.IsZero() || d.now().Sub(v.fetched) >= MaxAge && minute%len(verifiers) == i {
				v.keys, v.fetched = joseSet(t, rings[minute%len(rings)], "acme"), d.now()
			}
		}
		for i, k := range rings {
			if rotateIfDue(t, k, time.Minute) {
				rotations++
			}
			alive = append(alive, made{sign(t, k, "acme"), d.now()})
			if i == minute%len(rings) {
				continue // it hears of it a minute late
			}
			if err := k.Reload(t.Context(), "acme"); err != nil {
				t.Fatal(err)
			}
		}
		kept, err := rings[0].read(t.Context(), "acme")
		if err != nil || strings.Count(string(encoded(t, kept)), `"state":"active"`) != 1 {
			t.Fatalf("not exactly one key is active: %v", err)
		}
		for len(alive) > 0 && d.now().Sub(alive[0].at) > acme.Retain {
			alive = alive[1:]
		}
		for _, token := range []made{alive[0], alive[len(alive)/2], alive[len(alive)-1], alive[len(alive)-2], alive[len(alive)-3]} {
			for i := range verifiers {
				if checked++; !verifiers[i].accepts(t, token.text) {
					t.Fatalf("minute %d: a verifier whose key set is %v old refuses a token that is %v old", minute, d.now().Sub(verifiers[i].fetched), d.now().Sub(token.at))
				}
			}
		}
		d.advance(time.Minute)
	}
	t.Logf("%d verifications, %d rotations", checked, rotations)
	if rotations != 15 {
		t.Errorf("%d rotations in four hours, want one each quarter of an hour", rotations)
	}
}

func encoded(t *testing.T, kept ringRecord) []byte {
	t.Helper()
	b, err := json.Marshal(kept)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReq082_the_tag_of_a_key_set_is_another_when_the_set_is_and_the_same_everywhere(t *testing.T) {
	d := newDesk(t)
	a, b := d.open(t, acme), d.open(t, acme)
	seen := map[string]string{}
	look := func(what string) {
		t.Helper()
		set, tag, err := a.JWKS("acme")
		if err != nil || tag == "" || strings.Trim(tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("tag %q, %v", tag, err)
		}
		if other, twice := seen[tag]; twice {
			t.Errorf("%s: the tag is that of %q", what, other)
		}
		seen[tag] = what
		if err := b.Reload(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		if theirs, theirTag, err := b.JWKS("acme"); err != nil || theirTag != tag || !bytes.Equal(theirs, set) {
			t.Errorf("%s: another process tags it %q, %v", what, theirTag, err)
		}
	}
	look("first keys")
	d.advance(MaxAge)
	rotate(t, a, "acme")
	look("after a rotation")
	d.advance(acme.Retain + MaxAge)
	look("after a retired key has gone")
	if err := a.Withdraw(t.Context(), "acme", kids(t, a, "acme")[1], "cli:ada"); err != nil {
		t.Fatal(err)
	}
	look("after a withdrawal")
	if _, _, err := a.JWKS("nobody"); !errors.Is(err, ErrTenant) {
		t.Errorf("an unknown tenant: %v", err)
	}
}

func TestReq010_a_signed_list_is_no_access_token_and_nothing_else_is_signed(t *testing.T) {
	d := newDesk(t)
	k := d.open(t, every...)
	for _, tenant := range every {
		list, err := k.SignAs(tenant.Name, revocation.Type, []byte(`{"sub":"a"}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := k.Verify(tenant.Name, string(list)); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: a list is an access token: %v", tenant.Algorithm, err)
		}
		parsed, err := jose.ParseSignedCompact(string(list), joseAlgorithms)
		if err != nil {
			t.Fatal(err)
		}
		h := parsed.Signatures[0].Protected
		set := joseSet(t, k, tenant.Name)
		if h.ExtraHeaders["typ"] != revocation.Type || h.KeyID != kids(t, k, tenant.Name)[0] || h.Algorithm != string(tenant.Algorithm) {
			t.Errorf("header %+v", h)
		}
		if claims, err := parsed.Verify(set.Key(h.KeyID)[0]); err != nil || string(claims) != `{"sub":"a"}` {
			t.Errorf("%s: go-jose refuses a list: %s %v", tenant.Algorithm, claims, err)
		}
		_, body, _ := strings.Cut(string(list), ".") // under the header of an access token its signature is wrong
		access, _, _ := strings.Cut(sign(t, k, tenant.Name), ".")
		if _, _, err := k.Verify(tenant.Name, access+"."+body); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", tenant.Algorithm, err)
		}
	}
	for _, typ := range []string{"", "at+jwt", "JWT", "application/at+jwt", revocation.Type + `","crit":["x"],"x":"`} {
		if text, err := k.SignAs("acme", typ, []byte(`{}`)); err == nil {
			head, _, _ := strings.Cut(string(text), ".")
			header, _ := base64.RawURLEncoding.DecodeString(head)
			t.Errorf("%q is signed: %s", typ, header)
		}
	}
	if _, err := k.SignAs("nobody", revocation.Type, nil); !errors.Is(err, ErrTenant) {
		t.Errorf("an unknown tenant: %v", err)
	}
	d.advance(MaxAge)
	rotate(t, k, "acme")
	list, err := k.SignAs("acme", revocation.Type, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(list), ".")
	if header, _ := base64.RawURLEncoding.DecodeString(head); !bytes.Contains(header, []byte(kids(t, k, "acme")[0])) {
		t.Errorf("after a rotation a list is signed with another key than tokens: %s", header)
	}
}

func TestEveryChangeOfKeysIsToldToOtherProcessesInTheSameWrite(t *testing.T) {
	d := newDesk(t)
	var k *Keyring
	for _, c := range []struct {
		what string
		do   func() error
	}{
		{"the first keys", func() error { k = d.open(t, acme); return nil }},
		{"Rotate", func() error { return k.Rotate(t.Context(), "acme", "cli:ada") }},
		{"RotateUnannounced", func() error { return k.RotateUnannounced(t.Context(), "acme", "cli:ada") }},
		{"RotateIfDue", func() error { _, err := k.RotateIfDue(t.Context(), "acme", time.Second); return err }},
		{"Withdraw", func() error { return k.Withdraw(t.Context(), "acme", kids(t, k, "acme")[0], "cli:ada") }},
		{"Configure", func() error { return k.Configure(t.Context(), []Tenant{{Name: "acme", Algorithm: EdDSA}}) }},
	} {
		d.advance(MaxAge) // earlier notes are over
		if err := c.do(); err != nil {
			t.Fatal(c.what, err)
		}
		notes, err := d.store.List(t.Context(), store.Query{Kind: store.Change})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, rec := range notes {
			if string(rec.Body) == `{"kind":"key","tenant":"acme","id":"ring"}` {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s: %d notes", c.what, n)
		}
	}
}
