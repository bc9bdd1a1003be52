package audit

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// Bounds of the refusals of one tenant: together at most 64 MiB. What comes beyond that is counted by what was refused and from where.
const (
	keepBytes  = 48 << 20  // of refusals kept one by one, by the sizes of their rows
	sumUpEvery = time.Hour // when counts are written down, and what is kept is counted anew
	maxSums    = 16        // counts that are written down, and one for the rest: in 90 days 16 MiB
	maxCounted = 1000      // counts at a time
	rowBytes   = 128       // what a row takes beside its texts
)

// Details of an event that stands for many.
const (
	CountDetail = "count" // how many
	SinceDetail = "since" // when the first of them was
)

// allowance is what a tenant has of its budget.
type allowance struct {
	bytes   int       // kept, at least
	counted time.Time // when that was last looked up
	sums    map[sumKey]*sum
}

// sumKey is what is counted together. The zero one is of all that there is no room for.
type sumKey struct{ act, kind, source string }

type sum struct {
	first Event
	last  time.Time
	count uint64
}

// keeps reports whether a refusal is kept by itself; if not, it has been counted.
func (l *Log) keeps(ctx context.Context, e Event, r store.Record) bool {
	a := l.allowances[e.Tenant]
	if a == nil {
		a = &allowance{sums: map[sumKey]*sum{}}
		l.allowances[e.Tenant] = a
	}
	size := sizeOf(r)
	if full := a.bytes+size > l.budget; a.counted.IsZero() || full && e.Time.Sub(a.counted) >= sumUpEvery {
		a.counted = e.Time
		if n, err := l.kept(ctx, e.Tenant, e.Time); err == nil {
			a.bytes = n
		}
	}
	if a.bytes+size <= l.budget {
		a.bytes += size
		return true
	}
	a.add(e)
	return false
}

func sizeOf(r store.Record) int {
	return len(r.Body) + 2*(len(r.Tenant)+len(r.ID)+len(r.Parent)+len(r.Label)) + rowBytes // names are in an index as well
}

// kept adds up the refusals of a tenant that are kept, as far as that matters.
func (l *Log) kept(ctx context.Context, tenant string, now time.Time) (bytes int, err error) {
	oldest := secret.FirstID(now.Add(-KeepRefusals))
	q := store.Query{Tenant: tenant, Kind: store.Event, Reverse: true, Limit: store.MaxLimit}
	for bytes <= l.budget {
		page, err := l.store.List(ctx, q)
		if err != nil {
			return 0, err
		}
		for _, r := range page {
			if !r.Expires.IsZero() {
				bytes += sizeOf(r)
			}
		}
		if len(page) < q.Page() {
			break
		}
		if q.After = page[len(page)-1].ID; q.After < oldest {
			break
		}
	}
	return bytes, nil
}

func (a *allowance) add(e Event) {
	key := sumKey{e.Act, e.Detail[CaseDetail], e.Source}
	if a.sums[key] == nil && len(a.sums) >= maxCounted {
		key = sumKey{}
	}
	s := a.sums[key]
	if s == nil {
		s = &sum{first: e}
		a.sums[key] = s
	}
	s.count++
	s.last = e.Time
}

// sumUp writes down what was counted: the largest counts by themselves, the others as one.
func (l *Log) sumUp(ctx context.Context) {
	for _, a := range l.allowances {
		if records := a.records(); len(records) > 0 {
			l.put(ctx, records)
		}
	}
}

// records takes the counts out of an allowance, in the form in which they are kept.
func (a *allowance) records() (records []store.Record) {
	rest := a.sums[sumKey{}]
	delete(a.sums, sumKey{})
	var sums []*sum
	for _, s := range a.sums {
		sums = append(sums, s)
	}
	slices.SortFunc(sums, func(x, y *sum) int { return int(y.count) - int(x.count) })
	for i, s := range sums {
		switch {
		case i < maxSums:
			e := s.event()
			e.Reason, e.Source = s.first.Reason, s.first.Source
			e.Detail[CaseDetail] = s.first.Detail[CaseDetail]
			records = append(records, Record(e))
		case rest == nil:
			rest = s
		default:
			rest.count += s.count
		}
	}
	if rest != nil {
		records = append(records, Record(rest.event()))
	}
	clear(a.sums)
	return records
}

// event is one that stands for many, of whom nothing is said but how many they are.
func (s *sum) event() Event {
	return Event{ID: secret.NewID(s.last), Tenant: s.first.Tenant, Time: s.last, Act: s.first.Act, Outcome: Refused,
		Reason: "more refusals than are kept one by one",
		Detail: map[string]string{CountDetail: strconv.FormatUint(s.count, 10), SinceDetail: s.first.Time.UTC().Format(time.RFC3339)}}
}
