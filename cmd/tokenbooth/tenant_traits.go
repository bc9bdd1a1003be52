package main

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// trait is one thing that settings say of a tenant, at a path like apis.orders.permissions. What is not said has none.
type trait struct {
	field string
	value any // a text, a number, true, a list of texts whose order counts, or members
}

// members are a list whose entries come and go one by one: the names of APIs and permissions, routes and endpoints in words.
type members []string

// member is an entry of members, in a difference: it has come, or gone.
type member string

// traitsOf says everything that settings say of a tenant but its name, in their order.
func traitsOf(t *registry.Tenant) []trait {
	var l traits
	whole := *t
	whole.Name, whole.APIs = "", t.DeclaredAPIs()
	l.walk("", reflect.ValueOf(whole))
	return l.all
}

type traits struct{ all []trait }

func (l *traits) add(path string, value any) { l.all = append(l.all, trait{path, value}) }

// walk adds what is said in v.
func (l *traits) walk(path string, v reflect.Value) {
	if v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
		return
	}
	switch at := v.Interface().(type) {
	case registry.Rate:
		l.add(path, rateText(at))
	case time.Duration:
		l.add(path, at.String())
	case []registry.API:
		l.walkAPIs(path, at)
	case []registry.Permission:
		l.add(path, membersOf(at, func(p registry.Permission) string { return p.Name }))
		for _, p := range at {
			l.walk(path+"."+p.Name+".label", reflect.ValueOf(p.Label))
			l.walk(path+"."+p.Name+".description", reflect.ValueOf(p.Description))
		}
	case []registry.Route:
		l.add(path, membersOf(at, routeText))
	case []registry.Endpoint:
		l.add(path, membersOf(at, func(e registry.Endpoint) string { return strings.TrimSuffix(e.Path+" "+e.Dialect+" "+e.As, " ") }))
	case []string:
		l.add(path, slices.Clone(at))
	default:
		l.walkPlain(path, v)
	}
}

func (l *traits) walkPlain(path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		l.walk(path, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); name != "" {
				l.walk(strings.TrimPrefix(path+"."+name, "."), v.Field(i))
			}
		}
	default:
		l.add(path, v.Interface())
	}
}

func (l *traits) walkAPIs(path string, apis []registry.API) {
	l.add(path, membersOf(apis, func(a registry.API) string { return a.Name }))
	seen := map[string]int{}
	for _, a := range apis {
		at := path + "." + a.Name
		if seen[a.Name]++; seen[a.Name] > 1 {
			at += fmt.Sprintf("#%d", seen[a.Name])
		}
		a.Name = ""
		l.walk(at, reflect.ValueOf(a))
	}
}

func membersOf[T any](list []T, text func(T) string) members {
	var all members
	for _, v := range list {
		all = append(all, text(v))
	}
	return all
}

func rateText(r registry.Rate) string { return fmt.Sprintf("%g/s, burst %d", r.PerSecond, r.Burst) }

// routeText says in words all that settings say of a route.
func routeText(r registry.Route) string {
	text := r.Method + " " + r.Path
	switch {
	case r.Public:
		text += " is public"
	default:
		text += " needs " + r.Permission
	}
	if r.Rate != (registry.Rate{}) {
		text += ", " + rateText(r.Rate)
	}
	if r.MaxBody != 0 {
		text += fmt.Sprintf(", at most %d bytes", r.MaxBody)
	}
	return text
}

// differ says what has to change to get from one tenant to another. What is new or gone in a list has a difference of its own; what an
// API or a permission that goes takes along is not said again.
func differ(before, after []trait) []difference {
	was, is := map[string]any{}, map[string]any{}
	var fields []string
	for _, t := range after {
		is[t.field] = t.value
		fields = append(fields, t.field)
	}
	next := 0 // where a field that is gone would stand
	for _, t := range before {
		was[t.field] = t.value
		if _, stays := is[t.field]; stays {
			next = slices.Index(fields, t.field) + 1
		} else if !goneWith(t.field, before, after) {
			fields = slices.Insert(fields, next, t.field)
			next++
		}
	}
	var all []difference
	for _, f := range fields {
		all = append(all, differences(f, was[f], is[f])...)
	}
	return all
}

// goneWith reports whether a field is of an API or a permission that is there no more. Names of permissions have dots, those of APIs have
// none.
func goneWith(field string, before, after []trait) bool {
	return slices.ContainsFunc(before, func(t trait) bool {
		of, _ := t.value.(members)
		inside, ok := strings.CutPrefix(field, t.field+".")
		return ok && slices.ContainsFunc(of, func(m string) bool {
			of, ok := strings.CutPrefix(inside, m+".")
			return ok && (t.field == "apis" || !strings.Contains(of, ".")) && !slices.Contains(membersAt(t.field, after), m)
		})
	})
}

func membersAt(field string, all []trait) members {
	for _, t := range all {
		if t.field == field {
			names, _ := t.value.(members)
			return names
		}
	}
	return nil
}

// differences compares two values of a field; nil is one that is not said.
func differences(field string, before, after any) []difference {
	old, listed := before.(members)
	new, list := after.(members)
	if listed || list {
		return comeAndGone(field, old, new)
	}
	if before == nil {
		before = nothing(after)
	}
	if after == nil {
		after = nothing(before)
	}
	if reflect.DeepEqual(before, after) {
		return nil
	}
	return []difference{{field, discreet(before), discreet(after)}}
}

// discreet is a value as it may be shown: of a URL with a user in it, without that.
func discreet(v any) any {
	text, _ := v.(string)
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return v
	}
	u.User = url.User("…")
	return strings.Replace(u.String(), url.User("…").String(), "…", 1)
}

func comeAndGone(field string, before, after members) (all []difference) {
	for _, m := range after {
		if !slices.Contains(before, m) {
			all = append(all, difference{field, nil, member(m)})
		}
	}
	for _, m := range before {
		if !slices.Contains(after, m) {
			all = append(all, difference{field, member(m), nil})
		}
	}
	if all == nil && !slices.Equal(before, after) {
		all = append(all, difference{field, []string(before), []string(after)})
	}
	return all
}

// nothing is the value of a kind that is the same as none.
func nothing(v any) any {
	if _, list := v.([]string); list {
		return []string{}
	}
	return reflect.Zero(reflect.TypeOf(v)).Interface()
}
