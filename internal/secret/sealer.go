package secret

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
)

// Why Open gives nothing back.
var (
	ErrSealKey = errors.New("sealed under another key-encryption key")
	ErrSeal    = errors.New("sealed text is damaged, or belongs elsewhere")
)

const (
	sealVersion = 1
	markLen     = 4
	sealHead    = 1 + markLen
)

// Sealer keeps secrets that must come back as they were, such as private keys: AES-256-GCM under a key derived for each label
// (RFC 5869), the label bound to the text, so that nothing sealed for one purpose opens for another.
//
//	sealed = version(1) mark(4) nonce(12) ciphertext tag(16)
//
// The mark is derived from the key-encryption key and tells a wrong key from a damaged text. A Sealer may be used concurrently.
type Sealer struct {
	kek  []byte
	mark [markLen]byte
}

// NewSealer makes a Sealer from a key-encryption key of at least 32 random bytes, which it copies.
func NewSealer(kek []byte) (*Sealer, error) {
	if len(kek) < 32 {
		return nil, fmt.Errorf("key-encryption key has %d bytes, want at least 32 random ones", len(kek))
	}
	if bytes.Count(kek, kek[:1]) == len(kek) {
		return nil, errors.New("key-encryption key is one byte repeated, want 32 random ones")
	}
	s := &Sealer{kek: bytes.Clone(kek)}
	copy(s.mark[:], s.expand("mark", ""))
	return s, nil
}

// Seal encrypts plain for label. Sealing twice gives two different texts.
func (s *Sealer) Seal(label string, plain []byte) []byte {
	head := append([]byte{sealVersion}, s.mark[:]...)
	return s.aead(label).Seal(head, nil, plain, []byte(label))
}

// Open decrypts what Seal made for the same label.
func (s *Sealer) Open(label string, sealed []byte) ([]byte, error) {
	if len(sealed) < sealHead || sealed[0] != sealVersion {
		return nil, ErrSeal
	}
	if subtle.ConstantTimeCompare(sealed[1:sealHead], s.mark[:]) != 1 {
		return nil, ErrSealKey
	}
	plain, err := s.aead(label).Open(nil, nil, sealed[sealHead:], []byte(label))
	if err != nil {
		return nil, ErrSeal
	}
	return plain, nil
}

// Derive returns 32 bytes for label, always the same, from which neither the key-encryption key nor any other label's bytes can
// be found.
func (s *Sealer) Derive(label string) []byte { return s.expand("derive", label) }

// expand keeps the purposes apart: purposes are constants of this file and none is the beginning of another.
func (s *Sealer) expand(purpose, label string) []byte {
	key, err := hkdf.Key(sha256.New, s.kek, nil, "tokenbooth "+purpose+" 1\x00"+label, 32)
	if err != nil {
		panic("secret: " + err.Error()) // only for more than 255 blocks
	}
	return key
}

// aead draws a fresh random nonce for every text and puts it in front.
func (s *Sealer) aead(label string) cipher.AEAD {
	block, err := aes.NewCipher(s.expand("seal", label))
	if err != nil {
		panic("secret: " + err.Error()) // only for a key that is not 32 bytes
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("secret: " + err.Error()) // only for a block that is not AES
	}
	return gcm
}
