package registry

import (
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

func TestB29_what_was_noted_of_secrets_that_are_no_more_goes_and_what_is_used_still_stays(t *testing.T) {
	const day = 24 * time.Hour
	r, s, c := world(t)
	for _, id := range []string{"postman", "gone"} {
		client := postman()
		client.ID = id
		create(t, r, client)
	}
	w := writer(r)
	w.turn(t, c, time.Second)
	useTimes(t, r, "postman", 3)
	useTimes(t, r, "gone", 3)
	r.UsedPermission("acme", "gone", "workflows")
	w.turn(t, c, 2*time.Minute)
	if err := deleteClient(ctx, r, by, "acme", "gone"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := rotateSecret(ctx, r, by, "acme", "postman", 0); err != nil {
		t.Fatal(err)
	}
	rows := func() (n int) {
		t.Helper()
		for _, tenant := range []string{"acme", "other"} {
			all, err := s.List(ctx, store.Query{Tenant: tenant, Kind: store.Use})
			if err != nil {
				t.Fatal(err)
			}
			n += len(all)
		}
		return n
	}
	if n := rows(); n != 5 { // two secrets, a permission, and since when of each tenant
		t.Fatalf("%d rows", n)
	}
	c.advance(300 * day)
	useTimes(t, r, "postman", 2)
	w.turn(t, c, 2*time.Minute)
	c.advance(101 * day)
	if n := rows(); n != 3 {
		t.Errorf("%d rows after 401 days, want the secret in use and the two of since when", n)
	}
	c.advance(200 * day)
	useTimes(t, r, "postman", 4) // 301 days after its last use: its row is there
	w.turn(t, c, 2*time.Minute)
	c.advance(200 * day)
	if n := rows(); n != 3 {
		t.Errorf("%d rows although it was used 200 days ago", n)
	}
	u, err := r.Usage(ctx, "acme", "postman")
	if err != nil || !u.Since.Equal(c.now().Add(-useKept)) {
		t.Errorf("what was not used since %v may have been, before that; %v", u.Since, err)
	}
}
