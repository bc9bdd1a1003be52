package bearer

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/revocation"
)

// entry is a check that was passed. But for cleared, it never changes once it is in the cache.
type entry struct {
	digest    [32]byte // SHA-256 of the token's text
	token     *Token
	key       Key       // that signed it; without Public: it was looked up
	asked     time.Time // when a look-up was last tried
	confirmed time.Time // when one last succeeded

	names   revocation.Names // by which the token can be taken back
	cleared atomic.Uint64    // the version of the revocations that did not have it
}

// cache remembers checked tokens: an array of pairs, the pair chosen by the digest. It is bounded by its size, needs no lock and no
// sweeper, and can forget an entry under a race but never return another token's.
type cache struct {
	pairs []pair
	mask  uint64
}

type pair [2]atomic.Pointer[entry]

// newCache makes room for size tokens, rounded up to a power of two.
func newCache(size int) *cache {
	n := uint64(1) << bits.Len64(uint64(max(size, 2)-1)>>1)
	return &cache{pairs: make([]pair, n), mask: n - 1}
}

func (c *cache) at(digest *[32]byte) *pair {
	return &c.pairs[binary.LittleEndian.Uint64(digest[:8])&c.mask]
}

// get returns the entry of a token, or nil.
func (c *cache) get(digest *[32]byte) *entry {
	p := c.at(digest)
	for i := range p {
		if e := p[i].Load(); e != nil && e.digest == *digest {
			return e
		}
	}
	return nil
}

// put keeps an entry in the place of the token's own older one, or of the older of the pair.
func (c *cache) put(e *entry) {
	p := c.at(&e.digest)
	first := p[0].Load()
	if first != nil && first.digest != e.digest {
		p[1].Store(first)
	}
	p[0].Store(e)
}

// drop forgets a token.
func (c *cache) drop(digest *[32]byte) {
	p := c.at(digest)
	for i := range p {
		if e := p[i].Load(); e != nil && e.digest == *digest {
			p[i].CompareAndSwap(e, nil)
		}
	}
}
