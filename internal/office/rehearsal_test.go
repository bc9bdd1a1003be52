package office

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/store/memory"
	"github.com/tokenbooth/tokenbooth/internal/store/sqlite"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// onPaper is the desk of acme on paper, for somebody with a role there.
func (w *world) onPaper(role operator.Role) *Desk {
	w.t.Helper()
	d, err := w.as(role).Rehearsal()
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// everything returns every record there is, whatever it is.
func (w *world) everything() (all []string) {
	w.t.Helper()
	for _, tenant := range []string{"", "acme", "other"} {
		for _, kind := range store.Kinds {
			records, err := w.Store.List(ctx, store.Query{Tenant: tenant, Kind: kind, Limit: store.MaxLimit})
			if err != nil {
				w.t.Fatal(err)
			}
			for _, r := range records {
				all = append(all, fmt.Sprintf("%+v", r))
			}
		}
	}
	return all
}

func TestNothingOfARehearsalStays(t *testing.T) {
	for name, engine := range map[string]func(now func() time.Time) store.Store{
		"memory": func(now func() time.Time) store.Store { return memory.New(now) },
		"sqlite": func(now func() time.Time) store.Store {
			s, err := sqlite.Open(sqlite.Options{Path: filepath.Join(t.TempDir(), "s.db"), Now: now, Create: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := openOn(t, engine)
			g := w.furnish()
			made, text, err := w.as(operator.Owner).CreateClient(ctx, registry.Client{ID: "keeper", ClientSpec: registry.ClientSpec{Name: "keeper", Permissions: []string{"nql"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
			if err != nil {
				t.Fatal(err)
			}
			token := w.sign(made.ID, text, oauth.JWT, "keeper's request")
			before := w.everything()

			// each act on paper of its own
			for i := range reflect.TypeFor[*Desk]().NumMethod() {
				name := reflect.TypeFor[*Desk]().Method(i).Name
				act := reflect.ValueOf(w.onPaper(operator.Owner)).Method(i)
				out := act.Call(g.arguments("Desk."+name, act.Type()))
				err, _ := out[len(out)-1].Interface().(error)
				if right := needs["Desk."+name]; right != "" && slices.Contains(onPaper, right) == errors.Is(err, ErrNotOnPaper) {
					t.Errorf("%s: %v", name, err)
				}
				if slices.Contains([]string{"CreateClient", "ImportClient", "UpdateClient", "DisableClient", "RotateSecret", "DeleteClient",
					"CreateUser", "UpdateUser", "DisableUser", "SetPassword", "SetTOTP", "DeleteUser", "NoteTry"}, name) && err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if after := w.everything(); !slices.Equal(before, after) {
					t.Fatalf("%s has left something: %d records were %d", name, len(after), len(before))
				}
			}

			// what takes tokens back
			p := w.onPaper(operator.Owner)
			if _, err := p.DisableClient(ctx, made.ID, 0, true); err != nil {
				t.Error(err)
			}
			if err := p.DeleteClient(ctx, made.ID, 0); err != nil {
				t.Error(err)
			}
			if c, err := w.Registry.Client(ctx, "acme", made.ID); err != nil || c.Disabled || c.Deleted || !c.NotBefore.IsZero() {
				t.Errorf("the registry remembers %+v, %v", c, err)
			}
			if seen, err := w.as(operator.Owner).Introspect(ctx, oauth.Secret(token.AccessToken)); err != nil || !seen.Active {
				t.Errorf("the token of a client that was stopped on paper: %+v, %v", seen, err)
			}
			if after := w.everything(); !slices.Equal(before, after) {
				t.Errorf("something was left: %d records were %d", len(after), len(before))
			}
		})
	}
}

func TestOnPaperWhatIsDoneNextFindsItDone(t *testing.T) {
	w := open(t)
	p := w.onPaper(operator.Editor)
	c := registry.Client{ID: "new", ClientSpec: registry.ClientSpec{Name: "new", Permissions: []string{"nql"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}}
	made, text, err := p.CreateClient(ctx, c)
	if err != nil || made.CreatedBy != "operator:editor" || text == "" {
		t.Fatalf("%+v, %v", made, err)
	}
	if _, _, err := p.CreateClient(ctx, c); problemAt(err) != "id" {
		t.Errorf("the same once more: %v", err)
	}
	if _, _, err := p.CreateUser(ctx, registry.User{Username: "new"}, password, false); problemAt(err) != "username" {
		t.Errorf("a user of that name: %v", err)
	}
	changed, err := p.UpdateClient(ctx, "new", "client.apply", made.Rev, func(c *registry.Client) error { c.Name = "newer"; return nil })
	if err != nil || changed.Name != "newer" {
		t.Errorf("%+v, %v", changed, err)
	}
	if _, err := p.UpdateClient(ctx, "new", "client.apply", made.Rev, func(*registry.Client) error { return nil }); !errors.Is(err, ErrChanged) {
		t.Errorf("a revision that is over: %v", err)
	}
	if u, url, err := p.CreateUser(ctx, registry.User{Username: jane}, password, true); err != nil || u.Username != jane || url == "" {
		t.Errorf("%+v, %v", u, err)
	}
	if err := p.DeleteUser(ctx, jane, 0); err != nil {
		t.Error(err)
	}
	if _, _, err := p.CreateUser(ctx, registry.User{Username: jane}, password, false); err != nil {
		t.Errorf("a name that is free again: %v", err)
	}
	if got, err := p.Client(ctx, "new"); err != nil || got.Name != "newer" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := w.as(operator.Editor).Client(ctx, "new"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("it is registered: %v", err)
	}
}

func TestASearchOnPaperFindsWhatIsRegistered(t *testing.T) {
	w := open(t)
	is := w.client("nql")
	p := w.onPaper(operator.Owner)
	if _, err := p.DisableClient(ctx, is.ID, 0, true); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.CreateClient(ctx, registry.Client{ID: "new", ClientSpec: registry.ClientSpec{Name: "new", Permissions: []string{"nql"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}}); err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]*Desk{"on paper": p, "really": w.as(operator.Owner)} {
		page, err := d.FindClients(ctx, directory.Search{State: directory.StateActive})
		if err != nil || page.Total != 1 || page.Clients[0].ID != is.ID || page.Clients[0].Disabled {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
}

// problemAt returns which field a problem is at.
func problemAt(err error) string {
	if p, ok := errors.AsType[*registry.Problem](err); ok {
		return p.Field
	}
	return fmt.Sprint(err)
}

func TestReq047_WhatIsRefusedOnPaperIsAnEventInTheRecord(t *testing.T) {
	tries := map[string]func(p *Desk) error{
		"an act": func(p *Desk) error {
			_, _, err := p.CreateClient(ctx, registry.Client{ID: "new", ClientSpec: registry.ClientSpec{Name: "new", Grants: []oauth.GrantType{oauth.ClientCredentials}}})
			return err
		},
		"what only an owner may grant": func(p *Desk) error {
			_, _, err := p.CreateClient(ctx, registry.Client{ID: "new", ClientSpec: registry.ClientSpec{Name: "new", Permissions: []string{"tokenbooth:viewer"}, Grants: []oauth.GrantType{oauth.ClientCredentials}}})
			return err
		},
		"on paper over paper": func(p *Desk) error {
			p, err := p.Rehearsal()
			if err != nil {
				return err
			}
			return p.RotateKeys(ctx, true)
		},
	}
	for name, try := range tries {
		for _, kept := range []string{"on the spot", "in a log"} {
			w := open(t)
			role := operator.Viewer
			if name == "what only an owner may grant" {
				role = operator.Editor
			}
			var log *audit.Log
			if kept == "in a log" {
				log = audit.NewLog(w.Store, slog.New(slog.DiscardHandler))
				w.Options.Refusals = log
			}
			before := w.kept()
			if err := try(w.onPaper(role)); !errors.Is(err, operator.ErrDenied) {
				t.Errorf("%s, %s: %v", name, kept, err)
			}
			if log != nil {
				log.Close()
			}
			if events := w.events("acme", audit.Query{ActorIs: "operator:" + string(role)}); len(events) != 1 || events[0].Act != Refused || events[0].Outcome != audit.Refused {
				t.Errorf("%s, %s: the record has %+v", name, kept, events)
			}
			if !slices.Equal(before, w.kept()) {
				t.Errorf("%s, %s: something was changed", name, kept)
			}
		}
	}
}

func TestKeysAndTokensAreNotRehearsed(t *testing.T) {
	w, g := furnished(t)
	p := w.onPaper(operator.Owner)
	_, revoke := p.RevokeToken(ctx, "tb_at_x")
	for what, err := range map[string]error{"rotate": p.RotateKeys(ctx, true), "withdraw": p.WithdrawKey(ctx, g.kid), "revoke": revoke,
		"revoke all": p.RevokeAll(ctx), "revoke a client's": p.RevokeClientTokens(ctx, g.client), "revoke a user's": p.RevokeUserTokens(ctx, g.user)} {
		if !errors.Is(err, ErrNotOnPaper) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
