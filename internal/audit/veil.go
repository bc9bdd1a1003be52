package audit

import (
	"encoding/hex"
	"strings"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// Veil writes down names that no registration has, so that whoever knows a name can tell whether it was the one that was sent, and nobody
// can read it: what is shown of an oauth.Unproven, and a digest under a key of the installation that is not in the store.
//
//	hunt…(21)#9f86d081884c7d65
//
// The zero Veil has no key, and writes no digest. It may be used concurrently.
type Veil struct{ key []byte }

// NewVeil makes the Veil of an installation.
func NewVeil(s *secret.Sealer) Veil { return Veil{s.Derive("names that nobody has")} }

// UnknownParty begins the actor of an event that nobody registered is.
const UnknownParty = "unknown:"

const (
	digestMark = ")#"
	digestSize = 8 // bytes of it that are kept: enough to tell names apart, and no more
)

// Of returns what may be written of a name; of none, nothing.
func (v Veil) Of(name oauth.Unproven) string {
	if name == "" || v.key == nil {
		return name.String()
	}
	return name.String() + digestMark[1:] + v.digest(name)
}

func (v Veil) digest(name oauth.Unproven) string {
	sum := secret.MAC(v.key, []byte(name.Reveal()))
	return hex.EncodeToString(sum[:digestSize])
}

// Party returns an event's actor, as kind and name: of a registration, when known says its name, or of nobody.
func (v Veil) Party(kind, known string, sent oauth.Unproven) string {
	switch {
	case known != "":
		return kind + ":" + known
	case sent != "":
		return UnknownParty + v.Of(sent)
	}
	return ""
}

// Fits says of a text of an event whether it is a name that Of wrote, and then whether of this one.
func (v Veil) Fits(text string, name oauth.Unproven) (veiled, same bool) {
	at := strings.LastIndex(text, digestMark)
	if at < 0 || v.key == nil || len(text) != at+len(digestMark)+2*digestSize {
		return false, false
	}
	return true, secret.Same(text[at+len(digestMark):], v.digest(name))
}
