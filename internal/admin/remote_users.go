package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// FindUsers returns a page of users whose names start with prefix, by name, and where to go on: "" at the end.
func (r *Remote) FindUsers(ctx context.Context, prefix, after string, limit int) (found []*registry.User, next string, err error) {
	var out UserPage
	err = r.do(ctx, request{method: http.MethodGet, path: []string{"users"}, query: asked("prefix", prefix, "cursor", after, "limit", page(limit))}, &out)
	for i := range out.Users {
		found = append(found, userIn(r.tenant, &out.Users[i]))
	}
	return found, out.Next, err
}

// onUser sends a request that is answered with a user.
func (r *Remote) onUser(ctx context.Context, q request) (*registry.User, error) {
	var out User
	if err := r.do(ctx, q, &out); err != nil {
		return nil, err
	}
	return userIn(r.tenant, &out), nil
}

// User returns the user of that name in any spelling.
func (r *Remote) User(ctx context.Context, username string) (*registry.User, error) {
	return r.onUser(ctx, request{method: http.MethodGet, path: []string{"users", username}})
}

// CreateUser registers a user with a password. With totp the URL has the secret of one-time codes in it and cannot be shown again.
func (r *Remote) CreateUser(ctx context.Context, u registry.User, password oauth.Secret, totp bool) (made *registry.User, totpURL string, err error) {
	in := as[NewUser](writableUser(&u))
	in.Username, in.Password, in.Totp = u.Username, password.Reveal(), totp
	q := request{method: http.MethodPost, path: []string{"users"}, once: true, in: in}
	if r.rehearsing {
		made, err = rehearse(ctx, r, q, &u)
		return made, "", err
	}
	var out CreatedUser
	if err := r.do(ctx, q, &out); err != nil {
		return nil, "", err
	}
	return userIn(r.tenant, &out.User), out.TotpUrl, nil
}

// ImportUser registers a user with the hash of a password that exists already.
func (r *Remote) ImportUser(ctx context.Context, u registry.User, hash string) (*registry.User, error) {
	in := as[ImportedUser](writableUser(&u))
	in.Username, in.Hash = u.Username, hash
	q := request{method: http.MethodPost, path: []string{"users", "import"}, once: true, in: in}
	if r.rehearsing {
		return rehearse(ctx, r, q, &u)
	}
	return r.onUser(ctx, q)
}

// UpdateUser reads a user, lets edit change it and writes it back, in what may be written, as UpdateClient does.
func (r *Remote) UpdateUser(ctx context.Context, username, act string, rev uint64, edit func(*registry.User) error) (*registry.User, error) {
	return change[*registry.User]{
		read:  func(ctx context.Context) (*registry.User, error) { return r.User(ctx, username) },
		state: func(u *registry.User) (uint64, string, time.Time) { return u.Edition, u.UpdatedBy, u.Updated },
		edit:  edit,
		write: func(ctx context.Context, u *registry.User, seen uint64) (*registry.User, error) {
			q := request{method: http.MethodPut, path: []string{"users", username}, query: asked("act", act), match: match(seen), in: writableUser(u)}
			if r.rehearsing {
				return rehearse(ctx, r, q, u)
			}
			return r.onUser(ctx, q)
		},
	}.run(ctx, rev)
}

// SetPassword gives a user a new password.
func (r *Remote) SetPassword(ctx context.Context, username string, password oauth.Secret) error {
	return r.do(ctx, request{method: http.MethodPost, path: []string{"users", username, "password"}, in: Password{Password: password.Reveal()}}, nil)
}

// SetTOTP asks a user for one-time codes, under a new secret, or asks for none any more.
func (r *Remote) SetTOTP(ctx context.Context, username string, on bool) (text oauth.Secret, url string, err error) {
	var out TOTPSecret
	err = r.do(ctx, request{method: http.MethodPost, path: []string{"users", username, "totp"}, once: true, in: TOTP{Enabled: on}}, &out)
	return oauth.Secret(out.Secret), out.Url, err
}

// DisableUser stops a user, or lets it start again.
func (r *Remote) DisableUser(ctx context.Context, username string, rev uint64, disabled bool) (*registry.User, error) {
	return r.onUser(ctx, request{method: http.MethodPost, path: []string{"users", username, turn(disabled)}, match: match(rev)})
}

// DeleteUser ends a user for good.
func (r *Remote) DeleteUser(ctx context.Context, username string, rev uint64) error {
	return r.do(ctx, request{method: http.MethodDelete, path: []string{"users", username}, match: match(rev)}, nil)
}

// RevokeUserTokens ends the tokens and refresh tokens that a user's sign-ins have bought so far.
func (r *Remote) RevokeUserTokens(ctx context.Context, username string) error {
	return r.do(ctx, request{method: http.MethodPost, path: []string{"users", username, "revoke-tokens"}}, nil)
}
