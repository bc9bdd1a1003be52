package admin

import (
	"cmp"
	"context"

	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// FindUsers answers a page of users.
func (a *api) FindUsers(ctx context.Context, in FindUsersRequestObject) (FindUsersResponseObject, error) {
	size, err := pageSize(in.Params.Limit)
	if err != nil {
		return nil, err
	}
	name := list("findUsers", in.Tenant, in.Params.Prefix)
	after, err := a.after(name, in.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, next, err := a.desk(ctx, in.Tenant).FindUsers(ctx, in.Params.Prefix, after, size)
	if err != nil {
		return nil, err
	}
	out := UserPage{Users: []User{}, Next: a.cursor(name, next)}
	for _, u := range page {
		out.Users = append(out.Users, userOut(u))
	}
	return FindUsers200JSONResponse(out), nil
}

// CreateUser answers a new user.
func (a *api) CreateUser(ctx context.Context, in CreateUserRequestObject) (CreateUserResponseObject, error) {
	u := registry.User{Tenant: in.Tenant, Username: in.Body.Username}
	fields := as[UserFields](in.Body)
	fields.put(&u)
	desk, err := a.deskFor(ctx, in.Tenant, in.Params.DryRun)
	if err != nil {
		return nil, err
	}
	made, url, err := desk.CreateUser(ctx, u, oauth.Secret(in.Body.Password), in.Body.Totp)
	if err != nil {
		return nil, err
	}
	if in.Params.DryRun {
		return CreateUser204Response{}, nil
	}
	return CreateUser201JSONResponse{CreatedUser{TotpUrl: url, User: userOut(made)},
		CreateUser201ResponseHeaders{etag(made.Edition), placeOf(in.Tenant, "users", made.Username)}}, nil
}

// ImportUser answers a user who has existed elsewhere.
func (a *api) ImportUser(ctx context.Context, in ImportUserRequestObject) (ImportUserResponseObject, error) {
	u := registry.User{Tenant: in.Tenant, Username: in.Body.Username}
	fields := as[UserFields](in.Body)
	fields.put(&u)
	desk, err := a.deskFor(ctx, in.Tenant, in.Params.DryRun)
	if err != nil {
		return nil, err
	}
	made, err := desk.ImportUser(ctx, u, in.Body.Hash)
	if err != nil {
		return nil, err
	}
	if in.Params.DryRun {
		return ImportUser204Response{}, nil
	}
	return ImportUser201JSONResponse{userOut(made), ImportUser201ResponseHeaders{etag(made.Edition), placeOf(in.Tenant, "users", made.Username)}}, nil
}

// GetUser answers a user as it is now.
func (a *api) GetUser(ctx context.Context, in GetUserRequestObject) (GetUserResponseObject, error) {
	u, err := a.desk(ctx, in.Tenant).User(ctx, in.Username)
	if err != nil {
		return nil, err
	}
	if u.Deleted {
		return nil, registry.ErrNotFound
	}
	return GetUser200JSONResponse{userOut(u), GetUser200ResponseHeaders{etag(u.Edition)}}, nil
}

// ReplaceUser writes all that can be written of a user.
func (a *api) ReplaceUser(ctx context.Context, in ReplaceUserRequestObject) (ReplaceUserResponseObject, error) {
	rev, err := parseIfMatch(in.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := known(in.Params.Act, "act"); err != nil {
		return nil, err
	}
	desk, err := a.deskFor(ctx, in.Tenant, in.Params.DryRun)
	if err != nil {
		return nil, err
	}
	u, err := desk.UpdateUser(ctx, in.Username, string(cmp.Or(in.Params.Act, UserUpdate)), rev, func(u *registry.User) error {
		in.Body.put(u)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if in.Params.DryRun {
		return ReplaceUser204Response{}, nil
	}
	return ReplaceUser200JSONResponse{userOut(u), ReplaceUser200ResponseHeaders{etag(u.Edition)}}, nil
}

// DeleteUser ends a user for good.
func (a *api) DeleteUser(ctx context.Context, in DeleteUserRequestObject) (DeleteUserResponseObject, error) {
	rev, err := parseIfMatch(in.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := a.desk(ctx, in.Tenant).DeleteUser(ctx, in.Username, rev); err != nil {
		return nil, err
	}
	return DeleteUser204Response{}, nil
}

// DisableUser stops a user.
func (a *api) DisableUser(ctx context.Context, in DisableUserRequestObject) (DisableUserResponseObject, error) {
	rev, err := parseIfMatch(in.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	u, err := a.desk(ctx, in.Tenant).DisableUser(ctx, in.Username, rev, true)
	if err != nil {
		return nil, err
	}
	return DisableUser200JSONResponse{userOut(u), DisableUser200ResponseHeaders{etag(u.Edition)}}, nil
}

// EnableUser lets a user start again.
func (a *api) EnableUser(ctx context.Context, in EnableUserRequestObject) (EnableUserResponseObject, error) {
	rev, err := parseIfMatch(in.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	u, err := a.desk(ctx, in.Tenant).DisableUser(ctx, in.Username, rev, false)
	if err != nil {
		return nil, err
	}
	return EnableUser200JSONResponse{userOut(u), EnableUser200ResponseHeaders{etag(u.Edition)}}, nil
}

// SetPassword gives a user a new password.
func (a *api) SetPassword(ctx context.Context, in SetPasswordRequestObject) (SetPasswordResponseObject, error) {
	if err := a.desk(ctx, in.Tenant).SetPassword(ctx, in.Username, oauth.Secret(in.Body.Password)); err != nil {
		return nil, err
	}
	return SetPassword204Response{}, nil
}

// SetTOTP answers the secret of one-time codes, where they are asked for.
func (a *api) SetTOTP(ctx context.Context, in SetTOTPRequestObject) (SetTOTPResponseObject, error) {
	text, url, err := a.desk(ctx, in.Tenant).SetTOTP(ctx, in.Username, in.Body.Enabled)
	if err != nil {
		return nil, err
	}
	return SetTOTP200JSONResponse{Secret: text.Reveal(), Url: url}, nil
}

// RevokeUserTokens ends the tokens of a user.
func (a *api) RevokeUserTokens(ctx context.Context, in RevokeUserTokensRequestObject) (RevokeUserTokensResponseObject, error) {
	if err := a.desk(ctx, in.Tenant).RevokeUserTokens(ctx, in.Username); err != nil {
		return nil, err
	}
	return RevokeUserTokens204Response{}, nil
}
