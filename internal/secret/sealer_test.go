package secret

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func sealer(t testing.TB, kek string) *Sealer {
	t.Helper()
	s, err := NewSealer([]byte(kek))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const kek = "a key-encryption key of 32 bytes"

func TestReq104_WhatIsSealedOpensUnderItsLabelAndKeyOnly(t *testing.T) {
	s := sealer(t, kek)
	plain := []byte("the private key of the tenant")
	sealed := s.Seal("key/a", plain)
	if got, err := s.Open("key/a", sealed); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("Open = %q, %v", got, err)
	}
	if _, err := s.Open("key/b", sealed); !errors.Is(err, ErrSeal) {
		t.Errorf("under another label: %v", err)
	}
	other := sealer(t, strings.ToUpper(kek))
	if _, err := other.Open("key/a", sealed); !errors.Is(err, ErrSealKey) {
		t.Errorf("under another key: %v", err)
	}
	for i := range sealed {
		broken := bytes.Clone(sealed)
		broken[i] ^= 1
		if _, err := s.Open("key/a", broken); err == nil {
			t.Errorf("byte %d may be changed", i)
		}
		if _, err := s.Open("key/a", sealed[:i]); err == nil {
			t.Errorf("a text cut to %d bytes opens", i)
		}
	}
	if bytes.Equal(sealed, s.Seal("key/a", plain)) {
		t.Error("sealing twice gives the same text")
	}
	for i := range len(plain) - 3 {
		if bytes.Contains(sealed, plain[i:i+4]) {
			t.Error("the sealed text shows the plain one")
		}
	}
}

func TestDerivedKeysAreStableAndApart(t *testing.T) {
	s := sealer(t, kek)
	seen := map[string]string{}
	for _, label := range []string{"refresh", "cursor", "", "refresh\x00"} {
		d := string(s.Derive(label))
		if len(d) != 32 || d != string(sealer(t, kek).Derive(label)) {
			t.Errorf("Derive(%q) is not stable", label)
		}
		if with, ok := seen[d]; ok {
			t.Errorf("%q and %q give the same bytes", label, with)
		}
		seen[d] = label
	}
	if bytes.Equal(s.Derive("x"), s.expand("seal", "x")) || bytes.Equal(s.Derive("x"), sealer(t, strings.ToUpper(kek)).Derive("x")) {
		t.Error("keys for different purposes are the same")
	}
}

func TestSealerWantsARealKey(t *testing.T) {
	for _, bad := range []string{"", "short", kek[:31], strings.Repeat("\x00", 32), strings.Repeat("a", 64)} {
		if _, err := NewSealer([]byte(bad)); err == nil {
			t.Errorf("a key of %d bytes %.1q… is accepted", len(bad), bad)
		}
	}
	b := []byte(kek)
	s, _ := NewSealer(b)
	sealed := s.Seal("x", []byte("y"))
	clear(b)
	if _, err := s.Open("x", sealed); err != nil {
		t.Error("the Sealer shares its key with the caller's slice")
	}
}

func FuzzOpen(f *testing.F) {
	s := sealer(f, kek)
	f.Add(s.Seal("x", []byte("y")))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if _, err := s.Open("never sealed", sealed); err == nil {
			t.Error("something opened that was never sealed")
		}
	})
}
