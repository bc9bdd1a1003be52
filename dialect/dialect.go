// Package dialect speaks token contracts. A contract is written as its vendor documents it: an .http file with an example request,
// an example answer and example refusals, in which the values that change are holes, {{client_id}}. One file serves everybody who
// meets at the contract: the server decodes requests by it and answers with it, the guard of an API refuses by it, and people read it.
//
// Parse compiles a file once. The request side becomes the set of places where each hole may stand (Basic header, header, form
// field, JSON member) and the constants that choose a grant; the answer side becomes byte segments with holes, so that answering is
// appending. A file that contradicts itself is refused with its line and column.
//
// What a dialect may not choose is code here, alike for all: limits on size and number, strict decoding (a repeated parameter, a
// second way to authenticate, a secret in the URL, bad UTF-8, control characters are each refused), Cache-Control: no-store, and that
// a fault of ours is never spelt as a refusal of the caller.
//
// A *Dialect is immutable once parsed; all methods may be called concurrently. The wire rules are those of RFC 6749, sections 2.3, 3.2
// and 5, and RFC 6750, sections 2 and 3, unless the file says otherwise.
package dialect

import (
	"embed"
	"fmt"
	"slices"
	"sync"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Dialect is one token contract, compiled.
type Dialect struct {
	Name   string      // what settings and registrations call it
	About  string      // the file's opening comment, for people
	Source string      // the file itself
	Terms  oauth.Terms // what it promises about its tokens

	endpoints []*Endpoint
	answers   answers
	carriers  []carrier
}

// Endpoints returns the token endpoints of the contract in the order of its file.
func (d *Dialect) Endpoints() []*Endpoint { return d.endpoints }

// Endpoint returns the endpoint at path, or nil.
func (d *Dialect) Endpoint(path string) *Endpoint {
	for _, e := range d.endpoints {
		if e.Path == path {
			return e
		}
	}
	return nil
}

//go:embed dialects/*.http
var files embed.FS

// builtin parses the embedded files at first use. They are part of the program, so a fault in one is a fault of the build.
var builtin = sync.OnceValue(func() []*Dialect {
	entries, err := files.ReadDir("dialects")
	if err != nil {
		panic(err)
	}
	var all []*Dialect
	for _, e := range entries {
		text, err := files.ReadFile("dialects/" + e.Name())
		if err != nil {
			panic(err)
		}
		d, err := Parse(e.Name(), string(text))
		if err != nil {
			panic(err)
		}
		all = append(all, d)
	}
	return all
})

// Builtin returns the dialects that come with the product, by name.
func Builtin() []*Dialect { return slices.Clone(builtin()) }

// Standard returns OAuth 2.0 as RFC 6749 writes it. Every other dialect falls back to its answers.
func Standard() *Dialect { return named(builtin(), "oauth2") }

func named(all []*Dialect, name string) *Dialect {
	for _, d := range all {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// apiCases are the situations an API answers for itself.
var apiCases = []oauth.Code{
	refused, oauth.NoToken, oauth.MalformedToken, oauth.InvalidToken, oauth.InsufficientScope, oauth.InvalidRequest, oauth.Throttled,
	oauth.Unavailable, oauth.ServerError,
}

// WithRefusals returns a copy of the dialect in which the answer blocks of text (each with its @when) take the place of d's own:
// how an API brings its own words for a contract that many APIs share. The copy is for Carried, Strip and EncodeError; endpoints stay
// those of d. file is the name that errors show. The error is an *Error.
func (d *Dialect) WithRefusals(file, text string) (*Dialect, error) {
	blocks, err := split(file, text)
	if err != nil {
		return nil, err
	}
	for _, dir := range blocks[0].directives {
		return nil, dir.errorf(blocks[0], "@%s has no place here: an API's own words are answer blocks with @when", dir.name)
	}
	own := *d
	own.answers = answers{}
	for _, b := range blocks[1:] {
		when, ok := b.directive("when")
		if !ok || len(b.directives) > 1 || !b.isAnswer() {
			return nil, b.errorf("only refusals may stand here: a block with @when alone that starts with HTTP/1.1")
		}
		if code, known := situations[when.value]; known && !slices.Contains(apiCases, code) {
			return nil, when.errorf(b, "an API does not answer @when %s; it answers %v", when.value, apiCases)
		}
		if err := own.addAnswer(b); err != nil {
			return nil, err
		}
	}
	for when, a := range d.answers {
		if _, ok := own.answers[when]; !ok {
			own.answers[when] = a
		}
	}
	return &own, nil
}

// Error is a fault in a dialect file, with its place.
type Error struct {
	File         string
	Line, Column int // from 1
	Problem      string
}

// Error renders file:line:column and the problem.
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Problem)
}
