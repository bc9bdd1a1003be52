package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// What there is to do about a registration.
const (
	toCreate  = "create"
	toChange  = "change"
	toDisable = "disable"
	toDoNone  = "none"
)

// registered is what was registered when the plan was made: who is declared, and everybody where pruning has to find who is not. It is
// looked up by id and canonical user name.
type registered struct {
	clients map[string]*registry.Client // deleted ones too: their ids are never given again
	users   map[string]*registry.User
}

// step is one line of the plan.
type step struct {
	act     string
	kind    string // tenant, client or user
	id      string // or the name
	place   string // where the file declares it; empty: nowhere
	remark  string
	changes []difference

	// What was registered when the plan was made, at most one of the two, and what shall be made of it.
	client     *registry.Client
	user       *registry.User
	editClient func(*registry.Client)
	editUser   func(*registry.User)

	tenant *tenantFile // what is written of a tenant
}

// difference is a field that is not as declared; those of a creation have no Old.
type difference registry.Change

// registered looks up whom the plan has to know.
func (d *declared) registered(ctx context.Context, a acts) (*registered, error) {
	is := &registered{map[string]*registry.Client{}, map[string]*registry.User{}}
	for i := range d.Clients {
		c, err := a.Client(ctx, d.Clients[i].ID)
		if err == nil {
			is.clients[c.ID] = c
		} else if !errors.Is(err, registry.ErrNotFound) {
			return nil, err
		}
	}
	for i := range d.Users {
		u, err := a.User(ctx, d.Users[i].Username)
		if err == nil {
			is.users[u.Username] = u
		} else if !errors.Is(err, registry.ErrNotFound) {
			return nil, err
		}
	}
	if !d.Prune {
		return is, nil
	}
	return is, is.addAll(ctx, a)
}

// addAll adds everybody of a tenant but those who are deleted.
func (is *registered) addAll(ctx context.Context, a acts) error {
	for after, more := "", true; more; more = after != "" {
		page, err := a.FindClients(ctx, directory.Search{After: after, Limit: pageOf})
		if err != nil {
			return err
		}
		for _, c := range page.Clients {
			is.clients[c.ID] = c
		}
		after = page.Next
	}
	for after, more := "", true; more; more = after != "" {
		page, next, err := a.FindUsers(ctx, "", after, 0)
		if err != nil {
			return err
		}
		for _, u := range page {
			is.users[u.Username] = u
		}
		after = next
	}
	return nil
}

// plan says what there is to do: first about what is declared, in its order, then about what is not. It changes nothing.
func (d *declared) plan(t *registry.Tenant, is *registered, now time.Time) ([]*step, error) {
	var steps []*step
	declared := map[string]bool{}
	for i := range d.Clients {
		s, err := d.planClient(t, i, is.clients[d.Clients[i].ID], now)
		if err != nil {
			return nil, err
		}
		declared["client "+s.id] = true
		steps = append(steps, s)
	}
	for i := range d.Users {
		s, err := d.planUser(t, i, is.users[d.Users[i].Username])
		if err != nil {
			return nil, err
		}
		if s.act == toCreate && declared["client "+s.id] { // which each rehearsal by itself does not see elsewhere
			return nil, d.page.fault(s.place+".username", fmt.Sprintf("%s is the id of a client of tenant %s", s.id, t.Name))
		}
		declared["user "+s.id] = true
		steps = append(steps, s)
	}
	if !d.Prune {
		return steps, nil
	}
	for _, id := range slices.Sorted(maps.Keys(is.clients)) {
		if c := is.clients[id]; d.Clients != nil && !declared["client "+id] && !c.Disabled && !c.Deleted {
			steps = append(steps, &step{act: toDisable, kind: "client", id: id, remark: c.Name, changes: nowDisabled, client: c,
				editClient: func(c *registry.Client) { c.Disabled = true }})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(is.users)) {
		if u := is.users[name]; d.Users != nil && !declared["user "+name] && !u.Disabled {
			steps = append(steps, &step{act: toDisable, kind: "user", id: name, remark: u.Name, changes: nowDisabled, user: u,
				editUser: func(u *registry.User) { u.Disabled = true }})
		}
	}
	return steps, nil
}

var nowDisabled = []difference{{"disabled", false, true}}

func (d *declared) planClient(t *registry.Tenant, i int, is *registry.Client, now time.Time) (*step, error) {
	c, place := &d.Clients[i], d.clientPlace(i)
	s := &step{kind: "client", id: c.ID, place: place, client: is, editClient: c.put}
	before := is
	switch {
	case is == nil:
		before = &registry.Client{}
		if known := t.PermissionNames(); !c.said["permissions"] && len(known) > 0 {
			return nil, d.page.fault(place+".permissions", fmt.Sprintf("client %s is not registered yet: say what it may do: a list of %s; [] is nothing", c.ID, strings.Join(known, ", ")))
		}
	case is.Deleted:
		return nil, d.page.fault(place+".id", fmt.Sprintf("client %s was deleted at %s, and its id is never given again", c.ID, is.Updated.UTC().Format(time.RFC3339)))
	}
	want := s.wantedClient(t)
	s.compare(registry.Changes(clientFields, &before.ClientSpec, &want.ClientSpec), is == nil)
	if s.remark = want.Name; want.Disabled && !c.said["disabled"] {
		s.remark += " (disabled, and the file does not say whether it shall be)"
	}
	return s, nil
}

// wantedClient is the client as it shall be, with what a new one has where nothing is said.
func (s *step) wantedClient(t *registry.Tenant) *registry.Client {
	want := t.NewClient(s.id)
	if s.client != nil {
		want = *s.client
	}
	s.editClient(&want)
	return &want
}

func (d *declared) planUser(t *registry.Tenant, i int, is *registry.User) (*step, error) {
	u, place := &d.Users[i], d.userPlace(i)
	s := &step{kind: "user", id: u.Username, place: place, user: is, editUser: u.put}
	before := is
	if is == nil {
		before = &registry.User{}
		if known := t.PermissionNames(); !u.said["permissions"] && len(known) > 0 {
			return nil, d.page.fault(place+".permissions", fmt.Sprintf("user %s is not registered yet: say what it may do: a list of %s; [] is nothing", u.Username, strings.Join(known, ", ")))
		}
	}
	want := s.wantedUser(t)
	s.compare(registry.Changes(registry.UserFields(), &before.UserSpec, &want.UserSpec), is == nil)
	if s.remark = want.Name; want.Disabled && !u.said["disabled"] {
		s.remark += " (disabled, and the file does not say whether it shall be)"
	}
	return s, nil
}

// wantedUser is the user as it shall be.
func (s *step) wantedUser(t *registry.Tenant) *registry.User {
	want := &registry.User{Tenant: t.Name, Username: s.id}
	if s.user != nil {
		known := *s.user
		want = &known
	}
	s.editUser(want)
	return want
}
