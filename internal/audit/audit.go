// Package audit remembers who did what, and whether they were let.
//
// There are two books. The record of events, in the store, has every change of a registration with its author and every refusal
// with its reason; a change's event is written in the same Put as the change (Record), so that neither exists without the other. The
// journal, an append-only file, has every issuance; it costs a JWT no write in the store and no wait for the disk.
//
// The package decides how an event is kept, for how long, and what happens when there are too many at once. It does not decide what
// is an event: registry, keyring and issuer do. No event has a secret in it. All types may be used concurrently.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/store"
)

// KeepRefusals is how long a refusal can be looked up. Changes are kept for good.
const KeepRefusals = 90 * 24 * time.Hour

// Outcomes of an event.
const (
	Allowed = "allowed"
	Refused = "refused"
)

// CaseDetail names in an event's Detail what exactly was refused: an oauth.Case.
const CaseDetail = "case"

// Event is one act. Its stored form is this JSON; ID, Tenant, Subject and Actor are also what it is found by.
//
//	{"time":"2026-11-22T04:09:00.123Z","act":"client.create","actor":"cli:root","subject":"client:q2tj…","outcome":"allowed"}
type Event struct {
	ID        string            `json:"-"` // time-ordered; a refusal's is its request id
	Tenant    string            `json:"-"`
	Time      time.Time         `json:"time"`
	Act       string            `json:"act"`               // client.create, token.refuse …
	Actor     string            `json:"actor"`             // who did it: cli:NAME, client:ID, user:ID
	Subject   string            `json:"subject,omitempty"` // what it was done to: client:ID, user:ID, key:ID
	Outcome   string            `json:"outcome"`
	Reason    string            `json:"reason,omitempty"`
	RequestID string            `json:"request_id,omitempty"`
	Source    string            `json:"source,omitempty"` // the caller's address
	Detail    map[string]string `json:"detail,omitempty"`
	Changes   []Change          `json:"changes,omitempty"` // the fields that it changed, as they were and as they are
}

// Record returns the store's form of an event, to be put together with the change it tells of.
func Record(e Event) store.Record {
	body, err := json.Marshal(e)
	if err != nil { // strings and a time: cannot happen
		panic(fmt.Errorf("encode event %s: %w", e.Act, err))
	}
	r := store.Record{Tenant: e.Tenant, Kind: store.Event, ID: e.ID, Parent: e.Subject, Label: e.Actor, Body: body}
	if e.Outcome == Refused {
		r.Expires = e.Time.Add(KeepRefusals)
	}
	return r
}

// Query asks for events, the newest first. What is empty asks for all. Every text is taken literally.
type Query struct {
	Tenant    string
	Subject   string        // of this subject only; looked up, not searched for
	Actor     string        // of actors that start with this
	Before    string        // older than the event of this id
	Limit     int           // how many at most; 0: 100; at most 1000
	ActorIs   string        // of exactly this actor; looked up, not searched for
	RequestID string        // of this request; looked up
	Act       string        // client.create; or all that start with it when it ends with a dot: client.
	Outcome   string        // Allowed or Refused
	Since     time.Time     // at this time or later
	Until     time.Time     // before this time
	Budget    time.Duration // how long to go on looking; 0: until the page is full or all events have been seen
}

// Get returns one event by its id, which for a refusal is the request id its caller was given.
func Get(ctx context.Context, s store.Store, tenant, id string) (Event, error) {
	r, err := s.Get(ctx, tenant, store.Event, id)
	if err != nil {
		return Event{}, fmt.Errorf("event %s: %w", id, err)
	}
	return decode(r)
}

func decode(r store.Record) (Event, error) {
	e := Event{ID: r.ID, Tenant: r.Tenant}
	if err := json.Unmarshal(r.Body, &e); err != nil {
		return Event{}, fmt.Errorf("event %s cannot be read: %w", r.ID, err)
	}
	return e, nil
}

// Parse reads an event from the form that Record gives it.
func Parse(r store.Record) (Event, error) { return decode(r) }
