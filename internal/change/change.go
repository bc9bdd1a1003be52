// Package change is how processes on one store hear of what the others have changed: whoever changes a record puts a note of it
// beside, in the same step, and every process looks for new notes twice a second.
//
// It keeps notes for ten minutes and decides nothing: what a change means to somebody is for that package to know, which is told kind,
// tenant and id (Follow) and reads the record again. So a client that is disabled, a token that is revoked and a key that is withdrawn
// on one machine are refused on all within a second, on every engine, without a connection between the processes.
//
// Changes are told in any order, each once or, when that failed, again: one that cannot be heard holds up none behind it. When a
// process was away from the store for so long that notes may have run out unread, it is told that it missed some. Functions may be
// called concurrently.
package change

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// A note's id is made before it is written, so it may turn up behind a younger one; looking back a little further than the last look
// finds it.
const (
	Every    = 500 * time.Millisecond // between two looks for notes
	Keep     = 10 * time.Minute       // how long a note can be read
	lookBack = 5 * time.Second
)

// note is the stored form of a note.
type note struct {
	Kind   store.Kind `json:"kind"`
	Tenant string     `json:"tenant"`
	ID     string     `json:"id"`
}

// Note returns the note of a change, to be put together with the changed record.
func Note(changed store.Record, now time.Time) store.Record {
	body, err := json.Marshal(note{changed.Kind, changed.Tenant, changed.ID})
	if err != nil { // three strings: cannot happen
		panic(fmt.Errorf("encode a note: %w", err))
	}
	return store.Record{Kind: store.Change, ID: secret.NewID(now), Expires: now.Add(Keep), Body: body}
}

// Ear is who listens. What ends in an error is told again at the next look. One goroutine calls both.
type Ear struct {
	Heard  func(ctx context.Context, kind store.Kind, tenant, id string) error
	Missed func(ctx context.Context) error // anything may have changed
	Since  time.Time                       // when who listens began to read what there was; zero: now

	// Asked is called before each look, and what it returns after it, if all was heard: whoever waits for that to happen is told so. nil:
	// nobody waits.
	Asked func() (heard func())
}

// Follow tells the ear of every change since then, until ctx is done.
func Follow(ctx context.Context, s store.Store, now func() time.Time, ear Ear) {
	since, f := ear.Since, follower{s, ear, map[string]bool{}}
	if since.IsZero() {
		since = now()
	}
	for tick := time.NewTicker(Every); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		started, heard := now(), ear.asked()
		if f.look(ctx, since.Add(-lookBack)) != nil {
			continue // the store is away: what we missed is read when it is back
		}
		gap := started.Round(0).Sub(since.Round(0)) // of the wall clock, which notes are named by
		if (gap > Keep/2 || gap < 0) && ear.Missed(ctx) != nil {
			continue // so long that notes may have run out unread, or a clock that went back: new notes lie before the last look
		}
		since = started
		f.forget(since.Add(-lookBack))
		heard()
	}
}

func (e *Ear) asked() (heard func()) {
	if e.Asked == nil {
		return func() {}
	}
	return e.Asked()
}

// follower remembers which notes it has told. Looking back shows each of them ten times.
type follower struct {
	store store.Store
	ear   Ear
	told  map[string]bool // by the note's id
}

// look tells of the notes since then that were not told yet. The error is the first of any.
func (f *follower) look(ctx context.Context, since time.Time) (first error) {
	q := store.Query{Kind: store.Change, After: secret.FirstID(since), Limit: store.MaxLimit}
	for {
		notes, err := f.store.List(ctx, q)
		if err != nil {
			return fmt.Errorf("look for changes: %w", err)
		}
		for _, rec := range notes {
			if err := f.tell(ctx, rec); err != nil && first == nil {
				first = err
			}
		}
		if len(notes) < q.Page() {
			return first
		}
		q.After = notes[len(notes)-1].ID
	}
}

func (f *follower) tell(ctx context.Context, rec store.Record) error {
	if f.told[rec.ID] {
		return nil
	}
	var n note
	if json.Unmarshal(rec.Body, &n) != nil {
		return nil // a newer version's note; what it changed we do not know
	}
	if err := f.ear.Heard(ctx, n.Kind, n.Tenant, n.ID); err != nil {
		return err
	}
	f.told[rec.ID] = true
	return nil
}

// forget drops what no look shows again.
func (f *follower) forget(before time.Time) {
	first := secret.FirstID(before)
	for id := range f.told {
		if id < first {
			delete(f.told, id)
		}
	}
}
