package sqlite

import (
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// errDamaged says that a row is not what was written. SQLite checks the write-ahead log against flipped bits but not the pages of
// the file, so each row carries a sum of its own: a damaged row is an error, never a wrong answer.
var errDamaged = errors.New("a row is damaged: check the disk, and restore a backup, or let tokenbooth store repair do so")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// expiry is the kept form of a time: microseconds since 1970, or nil for never.
func expiry(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// sum covers everything a row says, each text with its length so that bytes cannot move from one field to the next.
func sum(r *store.Record, rev uint64) int64 {
	var buf [256]byte
	b := buf[:0]
	for _, s := range [...]string{r.Tenant, string(r.Kind), r.ID, r.Parent, r.Label} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendUvarint(b, rev)
	if !r.Expires.IsZero() {
		b = binary.AppendVarint(b, r.Expires.UnixMicro())
	}
	return int64(crc32.Update(crc32.Checksum(b, castagnoli), castagnoli, r.Body))
}

// record reads a row of the columns in const columns.
func record(tenant string, kind store.Kind, row []driver.Value) (store.Record, error) {
	r := store.Record{Tenant: tenant, Kind: kind}
	var ok [7]bool
	var rev, kept int64
	r.ID, ok[0] = row[0].(string)
	rev, ok[1] = row[1].(int64)
	r.Parent, ok[2] = row[2].(string)
	r.Label, ok[3] = row[3].(string)
	switch us := row[4].(type) {
	case nil:
		ok[4] = true
	case int64:
		r.Expires, ok[4] = time.UnixMicro(us).UTC(), true
	}
	kept, ok[5] = row[5].(int64)
	r.Body, ok[6] = row[6].([]byte)
	ok[6] = ok[6] || row[6] == nil
	r.Rev = uint64(rev)
	if ok != [7]bool{true, true, true, true, true, true, true} || sum(&r, r.Rev) != kept {
		return store.Record{}, fmt.Errorf("read a %s record: %w", kind, errDamaged)
	}
	return r, nil
}
