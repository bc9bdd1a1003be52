package dialect

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// Bounds of what a contract may promise. Bearer tokens that live longer than an hour are a vendor's wish, and wishes end at 14 days.
const (
	minLifetime = 10 * time.Second
	maxLifetime = 14 * 24 * time.Hour
	maxRefresh  = 400 * 24 * time.Hour
)

// Parse compiles the text of an .http file. file is the name that errors show. The error is an *Error.
func Parse(file, text string) (*Dialect, error) {
	blocks, err := split(file, text)
	if err != nil {
		return nil, err
	}
	d := &Dialect{Source: text, About: strings.Join(blocks[0].comments, "\n"), answers: answers{}}
	if err := d.preamble(blocks[0]); err != nil {
		return nil, err
	}
	var grant oauth.GrantType // of the nearest block with @grant above: @accept blocks are other ways to ask for the same
	for _, b := range blocks[1:] {
		if err := d.block(b, &grant); err != nil {
			return nil, err
		}
	}
	if err := d.complete(blocks[0]); err != nil {
		return nil, err
	}
	return d, nil
}

// preamble reads what stands above the first block: the terms of the contract.
func (d *Dialect) preamble(b *block) error {
	for _, dir := range b.directives {
		if err := d.term(b, dir); err != nil {
			return err
		}
	}
	for _, need := range []string{"dialect nexthink", "token jwt", "lifetime 900s"} {
		name, _, _ := strings.Cut(need, " ")
		if _, ok := b.directive(name); !ok {
			return b.errorf("@%s is missing: write a line like # @%s above the first block", name, need)
		}
	}
	return nil
}

func (d *Dialect) term(b *block, dir directive) (err error) {
	t := &d.Terms
	switch dir.name {
	case "dialect":
		if d.Name = dir.value; !validName(d.Name) {
			return dir.errorf(b, "a dialect's name is 1 to 32 of a-z, 0-9 and -, not %q", d.Name)
		}
	case "token":
		if t.Form = oauth.TokenForm(dir.value); !slices.Contains([]oauth.TokenForm{oauth.JWT, oauth.Opaque, oauth.UUID}, t.Form) {
			return dir.errorf(b, "a token is jwt, opaque or uuid, not %q", dir.value)
		}
	case "lifetime":
		t.Lifetime, err = duration(dir.value)
		if err != nil || t.Lifetime < minLifetime || t.Lifetime > maxLifetime || t.Lifetime%time.Second != 0 {
			return dir.errorf(b, "a lifetime is whole seconds like 900s, from 10s to 14d, not %q", dir.value)
		}
	case "scope":
		if t.DefaultScope, t.FixedScope = dir.value, true; dir.value == "" || !oauth.ValidScope(dir.value) {
			return dir.errorf(b, "a scope is words with one space between them (RFC 6749, section 3.3), not %q", dir.value)
		}
	case "refresh":
		return d.refresh(b, dir)
	case "client":
		if dir.value != "label, default {{username}}" {
			return dir.errorf(b, "@client can only be: label, default {{username}}")
		}
		t.ClientLabel = true
	default:
		return dir.errorf(b, "unknown directive @%s; above the first block stand dialect, token, lifetime, scope, refresh, client", dir.name)
	}
	return nil
}

// refresh reads: 15d, absolute 90d, one per username and client_id
func (d *Dialect) refresh(b *block, dir directive) error {
	t := &d.Terms
	for i, part := range strings.Split(dir.value, ",") {
		part = strings.TrimSpace(part)
		after, absolute := strings.CutPrefix(part, "absolute ")
		var err error
		switch {
		case i == 0:
			t.RefreshIdle, err = duration(part)
		case absolute && t.RefreshMax == 0:
			t.RefreshMax, err = duration(after)
		case part == "one per username and client_id" && !t.OnePerLabel:
			t.OnePerLabel = true
		default:
			return dir.errorf(b, "after @refresh stand a time, then absolute and a time, then: one per username and client_id; not %q", part)
		}
		if err != nil {
			return dir.errorf(b, "%q is no time like 15d or 12h", part)
		}
	}
	if t.RefreshMax == 0 {
		t.RefreshMax = 6 * t.RefreshIdle
	}
	if t.RefreshIdle < time.Minute || t.RefreshMax < t.RefreshIdle || t.RefreshMax > maxRefresh {
		return dir.errorf(b, "a refresh token lives a minute at least, its chain (absolute) no shorter than that and no longer than 400d")
	}
	return nil
}

// block sorts one block by what it is.
func (d *Dialect) block(b *block, grant *oauth.GrantType) error {
	for _, dir := range b.directives {
		if !slices.Contains([]string{"grant", "accept", "carry", "when"}, dir.name) {
			return dir.errorf(b, "unknown directive @%s; a block has grant, accept, carry or when", dir.name)
		}
	}
	_, asks := b.directive("grant")
	_, accept := b.directive("accept")
	_, carry := b.directive("carry")
	_, when := b.directive("when")
	switch {
	case when && !carry && !accept && b.isAnswer():
		return d.addAnswer(b)
	case carry && len(b.directives) == 1 && !b.isAnswer():
		return d.addCarrier(b)
	case (asks || accept) && !when && !carry && !b.isAnswer():
		return d.addRequest(b, grant)
	}
	return b.errorf("a block is a request (@grant or @accept), a call with a token (@carry alone), or an answer (@when, and it starts with HTTP/1.1)")
}

// grant reads the value of @grant.
func (dir directive) grant(b *block, g *oauth.GrantType) error {
	*g = oauth.GrantType(dir.value)
	if !slices.Contains([]oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken}, *g) {
		return dir.errorf(b, "a grant is client_credentials, password or refresh_token, not %q", dir.value)
	}
	return nil
}

// duration reads a Go duration, or days: 15d.
func duration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

func validName(s string) bool {
	return len(s) >= 1 && len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// sorted renders the names a reader may choose from.
func sorted[V any](named map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(named)), ", ")
}
