package bearer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxKeys    = 64
	maxModulus = 8192 // bits: more would make each check a burden
)

// Bounds of how long a key set is kept before it is read again, whatever its Cache-Control says.
const (
	minKeyAge     = 30 * time.Second
	maxKeyAge     = 15 * time.Minute
	defaultKeyAge = 5 * time.Minute
)

// jwk is one member of a key set, as it stands there (RFC 7517, section 4).
type jwk struct {
	kty, use, alg, kid, crv, x, y, n, e string
	private                             bool
}

// readKeySet reads a key set strictly (RFC 7517, section 5). Keys of a kind or for a use that we do not know are left out, as are those
// whose private half is published with them; a set without one that we can use, or with two of one name, is no key set.
func readKeySet(text string) (map[string]Key, error) {
	r := reader{text: text}
	set, count, problem := map[string]Key{}, 0, ""
	add := func() bool {
		j, ok := r.jwk()
		if count++; !ok || count > maxKeys {
			return false
		}
		k, usable := j.key()
		if _, twice := set[k.ID]; usable && twice {
			problem = "two keys have the name " + quote(k.ID)
			return false
		}
		if usable {
			set[k.ID] = k
		}
		return true
	}
	ok := r.members(func(name string) bool {
		if name != "keys" {
			return r.skip(0)
		}
		return r.array(add)
	})
	if problem = r.outcome(ok, problem); problem != "" {
		return nil, errors.New(problem)
	}
	if len(set) == 0 {
		return nil, errors.New("there is no key that we can use")
	}
	return set, nil
}

func (r *reader) jwk() (j jwk, ok bool) {
	to := map[string]*string{"kty": &j.kty, "use": &j.use, "alg": &j.alg, "kid": &j.kid, "crv": &j.crv, "x": &j.x, "y": &j.y, "n": &j.n, "e": &j.e}
	ok = r.members(func(name string) (ok bool) {
		if p := to[name]; p != nil {
			*p, ok = r.str()
			return ok
		}
		j.private = j.private || slices.Contains([]string{"d", "p", "q", "k"}, name)
		return r.skip(0)
	})
	return j, ok
}

// key makes a key of what was read. Its algorithm follows from its kind, and alg may only agree (RFC 8725, section 3.1).
func (j *jwk) key() (Key, bool) {
	k := Key{ID: j.kid}
	switch {
	case j.kty == "EC" && j.crv == "P-256":
		k.Algorithm, k.Public = es256, j.p256()
	case j.kty == "OKP" && j.crv == "Ed25519":
		k.Algorithm, k.Public = edDSA, j.ed25519()
	case j.kty == "RSA":
		k.Algorithm, k.Public = rs256, j.rsa()
	}
	agrees := (j.alg == "" || j.alg == k.Algorithm) && (j.use == "" || j.use == "sig")
	return k, k.Public != nil && agrees && k.ID != "" && !j.private
}

func (j *jwk) p256() crypto.PublicKey {
	x, ok := decode(j.x)
	y, ok2 := decode(j.y)
	if !ok || !ok2 || len(x) != 32 || len(y) != 32 { // RFC 7518, section 6.2.1.2
		return nil
	}
	k, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y)) // refuses points off the curve
	if err != nil {
		return nil
	}
	return k
}

func (j *jwk) ed25519() crypto.PublicKey {
	x, ok := decode(j.x)
	if !ok || len(x) != ed25519.PublicKeySize {
		return nil
	}
	return ed25519.PublicKey(x)
}

func (j *jwk) rsa() crypto.PublicKey {
	n, ok := decode(j.n)
	e, ok2 := decode(j.e)
	if !ok || !ok2 || len(n) > maxModulus/8 || len(e) == 0 || len(e) > 4 {
		return nil
	}
	k := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	if k.N.BitLen() < minModulus || k.E < 3 || k.E&1 == 0 || k.E > 1<<31-1 {
		return nil
	}
	return k
}

// keySet is what an issuer signs with. It never changes.
type keySet struct {
	keys map[string]Key
	text string // as it was read
	read time.Time
	age  time.Duration // to be kept without asking
}

// readKeys asks for the keys and takes them in.
func (i *Issuer) readKeys() error {
	now := i.r.Now()
	if err := i.discover(now); err != nil {
		return err
	}
	text, h, err := i.get(i.where.Load().keys)
	if err != nil {
		return fmt.Errorf("read the issuer's keys: %w", err)
	}
	set, err := readKeySet(text)
	if err != nil {
		return fmt.Errorf("read the issuer's keys: %w", err)
	}
	if old := i.keys.Load(); old != nil {
		for id, k := range set { // the same key stays the same value: remembered tokens are then compared by a pointer
			if before, ok := old.keys[id]; ok && before.same(k) {
				set[id] = before
			}
		}
	}
	i.keys.Store(&keySet{set, text, now, keyAge(h)})
	i.find.Do(func() { close(i.found) })
	return nil
}

// keyAge reads how long a key set may be kept (RFC 9111, section 5.2.2.1), within our bounds.
func keyAge(h http.Header) time.Duration {
	for _, line := range h["Cache-Control"] {
		for d := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(d), "=")
			if n, err := strconv.ParseUint(value, 10, 31); err == nil && strings.EqualFold(name, "max-age") {
				return min(max(time.Duration(n)*time.Second, minKeyAge), maxKeyAge)
			}
		}
	}
	return defaultKeyAge
}
