package revocation

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const shards = 256

// Set is the entries that count now. The zero Set is empty and ready for use.
type Set struct {
	shards  [shards]atomic.Pointer[map[Name]span] // each map is never changed, only replaced
	version atomic.Uint64
	count   atomic.Int64
	change  sync.Mutex // held by who replaces maps
}

// span is an entry's times, in microseconds since 1970.
type span struct{ before, until int64 }

const always = math.MaxInt64 // a span.before: whenever it was issued

// Version changes whenever entries are added. Who has looked a token up need not do it again as long as the version it read before
// the look-up is the same.
func (s *Set) Version() uint64 { return s.version.Load() }

// Len returns how many entries there are, those included whose time is over and that no Add or Sweep has dropped yet.
func (s *Set) Len() int { return int(s.count.Load()) }

// Refuses reports whether a token of these names, issued at that time, has been taken back, and by what.
func (s *Set) Refuses(names *Names, issued time.Time) (Kind, bool) {
	if s.count.Load() == 0 {
		return 0, false
	}
	at := issued.UnixMicro()
	for i := range names {
		if names[i] == (Name{}) {
			continue
		}
		if m := s.shards[names[i][0]].Load(); m != nil {
			if e, ok := (*m)[names[i]]; ok && at <= e.before {
				return Kinds()[i], true
			}
		}
	}
	return 0, false
}

// Has reports whether something of this name has been taken back, whenever it was issued.
func (s *Set) Has(n Name) bool {
	m := s.shards[n[0]].Load()
	if m == nil {
		return false
	}
	_, ok := (*m)[n]
	return ok
}

// Entries returns all entries, in no order.
func (s *Set) Entries() []Entry {
	all := make([]Entry, 0, s.Len())
	for i := range s.shards {
		m := s.shards[i].Load()
		if m == nil {
			continue
		}
		for n, at := range *m {
			e := Entry{Name: n, Until: time.UnixMicro(at.until)}
			if at.before != always {
				e.Before = time.UnixMicro(at.before)
			}
			all = append(all, e)
		}
	}
	return all
}

// Add adds entries and drops those beside them whose time is over. Of two entries of one name the later counts.
func (s *Set) Add(now time.Time, entries ...Entry) {
	if len(entries) == 0 {
		return
	}
	s.change.Lock()
	defer s.change.Unlock()
	sorted := make([]*Entry, len(entries))
	for i := range entries {
		sorted[i] = &entries[i]
	}
	slices.SortStableFunc(sorted, func(a, b *Entry) int { return cmp.Compare(a.Name[0], b.Name[0]) })
	for len(sorted) > 0 {
		shard, n := sorted[0].Name[0], 1
		for n < len(sorted) && sorted[n].Name[0] == shard {
			n++
		}
		s.replace(int(shard), now, sorted[:n])
		sorted = sorted[n:]
	}
	s.version.Add(1)
}

// Sweep drops entries whose time is over.
func (s *Set) Sweep(now time.Time) {
	s.change.Lock()
	defer s.change.Unlock()
	at := now.UnixMicro()
	for i := range s.shards {
		if m := s.shards[i].Load(); m != nil && anyOver(*m, at) {
			s.replace(i, now, nil)
		}
	}
}

// anyOver reports whether an entry's time is over. A sweep mostly finds none, and then makes no new map.
func anyOver(m map[Name]span, at int64) bool {
	for _, e := range m {
		if at >= e.until {
			return true
		}
	}
	return false
}

func (s *Set) replace(shard int, now time.Time, more []*Entry) {
	old := map[Name]span{}
	if m := s.shards[shard].Load(); m != nil {
		old = *m
	}
	at, next := now.UnixMicro(), make(map[Name]span, len(old)+len(more))
	for n, e := range old {
		if at < e.until {
			next[n] = e
		}
	}
	for _, e := range more {
		fresh := span{always, e.Until.UnixMicro()}
		if !e.Before.IsZero() {
			fresh.before = e.Before.UnixMicro()
		}
		if at >= fresh.until {
			continue
		}
		have := next[e.Name]
		next[e.Name] = span{max(have.before, fresh.before), max(have.until, fresh.until)}
	}
	s.shards[shard].Store(&next)
	s.count.Add(int64(len(next) - len(old)))
}
