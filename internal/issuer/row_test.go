package issuer

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func someRows() []row {
	at := time.Date(2026, 11, 22, 4, 9, 0, 123456000, time.UTC)
	plain := row{Digest: []byte("0123456789abcdef0123456789abcdef"), Subject: "app", Client: "app", Scope: "a b", Audience: []string{"https://a"}, Issued: at}
	full := plain
	full.Username, full.Name, full.Permissions, full.Family, full.Revoked = "bob@acme.test", "Bob", []string{"x", "y"}, "f", at.Add(time.Hour)
	none, odd, foreign := plain, full, full
	none.Permissions, none.Audience = []string{}, []string{"a", "b"}
	odd.Name, odd.Subject = `Bob "the <builder>" \ & co`, "a\tb"
	foreign.Name = "Bärbel \u2028 😀"
	return []row{plain, full, none, odd, foreign}
}

func TestARowIsReadAsItWasWritten(t *testing.T) {
	for _, r := range someRows() {
		got, err := readRow(r.body())
		var slow row
		if err2 := json.Unmarshal(r.body(), &slow); err != nil || err2 != nil || !reflect.DeepEqual(got, r) || !reflect.DeepEqual(slow, r) {
			t.Errorf("%v %v\n%+v\n%+v\nwant\n%+v", err, err2, got, slow, r)
		}
		if _, plain := readPlainRow(string(r.body())); plain == (r.Subject == "a\tb") {
			t.Errorf("read by hand: %v: %s", plain, r.body())
		}
	}
}

// FuzzReadRow: what is read by hand is what encoding/json reads, and all else is left to it.
func FuzzReadRow(f *testing.F) {
	for _, r := range someRows() {
		f.Add(string(r.body()))
	}
	for _, s := range []string{"", "{}", `{"digest":"AA==","sub":"a","sub":"b"}`, `{"digest":"AA==","aud":["a",]}`, `{"digest":"AA==","iat":"x"}`, `{"digest":"AA==","name":"\ud800"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		byHand, ok := readPlainRow(body)
		if !ok {
			return
		}
		var r row
		if err := json.Unmarshal([]byte(body), &r); err != nil || !reflect.DeepEqual(r, byHand) {
			t.Errorf("%q\n%+v\n%+v %v", body, byHand, r, err)
		}
	})
}

func BenchmarkReadRow(b *testing.B) {
	r := someRows()[1]
	body := r.body()
	for b.Loop() {
		if _, err := readRow(body); err != nil {
			b.Fatal(err)
		}
	}
}
