package registry

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// table finds what is remembered by its name. Of each it keeps what it is like, and as a text what is its own.
//
// Whoever reads takes no lock: a shard is never changed, another takes its place. That costs a writer a copy of some kilobytes, which
// is little beside the read of the store that went before; and to the garbage collector a shard is five things, however many are in
// it. When the table is full, one goes for one that comes: whom of its shard, says the hash of the newcomer, which nobody outside can
// tell or choose. Writers take turns: their caller sees to that.
type table[V comparable] struct {
	seed   maphash.Seed
	most   int
	size   int // what there is now
	shards []atomic.Pointer[shard[V]]
	room   []item[V] // where a writer spreads out the shard it takes apart

	gone func(*item[V]) // told of what is remembered no more; nil: nobody is
}

type shard[V comparable] struct {
	slots []slot // found by the hash: there, or in the next ones up to a free one
	text  string // names, and what is everyone's own, behind one another
	likes []V    // each once
	marks []atomic.Int64
}

// slot says where in its shard something is. Four fit into a line of the processor's cache.
type slot struct {
	hash     uint32
	from     uint32 // where in the text: tenant, id, own
	id, own  uint16 // how long
	like     uint16
	tenant   uint8
	occupied bool
}

// item is what a table has under one name.
type item[V comparable] struct {
	hash  uint32
	name  name
	like  V
	own   string
	marks []atomic.Int64 // as many as a client may have secrets; only where there is something of its own
}

// perShard is how many are in a shard of a full table: few enough to be copied for each that comes.
const perShard = 48

// How long a tenant's name, an id and what is own may be, for a slot to say it.
const longestTenant, longestID, longestOwn = 1<<8 - 1, 256, 1<<16 - 1

// newTable makes a table for that many at most.
func newTable[V comparable](most int) *table[V] {
	shards := 1
	for most/shards > perShard {
		shards *= 2
	}
	return &table[V]{seed: maphash.MakeSeed(), most: most, shards: make([]atomic.Pointer[shard[V]], shards)}
}

// place is the shard of a name, and its hash there.
func (t *table[V]) place(n name) (*atomic.Pointer[shard[V]], uint32) {
	h := maphash.Comparable(t.seed, n)
	return &t.shards[h&uint64(len(t.shards)-1)], uint32(h >> 32)
}

// find looks for a name.
func (t *table[V]) find(n name) (it item[V], ok bool) {
	p, hash := t.place(n)
	s := p.Load()
	if s == nil {
		return it, false
	}
	for i := hash; ; i++ {
		at := int(i & uint32(len(s.slots)-1))
		switch sl := &s.slots[at]; {
		case !sl.occupied:
			return it, false
		case sl.hash == hash && s.name(sl) == n:
			return s.item(at), true
		}
	}
}

func (s *shard[V]) name(sl *slot) name {
	id := int(sl.from) + int(sl.tenant)
	return name{s.text[sl.from:id], s.text[id : id+int(sl.id)]}
}

func (s *shard[V]) item(at int) item[V] {
	sl := &s.slots[at]
	own := int(sl.from) + int(sl.tenant) + int(sl.id)
	it := item[V]{sl.hash, s.name(sl), s.likes[sl.like], s.text[own : own+int(sl.own)], nil}
	if sl.own > 0 {
		it.marks = s.marks[at*MaxLiveSecrets:][:MaxLiveSecrets]
	}
	return it
}

// put remembers something, in the place of what had its name before. What is too long for a slot is not remembered.
func (t *table[V]) put(it item[V]) {
	if len(it.name.tenant) > longestTenant || len(it.name.id) > longestID || len(it.own) > longestOwn {
		t.drop(it.name)
		return
	}
	var p *atomic.Pointer[shard[V]]
	p, it.hash = t.place(it.name)
	items := t.others(p, it.hash, it.name)
	switch n := len(items); {
	case t.size < t.most:
		items = append(items, it)
	case n > 0:
		one := &items[it.hash%uint32(n)]
		t.leave(one)
		*one = it
	}
	t.replace(p, items)
}

// drop forgets a name.
func (t *table[V]) drop(n name) {
	if _, ok := t.find(n); ok {
		p, hash := t.place(n)
		t.replace(p, t.others(p, hash, n))
	}
}

// others takes a shard apart and returns what it has under other names.
func (t *table[V]) others(p *atomic.Pointer[shard[V]], hash uint32, n name) []item[V] {
	others := t.room[:0]
	if s := p.Load(); s != nil {
		for at := range s.slots {
			switch sl := &s.slots[at]; {
			case !sl.occupied:
			case sl.hash == hash && s.name(sl) == n:
				it := s.item(at)
				t.leave(&it)
				t.size--
			default:
				others = append(others, s.item(at))
			}
		}
	}
	t.room = others
	return others
}

// replace puts a shard together, in the place of the one that was taken apart.
func (t *table[V]) replace(p *atomic.Pointer[shard[V]], items []item[V]) {
	t.size += len(items) - len(t.room)
	p.Store(newShard(items))
	clear(items) // or old shards would stay in memory
	t.room = items
}

// newShard makes a shard, a quarter of it free at least: a search ends at the first free slot.
func newShard[V comparable](items []item[V]) *shard[V] {
	size, length, own := 4, 0, 0
	for size*3 < len(items)*4 {
		size *= 2
	}
	for i := range items {
		it := &items[i]
		length += len(it.name.tenant) + len(it.name.id) + len(it.own)
		own += len(it.own)
	}
	s := &shard[V]{slots: make([]slot, size)}
	if own > 0 {
		s.marks = make([]atomic.Int64, size*MaxLiveSecrets)
	}
	var text strings.Builder
	text.Grow(length)
	for i := range items {
		s.add(&items[i], &text)
	}
	s.text = text.String()
	return s
}

func (s *shard[V]) add(it *item[V], text *strings.Builder) {
	at := int(it.hash) & (len(s.slots) - 1)
	for s.slots[at].occupied {
		at = (at + 1) & (len(s.slots) - 1)
	}
	s.slots[at] = slot{it.hash, uint32(text.Len()), uint16(len(it.name.id)), uint16(len(it.own)), s.like(it.like), uint8(len(it.name.tenant)), true}
	text.WriteString(it.name.tenant)
	text.WriteString(it.name.id)
	text.WriteString(it.own)
	for i := range it.marks {
		moveMark(&s.marks[at*MaxLiveSecrets+i], &it.marks[i])
	}
}

func (s *shard[V]) like(v V) uint16 {
	for i, l := range s.likes {
		if l == v {
			return uint16(i)
		}
	}
	s.likes = append(s.likes, v)
	return uint16(len(s.likes) - 1)
}

func (t *table[V]) leave(it *item[V]) {
	if t.gone != nil {
		t.gone(it)
	}
}

// each calls f with everything in a shard. It takes no lock.
func (t *table[V]) each(i int, f func(*item[V])) {
	s := t.shards[i].Load()
	if s == nil {
		return
	}
	for at := range s.slots {
		if s.slots[at].occupied {
			it := s.item(at)
			f(&it)
		}
	}
}

// clear forgets everything.
func (t *table[V]) clear() {
	for i := range t.shards {
		t.each(i, t.leave)
		t.shards[i].Store(nil)
	}
	t.size = 0
}
