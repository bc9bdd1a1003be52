package secret

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// FirstID returns what sorts before every id of NewID at that time or later, and after every earlier one.
func FirstID(at time.Time) string {
	var room [idTime]byte
	return string(appendTime(room[:0], at))
}

// MadeAt returns when an id of NewID was made, to the microsecond. What is no such id may still read as one, of some time or other.
func MadeAt(id string) (at time.Time, ok bool) {
	if len(id) != idLen {
		return time.Time{}, false
	}
	micro, ok := number(id[:idTime])
	if _, rest := number(id[idTime:]); !ok || !rest {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(micro)).UTC(), true
}

// FamilyID returns the id that stands for a list of names, the same for the same list: what there may be only one of is kept under
// it. Each name goes in with its length, so no two lists run together.
func FamilyID(names ...string) string {
	h := sha256.New()
	for _, n := range names {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(n)))
		h.Write(size[:])
		h.Write([]byte(n))
	}
	return string(appendWide(nil, [32]byte(h.Sum(nil)))[:idLen])
}
