package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/registry/registrytest"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/oauth"
)

var planNow = time.Date(2026, 11, 22, 4, 9, 0, 0, time.UTC)

func planTenant() registry.Tenant {
	return registry.Tenant{Name: "acme", Hosts: []string{"acme.localhost"}, Issuer: "http://acme.localhost", Dialects: []string{"oauth2"}, AllowBodylessToken: true,
		APIs: []registry.API{{Name: "nql", Permissions: []registry.Permission{{Name: "nql"}, {Name: "me"}}}}}
}

// bringAbout is what would be registered when all steps were done.
func bringAbout(t *registry.Tenant, steps []*step) *registered {
	is := &registered{map[string]*registry.Client{}, map[string]*registry.User{}}
	for _, s := range steps {
		if s.kind == "client" {
			is.clients[s.id] = s.wantedClient(t)
		} else {
			is.users[s.id] = s.wantedUser(t)
		}
	}
	return is
}

func TestAPlanSaysWhatDiffersAndNothingElse(t *testing.T) {
	is := &registered{
		clients: map[string]*registry.Client{
			"here": {Tenant: "acme", ID: "here", Rev: 3, ClientSpec: registry.ClientSpec{Name: "Here", Description: "long here", Permissions: []string{"nql", "me"}, Grants: []oauth.GrantType{oauth.ClientCredentials}, Lifetime: 600, AllowFrom: []registry.Network{{Prefix: netip.MustParsePrefix("192.0.2.0/24")}}, Expires: registry.Until{Time: planNow.Add(-time.Hour)}, Dialects: []string{"gone"}}},
			"off":  {Tenant: "acme", ID: "off", ClientSpec: registry.ClientSpec{Name: "Off", Disabled: true, Grants: []oauth.GrantType{oauth.ClientCredentials}}},
			"dead": {Tenant: "acme", ID: "dead", Deleted: true, Updated: planNow},
		},
		users: map[string]*registry.User{"ada": {Tenant: "acme", Username: "ada", ID: "usr_1", UserSpec: registry.UserSpec{Name: "Ada", Permissions: []string{"me"}}}},
	}
	for _, test := range []struct{ name, text, want string }{
		{"what is declared as it is", "clients: [{id: here, name: Here, lifetime: 10m, grants: [client_credentials]}]", "none client here"},
		{"what is not declared is left alone", "clients: [{id: here}]\nusers: [{username: ADA}]", "none client here\nnone user ada"},
		{"a list in another order", "clients: [{id: here, permissions: [me, nql, me]}]", "none client here"},
		{"an end that is over, as it is", "clients: [{id: here, expires: 2026-11-22T03:09:00Z}]", "none client here"},
		{"a dialect that the tenant speaks no more, as it is", "clients: [{id: here, dialects: [gone]}]", "none client here"},
		{"a list emptied", "clients: [{id: here, allow_from: [], permissions: []}]", "change client here permissions:[nql me]→[] allow_from:[192.0.2.0/24]→[]"},
		{"back to the defaults", "clients: [{id: here, lifetime: 0s, expires: never, description: \"\", token_form: default}]",
			"change client here description:long here→ lifetime:10m→default expires:2026-11-22T03:09:00Z→never"},
		{"a change of a user", "users: [{username: ada, name: Ada L, permissions: [nql, me], disabled: true}]",
			"change user ada name:Ada→Ada L permissions:[me]→[nql me] disabled:false→true"},
		{"new ones, with what they get", "clients: [{id: new, name: New, permissions: [nql]}]\nusers: [{username: Bob, permissions: []}]",
			"create client new name:<nil>→New permissions:<nil>→[nql] grants:<nil>→[client_credentials] allow_bodyless_token:<nil>→true\ncreate user bob"},
		{"new ones that need no leave", "clients: [{id: new, name: New, permissions: [], grants: [], allow_bodyless_token: false}]", "create client new name:<nil>→New"},
		{"nobody is pruned unless it is said", "clients: []\nusers: []", ""},
		{"clients pruned, users not spoken of", "clients: []\nprune: true", "disable client here disabled:false→true"},
		{"users pruned, clients not spoken of", "users: []\nprune: true", "disable user ada disabled:false→true"},
		{"who is declared is not pruned", "clients: [{id: here}]\nusers: [{username: ada}]\nprune: true", "none client here\nnone user ada"},
		{"who is disabled stays so", "clients: [{id: \"off\"}]", "none client off"},
		{"who is disabled is enabled when it is said", "clients: [{id: \"off\", disabled: false}]", "change client off disabled:true→false"},

		{"a deleted id", "clients: [{id: dead, name: New, permissions: []}]", "f.yaml:1:16: clients[0].id: client dead was deleted at 2026-11-22T04:09:00Z, and its id is never given again"},
		{"a new client without permissions", "clients: [{id: new, name: New}]",
			"f.yaml:1:11: clients[0].permissions: client new is not registered yet: say what it may do: a list of nql, me; [] is nothing"},
		{"a new user without permissions", "users: [{username: bob}]", "f.yaml:1:9: users[0].permissions: user bob is not registered yet: say what it may do: a list of nql, me; [] is nothing"},
		{"one declared under both", "clients: [{id: n, name: n, permissions: []}]\nusers: [{username: N, permissions: []}]", "f.yaml:2:20: users[0].username: n is the id of a client of tenant acme"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := parseDeclarations("f.yaml", []byte(test.text+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			tenant := planTenant()
			steps, err := d.plan(&tenant, is, planNow)
			var got []string
			for _, s := range steps {
				line := s.act + " " + s.kind + " " + s.id
				for _, c := range s.changes {
					line += fmt.Sprintf(" %s:%v→%v", c.Field, c.Old, c.New)
				}
				got = append(got, line)
			}
			if err != nil {
				message, _, _ := strings.Cut(err.Error(), "\n")
				got = []string{message}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// applied is a desk in memory, with the work of a file on it that was planned.
func applied(t *testing.T, reg *registry.Registry, inside store.Store, text string) (*work, *declared) {
	t.Helper()
	d, err := parseDeclarations("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	tenant, _ := reg.Tenant("acme")
	now := func() time.Time { return planNow }
	who := &operator.Actor{By: "cli:test", Roles: map[string]operator.Role{operator.All: operator.Owner}, Fresh: true}
	atDesk := office.New(office.Options{Store: inside, Registry: reg, Directory: directory.New(reg, nil, now), Now: now}).At(who, "acme")
	is, err := d.registered(t.Context(), atDesk)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := d.plan(tenant, is, planNow)
	if err != nil {
		t.Fatal(err)
	}
	e := &errand{printer: &printer{out: &strings.Builder{}}, asker: &asker{}, cmd: &cobra.Command{}, acts: atDesk, tenant: tenant,
		onPaper: func() (acts, error) { return atDesk.Rehearsal() }}
	return &work{errand: e, steps: steps, fates: make([]fate, len(steps))}, d
}

func planRegistry(t *testing.T) (*registry.Registry, store.Store) {
	t.Helper()
	now := func() time.Time { return planNow }
	s := memory.New(now)
	reg, err := registry.New(registry.Options{Store: s, Now: now, Tenants: []registry.Tenant{planTenant()}})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		if _, _, err := reg.CreateClient(t.Context(), "cli:test", registry.Client{Tenant: "acme", ID: id, ClientSpec: registry.ClientSpec{Name: id, Grants: []oauth.GrantType{oauth.ClientCredentials}}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := reg.CreateUser(t.Context(), "cli:test", registry.User{Tenant: "acme", Username: "ada"}, "four unrelated old words"); err != nil {
		t.Fatal(err)
	}
	return reg, s
}

const threeChanges = `clients:
  - {id: a, name: A}
  - {id: b, name: B}
  - {id: c, name: C, permissions: []}
users:
  - {username: ada, name: Ada}
`

func TestWhatSomebodyElseDidSinceThePlanIsNoticedBeforeAnythingIsWritten(t *testing.T) {
	for name, test := range map[string]struct {
		other func(context.Context, *registry.Registry) error
		want  string
	}{
		"a client changed": {func(ctx context.Context, r *registry.Registry) error {
			_, err := r.UpdateClient(ctx, "cli:eve", "client.update", "acme", "b", func(c *registry.Client) error { c.Description = "x"; return nil })
			return err
		}, "client b was changed since the plan was made, by cli:eve; nothing was changed: apply again to see what there is to do now"},
		"a client deleted": {func(ctx context.Context, r *registry.Registry) error {
			return registrytest.DeleteClient(ctx, r, "cli:eve", "acme", "b")
		},
			"client b was changed since the plan was made, by cli:eve; nothing was changed: apply again to see what there is to do now"},
		"a client registered": {func(ctx context.Context, r *registry.Registry) error {
			_, _, err := r.CreateClient(ctx, "cli:eve", registry.Client{Tenant: "acme", ID: "c", ClientSpec: registry.ClientSpec{Name: "c", Grants: []oauth.GrantType{oauth.ClientCredentials}}})
			return err
		}, "client c was registered since the plan was made, by cli:eve; nothing was changed: apply again to see what there is to do now"},
		"a user disabled": {func(ctx context.Context, r *registry.Registry) error {
			return registrytest.DisableUser(ctx, r, "cli:eve", "acme", "ada", true)
		},
			"user ada was changed since the plan was made, by cli:eve; nothing was changed: apply again to see what there is to do now"},
		"a user deleted": {func(ctx context.Context, r *registry.Registry) error {
			return registrytest.DeleteUser(ctx, r, "cli:eve", "acme", "ada")
		},
			"user ada was deleted since the plan was made; nothing was changed: apply again to see what there is to do now"},
	} {
		t.Run(name, func(t *testing.T) {
			reg, s := planRegistry(t)
			w, _ := applied(t, reg, s, threeChanges)
			if err := test.other(t.Context(), reg); err != nil {
				t.Fatal(err)
			}
			if err := (works{w}).doAll(t.Context()); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if c, err := reg.InspectClient(t.Context(), "acme", "a"); err != nil || c.Name != "a" {
				t.Errorf("client a was changed: %+v, %v", c, err)
			}
		})
	}
}

// meddling lets somebody else be faster at the last moment: with the first thing that is written.
type meddling struct {
	store.Store
	first func()
}

func (m *meddling) Put(ctx context.Context, records ...store.Record) error {
	if first := m.first; first != nil {
		m.first = nil
		first()
	}
	return m.Store.Put(ctx, records...)
}

func TestApplyStopsWhereSomebodyElseWasFasterAndSaysWhatIsDone(t *testing.T) {
	_, s := planRegistry(t)
	m := &meddling{Store: s}
	now := func() time.Time { return planNow }
	reg, err := registry.New(registry.Options{Store: m, Now: now, Tenants: []registry.Tenant{planTenant()}})
	if err != nil {
		t.Fatal(err)
	}
	w, _ := applied(t, reg, m, threeChanges)
	w.dir = filepath.Join(t.TempDir(), "secrets")
	m.first = func() {
		other, err := registry.New(registry.Options{Store: s, Now: now, Tenants: []registry.Tenant{planTenant()}})
		if err == nil {
			_, err = other.UpdateClient(t.Context(), "cli:eve", "client.update", "acme", "b", func(c *registry.Client) error { c.Description = "x"; return nil })
		}
		if err != nil {
			t.Error(err)
		}
	}
	const want = "stopped at client b: client b was changed since the plan was made, by cli:eve; what was done before it stays, the rest was not begun: apply again to see it"
	if err := (works{w}).doAll(t.Context()); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	v := works{w}.view()
	if !v.Steps[0].Done || v.Steps[1].Done || v.Steps[2].Done || v.Applied {
		t.Errorf("what was done is not what is said: %+v", v)
	}
	if _, err := reg.InspectClient(t.Context(), "acme", "c"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("client c: %v", err)
	}
	if left, err := os.ReadDir(w.dir); err != nil || len(left) != 0 {
		t.Errorf("files without a secret were left: %v, %v", left, err)
	}
}

func TestARehearsalFindsTheFaultAndWritesNothing(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"no name":                   {"clients: [{id: n, permissions: []}]", "f.yaml:1:11: clients[0].name: a client needs a name of 1 to 200 bytes; the calling application's name serves best"},
		"a short life":              {"clients: [{id: a, lifetime: 5s}]", "f.yaml:1:29: clients[0].lifetime: a token lives 10 seconds to 14 days, and never longer than its dialect says"},
		"a grant":                   {"clients: [{id: a, grants: [implicit]}]", `f.yaml:1:27: clients[0].grants: a grant is client_credentials, password or refresh_token, not "implicit"`},
		"an API":                    {"clients: [{id: a, resource_servers: [x]}]", `f.yaml:1:37: clients[0].resource_servers: tenant acme has no API "x"`},
		"an id":                     {"clients: [{id: \"a b\", name: x, permissions: []}]", "f.yaml:1:16: clients[0].id: a client id is 1 to 128 printable ASCII characters without colon and space, and does not start with usr_"},
		"a user named as a client":  {"users: [{username: a, permissions: []}]", "f.yaml:1:20: users[0].username: a is the id of a client of tenant acme"},
		"the last of many is wrong": {threeChanges + "  - {username: eve, permissions: [root]}", `f.yaml:7:34: users[1].permissions: tenant acme has no permission "root"; it has nql, me`},
	} {
		t.Run(name, func(t *testing.T) {
			reg, s := planRegistry(t)
			w, d := applied(t, reg, s, test.text+"\n")
			before := everything(t, s)
			err := w.rehearse(t.Context(), d, w.steps)
			if err == nil {
				t.Fatal("no fault was found")
			}
			if message, _, _ := strings.Cut(err.Error(), "\n"); message != test.want {
				t.Errorf("message\n got %s\nwant %s", message, test.want)
			}
			if diff := cmp.Diff(before, everything(t, s)); diff != "" {
				t.Errorf("something was written:\n%s", diff)
			}
		})
	}
}

func everything(t *testing.T, s store.Store) (all []store.Record) {
	t.Helper()
	for _, kind := range store.Kinds {
		page, err := s.List(t.Context(), store.Query{Tenant: "acme", Kind: kind, Limit: store.MaxLimit})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
	}
	return all
}

func TestDoneTwiceNothingIsWritten(t *testing.T) {
	reg, s := planRegistry(t)
	w, d := applied(t, reg, s, threeChanges)
	if err := errors.Join(w.rehearse(t.Context(), d, w.steps), (works{w}).doAll(t.Context())); err != nil {
		t.Fatal(err)
	}
	before := everything(t, s)
	w, _ = applied(t, reg, s, threeChanges)
	if err := (works{w}).doAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, everything(t, s)); diff != "" {
		t.Errorf("something was written:\n%s", diff)
	}
}

func TestNoIDLeadsOutOfTheFolderOfSecrets(t *testing.T) {
	w := &work{errand: &errand{tenant: &registry.Tenant{Name: "acme"}}, dir: "dir"}
	for id, want := range map[string]string{"warehouse": "dir/acme.warehouse.secret", "../../etc/x": "dir/acme...%2F..%2Fetc%2Fx.secret", "a%2Fb": "dir/acme.a%252Fb.secret"} {
		if got := w.secretFile(&step{act: toCreate, kind: "client", id: id}); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}
