package audit

import (
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func veilOf(t *testing.T, kek string) Veil {
	t.Helper()
	s, err := secret.NewSealer([]byte(kek))
	if err != nil {
		t.Fatal(err)
	}
	return NewVeil(s)
}

func TestAVeiledNameCanBeComparedAndNotRead(t *testing.T) {
	const name = oauth.Unproven("hunter2-hunter2")
	v, other := veilOf(t, "0123456789abcdef0123456789abcdef"), veilOf(t, "fedcba9876543210fedcba9876543210")
	text := v.Of(name)
	if strings.Contains(text, "hunter2") || text != v.Of(name) || text == other.Of(name) || text == v.Of("hunter2-hunter3") {
		t.Errorf("a name is written as %s", text)
	}
	for what, c := range map[string]struct {
		veil         Veil
		text         string
		name         oauth.Unproven
		veiled, same bool
	}{
		"the name that was sent":          {v, text, name, true, true},
		"another name":                    {v, text, "hunter2-hunter3", true, false},
		"by another installation":         {other, text, name, true, false},
		"a party":                         {v, v.Party("client", "", name), name, true, true},
		"a name in clear":                 {v, "client:hunter2", "hunter2", false, false},
		"a text that is cut":              {v, text[:len(text)-1], name, false, false},
		"without a key":                   {Veil{}, text, name, false, false},
		"what a Veil without a key wrote": {v, Veil{}.Of(name), name, false, false},
	} {
		if veiled, same := c.veil.Fits(c.text, c.name); veiled != c.veiled || same != c.same {
			t.Errorf("%s: %v %v", what, veiled, same)
		}
	}
}

func TestARegisteredNameIsWrittenInClear(t *testing.T) {
	v := veilOf(t, "0123456789abcdef0123456789abcdef")
	if got := v.Party("client", "postman", "postman"); got != "client:postman" {
		t.Errorf("a registered client is %s", got)
	}
	if got := v.Party("user", "", "postman"); !strings.HasPrefix(got, UnknownParty) || strings.Contains(got, "postman") {
		t.Errorf("a user that nobody is is %s", got)
	}
	if got := v.Party("user", "", ""); got != "" {
		t.Errorf("nobody is %s", got)
	}
}
