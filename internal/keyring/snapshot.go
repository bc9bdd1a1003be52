package keyring

import (
	"cmp"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Public is what may be known of a key.
type Public struct {
	ID        string // its RFC 7638 thumbprint
	Algorithm Algorithm
	Key       crypto.PublicKey // *ecdsa.PublicKey, ed25519.PublicKey or *rsa.PublicKey
	State     State
	Created   time.Time // and published since
	Activated time.Time
	Retired   time.Time
	Until     time.Time // of a retired key: from then on it checks nothing any more
}

// gone reports whether a retired key's time is over.
func (p *Public) gone(now time.Time) bool { return !p.Until.IsZero() && !now.Before(p.Until) }

// snapshot is a tenant's keys at one revision, made ready for use. It is never changed.
type snapshot struct {
	rev     uint64
	keys    []Public // the active one, the next one, and retired ones from the latest on
	headers []string // of the tokens of each, encoded
	jwks    []byte
	tag     string    // changes with jwks
	until   time.Time // when the first retired key goes; zero: none will
	signer  signer
}

var rank = map[State]int{Active: 0, Next: 1, Retired: 2}

// load unseals what was read from the store.
func (k *Keyring) load(tenant string, kept ringRecord) (*snapshot, error) {
	var private crypto.Signer
	keys := make([]Public, 0, len(kept.Keys))
	for _, r := range kept.Keys {
		priv, pub, err := k.open(tenant, r)
		if err != nil {
			return nil, err
		}
		if r.State == Active {
			private = priv
		}
		keys = append(keys, Public{r.ID, r.Algorithm, pub, r.State, r.Created, r.Activated, r.Retired, r.Until})
	}
	slices.SortStableFunc(keys, func(a, b Public) int {
		return cmp.Or(cmp.Compare(rank[a.State], rank[b.State]), b.Retired.Compare(a.Retired))
	})
	s, err := newSnapshot(kept.rev, keys, k.now())
	if err != nil {
		return nil, err
	}
	s.signer, err = newSigner(s.keys[0], private)
	return s, err
}

func newSnapshot(rev uint64, keys []Public, now time.Time) (*snapshot, error) {
	s := &snapshot{rev: rev}
	set := struct {
		Keys []jwk `json:"keys"`
	}{}
	for _, p := range keys {
		if p.gone(now) {
			continue
		}
		if !p.Until.IsZero() && (s.until.IsZero() || p.Until.Before(s.until)) {
			s.until = p.Until
		}
		j, err := newJWK(p.Key)
		if err != nil {
			return nil, err
		}
		j.Use, j.Algorithm, j.ID = "sig", p.Algorithm, p.ID
		set.Keys = append(set.Keys, j)
		s.keys = append(s.keys, p)
		s.headers = append(s.headers, header(p, accessToken))
	}
	var err error
	if s.jwks, err = json.Marshal(set); err != nil {
		return nil, fmt.Errorf("spelling the key set: %w", err)
	}
	digest := sha256.Sum256(s.jwks)
	s.tag = base64.RawURLEncoding.EncodeToString(digest[:16])
	return s, nil
}

const accessToken = "at+jwt"

// header is the encoded protected header of what is signed with p (RFC 7515, section 4; RFC 9068, section 2.1).
func header(p Public, typ string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"` + typ + `","alg":"` + string(p.Algorithm) + `","kid":"` + p.ID + `"}`))
}

// live returns the tenant's keys without those whose time is over.
func (r *ring) live(now time.Time) *snapshot {
	s := r.current.Load()
	if s.until.IsZero() || now.Before(s.until) {
		return s
	}
	fresh, err := newSnapshot(s.rev, s.keys, now)
	if err != nil {
		return s // it could be spelled before, so it can now
	}
	fresh.signer = s.signer
	r.current.CompareAndSwap(s, fresh) // somebody else may have a newer revision meanwhile
	return fresh
}

// JWKS returns the tenant's key set (RFC 7517, section 5): the active, the next and the retired keys, public halves only. Nobody
// may change the bytes. They may be cached for MaxAge. The tag is a short text that is another when the set is, and the same in every
// process (RFC 9110, section 8.8.3, without its quotes).
func (k *Keyring) JWKS(tenant string) (set []byte, tag string, err error) {
	r, err := k.ring(tenant)
	if err != nil {
		return nil, "", err
	}
	s := r.live(k.now())
	return s.jwks, s.tag, nil
}

// Key returns the public half of a tenant's key, whatever its state.
func (k *Keyring) Key(tenant, kid string) (Public, bool) {
	r, err := k.ring(tenant)
	if err != nil {
		return Public{}, false
	}
	for _, p := range r.live(k.now()).keys {
		if p.ID == kid {
			return p, true
		}
	}
	return Public{}, false
}

// List returns the tenant's keys: the active one, the next one, and the retired ones from the latest on.
func (k *Keyring) List(tenant string) ([]Public, error) {
	r, err := k.ring(tenant)
	if err != nil {
		return nil, err
	}
	return slices.Clone(r.live(k.now()).keys), nil
}
