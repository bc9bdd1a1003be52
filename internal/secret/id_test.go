package secret

import (
	"testing"
	"time"
)

func TestFirstIDPartsEarlierIDsFromLaterOnes(t *testing.T) {
	at := noon.Add(5 * time.Microsecond)
	first := FirstID(at)
	if before := NewID(at.Add(-time.Microsecond)); before >= first {
		t.Errorf("%q of before is not less than %q", before, first)
	}
	for _, later := range []time.Duration{0, time.Microsecond, time.Hour} {
		if id := NewID(at.Add(later)); id <= first {
			t.Errorf("%q of %v later is not more than %q", id, later, first)
		}
	}
}

func TestB27_FamilyIDsOfDifferentListsDiffer(t *testing.T) {
	seen := map[string][]string{}
	for _, names := range [][]string{nil, {""}, {"", ""}, {"a", "b"}, {"ab"}, {"ab", ""}, {"", "ab"}, {"a\x00b"}, {"b", "a"}, {"a", "b", ""}} {
		id := FamilyID(names...)
		if len(id) != idLen || id != FamilyID(names...) {
			t.Errorf("FamilyID(%q) = %q", names, id)
		}
		if with, twice := seen[id]; twice {
			t.Errorf("%q and %q have the same id", names, with)
		}
		seen[id] = names
		if family, _, ok := ParseRefresh(NewRefresh([]byte("key"), []byte("nonce"), id, 1)); !ok || family != id {
			t.Errorf("%q is not usable as a family", id)
		}
	}
}
