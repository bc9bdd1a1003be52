package memory

import (
	"iter"
	"slices"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// shelf holds the records of a tenant and kind. Ids mostly come in time order and are appended, so keeping them sorted is cheap.
type shelf struct {
	records map[string]store.Record
	ids     []string // sorted by bytes, the order of lists
}

// keep puts r on the shelf under its next revision.
func (sh *shelf) keep(r store.Record) {
	r.Rev++
	if _, ok := sh.records[r.ID]; !ok {
		at, _ := slices.BinarySearch(sh.ids, r.ID)
		sh.ids = slices.Insert(sh.ids, at, r.ID)
	}
	sh.records[r.ID] = r
}

// remove takes the named records off the shelf, in one pass over the ids however many they are.
func (sh *shelf) remove(ids []string) {
	before := len(sh.records)
	for _, id := range ids {
		delete(sh.records, id)
	}
	if len(sh.records) == before {
		return
	}
	sh.ids = slices.DeleteFunc(sh.ids, func(id string) bool {
		_, ok := sh.records[id]
		return !ok
	})
}

// walk yields the ids beyond after, upwards or downwards.
func (sh *shelf) walk(after string, reverse bool) iter.Seq[string] {
	at, found := slices.BinarySearch(sh.ids, after)
	step, end := 1, len(sh.ids)
	switch {
	case reverse && after == "":
		at, step, end = len(sh.ids)-1, -1, -1
	case reverse:
		at, step, end = at-1, -1, -1
	case found:
		at++
	}
	return func(yield func(string) bool) {
		for i := at; i != end; i += step {
			if !yield(sh.ids[i]) {
				return
			}
		}
	}
}
