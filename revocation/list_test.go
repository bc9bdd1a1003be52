package revocation_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenbooth/tokenbooth/revocation"
)

const until = 1_795_330_140_000_000 // in microseconds since 1970

var epoch = time.UnixMicro(until).Add(-time.Hour)

func entries(n int) []revocation.Entry {
	all := make([]revocation.Entry, n)
	for i := range all {
		all[i] = revocation.Entry{Name: revocation.NameOf(revocation.Token, fmt.Sprint("token-", i)), Until: time.UnixMicro(until)}
		if i%3 == 0 {
			all[i].Before = epoch.Add(time.Duration(i) * time.Millisecond)
		}
	}
	return all
}

func page(n int) *revocation.List {
	return &revocation.List{Issuer: "https://login.example", IssuedAt: time.Unix(epoch.Unix(), 0), Epoch: "4fQ", After: 17, Sequence: 17 + uint64(n),
		Latest: 20 + uint64(n), Entries: entries(n)}
}

func TestAListComesBackAsItWasWritten(t *testing.T) {
	for _, n := range []int{0, 1, 3, revocation.MaxEntries} {
		want := page(n)
		if n == 0 {
			want.Entries = nil
		}
		got, err := revocation.ParseClaims(want.Claims())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%d entries:\n%.2000s", n, d)
		}
	}
}

func TestAListThatDoesNotAddUpIsRefused(t *testing.T) {
	good := string(page(1).Claims())
	if _, err := revocation.ParseClaims([]byte(good)); err != nil {
		t.Fatal(err)
	}
	revoked := good[strings.Index(good, `"revoked"`) : len(good)-1]
	endless := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	for name, change := range map[string][2]string{
		"no issuer":              {`"iss":"https://login.example",`, ""},
		"an empty issuer":        {`"https://login.example"`, `""`},
		"no time":                {`"iat":`, `"at":`},
		"a time before 1970":     {`"iat":`, `"iat":-`},
		"no epoch":               {`"epoch":"4fQ",`, ""},
		"no after":               {`"after":17,`, ""},
		"after is null":          {`"after":17,`, `"after":null,`},
		"after is negative":      {`"after":17,`, `"after":-17,`},
		"after is a text":        {`"after":17,`, `"after":"17",`},
		"no sequence":            {`"sequence":18,`, ""},
		"no latest":              {`"latest":21,`, ""},
		"no entries":             {"," + revoked, ""},
		"one entry too few":      {`"sequence":18`, `"sequence":19`},
		"one entry too many":     {`"sequence":18`, `"sequence":17`},
		"backwards":              {`"after":17`, `"after":19`},
		"the end before the end": {`"latest":21`, `"latest":17`},
		"numbers that overflow":  {`"after":17,"sequence":18`, `"after":18446744073709551615,"sequence":0`},
		"half an entry":          {revoked, revoked[:len(revoked)-8] + `"`},
		"padding":                {revoked, revoked[:len(revoked)-1] + `="`},
		"not base64url":          {revoked, revoked[:len(revoked)-2] + `+"`},
		"an entry without end":   {revoked, `"revoked":"` + endless + `"`},
		"entries as an array":    {revoked, `"revoked":[]`},
		"not JSON":               {"{", "["},
		"something after":        {"}", "}{}"},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if text == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if l, err := revocation.ParseClaims([]byte(text)); err == nil {
			t.Errorf("%s: accepted as %+v", name, l)
		}
	}
	long := page(revocation.MaxEntries + 1)
	if _, err := revocation.ParseClaims(long.Claims()); err == nil {
		t.Error("a page of more than MaxEntries was accepted")
	}
}

func TestNamesTellKindsAndIDsApartAndNothingElse(t *testing.T) {
	seen := map[revocation.Name]string{}
	for _, k := range revocation.Kinds() {
		for _, id := range []string{"", "a", "ta", "b", strings.Repeat("x", 500)} {
			n := revocation.NameOf(k, id)
			if id == "" && k != revocation.Issuer {
				if n != (revocation.Name{}) {
					t.Errorf("%v without an id has a name", k)
				}
				continue
			}
			if other := seen[n]; other != "" || n == (revocation.Name{}) {
				t.Errorf("%v %q has the name of %s", k, id, other)
			}
			seen[n] = fmt.Sprint(k, id)
		}
		if k.String() == revocation.Kind(0).String() {
			t.Errorf("kind %c has no word", k)
		}
	}
	names := revocation.NamesOf("id", "family", "client", "subject", "key")
	for i, id := range []string{"id", "family", "client", "subject", "", "key"} {
		if names[i] != revocation.NameOf(revocation.Kinds()[i], id) {
			t.Errorf("name %d is not that of %v", i, revocation.Kinds()[i])
		}
	}
}

// FuzzReq065_ParseClaims holds that no payload panics, and that one that is accepted means the same when it is written and read again.
func FuzzReq065_ParseClaims(f *testing.F) {
	f.Add([]byte("{}"))
	for _, n := range []int{0, 1, 4} {
		f.Add(page(n).Claims())
	}
	f.Add([]byte(`{"iss":"a","iat":1,"epoch":"e","after":0,"sequence":0,"latest":18446744073709551615,"revoked":""}`))
	f.Add([]byte(`{"iss":"a","iat":1,"epoch":"e","after":0,"sequence":1,"latest":1,"revoked":"` +
		base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xff", 32))) + `"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		l, err := revocation.ParseClaims(payload)
		if err != nil {
			return
		}
		if l.Issuer == "" || l.Epoch == "" || uint64(len(l.Entries)) != l.Sequence-l.After || l.Latest < l.Sequence || len(l.Entries) > revocation.MaxEntries {
			t.Fatalf("accepted %+v", l)
		}
		again, err := revocation.ParseClaims(l.Claims())
		if err != nil {
			t.Fatalf("what was read from %q is refused: %v", payload, err)
		}
		if d := cmp.Diff(l, again); d != "" {
			t.Fatal(d)
		}
	})
}
