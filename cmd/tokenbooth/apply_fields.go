package main

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// put makes what is declared of a client true, and touches nothing else.
func (d *declaredClient) put(c *registry.Client) {
	set(&c.Name, d.Name)
	set(&c.Description, d.Description)
	set(&c.AllowBodylessToken, d.AllowBodylessToken)
	set(&c.Disabled, d.Disabled)
	if d.TokenForm != nil {
		c.TokenForm = oauth.TokenForm(*d.TokenForm)
	}
	if d.Lifetime != nil {
		c.Lifetime = int64(*d.Lifetime / time.Second)
	}
	if d.Expires != nil {
		c.Expires = d.Expires.Time
	}
	setList(&c.Permissions, d.Permissions)
	setList(&c.Grants, d.Grants)
	setList(&c.AuthMethods, d.AuthMethods)
	setList(&c.Dialects, d.Dialects)
	setList(&c.AllowFrom, d.AllowFrom)
	setList(&c.ResourceServers, d.ResourceServers)
}

// put makes what is declared of a user true, and touches nothing else.
func (d *declaredUser) put(u *registry.User) {
	set(&u.Name, d.Name)
	set(&u.Disabled, d.Disabled)
	setList(&u.Permissions, d.Permissions)
}

func set[T any](at *T, said *T) {
	if said != nil {
		*at = *said
	}
}

func setList[T any](at *[]T, said []T) {
	if said != nil {
		*at = slices.Clone(said)
	}
}

// fieldsOfClient shows a client in the words of a declaration.
func fieldsOfClient(c *registry.Client) []difference {
	ends := neverWord
	if !c.Expires.IsZero() {
		ends = c.Expires.UTC().Format(time.RFC3339Nano)
	}
	return []difference{{"name", nil, c.Name}, {"description", nil, c.Description}, {"permissions", nil, texts(c.Permissions)}, {"grants", nil, texts(c.Grants)},
		{"auth_methods", nil, texts(c.AuthMethods)}, {"dialects", nil, texts(c.Dialects)}, {"token_form", nil, orElse(string(c.TokenForm), defaultForm)},
		{"lifetime", nil, orElse(lifetime(c.Lifetime), "0s")}, {"allow_from", nil, texts(c.AllowFrom)}, {"resource_servers", nil, texts(c.ResourceServers)},
		{"allow_bodyless_token", nil, c.AllowBodylessToken}, {"expires", nil, ends}, {"disabled", nil, c.Disabled}}
}

// fieldsOfUser shows a user in the words of a declaration.
func fieldsOfUser(u *registry.User) []difference {
	return []difference{{"name", nil, u.Name}, {"permissions", nil, texts(u.Permissions)}, {"disabled", nil, u.Disabled}}
}

func texts[T any](list []T) []string {
	out := []string{}
	for _, v := range list {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// compare finds out what differs, and with that what is to do. Lists with the same members are the same: their order means nothing.
func (s *step) compare(before, want []difference, anew bool) {
	for i, w := range want {
		if same(before[i].New, w.New) {
			continue
		}
		if w.Old = before[i].New; anew {
			w.Old = nil
		}
		s.changes = append(s.changes, w)
	}
	switch {
	case anew:
		s.act = toCreate
	case len(s.changes) > 0:
		s.act = toChange
	default:
		s.act = toDoNone
	}
}

func same(a, b any) bool {
	if x, ok := a.([]string); ok {
		y, _ := b.([]string)
		return slices.Equal(sorted(slices.Clone(x)), sorted(slices.Clone(y)))
	}
	return reflect.DeepEqual(a, b)
}
