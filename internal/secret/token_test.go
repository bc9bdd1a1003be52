package secret

import (
	"fmt"
	"hash/crc32"
	"regexp"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456000, time.UTC)

func TestReq007_MillionSecretsAreDistinctAndEveryCharacterIsEquallyLikelyEverywhere(t *testing.T) {
	makers := map[string]struct {
		make func() string
		from int // where the random characters begin
		n    int
	}{
		"New":      {func() string { return New("tbs") }, 4, bodyLen},
		"NewToken": {func() string { text, _ := NewToken("tba", noon); return text }, 4 + idTime, idRandom + bodyLen},
	}
	for name, m := range makers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			samples := 1_000_000
			if testing.Short() {
				samples = 100_000
			}
			seen := make(map[string]struct{}, samples)
			counts := make([][62]int, m.n)
			for range samples {
				s := m.make()
				if _, twice := seen[s]; twice {
					t.Fatal("the same text was made twice")
				}
				seen[s] = struct{}{}
				for i := range counts {
					counts[i][digit(s[m.from+i])]++
				}
			}
			for i, c := range counts {
				if x := chiSquare(c[:], samples); x > 61+7*11.05 { // 61 degrees of freedom: mean 61, deviation 11.05
					t.Errorf("position %d: characters are not equally likely (chi-square %.0f)", i, x)
				}
			}
		})
	}
}

func chiSquare(counts []int, samples int) (x float64) {
	want := float64(samples) / float64(len(counts))
	for _, n := range counts {
		x += (float64(n) - want) * (float64(n) - want) / want
	}
	return x
}

func TestReq007_UUIDsAndNoncesAreDistinct(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	uuids, nonces := map[string]bool{}, map[[32]byte]bool{}
	for range 100_000 {
		u, n := UUID(), Nonce()
		if !form.MatchString(u) {
			t.Fatalf("%q is not a version 4 UUID", u)
		}
		if uuids[u] || nonces[n] {
			t.Fatal("the same value was made twice")
		}
		uuids[u], nonces[n] = true, true
	}
}

// edits yields every text that differs from s in one character, plus cuts and extensions.
func edits(s string, yield func(string)) {
	for i := range len(s) {
		for _, c := range []byte(alphabet + "_-.+/= \x00\xff") {
			if c != s[i] {
				yield(s[:i] + string([]byte{c}) + s[i+1:])
			}
		}
		yield(s[:i])
		yield(s[i+1:])
		yield(s[:i] + "0" + s[i:])
		if i > 0 && s[i] != s[i-1] {
			yield(s[:i-1] + s[i:i+1] + s[i-1:i] + s[i+1:])
		}
	}
	yield(s + "0")
	yield(s + s)
	yield(" " + s)
	yield(s + "\n")
}

func TestReq009_B8_EveryEditOfATokenIsRefused(t *testing.T) {
	key, nonce := []byte("0123456789abcdef0123456789abcdef"), []byte("nonce")
	rounds := 1000
	if testing.Short() {
		rounds = 50
	}
	for range rounds {
		client := New("tbs")
		opaque, _ := NewToken("tba", noon)
		refresh := NewRefresh(key, nonce, NewID(noon), 7)
		edits(client, func(e string) {
			if Intact(e, "tbs") {
				t.Fatalf("an edited client secret is intact: %q of %q", e, client)
			}
		})
		edits(opaque, func(e string) {
			if _, ok := ParseToken(e, "tba"); ok {
				t.Fatalf("an edited token parses: %q of %q", e, opaque)
			}
		})
		edits(refresh, func(e string) {
			if _, _, ok := ParseRefresh(e); ok {
				t.Fatalf("an edited refresh token parses: %q of %q", e, refresh)
			}
		})
	}
}

func TestReq009_TokensWithSwappedPartsDoNotMatchEvenWhenTheChecksumIsMadeRight(t *testing.T) {
	a, idA := NewToken("tba", noon)
	b, _ := NewToken("tba", noon)
	forged := string(appendCheck([]byte("tba_" + idA + b[4+idLen:len(b)-checkLen])))
	id, ok := ParseToken(forged, "tba")
	if !ok || id != idA {
		t.Fatal("the forged token should have the right shape")
	}
	if d := Digest(a); Matches(d[:], forged) {
		t.Error("the secret of one token was accepted under the id of another")
	}
}

func TestReq015_KindsOfSecretAreNotInterchangeable(t *testing.T) {
	client := New("tbs")
	opaque, _ := NewToken("tba", noon)
	refresh := NewRefresh(nil, nil, NewID(noon), 0)
	for _, text := range []string{client, refresh, "tba" + client[3:], "tba" + refresh[3:], UUID(), ""} {
		if _, ok := ParseToken(text, "tba"); ok {
			t.Errorf("%q parses as an access token", text)
		}
	}
	for _, text := range []string{client, opaque, "tbr" + opaque[3:]} {
		if _, _, ok := ParseRefresh(text); ok {
			t.Errorf("%q parses as a refresh token", text)
		}
	}
	if Intact(opaque, "tbs") || Intact("tbs"+opaque[3:], "tbs") || Intact(client, "tbx") || Intact(client, "") {
		t.Error("something else passes as a client secret")
	}
}

func TestTokenCarriesItsID(t *testing.T) {
	text, id := NewToken("tba", noon)
	got, ok := ParseToken(text, "tba")
	if !ok || got != id || len(text) != len("tba_")+16+43+6 {
		t.Errorf("ParseToken(%q) = %q, %v, want %q", text, got, ok, id)
	}
	d := Digest(text)
	if !Matches(d[:], text) || Matches(d[:], text+"x") || Matches(d[:31], text) || Matches(nil, text) {
		t.Error("Matches and Digest disagree")
	}
}

func TestByteOrderOfIDsIsTheOrderOfTime(t *testing.T) {
	earlier := NewID(time.Unix(0, 0))
	for _, at := range []time.Time{time.Unix(0, 1000), time.Unix(1, 0), noon, noon.Add(time.Microsecond), noon.AddDate(300, 0, 0), time.UnixMicro(1 << 62)} {
		id := NewID(at)
		if len(id) != 16 || id <= earlier {
			t.Errorf("id %q of %v does not come after %q", id, at, earlier)
		}
		earlier = id
	}
	if id := NewID(time.Unix(-5, 0)); !strings.HasPrefix(id, "000000000") {
		t.Errorf("id %q of a time before 1970 is not the least", id)
	}
}

func TestWideNumbersKeepEveryBit(t *testing.T) {
	var ones [32]byte
	for i := range ones {
		ones[i] = 0xff
	}
	var one, big [32]byte
	one[31], big[23] = 1, 1 // 1 and 2^64
	for sum, want := range map[[32]byte]string{
		{}:   strings.Repeat("0", 43),
		one:  strings.Repeat("0", 42) + "1",
		big:  strings.Repeat("0", 32) + "LygHa16AHYG",
		ones: "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1",
	} {
		got := string(appendWide(nil, sum))
		if len(got) != 43 {
			t.Errorf("%x: %d characters", sum, len(got))
		}
		if got != want {
			t.Errorf("%x: got %s, want %s", sum, got, want)
		}
	}
}

func TestChecksumIsThatOfTheStandardLibrary(t *testing.T) {
	for range 1000 {
		text := New("tbs")
		if checksum(text) != crc32.ChecksumIEEE([]byte(text)) {
			t.Fatalf("checksum of %q differs", text)
		}
	}
}

func TestRefreshTokenIsTheSameForTheSameGenerationAndOtherwiseUnforeseeable(t *testing.T) {
	key, nonce, family := []byte(strings.Repeat("k", 32)), []byte(strings.Repeat("n", 32)), NewID(noon)
	text := NewRefresh(key, nonce, family, 41)
	if text != NewRefresh(key, nonce, family, 41) {
		t.Error("the same generation is spelled in two ways")
	}
	gotFamily, gotSeq, ok := ParseRefresh(text)
	if !ok || gotFamily != family || gotSeq != 41 || !CheckRefresh(key, nonce, family, 41, text) {
		t.Fatalf("ParseRefresh(%q) = %q, %d, %v", text, gotFamily, gotSeq, ok)
	}
	seen := map[string]bool{text[26:69]: true}
	for what, other := range map[string]string{
		"the next generation": NewRefresh(key, nonce, family, 42),
		"another family":      NewRefresh(key, nonce, NewID(noon), 41),
		"another nonce":       NewRefresh(key, nonce[1:], family, 41),
		"another server":      NewRefresh(key[1:], nonce, family, 41),
	} {
		if seen[other[26:69]] || CheckRefresh(key, nonce, family, 41, other) {
			t.Errorf("the token of %s is accepted", what)
		}
		seen[other[26:69]] = true
	}
	last := NewRefresh(key, nonce, family, 1<<32-1)
	if _, seq, ok := ParseRefresh(last); !ok || seq != 1<<32-1 {
		t.Error("the last generation does not parse")
	}
	beyond := string(appendCheck([]byte(last[:20] + string(appendNumber(nil, 1<<32, 6)) + last[26:69])))
	if _, _, ok := ParseRefresh(beyond); ok {
		t.Error("a generation beyond the last parses")
	}
}

func FuzzParseToken(f *testing.F) {
	text, _ := NewToken("tba", noon)
	f.Add(text, "tba")
	f.Add(New("tbs"), "tbs")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, text, prefix string) {
		id, ok := ParseToken(text, prefix)
		if ok && (len(id) != idLen || len(text) != len(prefix)+1+idLen+bodyLen+checkLen || !strings.HasPrefix(text, prefix+"_"+id)) {
			t.Errorf("ParseToken(%q, %q) = %q", text, prefix, id)
		}
		if ok && Intact(text, prefix) {
			t.Errorf("%q is a token and a client secret at once", text)
		}
	})
}

func FuzzParseRefresh(f *testing.F) {
	f.Add(NewRefresh([]byte("key"), []byte("nonce"), NewID(noon), 3))
	f.Add("tbr_")
	f.Fuzz(func(t *testing.T, text string) {
		family, seq, ok := ParseRefresh(text)
		if !ok {
			return
		}
		if want := fmt.Sprintf("tbr_%s%s", family, appendNumber(nil, uint64(seq), seqLen)); !strings.HasPrefix(text, want) {
			t.Errorf("ParseRefresh(%q) = %q, %d", text, family, seq)
		}
		if CheckRefresh([]byte("another key"), nil, family, seq, text) {
			t.Errorf("%q was guessed", text)
		}
	})
}
