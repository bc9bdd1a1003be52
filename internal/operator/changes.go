package operator

import (
	"maps"
	"slices"
	"strconv"

	"github.com/tokenbooth/tokenbooth/internal/audit"
)

// changes is what an event says that was changed of an operator: what others may write, and which proofs there are.
func (o *Operator) changes(before *Operator) (all []audit.Change) {
	for _, f := range []struct {
		name string
		of   func(*Operator) []string
	}{
		{"name", func(o *Operator) []string {
			return slices.DeleteFunc([]string{o.Name}, func(s string) bool { return s == "" })
		}},
		{"roles", (*Operator).roleWords},
		{"disabled", func(o *Operator) []string { return []string{strconv.FormatBool(o.Disabled)} }},
		{"password", func(o *Operator) []string { return []string{strconv.FormatBool(len(o.Hash) > 0)} }},
		{"totp", func(o *Operator) []string { return []string{strconv.FormatBool(len(o.TOTP) > 0)} }},
		{"deleted", func(o *Operator) []string { return []string{strconv.FormatBool(o.Deleted)} }},
		{"passkeys", func(o *Operator) []string { return []string{strconv.Itoa(len(o.Passkeys))} }},
	} {
		if was, is := f.of(before), f.of(o); !slices.Equal(was, is) {
			all = append(all, audit.Change{Field: f.name, Old: was, New: is})
		}
	}
	return all
}

// roleWords writes roles as the command line does: editor@acme.
func (o *Operator) roleWords() (words []string) {
	for _, tenant := range slices.Sorted(maps.Keys(o.Roles)) {
		word := string(o.Roles[tenant])
		if tenant != All {
			word += "@" + tenant
		}
		words = append(words, word)
	}
	return words
}
