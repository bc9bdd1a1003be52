package keyring

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

func TestReq104_WhatIsStoredShowsNoKeyMaterial(t *testing.T) {
	d := newDesk(t)
	k := d.open(t, every...)
	d.advance(MaxAge)
	for _, tenant := range every {
		var material [][]byte
		before, err := k.read(t.Context(), tenant.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range before.Keys {
			private, _, err := k.open(tenant.Name, r)
			if err != nil {
				t.Fatal(err)
			}
			switch key := private.(type) {
			case *ecdsa.PrivateKey:
				raw, _ := key.Bytes()
				material = append(material, raw)
			case ed25519.PrivateKey:
				material = append(material, key.Seed())
			case *rsa.PrivateKey:
				material = append(material, key.D.Bytes(), key.Primes[0].Bytes(), key.Primes[1].Bytes())
			}
		}
		check := func() {
			rec, err := d.store.Get(t.Context(), tenant.Name, store.Key, recordID)
			if err != nil {
				t.Fatal(err)
			}
			var kept ringRecord
			if err := json.Unmarshal(rec.Body, &kept); err != nil {
				t.Fatal(err)
			}
			haystack := bytes.Clone(rec.Body)
			for _, r := range kept.Keys {
				haystack = append(haystack, r.Sealed...)
			}
			for _, m := range material {
				for i := 0; i+8 <= len(m); i += 8 {
					piece := m[i : i+8]
					b64 := base64.RawStdEncoding.EncodeToString(piece[:6])
					if bytes.Contains(haystack, piece) || bytes.Contains(haystack, []byte(b64)) {
						t.Fatalf("tenant %s: the stored body shows key material", tenant.Name)
					}
				}
			}
		}
		check()
		rotate(t, k, tenant.Name)
		check()
		after, err := k.read(t.Context(), tenant.Name)
		if err != nil {
			t.Fatal(err)
		}
		retired := after.find(Retired)
		if private, public, err := k.open(tenant.Name, *retired); err != nil || private != nil || public == nil {
			t.Errorf("tenant %s: a retired key keeps its private half: %v", tenant.Name, err)
		}
	}
}

func TestReq104_AnotherKeyEncryptionKeyIsAClearErrorAndReplacesNothing(t *testing.T) {
	d := newDesk(t)
	k := d.open(t, acme)
	token := sign(t, k, "acme")
	other, err := secret.NewSealer([]byte(strings.ToUpper(kek)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{Store: d.store, Sealer: other, Now: d.now, Tenants: []Tenant{acme}})
	if !errors.Is(err, secret.ErrSealKey) || !strings.Contains(err.Error(), `tenant "acme"`) || !strings.Contains(err.Error(), "another key-encryption key") {
		t.Errorf("Open: %v", err)
	}
	if !verifies(d.open(t, acme), "acme", token) {
		t.Error("the keys are lost")
	}
}

func TestKeysInTheStoreThatWereTamperedWithAreRefused(t *testing.T) {
	d := newDesk(t)
	k := d.open(t, acme, Tenant{Name: "other"})
	d.advance(MaxAge)
	rotate(t, k, "acme")
	theirs, err := k.read(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	for what, tamper := range map[string]func(*ringRecord){
		"another tenant's key":        func(r *ringRecord) { r.Keys[0] = theirs.Keys[0] },
		"another algorithm":           func(r *ringRecord) { r.find(Retired).Algorithm = RS256 },
		"another id":                  func(r *ringRecord) { r.find(Next).ID = r.find(Active).ID },
		"a retired key as active one": func(r *ringRecord) { r.find(Active).State = Next; r.find(Retired).State = Active },
		"damage":                      func(r *ringRecord) { r.Keys[0].Sealed[20] ^= 1 },
		"no active key":               func(r *ringRecord) { r.find(Active).State = Next },
	} {
		t.Run(what, func(t *testing.T) {
			kept, err := k.read(t.Context(), "acme")
			if err != nil {
				t.Fatal(err)
			}
			good, _ := json.Marshal(kept)
			put := func(body []byte) {
				t.Helper()
				rec, err := d.store.Get(t.Context(), "acme", store.Key, recordID)
				if err != nil {
					t.Fatal(err)
				}
				rec.Body = body
				if err := d.store.Put(t.Context(), rec); err != nil {
					t.Fatal(err)
				}
			}
			tamper(&kept)
			bad, _ := json.Marshal(kept)
			put(bad)
			if err := k.Reload(t.Context(), "acme"); err == nil {
				t.Error("it was accepted")
			}
			if !verifies(k, "acme", sign(t, k, "acme")) {
				t.Error("the keys in use were given up")
			}
			put(good)
			if err := k.Reload(t.Context(), "acme"); err != nil {
				t.Error(err)
			}
		})
	}
}
