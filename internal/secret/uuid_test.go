package secret

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var version4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func newUUIDs(t testing.TB, fill byte) *UUIDs {
	t.Helper()
	s, err := NewSealer(append(bytes.Repeat([]byte{fill}, 31), fill+1))
	if err != nil {
		t.Fatal(err)
	}
	return NewUUIDs(s)
}

func TestATokenThatIsAUUIDIsFoundAgainByItsTextAlone(t *testing.T) {
	u := newUUIDs(t, 1)
	for _, at := range []time.Time{time.UnixMilli(0), time.Unix(1795348800, 123e6), time.UnixMilli(1<<48 - 1), time.UnixMilli(-5)} {
		text, id := u.New(at)
		if !version4.MatchString(text) {
			t.Errorf("%q is not a UUID of version 4", text)
		}
		if found, ok := newUUIDs(t, 1).Parse(text); !ok || found != id {
			t.Errorf("made at %v: found %q, %v; want %q", at, found, ok, id)
		}
	}
}

func TestIDsOfUUIDsAreInTheOrderOfTime(t *testing.T) {
	u, at := newUUIDs(t, 1), time.Unix(1795348800, 0)
	var ids, texts []string
	for range 1000 {
		text, id := u.New(at)
		ids, texts, at = append(ids, id), append(texts, text), at.Add(time.Millisecond)
	}
	if !slices.IsSorted(ids) {
		t.Error("ids made one after the other are not in byte order")
	}
	if slices.IsSorted(texts) {
		t.Error("texts show the order they were made in")
	}
}

func TestReq007_NobodyWithoutTheKeySeesTheTimeInAUUID(t *testing.T) {
	u, at := newUUIDs(t, 1), time.Unix(1795348800, 0)
	var ones [48]int
	const made = 4000
	for range made { // all in one millisecond
		text, _ := u.New(at)
		b, ok := readUUID(text)
		if !ok {
			t.Fatalf("cannot read %q", text)
		}
		for bit := range ones {
			ones[bit] += int(b[bit/8] >> (7 - bit%8) & 1)
		}
	}
	for bit, n := range ones {
		if n < made*45/100 || n > made*55/100 {
			t.Errorf("bit %d of 48 is set in %d of %d UUIDs of one moment", bit, n, made)
		}
	}
}

func TestAnotherKeyFindsAnotherRow(t *testing.T) {
	text, id := newUUIDs(t, 1).New(time.Unix(1795348800, 0))
	if found, _ := newUUIDs(t, 2).Parse(text); found == id {
		t.Error("the id does not depend on the key")
	}
}

func TestAnIDOfAUUIDHasNothingOfItsText(t *testing.T) {
	text, id := newUUIDs(t, 1).New(time.Unix(1795348800, 0))
	for i := range len(text) - 8 {
		if strings.Contains(id, text[i:i+8]) {
			t.Errorf("the id %q shows a part of the token %q", id, text)
		}
	}
}

func TestOnlyOneSpellingOfAUUIDIsAToken(t *testing.T) {
	u := newUUIDs(t, 1)
	text, _ := u.New(time.Now())
	for what, wrong := range map[string]string{
		"upper case":      strings.ToUpper(text),
		"no hyphens":      strings.ReplaceAll(text, "-", ""),
		"braces":          "{" + text + "}",
		"version 1":       text[:14] + "1" + text[15:],
		"another variant": text[:19] + "c" + text[20:],
		"a letter":        text[:35] + "g",
		"hyphens moved":   text[:7] + "-" + text[7:8] + text[9:],
		"empty":           "",
		"an opaque token": "tba_" + text,
	} {
		if _, ok := u.Parse(wrong); ok && wrong != text {
			t.Errorf("%s: %q is taken for a token", what, wrong)
		}
	}
}

func FuzzParseUUID(f *testing.F) {
	u := newUUIDs(f, 1)
	text, _ := u.New(time.Unix(1795348800, 0))
	f.Add(text)
	f.Add("00000000-0000-4000-8000-000000000000")
	f.Fuzz(func(t *testing.T, text string) {
		id, ok := u.Parse(text)
		if ok != version4.MatchString(text) {
			t.Errorf("Parse(%q) = %v", text, ok)
		}
		if ok && len(id) != idTime+2*uuidDigest {
			t.Errorf("the id of %q is %q", text, id)
		}
	})
}

func BenchmarkUUIDs(b *testing.B) {
	u := newUUIDs(b, 1)
	now := time.Now()
	for b.Loop() {
		text, _ := u.New(now)
		if _, ok := u.Parse(text); !ok {
			b.Fatal(text)
		}
	}
}
