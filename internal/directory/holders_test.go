package directory

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/registry/registrytest"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestHoldersAreWhatASearchForEachPermissionCounts(t *testing.T) {
	d, _, c := world(t)
	crowd(t, d, c, 40)
	if err := errors.Join(registrytest.DeleteClient(ctx, d.registry, by, "acme", "App-000"), registrytest.DisableClient(ctx, d.registry, by, "acme", "App-001", true)); err != nil {
		t.Fatal(err)
	}
	all, err := d.Holders(ctx, "acme")
	if err != nil || len(all) != 3 {
		t.Fatal(all, err)
	}
	for _, p := range []string{"workflows", "campaigns", "nql", "nothing"} {
		if _, page := found(t, d, Search{Permission: p, Limit: 1}); all[p] != page.Total {
			t.Errorf("%d hold %s, and a search finds %d", all[p], p, page.Total)
		}
	}
	if _, err := d.Holders(ctx, "nobody"); err == nil {
		t.Error("there are holders at a tenant that is not there")
	}
}

func TestHoldersOfMorePermissionsThanARowHasBitsForAreCounted(t *testing.T) {
	list := newRoster()
	for n := range 200 {
		list.put(&registry.Client{ID: fmt.Sprint("c", n), ClientSpec: registry.ClientSpec{Name: "n", Permissions: []string{fmt.Sprint("p", n%100), "all"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	}
	for n := range 100 {
		list.put(&registry.Client{ID: fmt.Sprint("c", n), Deleted: true, ClientSpec: registry.ClientSpec{Name: "n", Permissions: []string{fmt.Sprint("p", n), "all"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
	}
	all := list.holders()
	if len(all) != 101 || all["all"] != 100 || all["p3"] != 1 || all["p99"] != 1 {
		t.Error(len(all), all)
	}
}
