package dialect

import (
	"slices"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// complete refuses a dialect whose parts do not make a whole.
func (d *Dialect) complete(preamble *block) error {
	if len(d.endpoints) == 0 {
		return preamble.errorf("the dialect has no request: write a block with @grant")
	}
	for _, check := range []func(*block) error{d.checkAnswers, d.checkRefresh, d.checkLabel} {
		if err := check(preamble); err != nil {
			return err
		}
	}
	return nil
}

// checkAnswers: every grant is answered, and no answer is for a grant nobody asks for.
func (d *Dialect) checkAnswers(preamble *block) error {
	for _, a := range d.inOrder() {
		if a.when.grant != "" && !d.grants(a.when.grant) {
			return a.block.errorf("this answer is for @grant %s, which no request asks for: take it out", a.when.grant)
		}
	}
	for _, g := range []oauth.GrantType{oauth.ClientCredentials, oauth.Password, oauth.RefreshToken} {
		if d.grants(g) && d.granted(g) == nil {
			return preamble.errorf("nothing answers a request with @grant %s: write a block with @when issued", g)
		}
	}
	for _, a := range d.inOrder() {
		if a.fills(holeUsername) && !d.grants(oauth.Password) {
			return a.block.errorf("nothing fills {{username}}: no request has the password grant")
		}
	}
	return nil
}

// checkRefresh: refresh tokens are promised, shown and taken, or nothing speaks of them. Only a person's grant brings one (RFC 6749,
// section 4.4.3).
func (d *Dialect) checkRefresh(preamble *block) error {
	promised := d.Terms.RefreshIdle > 0
	shown := slices.ContainsFunc(d.inOrder(), func(a *answer) bool { return a.fills(holeRefreshToken) })
	switch taken := d.grants(oauth.RefreshToken); {
	case !promised && (shown || taken):
		return preamble.errorf("refresh tokens are spoken of, but nothing says how long they live: write a line like # @refresh 15d")
	case promised && !taken:
		return preamble.errorf("@refresh promises refresh tokens, but no block with @grant refresh_token takes them")
	case promised && !shown:
		return preamble.errorf("@refresh promises refresh tokens, but no answer has the hole {{refresh_token}}")
	case promised && !d.grants(oauth.Password):
		return preamble.errorf("@refresh promises refresh tokens, but only the password grant brings one, and no block has @grant password")
	}
	if a := d.granted(oauth.ClientCredentials); d.grants(oauth.ClientCredentials) && a.needs(holeRefreshToken) {
		return a.block.errorf("client_credentials brings no refresh token (RFC 6749, section 4.4.3): write {{refresh_token?}}, or a block with @grant client_credentials")
	}
	return nil
}

// checkLabel: a label the caller chooses is not a client that proves itself.
func (d *Dialect) checkLabel(preamble *block) error {
	if !d.Terms.ClientLabel {
		return nil
	}
	if !d.grants(oauth.Password) {
		return preamble.errorf("@client makes the client_id default to the username, but no block has @grant password")
	}
	for _, e := range d.endpoints {
		for _, f := range e.forms {
			if f.takes.has(holeClientSecret) {
				return f.block.errorf("@client says that client_id is a label, so no block can ask for {{client_secret}}: take out one of them")
			}
		}
	}
	return nil
}

// granted returns the dialect's own answer to a granted request, or nil.
func (d *Dialect) granted(g oauth.GrantType) *answer {
	if a, ok := d.answers[situation{issued, g}]; ok {
		return a
	}
	return d.answers[situation{code: issued}]
}

// inOrder returns the answers as they stand in the file, so that its first fault is the one reported.
func (d *Dialect) inOrder() []*answer {
	var all []*answer
	for _, a := range d.answers {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *answer) int { return a.block.at - b.block.at })
	return all
}

func (d *Dialect) grants(g oauth.GrantType) bool {
	for _, e := range d.endpoints {
		if slices.ContainsFunc(e.forms, func(f form) bool { return f.grant == g }) {
			return true
		}
	}
	return false
}
