package directory

import (
	"bytes"
	"hash/maphash"
	"math"
	"strings"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/tokenbooth/tokenbooth/internal/registry"
)

// roster is a list of a tenant's clients as it is looked through: one plain row for each and one text for all of them. There are no
// pointers in it for the garbage collector to follow, and about 150 bytes for a client. Its section has the lock.
type roster struct {
	rows  []row
	text  []byte   // of each row, one behind the other: id, folded name, name where that differs, id of a secret that ends
	index []uint32 // numbers of rows and one more, found by the hash of the id: there, or in the next ones up to a 0
	seed  maphash.Seed

	permissions map[string]int // a number for each name
	over        map[held]struct{}

	gone   int // rows of clients that were deleted; an id is never given again
	wasted int // bytes of text that belong to no row any more
}

// row is a client. Times are in Unix seconds; 0: none.
type row struct {
	permissions uint64 // a bit for each number below 64; others are in over
	created     int64
	expires     int64 // the client
	ends        int64 // its newest secret
	used        int64
	from        uint32 // where its text begins
	folded      uint16 // how long that is
	name        uint16 // 0: as when folded
	id, secret  uint8
	flags       uint8
}

// held is a permission of a row, where it has no bit of its own.
type held struct{ row, permission uint32 }

const (
	isDisabled = 1 << iota
	isGone
	hasUpper // in its id
	isSlow   // one of its secrets is kept under a hash that is expensive to check
)

// end is when the client or its newest secret ends, whichever is first; the end of time where neither does.
func (w *row) end() int64 {
	end := int64(math.MaxInt64)
	for _, e := range [2]int64{w.expires, w.ends} {
		if e != 0 && e < end {
			end = e
		}
	}
	return end
}

// unixTime is the inverse of Unix, in UTC.
func unixTime(s int64) time.Time { return time.Unix(s, 0).UTC() }

// Bounds of what a row says. A registration that is within the rules is within them.
const longestName, maxNumbered = 1000, 1 << 16

func newRoster() *roster {
	return &roster{seed: maphash.MakeSeed(), permissions: map[string]int{}, over: map[held]struct{}{}, index: make([]uint32, 16)}
}

// fold returns the one spelling in which names are compared.
func fold(s string) string {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return norm.NFC.String(cases.Fold().String(norm.NFC.String(s)))
		}
	}
	return strings.ToLower(s)
}

func (t *roster) idOf(w *row) []byte     { return t.text[w.from:][:w.id] }
func (t *roster) foldedOf(w *row) []byte { return t.text[w.from+uint32(w.id):][:w.folded] }

func (t *roster) nameOf(w *row) []byte {
	if w.name == 0 {
		return t.foldedOf(w)
	}
	return t.text[w.from+uint32(w.id)+uint32(w.folded):][:w.name]
}

func (t *roster) secretOf(w *row) []byte {
	return t.text[w.from+uint32(w.id)+uint32(w.folded)+uint32(w.name):][:w.secret]
}

func (w *row) size() int { return int(w.id) + int(w.folded) + int(w.name) + int(w.secret) }

// find returns the number of a client's row.
func (t *roster) find(id string) (uint32, bool) {
	for i := maphash.String(t.seed, id); ; i++ {
		switch n := t.index[i&uint64(len(t.index)-1)]; {
		case n == 0:
			return 0, false
		case string(t.idOf(&t.rows[n-1])) == id:
			return n - 1, true
		}
	}
}

// put makes the row of a client what the client is now.
func (t *roster) put(c *registry.Client) {
	n, there := t.find(c.ID)
	if !there && c.Deleted || len(c.ID) > 255 {
		return
	}
	if !there {
		n = uint32(len(t.rows))
		t.rows = append(t.rows, row{})
		t.write(&t.rows[n], c)
		t.enter(n)
	} else if w := &t.rows[n]; w.flags&isGone == 0 {
		t.write(w, c)
		if c.Deleted {
			w.flags |= isGone
			t.gone++
		}
	}
	t.hold(n, c.Permissions)
	if t.wasted > len(t.text)/2 || t.gone > len(t.rows)/2 {
		t.repack()
	}
}

// write fills a row in.
func (t *roster) write(w *row, c *registry.Client) {
	w.created, w.expires, w.ends = c.Created.Unix(), 0, 0
	if !c.Expires.IsZero() {
		w.expires = c.Expires.Unix()
	}
	secret := ""
	if n := len(c.Credentials); n > 0 && !c.Credentials[n-1].Expires.IsZero() {
		secret, w.ends = c.Credentials[n-1].ID, c.Credentials[n-1].Expires.Unix()
		secret = secret[:min(len(secret), 255)]
	}
	for i := range c.Credentials {
		if used := c.Credentials[i].LastUsed; !used.IsZero() {
			w.used = max(w.used, used.Unix())
		}
	}
	w.flags &= isGone
	if c.Disabled {
		w.flags |= isDisabled
	}
	if c.Slow() {
		w.flags |= isSlow
	}
	if strings.ToLower(c.ID) != c.ID {
		w.flags |= hasUpper
	}
	name := c.Name[:min(len(c.Name), longestName)]
	folded := fold(name)
	if folded = folded[:min(len(folded), 2*longestName)]; folded == name {
		name = ""
	}
	text := c.ID + folded + name + secret
	if w.size() == len(text) && string(t.text[w.from:][:len(text)]) == text && int(w.folded) == len(folded) && int(w.secret) == len(secret) {
		return
	}
	t.wasted += w.size()
	w.from, w.id, w.folded, w.name, w.secret = uint32(len(t.text)), uint8(len(c.ID)), uint16(len(folded)), uint16(len(name)), uint8(len(secret))
	t.text = append(t.text, text...)
}

// enter makes a row one that can be found, and keeps a quarter of the index free.
func (t *roster) enter(n uint32) {
	if len(t.rows)*4 > len(t.index)*3 {
		t.index = make([]uint32, 2*len(t.index))
		for i := range n {
			t.enterAt(i)
		}
	}
	t.enterAt(n)
}

func (t *roster) enterAt(n uint32) {
	i := maphash.Bytes(t.seed, t.idOf(&t.rows[n]))
	for t.index[i&uint64(len(t.index)-1)] != 0 {
		i++
	}
	t.index[i&uint64(len(t.index)-1)] = n + 1
}

// hold notes the permissions of a row.
func (t *roster) hold(n uint32, permissions []string) {
	t.rows[n].permissions = 0
	for i := 64; i < len(t.permissions); i++ {
		delete(t.over, held{n, uint32(i)})
	}
	for _, p := range permissions {
		i, known := t.permissions[p]
		if !known {
			if len(t.permissions) >= maxNumbered {
				continue // more names than any settings have
			}
			i = len(t.permissions)
			t.permissions[strings.Clone(p)] = i
		}
		if i < 64 {
			t.rows[n].permissions |= 1 << i
		} else {
			t.over[held{n, uint32(i)}] = struct{}{}
		}
	}
}

// holds reports whether a row has the permission of that number.
func (t *roster) holds(n uint32, permission int) bool {
	if permission < 64 {
		return t.rows[n].permissions>>permission&1 == 1
	}
	_, yes := t.over[held{n, uint32(permission)}]
	return yes
}

// used notes when a client was used.
func (t *roster) used(id string, at int64) {
	if n, ok := t.find(id); ok {
		t.rows[n].used = max(t.rows[n].used, at)
	}
}

// repack drops deleted clients and text of nobody, and takes no more room than it needs.
func (t *roster) repack() {
	rows, size := 0, 0
	for i := range t.rows {
		if w := &t.rows[i]; w.flags&isGone == 0 {
			rows, size = rows+1, size+w.size()
		}
	}
	slots := 16
	for slots*3 < rows*4 {
		slots *= 2
	}
	old := *t
	t.rows, t.text, t.index = make([]row, 0, rows+rows/64), make([]byte, 0, size+size/64), make([]uint32, slots)
	t.over, t.gone, t.wasted = map[held]struct{}{}, 0, 0
	for i := range old.rows {
		w := old.rows[i]
		if w.flags&isGone != 0 {
			continue
		}
		n := uint32(len(t.rows))
		for p := 64; p < len(t.permissions); p++ {
			if old.holds(uint32(i), p) {
				t.over[held{n, uint32(p)}] = struct{}{}
			}
		}
		text := old.text[w.from:][:w.size()]
		w.from = uint32(len(t.text))
		t.text, t.rows = append(t.text, text...), append(t.rows, w)
		t.enterAt(n)
	}
}

// says reports whether a row's name or id has the folded text in it.
func (t *roster) says(w *row, text []byte) bool {
	if bytes.Contains(t.foldedOf(w), text) {
		return true
	}
	id := t.idOf(w)
	if w.flags&hasUpper != 0 {
		var room [255]byte
		id = append(room[:0], id...)
		for i, c := range id {
			if c >= 'A' && c <= 'Z' {
				id[i] = c + 'a' - 'A'
			}
		}
	}
	return bytes.Contains(id, text)
}
