package audit

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAnIssuanceIsFoundByItsRequest(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 11, 22, 4, 9, 0, 0, time.UTC)
	want := Issuance{Time: at, Tenant: "acme", RequestID: "8DngrX27Qpcyt1jI", Dialect: "nexthink", Grant: "client_credentials", ClientID: `a"b<`,
		Subject: "a", Scope: "s", TokenID: "t", Expires: at.Add(time.Minute), Source: netip.MustParseAddr("192.0.2.1")}
	j, err := OpenJournal(dir, func() time.Time { return at }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	j.Write(&Issuance{Time: at, RequestID: "other", ClientID: "8DngrX27Qpcyt1jI"})
	j.Write(&want)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "issued-2026-11-23.jsonl"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"time":"2026-11-23T00:00:00Z","request_id":"8DngrX27Qpcyt1jI","ten`); err != nil { // a crash cut it short
		t.Fatal(err)
	}
	f.Close()
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
