package expiry

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/directory"
)

func TestEachTenantHasItsFiguresAndOneThatCannotBeCountedHasNone(t *testing.T) {
	now := directory.Ends{Day: 1, Week: 2, Month: 3, Expired: 4, Never: 5}
	g := &Gauges{Tenants: func() []string { return []string{"acme", "broken"} },
		Ends: func(ctx context.Context, tenant string) (directory.Ends, error) {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("a store that is stuck would hold up all figures")
			}
			if tenant == "broken" {
				return directory.Ends{}, errors.New("the disk is gone")
			}
			return now, nil
		}}
	want := map[string]float64{"expiring_1d": 1, "expiring_7d": 2, "expiring_30d": 3, "expired": 4, "unending": 5}
	all := g.All()
	for _, gauge := range all {
		name := strings.TrimPrefix(gauge.Name, "tokenbooth_credentials_")
		got := gauge.Read()
		if _, ok := got["broken"]; ok || len(got) != 1 || got["acme"] != want[name] || gauge.Help == "" {
			t.Errorf("%s: got %v, want %v", gauge.Name, got, want[name])
		}
	}
	now.Day = 7
	if got := all[0].Read()["acme"]; len(all) != len(want) || got != 7 {
		t.Errorf("%d figures, and the first is %v a moment later", len(all), got)
	}
}
