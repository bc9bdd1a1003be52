package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/change"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/internal/text"
	"github.com/tokenbooth/tokenbooth/oauth"
	"github.com/tokenbooth/tokenbooth/revocation"
)

// User is a person whose password buys a token, where a tenant allows that. Its stored form is this JSON, keyed by tenant and ID;
// a second record, of kind login, leads from the canonical user name to the ID.
type User struct {
	Tenant string `json:"-"`
	ID     string `json:"-"`
	Rev    uint64 `json:"-"` // of the record: a one-time code that was used raises it as well

	// Edition goes up by one with each update, and with nothing else: an author who has seen another one has not seen what is there. What was
	// written before there were editions is the first.
	Edition uint64 `json:"edition,omitempty"`

	Username string `json:"username"` // canonical: the one spelling that logins, throttles and audit share
	UserSpec
	Hash      secret.Hash `json:"hash"`
	TOTP      []byte      `json:"totp,omitempty"` // sealed; empty: no one-time codes
	TOTPStep  int64       `json:"totp_step,omitempty"`
	Deleted   bool        `json:"deleted,omitempty"`
	NotBefore time.Time   `json:"not_before,omitzero"` // tokens issued before are refused

	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by"`
	Updated   time.Time `json:"updated"`
	UpdatedBy string    `json:"updated_by"`
}

// login is the stored form of a user name.
type login struct {
	User string `json:"user"`
}

// State is what a user is, in the one word that lists and programs have for it.
func (u *User) State() string {
	switch {
	case u.Deleted:
		return "deleted"
	case u.Disabled:
		return "disabled"
	}
	return "active"
}

// Barred says why the user may not act, or nothing.
func (u *User) Barred() string {
	switch {
	case u.Deleted:
		return "the user is deleted"
	case u.Disabled:
		return "the user is disabled"
	}
	return ""
}

// User returns a user by id, from memory where it is remembered.
func (r *Registry) User(ctx context.Context, tenant, id string) (*User, error) {
	return r.users.get(ctx, name{tenant, id})
}

func (r *Registry) readUser(ctx context.Context, n name) (*User, error) {
	u := &User{Tenant: n.tenant, ID: n.id}
	var err error
	u.Rev, err = r.get(ctx, n, store.User, u)
	if err != nil {
		return nil, err
	}
	u.Edition = max(u.Edition, 1)
	r.noteForeign(u)
	return u, nil
}

// UserByName returns the user of that name in any spelling, as the store has it now. Nobody may change it.
func (r *Registry) UserByName(ctx context.Context, tenant, username string) (*User, error) {
	canonical, err := canonicalName(username)
	if err != nil {
		return nil, fmt.Errorf("user %q of tenant %s: %w", username, tenant, ErrNotFound)
	}
	var l login
	if _, err := r.get(ctx, name{tenant, canonical}, store.Login, &l); err != nil {
		return nil, err
	}
	return r.users.fresh(ctx, name{tenant, l.User}) // so that the guard, which asks by id, knows no older state
}

// HasUser reports whether a user name is somebody's, at the same cost whether it is or not.
func (r *Registry) HasUser(ctx context.Context, tenant, username string) (bool, error) {
	canonical, err := canonicalName(username)
	if err != nil {
		return false, nil
	}
	_, err = r.store.Get(ctx, tenant, store.Login, canonical)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Users returns a page of a tenant's users in the order of their ids; deleted ones are left out.
func (r *Registry) Users(ctx context.Context, tenant, after string, limit int) (page []*User, next string, err error) {
	if _, err := r.tenant(tenant); err != nil {
		return nil, "", err
	}
	q := store.Query{Tenant: tenant, Kind: store.User, After: after, Limit: limit}
	records, err := r.store.List(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("list users: %w", err)
	}
	for _, rec := range records {
		u := &User{Tenant: tenant, ID: rec.ID, Rev: rec.Rev}
		if err := decode(rec, u); err != nil {
			return nil, "", err
		}
		u.Edition = max(u.Edition, 1)
		r.noteForeign(u)
		if !u.Deleted {
			page = append(page, u)
		}
	}
	if len(records) == q.Page() {
		next = records[len(records)-1].ID
	}
	return page, next, nil
}

// CreateUser registers a user with a password. by is who does it. oauth.ErrUnavailable: too many passwords are being set at this moment.
func (r *Registry) CreateUser(ctx context.Context, by string, u User, password oauth.Secret) (*User, error) {
	return r.registerUser(ctx, by, "user.create", u, func(u *User) (err error) {
		if err := u.checkPassword(password); err != nil {
			return err
		}
		if err := r.freeOfClients(ctx, u); err != nil { // before a hash is waited for
			return err
		}
		u.Hash, err = r.hash(ctx, password)
		return err
	})
}

// registerUser registers a user whose hash prove fills in, once all else is found right.
func (r *Registry) registerUser(ctx context.Context, by, act string, u User, prove func(*User) error) (*User, error) {
	t, err := r.tenant(u.Tenant)
	if err != nil {
		return nil, err
	}
	if u.Username, err = canonicalName(u.Username); err != nil {
		return nil, err
	}
	if err := u.check(t, &User{}); err != nil {
		return nil, err
	}
	if err := prove(&u); err != nil {
		return nil, err
	}
	now := r.now()
	u.ID, u.Edition = userPrefix+secret.NewID(now), 1
	u.Created, u.CreatedBy, u.Updated, u.UpdatedBy = now, by, now, by
	err = r.save(ctx, audit.Event{Tenant: u.Tenant, Act: act, Actor: by, Subject: "user:" + u.ID, Changes: u.changes(&User{})}, nil,
		u.record(), store.Record{Tenant: u.Tenant, Kind: store.Login, ID: u.Username, Body: encode(login{u.ID})})
	if errors.Is(err, store.ErrConflict) {
		return nil, problem("username", "tenant %s has a user %s already", u.Tenant, u.Username)
	}
	if err != nil {
		return nil, err
	}
	u.Rev = 1
	r.noteForeign(&u)
	return &u, nil
}

// freeOfClients refuses a user name that is a client's id: a token's sub must not be mistaken (RFC 9068, section 5).
func (r *Registry) freeOfClients(ctx context.Context, u *User) error {
	if _, err := r.readClient(ctx, name{u.Tenant, u.Username}); err == nil {
		return problem("username", "%s is the id of a client of tenant %s", u.Username, u.Tenant)
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// UpdateUser changes a user of that name. edit may be called again when another writer was faster.
func (r *Registry) UpdateUser(ctx context.Context, by, act, tenant, username string, edit func(*User) error) (*User, error) {
	t, err := r.tenant(tenant)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		before, err := r.UserByName(ctx, tenant, username)
		if err != nil {
			return nil, err
		}
		edited := *before // which is remembered, and others look at it
		u := &edited
		u.Permissions = slices.Clone(before.Permissions) // edit may change them in place
		if err := edit(u); err != nil {
			return nil, err
		}
		if err := u.check(t, before); err != nil {
			return nil, err
		}
		u.Tenant, u.ID, u.Rev, u.Username, u.Created, u.CreatedBy = before.Tenant, before.ID, before.Rev, before.Username, before.Created, before.CreatedBy
		u.Edition, u.Updated, u.UpdatedBy = before.Edition+1, r.now(), by
		if u.Barred() != "" && before.Barred() == "" || u.Hash != before.Hash {
			u.NotBefore = u.Updated // a new password ends what the old one has bought
		}
		taken := takenBack(tenant, revocation.User, u.ID, before.NotBefore, &u.NotBefore)
		records := []store.Record{u.record()}
		if u.Deleted { // the name is free again, for somebody with another id
			rec, err := r.store.Get(ctx, tenant, store.Login, u.Username)
			if err != nil {
				return nil, fmt.Errorf("free the name of user %s: %w", u.ID, err)
			}
			rec.Expires = u.Updated
			records = append(records, rec)
		}
		err = r.save(ctx, audit.Event{Tenant: tenant, Act: act, Actor: by, Subject: "user:" + u.ID, Changes: u.changes(before)}, taken, records...)
		if errors.Is(err, store.ErrConflict) && try < maxTries {
			continue
		}
		if err != nil {
			return nil, err
		}
		u.Rev++
		return u, nil
	}
}

// SetPassword gives a user a new password, and ends the tokens and refresh tokens that the old one bought. oauth.ErrUnavailable: too many
// passwords are being set at this moment.
func (r *Registry) SetPassword(ctx context.Context, by, tenant, username string, password oauth.Secret) error {
	u, err := r.UserByName(ctx, tenant, username)
	if err != nil {
		return err
	}
	if err := u.checkPassword(password); err != nil { // whoever has to choose another one waits for no hash
		return err
	}
	hash, err := r.hash(ctx, password) // once, however often the edit is made
	if err != nil {
		return err
	}
	_, err = r.UpdateUser(ctx, by, "user.password", tenant, username, func(u *User) error {
		u.Hash, u.MustReset = hash, false
		return u.checkPassword(password)
	})
	return err
}

// check refuses a registration that could not work or should not. What was kept before there was a rule may stay. Texts and lists are put
// into their one form first.
func (u *User) check(t *Tenant, before *User) error {
	u.Name, u.Permissions = strings.TrimSpace(u.Name), each(u.Permissions)
	if u.Name != before.Name && len(u.Name) > 200 {
		return problem("name", "a name has at most 200 bytes")
	}
	if u.Name != before.Name && !oneLine(u.Name) {
		return problem("name", "a name is one line of text, without control characters and without those that turn the direction of writing")
	}
	return t.checkUserPermissions(u.Permissions, before.Permissions)
}

// checkPassword refuses a password that will not do for the user.
func (u *User) checkPassword(password oauth.Secret) error {
	if err := secret.CheckPassword(password.Reveal(), len(u.TOTP) > 0, u.Username, u.Name); err != nil {
		return problem("password", "%v", err)
	}
	return nil
}

// hash hashes a password when its turn comes.
func (r *Registry) hash(ctx context.Context, password oauth.Secret) (h secret.Hash, err error) {
	work := func() { h = secret.HashPassword(password.Reveal()) }
	if r.lane == nil {
		work()
		return h, nil
	}
	if err := r.lane(ctx, work); err != nil {
		return "", fmt.Errorf("hash a password: %w: %w", oauth.ErrUnavailable, err)
	}
	return h, nil
}

// Delete ends a user for good. The name may be registered again, under a new id. It is an edit for UpdateUser.
func (u *User) Delete() { u.Deleted, u.Hash, u.TOTP = true, "", nil }

// RevokeUser ends the tokens and refresh tokens that a user's sign-ins have bought so far. The user may sign in again.
func (r *Registry) RevokeUser(ctx context.Context, by, tenant, username string) error {
	_, err := r.UpdateUser(ctx, by, "user.revoke-tokens", tenant, username, func(u *User) error { u.NotBefore = r.now(); return nil })
	return err
}

// SealTOTP returns the stored form of a one-time code secret, for User.TOTP.
func (r *Registry) SealTOTP(text string) []byte { return r.sealer.Seal("totp", []byte(text)) }

// UseTOTP checks a one-time code and marks it as used, so that it is good once. ErrConflict of the store: another sign-in used one
// at the same time.
func (r *Registry) UseTOTP(ctx context.Context, u *User, code oauth.Secret) (bool, error) {
	text, err := r.sealer.Open("totp", u.TOTP)
	if err != nil {
		return false, fmt.Errorf("one-time code secret of user %s: %w", u.ID, err)
	}
	step, ok := secret.CheckTOTP(string(text), code.Reveal(), r.now(), u.TOTPStep)
	if !ok {
		return false, nil
	}
	used := *u
	used.TOTPStep = step
	switch err := r.store.Put(ctx, used.record(), change.Note(used.record(), r.now())); {
	case errors.Is(err, store.ErrConflict):
		return false, nil // somebody used a code at this moment, perhaps this one
	case err != nil:
		return false, fmt.Errorf("mark a one-time code as used: %w", err)
	}
	r.forget(store.User, u.Tenant, u.ID)
	return true, nil
}

func (u *User) record() store.Record {
	return store.Record{Tenant: u.Tenant, Kind: store.User, ID: u.ID, Rev: u.Rev, Label: u.Username, Body: encode(u)}
}

// maxTypedName bounds what is folded: what is longer in any spelling is a name of nobody.
const maxTypedName = 1024

// canonicalName returns the one spelling of a user name: compatibility forms composed, case folded, what was pasted along gone.
func canonicalName(s string) (string, error) {
	if !utf8.ValidString(s) || len(s) > maxTypedName {
		return "", problem("username", "a user name is UTF-8 text of 1 to 254 bytes")
	}
	fold := cases.Fold()
	s = norm.NFD.String(text.Pasted(s))
	s = norm.NFKC.String(fold.String(norm.NFKD.String(fold.String(s)))) // Unicode, definition D146
	if s == "" || len(s) > 254 {
		return "", problem("username", "a user name is 1 to 254 bytes; an e-mail address serves best")
	}
	if s == "." || s == ".." {
		return "", problem("username", "a user name stands in addresses, where %s is no name", s)
	}
	for _, c := range s {
		if unicode.IsSpace(c) || !unicode.IsGraphic(c) {
			return "", problem("username", "a user name has no spaces or control characters")
		}
	}
	return s, nil
}

// CanonicalName returns the one spelling under which a user name is registered, throttled and recorded, and whether it can be a
// user name at all.
func CanonicalName(s string) (string, bool) {
	c, err := canonicalName(s)
	return c, err == nil
}
