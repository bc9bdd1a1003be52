package revocation

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Type is the typ of a signed list (RFC 7515, section 4.1.9): nobody takes one for an access token, nor the other way round.
const Type = "revocations+jwt"

// MaxEntries is how many entries one list has at most; the next page begins after the last of them.
const MaxEntries = 50_000

// List is a part of what an issuer has taken back, as its claims say it. A guard asks for what is new: what follows Sequence in the
// same Epoch. Another epoch counts anew, as after the issuer's restart; its list begins at 0.
type List struct {
	Issuer   string    // iss
	IssuedAt time.Time // iat, in whole seconds
	Epoch    string
	After    uint64 // how many entries of the epoch lie before the first of these
	Sequence uint64 // After and the number of these
	Latest   uint64 // how many entries the epoch had; more than Sequence: there is another page
	Entries  []Entry
}

// claims are the JSON form of a list:
//
//	{"iss":"https://login.example","iat":1795330140,"epoch":"4fQ…","after":17,"sequence":18,"latest":18,"revoked":"9pSh…"}
//
// revoked is base64url of 32 bytes an entry: 16 of the name, 8 of before and 8 of until, big-endian microseconds since 1970; before is
// 0 where it does not matter.
type claims struct {
	Issuer   string  `json:"iss"`
	IssuedAt int64   `json:"iat"`
	Epoch    string  `json:"epoch"`
	After    *uint64 `json:"after"`
	Sequence *uint64 `json:"sequence"`
	Latest   *uint64 `json:"latest"`
	Revoked  *string `json:"revoked"`
}

// EntrySize is the length of a packed entry in bytes.
const EntrySize = 32

var encoding = base64.RawURLEncoding.Strict()

// Claims returns the list as the payload of a JWT.
func (l *List) Claims() []byte {
	revoked := encoding.EncodeToString(Pack(l.Entries))
	body, err := json.Marshal(claims{l.Issuer, l.IssuedAt.Unix(), l.Epoch, &l.After, &l.Sequence, &l.Latest, &revoked})
	if err != nil { // texts and numbers: cannot happen
		panic(fmt.Errorf("encode a list of revocations: %w", err))
	}
	return body
}

// Pack returns entries as a list has them, before base64url.
func Pack(entries []Entry) []byte {
	packed := make([]byte, 0, EntrySize*len(entries))
	for _, e := range entries {
		packed = append(packed, e.Name[:]...)
		packed = binary.BigEndian.AppendUint64(packed, micros(e.Before))
		packed = binary.BigEndian.AppendUint64(packed, micros(e.Until))
	}
	return packed
}

// Unpack reads what Pack has written.
func Unpack(packed []byte) ([]Entry, error) {
	if len(packed)%EntrySize != 0 {
		return nil, errors.New("a list of revocations that ends within an entry")
	}
	entries := slices.Grow([]Entry(nil), len(packed)/EntrySize)
	for ; len(packed) > 0; packed = packed[EntrySize:] {
		e := Entry{Name: Name(packed[:16]), Before: moment(packed[16:24]), Until: moment(packed[24:32])}
		if e.Until.IsZero() {
			return nil, errors.New("a list of revocations with an entry that has no end")
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// ParseClaims reads the payload of a list whose signature has been checked.
func ParseClaims(payload []byte) (*List, error) {
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, fmt.Errorf("a list of revocations that is no JSON: %w", err)
	}
	if c.Issuer == "" || c.Epoch == "" || c.IssuedAt <= 0 || c.After == nil || c.Sequence == nil || c.Latest == nil || c.Revoked == nil {
		return nil, errors.New("a list of revocations without one of iss, iat, epoch, after, sequence, latest, revoked")
	}
	packed, err := encoding.DecodeString(*c.Revoked)
	if err != nil || len(packed)%EntrySize != 0 || len(packed) > MaxEntries*EntrySize {
		return nil, errors.New("a list of revocations whose entries cannot be read")
	}
	l := &List{Issuer: c.Issuer, IssuedAt: time.Unix(c.IssuedAt, 0), Epoch: c.Epoch, After: *c.After, Sequence: *c.Sequence, Latest: *c.Latest}
	if n := uint64(len(packed) / EntrySize); l.Sequence < l.After || l.Sequence-l.After != n || l.Latest < l.Sequence {
		return nil, errors.New("a list of revocations whose numbers do not add up")
	}
	if l.Entries, err = Unpack(packed); err != nil {
		return nil, err
	}
	return l, nil
}

func micros(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixMicro())
}

// moment reads a time; beyond the year 9999 lies none.
func moment(b []byte) time.Time {
	const last = 253402300799999999
	us := binary.BigEndian.Uint64(b)
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(min(us, last)))
}
