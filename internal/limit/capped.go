package limit

// capped is a map with a ceiling: a key too many pushes out the one that has been idle longest. The caller holds its lock.
type capped[K comparable, V any] struct {
	max    int
	slots  map[K]*slot[K, V]
	newest *slot[K, V]
	oldest *slot[K, V]
}

type slot[K comparable, V any] struct {
	key          K
	value        V
	held         int // while positive, the slot may not be pushed out
	newer, older *slot[K, V]
}

// reach is how many held slots are passed over in search of an idle one. Held ones were touched lately, so they are rarely among
// the oldest.
const reach = 16

// peek finds a slot without touching it.
func (c *capped[K, V]) peek(k K) *slot[K, V] { return c.slots[k] }

// take finds or makes the slot of k and touches it. It returns nil when there is no room because the oldest slots are held.
func (c *capped[K, V]) take(k K) *slot[K, V] {
	if s := c.slots[k]; s != nil {
		c.touch(s)
		return s
	}
	if len(c.slots) >= c.max && !c.evict() {
		return nil
	}
	if c.slots == nil {
		c.slots = make(map[K]*slot[K, V])
	}
	s := &slot[K, V]{key: k}
	c.slots[k] = s
	c.push(s)
	return s
}

func (c *capped[K, V]) touch(s *slot[K, V]) {
	if c.newest != s {
		c.unlink(s)
		c.push(s)
	}
}

func (c *capped[K, V]) evict() bool {
	s := c.oldest
	for range reach {
		if s == nil {
			return false
		}
		if s.held == 0 {
			c.unlink(s)
			delete(c.slots, s.key)
			return true
		}
		s = s.newer
	}
	return false
}

func (c *capped[K, V]) push(s *slot[K, V]) {
	s.older, s.newer = c.newest, nil
	if c.newest != nil {
		c.newest.newer = s
	} else {
		c.oldest = s
	}
	c.newest = s
}

func (c *capped[K, V]) unlink(s *slot[K, V]) {
	if s.newer != nil {
		s.newer.older = s.older
	} else {
		c.newest = s.older
	}
	if s.older != nil {
		s.older.newer = s.newer
	} else {
		c.oldest = s.newer
	}
}
