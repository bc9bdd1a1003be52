package main

import (
	"context"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/admin"
	"github.com/tokenbooth/tokenbooth/internal/audit"
	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/issuer"
	"github.com/tokenbooth/tokenbooth/internal/keyring"
	"github.com/tokenbooth/tokenbooth/internal/office"
	"github.com/tokenbooth/tokenbooth/internal/operator"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// acts are what commands do for one tenant: on the store itself (office.Desk), or at a server elsewhere by the operators' API
// (admin.Remote). Commands know no difference.
type acts interface {
	clientActs
	userActs
	tokenActs
	Keys() ([]keyring.Public, error)
	RotateKeys(ctx context.Context, unannounced bool) error
	WithdrawKey(ctx context.Context, kid string) error
	recorded
	Explain(ctx context.Context, requestID string) (office.Explanation, error)
}

type clientActs interface {
	FindClients(ctx context.Context, q directory.Search) (directory.Page, error)
	Client(ctx context.Context, id string) (*registry.Client, error)
	CreateClient(ctx context.Context, c registry.Client) (*registry.Client, oauth.Secret, error)
	ImportClient(ctx context.Context, c registry.Client, text oauth.Secret, hash string) (*registry.Client, error)
	UpdateClient(ctx context.Context, id, act string, rev uint64, edit func(*registry.Client) error) (*registry.Client, error)
	DisableClient(ctx context.Context, id string, rev uint64, disabled bool) (*registry.Client, error)
	DeleteClient(ctx context.Context, id string, rev uint64) error
	RotateSecret(ctx context.Context, id string, rev uint64, overlap time.Duration) (*registry.Client, oauth.Secret, error)
	RetireSecret(ctx context.Context, id string, rev uint64, credential string) (*registry.Client, error)
	UndoRotation(ctx context.Context, id string, rev uint64) (*registry.Client, error)
	RevokeClientTokens(ctx context.Context, id string) error
}

type userActs interface {
	FindUsers(ctx context.Context, prefix, after string, limit int) (page []*registry.User, next string, err error)
	User(ctx context.Context, username string) (*registry.User, error)
	CreateUser(ctx context.Context, u registry.User, password oauth.Secret, totp bool) (made *registry.User, totpURL string, err error)
	ImportUser(ctx context.Context, u registry.User, hash string) (*registry.User, error)
	UpdateUser(ctx context.Context, username, act string, rev uint64, edit func(*registry.User) error) (*registry.User, error)
	SetPassword(ctx context.Context, username string, password oauth.Secret) error
	SetTOTP(ctx context.Context, username string, on bool) (text oauth.Secret, url string, err error)
	DisableUser(ctx context.Context, username string, rev uint64, disabled bool) (*registry.User, error)
	DeleteUser(ctx context.Context, username string, rev uint64) error
	RevokeUserTokens(ctx context.Context, username string) error
}

type tokenActs interface {
	Introspect(ctx context.Context, text oauth.Secret) (oauth.Introspection, error)
	RevokeToken(ctx context.Context, text oauth.Secret) (issuer.Revoked, error)
	RevokeAll(ctx context.Context) error
}

// staffActs are what commands do at the desk itself, which is of no tenant: about the people who run it, and its own record.
type staffActs interface {
	List(ctx context.Context) ([]*operator.Operator, error)
	Create(ctx context.Context, o operator.Operator) (*operator.Operator, error)
	Update(ctx context.Context, act, id string, rev uint64, edit func(*operator.Operator) error) (*operator.Operator, error)
	Delete(ctx context.Context, id string, rev uint64) error
	Invite(ctx context.Context, id string, life time.Duration) (url oauth.Secret, expires time.Time, err error)
	ClearProofs(ctx context.Context, id string, rev uint64) (*operator.Operator, error)
	Sessions(ctx context.Context, operatorID string) ([]*operator.Session, error)
	EndSession(ctx context.Context, operatorID, sessionID string) error
	EndSessions(ctx context.Context, operatorID, except string) error
	recorded
}

// recorded is what has an audit record: a tenant, or the desk itself.
type recorded interface {
	Events(ctx context.Context, q audit.Query) (events []audit.Event, next string, more bool, err error)
}

var (
	_ acts      = (*office.Desk)(nil)
	_ acts      = (*admin.Remote)(nil)
	_ staffActs = (*office.Staff)(nil)
	_ staffActs = (*admin.RemoteStaff)(nil)
)
