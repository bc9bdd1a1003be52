package audit

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
)

func TestAnIssuanceIsFoundByItsRequest(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 11, 22, 4, 9, 0, 0, time.UTC)
	request := secret.NewID(at)
	want := Issuance{Time: at, Tenant: "acme", RequestID: request, Dialect: "nexthink", Grant: "client_credentials", ClientID: `a"b<`,
		Subject: "a", Scope: "s", TokenID: "t", Expires: at.Add(time.Minute), Source: netip.MustParseAddr("192.0.2.1")}
	j, err := OpenJournal(dir, func() time.Time { return at }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	j.Write(&Issuance{Time: at, RequestID: "other", ClientID: request})
	j.Write(&want)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "issued-2026-11-23.jsonl"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"time":"2026-11-23T00:00:00Z","request_id":"` + request + `","ten`); err != nil { // a crash cut it short
		t.Fatal(err)
	}
	f.Close()
	long := append(bytes.Repeat([]byte("x"), 3*readAhead), request...) // what is no line of ours hides none
	if err := os.WriteFile(filepath.Join(dir, "issued-2026-11-24.jsonl"), long, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := FindIssuance(dir, want.RequestID)
	if err != nil || got == nil || !got.Expires.Equal(want.Expires) {
		t.Fatalf("%+v %v", got, err)
	}
	got.Expires = want.Expires
	if *got != want {
		t.Errorf("found %+v, wrote %+v", *got, want)
	}
	if none, err := FindIssuance(dir, "nobody"); none != nil || err != nil {
		t.Errorf("found %+v %v for a request that is not there", none, err)
	}
}

func TestAnIssuanceIsLookedForInTheFilesOfItsDayAndTheNext(t *testing.T) {
	dir, midnight := t.TempDir(), time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	write := func(file, id string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, file), []byte(`{"request_id":"`+id+`"}`+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for made, want := range map[time.Duration]map[string]bool{
		0:                     {"issued-2026-11-21.jsonl": false, "issued-2026-11-22.jsonl": true, "issued-2026-11-23.jsonl": true, "issued-2026-11-24.jsonl": false},
		24*time.Hour - 1000:   {"issued-2026-11-21.jsonl": false, "issued-2026-11-22.jsonl": true, "issued-2026-11-23.jsonl": true, "issued-2026-11-24.jsonl": false},
		-time.Millisecond:     {"issued-2026-11-21.jsonl": true, "issued-2026-11-22.jsonl": true, "issued-2026-11-23.jsonl": false},
		365 * 24 * time.Hour:  {"issued-2026-11-22.jsonl": false, "issued-of-old.jsonl": true},
		-365 * 24 * time.Hour: {"issued-2026-11-22.jsonl": false},
	} {
		for file, found := range want {
			id := secret.NewID(midnight.Add(made))
			write(file, id)
			if got, err := FindIssuance(dir, id); err != nil || (got != nil) != found {
				t.Errorf("an id of %v in %s: %+v, %v", midnight.Add(made), file, got, err)
			}
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("issued-2026-11-22.jsonl", "a request id of another make")
	if got, err := FindIssuance(dir, "a request id of another make"); err != nil || got == nil {
		t.Error(got, err)
	}
}
