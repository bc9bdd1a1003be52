package oauth

import "net/netip"

// Asker is who sends a request to a tenant: what it presents to prove itself, and what the surface knows of it. Nothing of it has been
// checked.
type Asker struct {
	Auth    AuthMethod
	Client  Credential
	Decoded *Credential // the same Basic credential form-decoded, when that differs (RFC 6749, section 2.3.1)

	// What the surface knows beyond the message.
	Tenant    string
	RequestID string
	Source    netip.Addr // the caller's address, as far as proxies are trusted
}

// TokenQuery is a request about a token that somebody holds, freed of its wire format: what is known of it (RFC 7662, section 2.1), or
// that it is to be taken back (RFC 7009, section 2.1).
type TokenQuery struct {
	Asker
	Token Secret
	Hint  string // what the caller takes the token for; a hint and no more, so nothing depends on it
}
