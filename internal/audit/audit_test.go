package audit

import (
	"context"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store/memory"
)

func TestReq113_WhatIsSearchedForIsTakenLiterally(t *testing.T) {
	ctx, now := context.Background(), time.Now()
	s := memory.New(func() time.Time { return now })
	for id, actor := range map[string]string{"1": "cli:ann", "2": "cli:%", "3": "cli:_x", "4": `cli:\`, "5": "cli:'--"} {
		if err := s.Put(ctx, Record(Event{ID: id, Tenant: "acme", Time: now, Act: "client.create", Actor: actor, Outcome: Allowed})); err != nil {
			t.Fatal(err)
		}
	}
	for asked, want := range map[string][]string{"cli:": {"5", "4", "3", "2", "1"}, "cli:%": {"2"}, "cli:_": {"3"}, `cli:\`: {"4"}, "cli:'": {"5"}, "%": nil, "CLI:": nil} {
		events, _, _, err := Search(ctx, s, Query{Tenant: "acme", Actor: asked})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range events {
			got = append(got, e.ID)
		}
		if len(got) != len(want) {
			t.Errorf("%q finds %v, not %v", asked, got, want)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%q finds %v, not %v", asked, got, want)
			}
		}
	}
}
