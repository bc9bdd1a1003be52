package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// fieldFlags are the flags by which a command writes the fields of a registration.
type fieldFlags[S any] struct {
	fields func(now time.Time) []registry.Field[S]
	words  map[string]*[]string // by field
	text   map[string]*string
	on     map[string]*bool
}

// everyPermission stands for all permissions of the tenant's declared APIs. A program that acts as an operator is given tokenbooth:… by
// name.
const everyPermission = "all"

// shorthands are flags that have a letter too.
var shorthands = map[string]string{"permission": "p"}

// flagsOf gives a command a flag for each field that has one. fields makes them as of a moment.
func flagsOf[S any](cmd *cobra.Command, fields func(now time.Time) []registry.Field[S]) *fieldFlags[S] {
	f := &fieldFlags[S]{fields, map[string]*[]string{}, map[string]*string{}, map[string]*bool{}}
	flags := cmd.Flags()
	for _, field := range fields(time.Time{}) {
		switch {
		case field.Flag == "":
			continue
		case field.Kind == registry.List:
			f.words[field.Name] = flags.StringSliceP(field.Flag, shorthands[field.Flag], nil, field.Help)
		case field.Kind == registry.Switch:
			f.on[field.Name] = flags.Bool(field.Flag, false, field.Help)
			flags.Bool("no-"+field.Flag, false, "the opposite of --"+field.Flag)
			cmd.MarkFlagsMutuallyExclusive(field.Flag, "no-"+field.Flag)
		default:
			f.text[field.Name] = flags.String(field.Flag, "", field.Help)
		}
		completeFlag(cmd, field.Flag, completerOf(field.Name))
	}
	return f
}

// put writes what was said on the command line into a registration, and nothing else.
func (f *fieldFlags[S]) put(e *errand, to *S) error {
	for _, field := range f.fields(e.now) {
		changed := e.cmd.Flags().Changed
		if field.Flag == "" || !changed(field.Flag) && !changed("no-"+field.Flag) {
			continue
		}
		words, err := f.said(e.tenant, &field)
		if err != nil {
			return err
		}
		if err := field.Set(to, words); err != nil {
			return explain(err)
		}
	}
	return nil
}

// said is the value of a field's flag. An empty one, as an unset variable of a shell makes it, could mean nothing or everything; only
// what can have no value by its nature may be emptied so.
func (f *fieldFlags[S]) said(t *registry.Tenant, field *registry.Field[S]) (words []string, err error) {
	switch {
	case field.Kind == registry.Switch:
		return []string{fmt.Sprint(*f.on[field.Name])}, nil // --no-… alone is false
	case field.Kind == registry.List:
		words = *f.words[field.Name]
	default:
		words = []string{*f.text[field.Name]}
	}
	empty := !slices.ContainsFunc(words, func(w string) bool { return strings.TrimSpace(w) != "" })
	if empty && field.None != "" {
		return nil, fmt.Errorf("--%s: it is empty; leave the flag out, or say %s", field.Flag, field.None)
	}
	if field.Name == "permissions" {
		words = wholeWords(t, words)
	}
	return words, nil
}

// wholeWords are permissions without the word for all of them, unless that is the name of one.
func wholeWords(t *registry.Tenant, words []string) []string {
	known := t.PermissionNames()
	if slices.Equal(words, []string{everyPermission}) && !slices.Contains(known, everyPermission) {
		return known
	}
	return words
}

// span reads a duration from a flag.
func span(flag, text string) (time.Duration, error) {
	s, err := registry.ParseSpan(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", flag, err)
	}
	return s.Duration(), nil
}

// needPermissions refuses a registration that does not say what it is for: nobody should hold everything, or wonder why they hold
// nothing, because of a flag that was forgotten.
func needPermissions(e *errand) error {
	known := e.tenant.PermissionNames()
	if e.cmd.Flags().Changed("permission") || len(known) == 0 {
		return nil
	}
	return fmt.Errorf("--permission: say what it may do: one or more of %s; or %s, or none", strings.Join(known, ", "), everyPermission)
}

// argumentOf says by which argument what is no field of a registration is given.
var argumentOf = map[string]string{"id": "the client id", "overlap": "--overlap", "secret": "the secret", "hash": "--hash",
	"username": "the user name", "password": "the password"}

// explain puts an error of those who decide into the words of the command line.
func explain(err error) error {
	p, ok := errors.AsType[*registry.Problem](err)
	if !ok {
		return err
	}
	if at := argumentOf[p.Field]; at != "" {
		return fmt.Errorf("%s: %s", at, p.Text)
	}
	return cmp.Or(atFlag(registry.ClientFields(time.Time{}), p), atFlag(registry.UserFields(), p), err)
}

// atFlag is a problem at the flag of its field, or nil.
func atFlag[S any](fields []registry.Field[S], p *registry.Problem) error {
	for _, f := range fields {
		if f.Name == p.Field && f.Flag != "" {
			return fmt.Errorf("--%s: %s", f.Flag, p.Text)
		}
	}
	return nil
}
