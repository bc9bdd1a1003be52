package registry

import (
	"math"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tokenbooth/tokenbooth/oauth"
)

// How exactly the last use of a secret is known, and how many notes may wait to be written down. Four hundred a second cost a hundredth
// of a core; where more secrets than that are at work all the time, a last use may be some minutes old. Counts are right all the same:
// what finds no room in the queue goes on waiting in its mark. When everything is forgotten at once, because there are other settings or
// changes may have gone unheard, all marks go: then of more than useQueue secrets at work, some lose the count of about a minute.
const (
	useEvery = time.Minute
	useQueue = 4096
)

// A mark counts the uses of one secret since they were last noted. It is a single number, so that counting takes neither a lock nor
// memory: in the upper bits the second of the last note, in the lower 30 the uses since then. A mark below zero has been given up:
// another took its place, with what had been counted until then.
const (
	markBits  = 30
	markCount = 1<<markBits - 1
	givenUp   = math.MinInt64
)

// takeMark gives a mark up and returns what it had counted, and since when.
func takeMark(m *atomic.Int64) (count, since int64) { return readMark(m.Swap(givenUp)) }

// drainMark takes what a mark has counted and leaves it in use. With due, only where the last note is long enough ago.
func drainMark(m *atomic.Int64, now int64, due bool) (count, since int64) {
	v := m.Load()
	if count, since = readMark(v); count == 0 || due && now-since < int64(useEvery/time.Second) || !m.CompareAndSwap(v, since<<markBits) {
		return 0, 0 // it was used in this moment: the next round comes by again
	}
	return count, since
}

func readMark(v int64) (count, since int64) {
	if v < 0 {
		return 0, 0
	}
	return v & markCount, v >> markBits
}

// moveMark lets a mark take the place of another that may be in use. Who holds the other still, sees that and notes each use.
func moveMark(to, from *atomic.Int64) { to.Store(max(0, from.Swap(givenUp))) }

// noted says that something of a client was used.
type noted struct {
	tenant, client string
	part           string // the id of a secret; permissionsPart for a permission
	permission     string
	at             time.Time
	from           string // empty: not known, as with uses that were counted only
	count          uint32
}

// uses are the notes that wait to be written down.
type uses struct {
	queue       chan noted // of secrets
	permissions chan noted
	opened      permissionMarks
	busy        busy
}

func (u *uses) init() {
	u.queue, u.permissions = make(chan noted, useQueue), make(chan noted, useQueue)
	u.opened.init()
}

// note queues a note, if there is room.
func note(queue chan noted, n noted) bool {
	select {
	case queue <- n:
		return true
	default:
		return false
	}
}

// Used counts a use of a secret of the client, which has just worked. It neither waits nor writes: at most once a minute for each
// secret, a note with the address and the count is queued for WriteUses.
func (r *Registry) Used(c *Client, cred *Credential, from netip.Addr) {
	now := r.now()
	v, count := cred.used.Add(1), int64(1)
	if v >= 0 {
		if now.Unix()-v>>markBits < int64(useEvery/time.Second) || !cred.used.CompareAndSwap(v, now.Unix()<<markBits) {
			return // whoever changed the mark in this moment has taken our count with it, or is about to
		}
		count = v & markCount
	}
	if !note(r.uses.queue, noted{tenant: c.Tenant, client: c.ID, part: cred.ID, at: now, from: oauth.Caller{Source: from}.From(), count: uint32(count)}) && v >= 0 {
		cred.used.Add(count) // more secrets at work than can be noted: the next minute tries again
	}
}

// eachUse takes what the marks of a client have counted and hands it on.
func eachUse(it *item[*Client], take func(*atomic.Int64) (count, since int64), to func(noted)) {
	c := it.like // which is all of a client that is not packed
	hand := func(i int, m *atomic.Int64) {
		count, since := take(m)
		if count == 0 {
			return
		}
		if it.own != "" && c == it.like {
			c = it.like.unpack(it.name.id, it.own, it.marks)
		}
		if i < len(c.Credentials) {
			to(noted{tenant: c.Tenant, client: c.ID, part: strings.Clone(c.Credentials[i].ID), at: time.Unix(since, 0).UTC(), count: uint32(count)})
		}
	}
	if it.own == "" {
		for i := range c.Credentials {
			hand(i, c.Credentials[i].used)
		}
		return
	}
	for i := range it.marks {
		hand(i, &it.marks[i])
	}
}

// leave queues what was counted of a client that is remembered no more. Where the queue is full it is lost: room for what everybody
// may leave at one time would be as large as the memory itself.
func (r *Registry) leave(it *item[*Client]) {
	eachUse(it, takeMark, func(n noted) { note(r.uses.queue, n) })
}
