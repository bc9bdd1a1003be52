// Package store is the keeping: records in, records out, and nothing that knows what a record means. Package registry, keyring,
// audit and issuer decide what to write; an engine (store/memory, store/sqlite) keeps it; only cmd knows which engine it is.
//
// It keeps five promises whatever the engine, and package storetest says each of them in words: a Put is all or none; a record is
// replaced only by a writer that has read its present revision; what has expired cannot be seen any more, swept or not; a list is
// in the byte order of its ids; and an acknowledged write is found again by every later call, after a crash too where the engine
// persists.
//
// An error that is neither ErrNotFound nor ErrConflict says that the engine failed, never that a record is missing or stale. A
// caller must not turn it into a refusal: whoever asked did nothing wrong.
//
// Every engine may be called from any number of goroutines. No call keeps a reference to what it was given or hands out what it
// keeps, so the caller owns every Record and Body it holds.
package store

import (
	"context"
	"errors"
	"time"
)

// Kind names a table of records. Two kinds never share an id.
type Kind string

// The kinds of record an engine keeps, one table each.
const (
	Client     Kind = "client"
	User       Kind = "user"
	Login      Kind = "login"
	Token      Kind = "token"
	Refresh    Kind = "refresh"
	Key        Kind = "key"
	Event      Kind = "event"
	Change     Kind = "change"
	Use        Kind = "use"
	Revocation Kind = "revocation"
	Operator   Kind = "operator"
	Session    Kind = "session"
	Answer     Kind = "answer"
	Tally      Kind = "tally"
	Notice     Kind = "notice"
)

// Kinds lists every kind, in the order in which engines lay out and sweep their tables. Nobody may change it.
var Kinds = []Kind{Client, User, Login, Token, Refresh, Key, Event, Change, Use, Revocation, Operator, Session, Answer, Tally, Notice}

// The two answers a caller may act on; engines wrap them. All other errors are faults of the engine.
var (
	// ErrNotFound: there is no such record, or it has expired.
	ErrNotFound = errors.New("no such record")
	// ErrConflict: another writer was there first; read again and decide anew.
	ErrConflict = errors.New("the record has changed")
)

// Record is one thing kept. Tenant, Kind and ID together name it.
type Record struct {
	Tenant  string    // "" is a tenant like any other: what belongs to the whole product
	Kind    Kind      // which table
	ID      string    // unique in its tenant and kind; time-ordered where rows are many
	Rev     uint64    // the revision that was read; 0 creates
	Parent  string    // what it belongs to; the one thing that is indexed beside the id
	Label   string    // what a person searches by: found by prefix, which is not indexed, or exactly, which is for events
	Expires time.Time // from this instant on it does not exist; zero: never. Kept in UTC, to the microsecond
	Body    []byte    // the engine never looks inside; an empty body comes back as nil
}

// Query asks for one page of a tenant's records of a kind, in the byte order of their ids.
type Query struct {
	Tenant  string
	Kind    Kind
	Parent  string // only records with exactly this parent; "" asks for all
	Label   string // only records whose label starts with exactly this; no character is a wildcard
	Exact   bool   // only records whose label is Label, not those that start with it; "" asks for those without a label
	After   string // the last id of the page before; "" starts at the beginning, or at the end when Reverse
	Limit   int    // how many at most; 0 means DefaultLimit, and more than MaxLimit means MaxLimit
	Reverse bool   // from the highest id to the lowest
}

// Bounds that every engine shares, so that no single call can hold up the others.
const (
	DefaultLimit = 100     // records of a page when a Query does not say
	MaxLimit     = 1000    // records of a page at most
	MaxRecords   = 1000    // records of one Put at most
	MaxBytes     = 8 << 20 // bytes of one Put at most, names and bodies
)

// Page returns how many records the query may be answered with.
func (q Query) Page() int {
	switch {
	case q.Limit <= 0:
		return DefaultLimit
	case q.Limit > MaxLimit:
		return MaxLimit
	}
	return q.Limit
}

// Store is what an engine can do. A call whose context is done before the engine has begun with it does nothing and returns the
// context's error; a write that has been begun is finished, and its true outcome is returned. So a write that ends with the
// context's error has written nothing.
type Store interface {
	// Get returns one record, or ErrNotFound.
	Get(ctx context.Context, tenant string, kind Kind, id string) (Record, error)

	// List returns a page of records. No records is an empty page, not an error. Pages read one after the other are separate
	// looks: what is written in between may show up in the later ones.
	List(ctx context.Context, q Query) ([]Record, error)

	// Put writes all the records or none. Each says in Rev what its writer has read: 0 for a record that must not exist yet (or
	// has expired), else the revision that is replaced. If any differs from what is kept the answer is ErrConflict. The kept
	// revision becomes Rev+1. A Put may not name a record twice.
	//
	// Revisions start again at 1 when a record is created anew, so an id must not be used again for something else.
	Put(ctx context.Context, records ...Record) error

	// Delete removes all the named records, whatever their revision. A record that is not there is none the less gone.
	Delete(ctx context.Context, tenant string, kind Kind, ids ...string) error

	// Sweep removes up to limit records (at most MaxLimit; 0 means MaxLimit) of any tenant and kind that had expired at now, in
	// steps small enough not to hold up other writers, and returns how many. Fewer than limit: nothing is left to sweep.
	Sweep(ctx context.Context, now time.Time, limit int) (int, error)
}
