package registry

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
	"time"
)

// permissionMarks says of which permissions of which clients a use was noted in the present hour. It is a fixed array of numbers, found
// by the hash of the three names: the upper half of a number is a part of the hash, the lower the hour. Who asks takes no lock and makes
// nothing. When more are at work than it has room for, some are noted more than once in the hour, which costs a write and is right still.
type permissionMarks struct {
	seed  maphash.Seed
	marks []atomic.Uint64
}

// Rooms, and how many there are for one hash: as many as fit into a line of the processor's cache.
const permissionRooms, permissionWays = 1 << 17, 8

func (m *permissionMarks) init() {
	m.seed, m.marks = maphash.MakeSeed(), make([]atomic.Uint64, permissionRooms)
}

// permissionUse is what is hashed. A struct, not a text: no separator can be forged.
type permissionUse struct{ tenant, client, permission string }

// first reports whether this is the first use of the hour, and where that is marked now.
func (m *permissionMarks) first(u permissionUse, hour uint32) (*atomic.Uint64, bool) {
	h := maphash.Comparable(m.seed, u)
	want := h>>32<<32 | uint64(hour)
	ways := m.marks[h&(permissionRooms/permissionWays-1)*permissionWays:][:permissionWays]
	oldest, value := &ways[0], ways[0].Load()
	for i := range ways {
		v := ways[i].Load()
		if v == want {
			return nil, false
		}
		if v>>32 == want>>32 { // an earlier hour of the same
			oldest, value = &ways[i], v
			break
		}
		if uint32(v) < uint32(value) {
			oldest, value = &ways[i], v
		}
	}
	if uint32(value) == hour { // all of this hour: any may go
		oldest = &ways[h>>20&(permissionWays-1)]
		value = oldest.Load()
	}
	return oldest, oldest.CompareAndSwap(value, want)
}

// UsedPermission notes that a permission of a client has opened a route. It is made for every call: it takes no lock, makes nothing and
// asks nobody. Once an hour for each permission of a client, a note is queued for WriteUses.
func (r *Registry) UsedPermission(tenant, client, permission string) {
	hour := uint32(r.now().Unix() / 3600)
	mark, first := r.uses.opened.first(permissionUse{tenant, client, permission}, hour)
	if !first {
		return
	}
	n := noted{strings.Clone(tenant), strings.Clone(client), permissionsPart, strings.Clone(permission), time.Unix(int64(hour)*3600, 0).UTC(), "", 0}
	if !note(r.uses.permissions, n) {
		mark.Store(0) // the next call tries again
	}
}
