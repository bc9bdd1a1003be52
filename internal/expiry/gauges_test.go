package expiry

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

func TestSecretsAreCountedByWhenTheyEnd(t *testing.T) {
	client := func(ends ...time.Duration) *registry.Client {
		c := &registry.Client{}
		for _, e := range ends {
			cred := registry.Credential{}
			if e != 0 {
				cred.Expires = noon.Add(e)
			}
			c.Credentials = append(c.Credentials, cred)
		}
		return c
	}
	short := client(0, 90*day)
	short.Expires = noon.Add(3 * day)
	off, gone := client(time.Hour), client(time.Hour)
	off.Disabled, gone.Deleted = true, true
	pages := map[string][]*registry.Client{"": {client(time.Hour, 0), client(-time.Hour), client(7 * day)}, "next": {client(30*day, 31*day), short, off, gone}}
	calls, now := 0, noon
	g := &Gauges{Tenants: func() []string { return []string{"acme", "broken"} }, Now: func() time.Time { return now },
		Clients: func(_ context.Context, tenant, after string, _ int) ([]*registry.Client, string, error) {
			calls++
			if tenant == "broken" {
				return nil, "", errors.New("the disk is gone")
			}
			if after == "" {
				return pages[""], "next", nil
			}
			return pages[after], "", nil
		}}
	want := map[string]float64{"expiring_1d": 1, "expiring_7d": 4, "expiring_30d": 5, "expired": 1, "unending": 1}
	for _, gauge := range g.All() {
		name := strings.TrimPrefix(gauge.Name, "tokenbooth_credentials_")
		got := gauge.Read()
		if _, ok := got["broken"]; ok || len(got) != 1 || got["acme"] != want[name] || gauge.Help == "" {
			t.Errorf("%s: got %v, want %v", gauge.Name, got, want[name])
		}
	}
	if calls != 3 {
		t.Errorf("five figures cost %d pages, want 3", calls)
	}
	now = now.Add(countEvery)
	if g.All()[0].Read(); calls != 6 {
		t.Errorf("%d pages after five minutes", calls)
	}
}
