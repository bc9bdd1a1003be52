package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Clone returns a copy of r in the form in which engines keep records: it shares no memory with r, its time is in UTC and whole
// microseconds, and an empty body is nil.
func (r Record) Clone() Record {
	r.Expires = kept(r.Expires)
	if len(r.Body) == 0 {
		r.Body = nil
	} else {
		r.Body = bytes.Clone(r.Body)
	}
	return r
}

// Expired reports whether r no longer exists at now.
func (r Record) Expired(now time.Time) bool {
	return !r.Expires.IsZero() && !now.Before(kept(r.Expires))
}

// kept rounds t down to what every engine can keep. Rounding up would let a token live longer than it was promised to.
func kept(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}

// Check reports whether k is a kind that engines keep.
func (k Kind) Check() error {
	if !slices.Contains(Kinds, k) {
		return fmt.Errorf("unknown kind of record %q", string(k))
	}
	return nil
}

// Check reports what makes records unfit for one Put: an unknown kind, no id, text that not every engine can keep (NUL, or not
// UTF-8), a record named twice (ErrConflict), or more than fits into one step. Engines call it before they write.
func Check(records []Record) error {
	if len(records) > MaxRecords {
		return fmt.Errorf("%d records in one put; at most %d fit", len(records), MaxRecords)
	}
	size := 0
	for i := range records {
		if err := records[i].check(); err != nil {
			return err
		}
		r := &records[i]
		size += len(r.Tenant) + len(r.ID) + len(r.Parent) + len(r.Label) + len(r.Body)
	}
	if size > MaxBytes {
		return fmt.Errorf("%d bytes in one put; at most %d fit", size, MaxBytes)
	}
	return checkOnce(records)
}

func (r *Record) check() error {
	if err := r.Kind.Check(); err != nil {
		return err
	}
	if r.ID == "" {
		return fmt.Errorf("a %s record without an id", r.Kind)
	}
	for _, s := range [...]string{r.Tenant, r.ID, r.Parent, r.Label} {
		if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
			return errors.New("a name in a " + string(r.Kind) + " record is not plain UTF-8 text")
		}
	}
	return nil
}

func checkOnce(records []Record) error {
	if len(records) < 2 {
		return nil
	}
	type name struct {
		tenant, id string
		kind       Kind
	}
	seen := make(map[name]struct{}, len(records))
	for i := range records {
		n := name{records[i].Tenant, records[i].ID, records[i].Kind}
		if _, twice := seen[n]; twice {
			return fmt.Errorf("a %s record is named twice in one put: %w", n.kind, ErrConflict)
		}
		seen[n] = struct{}{}
	}
	return nil
}
