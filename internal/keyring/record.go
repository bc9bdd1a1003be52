package keyring

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/change"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// State is what a key is used for.
type State string

// A key is first announced, then signs, then only checks, and then is gone.
const (
	Next    State = "next"
	Active  State = "active"
	Retired State = "retired"
)

// recordID names the one record that holds all keys of a tenant, so that their states change together.
const recordID = "ring"

// ringRecord is its body:
//
//	{"keys":[{"kid":"…","alg":"ES256","state":"active","created":"…","activated":"…","sealed":"…"}, …]}
type ringRecord struct {
	Keys []keyRecord `json:"keys"`
	rev  uint64
}

// keyRecord is one key. Sealed is the PKCS #8 form of the private key or, once retired, the PKIX form of the public one: both are
// sealed, so that who can write to the store cannot slip in a key of his own.
type keyRecord struct {
	ID        string    `json:"kid"`
	Algorithm Algorithm `json:"alg"`
	State     State     `json:"state"`
	Created   time.Time `json:"created"` // and published
	Activated time.Time `json:"activated,omitzero"`
	Retired   time.Time `json:"retired,omitzero"`
	Until     time.Time `json:"until,omitzero"` // of a retired key: when it goes
	Sealed    []byte    `json:"sealed"`
}

// find returns the first key in a state, or nil.
func (r *ringRecord) find(s State) *keyRecord {
	for i := range r.Keys {
		if r.Keys[i].State == s {
			return &r.Keys[i]
		}
	}
	return nil
}

// label binds a sealed key to its tenant, its id and its half. An id has no slash, so no two labels are the same.
func label(half, tenant, kid string) string { return "keyring/" + half + "/" + tenant + "/" + kid }

func (k *Keyring) read(ctx context.Context, tenant string) (ringRecord, error) {
	rec, err := k.store.Get(ctx, tenant, store.Key, recordID)
	if err != nil {
		return ringRecord{}, fmt.Errorf("reading the keyring: %w", err)
	}
	kept := ringRecord{rev: rec.Rev}
	if err := json.Unmarshal(rec.Body, &kept); err != nil {
		return ringRecord{}, fmt.Errorf("reading the keyring: %w", err)
	}
	if kept.find(Active) == nil || kept.find(Next) == nil {
		return ringRecord{}, errors.New("reading the keyring: it has no active or no next key")
	}
	return kept, nil
}

// write replaces the record that kept was read from. Who did it, the note for other processes and what is taken back are written in the
// same step.
func (k *Keyring) write(ctx context.Context, tenant string, kept ringRecord, d deed) error {
	body, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("writing the keyring: %w", err)
	}
	now := k.now()
	rec := store.Record{Tenant: tenant, Kind: store.Key, ID: recordID, Rev: kept.rev, Body: body}
	event := audit.Done(ctx, now, audit.Event{Tenant: tenant, Act: d.act, Actor: d.by, Subject: "key:" + d.kid, Detail: d.detail})
	put := []store.Record{rec, change.Note(rec, now), audit.Record(event)}
	if d.taken != nil {
		put = append(put, d.taken.Records(now)...)
	}
	if err := k.store.Put(ctx, put...); err != nil {
		return fmt.Errorf("writing the keyring: %w", err)
	}
	if d.taken != nil && k.feed != nil {
		k.feed.Add(*d.taken)
	}
	return nil
}

func (k *Keyring) generate(t Tenant, s State, now time.Time) (keyRecord, error) {
	key, err := t.Algorithm.generate()
	if err != nil {
		return keyRecord{}, fmt.Errorf("making a signing key: %w", err)
	}
	kid, err := thumbprint(key.Public())
	if err != nil {
		return keyRecord{}, fmt.Errorf("making a signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return keyRecord{}, fmt.Errorf("making a signing key: %w", err)
	}
	defer clear(der)
	return keyRecord{ID: kid, Algorithm: t.Algorithm, State: s, Created: now, Sealed: k.sealer.Seal(label("private", t.Name, kid), der)}, nil
}

// retire throws the private half of a key away.
func (k *Keyring) retire(r *keyRecord, t Tenant, now time.Time) error {
	_, pub, err := k.open(t.Name, *r)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return fmt.Errorf("retiring key %s: %w", r.ID, err)
	}
	r.State, r.Retired = Retired, now
	// Another process may not have heard of the rotation yet and go on signing with this key for a while.
	r.Until = now.Add(t.Retain + MaxAge)
	r.Sealed = k.sealer.Seal(label("public", t.Name, r.ID), der)
	return nil
}

// open unseals a key and checks that it is the one its id names. A retired key has no private half.
func (k *Keyring) open(tenant string, r keyRecord) (private crypto.Signer, public crypto.PublicKey, err error) {
	half := "private"
	if r.State == Retired {
		half = "public"
	}
	der, err := k.sealer.Open(label(half, tenant, r.ID), r.Sealed)
	if err != nil {
		return nil, nil, fmt.Errorf("opening key %s: %w", r.ID, err)
	}
	if r.State == Retired {
		public, err = x509.ParsePKIXPublicKey(der) // which may keep a part of der
	} else {
		var key any
		key, err = x509.ParsePKCS8PrivateKey(der)
		clear(der)
		if private, _ = key.(crypto.Signer); private != nil {
			public = private.Public()
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading key %s: %w", r.ID, err)
	}
	if kid, err := thumbprint(public); err != nil || kid != r.ID || !r.Algorithm.fits(public) {
		return nil, nil, fmt.Errorf("key %s is not what its id or algorithm %q says", r.ID, string(r.Algorithm))
	}
	return private, public, nil
}
