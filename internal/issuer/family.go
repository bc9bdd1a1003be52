package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/feed"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// family is a chain of refresh tokens, each of which replaces the one before. Nothing of a token's text is kept: the token of
// generation Seq is computed from the server's key, the Nonce and Seq (package secret, NewRefresh), so a genuine but spent token is
// told from a forged one without a list. Its stored form is this JSON, keyed by tenant and id.
type family struct {
	tenant string
	id     string
	rev    uint64

	Client      string    `json:"client"` // a client id, or a marked label
	User        string    `json:"user"`
	Username    string    `json:"username,omitempty"`
	Name        string    `json:"name,omitempty"`
	Scope       string    `json:"scope"` // as granted at first: rotation neither widens nor narrows it
	Permissions []string  `json:"permissions"`
	Nonce       []byte    `json:"nonce"`
	Seq         uint32    `json:"seq"` // of the one token that is good
	Started     time.Time `json:"started"`
	Rotated     time.Time `json:"rotated"`
	Expires     time.Time `json:"expires"`         // of the one token that is good, when it is not used
	Until       time.Time `json:"until"`           // absolute: rotation does not extend it
	Access      time.Time `json:"access,omitzero"` // when the last access token of the chain expires
	Ended       time.Time `json:"ended,omitzero"`  // tokens up to here are dead, access tokens included
	Live        bool      `json:"live"`
	Answer      []byte    `json:"answer,omitempty"` // the last answer, sealed under the token it was given for
}

// answer is the part of an issued pair that cannot be computed again. It is kept for the replay window, sealed.
type answer struct {
	AccessToken string    `json:"access_token"`
	IssuedAt    time.Time `json:"issued_at"`
	ExpiresIn   int64     `json:"expires_in"` // seconds
	Scope       string    `json:"scope"`
}

// startFamily begins a chain for a person who has just signed in. Where the contract allows one refresh token per user and label, the
// chain's id is made of the two, so a new chain takes the place of the old one; access tokens live on.
func (i *Issuer) startFamily(ctx context.Context, who *caller, a *award, req *oauth.TokenRequest) (*family, error) {
	now, nonce := i.Now(), secret.Nonce()
	f := &family{tenant: who.tenant.Name, id: secret.NewID(now), Client: ownLabel(who.id, a.username), User: a.subject, Username: a.username, Name: a.name,
		Scope: a.scope, Permissions: a.permissions, Nonce: nonce[:], Started: a.issued(now), Until: now.Add(req.Terms.RefreshMax), Live: true}
	f.renew(now, req.Terms.RefreshIdle)
	if req.Terms.OnePerLabel {
		f.id = secret.FamilyID(f.User, f.Client)
		before, err := i.readFamily(ctx, f.tenant, f.id)
		switch {
		case err == nil:
			f.rev, f.Ended, f.Access = before.rev, before.Ended, before.Access
			a.heldSince(f.Ended)
		case !errors.Is(err, store.ErrNotFound):
			return nil, unavailable("look for the earlier refresh token", err)
		}
	}
	return f, nil
}

func (i *Issuer) readFamily(ctx context.Context, tenant, id string) (*family, error) {
	rec, err := i.Store.Get(ctx, tenant, store.Refresh, id)
	if err != nil {
		return nil, err
	}
	f := &family{tenant: tenant, id: id, rev: rec.Rev}
	return f, json.Unmarshal(rec.Body, f)
}

// renew dates the good token: it lives until it has been idle too long, and never longer than the chain.
func (f *family) renew(now time.Time, idle time.Duration) {
	f.Rotated, f.Expires = now, now.Add(idle)
	if f.Until.Before(f.Expires) {
		f.Expires = f.Until
	}
}

// record is the family's stored form. A record lives as long as its token, and as long as any access token of the chain: were it gone
// earlier, those of a chain that was ended would come back to life.
func (f *family) record() store.Record {
	body, err := json.Marshal(f)
	if err != nil { // our own type, all plain: cannot happen
		panic(err)
	}
	expires := f.Expires
	if f.Access.After(expires) {
		expires = f.Access
	}
	return store.Record{Tenant: f.tenant, Kind: store.Refresh, ID: f.id, Rev: f.rev, Parent: f.User, Label: f.Client, Expires: expires, Body: body}
}

// token is the text of the one good refresh token.
func (i *Issuer) familyToken(f *family) string {
	return secret.NewRefresh(i.refreshKey, f.Nonce, f.id, f.Seq)
}

// end kills the chain and what was issued from it, and returns what guards have to be told.
func (f *family) end(now time.Time) feed.Revocation {
	for _, t := range []time.Time{f.Rotated, f.Ended} { // a clock that went back ends no less than all that was given out
		if t.After(now) {
			now = t
		}
	}
	f.Live, f.Ended, f.Answer = false, now, nil
	r := feed.Revocation{Tenant: f.tenant, Kind: revocation.Family, ID: f.id, Before: f.Ended, Until: now.Add(skew)}
	if f.Access.After(now) {
		r.Until = f.Access.Add(skew)
	}
	return r
}

// seal keeps the answer given for a spent token so that only who has that token can read it.
func (f *family) seal(spent oauth.Secret, t *oauth.Token) error {
	plain, err := json.Marshal(answer{t.AccessToken, t.IssuedAt, int64(t.ExpiresIn / time.Second), t.Scope})
	if err != nil {
		return err
	}
	s, err := sealerFor(spent)
	if err != nil {
		return err
	}
	f.Answer = s.Seal(f.id, plain)
	return nil
}

// open reads the answer that was given for a spent token.
func (f *family) open(spent oauth.Secret) (answer, error) {
	s, err := sealerFor(spent)
	if err != nil {
		return answer{}, err
	}
	plain, err := s.Open(f.id, f.Answer)
	if err != nil {
		return answer{}, err
	}
	var a answer
	return a, json.Unmarshal(plain, &a)
}

func sealerFor(spent oauth.Secret) (*secret.Sealer, error) {
	key := secret.Digest(spent.Reveal())
	return secret.NewSealer(key[:])
}
