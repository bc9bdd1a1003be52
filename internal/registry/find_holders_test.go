package registry

import (
	"errors"
	"fmt"
	"testing"
)

func TestHoldersAreWhatASearchForEachPermissionCounts(t *testing.T) {
	r, _, c := world(t)
	crowd(t, r, c, 40)
	if err := errors.Join(deleteClient(ctx, r, by, "acme", "App-000"), disableClient(ctx, r, by, "acme", "App-001", true)); err != nil {
		t.Fatal(err)
	}
	all, err := r.Holders(ctx, "acme")
	if err != nil || len(all) != 3 {
		t.Fatal(all, err)
	}
	for _, p := range []string{"workflows", "campaigns", "nql", "nothing"} {
		if _, page := found(t, r, ClientSearch{Permission: p, Limit: 1}); all[p] != page.Total {
			t.Errorf("%d hold %s, and a search finds %d", all[p], p, page.Total)
		}
	}
	if _, err := r.Holders(ctx, "nobody"); err == nil {
		t.Error("there are holders at a tenant that is not there")
	}
}

func TestHoldersOfMorePermissionsThanARowHasBitsForAreCounted(t *testing.T) {
	list := newRoster()
	for n := range 200 {
		list.put(&Client{ID: fmt.Sprint("c", n), Name: "n", Permissions: []string{fmt.Sprint("p", n%100), "all"}})
	}
	for n := range 100 {
		list.put(&Client{ID: fmt.Sprint("c", n), Name: "n", Deleted: true, Permissions: []string{fmt.Sprint("p", n), "all"}})
	}
	all := list.holders()
	if len(all) != 101 || all["all"] != 100 || all["p3"] != 1 || all["p99"] != 1 {
		t.Error(len(all), all)
	}
}
