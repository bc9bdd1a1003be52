package registry

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// works reports whether a secret proves a client now.
func works(t testing.TB, r *Registry, id string, text oauth.Secret) bool {
	t.Helper()
	c, err := r.Client(ctx, "acme", id)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(c.Credentials, func(cr Credential) bool { return cr.Live(r.now()) && cr.Hash.Matches(text.Reveal()) })
}

func rotate(t testing.TB, r *Registry, id string, overlap time.Duration) (*Client, oauth.Secret) {
	t.Helper()
	c, text, err := rotateSecret(ctx, r, by, "acme", id, overlap)
	if err != nil {
		t.Fatal(err)
	}
	return c, text
}

func TestReq105_an_old_secret_can_be_retired_before_its_time(t *testing.T) {
	r, s, c := world(t)
	_, first := create(t, r, postman())
	rotated, second := rotate(t, r, "postman", time.Hour)
	old, newest := rotated.Credentials[0].ID, rotated.Credentials[1].ID
	for _, id := range []string{newest, "no such", ""} {
		if _, err := retireSecret(ctx, r, by, "acme", "postman", id); field(err) != "credential" {
			t.Errorf("%q: %v", id, err)
		}
	}
	if !works(t, r, "postman", first) || !works(t, r, "postman", second) {
		t.Fatal("one of the two does not work during the overlap")
	}
	after, err := retireSecret(ctx, r, by, "acme", "postman", old)
	if err != nil || len(after.Credentials) != 1 || works(t, r, "postman", first) || !works(t, r, "postman", second) {
		t.Errorf("%+v %v", after, err)
	}
	if _, err := retireSecret(ctx, r, by, "acme", "postman", old); field(err) != "credential" {
		t.Errorf("a second time: %v", err)
	}
	if _, err := undoRotation(ctx, r, by, "acme", "postman"); field(err) != "credentials" {
		t.Errorf("a retired secret comes back: %v", err)
	}
	if all := kept(t, s); !strings.Contains(all, "client.retire-secret") || strings.Contains(all, first.Reveal()) || strings.Contains(all, second.Reveal()) {
		t.Error("who retired it is not written down, or a secret is")
	}
	c.advance(time.Second)
	if rotate(t, r, "postman", time.Hour); !works(t, r, "postman", second) {
		t.Error("there is no room for the next rotation")
	}
}

func TestReq105_a_rotation_can_be_undone_while_both_secrets_live(t *testing.T) {
	r, _, c := world(t)
	_, first := create(t, r, postman())
	for name, before := range map[string]time.Time{
		"that would never end": {}, "that ends later": c.now().Add(48 * time.Hour), "that ends within the overlap": c.now().Add(time.Minute),
	} {
		end(t, r, before)
		_, second := rotate(t, r, "postman", time.Hour)
		after, err := undoRotation(ctx, r, by, "acme", "postman")
		if err != nil || len(after.Credentials) != 1 {
			t.Fatalf("a secret %s: %+v %v", name, after, err)
		}
		if old := after.Credentials[0]; !old.Expires.Equal(before) || old.Replaced || !old.Before.IsZero() {
			t.Errorf("a secret %s: %+v", name, old)
		}
		if !works(t, r, "postman", first) || works(t, r, "postman", second) {
			t.Errorf("a secret %s: the wrong one works", name)
		}
	}
}

func TestReq105_what_cannot_be_undone_is_said(t *testing.T) {
	hour := time.Hour
	for name, make := range map[string]func(*Registry, *clock) string{
		"it was never rotated":    func(*Registry, *clock) string { return "no rotation to undo" },
		"rotated without overlap": func(r *Registry, _ *clock) string { rotate(t, r, "postman", 0); return "no rotation to undo" },
		"the overlap is over": func(r *Registry, c *clock) string {
			rotate(t, r, "postman", hour)
			c.advance(hour)
			return "does not come back"
		},
		"it was undone already": func(r *Registry, _ *clock) string {
			rotate(t, r, "postman", hour)
			undo(t, r)
			return "no rotation to undo"
		},
		"the new secret is over": func(r *Registry, c *clock) string {
			rotate(t, r, "postman", hour)
			end(t, r, c.now())
			return "has ended already"
		},
		"a rotation after an undo": func(r *Registry, _ *clock) string {
			rotate(t, r, "postman", hour)
			undo(t, r)
			rotate(t, r, "postman", hour)
			return ""
		},
		"a second one, long after ": func(r *Registry, c *clock) string {
			rotate(t, r, "postman", hour)
			c.advance(hour)
			rotate(t, r, "postman", hour)
			return ""
		},
	} {
		r, _, c := world(t)
		create(t, r, postman())
		want := make(r, c)
		_, err := undoRotation(ctx, r, by, "acme", "postman")
		if want == "" && err != nil || want != "" && (field(err) != "credentials" || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func undo(t testing.TB, r *Registry) {
	t.Helper()
	if _, err := undoRotation(ctx, r, by, "acme", "postman"); err != nil {
		t.Fatal(err)
	}
}

// end ends the newest secret.
func end(t testing.TB, r *Registry, at time.Time) {
	t.Helper()
	_, err := r.UpdateClient(ctx, by, "client.update", "acme", "postman", func(c *Client) error {
		c.Credentials[len(c.Credentials)-1].Expires = at
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
