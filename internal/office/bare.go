package office

import (
	"slices"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
)

// sealed stands where a sealed secret was: surfaces ask whether there is one.
var sealed = []byte("sealed")

// kindOf returns the beginning of a hash that says how it was made, and nothing of what it was made from: sha256$, $argon2id$.
func kindOf(h secret.Hash) secret.Hash {
	if h == "" {
		return ""
	}
	if end := strings.IndexByte(string(h[1:]), '$'); end >= 0 {
		return h[:end+2]
	}
	return "?"
}

// mark says that there was something.
func mark(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return slices.Clone(sealed)
}

func bareCredentials(credentials []registry.Credential) []registry.Credential {
	bare := slices.Clone(credentials)
	for i := range bare {
		bare[i].Hash = kindOf(bare[i].Hash)
	}
	return bare
}

// bareClient returns a copy of a client without the hashes of its secrets.
func bareClient(c *registry.Client) *registry.Client {
	if c == nil {
		return nil
	}
	bare := *c
	bare.Credentials = bareCredentials(c.Credentials)
	return &bare
}

// bareUser returns a copy of a user without hash and one-time code secret.
func bareUser(u *registry.User) *registry.User {
	if u == nil {
		return nil
	}
	bare := *u
	bare.Hash, bare.TOTP = kindOf(u.Hash), mark(u.TOTP)
	return &bare
}

// bareOperator returns a copy of an operator without what proves that it is he.
func bareOperator(o *operator.Operator) *operator.Operator {
	if o == nil {
		return nil
	}
	bare := *o
	bare.Hash, bare.TOTP, bare.CalendarKey = kindOf(o.Hash), mark(o.TOTP), mark(o.CalendarKey)
	if o.Link != nil {
		bare.Link = &operator.Link{Expires: o.Link.Expires}
	}
	bare.Recovery = make([][]byte, len(o.Recovery)) // how many are left may be seen
	bare.Passkeys = slices.Clone(o.Passkeys)
	return &bare
}
