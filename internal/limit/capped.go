package limit

// capped is a map with a ceiling: a key too many pushes out the one that has been idle longest, and of those that keep somebody out
// one only when there is no other. The caller holds its lock.
type capped[K comparable, V any] struct {
	max    int
	slots  map[K]*slot[K, V]
	open   line[K, V]
	locked line[K, V] // what keeps somebody out: pushed out last
}

// line is slots in the order in which they were touched.
type line[K comparable, V any] struct{ newest, oldest *slot[K, V] }

type slot[K comparable, V any] struct {
	key          K
	value        V
	held         int // while positive, the slot may not be pushed out
	in           *line[K, V]
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
	c.open.push(s)
	return s
}

func (c *capped[K, V]) touch(s *slot[K, V]) {
	if in := s.in; in.newest != s {
		in.unlink(s)
		in.push(s)
	}
}

// lock says whether the slot keeps somebody out.
func (c *capped[K, V]) lock(s *slot[K, V], yes bool) {
	to := &c.open
	if yes {
		to = &c.locked
	}
	if s.in != nil && s.in != to { // nil: it was pushed out meanwhile
		s.in.unlink(s)
		to.push(s)
	}
}

func (c *capped[K, V]) evict() bool {
	s := c.open.idle()
	if s == nil {
		s = c.locked.idle()
	}
	if s == nil {
		return false
	}
	s.in.unlink(s)
	delete(c.slots, s.key)
	return true
}

// idle returns one of the oldest slots that is not held, or nil.
func (l *line[K, V]) idle() *slot[K, V] {
	s := l.oldest
	for range reach {
		if s == nil || s.held == 0 {
			return s
		}
		s = s.newer
	}
	return nil
}

func (l *line[K, V]) push(s *slot[K, V]) {
	s.in, s.older, s.newer = l, l.newest, nil
	if l.newest != nil {
		l.newest.newer = s
	} else {
		l.oldest = s
	}
	l.newest = s
}

func (l *line[K, V]) unlink(s *slot[K, V]) {
	s.in = nil
	if s.newer != nil {
		s.newer.older = s.older
	} else {
		l.newest = s.older
	}
	if s.older != nil {
		s.older.newer = s.newer
	} else {
		l.oldest = s.newer
	}
}
