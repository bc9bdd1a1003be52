package registry

import (
	"strings"
	"testing"
)

func TestUsersAreFoundByTheBeginningOfTheirNames(t *testing.T) {
	r, _, _ := world(t)
	for _, n := range []string{"bob@acme.test", "bo", "Bobby@acme.test", "alice@acme.test", "élan@acme.test", "zoe"} {
		createUser(t, r, n)
	}
	if err := deleteUser(ctx, r, by, "acme", "zoe"); err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string]string{
		"": "alice@acme.test bo bob@acme.test bobby@acme.test élan@acme.test", "BO": "bo bob@acme.test bobby@acme.test", "bob": "bob@acme.test bobby@acme.test",
		"zoe": "", "%": "", "a b": "", "E\u0301L": "élan@acme.test", "bobx": "",
	} {
		for limit := 1; limit <= 6; limit++ {
			var names []string
			for after, pages := "", 0; ; pages++ {
				page, next, err := r.FindUsers(ctx, "acme", prefix, after, limit)
				if err != nil || len(page) > limit || pages > 6 {
					t.Fatalf("%q: %d %v", prefix, len(page), err)
				}
				for _, u := range page {
					names = append(names, u.Username)
				}
				if after = next; after == "" {
					break
				}
			}
			if strings.Join(names, " ") != want {
				t.Errorf("%q by %d: %v", prefix, limit, names)
			}
		}
	}
	if page, _, err := r.FindUsers(ctx, "other", "", "", 0); err != nil || len(page) != 0 {
		t.Errorf("another tenant's: %v %v", page, err)
	}
}
