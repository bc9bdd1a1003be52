package oauth

import "net/netip"

// Asker is who sends a request to a tenant: what it presents to prove itself, and what the surface knows of it. Nothing of it has been
// checked but KnownClient.
type Asker struct {
	Auth    AuthMethod
	Client  Credential
	Decoded *Credential // the same Basic credential form-decoded, when that differs (RFC 6749, section 2.3.1)

	KnownClient string // the id of the client that Client.ID was found to be; only such an id is written down in clear

	// What the surface knows beyond the message.
	Tenant    string
	RequestID string
	Caller
}

// Caller is where a request comes from, as far as that is known.
type Caller struct {
	// Source is the caller's own address, as far as proxies are trusted. It is invalid where nobody knows it: a trusted proxy said
	// something that is no address, or the request came over a unix socket whose proxy is not trusted. No list of allowed addresses
	// has an invalid one in it.
	Source netip.Addr
	// Peer is the address at the other end of the connection. It is invalid over a unix socket.
	Peer netip.Addr
}

// Place is what guesses and hurry are counted against: the caller's address, or the peer's where that is not known. All callers of
// whom neither is known share one place.
func (c Caller) Place() netip.Addr {
	if c.Source.IsValid() {
		return c.Source
	}
	return c.Peer
}

// From spells where a request comes from, for people: an address, "unknown (behind 10.0.0.1)", or "unknown".
func (c Caller) From() string {
	switch {
	case c.Source.IsValid():
		return c.Source.String()
	case c.Peer.IsValid():
		return "unknown (behind " + c.Peer.String() + ")"
	}
	return "unknown"
}

// TokenQuery is a request about a token that somebody holds, freed of its wire format: what is known of it (RFC 7662, section 2.1), or
// that it is to be taken back (RFC 7009, section 2.1).
type TokenQuery struct {
	Asker
	Token Secret
	Hint  Unproven // what the caller takes the token for; a hint and no more, so nothing depends on it
}
