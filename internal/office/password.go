package office

import (
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// NewPassword makes a password for a user whose operator does not want to think of one: 119 random bits, in groups that can be read aloud.
// It is kept nowhere.
func NewPassword() oauth.Secret {
	text := secret.New("p")[2:]
	return oauth.Secret(text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:20])
}
