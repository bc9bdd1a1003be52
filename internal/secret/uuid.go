package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// UUIDs makes tokens that are UUIDs, for contracts that demand one, and finds the id their rows are kept under.
//
// An id that follows from nothing but the text would be in no order, and rows without order cost a store a page each. So the text has
// the millisecond it was made in, and nobody can see it: 48 bits of time under a pad that a key makes of the other bits.
//
//	time(48 bits) xor AES-256(key, rest)   rest: 74 random bits, version 4 and variant of RFC 9562, section 5.4
//
// Without the key all 122 bits are random, and none of them can be told from the others of the same moment. An id is the time and a
// part of a digest of the text: no key makes a token of it again. UUIDs may be used concurrently.
type UUIDs struct{ block cipher.Block }

const (
	uuidTime   = 6  // bytes
	uuidDigest = 10 // bytes: 80 bits tell the UUIDs of a millisecond apart
)

// NewUUIDs makes a UUIDs with a key of the sealer's. Under another key-encryption key it finds none of the rows of before.
func NewUUIDs(s *Sealer) *UUIDs {
	block, err := aes.NewCipher(s.Derive("tokens that are UUIDs"))
	if err != nil { // a key of 32 bytes: cannot happen
		panic(err)
	}
	return &UUIDs{block}
}

// New makes a token and the id of its row. Of the text only Digest is to be kept.
func (u *UUIDs) New(now time.Time) (text, id string) {
	var b [16]byte
	rand.Read(b[uuidTime:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	ms := uint64(max(0, now.UnixMilli()))
	b[0], b[1] = byte(ms>>40), byte(ms>>32)
	binary.BigEndian.PutUint32(b[2:], uint32(ms))
	u.cover(&b)
	text = spellUUID(b)
	return text, uuidID(ms, text)
}

// Parse returns the id of the row of a token. Whether the token is genuine only the row's digest can say: to every UUID of version 4,
// in lower case, belongs some id.
func (u *UUIDs) Parse(text string) (id string, ok bool) {
	b, ok := readUUID(text)
	if !ok {
		return "", false
	}
	u.cover(&b)
	return uuidID(uint64(binary.BigEndian.Uint16(b[:]))<<32|uint64(binary.BigEndian.Uint32(b[2:])), text), true
}

// cover hides the time, or shows it again.
func (u *UUIDs) cover(b *[16]byte) {
	pad := *b
	clear(pad[:uuidTime])
	u.block.Encrypt(pad[:], pad[:])
	subtle.XORBytes(b[:uuidTime], b[:uuidTime], pad[:uuidTime])
}

func uuidID(ms uint64, text string) string {
	var room [idTime + 2*uuidDigest]byte
	digest := Digest(text)
	return string(hex.AppendEncode(appendTime(room[:0], time.UnixMilli(int64(ms))), digest[:uuidDigest]))
}

func spellUUID(u [16]byte) string {
	var s [36]byte
	hex.Encode(s[0:8], u[0:4])
	hex.Encode(s[9:13], u[4:6])
	hex.Encode(s[14:18], u[6:8])
	hex.Encode(s[19:23], u[8:10])
	hex.Encode(s[24:36], u[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}

// readUUID reads what spellUUID writes and no other spelling, of version 4 only.
func readUUID(text string) (u [16]byte, ok bool) {
	if len(text) != 36 || text[14] != '4' {
		return u, false
	}
	digits := text[0:8] + text[9:13] + text[14:18] + text[19:23] + text[24:36]
	if _, err := hex.Decode(u[:], []byte(digits)); err != nil {
		return u, false
	}
	return u, spellUUID(u) == text && u[8]&0xc0 == 0x80
}
