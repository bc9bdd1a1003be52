package registry

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// notes is a watcher that writes down what it is told.
type notes []string

func (n *notes) Changed(tenant, id string) { *n = append(*n, "changed "+tenant+" "+id) }
func (n *notes) Missed()                   { *n = append(*n, "missed") }
func (n *notes) Replaced()                 { *n = append(*n, "replaced") }
func (n *notes) Used(tenant, id string, at time.Time) {
	*n = append(*n, fmt.Sprint("used ", tenant, " ", id, " ", at.Unix()))
}

func TestAWatcherIsToldWhatHappensToClientsOnceItHas(t *testing.T) {
	r, s, c := world(t)
	var told notes
	r.Watch(&told)
	stopped, stop := context.WithCancel(ctx)
	stop()
	used := fmt.Sprint("used acme postman ", c.now().Unix())
	for _, step := range []struct {
		want string
		do   func() error
	}{
		{"changed acme postman", func() error { _, _, err := r.CreateClient(ctx, by, postman()); return err }},
		{"changed acme postman", func() error { return disableClient(ctx, r, by, "acme", "postman", false) }},
		{"changed acme there", func() error { r.Heard(store.Client, "acme", "there"); return nil }},
		{"", func() error { r.Heard(store.User, "acme", "usr_x"); return nil }},
		{"", func() error { createUser(t, r, "bob"); return nil }},
		{"", func() error {
			_, _, err := onPaper(r, s, c).CreateClient(ctx, by, Client{Tenant: "acme", ID: "p", ClientSpec: ClientSpec{Name: "P", Grants: []oauth.GrantType{oauth.ClientCredentials}}})
			return err
		}},
		{"", func() error {
			s.Down.Store(true)
			_ = disableClient(ctx, r, by, "acme", "postman", true)
			s.Down.Store(false)
			return nil
		}},
		{"missed", func() error { r.Missed(); return nil }},
		{used, func() error {
			useTimes(t, r, "postman", 3)
			r.UsedPermission("acme", "postman", "workflows")
			r.WriteUses(stopped)
			return nil
		}},
		{"replaced", func() error { return r.SetTenants(tenants()[1:]) }},
	} {
		told = nil
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if want := slices.DeleteFunc([]string{step.want}, func(s string) bool { return s == "" }); !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	}
}
