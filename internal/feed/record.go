package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/change"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// Horizon is how long it is remembered that all of something was taken back: the longest life of an access token, 14 days, a minute for
// clocks that differ, and Slack.
const Horizon = 14*24*time.Hour + time.Minute + Slack

// Revocation is one thing taken back.
type Revocation struct {
	Tenant string
	Kind   revocation.Kind
	ID     string    // as revocation.Kind says; empty for the issuer
	Before time.Time // what was issued up to here is refused; zero for Token and Key, which are refused whenever they were issued
	Until  time.Time // never zero: from here on nothing that it refuses is alive, with Slack for clocks that are wrong
	Rev    uint64    // of the record that it replaces, which only the issuer has (IssuerRecord); 0: there is none
}

// IssuerRecord is the id of the one record that says up to when all of a tenant's tokens are taken back: the later replaces the earlier.
const IssuerRecord = "issuer"

// UpTo returns the revocation of all that was issued up to a time: of a chain, a client, a user or the whole issuer.
func UpTo(tenant string, kind revocation.Kind, id string, before time.Time) Revocation {
	return Revocation{Tenant: tenant, Kind: kind, ID: id, Before: before, Until: before.Add(Horizon)}
}

// kept is the stored form of a revocation, under an id of its own that says when it was written, but for the issuer's:
//
//	{"kind":"c","id":"q2tj…","before":"2026-11-22T04:09:00.123Z"}
type kept struct {
	Kind   string    `json:"kind"`
	ID     string    `json:"id,omitempty"`
	Before time.Time `json:"before,omitzero"`
}

// Records returns the stored form and the note by which other processes hear of it. They are to be put together with the change
// itself and its audit event: what is durable is refused everywhere, and what is refused is durable.
func (r Revocation) Records(now time.Time) []store.Record {
	body, err := json.Marshal(kept{string(rune(r.Kind)), r.ID, r.Before})
	if err != nil { // two strings and a time: cannot happen
		panic(fmt.Errorf("encode a revocation: %w", err))
	}
	rec := store.Record{Tenant: r.Tenant, Kind: store.Revocation, ID: secret.NewID(now), Expires: r.Until, Body: body}
	if r.Kind == revocation.Issuer {
		rec.ID, rec.Rev = IssuerRecord, r.Rev
	}
	return []store.Record{rec, change.Note(rec, now)}
}

// parse reads a stored revocation. A kind that only a later version knows is passed on: guards may know it too.
func parse(rec store.Record) (Revocation, error) {
	var k kept
	if err := json.Unmarshal(rec.Body, &k); err != nil {
		return Revocation{}, fmt.Errorf("revocation %s of tenant %s cannot be read: %w", rec.ID, rec.Tenant, err)
	}
	if len(k.Kind) != 1 || rec.Expires.IsZero() || k.ID == "" && revocation.Kind(k.Kind[0]) != revocation.Issuer {
		return Revocation{}, fmt.Errorf("revocation %s of tenant %s cannot be read: %w", rec.ID, rec.Tenant, errIncomplete)
	}
	return Revocation{rec.Tenant, revocation.Kind(k.Kind[0]), k.ID, k.Before, rec.Expires, rec.Rev}, nil
}

var errIncomplete = errors.New("it does not say what it takes back, or until when")

func (r Revocation) entry() revocation.Entry {
	return revocation.Entry{Name: revocation.NameOf(r.Kind, r.ID), Before: r.Before, Until: r.Until}
}
