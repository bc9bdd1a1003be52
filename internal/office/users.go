package office

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/internal/secret"
	"github.com/tokenbooth/tokenbooth/internal/store"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// FindUsers returns a page of users whose names start with prefix, by name, and where to go on: "" at the end.
func (d *Desk) FindUsers(ctx context.Context, prefix, after string, limit int) (page []*registry.User, next string, err error) {
	if err := d.may(operator.ReadUsers); err != nil {
		return nil, "", err
	}
	page, next, err = d.office.Registry.FindUsers(ctx, d.tenant, prefix, after, limit)
	page = slices.Clone(page)
	for i, u := range page {
		page[i] = bareUser(u)
	}
	return page, next, err
}

// User returns the user of that name in any spelling, as the store has it now.
func (d *Desk) User(ctx context.Context, username string) (*registry.User, error) {
	if err := d.may(operator.ReadUsers); err != nil {
		return nil, err
	}
	u, err := d.office.Registry.UserByName(ctx, d.tenant, username)
	return bareUser(u), err
}

// UserByID returns the user of that id; a deleted one as such, so that old events have a name.
func (d *Desk) UserByID(ctx context.Context, id string) (*registry.User, error) {
	if err := d.may(operator.ReadUsers); err != nil {
		return nil, err
	}
	u, err := d.office.Registry.User(ctx, d.tenant, id)
	return bareUser(u), err
}

// CreateUser registers a user with a password. With totp one-time codes are asked for as well: the URL, which an authenticator app reads,
// has their secret in it and cannot be shown again.
func (d *Desk) CreateUser(ctx context.Context, u registry.User, password oauth.Secret, totp bool) (made *registry.User, totpURL string, err error) {
	if err := d.may(operator.ChangeUsers); err != nil {
		return nil, "", err
	}
	u = registry.User{Tenant: d.tenant, Username: u.Username, UserSpec: u.UserSpec}
	if totp {
		var text string
		if text, totpURL, err = d.newTOTP(u.Username); err != nil {
			return nil, "", err
		}
		u.TOTP = d.office.Registry.SealTOTP(text)
	}
	if made, err = d.office.Registry.CreateUser(ctx, d.who.By, u, password); err != nil {
		return nil, "", err
	}
	return bareUser(made), totpURL, nil
}

// ImportUser registers a user with the hash of a password that exists already.
func (d *Desk) ImportUser(ctx context.Context, u registry.User, hash string) (*registry.User, error) {
	if err := d.may(operator.ChangeUsers); err != nil {
		return nil, err
	}
	u = registry.User{Tenant: d.tenant, Username: u.Username, UserSpec: u.UserSpec}
	made, err := d.office.Registry.ImportUser(ctx, d.who.By, u, hash)
	return bareUser(made), err
}

// newTOTP makes the secret of one-time codes for a user of that name.
func (d *Desk) newTOTP(username string) (text, url string, err error) {
	t, err := d.found()
	if err != nil {
		return "", "", err
	}
	canonical, ok := registry.CanonicalName(username)
	if !ok {
		return "", "", &registry.Problem{Field: "username", Text: "a user name is 1 to 254 bytes without spaces; an e-mail address serves best"}
	}
	return secret.NewTOTP(cmp.Or(t.Title, t.Name), canonical)
}

// UpdateUser changes what an operator may write of a user: name, permissions, whether the password must be changed, whether it is
// disabled. Anything else that edit changes is put back. act names the change in the audit record; rev is the revision its author has
// seen, or 0. edit may be called again when another writer was faster.
func (d *Desk) UpdateUser(ctx context.Context, username, act string, rev uint64, edit func(*registry.User) error) (*registry.User, error) {
	return d.changeUser(ctx, operator.ChangeUsers, username, cmp.Or(act, "user.update"), rev, func(u *registry.User) error {
		kept := *u
		u.Hash, u.TOTP = kindOf(u.Hash), mark(u.TOTP)
		if err := edit(u); err != nil {
			return err
		}
		u.Hash, u.TOTP, u.TOTPStep, u.Deleted, u.NotBefore = kept.Hash, kept.TOTP, kept.TOTPStep, kept.Deleted, kept.NotBefore
		return nil
	})
}

// DisableUser stops a user, the tokens of its sign-ins included, or lets it start again.
func (d *Desk) DisableUser(ctx context.Context, username string, rev uint64, disabled bool) (*registry.User, error) {
	act := "user.enable"
	if disabled {
		act = "user.disable"
	}
	return d.changeUser(ctx, operator.ChangeUsers, username, act, rev, func(u *registry.User) error { u.Disabled = disabled; return nil })
}

// SetPassword gives a user a new password, and ends the tokens and refresh tokens that the old one bought.
func (d *Desk) SetPassword(ctx context.Context, username string, password oauth.Secret) error {
	if err := d.may(operator.ChangeUsers); err != nil {
		return err
	}
	return d.lostUser(ctx, username, d.office.Registry.SetPassword(ctx, d.who.By, d.tenant, username, password))
}

// SetTOTP asks a user for one-time codes, under a new secret that is returned and cannot be shown again, or asks for none any more.
func (d *Desk) SetTOTP(ctx context.Context, username string, on bool) (text oauth.Secret, url string, err error) {
	if err := d.may(operator.ChangeUsers); err != nil {
		return "", "", err
	}
	act, fresh, sealedText := "user.totp-off", "", []byte(nil)
	if on {
		if fresh, url, err = d.newTOTP(username); err != nil {
			return "", "", err
		}
		act, sealedText = "user.totp", d.office.Registry.SealTOTP(fresh)
	}
	_, err = d.changeUser(ctx, operator.ChangeUsers, username, act, 0, func(u *registry.User) error { u.TOTP, u.TOTPStep = sealedText, 0; return nil })
	if err != nil {
		return "", "", err
	}
	return oauth.Secret(fresh), url, nil
}

// RevokeUserTokens ends the tokens and refresh tokens that a user's sign-ins have bought so far. The user may sign in again.
func (d *Desk) RevokeUserTokens(ctx context.Context, username string) error {
	if err := d.may(operator.RevokeTokens); err != nil {
		return err
	}
	return d.lostUser(ctx, username, d.office.Registry.RevokeUser(ctx, d.who.By, d.tenant, username))
}

// DeleteUser ends a user for good. The name may be registered again, under a new id.
func (d *Desk) DeleteUser(ctx context.Context, username string, rev uint64) error {
	_, err := d.changeUser(ctx, operator.DeleteUsers, username, "user.delete", rev, func(u *registry.User) error {
		u.Delete()
		return nil
	})
	return err
}

// changeUser changes a user whose author has seen revision rev and has the right to. No user can have a permission of the operators' API:
// the registry sees to that.
func (d *Desk) changeUser(ctx context.Context, right operator.Right, username, act string, rev uint64,
	edit func(*registry.User) error) (*registry.User, error) {
	if err := d.may(right); err != nil {
		return nil, err
	}
	changed, err := d.office.Registry.UpdateUser(ctx, d.who.By, act, d.tenant, username, func(u *registry.User) error {
		if err := unchanged(rev, u.Edition, u.UpdatedBy, u.Updated); err != nil {
			return err
		}
		return edit(u)
	})
	return bareUser(changed), d.lostUser(ctx, username, err)
}

// lostUser says who was faster when the store says that somebody was.
func (d *Desk) lostUser(ctx context.Context, username string, err error) error {
	if !errors.Is(err, store.ErrConflict) {
		return err
	}
	if now, failed := d.office.Registry.UserByName(ctx, d.tenant, username); failed == nil {
		return &Changed{now.UpdatedBy, now.Updated}
	}
	return ErrChanged
}
