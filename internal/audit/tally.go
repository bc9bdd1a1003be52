package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// KeepTallies is how long the counts of an hour are kept.
const KeepTallies = 90 * 24 * time.Hour

// maxTries is how often an addition that another process was faster with is tried again. Each time one of them wins.
const maxTries = 100

// hourID names an hour in UTC; the byte order of these names is that of time.
const hourID = "2006-01-02T15"

// Hour is how many token requests of a tenant were answered in an hour.
type Hour struct {
	Start           time.Time // in UTC
	Issued, Refused uint64
}

// tally is the stored form of an Hour, keyed by tenant and hour:
//
//	{"issued":1204,"refused":3}
type tally struct {
	Issued  uint64 `json:"issued"`
	Refused uint64 `json:"refused"`
}

// AddTally adds to the counts of the hour that at lies in. Several processes may do so at once: none of it is lost, unless the error says
// so. Nothing is written for zeros.
func AddTally(ctx context.Context, s store.Store, tenant string, at time.Time, issued, refused uint64) error {
	if issued == 0 && refused == 0 {
		return nil
	}
	start := at.UTC().Truncate(time.Hour)
	rec := store.Record{Tenant: tenant, Kind: store.Tally, ID: start.Format(hourID), Expires: start.Add(KeepTallies)}
	var err error
	for range maxTries {
		var kept tally
		if rec.Rev, err = readTally(ctx, s, rec, &kept); err != nil {
			break
		}
		kept.Issued += issued
		kept.Refused += refused
		if rec.Body, err = json.Marshal(kept); err != nil { // two numbers: cannot happen
			panic(err)
		}
		if err = s.Put(ctx, rec); !errors.Is(err, store.ErrConflict) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("count the tokens of an hour: %w", err)
	}
	return nil
}

func readTally(ctx context.Context, s store.Store, of store.Record, kept *tally) (rev uint64, err error) {
	before, err := s.Get(ctx, of.Tenant, of.Kind, of.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	}
	return before.Rev, json.Unmarshal(before.Body, kept)
}

// Tallies returns every hour of a tenant from the one that from lies in to the last that starts before to, the earliest first; an hour
// without requests is zero. It goes back no further than KeepTallies before to.
func Tallies(ctx context.Context, s store.Store, tenant string, from, to time.Time) ([]Hour, error) {
	if earliest := to.Add(-KeepTallies); from.Before(earliest) {
		from = earliest
	}
	first := from.UTC().Truncate(time.Hour)
	var hours []Hour
	for at := first; at.Before(to); at = at.Add(time.Hour) {
		hours = append(hours, Hour{Start: at})
	}
	q := store.Query{Tenant: tenant, Kind: store.Tally, After: first.Add(-time.Hour).Format(hourID), Limit: store.MaxLimit}
	for {
		records, err := s.List(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("read the tokens of each hour: %w", err)
		}
		for _, r := range records {
			at, err := time.Parse(hourID, r.ID)
			n := int(at.Sub(first) / time.Hour)
			if err != nil || n < 0 || n >= len(hours) {
				continue // after to, or what only a later version understands
			}
			var kept tally
			if err := json.Unmarshal(r.Body, &kept); err != nil {
				return nil, fmt.Errorf("the tokens of hour %s cannot be read: %w", r.ID, err)
			}
			hours[n].Issued, hours[n].Refused = kept.Issued, kept.Refused
		}
		if len(records) < q.Page() {
			return hours, nil
		}
		q.After = records[len(records)-1].ID
	}
}
