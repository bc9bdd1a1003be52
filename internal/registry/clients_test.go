package registry

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
	"github.com/tokenbooth/tokenbooth/oauth"
)

func TestRegistrationsThatCouldNotWorkAreRefusedWithTheirField(t *testing.T) {
	r, _, _ := world(t)
	createUser(t, r, "bob@acme.test")
	for name, c := range map[string]struct {
		change func(*Client)
		field  string
	}{
		"no name":                  {func(c *Client) { c.Name = "" }, "name"},
		"an unknown permission":    {func(c *Client) { c.Permissions = []string{"root"} }, "permissions"},
		"another tenant's":         {func(c *Client) { c.Tenant, c.Permissions = "other", []string{"workflows"} }, "permissions"},
		"a colon in the id":        {func(c *Client) { c.ID = "a:b" }, "id"},
		"a space in the id":        {func(c *Client) { c.ID = "a b" }, "id"},
		"a control character":      {func(c *Client) { c.ID = "a\nb" }, "id"},
		"not ASCII":                {func(c *Client) { c.ID = "ä" }, "id"},
		"a long id":                {func(c *Client) { c.ID = strings.Repeat("x", 129) }, "id"},
		"an unknown grant":         {func(c *Client) { c.Grants = []oauth.GrantType{"implicit"} }, "grants"},
		"an unknown method":        {func(c *Client) { c.AuthMethods = []oauth.AuthMethod{"none"} }, "auth_methods"},
		"an unknown form":          {func(c *Client) { c.TokenForm = "paseto" }, "token_form"},
		"a life of a second":       {func(c *Client) { c.Lifetime = 1 }, "lifetime"},
		"a life of a month":        {func(c *Client) { c.Lifetime = 30 * 24 * 3600 }, "lifetime"},
		"a negative life":          {func(c *Client) { c.Lifetime = -900 }, "lifetime"},
		"a fenced grant":           {func(c *Client) { c.Tenant, c.Permissions, c.Grants = "other", nil, []oauth.GrantType{oauth.Password} }, "grants"},
		"Req 86: a user's sub":     {func(c *Client) { c.ID = "usr_0123456789abcdef" }, "id"},
		"Req 86: a user's name":    {func(c *Client) { c.ID = "bob@acme.test" }, "id"},
		"Req 86: in another case":  {func(c *Client) { c.ID = "BOB@acme.TEST" }, "id"},
		"a description of a novel": {func(c *Client) { c.Description = strings.Repeat("x", 2001) }, "description"},
	} {
		reg := postman()
		c.change(&reg)
		if _, _, err := r.CreateClient(ctx, by, reg); field(err) != c.field {
			t.Errorf("%s: %v, want a problem at %s", name, err, c.field)
		}
	}
	nobody := postman()
	nobody.Tenant = "nobody"
	if _, _, err := r.CreateClient(ctx, by, nobody); !errors.Is(err, ErrNotFound) {
		t.Errorf("a client of no tenant: %v", err)
	}
}

func TestReq86_a_user_cannot_take_the_id_of_a_client(t *testing.T) {
	r, _, _ := world(t)
	create(t, r, postman())
	if _, err := r.CreateUser(ctx, by, User{Tenant: "acme", Username: "Postman"}, password); field(err) != "username" {
		t.Errorf("%v", err)
	}
	if u := createUser(t, r, "bob@acme.test"); !strings.HasPrefix(u.ID, "usr_") {
		t.Errorf("a user's sub is %s", u.ID)
	}
}

func TestReq116_the_id_of_a_deleted_client_is_never_given_again(t *testing.T) {
	r, _, c := world(t)
	create(t, r, postman())
	if err := deleteClient(ctx, r, by, "acme", "postman"); err != nil {
		t.Fatal(err)
	}
	c.advance(10 * 365 * 24 * time.Hour)
	if _, _, err := r.CreateClient(ctx, by, postman()); field(err) != "id" {
		t.Errorf("created again: %v", err)
	}
	if _, err := r.ImportClient(ctx, by, postman(), "secret", ""); field(err) != "id" {
		t.Errorf("imported again: %v", err)
	}
	gone, err := r.Client(ctx, "acme", "postman")
	if err != nil || gone.Barred(c.now()) == "" || len(gone.Credentials) != 0 {
		t.Errorf("%+v, %v", gone, err)
	}
	if _, err := r.UpdateClient(ctx, by, "client.update", "acme", "postman", func(c *Client) error { c.Deleted = false; return nil }); !errors.Is(err, ErrNotFound) {
		t.Errorf("brought back: %v", err)
	}
	if page, _, err := r.Clients(ctx, "acme", "", 0); err != nil || len(page) != 0 {
		t.Errorf("listed: %v, %v", page, err)
	}
}

func TestReq36_one_id_in_two_tenants_is_two_clients(t *testing.T) {
	r, _, c := world(t)
	create(t, r, postman())
	same := postman()
	same.Tenant, same.Permissions = "other", nil
	create(t, r, same)
	if err := disableClient(ctx, r, by, "acme", "postman", true); err != nil {
		t.Fatal(err)
	}
	a, errA := r.Client(ctx, "acme", "postman")
	o, errO := r.Client(ctx, "other", "postman")
	if errA != nil || errO != nil || a.Barred(c.now()) == "" || o.Barred(c.now()) != "" || o.Scope != "" || a.Credentials[0].Hash == o.Credentials[0].Hash {
		t.Errorf("%+v %v\n%+v %v", a, errA, o, errO)
	}
}

func TestAClientStopsWhenItExpiresIsDisabledOrDeleted(t *testing.T) {
	r, _, c := world(t)
	reg := postman()
	reg.Expires = Until{c.now().Add(time.Hour)}
	made, _ := create(t, r, reg)
	if why := made.Barred(c.now()); why != "" {
		t.Errorf("barred before: %s", why)
	}
	if why := made.Barred(c.now().Add(time.Hour)); !strings.Contains(why, "expired") {
		t.Errorf("at its expiry: %q", why)
	}
	c.advance(time.Minute)
	if err := disableClient(ctx, r, by, "acme", "postman", true); err != nil {
		t.Fatal(err)
	}
	off, err := r.Client(ctx, "acme", "postman")
	if err != nil || off.Barred(c.now()) != "the client is disabled" || !off.NotBefore.Equal(c.now()) {
		t.Errorf("%+v, %v", off, err)
	}
	stopped := c.now()
	c.advance(time.Minute)
	if err := disableClient(ctx, r, by, "acme", "postman", false); err != nil {
		t.Fatal(err)
	}
	on, err := r.Client(ctx, "acme", "postman")
	if err != nil || on.Barred(c.now()) != "" || !on.NotBefore.Equal(stopped) {
		t.Errorf("what was issued before %v must stay dead: %+v, %v", stopped, on, err)
	}
}

func TestARegistrationThatTheSettingsHaveLeftBehindCanStillBeStopped(t *testing.T) {
	r, _, _ := world(t)
	reg := postman()
	reg.Grants = []oauth.GrantType{oauth.Password}
	create(t, r, reg)
	createUser(t, r, "bob@acme.test")
	fewer := tenants()
	fewer[0].APIs, fewer[0].AllowPasswordGrant = nil, false
	if err := r.SetTenants(fewer); err != nil {
		t.Fatal(err)
	}
	if err := disableClient(ctx, r, by, "acme", "postman", true); err != nil {
		t.Errorf("disable: %v", err)
	}
	if _, _, err := rotateSecret(ctx, r, by, "acme", "postman", 0); err != nil {
		t.Errorf("rotate: %v", err)
	}
	if _, err := r.UpdateClient(ctx, by, "client.update", "acme", "postman", func(c *Client) error {
		c.Permissions = append(c.Permissions, "nql")
		return nil
	}); field(err) != "permissions" {
		t.Errorf("a permission that is gone was given: %v", err)
	}
	if err := deleteClient(ctx, r, by, "acme", "postman"); err != nil {
		t.Errorf("delete: %v", err)
	}
	if err := r.SetPassword(ctx, by, "acme", "bob@acme.test", password+"!"); err != nil {
		t.Errorf("set password: %v", err)
	}
	if err := disableUser(ctx, r, by, "acme", "bob@acme.test", true); err != nil {
		t.Errorf("disable user: %v", err)
	}
}

func TestAnEditCannotChangeWhoseAClientIs(t *testing.T) {
	r, _, _ := world(t)
	made, _ := create(t, r, postman())
	c, err := r.UpdateClient(ctx, "cli:mallory", "client.update", "acme", "postman", func(c *Client) error {
		c.Tenant, c.ID, c.CreatedBy, c.UpdatedBy, c.Rev, c.Created = "other", "admin", "cli:forged", "cli:forged", 77, time.Time{}
		return nil
	})
	if err != nil || c.Tenant != "acme" || c.ID != "postman" || c.CreatedBy != by || c.UpdatedBy != "cli:mallory" || !c.Created.Equal(made.Created) {
		t.Errorf("%+v, %v", c, err)
	}
	u := createUser(t, r, "bob@acme.test")
	after, err := r.UpdateUser(ctx, "cli:mallory", "user.update", "acme", "bob@acme.test", func(u *User) error {
		u.Tenant, u.ID, u.Username, u.CreatedBy = "other", "usr_root", "root", "cli:forged"
		return nil
	})
	if err != nil || after.ID != u.ID || after.Tenant != "acme" || after.Username != "bob@acme.test" || after.CreatedBy != by {
		t.Errorf("%+v, %v", after, err)
	}
}

func TestReq100_every_change_is_recorded_with_its_author_or_does_not_happen(t *testing.T) {
	r, s, _ := world(t)
	create(t, r, postman())
	if _, err := r.ImportClient(ctx, by, Client{Tenant: "acme", ID: "old", ClientSpec: ClientSpec{Name: "Old", Grants: []oauth.GrantType{oauth.ClientCredentials}}}, "secret", ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := rotateSecret(ctx, r, by, "acme", "postman", 0); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		disableClient(ctx, r, by, "acme", "postman", true), disableClient(ctx, r, by, "acme", "postman", false), deleteClient(ctx, r, by, "acme", "postman"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	events, _, _, err := audit.Search(ctx, s, audit.Query{Tenant: "acme", Subject: "client:postman"})
	if err != nil {
		t.Fatal(err)
	}
	var acts []string
	for _, e := range events {
		acts = append(acts, e.Act)
		if e.Actor != by || e.Outcome != audit.Allowed || e.Time.IsZero() {
			t.Errorf("%+v", e)
		}
	}
	slices.Reverse(acts)
	want := []string{"client.create", "client.rotate", "client.disable", "client.enable", "client.delete"}
	slices.Sort(acts) // made in one microsecond: their order is not told apart
	slices.Sort(want)
	if !slices.Equal(acts, want) {
		t.Errorf("recorded %v, want %v", acts, want)
	}

	before := kept(t, s)
	nameless := postman()
	nameless.ID = "nameless"
	if _, _, err := r.CreateClient(ctx, "", nameless); err == nil {
		t.Error("created without an author")
	}
	if err := disableClient(ctx, r, "", "acme", "old", true); err == nil {
		t.Error("disabled without an author")
	}
	if kept(t, s) != before {
		t.Error("a change without an author was written")
	}
}

func TestReq100_changes_and_their_events_survive_a_restart(t *testing.T) {
	path, c := filepath.Join(t.TempDir(), "tokenbooth.db"), newClock()
	s, err := sqlite.Open(sqlite.Options{Path: path, Now: c.now, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	create(t, open(t, s, c), postman())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = sqlite.Open(sqlite.Options{Path: path, Now: c.now, Create: true}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := open(t, s, c).Client(ctx, "acme", "postman")
	events, _, _, err2 := audit.Search(ctx, s, audit.Query{Tenant: "acme"})
	if err != nil || err2 != nil || got.Name != "Postman" || len(events) != 1 || events[0].Subject != "client:postman" {
		t.Errorf("%+v %v, %+v %v", got, err, events, err2)
	}
}

func TestOfManyWhoChangeAClientNoneIsLost(t *testing.T) {
	r, _, _ := world(t)
	create(t, r, postman())
	var all sync.WaitGroup
	var done, refused int
	var mu sync.Mutex
	for i := range 20 {
		all.Go(func() {
			_, err := r.UpdateClient(ctx, by, "client.update", "acme", "postman", func(c *Client) error {
				c.Description += fmt.Sprintf("%02d;", i)
				return nil
			})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				done++
			case errors.Is(err, store.ErrConflict):
				refused++
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	c, err := r.InspectClient(ctx, "acme", "postman")
	if err != nil || len(c.Description) != 3*done || done+refused != 20 || done == 0 {
		t.Errorf("%d done, %d refused, left %q, %v", done, refused, c.Description, err)
	}
}

func TestClientsAreListedPageByPage(t *testing.T) {
	r, _, _ := world(t)
	for i := range 25 {
		c := postman()
		c.ID = fmt.Sprintf("client-%02d", i)
		create(t, r, c)
	}
	if err := deleteClient(ctx, r, by, "acme", "client-07"); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for after, pages := "", 0; ; pages++ {
		page, next, err := r.Clients(ctx, "acme", after, 10)
		if err != nil || pages > 3 {
			t.Fatal(pages, err)
		}
		for _, c := range page {
			ids = append(ids, c.ID)
		}
		if next == "" {
			break
		}
		after = next
	}
	if len(ids) != 24 || !slices.IsSorted(ids) || slices.Contains(ids, "client-07") {
		t.Errorf("%v", ids)
	}
}

func TestScopeAndAudiencesAreMadeReady(t *testing.T) {
	r, _, _ := world(t)
	reg := postman()
	reg.Permissions = []string{"nql", "workflows", "campaigns"}
	create(t, r, reg)
	c, err := r.Client(ctx, "acme", "postman")
	if err != nil || c.Scope != "nql workflows campaigns" || !slices.Equal(c.Audiences, []string{"https://api.acme.test/flows", "https://login.acme.test"}) {
		t.Errorf("%q for %q, %v", c.Scope, c.Audiences, err)
	}
	reg.ID, reg.Permissions = "bare", nil
	if bare, _ := create(t, r, reg); !slices.Equal(bare.Audiences, []string{"https://login.acme.test"}) {
		t.Errorf("a token for nothing is meant for %q", bare.Audiences)
	}
}
