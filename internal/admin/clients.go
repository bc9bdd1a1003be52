package admin

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tokenbooth/tokenbooth/internal/directory"
	"github.com/tokenbooth/tokenbooth/internal/link"
	"github.com/tokenbooth/tokenbooth/internal/registry"
	"github.com/tokenbooth/tokenbooth/oauth"
)

// FindClients answers a page of clients.
func (a *api) FindClients(ctx context.Context, in FindClientsRequestObject) (FindClientsResponseObject, error) {
	p := in.Params
	size, err := pageSize(p.Limit)
	if err != nil {
		return nil, err
	}
	if err := known(p.State, "state"); err != nil {
		return nil, err
	}
	if err := known(p.Sort, "sort"); err != nil {
		return nil, err
	}
	if err := known(p.Order, "order"); err != nil {
		return nil, err
	}
	filters := p
	filters.Cursor, filters.Limit = "", 0
	name := list("findClients", in.Tenant, filters)
	after, err := a.after(name, p.Cursor)
	if err != nil {
		return nil, err
	}
	page, err := a.desk(ctx, in.Tenant).FindClients(ctx, directory.Search{Text: p.Q, State: string(p.State), Permission: p.Permission,
		Sort: string(p.Sort), Descending: p.Order == Desc, After: after, Limit: size})
	if err != nil {
		return nil, err
	}
	out := ClientPage{Clients: []Client{}, Next: a.cursor(name, page.Next), Total: page.Total}
	for _, c := range page.Clients {
		out.Clients = append(out.Clients, clientOut(c, a.Now()))
	}
	return FindClients200JSONResponse(out), nil
}

// known refuses a word that the contract does not list; none at all is fine.
func known[T interface {
	~string
	Valid() bool
}](word T, field string) error {
	if word != "" && !word.Valid() {
		return atField(field, "The contract lists the words that can stand here.")
	}
	return nil
}

// CreateClient answers a new client with its secret.
func (a *api) CreateClient(ctx context.Context, in CreateClientRequestObject) (CreateClientResponseObject, error) {
	desk, err := a.deskFor(ctx, in.Tenant, in.Params.DryRun)
	if err != nil {
		return nil, err
	}
	tenant, err := desk.Tenant()
	if err != nil {
		return nil, err
	}
	fields := as[ClientFields](in.Body)
	c, err := fields.newClient(tenant, in.Body.Id)
	if err != nil {
		return nil, err
	}
	made, text, err := desk.CreateClient(ctx, c)
	if err != nil {
		return nil, err
	}
	if in.Params.DryRun {
		return CreateClient204Response{}, nil
	}
	return CreateClient201JSONResponse{IssuedClient{clientOut(made, a.Now()), text.Reveal()},
		CreateClient201ResponseHeaders{etag(made.Rev), placeOf(in.Tenant, "clients", made.ID)}}, nil
}

// placeOf is where something is found.
func placeOf(tenant, kind, id string) string { return link.Path("v1", tenantsPath, tenant, kind, id) }

// ImportClient answers a client that has existed elsewhere.
func (a *api) ImportClient(ctx context.Context, in ImportClientRequestObject) (ImportClientResponseObject, error) {
	desk, err := a.deskFor(ctx, in.Tenant, in.Params.DryRun)
	if err != nil {
		return nil, err
	}
	tenant, err := desk.Tenant()
	if err != nil {
		return nil, err
	}
	fields := as[ClientFields](in.Body)
	c, err := fields.newClient(tenant, in.Body.Id)
	if err != nil {
		return nil, err
	}
	made, err := desk.ImportClient(ctx, c, oauth.Secret(in.Body.Secret), in.Body.Hash)
	if err != nil {
		return nil, err
	}
	if in.Params.DryRun {
		return ImportClient204Response{}, nil
	}
	return ImportClient201JSONResponse{clientOut(made, a.Now()), ImportClient201ResponseHeaders{etag(made.Rev), placeOf(in.Tenant, "clients", made.ID)}}, nil
}

// GetClient answers a client as it is now.
func (a *api) GetClient(ctx context.Context, in GetClientRequestObject) (GetClientResponseObject, error) {
	c, err := a.desk(ctx, in.Tenant).Client(ctx, in.Id)
	if err != nil {
		return nil, err
	}
	if c.Deleted {
		return nil, registry.ErrNotFound
	}
	return GetClient200JSONResponse{clientOut(c, a.Now()), GetClient200ResponseHeaders{etag(c.Rev)}}, nil
}

// ReplaceClient writes all that can be written of a client.
func (a *api) ReplaceClient(ctx context.Context, in ReplaceClientRequestObject) (ReplaceClientResponseObject, error) {
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
	c, err := desk.UpdateClient(ctx, in.Id, string(cmp.Or(in.Params.Act, ClientUpdate)), rev, in.Body.put)
	if err != nil {
		return nil, err
	}
	if in.Params.DryRun {
		return ReplaceClient204Response{}, nil
	}
	return ReplaceClient200JSONResponse{clientOut(c, a.Now()), ReplaceClient200ResponseHeaders{etag(c.Rev)}}, nil
}

// DeleteClient ends a client for good.
func (a *api) DeleteClient(ctx context.Context, in DeleteClientRequestObject) (DeleteClientResponseObject, error) {
	rev, err := parseIfMatch(in.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := a.desk(ctx, in.Tenant).DeleteClient(ctx, in.Id, rev); err != nil {
		return nil, err
	}
	return DeleteClient204Response{}, nil
}

// DisableClient stops a client.
func (a *api) DisableClient(ctx context.Context, in DisableClientRequestObject) (DisableClientResponseObject, error) {
	rev, err := parseIfMatch(in.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	c, err := a.desk(ctx, in.Tenant).DisableClient(ctx, in.Id, rev, true)
	if err != nil {
		return nil, err
	}
	return DisableClient200JSONResponse{clientOut(c, a.Now()), DisableClient200ResponseHeaders{etag(c.Rev)}}, nil
}

// EnableClient lets a client start again.
func (a *api) EnableClient(ctx context.Context, in EnableClientRequestObject) (EnableClientResponseObject, error) {
	rev, err := parseIfMatch(in.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	c, err := a.desk(ctx, in.Tenant).DisableClient(ctx, in.Id, rev, false)
	if err != nil {
		return nil, err
	}
	return EnableClient200JSONResponse{clientOut(c, a.Now()), EnableClient200ResponseHeaders{etag(c.Rev)}}, nil
}

// RotateSecret answers a client's new secret.
func (a *api) RotateSecret(ctx context.Context, in RotateSecretRequestObject) (RotateSecretResponseObject, error) {
	rev, err := parseIfMatch(in.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	c, text, err := a.desk(ctx, in.Tenant).RotateSecret(ctx, in.Id, rev, overlap(in.Body.Overlap))
	if err != nil {
		return nil, err
	}
	return RotateSecret200JSONResponse{IssuedClient{clientOut(c, a.Now()), text.Reveal()}, RotateSecret200ResponseHeaders{etag(c.Rev)}}, nil
}

// overlap is a number of seconds as the rest of Go has it; one too large for that is too large for a client as well.
func overlap(seconds int64) time.Duration {
	const most = int64(math.MaxInt64 / time.Second)
	return time.Duration(max(-1, min(seconds, most))) * time.Second
}

// RetireSecret ends a secret that is being replaced.
func (a *api) RetireSecret(ctx context.Context, in RetireSecretRequestObject) (RetireSecretResponseObject, error) {
	rev, err := parseIfMatch(in.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	c, err := a.desk(ctx, in.Tenant).RetireSecret(ctx, in.Id, rev, in.Body.Credential)
	if err != nil {
		return nil, err
	}
	return RetireSecret200JSONResponse{clientOut(c, a.Now()), RetireSecret200ResponseHeaders{etag(c.Rev)}}, nil
}

// UndoRotation ends the new secret instead.
func (a *api) UndoRotation(ctx context.Context, in UndoRotationRequestObject) (UndoRotationResponseObject, error) {
	rev, err := parseIfMatch(in.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	c, err := a.desk(ctx, in.Tenant).UndoRotation(ctx, in.Id, rev)
	if err != nil {
		return nil, err
	}
	return UndoRotation200JSONResponse{clientOut(c, a.Now()), UndoRotation200ResponseHeaders{etag(c.Rev)}}, nil
}

// RevokeClientTokens ends the tokens of a client.
func (a *api) RevokeClientTokens(ctx context.Context, in RevokeClientTokensRequestObject) (RevokeClientTokensResponseObject, error) {
	if err := a.desk(ctx, in.Tenant).RevokeClientTokens(ctx, in.Id); err != nil {
		return nil, err
	}
	return RevokeClientTokens204Response{}, nil
}

// GetUsage answers how a client was used.
func (a *api) GetUsage(ctx context.Context, in GetUsageRequestObject) (GetUsageResponseObject, error) {
	u, err := a.desk(ctx, in.Tenant).Usage(ctx, in.Id)
	if err != nil {
		return nil, err
	}
	out := Usage{Days: []Day{}, Permissions: []PermissionUse{}, Since: utc(u.Since)}
	for _, d := range u.Days {
		out.Days = append(out.Days, Day{Day: utc(d.Day), Tokens: d.Tokens})
	}
	for name, at := range u.Permissions {
		out.Permissions = append(out.Permissions, PermissionUse{Permission: name, LastUsed: utc(at)})
	}
	slices.SortFunc(out.Permissions, func(x, y PermissionUse) int { return strings.Compare(x.Permission, y.Permission) })
	return GetUsage200JSONResponse(out), nil
}
