package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// How much is looked at between two looks at the clock, and how much older than its event an id may be: a refusal's is made when the
// request comes in.
const (
	searchPage = 200
	idLag      = 2 * time.Minute
)

// Search returns a page of events, the newest first, and where to go on (Query.Before): "" when there is nothing further. more says that
// the budget ended the search before the page was full; an empty page may have more behind it.
//
// Tenant, subject, exact actor, request and time are looked up, so they cost the same among ten million events as among ten; an
// actor's beginning, act and outcome, and a subject and an actor together, are searched for, which is what the budget is for.
func Search(ctx context.Context, s store.Store, q Query) (events []Event, next string, more bool, err error) {
	if q.RequestID != "" {
		events, err = one(ctx, s, q)
		return events, "", false, err
	}
	var (
		begun  = time.Now() // a stopwatch: nothing is decided by it but when to stop
		wanted = store.Query{Limit: q.Limit}.Page()
		filter = q.filter()
		oldest = q.oldest()
	)
	page, err := lookUp(ctx, s, filter)
	if err != nil {
		return nil, "", false, err
	}
	for {
		started := time.Now()
		records, err := s.List(ctx, page)
		if err != nil {
			return nil, "", false, fmt.Errorf("search events: %w", err)
		}
		for _, r := range records {
			if r.ID < oldest {
				return events, "", false, nil
			}
			e, fits, err := filter.read(r)
			switch {
			case err != nil:
				return nil, "", false, err
			case !fits:
			case len(events) == wanted: // there is one more
				return events, events[wanted-1].ID, false, nil
			default:
				events = append(events, e)
			}
		}
		if len(records) < page.Page() {
			return events, "", false, nil
		}
		page.After = records[len(records)-1].ID
		if q.Budget > 0 && time.Since(begun)+time.Since(started) >= q.Budget { // the next look will take as long as this one
			return events, page.After, len(events) < wanted, nil
		}
	}
}

// lookUp returns what the engine is asked for, a page at a time.
func lookUp(ctx context.Context, s store.Store, f filter) (store.Query, error) {
	page := store.Query{Tenant: f.Tenant, Kind: store.Event, Parent: f.Subject, Label: f.ActorIs, Exact: f.ActorIs != "", After: f.from(),
		Limit: searchPage, Reverse: true}
	switch {
	case f.Subject != "" && f.ActorIs != "":
		return sparser(ctx, s, page)
	case len(f.needles) == 0 && f.Actor == "":
		page.Limit = min(store.Query{Limit: f.Limit}.Page()+1, store.MaxLimit)
	}
	return page, nil
}

// sparser looks up by subject or by actor instead of by both: the engine has no index of both, so it would go through all events of the
// one for the next of the other, and nobody would look at the clock. It takes the one with fewer events where the search begins; the
// filter does the rest.
func sparser(ctx context.Context, s store.Store, both store.Query) (store.Query, error) {
	bySubject, byActor := both, both
	bySubject.Label, bySubject.Exact = "", false
	byActor.Parent = ""
	subject, err := reach(ctx, s, bySubject)
	if err != nil {
		return both, err
	}
	actor, err := reach(ctx, s, byActor)
	if actor < subject {
		return byActor, err
	}
	return bySubject, err
}

// reach returns the id of the last event of a page, "" where that page has all.
func reach(ctx context.Context, s store.Store, page store.Query) (string, error) {
	records, err := s.List(ctx, page)
	if err != nil {
		return "", fmt.Errorf("search events: %w", err)
	}
	if len(records) < page.Page() {
		return "", nil
	}
	return records[len(records)-1].ID, nil
}

// one looks up the event of a request.
func one(ctx context.Context, s store.Store, q Query) ([]Event, error) {
	r, err := s.Get(ctx, q.Tenant, store.Event, q.RequestID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", q.RequestID, err)
	}
	if q.Before != "" && r.ID >= q.Before {
		return nil, nil
	}
	e, fits, err := q.filter().read(r)
	if err != nil || !fits {
		return nil, err
	}
	return []Event{e}, nil
}

// from returns the id that all events asked for are older than; ids are in the order of time.
func (q Query) from() string {
	if q.Until.IsZero() {
		return q.Before
	}
	first := secret.FirstID(q.Until)
	if q.Before != "" && q.Before < first {
		return q.Before
	}
	return first
}

// oldest returns the id before which no event is asked for.
func (q Query) oldest() string {
	if q.Since.IsZero() {
		return ""
	}
	return secret.FirstID(q.Since.Add(-idLag))
}

// filter is what is left of a query when all that can be looked up has been.
type filter struct {
	Query
	needles [][]byte // what the stored form of an event has in it, if it is one asked for; of others hardly any has
}

func (q Query) filter() filter {
	f := filter{Query: q}
	if q.Act != "" {
		act := append([]byte(`"act":`), quoted(q.Act)...)
		if q.manyActs() {
			act = act[:len(act)-1] // without the quotation mark that ends it
		}
		f.needles = append(f.needles, act)
	}
	if q.Outcome != "" {
		f.needles = append(f.needles, append([]byte(`"outcome":`), quoted(q.Outcome)...))
	}
	return f
}

// manyActs reports whether all acts are asked for that start with Act.
func (q Query) manyActs() bool { return strings.HasSuffix(q.Act, ".") }

// quoted spells a text as Record does.
func quoted(text string) []byte {
	b, err := json.Marshal(text)
	if err != nil { // a string: cannot happen
		panic(err)
	}
	return b
}

// read returns the event of a record, if it is one asked for. Most are not, and are not decoded.
func (f filter) read(r store.Record) (e Event, fits bool, err error) {
	if !strings.HasPrefix(r.Label, f.Actor) || f.ActorIs != "" && r.Label != f.ActorIs || f.Subject != "" && r.Parent != f.Subject {
		return Event{}, false, nil
	}
	for _, n := range f.needles {
		if !bytes.Contains(r.Body, n) {
			return Event{}, false, nil
		}
	}
	if e, err = decode(r); err != nil {
		return Event{}, false, err
	}
	switch {
	case f.Act != "" && e.Act != f.Act && !(f.manyActs() && strings.HasPrefix(e.Act, f.Act)):
	case f.Outcome != "" && e.Outcome != f.Outcome:
	case !f.Since.IsZero() && e.Time.Before(f.Since):
	case !f.Until.IsZero() && !e.Time.Before(f.Until):
	default:
		return e, true, nil
	}
	return Event{}, false, nil
}
