// Package revocation is the list of what an issuer has taken back before its time: single tokens, all tokens of a client, a user, a
// chain of refresh tokens or the whole issuer, and all that a signing key has signed. An issuer publishes it, signed, and every guard
// keeps it in memory (Set), so that a JWT that is revoked is refused everywhere within seconds without a question to the issuer.
//
// An entry does not say what it takes back: it has a digest of it, so the list tells nothing to who does not hold the token. A set
// only grows, until an entry's time is over: what was taken back is never given back, so pages may arrive twice and in any order.
//
// The package has the entries, their form on the wire (List) and the set; it neither signs nor fetches. A Set may be used
// concurrently; looking up takes no lock. RFC 7009 (revocation), RFC 7519 (the names of claims).
package revocation

import (
	"crypto/sha256"
	"time"
)

// Kind says what an entry takes back.
type Kind byte

// The kinds. Token and Key are taken back whenever they were issued, the others take back what was issued up to Entry.Before.
const (
	Token  Kind = 't' // one access token, by its id: jti
	Family Kind = 'f' // the access tokens of one chain of refresh tokens, by its id: sid
	Client Kind = 'c' // the tokens of a client: client_id
	User   Kind = 'u' // the tokens a user is behind: sub
	Issuer Kind = 'i' // all tokens; the id is empty
	Key    Kind = 'k' // all that a key has signed: kid
)

// Kinds returns all kinds, in the order they are looked for.
func Kinds() []Kind { return []Kind{Token, Family, Client, User, Issuer, Key} }

// String returns the kind in words.
func (k Kind) String() string {
	switch k {
	case Token:
		return "token"
	case Family:
		return "chain of refresh tokens"
	case Client:
		return "client"
	case User:
		return "user"
	case Issuer:
		return "issuer"
	case Key:
		return "key"
	}
	return "unknown kind"
}

// Name is what an entry is found by: the first half of a SHA-256 of the kind and the id. The zero Name is nobody's.
type Name [16]byte

// NameOf returns the name of something that can be taken back. What has no id has no name, but for the issuer.
func NameOf(k Kind, id string) (n Name) {
	if id == "" && k != Issuer {
		return Name{}
	}
	var room [128]byte
	digest := sha256.Sum256(append(append(room[:0], byte(k)), id...))
	copy(n[:], digest[:])
	return n
}

// Entry takes something back.
type Entry struct {
	Name   Name
	Before time.Time // what was issued up to here is refused; zero: whenever it was issued
	Until  time.Time // from here on the entry is not needed: nothing that it refuses is alive
}

// Names are all that one token can be taken back by.
type Names [6]Name

// NamesOf returns the names of a token: its id, the chain it came from, its client, its subject, its issuer and the key that signed it.
// What a token does not have is empty.
func NamesOf(id, family, client, subject, key string) Names {
	return Names{NameOf(Token, id), NameOf(Family, family), NameOf(Client, client), NameOf(User, subject), NameOf(Issuer, ""), NameOf(Key, key)}
}
