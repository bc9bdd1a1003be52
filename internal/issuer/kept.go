package issuer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// keptPage is how many records are read between two looks at the clock.
const keptPage = 200

// Chain is a chain of refresh tokens, as operators see it. It has no token in it.
type Chain struct {
	ID       string // sid of its access tokens
	Client   string // a client id, or a marked label
	UserID   string
	Username string
	Scope    string
	Started  time.Time
	Rotated  time.Time // when its last token was given out
	Expires  time.Time // of that token, when it is not used
	Live     bool      // that token can be used still
}

// Kept is an opaque access token that is kept, without its text.
type Kept struct {
	ID       string
	Client   string
	Subject  string // a user id, or the client's
	Username string
	Scope    string
	Family   string // the chain it came from, or empty
	Issued   time.Time
	Expires  time.Time
	Revoked  bool // it is worth nothing any more: taken back, or its client, user, chain or tenant was stopped
}

// TokenSearch asks for a page of what is kept of tokens. What is empty asks for all.
type TokenSearch struct {
	Client string        // of this client
	User   string        // of this user, by id
	After  string        // where the page before ended
	Limit  int           // how many at most; 0: 100; at most 1000
	Budget time.Duration // how long to look; 0: until the page is full. A page that was cut short goes on at next
}

// Chains returns a page of a tenant's chains of refresh tokens, in the order of their ids, and where to go on: "" at the end. Those of a
// user are looked up; those of a client are searched for among all.
func (i *Issuer) Chains(ctx context.Context, tenant string, q TokenSearch) (page []Chain, next string, err error) {
	if _, known := i.Registry.Tenant(tenant); !known {
		return nil, "", noTenant(tenant)
	}
	return search(ctx, i.Store, store.Query{Tenant: tenant, Kind: store.Refresh, Parent: q.User}, q, func(rec store.Record) (c Chain, fits bool, err error) {
		if q.Client != "" && rec.Label != q.Client { // left to the engine, it would look at all without looking at the clock
			return c, false, nil
		}
		f := &family{tenant: tenant, id: rec.ID, rev: rec.Rev}
		if err := json.Unmarshal(rec.Body, f); err != nil {
			return c, false, fmt.Errorf("chain %s cannot be read: %w", rec.ID, err)
		}
		c = Chain{ID: f.id, Client: f.Client, UserID: f.User, Username: f.Username, Scope: f.Scope, Started: f.Started, Rotated: f.Rotated, Expires: f.Expires}
		c.Live, err = i.chainLives(ctx, f)
		return c, true, err
	})
}

// chainLives reports whether the good token of a chain can be used: neither it nor those it speaks for were stopped.
func (i *Issuer) chainLives(ctx context.Context, f *family) (bool, error) {
	if !f.Live || !i.Now().Before(f.Expires) {
		return false, nil
	}
	err := i.Alive(ctx, f.tenant, f.Client, f.User, f.Started)
	if oauth.AsError(err) != nil {
		return false, nil
	}
	return err == nil, err
}

// Opaque returns a page of the opaque access tokens of a tenant that have not expired, the oldest first, and where to go on: "" at the
// end. Those of a client or user are searched for among all.
func (i *Issuer) Opaque(ctx context.Context, tenant string, q TokenSearch) (page []Kept, next string, err error) {
	t, known := i.Registry.Tenant(tenant)
	if !known {
		return nil, "", noTenant(tenant)
	}
	var needles [][]byte // spelled as row.body does: most rows are others' and are not decoded
	if q.Client != "" {
		needles = append(needles, appendMember(nil, `"client":`, q.Client))
	}
	if q.User != "" {
		needles = append(needles, appendMember(nil, `"sub":`, q.User))
	}
	return search(ctx, i.Store, store.Query{Tenant: tenant, Kind: store.Token}, q, func(rec store.Record) (k Kept, fits bool, err error) {
		for _, n := range needles {
			if !bytes.Contains(rec.Body, n) {
				return k, false, nil
			}
		}
		r, err := readRow(rec.Body)
		if err != nil {
			return k, false, fmt.Errorf("token %s cannot be read: %w", rec.ID, err)
		}
		if q.Client != "" && r.Client != q.Client || q.User != "" && r.Subject != q.User {
			return k, false, nil
		}
		k = Kept{ID: rec.ID, Client: r.Client, Subject: r.Subject, Username: r.Username, Scope: r.Scope, Family: r.Family, Issued: r.Issued,
			Expires: rec.Expires}
		in, err := i.judge(ctx, t, &access{rec: rec, row: r, Introspection: oauth.Introspection{ID: k.ID, ClientID: k.Client, Subject: k.Subject,
			Family: k.Family, IssuedAt: k.Issued}}, nil)
		k.Revoked = !in.Active
		return k, true, err
	})
}

// search reads records until a page is full, the budget is used up or there are no more.
func search[T any](ctx context.Context, s store.Store, kept store.Query, q TokenSearch,
	read func(store.Record) (T, bool, error)) (page []T, next string, err error) {
	begun, wanted := time.Now(), store.Query{Limit: q.Limit}.Page() // a stopwatch: nothing is decided by it but when to stop
	kept.After, kept.Limit = q.After, keptPage
	for {
		started := time.Now()
		records, err := s.List(ctx, kept)
		if err != nil {
			return nil, "", unavailable("look for what is kept of tokens", err)
		}
		for _, rec := range records {
			found, fits, err := read(rec)
			if err != nil {
				return nil, "", err
			}
			if fits && len(page) == wanted { // there is one more
				return page, kept.After, nil
			}
			if kept.After = rec.ID; fits {
				page = append(page, found)
			}
		}
		if len(records) < kept.Page() {
			return page, "", nil
		}
		if q.Budget > 0 && time.Since(begun)+time.Since(started) >= q.Budget { // the next look will take as long as this one
			return page, kept.After, nil
		}
	}
}

// RevokeID takes back an opaque access token (revocation.Token) or a chain of refresh tokens (revocation.Family) by its id, as
// RevokeText does by its text. by is who does it. The zero Revoked: nothing of that id was there to be taken back.
func (i *Issuer) RevokeID(ctx context.Context, by, tenant string, kind revocation.Kind, id string) (Revoked, error) {
	if _, known := i.Registry.Tenant(tenant); !known {
		return Revoked{}, noTenant(tenant)
	}
	take := i.revokeRow
	switch kind {
	case revocation.Token:
	case revocation.Family:
		take = i.revokeFamily
	default:
		return Revoked{}, fmt.Errorf("a %s cannot be taken back by its id here", kind)
	}
	for attempt := 1; ; attempt++ {
		what, err := take(ctx, tenant, id, &revoker{by: by})
		switch {
		case err == nil:
			return what, nil
		case errors.Is(err, store.ErrNotFound):
			return Revoked{}, nil
		case !errors.Is(err, store.ErrConflict):
			return Revoked{}, err
		case attempt == maxAttempts:
			return Revoked{}, unavailable("revoke what is kept", err)
		}
	}
}

func (i *Issuer) revokeRow(ctx context.Context, tenant, id string, who *revoker) (Revoked, error) {
	rec, err := i.keptAs(ctx, tenant, store.Token, id)
	if err != nil {
		return Revoked{}, err
	}
	r, err := readRow(rec.Body)
	if err != nil {
		return Revoked{}, fmt.Errorf("token %s cannot be read: %w", id, err)
	}
	if !r.Revoked.IsZero() {
		return Revoked{}, nil
	}
	r.Revoked = i.Now()
	rec.Body = r.body()
	what := Revoked{revocation.Token, rec.ID, r.Client, r.Subject}
	gone := feed.Revocation{Tenant: tenant, Kind: revocation.Token, ID: rec.ID, Until: rec.Expires.Add(skew)}
	return what, i.commit(ctx, gone, what, who, rec)
}

func (i *Issuer) revokeFamily(ctx context.Context, tenant, id string, who *revoker) (Revoked, error) {
	rec, err := i.keptAs(ctx, tenant, store.Refresh, id)
	if err != nil {
		return Revoked{}, err
	}
	f := &family{tenant: tenant, id: rec.ID, rev: rec.Rev}
	if err := json.Unmarshal(rec.Body, f); err != nil {
		return Revoked{}, fmt.Errorf("chain %s cannot be read: %w", id, err)
	}
	if !f.Live {
		return Revoked{}, nil
	}
	what := Revoked{revocation.Family, f.id, f.Client, f.User}
	return what, i.commit(ctx, f.end(i.Now()), what, who, f.record())
}

// keptAs reads a record. store.ErrNotFound: there is none.
func (i *Issuer) keptAs(ctx context.Context, tenant string, kind store.Kind, id string) (store.Record, error) {
	rec, err := i.Store.Get(ctx, tenant, kind, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		err = unavailable("look for what is kept", err)
	}
	return rec, err
}
