package registry

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Field is one thing that operators may write of a client or a user: its names, its words for people, and
// its value as words. Every surface loops over fields, so what it shows, takes and compares is the same.
type Field[S any] struct {
	Name  string // in the operators' API, in files of declarations and in the audit record
	Flag  string // on the command line
	Label string // for people
	Help  string // what it is, in one line; an `ARGUMENT` in it names the flag's value
	None  string // the word for no value, where people cannot leave it empty: any, none, never
	Unset string // what no value means, for people: anywhere
	Kind  Kind

	get  func(*S) []string
	json func(*S) any
	set  func(*S, []string) error
	copy func(from, to *S)
}

// Kind says how many words a field has.
type Kind int

// Kinds of fields: one word or none, any number of words in no order, or true and false.
const (
	Text Kind = iota
	List
	Switch
)

// Get returns the value in the words that Set reads; none at all where there is no value.
func (f *Field[S]) Get(of *S) []string { return f.get(of) }

// Set reads the value from words as people write them: without the spaces around them, those of a list each
// once; the word None alone, or no words, is no value. What cannot be read is a *Problem at the field.
func (f *Field[S]) Set(of *S, words []string) error {
	var read []string
	for _, w := range words {
		if f.Kind == List {
			w = strings.TrimSpace(w)
		}
		if w != "" && !slices.Contains(read, w) {
			read = append(read, w)
		}
	}
	if f.None != "" && slices.Equal(read, []string{f.None}) {
		read = nil
	}
	if err := f.set(of, read); err != nil {
		return problem(f.Name, "%v", err)
	}
	return nil
}

// Value is the value as programs see it: text, a list of texts that is never nil, or true or false.
func (f *Field[S]) Value(of *S) any {
	words := f.get(of)
	switch {
	case f.Kind == List:
		return append([]string{}, words...)
	case f.Kind == Switch:
		return len(words) > 0
	case len(words) == 0:
		return f.None
	}
	return words[0]
}

// JSON is the value in its form in JSON: a list is never null, and what has no value is.
func (f *Field[S]) JSON(of *S) any { return f.json(of) }

// Change is a field as it was and as it is now, in the values of Field.Value.
type Change struct {
	Field string `json:"field"`
	Old   any    `json:"old"`
	New   any    `json:"new"`
}

// Changes returns the fields in which two registrations differ. Lists with the same members are the same:
// their order means nothing.
func Changes[S any](fields []Field[S], before, after *S) (all []Change) {
	for i := range fields {
		f := &fields[i]
		was, is := f.Get(before), f.Get(after)
		if f.Kind == List {
			was, is = slices.Compact(slices.Sorted(slices.Values(was))), slices.Compact(slices.Sorted(slices.Values(is)))
		}
		if !slices.Equal(was, is) {
			all = append(all, Change{f.Name, f.Value(before), f.Value(after)})
		}
	}
	return all
}

// Write makes what was said true: it copies the fields of these names and leaves the others.
func Write[S any](fields []Field[S], said map[string]bool, from, to *S) {
	for _, f := range fields {
		if said[f.Name] {
			f.copy(from, to)
		}
	}
}

// textField, listField, switchField and valueField give fields their Get and Set.
func textField[S any, T ~string](f Field[S], at func(*S) *T) Field[S] {
	return valueField(f, at, func(text string) (T, error) { return T(text), nil })
}

func valueField[S any, T comparable](f Field[S], at func(*S) *T, parse func(string) (T, error)) Field[S] {
	f.copy = func(from, to *S) { *at(to) = *at(from) }
	f.json = func(of *S) any {
		if v := *at(of); f.None == "" || v != *new(T) {
			return v
		}
		return nil
	}
	f.get = func(of *S) []string {
		if v := *at(of); v != *new(T) {
			return []string{fmt.Sprint(v)}
		}
		return nil
	}
	f.set = func(of *S, words []string) (err error) {
		var v T
		if len(words) > 0 {
			v, err = parse(words[0])
		}
		if err == nil {
			*at(of) = v
		}
		return err
	}
	return f
}

func listField[S any, T any](f Field[S], at func(*S) *[]T, parse func(string) (T, error)) Field[S] {
	f.Kind = List
	f.copy = func(from, to *S) { *at(to) = slices.Clone(*at(from)) }
	f.json = func(of *S) any { return append([]T{}, *at(of)...) }
	f.get = func(of *S) (words []string) {
		for _, v := range *at(of) {
			words = append(words, fmt.Sprint(v))
		}
		return words
	}
	f.set = func(of *S, words []string) error {
		var list []T
		for _, w := range words {
			v, err := parse(w)
			if err != nil {
				return err
			}
			list = append(list, v)
		}
		*at(of) = list
		return nil
	}
	return f
}

// word is how a list of words is read: each as it stands.
func word[T ~string](text string) (T, error) { return T(text), nil }

func switchField[S any](f Field[S], at func(*S) *bool) Field[S] {
	f.Kind = Switch
	f.copy = func(from, to *S) { *at(to) = *at(from) }
	f.json = func(of *S) any { return *at(of) }
	f.get = func(of *S) []string {
		if *at(of) {
			return []string{"true"}
		}
		return nil
	}
	f.set = func(of *S, words []string) (err error) {
		*at(of) = false
		if len(words) > 0 {
			if *at(of), err = strconv.ParseBool(words[0]); err != nil {
				return fmt.Errorf("it takes true or false, not %.60q", words[0])
			}
		}
		return nil
	}
	return f
}
