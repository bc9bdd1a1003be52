package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
)

// ImportUser registers a user with the hash of a password that exists already, in any form that secret.ParseHash takes and that is slow to
// check. It is replaced by one of ours when the password is used for the first time (UpgradePassword). by is who does it.
func (r *Registry) ImportUser(ctx context.Context, by string, u User, hash string) (*User, error) {
	return r.registerUser(ctx, by, "user.import", u, func(u *User) (err error) {
		if u.Hash, err = secret.ParseHash(hash); err != nil {
			return problem("hash", "%v", err)
		}
		if !u.Hash.Slow() {
			return problem("hash", "a plain SHA-256 is no protection of what a person chose: register the user with a new password")
		}
		return r.freeOfClients(ctx, u)
	})
}

// UpgradePassword keeps a password, which has just been checked, under the hash that HashPassword made of it, unless another was set meanwhile.
// What the password bought stays good: it is the same. Nobody who read the user before has missed anything, so its edition stays as well.
func (r *Registry) UpgradePassword(ctx context.Context, u *User, hash secret.Hash) error {
	now, err := r.readUser(ctx, name{u.Tenant, u.ID})
	if err != nil {
		return err
	}
	if now.Hash != u.Hash || now.Barred() != "" {
		return nil
	}
	now.Hash = hash
	err = r.save(ctx, audit.Event{Tenant: u.Tenant, Act: "user.upgrade-password", Actor: "user:" + u.ID, Subject: "user:" + u.ID}, nil, now.record())
	if errors.Is(err, store.ErrConflict) {
		return nil // somebody else was faster, perhaps with the same; the next sign-in sees
	}
	return err
}

// foreignPasswords is how a tenant is remembered where passwords are kept under hashes that take another time to check than ours.
type foreignPasswords struct{ tenant string }

func (r *Registry) noteForeign(u *User) {
	if u.Hash != "" && !u.Hash.Ours() {
		r.slow.Store(foreignPasswords{u.Tenant}, true)
	}
}

// HasForeignPasswords reports whether some user of the tenant was seen, since the process began, whose password was kept under a hash that
// was made elsewhere: it is about the time that answers take, and asks no store.
func (r *Registry) HasForeignPasswords(tenant string) bool {
	_, foreign := r.slow.Load(foreignPasswords{tenant})
	return foreign
}

// SurveyUsers looks for such users where passwords buy tokens, so that the first who asks for one learns nothing from the time it takes. It
// reads a tenant's users until it has found one.
func (r *Registry) SurveyUsers(ctx context.Context) error {
	for _, t := range r.Tenants() {
		for after, more := "", t.AllowPasswordGrant; more && !r.HasForeignPasswords(t.Name); more = after != "" {
			var err error
			if _, after, err = r.Users(ctx, t.Name, after, store.MaxLimit); err != nil {
				return fmt.Errorf("look for imported passwords: %w", err)
			}
		}
	}
	return nil
}
