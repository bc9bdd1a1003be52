package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestExpiryIsRoundedDownToWhatEnginesKeep(t *testing.T) {
	r := Record{Expires: noon.Add(1999 * time.Nanosecond).In(time.FixedZone("west", -3600))}
	if got, want := r.Clone().Expires, noon.Add(time.Microsecond); got != want {
		t.Errorf("kept as %v, want %v in UTC", got, want)
	}
	for after, want := range map[time.Duration]bool{0: false, 999: false, 1000: true, 1999: true, time.Hour: true, -time.Hour: false} {
		if got := r.Expired(noon.Add(after)); got != want {
			t.Errorf("%v after noon: expired %v, want %v", after, got, want)
		}
	}
	if (Record{}).Expired(noon) || !(Record{}).Clone().Expires.IsZero() {
		t.Error("a record without expiry expires")
	}
}

func TestCloneSharesNothing(t *testing.T) {
	r := Record{Tenant: "acme", Kind: User, ID: "a", Rev: 3, Parent: "p", Label: "l", Expires: noon, Body: []byte("body")}
	c := r.Clone()
	if diff := cmp.Diff(r, c); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c.Body[0] = 'X'
	if string(r.Body) != "body" {
		t.Error("the clone shares its body")
	}
	if (Record{Body: []byte{}}).Clone().Body != nil {
		t.Error("an empty body is not nil")
	}
}

func TestPageHasALimit(t *testing.T) {
	for limit, want := range map[int]int{-5: DefaultLimit, 0: DefaultLimit, 1: 1, MaxLimit: MaxLimit, MaxLimit + 1: MaxLimit} {
		if got := (Query{Limit: limit}).Page(); got != want {
			t.Errorf("limit %d: %d, want %d", limit, got, want)
		}
	}
}

func TestCheckRefusesWhatNoEngineCouldKeep(t *testing.T) {
	sound := Record{Kind: Token, ID: "a"}
	if err := Check([]Record{sound, {Kind: Token, ID: "b"}, {Kind: User, ID: "a"}, {Tenant: "acme", Kind: Token, ID: "a"}}); err != nil {
		t.Errorf("sound records: %v", err)
	}
	for name, bad := range map[string]Record{
		"unknown kind": {Kind: "tokens", ID: "x"}, "no kind": {ID: "x"}, "no id": {Kind: Token}, "NUL in id": {Kind: Token, ID: "\x00"},
		"not UTF-8": {Kind: Token, ID: "x", Label: "\xff"}, "too large": {Kind: Token, ID: "x", Label: strings.Repeat("x", MaxBytes)},
	} {
		if err := Check([]Record{sound, bad}); err == nil || errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v, want a fault", name, err)
		}
	}
	if err := Check([]Record{sound, sound}); !errors.Is(err, ErrConflict) {
		t.Errorf("named twice: %v, want ErrConflict", err)
	}
	if err := Check(make([]Record, MaxRecords+1)); err == nil {
		t.Error("too many records fit")
	}
}
